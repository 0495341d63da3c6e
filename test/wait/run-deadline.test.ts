import { expect, test } from 'vitest';
import { resolveWaitMs } from '../../src/wait/run-deadline.js';

const MINUTE = 60_000;

test('a run is waited for a little longer than the agent lets it work', () => {
  expect(resolveWaitMs('low', null)).toBe(75 * MINUTE);
  expect(resolveWaitMs('xhigh', null)).toBe(75 * MINUTE);
  expect(resolveWaitMs('ultra', null)).toBe(210 * MINUTE);
  expect(resolveWaitMs('max', null)).toBe(210 * MINUTE);
  expect(resolveWaitMs('ultra', 5 * MINUTE)).toBe(5 * MINUTE);
});

test('the age of a run picked up again counts, but it gets a minute to tell its end', () => {
  expect(resolveWaitMs('low', null, 30 * MINUTE)).toBe(45 * MINUTE);
  expect(resolveWaitMs('low', null, 10 * 60 * MINUTE)).toBe(MINUTE);
  expect(resolveWaitMs('low', 10_000, 10 * 60 * MINUTE)).toBe(10_000);
});
