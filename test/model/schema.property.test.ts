import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMultipleOf } from '../../src/model/schema.js';

test('counts in decimal digits', () => {
  const cases: readonly (readonly [number, number, boolean])[] = [
    [0.29, 0.01, true],
    [19.99, 0.01, true],
    [0.0075, 0.0001, true],
    [0.00751, 0.0001, false],
    [4.5, 1.5, true],
    [35, 1.5, false],
    [0, 0.01, true],
    [-0.07, 0.01, true],
    [1e308, 0.5, true],
    [1e-7, 1e-8, true],
    [1.5e-7, 1e-7, false],
  ];
  for (const [value, divisor, expected] of cases)
    expect([value, divisor, isMultipleOf(value, divisor)]).toEqual([value, divisor, expected]);
});

test('every number of cents is a multiple of a cent', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), (cents) => isMultipleOf(Number(`${cents}e-2`), 0.01)),
  );
});
