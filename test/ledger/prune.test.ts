import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Database } from '../../src/ledger/database.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { OpenedJob } from '../../src/ledger/records.js';
import {
  countKeys,
  createLedgerPath,
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestKey,
  createTestRun,
  findCeos,
  openTestJob,
  openTestLedger,
  settleTestRun,
} from '../helpers/ledger-samples.js';

function settleOne(ledger: Ledger, job: OpenedJob, runId: string): void {
  const batch = createTestBatch(job, ['Acme']);
  ledger.intend(batch, null);
  ledger.settle(batch.id, createTestRun(runId, 10), [createTestAnswer('Acme', { ceo: 'Ann' }, runId)], []);
}

test('deletes old raw runs and keeps their answers', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const job = openTestJob(ledger);
  settleOne(ledger, job, 'run_1');
  clock.nowMs = 2_000;
  settleOne(ledger, openTestJob(ledger), 'run_2');
  expect(ledger.countOld({ runsBeforeMs: 2_000 })).toEqual({ runs: 1, asks: 0, jobs: 0, answers: 0 });
  expect(ledger.prune({ runsBeforeMs: 2_000 })).toEqual({ runs: 1, asks: 0, jobs: 0, answers: 0 });
  expect(ledger.readRun('run_1')).toBeNull();
  expect(ledger.readRun('run_2')).not.toBeNull();
  expect(ledger.findAnswers(job, [createTestKey('Acme')]).size).toBe(1);
  expect(ledger.readSpend(job.id).spentMicros).toBe(20);
  ledger.close();
});

test('prunes answers that other jobs refer to, with all references', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const one = openTestJob(ledger, createTestAsk(), '/data/a.csv');
  settleOne(ledger, one, 'run_1');
  const two = openTestJob(ledger, createTestAsk(), '/data/b.csv');
  settleOne(ledger, two, 'run_2');
  ledger.fail(two.id, [{ key: createTestKey('Globex'), reason: 'too large' }]);
  clock.nowMs = 2_000;
  expect(ledger.countOld({ asksBeforeMs: 2_000 })).toEqual({ runs: 2, asks: 1, jobs: 2, answers: 2 });
  expect(ledger.prune({ asksBeforeMs: 2_000 })).toEqual({ runs: 2, asks: 1, jobs: 2, answers: 2 });
  expect(ledger.listJobs()).toEqual([]);
  expect(ledger.check()).toEqual([]);
  ledger.close();
});

test('prunes asks whatever the time of day, and counts what they cost by quarters of an hour', () => {
  for (let index = 0; index < 40; index += 1) {
    const clock = createTestClock(1_003_000 + index * 7_919);
    const path = createLedgerPath();
    const ledger = openTestLedger(path, clock);
    settleOne(ledger, openTestJob(ledger), `run_${index}`);
    clock.nowMs += 2_000;
    expect(ledger.prune({ asksBeforeMs: clock.nowMs })).toMatchObject({ asks: 1 });
    ledger.close();
    const database = new Database(path);
    const rows = database.read(() => database.all<{ at: number }>('select ended_at as at from pruned_spend'));
    expect(rows.map(({ at }) => at % 900_000)).toEqual([0]);
    database.close();
  }
});

test('pruning returns space to the disk', () => {
  const path = createLedgerPath();
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(path, clock);
  const companies = Array.from({ length: 2_000 }, (_, index) => `Company ${index}`);
  const batch = createTestBatch(openTestJob(ledger), companies);
  ledger.intend(batch, null);
  const answers = companies.map((company) => createTestAnswer(company, { ceo: 'Ann' }, 'run_1'));
  ledger.settle(batch.id, createTestRun('run_1'), answers, []);
  ledger.close();
  const before = statSync(path).size;
  clock.nowMs = 2_000;
  const again = openTestLedger(path, clock);
  again.listJobs();
  expect(again.prune({ asksBeforeMs: 2_000 })).toMatchObject({ answers: 2_000 });
  expect(statSync(path).size).toBeLessThan(before / 3);
  again.close();
});

test('deletes an old ask with its jobs and answers, unless it was used since, is in flight or leased', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const old = openTestJob(ledger, createTestAsk('old'));
  settleOne(ledger, old, 'run_1');
  settleOne(ledger, openTestJob(ledger, createTestAsk('old')), 'run_2');
  const used = openTestJob(ledger, createTestAsk('used'));
  settleOne(ledger, used, 'run_3');
  const busy = openTestJob(ledger, createTestAsk('busy'));
  ledger.intend(createTestBatch(busy, ['Acme']), null);
  const held = openTestJob(ledger, createTestAsk('held'));
  ledger.acquireLease(held.askId, { pid: 1, started: '', space: '', boot: 'other', host: 'elsewhere' });
  clock.nowMs = 5_000;
  ledger.closeJob(used.id, { stop: 'done', counts: null, finished: null });
  expect(ledger.countOld({ asksBeforeMs: 4_000 })).toEqual({ runs: 2, asks: 1, jobs: 1, answers: 1 });
  expect(ledger.prune({ asksBeforeMs: 4_000 })).toEqual({ runs: 2, asks: 1, jobs: 1, answers: 1 });
  expect(
    ledger
      .listJobs()
      .map((job) => job.query)
      .sort(),
  ).toEqual(['busy', 'held', 'used']);
  expect(ledger.findAnswers(old, [createTestKey('Acme')]).size).toBe(0);
  expect(ledger.findAnswers(used, [createTestKey('Acme')]).size).toBe(1);
  expect(ledger.check()).toEqual([]);
  expect(openTestJob(ledger, createTestAsk('old'))).toMatchObject({ id: old.id, invocation: 1 });
  ledger.close();
});

test('the cache returns no answers that another process pruned, nor later ones with the same numbers', async () => {
  const path = createLedgerPath();
  const clock = createTestClock(1_000);
  const [watcher, pruner] = [openTestLedger(path, clock), openTestLedger(path, clock)];
  const old = openTestJob(watcher, createTestAsk('old'));
  settleTestRun(watcher, old, ['Acme', 'Globex', 'Initech'], { ceo: 'Ann' });
  await watcher.flush();
  clock.nowMs = 2_000;
  expect(pruner.prune({ asksBeforeMs: 2_000 })).toMatchObject({ asks: 1, answers: 3 });
  expect(findCeos(watcher, old, ['Acme'])).toEqual(new Map());
  // It has the number of the pruned ask, and the same keys.
  const next = openTestJob(pruner, createTestAsk('new'));
  settleTestRun(pruner, next, ['Globex'], { ceo: 'Bob' });
  await pruner.flush();
  expect(findCeos(watcher, old, ['Acme', 'Globex'])).toEqual(new Map());
  expect(findCeos(watcher, next, ['Acme', 'Globex'])).toEqual(new Map([['Globex', 'Bob']]));
  settleTestRun(watcher, next, ['Acme', 'Globex'], { ceo: 'Cid', refresh: true, attempt: 2 });
  await watcher.flush();
  for (const ledger of [watcher, pruner]) {
    expect(findCeos(ledger, next, ['Acme', 'Globex', 'Initech'])).toEqual(
      new Map([
        ['Acme', 'Cid'],
        ['Globex', 'Cid'],
      ]),
    );
    expect(ledger.findOlderAnswers(next.askId, createTestKey('Acme'))).toEqual([]);
    expect(ledger.findOlderAnswers(next.askId, createTestKey('Globex'))).toHaveLength(1);
  }
  expect(watcher.check()).toEqual([]);
  expect(countKeys(path)).toEqual({ merged: 0, tail: 2 });
  watcher.close();
  pruner.close();
});

test('pruning one ask keeps the answers of another, in table and tail', async () => {
  const path = createLedgerPath();
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(path, clock);
  const old = openTestJob(ledger, createTestAsk('old'));
  settleTestRun(ledger, old, ['Acme', 'Globex'], { ceo: 'Ann' });
  ledger.closeJob(old.id, { stop: 'done', counts: null, finished: null });
  clock.nowMs = 2_000;
  const kept = openTestJob(ledger, createTestAsk('kept'));
  settleTestRun(ledger, kept, ['Acme'], { ceo: 'Bob' });
  ledger.closeJob(kept.id, { stop: 'done', counts: null, finished: null });
  settleTestRun(ledger, kept, ['Globex'], { ceo: 'Bob', attempt: 2 });
  settleTestRun(ledger, old, ['Initech'], { ceo: 'Ann', attempt: 2 });
  expect(ledger.prune({ asksBeforeMs: 2_000 })).toMatchObject({ asks: 1, answers: 3 });
  expect(findCeos(ledger, kept, ['Acme', 'Globex'])).toEqual(
    new Map([
      ['Acme', 'Bob'],
      ['Globex', 'Bob'],
    ]),
  );
  expect(ledger.check()).toEqual([]);
  expect(countKeys(path)).toEqual({ merged: 2, tail: 0 });
  ledger.close();
});

test('the cost of a pruned job still counts for its cap and its folder, by quarter-hour', () => {
  const midnight = 10 * 24 * 3_600_000;
  const clock = createTestClock(midnight - 1);
  const ledger = openTestLedger(undefined, clock);
  const open = (): OpenedJob =>
    openTestJob(ledger, createTestAsk('old'), '/drop/working/a.csv', { folder: 'drop' });
  const job = open();
  settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
  clock.nowMs = midnight;
  settleTestRun(ledger, job, ['Globex'], { ceo: 'Ann' });
  clock.nowMs = midnight + 1_000;
  settleTestRun(ledger, job, ['Initech'], { ceo: 'Ann' });
  const readSpends = () => [0, midnight].map((since) => ledger.readSpendSince('drop', since).spentMicros);
  expect([ledger.readSpend(job.id).spentMicros, ...readSpends()]).toEqual([3, 3, 2]);
  clock.nowMs += 10_000;
  expect(ledger.prune({ asksBeforeMs: clock.nowMs }).jobs).toBe(1);
  expect([ledger.readSpend(job.id).spentMicros, ...readSpends()]).toEqual([3, 3, 2]);
  // The same job again: its earlier cost still counts towards the cap.
  const again = open();
  expect(again.id).toBe(job.id);
  expect(ledger.intend(createTestBatch(again, ['Acme']), 3)).toBe('over_budget');
  settleTestRun(ledger, again, ['Acme'], { ceo: 'Ann', attempt: 2 });
  expect([ledger.readSpend(job.id).spentMicros, ...readSpends()]).toEqual([4, 4, 3]);
  clock.nowMs += 10_000;
  expect(ledger.prune({ asksBeforeMs: clock.nowMs }).jobs).toBe(1);
  expect([ledger.readSpend(job.id).spentMicros, ...readSpends()]).toEqual([4, 4, 3]);
  expect(ledger.readSpendSince('another', 0).spentMicros).toBe(0);
  expect(ledger.readSpendSince(null, 0).spentMicros).toBe(4);
  expect(ledger.check()).toEqual([]);
  ledger.close();
});

test('a run with unknown outcome counts with its reserved price after pruning', () => {
  const day = 24 * 60 * 60_000;
  const clock = createTestClock(day);
  const ledger = openTestLedger(undefined, clock);
  const job = openTestJob(ledger, createTestAsk('old'));
  ledger.intend(createTestBatch(job, ['Acme'], { reserveMicros: 25 }), null);
  const voided = createTestBatch(job, ['Globex'], { reserveMicros: 40 });
  ledger.intend(voided, null);
  ledger.void(voided.id, 'it never left');
  clock.nowMs = 4 * day;
  expect(ledger.prune({ asksBeforeMs: 3 * day })).toMatchObject({ jobs: 1 });
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 25, reservedMicros: 0 });
  ledger.close();
});

test('the reserved price of a pruned run with unknown outcome counts for its day and folder too', () => {
  const clock = createTestClock(20 * 24 * 3_600_000);
  const ledger = openTestLedger(undefined, clock);
  const job = openTestJob(ledger, createTestAsk('old'), '/drop/working/a.csv', { folder: 'drop' });
  ledger.intend(createTestBatch(job, ['Acme'], { reserveMicros: 7 }), null);
  const since = clock.nowMs;
  clock.nowMs += 2 * 24 * 3_600_000;
  expect(ledger.prune({ asksBeforeMs: clock.nowMs }).jobs).toBe(1);
  const spend = { spentMicros: 7, reservedMicros: 0 };
  expect([ledger.readSpendSince('drop', since), ledger.readSpendSince(null, since)]).toEqual([spend, spend]);
  expect(ledger.readSpendSince(null, clock.nowMs).spentMicros).toBe(0);
  ledger.close();
});
