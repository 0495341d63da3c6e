import { expect, onTestFinished, test } from 'vitest';
import { type Start, StartThrottle } from '../../src/run/start-throttle.js';
import { ManualClock, settle } from '../helpers/clock.js';

const { signal } = new AbortController();

function open(concurrency: number, startsPerSecond = 0): { throttle: StartThrottle; clock: ManualClock } {
  const clock = new ManualClock();
  return { throttle: new StartThrottle({ concurrency, startsPerSecond, clock }), clock };
}

/** Makes N starts that are accepted at once. */
async function start(throttle: StartThrottle, count: number): Promise<void> {
  for (let run = 0; run < count; run += 1) {
    throttle.onStarted(await send(throttle));
  }
}

/** A start whose request is sent at once. */
async function send(throttle: StartThrottle): Promise<Start> {
  const start = await throttle.acquire(signal);
  start.sent();
  return start;
}

/** A requested start, and whether it was admitted yet. */
function want(throttle: StartThrottle, wasRefused = false) {
  const controller = new AbortController();
  let start: Start | null = null;
  const wanted = {
    stop: () => controller.abort(),
    get isLetThrough(): boolean {
      return start !== null;
    },
    get start(): Start {
      if (start === null) throw new Error('The start was not let through');
      return start;
    },
  };
  throttle.acquire(controller.signal, wasRefused).then(
    (letThrough) => {
      start = letThrough;
      letThrough.sent();
    },
    () => undefined,
  );
  return wanted;
}

test('starts are spaced out, also when many wait at once', async () => {
  const { throttle, clock } = open(100, 5);
  const startedAtMs: number[] = [];
  for (let run = 0; run < 10; run += 1) {
    void send(throttle).then((start) => {
      startedAtMs.push(clock.now());
      throttle.onStarted(start);
    });
  }
  for (let ms = 0; ms < 2_000; ms += 1) {
    await settle(2);
    clock.advance(1);
  }
  expect(startedAtMs).toHaveLength(10);
  for (const [index, atMs] of startedAtMs.entries()) {
    expect((startedAtMs[index + 1] ?? Number.POSITIVE_INFINITY) - atMs).toBeGreaterThanOrEqual(198);
    expect((startedAtMs[index + 5] ?? Number.POSITIVE_INFINITY) - atMs).toBeGreaterThan(1_000);
  }
});

test('runs never exceed the limit; the end of one admits the next', async () => {
  const { throttle } = open(2);
  await start(throttle, 2);
  const next = want(throttle);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  throttle.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('earlier runs count, and no run starts above the limit', async () => {
  const { throttle } = open(2);
  for (let run = 0; run < 3; run += 1) throttle.adopt();
  const next = want(throttle);
  throttle.release();
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  throttle.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('each end of a run admits one rejected start, in order', async () => {
  const { throttle } = open(10);
  await start(throttle, 4);
  throttle.onRejected(await send(throttle), 'concurrency', null);
  const others = [want(throttle), want(throttle), want(throttle)];
  const refused = want(throttle, true);
  await settle(2);
  expect([refused, ...others].filter(({ isLetThrough }) => isLetThrough)).toEqual([]);
  throttle.release();
  await settle(2);
  expect(refused.isLetThrough).toBe(true);
  expect(others.filter(({ isLetThrough }) => isLetThrough)).toEqual([]);
  throttle.onStarted(refused.start);
  throttle.release();
  await settle(2);
  expect(others.map(({ isLetThrough }) => isLetThrough)).toEqual([true, false, false]);
});

test('a rate limit holds every start back for Retry-After and does not lower the concurrency limit', async () => {
  const { throttle, clock } = open(10);
  await start(throttle, 6);
  expect(throttle.onRejected(await send(throttle), 'rate', 7_000)).toBe(7_000);
  const next = want(throttle);
  clock.advance(6_999);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  clock.advance(1);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
  throttle.onStarted(next.start);
  for (let run = 7; run < 10; run += 1) {
    const another = want(throttle);
    // The starts are slower now, but just as many are allowed.
    clock.advance(1_000);
    await settle(2);
    expect(another.isLetThrough).toBe(true);
    throttle.onStarted(another.start);
  }
});

test('rejections without Retry-After back off exponentially, and concurrent ones count once', async () => {
  const { throttle, clock } = open(10);
  const waits: number[] = [];
  for (let refusal = 0; refusal < 4; refusal += 1) {
    const wanted = [want(throttle), want(throttle)];
    clock.advance(200);
    await settle(2);
    clock.advance(10_000);
    await settle(2);
    const through = wanted.filter(({ isLetThrough }) => isLetThrough);
    for (const { stop } of wanted) stop();
    for (const [index, { start: refused }] of through.entries()) {
      const waitMs = throttle.onRejected(refused, 'rate', null);
      if (index === 0) waits.push(waitMs);
      else expect(waitMs).toBe(waits.at(-1));
    }
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
});

test('after a rejection it waits for time without own runs, else for the end of one', async () => {
  const { throttle } = open(10);
  expect(throttle.onRejected(await send(throttle), 'concurrency', null)).toBe(500);
  const other = open(10);
  await start(other.throttle, 1);
  expect(other.throttle.onRejected(await send(other.throttle), 'concurrency', null)).toBe(0);
});

test('lastWorkMs is now while a run is active, then the end of the last run', async () => {
  const { throttle, clock } = open(10);
  expect(throttle.lastWorkMs).toBe(Number.NEGATIVE_INFINITY);
  await start(throttle, 1);
  clock.advance(5_000);
  const endMs = clock.now();
  expect(throttle.lastWorkMs).toBe(endMs);
  throttle.release();
  clock.advance(5_000);
  expect(throttle.lastWorkMs).toBe(endMs);
});

test('an aborted wait takes no slot and leaves no timer behind', async () => {
  const { throttle, clock } = open(1, 1);
  await start(throttle, 1);
  const given = want(throttle);
  given.stop();
  throttle.release();
  const late = want(throttle);
  await settle(2);
  expect(clock.sleeping).toBe(1);
  late.stop();
  await settle(2);
  expect(clock.sleeping).toBe(0);
  const next = want(throttle);
  clock.advance(1_001);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('a start counts from when its request is sent, not from when it was admitted', async () => {
  const { throttle, clock } = open(10, 1);
  const slow = await throttle.acquire(signal);
  const next = want(throttle);
  // Waiting for its connection.
  clock.advance(1_500);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  slow.sent();
  clock.advance(10);
  throttle.onStarted(slow);
  clock.advance(1_000);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  clock.advance(1);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('a released start does not count', async () => {
  const { throttle, clock } = open(1, 1);
  throttle.giveBack(await throttle.acquire(signal));
  const next = want(throttle);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
  next.start.sent();
  // One whose request was sent does.
  throttle.giveBack(next.start);
  const last = want(throttle);
  clock.advance(500);
  await settle(2);
  expect(last.isLetThrough).toBe(false);
  clock.advance(501);
  await settle(2);
  expect(last.isLetThrough).toBe(true);
});

test('after a full account with a long Retry-After, the end of our own run admits a start sooner', async () => {
  const { throttle, clock } = open(10);
  await start(throttle, 2);
  expect(throttle.onRejected(await send(throttle), 'concurrency', 600_000)).toBe(0);
  const next = want(throttle, true);
  clock.advance(1_000);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  throttle.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('after a full account, it retries after Retry-After if no own run ends before', async () => {
  const { throttle, clock } = open(10);
  await start(throttle, 2);
  throttle.onRejected(await send(throttle), 'concurrency', 20_000);
  const next = want(throttle, true);
  clock.advance(19_999);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  clock.advance(1);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('after a full account next to a pending create, the end of that run admits a start', async () => {
  const { throttle, clock } = open(10);
  const other = await send(throttle);
  // It is not known yet that we will have a run.
  expect(throttle.onRejected(await send(throttle), 'concurrency', 60_000)).toBe(60_000);
  throttle.onStarted(other);
  const next = want(throttle, true);
  clock.advance(5_000);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  throttle.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('Retry-After of 0 is ignored: delays grow as without it', async () => {
  const { throttle, clock } = open(10);
  const waits: number[] = [];
  for (let refusal = 0; refusal < 3; refusal += 1) {
    const waitMs = throttle.onRejected(await send(throttle), 'concurrency', 0);
    waits.push(waitMs);
    clock.advance(waitMs);
  }
  expect(waits).toEqual([500, 1_000, 2_000]);
});

test('a start with a lost response counts as a run until it is released', async () => {
  const { throttle } = open(1);
  throttle.onError(await send(throttle));
  const next = want(throttle);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  throttle.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('many batches may wait on one signal without a leak warning', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  onTestFinished(() => void process.off('warning', listen));
  const { throttle } = open(1);
  const controller = new AbortController();
  const waits = Array.from({ length: 20 }, () => throttle.acquire(controller.signal));
  await settle(2);
  expect(warnings).toEqual([]);
  controller.abort(new Error('stopped'));
  const results = await Promise.allSettled(waits);
  expect(results.filter(({ status }) => status === 'rejected').length).toBe(19);
});
