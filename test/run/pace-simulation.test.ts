import { expect, test } from 'vitest';
import { draw } from '../../src/server/rehearsal/fault.js';
import { type PaceReport, simulatePace } from '../helpers/simulate-pace.js';

const SCENE = { runs: 900, concurrency: 50, latency: 'median:500ms,sigma:0.5', seed: '1' };

test('a cap that rises from 12 to 40 is found soon, whenever it rises', async () => {
  const found: PaceReport[] = [];
  for (const [index, rise] of [290, 294, 298, 302, 306, 310].entries()) {
    const cap = (started: number): number => (started < rise ? 12 : 40);
    found.push(await simulatePace({ ...SCENE, seed: `rise ${index}`, cap }));
  }
  for (const { slotsUsed, refusedShare, peakActive } of found) {
    expect(slotsUsed).toBeGreaterThan(0.92);
    expect(refusedShare).toBeLessThanOrEqual(0.05);
    expect(peakActive).toBe(40);
  }
  const mean = found.reduce((sum, { slotsUsed }) => sum + slotsUsed, 0) / found.length;
  expect(mean).toBeGreaterThanOrEqual(0.95);
});

for (const cap of [1, 2, 5, 12, 40]) {
  test(`a cap of ${cap} is used nearly whole, and one create in twenty at most is refused`, async () => {
    const report = await simulatePace({ ...SCENE, runs: cap < 5 ? 200 : 900, cap: () => cap });
    expect(report.slotsUsed).toBeGreaterThan(0.97);
    expect(report.refusedShare).toBeLessThanOrEqual(0.05);
    expect(report.peakActive).toBe(cap);
  });
}

test('a first refusal costs a few creates, not all that are waiting', async () => {
  const { creates } = await simulatePace({ ...SCENE, runs: 30, cap: () => 12 });
  const first = creates.slice(0, 12 + 10);
  expect(first.filter(({ accepted }) => !accepted).length).toBeLessThanOrEqual(6);
});

test('an agent that holds all we are told meets no refusal, and is full within a few round trips', async () => {
  const report = await simulatePace({ ...SCENE, cap: () => 50 });
  expect(report.refused).toEqual({ concurrency: 0, rate: 0 });
  expect(report.slotsUsed).toBeGreaterThan(0.98);
  const fullAtMs = report.creates.find(({ active }) => active === 49)?.atMs ?? Number.POSITIVE_INFINITY;
  // Of four milliseconds each.
  expect(fullAtMs).toBeLessThanOrEqual(10 * 4);
});

test('a cap that falls is followed down in a few refusals, and up again', async () => {
  const isLow = (atMs: number): boolean => atMs > 3_000 && atMs < 13_000;
  const cap = (_started: number, atMs: number): number => (isLow(atMs) ? 12 : 50);
  const { creates, refusedShare, slotsUsed } = await simulatePace({ ...SCENE, runs: 1_500, cap });
  const low = creates.filter(({ atMs }) => isLow(atMs));
  const found = low.findIndex(({ accepted }) => accepted);
  expect(found).toBeGreaterThan(0);
  expect(found).toBeLessThanOrEqual(12);
  expect(low.filter(({ accepted }) => accepted).length).toBeGreaterThan(150);
  expect(refusedShare).toBeLessThanOrEqual(0.05);
  expect(slotsUsed).toBeGreaterThan(0.95);
  expect(Math.max(...creates.slice(-600).map(({ active }) => active))).toBe(49);
});

test('room that other programs take and leave at random is followed', async () => {
  for (const seed of ['others 1', 'others 2', 'others 3']) {
    const cap = (_started: number, atMs: number): number =>
      15 + Math.floor(35 * draw(seed, Math.floor(atMs / 3_000)));
    const report = await simulatePace({ ...SCENE, runs: 1_500, seed, cap });
    expect(report.started).toBe(1_500);
    expect(report.slotsUsed).toBeGreaterThan(0.85);
    // Each fall takes a few refusals to be felt.
    expect(report.refusedShare).toBeLessThan(0.07);
  }
});

test('an account that others fill for ten minutes is asked less and less often, and then used', async () => {
  const cap = (_started: number, atMs: number): number => (atMs < 600_000 ? 0 : 12);
  const { creates, started } = await simulatePace({ ...SCENE, runs: 100, cap });
  expect(started).toBe(100);
  expect(creates.filter(({ atMs }) => atMs < 600_000).length).toBeLessThanOrEqual(35);
  expect(creates.find(({ accepted }) => accepted)?.atMs).toBeLessThan(600_000 + 31_000);
});

test('room is looked for while long runs work, and no more than once a minute', async () => {
  const cap = (_started: number, atMs: number): number => (atMs < 1_000_000 ? 3 : 30);
  const { creates } = await simulatePace({ ...SCENE, runs: 60, latency: '20m', cap });
  const looks = creates.filter(({ atMs, active }) => active === 3 && atMs > 1_000 && atMs < 1_000_000);
  expect(looks.length).toBeGreaterThan(10);
  expect(looks.length).toBeLessThanOrEqual(17);
  expect(creates.find(({ active }) => active === 29)?.atMs).toBeLessThan(1_000_000 + 61_000);
});

test('a full account is looked at again after the time to wait or an own end, and seldom enough to cost little', async () => {
  const retryAfterMs = 2_000;
  const report = await simulatePace({
    ...SCENE,
    latency: 'median:60s,sigma:0.5',
    cap: () => 12,
    retryAfterMs,
  });
  const { creates } = report;
  for (const [index, { atMs, active, accepted }] of creates.entries()) {
    const next = creates[index + 1];
    // What left before the answer came back cannot know of it.
    if (!accepted && next !== undefined && next.atMs - atMs > 4) {
      if (next.active >= active) expect(next.atMs - atMs).toBeGreaterThanOrEqual(retryAfterMs);
    }
  }
  expect(report.started).toBe(SCENE.runs);
  expect(report.slotsUsed).toBeGreaterThan(0.9);
  // One look a minute, while one run in five seconds ends.
  expect(report.refusedShare).toBeLessThanOrEqual(0.1);
});

test('told the rate that is allowed, no start is refused and the rate is used', async () => {
  const scene = { ...SCENE, runs: 100, cap: () => 50, allowedPerSecond: 5, startsPerSecond: 5 };
  const { creates, refused } = await simulatePace(scene);
  expect(refused).toEqual({ concurrency: 0, rate: 0 });
  for (const [index, { atMs }] of creates.entries()) {
    const sixth = creates[index + 5];
    if (sixth !== undefined) expect(sixth.atMs - atMs).toBeGreaterThanOrEqual(1_000);
  }
  const lastMs = creates.at(-1)?.atMs ?? 0;
  expect((creates.length - 1) / (lastMs / 1_000)).toBeGreaterThanOrEqual(0.98 * 5);
});

const jitter = (seed: string, mostMs: number) => (start: number) => Math.floor(mostMs * draw(seed, start));

test.each([
  ['on a quiet network', {}, 0.98],
  ['on a busy machine', { lateMs: jitter('late', 20) }, 0.95],
  ['on an uneven network', { tripMs: jitter('trip', 30) }, 0.95],
  // Each start waits for its connection before its place in the second is known.
  ['with slow connections', { connectMs: jitter('tls', 200) }, 0.85],
  [
    'with all of these',
    { lateMs: jitter('late', 20), tripMs: jitter('trip', 30), connectMs: jitter('tls', 80) },
    0.9,
  ],
])(
  'a service that counts any second exactly refuses no start and is used, %s',
  async (_name, conditions, used) => {
    for (const rate of [1, 5, 10, 25]) {
      const told = { startsPerSecond: rate, allowedInAnySecond: rate };
      const scene = { ...SCENE, runs: 20 * rate, cap: () => 50, ...told, ...conditions };
      const { creates, refused } = await simulatePace(scene);
      expect(refused).toEqual({ concurrency: 0, rate: 0 });
      const seconds = ((creates.at(-1)?.atMs ?? 0) - (creates[0]?.atMs ?? 0)) / 1_000;
      expect((creates.length - 1) / seconds).toBeGreaterThanOrEqual(used * rate);
    }
  },
);

test('a rate that nobody told is found by a few refusals, and used', async () => {
  const scene = { ...SCENE, runs: 200, cap: () => 50, allowedPerSecond: 5 };
  const { creates, refused, refusedShare } = await simulatePace(scene);
  expect(refused.concurrency).toBe(0);
  expect(refusedShare).toBeLessThanOrEqual(0.06);
  expect(200 / ((creates.at(-1)?.atMs ?? 0) / 1_000)).toBeGreaterThan(0.9 * 5);
});
