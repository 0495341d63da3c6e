import { afterEach, expect, test, vi } from 'vitest';
import { openLease, waitForLease } from '../../src/job/lease.js';
import { JobAbort } from '../../src/job/stop.js';
import { readHolder } from '../../src/ledger/holder.js';
import { createLedgerPath, createTestClock, openTestLedger } from '../helpers/ledger-samples.js';

const MINUTE_MS = 60_000;
/** A process in another container of this machine. */
const OTHER = { ...readHolder(), space: 'pid:[1]' };

afterEach(() => {
  vi.useRealTimers();
});

/** Two processes on one ledger with a shared clock. */
function openBoth() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const path = createLedgerPath();
  const clock = createTestClock();
  const [own, other] = [openTestLedger(path, clock), openTestLedger(path, clock)];
  const pass = (timeMs: number): void => {
    clock.nowMs += timeMs;
    vi.advanceTimersByTime(timeMs);
  };
  return { own, other, clock, pass };
}

test('a running job keeps its lease and releases it at its end', () => {
  const { own, other, clock, pass } = openBoth();
  const held = openLease(own, 'ask', clock);
  for (let quarter = 0; quarter < 40; quarter += 1) pass(MINUTE_MS / 4);
  expect(other.acquireLease('ask', OTHER).status).toBe('busy');
  held.close();
  expect(other.acquireLease('ask', OTHER).status).toBe('held');
  own.close();
  other.close();
});

test('a job that slept checks its lease at once, before any timer fires', () => {
  const { own, other, clock } = openBoth();
  const held = openLease(own, 'ask', clock);
  const stop = new JobAbort();
  held.watch(stop);
  clock.nowMs += 2 * MINUTE_MS;
  held.refuseLost();
  expect(other.acquireLease('ask', OTHER).status).toBe('busy');
  clock.nowMs += 2 * MINUTE_MS;
  expect(other.acquireLease('ask', OTHER).status).toBe('held');
  const lost = expect.objectContaining({ kind: 'busy', code: 'LEASE_LOST' });
  expect(() => held.refuseLost()).toThrow(lost);
  expect(stop.error).toEqual(lost);
  held.close();
  own.close();
  other.close();
});

test.each([
  ['set back', -60 * MINUTE_MS, 0],
  ['unchanged while the process slept', 0, MINUTE_MS],
])('a wall clock that is %s does not make an old lease valid', (_title, wallMs, tickMs) => {
  const { own, other, clock } = openBoth();
  const held = openLease(own, 'ask', clock);
  clock.nowMs += 2 * MINUTE_MS;
  expect(other.acquireLease('ask', OTHER).status).toBe('held');
  clock.nowMs += wallMs - 2 * MINUTE_MS;
  vi.setSystemTime(clock.nowMs);
  const tick = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(tick + tickMs);
  expect(() => held.refuseLost()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
  held.close();
  own.close();
  other.close();
});

test('an unwritable ledger stops the job only when the lease is about to expire', () => {
  const { own, other, clock, pass } = openBoth();
  const held = openLease(own, 'ask', clock);
  const stop = new JobAbort();
  held.watch(stop);
  own.close();
  pass(MINUTE_MS / 2);
  expect(stop.error).toBeNull();
  pass(MINUTE_MS / 4);
  expect(stop.error).toBeInstanceOf(Error);
  other.close();
});

test('a job that was taken over while it slept sends nothing more and waits for no run', () => {
  const { own, other, clock, pass } = openBoth();
  const held = openLease(own, 'ask', clock);
  const stop = new JobAbort();
  held.watch(stop);
  clock.nowMs += 2 * MINUTE_MS;
  expect(other.acquireLease('ask', OTHER).status).toBe('held');
  pass(MINUTE_MS / 4);
  expect(stop.error).toMatchObject({ code: 'LEASE_LOST' });
  expect(stop.startSignal.aborted).toBe(true);
  expect(stop.waitSignal.aborted).toBe(true);
  held.close();
  expect(own.acquireLease('ask', readHolder()).status).toBe('busy');
  own.close();
  other.close();
});

/** A clock that advances during sleeps; `onSleep` is called meanwhile. */
function openWaiting(onSleep: (nowMs: number) => void) {
  const clock = {
    ...createTestClock(),
    now: () => clock.nowMs,
    async sleep(ms: number) {
      clock.nowMs += ms;
      onSleep(clock.nowMs);
    },
  };
  const notes: string[] = [];
  return {
    clock,
    notes,
    ledger: openTestLedger(undefined, clock),
    onWait: (note: string) => notes.push(note),
  };
}

test('waits for the lease of a killed container to expire, then takes over', async () => {
  const { clock, notes, ledger, onWait } = openWaiting(() => undefined);
  const startMs = clock.nowMs;
  ledger.acquireLease('ask', OTHER);
  clock.nowMs += 5_000;
  const held = await waitForLease(ledger, 'ask', { clock, onWait });
  expect(clock.nowMs - startMs).toBe(45_000);
  expect(notes).toEqual([
    `Waiting up to 40 s: process ${OTHER.pid} on ${OTHER.host} was working on this and may have been killed.`,
  ]);
  held.close();
  ledger.close();
});

test('refuses to replace a live container at its next renewal, and a live process at once', async () => {
  const busy = expect.objectContaining({
    kind: 'busy',
    code: 'LEASE_HELD',
    message: expect.stringContaining(`process ${OTHER.pid} on ${OTHER.host}`),
  });
  let renewAtMs = Number.POSITIVE_INFINITY;
  const waiting = openWaiting((nowMs) => {
    if (nowMs >= renewAtMs && taken.status === 'held') waiting.ledger.renewLease(taken.lease);
  });
  const { clock, ledger } = waiting;
  const taken = ledger.acquireLease('ask', OTHER);
  renewAtMs = clock.nowMs + 15_000;
  await expect(waitForLease(ledger, 'ask', { clock })).rejects.toEqual(busy);
  expect(clock.nowMs).toBeLessThan(renewAtMs + 2_000);

  ledger.acquireLease('other ask', readHolder());
  const beforeMs = clock.nowMs;
  if (process.platform === 'linux') {
    await expect(waitForLease(ledger, 'other ask', { clock })).rejects.toEqual(busy);
    expect(clock.nowMs).toBe(beforeMs);
  }
  ledger.close();
});
