import { expect, test } from 'vitest';
import { drawLatencyMs, resolveLatency } from '../../../src/server/rehearsal/latency.js';

function drawMany(text: string, count = 2_000): number[] {
  const latency = resolveLatency(text);
  return Array.from({ length: count }, (_, index) => drawLatencyMs(latency, 'seed', index)).sort(
    (a, b) => a - b,
  );
}

function readMedian(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

test('one time is always that time', () => {
  expect(new Set(drawMany('250ms', 50))).toEqual(new Set([250]));
  expect(new Set(drawMany('1.5s', 50))).toEqual(new Set([1_500]));
});

test('a span is log-normal: inside its bounds, half of it below their geometric mean', () => {
  const drawn = drawMany('2s..90s');
  expect(drawn[0]).toBeGreaterThanOrEqual(2_000);
  expect(drawn.at(-1)).toBeLessThanOrEqual(90_000);
  expect(readMedian(drawn)).toBeGreaterThan(12_500);
  expect(readMedian(drawn)).toBeLessThan(14_500);
});

test('an even span has its median in the middle', () => {
  const drawn = drawMany('uniform:2s..4s');
  expect(drawn[0]).toBeGreaterThanOrEqual(2_000);
  expect(drawn.at(-1)).toBeLessThanOrEqual(4_000);
  expect(Math.abs(readMedian(drawn) - 3_000)).toBeLessThan(100);
});

test('a median and a sigma give that median', () => {
  const drawn = drawMany('median:2s,sigma:0.5');
  expect(Math.abs(readMedian(drawn) - 2_000)).toBeLessThan(120);
});

test('the same words draw the same time, other words another', () => {
  const latency = resolveLatency('1s..1m');
  expect(drawLatencyMs(latency, 'seed', 'a', 1)).toBe(drawLatencyMs(latency, 'seed', 'a', 1));
  expect(drawLatencyMs(latency, 'seed', 'a', 1)).not.toBe(drawLatencyMs(latency, 'seed', 'a', 2));
  expect(drawLatencyMs(latency, 'seed', 'a', 1)).not.toBe(drawLatencyMs(latency, 'other', 'a', 1));
});

test.each([
  '',
  '2',
  's',
  '2s..',
  '..2s',
  '9s..2s',
  '2h',
  '-2s',
  '4h',
  '1..2s',
  'median:2s',
  '1.2.3s',
  '200m',
])('refuses %j', (text) => {
  expect(() => resolveLatency(text)).toThrow(/cannot be read/);
});
