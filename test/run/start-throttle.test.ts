import { expect, onTestFinished, test } from 'vitest';
import { type Start, StartThrottle } from '../../src/run/start-throttle.js';
import { ManualClock, settle } from '../helpers/manual-clock.js';

const { signal } = new AbortController();

function open(concurrency: number, startsPerSecond = 0): { pacer: StartThrottle; clock: ManualClock } {
  const clock = new ManualClock();
  return { pacer: new StartThrottle({ concurrency, startsPerSecond, clock }), clock };
}

/** So many starts that are accepted at once. */
async function start(pacer: StartThrottle, count: number): Promise<void> {
  for (let run = 0; run < count; run += 1) {
    pacer.onStarted(await send(pacer));
  }
}

/** A start whose request leaves at once. */
async function send(pacer: StartThrottle): Promise<Start> {
  const start = await pacer.acquire(signal);
  start.sent();
  return start;
}

/** A start that is wanted, and whether it was let through yet. */
function want(pacer: StartThrottle, wasRefused = false) {
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
  pacer.acquire(controller.signal, wasRefused).then(
    (letThrough) => {
      start = letThrough;
      letThrough.sent();
    },
    () => undefined,
  );
  return wanted;
}

test('starts keep their distance, and many who wait at once share none', async () => {
  const { pacer, clock } = open(100, 5);
  const startedAtMs: number[] = [];
  for (let run = 0; run < 10; run += 1) {
    void send(pacer).then((start) => {
      startedAtMs.push(clock.now());
      pacer.onStarted(start);
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

test('no more runs at once than allowed; the end of one makes room for the next', async () => {
  const { pacer } = open(2);
  await start(pacer, 2);
  const next = want(pacer);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  pacer.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('runs that were started before count, and beyond the limit none is started', async () => {
  const { pacer } = open(2);
  for (let run = 0; run < 3; run += 1) pacer.adopt();
  const next = want(pacer);
  pacer.release();
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  pacer.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('each end of a run lets one of those through that were refused, in their order', async () => {
  const { pacer } = open(10);
  await start(pacer, 4);
  pacer.onRejected(await send(pacer), 'concurrency', null);
  const others = [want(pacer), want(pacer), want(pacer)];
  const refused = want(pacer, true);
  await settle(2);
  expect([refused, ...others].filter(({ isLetThrough }) => isLetThrough)).toEqual([]);
  pacer.release();
  await settle(2);
  expect(refused.isLetThrough).toBe(true);
  expect(others.filter(({ isLetThrough }) => isLetThrough)).toEqual([]);
  pacer.onStarted(refused.start);
  pacer.release();
  await settle(2);
  expect(others.map(({ isLetThrough }) => isLetThrough)).toEqual([true, false, false]);
});

test('a refusal for rate holds every start back as long as the agent asks, and lowers no ceiling', async () => {
  const { pacer, clock } = open(10);
  await start(pacer, 6);
  expect(pacer.onRejected(await send(pacer), 'rate', 7_000)).toBe(7_000);
  const next = want(pacer);
  clock.advance(6_999);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  clock.advance(1);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
  pacer.onStarted(next.start);
  for (let run = 7; run < 10; run += 1) {
    const another = want(pacer);
    // The starts are slower now, but there is room for as many.
    clock.advance(1_000);
    await settle(2);
    expect(another.isLetThrough).toBe(true);
    pacer.onStarted(another.start);
  }
});

test('refusals without a time to wait back off further and further, and those of one moment count once', async () => {
  const { pacer, clock } = open(10);
  const waits: number[] = [];
  for (let refusal = 0; refusal < 4; refusal += 1) {
    const wanted = [want(pacer), want(pacer)];
    clock.advance(200);
    await settle(2);
    clock.advance(10_000);
    await settle(2);
    const through = wanted.filter(({ isLetThrough }) => isLetThrough);
    for (const { stop } of wanted) stop();
    for (const [index, { start: refused }] of through.entries()) {
      const waitMs = pacer.onRejected(refused, 'rate', null);
      if (index === 0) waits.push(waitMs);
      else expect(waitMs).toBe(waits.at(-1));
    }
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
});

test('refused with no run of its own, it waits for time; with one, for its end', async () => {
  const { pacer } = open(10);
  expect(pacer.onRejected(await send(pacer), 'concurrency', null)).toBe(500);
  const other = open(10);
  await start(other.pacer, 1);
  expect(other.pacer.onRejected(await send(other.pacer), 'concurrency', null)).toBe(0);
});

test('a run at work is work until now; after it, its end is when there was work last', async () => {
  const { pacer, clock } = open(10);
  expect(pacer.lastWorkMs).toBe(Number.NEGATIVE_INFINITY);
  await start(pacer, 1);
  clock.advance(5_000);
  const endMs = clock.now();
  expect(pacer.lastWorkMs).toBe(endMs);
  pacer.release();
  clock.advance(5_000);
  expect(pacer.lastWorkMs).toBe(endMs);
});

test('an aborted wait takes no place, and leaves no timer behind', async () => {
  const { pacer, clock } = open(1, 1);
  await start(pacer, 1);
  const given = want(pacer);
  given.stop();
  pacer.release();
  const late = want(pacer);
  await settle(2);
  expect(clock.sleeping).toBe(1);
  late.stop();
  await settle(2);
  expect(clock.sleeping).toBe(0);
  const next = want(pacer);
  clock.advance(1_001);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('a start counts from when its request leaves, not from when it was let through', async () => {
  const { pacer, clock } = open(10, 1);
  const slow = await pacer.acquire(signal);
  const next = want(pacer);
  // It waits for its connection.
  clock.advance(1_500);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  slow.sent();
  clock.advance(10);
  pacer.onStarted(slow);
  clock.advance(1_000);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  clock.advance(1);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('a start that was never made does not count', async () => {
  const { pacer, clock } = open(1, 1);
  pacer.giveBack(await pacer.acquire(signal));
  clock.advance(1_000);
  await settle(2);
  const next = want(pacer);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('refused for room with a long time to wait, the next end of an own run makes room sooner', async () => {
  const { pacer, clock } = open(10);
  await start(pacer, 2);
  expect(pacer.onRejected(await send(pacer), 'concurrency', 600_000)).toBe(0);
  const next = want(pacer, true);
  clock.advance(1_000);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  pacer.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('refused for room, it comes back after the time to wait if no own run ends before', async () => {
  const { pacer, clock } = open(10);
  await start(pacer, 2);
  pacer.onRejected(await send(pacer), 'concurrency', 20_000);
  const next = want(pacer, true);
  clock.advance(19_999);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  clock.advance(1);
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('refused for room beside a create that becomes a run, the end of that run makes room', async () => {
  const { pacer, clock } = open(10);
  const other = await send(pacer);
  // Nobody knows yet that there will be a run of ours.
  expect(pacer.onRejected(await send(pacer), 'concurrency', 60_000)).toBe(60_000);
  pacer.onStarted(other);
  const next = want(pacer, true);
  clock.advance(5_000);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  pacer.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('a time to wait of 0 is none: the pauses grow as without it', async () => {
  const { pacer, clock } = open(10);
  const waits: number[] = [];
  for (let refusal = 0; refusal < 3; refusal += 1) {
    const waitMs = pacer.onRejected(await send(pacer), 'concurrency', 0);
    waits.push(waitMs);
    clock.advance(waitMs);
  }
  expect(waits).toEqual([500, 1_000, 2_000]);
});

test('a start whose reply was lost counts as a run until it is released', async () => {
  const { pacer } = open(1);
  pacer.onError(await send(pacer));
  const next = want(pacer);
  await settle(2);
  expect(next.isLetThrough).toBe(false);
  pacer.release();
  await settle(2);
  expect(next.isLetThrough).toBe(true);
});

test('as many may wait on one signal as there are batches: nobody is warned of a leak', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  onTestFinished(() => void process.off('warning', listen));
  const { pacer } = open(1);
  const controller = new AbortController();
  const waits = Array.from({ length: 20 }, () => pacer.acquire(controller.signal));
  await settle(2);
  expect(warnings).toEqual([]);
  controller.abort(new Error('stopped'));
  const results = await Promise.allSettled(waits);
  expect(results.filter(({ status }) => status === 'rejected').length).toBe(19);
});
