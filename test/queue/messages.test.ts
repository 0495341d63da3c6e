import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowfillError } from '../../src/errors.js';
import { createGroupBatch } from '../../src/job/ask-group.js';
import type { PendingBatch, Question } from '../../src/model/question.js';
import { type JobLimits, packBatch, packError, unpackBatch, unpackError } from '../../src/queue/messages.js';
import { createTestAsk, createTestKey } from '../helpers/ledger-samples.js';

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
        const sent = JSON.parse(JSON.stringify(packBatch(planned, LIMITS)));
        const received = unpackBatch(sent);
        expect(received).toEqual({ ...planned, isHandedOut: true });
        expect(createGroupBatch(received.group, context).id).toBe(planned.batch.id);
        expect(sent.limits).toEqual(LIMITS);
      },
    ),
  );
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
