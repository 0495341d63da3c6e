import { expect, test } from 'vitest';
import { type JobThrottle, SharedThrottle } from '../../src/run/shared-throttle.js';
import { ManualClock, settle } from '../helpers/clock.js';

const { signal } = new AbortController();

/** Requests N starts, which are accepted at once. Returns when each was let through. */
function start(throttle: JobThrottle, count: number, clock: ManualClock): number[] {
  const startedAtMs: number[] = [];
  for (let run = 0; run < count; run += 1) {
    void throttle.acquire(signal).then((begun) => {
      begun.sent();
      throttle.onStarted(begun);
      startedAtMs.push(clock.now());
    });
  }
  return startedAtMs;
}

test('several jobs share the cap on runs, and the end of a run of one lets another start', async () => {
  const clock = new ManualClock();
  const shared = new SharedThrottle();
  const [one, other] = [1, 2].map(() => shared.open({ concurrency: 3, startsPerSecond: 0, clock }));
  if (one === undefined || other === undefined) throw new Error('no throttle');
  start(one, 2, clock);
  const begun = start(other, 2, clock);
  await settle(10);
  expect(begun).toHaveLength(1);
  one.release();
  await settle(10);
  expect(begun).toHaveLength(2);
});

test('several jobs share the start rate', async () => {
  const clock = new ManualClock();
  const shared = new SharedThrottle();
  const begun = [1, 2].map(() =>
    start(shared.open({ concurrency: 100, startsPerSecond: 5, clock }), 5, clock),
  );
  const firstMs = clock.now();
  for (let ms = 0; ms < 3_000; ms += 1) {
    await settle(2);
    clock.advance(1);
  }
  const all = begun.flat().sort((a, b) => a - b);
  expect(all).toHaveLength(10);
  expect(all.filter((ms) => ms < firstMs + 1_000).length).toBeLessThanOrEqual(5);
});

test('a closed job frees the slots that it held: starts, active runs and adopted ones', async () => {
  const clock = new ManualClock();
  const shared = new SharedThrottle();
  const limits = { concurrency: 3, startsPerSecond: 0, clock };
  const broken = shared.open(limits);
  start(broken, 1, clock);
  broken.adopt();
  await broken.acquire(signal);
  const other = shared.open(limits);
  const begun = start(other, 3, clock);
  await settle(10);
  expect(begun).toHaveLength(0);
  broken.close();
  await settle(10);
  expect(begun).toHaveLength(3);
  broken.close();
  expect(start(other, 1, clock)).toHaveLength(0);
});

test('the limits of the newest job apply to all jobs', async () => {
  const clock = new ManualClock();
  const shared = new SharedThrottle();
  const one = shared.open({ concurrency: 1, startsPerSecond: 0, clock });
  const begun = start(one, 4, clock);
  await settle(10);
  expect(begun).toHaveLength(1);
  shared.open({ concurrency: 3, startsPerSecond: 0, clock });
  await settle(10);
  expect(begun).toHaveLength(3);
  shared.open({ concurrency: 1, startsPerSecond: 0, clock });
  one.release();
  one.release();
  await settle(10);
  expect(begun).toHaveLength(3);
  one.release();
  await settle(10);
  expect(begun).toHaveLength(4);
});
