import { afterEach, expect, test, vi } from 'vitest';
import { RowfillError } from '../../src/errors.js';
import { waitForLease } from '../../src/job/lease.js';
import { JobAbort } from '../../src/job/stop.js';
import { readHolder } from '../../src/ledger/holder.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createLedgerPath, createTestClock } from '../helpers/ledger-samples.js';
import { OTHER_HOLDER, OtherHolder } from '../helpers/other-holder.js';

const MINUTE_MS = 60_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Two processes on one ledger with a shared clock; the first holds the lease. */
async function openBoth() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const path = createLedgerPath();
  const clock = { ...createTestClock(), now: () => clock.nowMs, sleep: async () => undefined };
  const own = await openLedger(path, { clock });
  const other = await OtherHolder.open(path, { clock });
  const held = await waitForLease(own, 'job', { clock });
  const pass = (timeMs: number): void => {
    clock.nowMs += timeMs;
    vi.advanceTimersByTime(timeMs);
  };
  const close = async (): Promise<void> => {
    await held.close();
    await own.close();
    await other.close();
  };
  return { own, other, held, clock, pass, close };
}

test('a running job keeps its lease and releases it at its end', async () => {
  const { other, held, pass, close } = await openBoth();
  for (let quarter = 0; quarter < 40; quarter += 1) pass(MINUTE_MS / 4);
  expect(await other.take('job')).toBe('busy');
  await held.close();
  expect(await other.take('job')).toBe('held');
  await close();
});

test('a job that slept checks its lease at once, before any timer fires', async () => {
  const { other, held, clock, close } = await openBoth();
  clock.nowMs += 2 * MINUTE_MS;
  held.refuseLost();
  expect(await other.take('job')).toBe('busy');
  clock.nowMs += 2 * MINUTE_MS;
  expect(await other.take('job')).toBe('held');
  const lost = expect.objectContaining({ kind: 'busy', code: 'LEASE_LOST' });
  expect(() => held.refuseLost()).toThrow(lost);
  await close();
});

test.each([
  ['set back', -60 * MINUTE_MS, 0],
  ['unchanged while the process slept', 0, MINUTE_MS],
])('a wall clock that is %s does not make an old lease valid', async (_title, wallMs, tickMs) => {
  const { other, held, clock, close } = await openBoth();
  clock.nowMs += 2 * MINUTE_MS;
  expect(await other.take('job')).toBe('held');
  clock.nowMs += wallMs - 2 * MINUTE_MS;
  const tick = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(tick + tickMs);
  expect(() => held.refuseLost()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
  await close();
});

test('a job that was taken over while it slept sends nothing more and waits for no run', async () => {
  const { own, other, held, clock, pass, close } = await openBoth();
  const stop = new JobAbort();
  held.watch(stop);
  clock.nowMs += 2 * MINUTE_MS;
  expect(await other.take('job')).toBe('held');
  pass(MINUTE_MS / 4);
  expect(stop.error).toMatchObject({ code: 'LEASE_LOST' });
  expect(stop.startSignal.aborted).toBe(true);
  expect(stop.waitSignal.aborted).toBe(true);
  await held.close();
  expect(await other.take('job')).toBe('busy');
  await expect(own.acquireLease('job:job')).rejects.toMatchObject({ code: 'LEASE_LOST' });
  await close();
});

test('the output of a moved ledger is still written', async () => {
  const { own, held, close } = await openBoth();
  const moved = new RowfillError('usage', 'LEDGER_MOVED', 'moved');
  own.refuseStart = () => {
    throw moved;
  };
  expect(() => held.refuseLost()).not.toThrow();
  await close();
});

/** A clock that advances during sleeps; `onSleep` is called meanwhile. */
async function openWaiting(onSleep: (nowMs: number) => void) {
  const clock = {
    ...createTestClock(),
    now: () => clock.nowMs,
    async sleep(ms: number) {
      clock.nowMs += ms;
      onSleep(clock.nowMs);
    },
  };
  const notes: string[] = [];
  const path = createLedgerPath();
  return {
    clock,
    notes,
    ledger: await openLedger(path, { clock }),
    path,
    other: await OtherHolder.open(path, { clock }),
    onWait: (note: string) => notes.push(note),
  };
}

test('waits for the lease of a killed container to expire, then takes over', async () => {
  const { clock, notes, ledger, other, onWait } = await openWaiting(() => undefined);
  const startMs = clock.nowMs;
  await other.take('job');
  clock.nowMs += 5_000;
  const held = await waitForLease(ledger, 'job', { clock, onWait });
  expect(clock.nowMs - startMs).toBe(45_000);
  expect(notes).toEqual([
    `Waiting up to 40 s: process ${OTHER_HOLDER.pid} on ${OTHER_HOLDER.host} was working on this and may have been killed.`,
  ]);
  await held.close();
  await ledger.close();
  await other.close();
});

test('refuses to replace a live container at its next renewal, and a live process at once', async () => {
  const busy = expect.objectContaining({
    kind: 'busy',
    code: 'LEASE_HELD',
    message: expect.stringContaining(`process ${OTHER_HOLDER.pid} on ${OTHER_HOLDER.host}`),
  });
  let renewAtMs = Number.POSITIVE_INFINITY;
  const renewals: Promise<void>[] = [];
  const waiting = await openWaiting((nowMs) => {
    if (nowMs >= renewAtMs) renewals.push(waiting.other.renew());
  });
  const { clock, ledger, other, path } = waiting;
  await other.take('job');
  renewAtMs = clock.nowMs + 15_000;
  await expect(waitForLease(ledger, 'job', { clock })).rejects.toEqual(busy);
  expect(clock.nowMs).toBeLessThan(renewAtMs + 2_000);

  const near = await OtherHolder.open(path, { clock, holder: readHolder() });
  await near.take('other job');
  const beforeMs = clock.nowMs;
  if (process.platform === 'linux') {
    await expect(waitForLease(ledger, 'other job', { clock })).rejects.toEqual(busy);
    expect(clock.nowMs).toBe(beforeMs);
  }
  await Promise.all(renewals);
  await ledger.close();
  await near.close();
  await other.close();
});

test('stops waiting when the job is interrupted', async () => {
  const { ledger, other } = await openWaiting(() => undefined);
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(waitForLease(ledger, 'job', { signal })).rejects.toThrow('interrupted');
  await ledger.close();
  // The lease may have been acquired all the same, but closing has released it.
  expect(await other.take('job')).toBe('held');
  await other.close();
});
