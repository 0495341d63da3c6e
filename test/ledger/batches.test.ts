import { expect, test } from 'vitest';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestKey,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

test('restores an open batch completely: rows, fields, effort, previous run and complaint', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const record = JSON.parse(
    '{"company":"Ünï\\u0000\\ud800 \\"Ltd\\"","__proto__":"a column","n":1e21,"deep":[null,{"a":[]}]}',
  );
  const batch = createTestBatch(job, [], {
    attempt: 3,
    effort: 'high',
    fields: ['headcount'],
    rows: [{ key: createTestKey('x'), record }],
    previousRunId: 'run_0',
    complaint: 'row r1 was missing',
    refresh: true,
  });
  ledger.intend(batch, null);
  const [open] = ledger.findOpenBatches(job.askId);
  expect(JSON.stringify(open?.batch)).toBe(JSON.stringify(batch));
  ledger.close();
});

test('finds open batches of all jobs of an ask, oldest first, with their state', () => {
  const clock = createTestClock();
  const ledger = openTestLedger(undefined, clock);
  const one = openTestJob(ledger, createTestAsk(), '/data/a.csv');
  const two = openTestJob(ledger, createTestAsk(), '/data/b.csv');
  const other = openTestJob(ledger, createTestAsk('Something else'), '/data/a.csv');
  const batches = [
    createTestBatch(one, ['a']),
    createTestBatch(two, ['b']),
    createTestBatch(one, ['c']),
    createTestBatch(two, ['d']),
  ] as const;
  for (const batch of batches) {
    clock.nowMs += 1_000;
    ledger.intend(batch, null);
  }
  ledger.intend(createTestBatch(other, ['a']), null);
  ledger.sent(batches[0].id, 'run_a');
  ledger.suspect(batches[1].id, 'the list failed too');
  ledger.void(batches[2].id, 'not in the list');
  expect(
    ledger
      .findOpenBatches(one.askId)
      .map(({ batch, state, runId, intendedAtMs }) => [batch.id, state, runId, intendedAtMs]),
  ).toEqual([
    [batches[0].id, 'sent', 'run_a', 1_001_000],
    [batches[1].id, 'unknown', null, 1_002_000],
    [batches[3].id, 'intended', null, 1_004_000],
  ]);
  ledger.close();
});

test('a voided batch releases its reservation and may be intended again; an unknown one keeps it', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme']);
  ledger.intend(batch, null);
  ledger.suspect(batch.id, 'cannot tell');
  expect(ledger.readSpend(job.id).reservedMicros).toBe(25_000);
  ledger.void(batch.id, 'the list has no such run');
  ledger.void(batch.id, 'the list has no such run');
  expect(ledger.readSpend(job.id).reservedMicros).toBe(0);
  expect(ledger.intend(batch, 25_000)).toBe('intended');
  expect(ledger.readSpend(job.id).reservedMicros).toBe(25_000);
  ledger.close();
});

test('a run that appears after its batch was voided counts again', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme']);
  ledger.intend(batch, null);
  ledger.void(batch.id, 'the list lagged');
  ledger.sent(batch.id, 'run_1');
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 0, reservedMicros: 25_000 });
  ledger.settle(batch.id, createTestRun('run_1'), [createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1')], []);
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 25_000, reservedMicros: 0 });
  ledger.close();
});

test('a run settled right after its batch was voided is billed, and no reservation is released twice', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme']);
  ledger.intend(batch, null);
  ledger.void(batch.id, 'the list lagged');
  ledger.settle(
    batch.id,
    createTestRun('run_1', 7),
    [],
    [{ key: createTestKey('Acme'), reason: 'no answer' }],
  );
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 7, reservedMicros: 0 });
  ledger.close();
});

test('repeating a step changes nothing', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme']);
  const run = createTestRun('run_1', 30_000);
  const answer = createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1');
  ledger.intend(batch, null);
  ledger.sent(batch.id, 'run_1');
  ledger.sent(batch.id, 'run_1');
  const cost = { micros: 30_000, isEstimated: false };
  expect(ledger.settle(batch.id, run, [answer], [])).toEqual({ ...cost, isNew: true });
  const other = [createTestAnswer('Acme', { ceo: 'Bob' }, 'run_1')];
  expect(ledger.settle(batch.id, createTestRun('run_1', 7), other, [])).toEqual({ ...cost, isNew: false });
  ledger.sent(batch.id, 'run_1');
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 30_000, reservedMicros: 0 });
  expect(ledger.findAnswers(job, [answer.key]).get(answer.key)).toMatchObject({
    fields: answer.fields,
    costMicros: 30_000,
  });
  ledger.close();
});

test('rejects an invalid step as a defect and writes nothing', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme']);
  const defect = expect.objectContaining({ kind: 'defect', code: 'LEDGER_BATCH_STATE' });
  expect(() => ledger.sent('b_nobody', 'run_1')).toThrow(defect);
  ledger.intend(batch, null);
  expect(() => ledger.intend(batch, null)).toThrow(defect);
  expect(ledger.readSpend(job.id).reservedMicros).toBe(25_000);
  ledger.sent(batch.id, 'run_1');
  expect(() => ledger.sent(batch.id, 'run_2')).toThrow(defect);
  expect(() => ledger.suspect(batch.id, 'cannot tell')).toThrow(defect);
  ledger.settle(batch.id, createTestRun('run_1'), [], []);
  expect(() => ledger.void(batch.id, 'gone')).toThrow(defect);
  expect(() => ledger.intend(createTestBatch({ ...job, id: 'j_nobody' }, ['x']), null)).toThrow(
    expect.objectContaining({ code: 'JOB_UNKNOWN' }),
  );
  ledger.close();
});

test.each([1, 10_000])('stores the raw run unchanged, short or long (%d times)', (times) => {
  const ledger = openTestLedger();
  const batch = createTestBatch(openTestJob(ledger), ['Acme']);
  const run = { ...createTestRun('run_1'), error: { message: 'ünï "code"'.repeat(times) } };
  ledger.intend(batch, null);
  ledger.settle(batch.id, run, [], []);
  expect(ledger.readRun('run_1')).toEqual(run);
  expect(ledger.readRun('run_2')).toBeNull();
  ledger.close();
});
