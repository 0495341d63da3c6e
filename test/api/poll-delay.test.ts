import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolvePollDelay } from '../../src/api/poll-delay.js';

test.each([
  ['minimal', 0, 1_000],
  ['low', 0, 2_000],
  ['medium', 0, 4_000],
  ['high', 0, 8_000],
  ['xhigh', 0, 15_000],
  ['ultra', 0, 15_000],
  ['an effort of next year', 0, 15_000],
  [null, 0, 2_000],
  ['low', 20_000, 5_000],
  ['low', 40_000, 10_000],
  ['low', 3_600_000, 15_000],
])('a run of effort %s and age %d ms is asked for again after %d ms', (effort, ageMs, expected) => {
  expect(resolvePollDelay({ ageMs, effort, random: 0.5 })).toBe(expected);
});

test('the delay strays by a fifth at most and never shrinks as a run ages', () => {
  const effort = fc.constantFrom('minimal', 'low', 'medium', 'high', 'ultra', null);
  const age = fc.nat(10_000_000);
  fc.assert(
    fc.property(
      effort,
      age,
      age,
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      (level, a, b, random) => {
        const [younger, older] = a < b ? [a, b] : [b, a];
        const delay = resolvePollDelay({ ageMs: younger, effort: level, random });
        const middle = resolvePollDelay({ ageMs: younger, effort: level, random: 0.5 });
        expect(delay).toBeGreaterThanOrEqual(Math.floor(middle * 0.8));
        expect(delay).toBeLessThanOrEqual(Math.ceil(middle * 1.2));
        expect(resolvePollDelay({ ageMs: older, effort: level, random })).toBeGreaterThanOrEqual(delay);
      },
    ),
  );
});
