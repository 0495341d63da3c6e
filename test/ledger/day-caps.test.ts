import { expect, onTestFinished, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { DayCaps, OpenedJob } from '../../src/ledger/records.js';
import { computeMidnight } from '../../src/model/clock.js';
import {
  createLedgerPath,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestRun,
  openTestJob,
  openTestLedger,
  type TestClock,
} from '../helpers/ledger-samples.js';

const NOON = new Date(2026, 4, 7, 12).getTime();
const MIDNIGHT = new Date(2026, 4, 7).getTime();
let batches = 0;

function openDay(path = createLedgerPath(), clock = createTestClock(NOON)) {
  const ledger = openTestLedger(path, clock);
  onTestFinished(() => ledger.close());
  const [a, b, elsewhere] = [
    ['a.csv', 'drop'],
    ['b.csv', 'drop'],
    ['c.csv', undefined],
  ].map(([input, folder]) => openTestJob(ledger, createTestAsk(input), `/data/${input}`, { folder })) as [
    OpenedJob,
    OpenedJob,
    OpenedJob,
  ];
  return { ledger, clock, a, b, elsewhere };
}

function createCaps(clock: TestClock, caps: Partial<DayCaps>): DayCaps {
  return { folderMicros: null, ledgerMicros: null, sinceMs: computeMidnight(clock.now(), 0), ...caps };
}

function reserve(ledger: Ledger, job: OpenedJob, micros: number, caps: DayCaps | null, capMicros?: number) {
  batches += 1;
  const batch = createTestBatch(job, [`company ${batches}`], { reserveMicros: micros });
  return { batch, result: ledger.intend(batch, capMicros ?? null, caps) };
}

function spend(ledger: Ledger, job: OpenedJob, micros: number): void {
  const { batch } = reserve(ledger, job, micros, null);
  ledger.settle(batch.id, createTestRun(`run of ${batch.id}`, micros), [], []);
}

test('a reservation must fit the day caps of its folder and of the ledger, to the micro-dollar', () => {
  const { ledger, clock, a, b, elsewhere } = openDay();
  const folder = createCaps(clock, { folderMicros: 100 });
  spend(ledger, a, 30);
  expect(reserve(ledger, b, 50, folder).result).toBe('intended');
  expect(reserve(ledger, a, 21, folder).result).toBe('over_folder_day');
  // Not in the folder.
  expect(reserve(ledger, elsewhere, 500, folder).result).toBe('intended');
  expect(reserve(ledger, a, 20, folder).result).toBe('intended');
  expect(ledger.readSpendSince('drop', folder.sinceMs)).toEqual({ spentMicros: 30, reservedMicros: 70 });
  const whole = createCaps(clock, { ledgerMicros: 610 });
  expect(reserve(ledger, elsewhere, 11, whole).result).toBe('over_ledger_day');
  expect(reserve(ledger, elsewhere, 10, whole).result).toBe('intended');
  expect(ledger.readSpendSince(null, whole.sinceMs)).toEqual({ spentMicros: 30, reservedMicros: 580 });
});

test("reports the job's cap first, because waiting for tomorrow does not help there", () => {
  const { ledger, clock, a } = openDay();
  const caps = createCaps(clock, { folderMicros: 5, ledgerMicros: 5 });
  expect(reserve(ledger, a, 11, caps, 10).result).toBe('over_budget');
  expect(reserve(ledger, a, 10, caps, 10).result).toBe('over_folder_day');
  expect(reserve(ledger, a, 10, createCaps(clock, { folderMicros: 10, ledgerMicros: 5 }), 10).result).toBe(
    'over_ledger_day',
  );
  // A refused batch has reserved nothing.
  expect(ledger.readSpend(a.id)).toEqual({ spentMicros: 0, reservedMicros: 0 });
});

test('two connections share the day: one cannot reserve what the other has reserved', () => {
  const path = createLedgerPath();
  const clock = createTestClock(NOON);
  const one = openDay(path, clock);
  const other = openDay(path, clock);
  const caps = createCaps(clock, { ledgerMicros: 100 });
  const results = Array.from({ length: 6 }, (_, index) => {
    const { ledger, a, b } = index % 2 === 0 ? one : other;
    return reserve(ledger, index % 2 === 0 ? a : b, 30, caps).result;
  });
  expect(results).toEqual(['intended', 'intended', 'intended', ...Array(3).fill('over_ledger_day')]);
});

test('after midnight earlier spend no longer counts, but open reservations do', () => {
  const clock = createTestClock(MIDNIGHT - 1);
  const { ledger, a } = openDay(undefined, clock);
  spend(ledger, a, 90);
  const { batch } = reserve(ledger, a, 10, createCaps(clock, { folderMicros: 100 }));
  expect(reserve(ledger, a, 1, createCaps(clock, { folderMicros: 100 })).result).toBe('over_folder_day');
  clock.nowMs = MIDNIGHT;
  const today = createCaps(clock, { folderMicros: 100 });
  expect(reserve(ledger, a, 91, today).result).toBe('over_folder_day');
  // A run from yesterday that ends today counts for today.
  ledger.settle(batch.id, createTestRun('late', 40), [], []);
  expect(ledger.readSpendSince('drop', today.sinceMs)).toEqual({ spentMicros: 40, reservedMicros: 0 });
  expect(reserve(ledger, a, 60, today).result).toBe('intended');
});

test('a voided batch frees its reservation, and a run above its price exceeds the day cap', () => {
  const { ledger, clock, a } = openDay();
  const caps = createCaps(clock, { folderMicros: 100, ledgerMicros: 1_000 });
  const first = reserve(ledger, a, 60, caps);
  expect(reserve(ledger, a, 60, caps).result).toBe('over_folder_day');
  ledger.void(first.batch.id, 'no such run');
  const second = reserve(ledger, a, 60, caps);
  const third = reserve(ledger, a, 40, caps);
  expect([second.result, third.result]).toEqual(['intended', 'intended']);
  expect(ledger.findPassedBudget(a.id, null, caps)).toBeNull();
  ledger.settle(second.batch.id, createTestRun('dear', 61), [], []);
  expect(ledger.findPassedBudget(a.id, null, caps)).toBe('over_folder_day');
  expect(ledger.findPassedBudget(a.id, 50, caps)).toBe('over_budget');
});

test('a folder keeps its id by its file or location, and takes over jobs that an earlier version knew by path', () => {
  const clock = createTestClock(NOON);
  const ledger = openTestLedger(undefined, clock);
  onTestFinished(() => ledger.close());
  const old = openTestJob(ledger, createTestAsk(), '/drop/working/a.csv/1/a.csv');
  spend(ledger, old, 70);
  reserve(ledger, old, 10, null);
  spend(ledger, openTestJob(ledger, createTestAsk(), '/drop/working-2/a.csv'), 500);
  const below = '/drop/working/';
  const id = ledger.enterFolder({ id: null, place: '1:2', below });
  expect(ledger.readSpendSince(id, MIDNIGHT)).toEqual({ spentMicros: 70, reservedMicros: 10 });
  // Its file was removed.
  expect(ledger.enterFolder({ id: null, place: '1:2', below })).toBe(id);
  // It was moved to another disk.
  expect(ledger.enterFolder({ id, place: '7:9', below: '/mnt/drop/working/' })).toBe(id);
  expect(ledger.enterFolder({ id: null, place: '7:9', below: '/mnt/drop/working/' })).toBe(id);
  // Another folder where it was.
  const other = ledger.enterFolder({ id: null, place: '1:2', below });
  expect(other).not.toBe(id);
  expect(ledger.readSpendSince(other, MIDNIGHT)).toEqual({ spentMicros: 0, reservedMicros: 0 });
  expect(ledger.readSpendSince(id, MIDNIGHT)).toEqual({ spentMicros: 70, reservedMicros: 10 });
});

test('a day lasts from midnight to midnight in local time', () => {
  expect(computeMidnight(NOON, 0)).toBe(MIDNIGHT);
  expect(computeMidnight(NOON, 1)).toBe(new Date(2026, 4, 8).getTime());
  expect(computeMidnight(MIDNIGHT, 0)).toBe(MIDNIGHT);
  expect(computeMidnight(new Date(2026, 11, 31, 23, 59).getTime(), 1)).toBe(new Date(2027, 0, 1).getTime());
});
