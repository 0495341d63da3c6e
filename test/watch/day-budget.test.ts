import { expect, onTestFinished, test } from 'vitest';
import { StopSwitch } from '../../src/job/stop-switch.js';
import { readHolder } from '../../src/ledger/holder.js';
import { type DayBudget, openDayBudget, readMidnight } from '../../src/watch/day-budget.js';
import {
  createLedgerPath,
  createTestAsk,
  createTestBatch,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

const NOON = new Date(2026, 4, 7, 12).getTime();
const MIDNIGHT = new Date(2026, 4, 7).getTime();

function open(path: string, capMicros: number, nowMs = NOON): DayBudget {
  const budget = openDayBudget(path, '/drop/working', capMicros, { now: () => nowMs });
  onTestFinished(() => budget.close());
  return budget;
}

test('what is left of a day is the cap less what was spent since midnight and what is reserved', () => {
  const path = createLedgerPath();
  const clock = { nowMs: MIDNIGHT - 1, now: () => clock.nowMs };
  const ledger = openTestLedger(path, clock);
  const input = '/drop/working/a.csv/1/a.csv';
  const job = openTestJob(ledger, createTestAsk(), input);
  const settle = (company: string, costMicros: number): void => {
    const batch = createTestBatch(job, [company], { reserveMicros: 10 });
    ledger.intend(batch, null);
    ledger.settle(batch.id, createTestRun(`run of ${company}`, costMicros), [], []);
  };
  settle('yesterday', 50);
  const untouched = openDayBudget(path, '/drop/working', 100, { now: () => NOON });
  expect([untouched.readLeftMicros(), untouched.isUntouched()]).toEqual([100, true]);
  untouched.close();
  clock.nowMs = NOON;
  settle('today', 30);
  ledger.intend(createTestBatch(job, ['open'], { reserveMicros: 10 }), null);
  const today = openDayBudget(path, '/drop/working', 100, { now: () => NOON });
  expect([today.readLeftMicros(), today.isUntouched()]).toEqual([60, false]);
  today.close();
  // More was spent than this one allows.
  expect(open(path, 20).readLeftMicros()).toBe(-20);
  ledger.close();
});

test('one watcher at a time spends of it', () => {
  const path = createLedgerPath();
  const first = openDayBudget(path, '/drop/working', 100, { now: () => NOON });
  expect(() => open(path, 100)).toThrow(expect.objectContaining({ code: 'LEASE_HELD' }));
  first.close();
  expect(open(path, 100).readLeftMicros()).toBe(100);
});

test('it follows the day: after midnight what was spent before counts no more', () => {
  const path = createLedgerPath();
  const clock = { nowMs: NOON, now: () => clock.nowMs };
  const ledger = openTestLedger(path, clock);
  const job = openTestJob(ledger, createTestAsk(), '/drop/working/a.csv/1/a.csv');
  const batch = createTestBatch(job, ['Acme'], { reserveMicros: 10 });
  ledger.intend(batch, null);
  ledger.settle(batch.id, createTestRun('run', 70), [], []);
  const budget = openDayBudget(path, '/drop/working', 100, clock);
  onTestFinished(() => {
    budget.close();
    ledger.close();
  });
  // Through the ledger of the job, it is read what that has only just written.
  ledger.intend(createTestBatch(job, ['open'], { reserveMicros: 10 }), null);
  expect(budget.readLeftMicros(ledger)).toBe(20);
  clock.nowMs = readMidnight(NOON, 1);
  expect(budget.readLeftMicros()).toBe(90);
});

test('a watcher that slept knows that another one spends of it by now, and its job stops', () => {
  const path = createLedgerPath();
  const clock = { nowMs: NOON, now: () => clock.nowMs };
  const budget = openDayBudget(path, '/drop/working', 100, clock);
  const stop = new StopSwitch();
  budget.watch(stop);
  const other = openTestLedger(path, clock);
  onTestFinished(() => {
    budget.close();
    other.close();
  });
  expect(() => budget.refuseLost()).not.toThrow();
  clock.nowMs += 3_600_000;
  const elsewhere = { ...readHolder(), host: 'other.example', boot: 'another boot' };
  const taken = other.acquireLease('the budget of /drop/working', elsewhere);
  expect(taken.status).toBe('held');
  expect(() => budget.refuseLost()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
  expect(stop.error).toMatchObject({ code: 'LEASE_LOST' });
});

test('a day goes from midnight to midnight, in local time', () => {
  expect(readMidnight(NOON, 0)).toBe(MIDNIGHT);
  expect(readMidnight(NOON, 1)).toBe(new Date(2026, 4, 8).getTime());
  expect(readMidnight(MIDNIGHT, 0)).toBe(MIDNIGHT);
  expect(readMidnight(new Date(2026, 11, 31, 23, 59).getTime(), 1)).toBe(new Date(2027, 0, 1).getTime());
});
