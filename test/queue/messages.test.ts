import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowfillError } from '../../src/errors.js';
import { createGroupBatch } from '../../src/job/ask-group.js';
import type { SettledGroup } from '../../src/job/settle-group.js';
import type { PendingBatch, Question } from '../../src/model/question.js';
import {
  type JobLimits,
  packBatch,
  packComplete,
  packError,
  unpackBatch,
  unpackComplete,
  unpackError,
} from '../../src/queue/messages.js';
import { createTestAsk, createTestBatch, createTestKey, createTestRun } from '../helpers/ledger-samples.js';

const LIMITS: JobLimits = {
  spend: { jobMicros: 1_000_000, day: null },
  ...{ maxActive: 20, startsPerSecond: 5, runTimeoutMs: null, listLagMs: 15_000, lastAttempt: 5 },
  blanks: { words: ['+tbd'], codeColumns: ['country'] },
};

const FIELDS = ['ceo', 'headcount'];
const ANY_QUESTION = fc.record({
  name: fc.string({ minLength: 1, unit: 'binary' }),
  fields: fc.subarray(FIELDS, { minLength: 1 }),
  fault: fc.option(fc.constantFrom('missing', 'not an integer'), { nil: null }),
  seen: fc.integer({ min: 0, max: 2 ** 52 }),
});

test('a batch comes out of the queue as it was planned, and its ids are the same', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(ANY_QUESTION, { minLength: 1, maxLength: 8, selector: ({ name }) => name }),
      fc.record({
        level: fc.constantFrom(0, 1),
        attempt: fc.integer({ min: 1, max: 5 }),
        previousRunId: fc.option(fc.constant('run_1'), { nil: null }),
        resends: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      }),
      (drawn, { level, attempt, previousRunId, resends }) => {
        const questions = drawn.map(
          ({ name, fields, fault, seen }): Question => ({
            ...{ key: createTestKey(name), record: { company: name }, fields, level, attempt, fault, seen },
          }),
        );
        const group: PendingBatch = {
          ...{ questions, level, attempt, previousRunId },
          fields: FIELDS.filter((field) => drawn.some(({ fields }) => fields.includes(field))),
          ...(resends === undefined ? {} : { resends }),
        };
        const job = { id: 'j_1', invocation: 3 } as Parameters<typeof createGroupBatch>[1]['job'];
        const context = { ask: createTestAsk(), job, prices: {}, isRefresh: false };
        const planned = { batch: createGroupBatch(group, context), group, exclusions: [{ name: 'Acme' }] };
        const sent = JSON.parse(JSON.stringify(packBatch(planned, 3, LIMITS)));
        const received = unpackBatch(sent);
        expect(received).toEqual({ ...planned, invocation: 3 });
        expect(createGroupBatch(received.group, context).id).toBe(planned.batch.id);
        expect(sent.limits).toEqual(LIMITS);
      },
    ),
  );
});

test('a run that answered all rows is taken in as it was settled; any other is left to be checked', () => {
  const batch = createTestBatch({ id: 'j_1', askId: 'q_1', invocation: 3 }, ['a', 'b']);
  const answers = batch.rows.map(({ key }) => ({ key, fields: new Map() }));
  const { costDollars } = createTestRun('run_1');
  const spend = { spentMicros: 9, reservedMicros: 8, estimatedMicros: 7 };
  const result = {
    status: 'settled',
    micros: 5,
    isEstimated: false,
    spend,
    seen: 4,
    merged: new Map(),
  } as const;
  const settled: SettledGroup = {
    ...{ run: { id: 'run_1', status: 'completed', costDollars }, unusable: null, fault: null },
    ...{ answers, repair: { followUp: null, again: [], failures: [] }, disputed: [], result },
    misfits: { unknownIds: 0, doubled: 0 },
  };
  const sent = JSON.parse(JSON.stringify(packComplete(batch, settled)));
  expect(unpackComplete(batch, 'run_1', sent, answers)).toEqual(settled);
  // The agent gave the id to two runs, and the ledger has found the other one.
  expect(unpackComplete(batch, 'run_1', sent, answers.toReversed())).toBeNull();
  expect(unpackComplete(batch, 'run_1', sent, answers.slice(1))).toBeNull();
  const [key = ''] = answers.map((answer) => answer.key);
  const others: Partial<SettledGroup>[] = [
    { unusable: 'not readable' },
    { fault: 'run run_1 failed' },
    { answers: answers.slice(1) },
    { repair: { ...settled.repair, failures: [{ key, reason: 'no answer' }] } },
    { misfits: { unknownIds: 1, doubled: 0 } },
    { misfits: { unknownIds: 0, doubled: 1 } },
    { result: { ...result, status: 'known' } },
    { result: { ...result, merged: new Map([[key, new Map()]]) } },
  ];
  for (const other of others) expect(packComplete(batch, { ...settled, ...other })).toBeNull();
});

test('an error keeps its code, kind and hint; any other stops the job like an agent that cannot be reached', () => {
  const refused = new RowfillError('refused', 'KEY_REFUSED', 'the key was refused', { hint: 'Check it.' });
  const received = unpackError(JSON.parse(JSON.stringify(packError(refused))));
  expect(received).toMatchObject({ kind: 'refused', code: 'KEY_REFUSED', hint: 'Check it.' });
  expect(received.message).toBe('the key was refused');
  const plain = unpackError(JSON.parse(JSON.stringify(packError(new Error('socket closed')))));
  expect(plain).toMatchObject({ kind: 'unreachable', message: 'socket closed' });
  expect(plain.hint).toBeUndefined();
});
