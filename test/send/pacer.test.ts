import { expect, test } from 'vitest';
import { Pacer } from '../../src/send/pacer.js';
import { VirtualClock } from '../helpers/virtual-clock.js';

const SIGNAL = new AbortController().signal;

function open(concurrency: number, startsPerSecond = 0): { pacer: Pacer; clock: VirtualClock } {
  const clock = new VirtualClock();
  return { pacer: new Pacer({ concurrency, startsPerSecond, clock }), clock };
}

/** True if a start is allowed without waiting for anything to end. */
async function canStart(pacer: Pacer): Promise<boolean> {
  let started = false;
  const controller = new AbortController();
  const taking = pacer.take(controller.signal).then(
    () => {
      started = true;
    },
    () => undefined,
  );
  await new Promise((resolve) => setImmediate(resolve));
  if (!started) controller.abort();
  await taking;
  return started;
}

test('starts keep their distance and never come faster than allowed', async () => {
  const { pacer, clock } = open(100, 5);
  const startedAtMs: number[] = [];
  for (let run = 0; run < 20; run += 1) {
    await pacer.take(SIGNAL);
    startedAtMs.push(clock.now());
  }
  startedAtMs.slice(1).forEach((at, index) => {
    expect(at - (startedAtMs[index] ?? 0)).toBeGreaterThanOrEqual(200);
  });
  expect(clock.now() - (startedAtMs[0] ?? 0)).toBe(19 * 200);
});

test('many who wait at once share no start', async () => {
  const { pacer, clock } = open(100, 5);
  const startedAtMs: number[] = [];
  const all = Array.from({ length: 10 }, async () => {
    await pacer.take(SIGNAL);
    startedAtMs.push(clock.now());
  });
  await Promise.all(all);
  expect(new Set(startedAtMs).size).toBe(10);
});

test('no more runs at once than allowed; the end of one makes room for the next', async () => {
  const { pacer } = open(2);
  await pacer.take(SIGNAL);
  await pacer.take(SIGNAL);
  expect(await canStart(pacer)).toBe(false);
  pacer.release('ended');
  expect(await canStart(pacer)).toBe(true);
});

test('a refusal for concurrency lowers the ceiling to what works, and quiet success raises it again', async () => {
  const { pacer } = open(10);
  for (let run = 0; run < 5; run += 1) await pacer.take(SIGNAL);
  pacer.refuse('concurrency', null);
  expect(await canStart(pacer)).toBe(false);
  for (let run = 0; run < 4; run += 1) pacer.release('ended');
  for (let run = 0; run < 5; run += 1) expect(await canStart(pacer)).toBe(true);
  expect(await canStart(pacer)).toBe(false);
});

test('a refusal for rate holds every start back as long as the agent asks', async () => {
  const { pacer, clock } = open(10);
  await pacer.take(SIGNAL);
  const refusedAtMs = clock.now();
  pacer.refuse('rate', 7_000);
  await pacer.take(SIGNAL);
  expect(clock.now() - refusedAtMs).toBe(7_000);
});

test('refusals without a time to wait back off further and further', async () => {
  const { pacer, clock } = open(10);
  const waits: number[] = [];
  for (let refusal = 0; refusal < 4; refusal += 1) {
    await pacer.take(SIGNAL);
    const refusedAtMs = clock.now();
    pacer.refuse('rate', null);
    await pacer.take(SIGNAL);
    waits.push(clock.now() - refusedAtMs);
    pacer.release('unused');
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
});

test('an aborted wait takes no place', async () => {
  const { pacer } = open(1);
  await pacer.take(SIGNAL);
  expect(await canStart(pacer)).toBe(false);
  pacer.release('ended');
  expect(await canStart(pacer)).toBe(true);
});
