import { describe, expect, test } from 'vitest';
import type { DayCaps, Ledger, OpenedJob, SpendLimits } from '../../src/ledger/ledger.js';
import type { Batch } from '../../src/model/batch.js';
import { computeMidnight } from '../../src/model/clock.js';
import {
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestRun,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  type TestClock,
  tryReserve,
} from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

const NOON = new Date(2026, 4, 7, 12).getTime();
const MIDNIGHT = new Date(2026, 4, 7).getTime();
let batches = 0;

function createCaps(clock: TestClock, caps: Partial<DayCaps>): DayCaps {
  return { folderMicros: null, ledgerMicros: null, sinceMs: computeMidnight(clock.now(), 0), ...caps };
}

function createNextBatch(job: OpenedJob, reserveMicros: number): Batch {
  batches += 1;
  return createTestBatch(job, [`company ${batches}`], { reserveMicros });
}

async function reserve(ledger: Ledger, job: OpenedJob, micros: number, limits: Partial<SpendLimits>) {
  const batch = createNextBatch(job, micros);
  return { batch, result: await tryReserve(ledger, batch, limits) };
}

async function spend(ledger: Ledger, job: OpenedJob, micros: number): Promise<void> {
  const { batch } = await reserve(ledger, job, micros, {});
  await settleTestBatch(ledger, batch, createTestRun(`run of ${batch.id}`, micros));
}

describe.each(STORES)('budgets in $name', (store) => {
  async function openDay(place = store.createPlace(), clock = createTestClock(NOON)) {
    const ledger = await openStore(store, place, { clock });
    const openIn = (input: string, folder?: string) =>
      openTestJob(ledger, createTestAsk(input), `/data/${input}`, { folder });
    const [a, b] = [await openIn('a.csv', 'drop'), await openIn('b.csv', 'drop')];
    return { ledger, clock, a, b, elsewhere: await openIn('c.csv') };
  }

  test('reserves batches up to the cap to the micro-dollar, and not one more', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const results: string[] = [];
    for (const [micros, jobMicros] of [
      [60, 100],
      [41, 100],
      [40, 100],
      [1, 100],
      [0, 100],
      [1, 101],
    ] as const) {
      results.push((await reserve(ledger, job, micros, { jobMicros })).result);
    }
    expect(results).toEqual(['reserved', 'over_budget', 'reserved', 'over_budget', 'reserved', 'reserved']);
    expect(await ledger.listOpenBatches(job.askId)).toHaveLength(4);
    expect(await ledger.getSpend(job.id)).toEqual({
      spentMicros: 0,
      reservedMicros: 101,
      estimatedMicros: 0,
    });
    expect(await ledger.getSpend('j_nobody')).toEqual({
      spentMicros: 0,
      reservedMicros: 0,
      estimatedMicros: 0,
    });
  });

  test('decides batches of one call in order: each reservation counts for the next', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const reservations = [60, 50, 40, 0, 1].map((micros) => ({
      batch: createNextBatch(job, micros),
      seen: [0],
    }));
    expect(await ledger.reserveBatches(reservations, { jobMicros: 100, day: null })).toEqual([
      { status: 'reserved' },
      { status: 'over_budget', budget: 'over_budget' },
      { status: 'reserved' },
      { status: 'reserved' },
      { status: 'over_budget', budget: 'over_budget' },
    ]);
    // Calls of one turn count for each other too.
    const calls = [3, 3].map((micros) => reserve(ledger, job, micros, { jobMicros: 105 }));
    expect((await Promise.all(calls)).map(({ result }) => result)).toEqual(['reserved', 'over_budget']);
  });

  test('books a run that cost more than reserved, and enforces the cap afterwards', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const { batch } = await reserve(ledger, job, 60, { jobMicros: 100 });
    expect(await ledger.findPassedBudget(job.id, { jobMicros: 60, day: null })).toBeNull();
    await settleTestBatch(ledger, batch, createTestRun('run_1', 130));
    expect((await ledger.getSpend(job.id)).spentMicros).toBe(130);
    expect((await reserve(ledger, job, 0, { jobMicros: 100 })).result).toBe('over_budget');
    expect(await ledger.findPassedBudget(job.id, { jobMicros: 129, day: null })).toBe('over_budget');
    expect(await ledger.findPassedBudget(job.id, { jobMicros: null, day: null })).toBeNull();
  });

  test('amounts beyond all sense stay exact integers', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    for (let run = 0; run < 3; run += 1) {
      const batch = createNextBatch(job, Number.MAX_SAFE_INTEGER - 1);
      await reserveTestBatch(ledger, batch);
      await settleTestBatch(ledger, batch, createTestRun(`run_${run}`, null));
    }
    const { spentMicros } = await ledger.getSpend(job.id);
    expect(spentMicros).toBe(Number.MAX_SAFE_INTEGER);
    expect((await ledger.getSpendSince(null, 0)).spentMicros).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('a reservation must fit the day caps of its folder and of the ledger, to the micro-dollar', async () => {
    const { ledger, clock, a, b, elsewhere } = await openDay();
    const folder = { day: createCaps(clock, { folderMicros: 100 }) };
    await spend(ledger, a, 30);
    expect((await reserve(ledger, b, 50, folder)).result).toBe('reserved');
    expect((await reserve(ledger, a, 21, folder)).result).toBe('over_folder_day');
    // Not in the folder.
    expect((await reserve(ledger, elsewhere, 500, folder)).result).toBe('reserved');
    expect((await reserve(ledger, a, 20, folder)).result).toBe('reserved');
    expect(await ledger.getSpendSince('drop', folder.day.sinceMs)).toEqual({
      spentMicros: 30,
      reservedMicros: 70,
    });
    const whole = { day: createCaps(clock, { ledgerMicros: 610 }) };
    expect((await reserve(ledger, elsewhere, 11, whole)).result).toBe('over_ledger_day');
    expect((await reserve(ledger, elsewhere, 10, whole)).result).toBe('reserved');
    expect(await ledger.getSpendSince(null, whole.day.sinceMs)).toEqual({
      spentMicros: 30,
      reservedMicros: 580,
    });
    expect(await ledger.getSpendSince('another', 0)).toEqual({ spentMicros: 0, reservedMicros: 0 });
  });

  test("reports the job's cap first, because waiting for tomorrow does not help there", async () => {
    const { ledger, clock, a } = await openDay();
    const both = createCaps(clock, { folderMicros: 5, ledgerMicros: 5 });
    expect((await reserve(ledger, a, 11, { jobMicros: 10, day: both })).result).toBe('over_budget');
    expect((await reserve(ledger, a, 10, { jobMicros: 10, day: both })).result).toBe('over_folder_day');
    const wide = { ...both, folderMicros: 10 };
    expect((await reserve(ledger, a, 10, { jobMicros: 10, day: wide })).result).toBe('over_ledger_day');
    // A refused batch has reserved nothing.
    expect(await ledger.getSpend(a.id)).toMatchObject({ spentMicros: 0, reservedMicros: 0 });
  });

  test('two ledgers share job and day: one cannot reserve what the other has reserved or spent', async () => {
    const place = store.createPlace();
    const clock = createTestClock(NOON);
    const [one, other] = [await openDay(place, clock), await openDay(place, clock)];
    const day = createCaps(clock, { ledgerMicros: 100 });
    const results: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      const { ledger, a, b } = index % 2 === 0 ? one : other;
      results.push((await reserve(ledger, index % 2 === 0 ? a : b, 30, { day })).result);
    }
    expect(results).toEqual([...Array(3).fill('reserved'), ...Array(3).fill('over_ledger_day')]);
    const [first, second] = [await reserve(one.ledger, one.elsewhere, 7, {}), { jobMicros: 10 }];
    expect((await reserve(other.ledger, other.elsewhere, 4, second)).result).toBe('over_budget');
    await settleTestBatch(one.ledger, first.batch, createTestRun('run_1', 6));
    expect((await reserve(other.ledger, other.elsewhere, 4, second)).result).toBe('reserved');
    expect((await reserve(one.ledger, one.elsewhere, 1, second)).result).toBe('over_budget');
    expect(await other.ledger.getSpend(one.elsewhere.id)).toMatchObject({
      spentMicros: 6,
      reservedMicros: 4,
    });
  });

  test('after midnight earlier spend no longer counts, but open reservations do', async () => {
    const clock = createTestClock(MIDNIGHT - 1);
    const { ledger, a } = await openDay(undefined, clock);
    await spend(ledger, a, 90);
    const caps = () => ({ day: createCaps(clock, { folderMicros: 100 }) });
    const { batch } = await reserve(ledger, a, 10, caps());
    expect((await reserve(ledger, a, 1, caps())).result).toBe('over_folder_day');
    clock.nowMs = MIDNIGHT;
    expect((await reserve(ledger, a, 91, caps())).result).toBe('over_folder_day');
    // A run from yesterday that ends today counts for today.
    await settleTestBatch(ledger, batch, createTestRun('late', 40));
    expect(await ledger.getSpendSince('drop', MIDNIGHT)).toEqual({ spentMicros: 40, reservedMicros: 0 });
    expect((await reserve(ledger, a, 60, caps())).result).toBe('reserved');
  });

  test('a released batch frees its day, and a run above its price exceeds the day cap', async () => {
    const { ledger, clock, a } = await openDay();
    const day = createCaps(clock, { folderMicros: 100, ledgerMicros: 1_000 });
    const first = await reserve(ledger, a, 60, { day });
    expect((await reserve(ledger, a, 60, { day })).result).toBe('over_folder_day');
    await ledger.releaseBatch(first.batch.id, 'no such run');
    const second = await reserve(ledger, a, 60, { day });
    const third = await reserve(ledger, a, 40, { day });
    expect([second.result, third.result]).toEqual(['reserved', 'reserved']);
    expect(await ledger.findPassedBudget(a.id, { jobMicros: null, day })).toBeNull();
    await settleTestBatch(ledger, second.batch, createTestRun('dear', 61));
    expect(await ledger.findPassedBudget(a.id, { jobMicros: null, day })).toBe('over_folder_day');
    expect(await ledger.findPassedBudget(a.id, { jobMicros: 50, day })).toBe('over_budget');
  });

  test('a job that moves to another folder takes its open reservations along, not what it spent there', async () => {
    const { ledger, a } = await openDay();
    await spend(ledger, a, 30);
    await reserve(ledger, a, 7, {});
    await openTestJob(ledger, a.ask, a.input, { folder: 'other' });
    expect(await ledger.getSpendSince('drop', 0)).toEqual({ spentMicros: 30, reservedMicros: 0 });
    expect(await ledger.getSpendSince('other', 0)).toEqual({ spentMicros: 0, reservedMicros: 7 });
    // Without a folder it stays where it is.
    await openTestJob(ledger, a.ask, a.input);
    expect(await ledger.getSpendSince('other', 0)).toEqual({ spentMicros: 0, reservedMicros: 7 });
  });
});

test('a day lasts from midnight to midnight in local time', () => {
  expect(computeMidnight(NOON, 0)).toBe(MIDNIGHT);
  expect(computeMidnight(NOON, 1)).toBe(new Date(2026, 4, 8).getTime());
  expect(computeMidnight(MIDNIGHT, 0)).toBe(MIDNIGHT);
  expect(computeMidnight(new Date(2026, 11, 31, 23, 59).getTime(), 1)).toBe(new Date(2027, 0, 1).getTime());
});
