import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNumber, resolveNumberStyle } from '../../src/agents/read-number.js';

describe('readNumber', () => {
  it.each([
    ['42', 42],
    [' 1,234 ', 1234],
    ['1,234,567.89', 1234567.89],
    ['1 234 567', 1234567],
    ['1\u00a0234', 1234],
    ["1'234", 1234],
    ['-5', -5],
    ['−5', -5],
    ['+5', 5],
    ['1.5', 1.5],
    ['1e6', 1e6],
    ['007', 7],
    ['１２', 12],
    ['', null],
    ['1,5', null],
    ['12,34', null],
    ['1,234,5', null],
    ['1.234.567', null],
    ['$1.2M', null],
    ['$5', null],
    ['12%', null],
    ['5 000 people', null],
    ['10-50', null],
    ['~500', null],
    ['500+', null],
    ['(5)', null],
    ['0x10', null],
    ['Infinity', null],
    ['NaN', null],
    ['1e999', null],
    ['12345678901234567890', null],
    ['1 2', null],
  ])('reads %j as %j', (text, number) => {
    expect(readNumber(text, 'point')).toBe(number);
  });

  it.each([
    ['1.234,56', 1234.56],
    ['1,5', 1.5],
    ['1.234', 1234],
    ['1,234', 1.234],
    ['1,234.5', null],
  ])('reads %j as %j where the column has decimal commas', (text, number) => {
    expect(readNumber(text, 'comma')).toBe(number);
  });

  it('reads back any integer that was written with commas', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (number) => {
        expect(readNumber(number.toLocaleString('en-US'), 'point')).toBe(number);
      }),
    );
  });
});

describe('resolveNumberStyle', () => {
  it.each([
    [['1,234', '2,000,000'], 'point'],
    [['1,234', '1,5'], 'comma'],
    [['1.234,00'], 'comma'],
    [['a, b', 7, null], 'point'],
    [[], 'point'],
  ])('finds in %j the decimal %s', (values, style) => {
    expect(resolveNumberStyle(values)).toBe(style);
  });
});
