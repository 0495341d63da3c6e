import { expect, test } from 'vitest';
import { draw } from '../../src/server/rehearsal/fault.js';
import { type PaceReport, simulatePace } from '../helpers/simulate-pace.js';

const SCENE = { runs: 900, concurrency: 50, latency: 'median:500ms,sigma:0.5', seed: '1' };

test('a rise of the cap from 12 to 40 is noticed soon, at any time', async () => {
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
  test(`a cap of ${cap} is nearly fully used, with at most 5% of creates rejected`, async () => {
    const report = await simulatePace({ ...SCENE, runs: cap < 5 ? 200 : 900, cap: () => cap });
    expect(report.slotsUsed).toBeGreaterThan(0.97);
    expect(report.refusedShare).toBeLessThanOrEqual(0.05);
    expect(report.peakActive).toBe(cap);
  });
}

test('the first rejection costs a few creates, not all that are waiting', async () => {
  const { creates } = await simulatePace({ ...SCENE, runs: 30, cap: () => 12 });
  const first = creates.slice(0, 12 + 10);
  expect(first.filter(({ accepted }) => !accepted).length).toBeLessThanOrEqual(6);
});

test('with a cap above our limit, no create is rejected and the limit is reached within a few round trips', async () => {
  const report = await simulatePace({ ...SCENE, cap: () => 50 });
  expect(report.refused).toEqual({ concurrency: 0, rate: 0 });
  expect(report.slotsUsed).toBeGreaterThan(0.98);
  const fullAtMs = report.creates.find(({ active }) => active === 49)?.atMs ?? Number.POSITIVE_INFINITY;
  // Of four milliseconds each.
  expect(fullAtMs).toBeLessThanOrEqual(10 * 4);
});

test('a falling cap costs a few rejections, and a rising one is followed', async () => {
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

test('slots that other programs take and free at random are followed', async () => {
  for (const seed of ['others 1', 'others 2', 'others 3']) {
    const cap = (_started: number, atMs: number): number =>
      15 + Math.floor(35 * draw(seed, Math.floor(atMs / 3_000)));
    const report = await simulatePace({ ...SCENE, runs: 1_500, seed, cap });
    expect(report.started).toBe(1_500);
    expect(report.slotsUsed).toBeGreaterThan(0.85);
    // Each fall costs a few rejections.
    expect(report.refusedShare).toBeLessThan(0.07);
  }
});

test('an account filled by others for ten minutes is tried less and less often, then used', async () => {
  const cap = (_started: number, atMs: number): number => (atMs < 600_000 ? 0 : 12);
  const { creates, started } = await simulatePace({ ...SCENE, runs: 100, cap });
  expect(started).toBe(100);
  expect(creates.filter(({ atMs }) => atMs < 600_000).length).toBeLessThanOrEqual(35);
  expect(creates.find(({ accepted }) => accepted)?.atMs).toBeLessThan(600_000 + 31_000);
});

test('more slots are probed for during long runs, at most once a minute', async () => {
  const cap = (_started: number, atMs: number): number => (atMs < 1_000_000 ? 3 : 30);
  const { creates } = await simulatePace({ ...SCENE, runs: 60, latency: '20m', cap });
  const looks = creates.filter(({ atMs, active }) => active === 3 && atMs > 1_000 && atMs < 1_000_000);
  expect(looks.length).toBeGreaterThan(10);
  expect(looks.length).toBeLessThanOrEqual(17);
  expect(creates.find(({ active }) => active === 29)?.atMs).toBeLessThan(1_000_000 + 61_000);
});

test('a full account is tried again after Retry-After or the end of our own run, rarely enough to cost little', async () => {
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
    // Requests sent before the response arrived cannot know of it.
    if (!accepted && next !== undefined && next.atMs - atMs > 4) {
      if (next.active >= active) expect(next.atMs - atMs).toBeGreaterThanOrEqual(retryAfterMs);
    }
  }
  expect(report.started).toBe(SCENE.runs);
  expect(report.slotsUsed).toBeGreaterThan(0.9);
  // One probe a minute, while a run ends every five seconds.
  expect(report.refusedShare).toBeLessThanOrEqual(0.1);
});

test('with the allowed rate configured, no start is rejected and the rate is used', async () => {
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
  // Each start waits for its connection before its position in the second is known.
  ['with slow connections', { connectMs: jitter('tls', 200) }, 0.85],
  [
    'with all of these',
    { lateMs: jitter('late', 20), tripMs: jitter('trip', 30), connectMs: jitter('tls', 80) },
    0.9,
  ],
])(
  'a service that counts any second exactly rejects no start and is used, %s',
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

test('an unknown rate limit is found with a few rejections, and used', async () => {
  const scene = { ...SCENE, runs: 200, cap: () => 50, allowedPerSecond: 5 };
  const { creates, refused, refusedShare } = await simulatePace(scene);
  expect(refused.concurrency).toBe(0);
  expect(refusedShare).toBeLessThanOrEqual(0.06);
  expect(200 / ((creates.at(-1)?.atMs ?? 0) / 1_000)).toBeGreaterThan(0.9 * 5);
});
