import { expect, test } from 'vitest';
import { readRetryDelayMs } from '../../src/watch/retry-delay.js';

test('waits grow from five seconds to five minutes, and half of each is chance', () => {
  expect([1, 2, 3, 7, 100].map((tries) => readRetryDelayMs(tries, 1))).toEqual([
    5_000, 10_000, 20_000, 300_000, 300_000,
  ]);
  expect(readRetryDelayMs(1, 0)).toBe(2_500);
  expect(readRetryDelayMs(100, 0)).toBe(150_000);
});
