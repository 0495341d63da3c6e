import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Dispatcher } from '../../src/job/dispatch.js';
import { type NextQuestions, NO_QUESTIONS } from '../../src/job/job-context.js';
import { JobAbort } from '../../src/job/stop.js';
import type { PendingBatch, Question } from '../../src/model/question.js';
import { Batcher } from '../../src/run/batcher.js';
import { FINDS_VALUES } from '../helpers/simulate-pace.js';

async function* openQuestions(...companies: readonly string[]): AsyncGenerator<readonly Question[]> {
  for (const company of companies)
    yield [
      { key: company, record: { company }, fields: ['ceo'], level: 0, attempt: 1, fault: null, seen: 0 },
    ];
}

test('a batch that did not fit the budget is tried again if a run ended before the ledger answered', async () => {
  let letEnd = (): void => undefined;
  const first = new Promise<void>((resolve) => {
    letEnd = resolve;
  });
  const stop = new JobAbort();
  const asked: string[] = [];
  const dispatcher = new Dispatcher({
    concurrency: 2,
    stop,
    pool: new Batcher({ batchSize: 1, maxBatchBytes: 1_000, fieldNames: ['f'], computePrice: () => 0 }),
    handsOut: false,
    yields: FINDS_VALUES,
    statedCost: { hasRoom: () => true, take: () => true, giveBack: () => undefined },
    async askGroup(group: PendingBatch): Promise<NextQuestions> {
      const number = asked.push(group.questions[0]?.key ?? '');
      if (number === 1) await first;
      if (number !== 2) return NO_QUESTIONS;
      // The budget was used by the first run when this was decided. The answer arrives after that run has ended.
      letEnd();
      for (let turn = 0; turn < 3; turn += 1) await setImmediate();
      return { ...NO_QUESTIONS, overBudget: group };
    },
    giveUpUnaffordable: async () => undefined,
    lookAgain: async () => NO_QUESTIONS,
  });
  await dispatcher.run(openQuestions('A', 'B'));
  expect(asked).toEqual(['A', 'B', 'B']);
  expect(stop.reason).toBeNull();
});
