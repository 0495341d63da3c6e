import { expect, test } from 'vitest';
import { Database } from '../../src/ledger/database.js';
import { COUNT_ANSWERS } from '../../src/ledger/list-jobs.js';
import { migrate } from '../../src/ledger/migrations.js';
import { ROW_STATUSES, type RowCounts } from '../../src/model/answer.js';
import {
  createLedgerPath,
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestKey,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

function createCounts(changes: Partial<RowCounts>): RowCounts {
  const zeros = Object.fromEntries(ROW_STATUSES.map((status) => [status, 0])) as Record<
    (typeof ROW_STATUSES)[number],
    number
  >;
  return { ...zeros, total: 0, ...changes };
}

test('reads a job with its ask, paths and settings, by its id or a prefix', () => {
  const path = createLedgerPath();
  const ask = createTestAsk();
  const ledger = openTestLedger(path);
  const { previous, ...job } = openTestJob(ledger, ask);
  expect(previous).toBeNull();
  ledger.close();
  const again = openTestLedger(path);
  expect(again.readJob(job.id)).toEqual(job);
  expect(again.readJob(job.id.slice(0, 6))).toEqual(job);
  expect(again.readJob(job.id.slice(2, 6))).toEqual(job);
  expect(again.findJob(ask.id, '/data/in.csv')).toEqual(job);
  expect(again.findJob(ask.id, '/data/other.csv')).toBeNull();
  again.close();
});

test('rejects an unknown or ambiguous id with a hint', () => {
  const ledger = openTestLedger();
  for (const input of ['/a', '/b', '/c']) openTestJob(ledger, createTestAsk(), input);
  const unknown = expect.objectContaining({
    kind: 'usage',
    code: 'JOB_UNKNOWN',
    hint: expect.stringContaining('rowfill status'),
  });
  for (const id of ['j_zzzz', '%', '', 'j_']) expect(() => ledger.readJob(id)).toThrow(unknown);
  const ids = ledger.listJobs().map((job) => job.id);
  // With enough jobs, two share a prefix, so add inputs until they do.
  const seen = new Set(ids.map((id) => id.slice(0, 3)));
  let shared = seen.size < ids.length ? ids[0]?.slice(0, 3) : undefined;
  for (let index = 0; shared === undefined; index += 1) {
    const start = openTestJob(ledger, createTestAsk(), `/more/${index}`).id.slice(0, 3);
    if (seen.has(start)) shared = start;
    seen.add(start);
  }
  expect(() => ledger.readJob(shared)).toThrow(expect.objectContaining({ code: 'JOB_AMBIGUOUS' }));
  expect(() => ledger.closeJob('j_zzzz', { stop: 'done', counts: null, finished: null })).toThrow(unknown);
  ledger.close();
});

test('lists jobs with rows by status, money, and open runs with ids and age', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const done = openTestJob(ledger, createTestAsk(), '/data/done.csv');
  const counts = createCounts({ enriched: 3, failed: 1, total: 4 });
  clock.nowMs = 1_500;
  ledger.closeJob(done.id, { stop: 'done', counts, finished: null });
  clock.nowMs = 2_000;
  const killed = openTestJob(ledger, createTestAsk(), '/data/killed.csv');
  const settled = createTestBatch(killed, ['a', 'b', 'c']);
  ledger.intend(settled, null);
  ledger.settle(
    settled.id,
    createTestRun('run_1', 30),
    [createTestAnswer('a', { ceo: 'Ann' }, 'run_1')],
    [{ key: createTestKey('b'), reason: 'no answer' }],
  );
  const open = createTestBatch(killed, ['d', 'e']);
  clock.nowMs = 3_000;
  ledger.intend(open, null);
  ledger.sent(open.id, 'run_2');
  expect(ledger.listJobs()).toEqual([
    {
      place: null,
      id: killed.id,
      askId: killed.askId,
      query: 'Who leads the company?',
      input: '/data/killed.csv',
      output: '/data/killed.csv.filled',
      invocation: 1,
      stop: null,
      counts: null,
      answered: 1,
      failed: 1,
      spentMicros: 30,
      estimatedMicros: 0,
      reservedMicros: 25_000,
      openedAtMs: 2_000,
      closedAtMs: null,
      runs: [
        {
          batchId: open.id,
          runId: 'run_2',
          state: 'sent',
          rows: 2,
          reserveMicros: 25_000,
          intendedAtMs: 3_000,
        },
      ],
    },
    expect.objectContaining({ id: done.id, stop: 'done', counts, closedAtMs: 1_500, runs: [] }),
  ]);
  ledger.close();
});

test('an interruption without output keeps the counts of the previous output', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const counts = createCounts({ enriched: 1, total: 1 });
  ledger.closeJob(job.id, { stop: 'done', counts, finished: null });
  openTestJob(ledger);
  ledger.closeJob(job.id, { stop: 'interrupted', counts: null, finished: null });
  expect(ledger.listJobs()).toMatchObject([{ stop: 'interrupted', counts, invocation: 2 }]);
  ledger.close();
});

test('counts the rows of a job without reading its answers', () => {
  const database = new Database(createLedgerPath());
  migrate(database);
  const plan = database.all<{ detail: string }>(`explain query plan ${COUNT_ANSWERS}`, 1);
  const answers = plan.map((step) => step.detail).filter((detail) => /^\w+ answer\b/.test(detail));
  expect(answers).toEqual(['SCAN answer USING INDEX answer_blank']);
  database.close();
});
