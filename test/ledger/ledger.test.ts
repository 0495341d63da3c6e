import { expect, test } from 'vitest';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestField,
  createTestKey,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

test('a batch goes from intended to sent to settled, and its answers are stored unchanged', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme', 'Globex']);
  expect(ledger.intend(batch, null)).toBe('intended');
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 0, reservedMicros: 25_000 });
  expect(ledger.findOpenBatches(job.askId)).toEqual([
    { batch, state: 'intended', runId: null, intendedAtMs: 1_000_000 },
  ]);

  ledger.sent(batch.id, 'run_1');
  expect(ledger.findOpenBatches(job.askId)).toMatchObject([{ state: 'sent', runId: 'run_1' }]);

  const acme = createTestAnswer('Acme', { ceo: 'Ann "Ace" O’Neil\n', headcount: 12 }, 'run_1');
  ledger.settle(
    batch.id,
    createTestRun('run_1', 20_001),
    [acme],
    [{ key: createTestKey('Globex'), reason: 'no answer' }],
  );
  expect(ledger.findOpenBatches(job.askId)).toEqual([]);
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 20_001, reservedMicros: 0 });

  const found = ledger.findAnswers(job, [
    createTestKey('Acme'),
    createTestKey('Globex'),
    createTestKey('Nobody'),
  ]);
  expect(found.size).toBe(2);
  expect(found.get(createTestKey('Acme'))).toEqual({
    fields: acme.fields,
    failure: null,
    failureInvocation: null,
    costMicros: 10_001,
    estimatedMicros: 0,
    runId: 'run_1',
    answeredJobId: job.id,
    answeredInvocation: 1,
    answeredAtMs: 1_000_000,
  });
  expect(found.get(createTestKey('Globex'))).toEqual({
    fields: new Map(),
    failure: 'no answer',
    failureInvocation: 1,
    costMicros: 10_000,
    estimatedMicros: 0,
    runId: 'run_1',
    answeredJobId: null,
    answeredInvocation: null,
    answeredAtMs: null,
  });
  ledger.close();
});

test('the same ask on the same input is the same job, with a higher invocation', () => {
  const ledger = openTestLedger();
  const first = openTestJob(ledger);
  ledger.closeJob(first.id, { stop: 'interrupted', counts: null, finished: null });
  const again = openTestJob(ledger);
  expect(again).toMatchObject({ id: first.id, invocation: 2, stop: 'interrupted', previous: null });
  expect(openTestJob(ledger)).toMatchObject({ invocation: 3, stop: null });
  expect(openTestJob(ledger, createTestAsk(), '/data/other.csv').id).not.toBe(first.id);
  ledger.close();
});

test('a changed ask on the same input reports the previous ask and its number of answers', () => {
  const ledger = openTestLedger();
  const ask = createTestAsk('Old question');
  const old = openTestJob(ledger, ask);
  const batch = createTestBatch(old, ['Acme', 'Globex']);
  ledger.intend(batch, null);
  ledger.sent(batch.id, 'run_1');
  ledger.settle(batch.id, createTestRun('run_1'), [createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1')], []);

  const changed = openTestJob(ledger, createTestAsk('New question'));
  expect(changed.previous).toEqual({ id: old.id, ask, answered: 1 });
  expect(openTestJob(ledger, createTestAsk('New question')).previous).toBeNull();
  ledger.close();
});

test('an answer bought by another job costs nothing here, and its failures do not count', () => {
  const ledger = openTestLedger();
  const buyer = openTestJob(ledger, createTestAsk(), '/data/a.csv');
  const reader = openTestJob(ledger, createTestAsk(), '/data/b.csv');
  const batch = createTestBatch(buyer, ['Acme', 'Globex']);
  ledger.intend(batch, null);
  ledger.sent(batch.id, 'run_1');
  ledger.settle(
    batch.id,
    createTestRun('run_1'),
    [createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1')],
    [{ key: createTestKey('Globex'), reason: 'no answer' }],
  );
  const found = ledger.findAnswers(reader, [createTestKey('Acme'), createTestKey('Globex')]);
  expect([...found.keys()]).toEqual([createTestKey('Acme')]);
  expect(found.get(createTestKey('Acme'))).toMatchObject({ costMicros: 0, answeredJobId: buyer.id });
  ledger.close();
});

test('a failure belongs to its invocation, and is cleared by an answer', () => {
  const ledger = openTestLedger();
  const key = createTestKey('Acme');
  const first = openTestJob(ledger);
  ledger.fail(first.id, [{ key, reason: 'row too large' }]);
  const second = openTestJob(ledger);
  expect(ledger.findAnswers(second, [key]).get(key)).toMatchObject({
    failure: 'row too large',
    failureInvocation: 1,
    costMicros: 0,
  });
  const batch = createTestBatch(second, ['Acme']);
  ledger.intend(batch, null);
  ledger.sent(batch.id, 'run_1');
  ledger.settle(batch.id, createTestRun('run_1'), [createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1')], []);
  expect(ledger.findAnswers(second, [key]).get(key)).toMatchObject({
    failure: null,
    failureInvocation: null,
    answeredInvocation: 2,
  });
  ledger.close();
});

test('a failure of this invocation stays when another field of the row is answered', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const key = createTestKey('Acme');
  ledger.fail(job.id, [{ key, reason: 'no entry came back for it' }]);
  const batch = createTestBatch(job, ['Acme'], { fields: ['headcount'] });
  ledger.intend(batch, null);
  ledger.settle(batch.id, createTestRun('run_1'), [createTestAnswer('Acme', { headcount: 3 }, 'run_1')], []);
  expect(ledger.findAnswers(job, [key]).get(key)).toMatchObject({
    failure: 'no entry came back for it',
    failureInvocation: 1,
  });
  ledger.close();
});

test('a follow-up adds its field and cost, and keeps the run of the other fields', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const key = createTestKey('Acme');
  const first = createTestBatch(job, ['Acme']);
  ledger.intend(first, null);
  ledger.sent(first.id, 'run_1');
  ledger.settle(
    first.id,
    createTestRun('run_1', 10),
    [createTestAnswer('Acme', { ceo: 'Ann', headcount: null }, 'run_1')],
    [],
  );
  const second = createTestBatch(job, ['Acme'], {
    attempt: 2,
    effort: 'high',
    fields: ['headcount'],
    previousRunId: 'run_1',
  });
  ledger.intend(second, null);
  ledger.sent(second.id, 'run_2');
  ledger.settle(
    second.id,
    createTestRun('run_2', 7),
    [createTestAnswer('Acme', { headcount: 12 }, 'run_2', { effort: 'high' })],
    [],
  );
  const found = ledger.findAnswers(job, [key]).get(key);
  expect(found).toMatchObject({ costMicros: 17, runId: 'run_2' });
  expect(found?.fields).toEqual(
    new Map([
      ['ceo', createTestField('Ann', 'run_1')],
      ['headcount', createTestField(12, 'run_2', { effort: 'high' })],
    ]),
  );
  ledger.close();
});
