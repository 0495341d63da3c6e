import { afterEach, expect, test, vi } from 'vitest';
import { holdLease } from '../../src/job/hold-lease.js';
import { StopSwitch } from '../../src/job/stop-switch.js';
import { readHolder } from '../../src/ledger/leases.js';
import { createLedgerPath, createTestClock, openTestLedger } from '../helpers/ledger-samples.js';

const MINUTE_MS = 60_000;
/** Another machine: whether this process is alive is nothing that it could know. */
const OTHER = { ...readHolder(), host: 'other.example' };

afterEach(() => {
  vi.useRealTimers();
});

/** Two processes on one ledger, and a time that passes for both. */
function openBoth() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const path = createLedgerPath();
  const clock = createTestClock();
  const [own, other] = [openTestLedger(path, clock), openTestLedger(path, clock)];
  const pass = (timeMs: number): void => {
    clock.nowMs += timeMs;
    vi.advanceTimersByTime(timeMs);
  };
  return { own, other, clock, pass };
}

test('a job that works holds on to its ask for as long as it takes, and lets go at its end', () => {
  const { own, other, clock, pass } = openBoth();
  const held = holdLease(own, 'ask', clock);
  for (let quarter = 0; quarter < 40; quarter += 1) pass(MINUTE_MS / 4);
  expect(other.acquireLease('ask', OTHER, MINUTE_MS).status).toBe('busy');
  held.close();
  expect(other.acquireLease('ask', OTHER, MINUTE_MS).status).toBe('held');
  own.close();
  other.close();
});

test('a job that slept knows right after whether it still has its ask, before any timer rings', () => {
  const { own, other, clock } = openBoth();
  const held = holdLease(own, 'ask', clock);
  const stop = new StopSwitch();
  held.watch(stop);
  clock.nowMs += 2 * MINUTE_MS;
  expect(held.isHeld()).toBe(true);
  expect(other.acquireLease('ask', OTHER, MINUTE_MS).status).toBe('busy');
  clock.nowMs += 2 * MINUTE_MS;
  expect(other.acquireLease('ask', OTHER, MINUTE_MS).status).toBe('held');
  expect(held.isHeld()).toBe(false);
  expect(stop.error).toMatchObject({ code: 'LEASE_LOST' });
  held.close();
  own.close();
  other.close();
});

test('a ledger that cannot be written to stops the job only when the hold is about to lapse', () => {
  const { own, other, clock, pass } = openBoth();
  const held = holdLease(own, 'ask', clock);
  const stop = new StopSwitch();
  held.watch(stop);
  own.close();
  pass((3 * MINUTE_MS) / 4);
  expect(stop.error).toBeNull();
  pass(MINUTE_MS / 4);
  expect(stop.error).toBeInstanceOf(Error);
  other.close();
});

test('a job that slept while its hold lapsed, and another process took over, sends nothing more', () => {
  const { own, other, clock, pass } = openBoth();
  const held = holdLease(own, 'ask', clock);
  const stop = new StopSwitch();
  held.watch(stop);
  clock.nowMs += 2 * MINUTE_MS;
  expect(other.acquireLease('ask', OTHER, MINUTE_MS).status).toBe('held');
  pass(MINUTE_MS / 4);
  expect(stop.error).toMatchObject({ code: 'LEASE_LOST' });
  expect(stop.startSignal.aborted).toBe(true);
  held.close();
  expect(own.acquireLease('ask', readHolder(), MINUTE_MS).status).toBe('busy');
  own.close();
  other.close();
});
