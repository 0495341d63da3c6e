import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatMicros, splitMicros, toMicros } from '../../src/model/money.js';

test('shares add up to the amount and differ by one micro-dollar at most', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), fc.integer({ min: 1, max: 500 }), (micros, parts) => {
      const shares = splitMicros(micros, parts);
      expect(shares).toHaveLength(parts);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(micros);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }),
  );
});

test('money becomes decimal text that reads back to the same amount', () => {
  expect(formatMicros(25_000)).toBe('0.025');
  expect(formatMicros(0)).toBe('0.00');
  expect(formatMicros(1_000_000)).toBe('1.00');
  expect(formatMicros(3_125)).toBe('0.003125');
  fc.assert(
    fc.property(fc.nat(2_000_000_000), (micros) => {
      expect(toMicros(Number(formatMicros(micros)))).toBe(micros);
    }),
  );
});
