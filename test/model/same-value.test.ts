import { describe, expect, test } from 'vitest';
import { compareCell, mayStay } from '../../src/model/same-value.js';

const NUMBER = { type: 'number' };

describe('a cell of a file that was saved again', () => {
  test.each([
    // Clear by itself, in any single cell.
    ['1,234', 1234, 'plain'],
    ['1.234,50', 1234.5, 'plain'],
    ['$1,234.50', 1234.5, 'plain'],
    ['5%', 0.05, 'plain'],
    ['1.5E+3', 1500, 'plain'],
    ['2024-03-04 10:00', '2024-03-04T10:00:00Z', 'plain'],
    ['2024-03-04T12:00:00+02:00', '2024-03-04T10:00:00Z', 'plain'],
    ['04.03.2024 10:00', '2024-03-04T10:00:00Z', 'plain'],
    ['25/03/2024', '2024-03-25', 'plain'],
    ['04.03.2024', '2024-03-04', 'plain'],
    ['4 March 2024', '2024-03-04', 'plain'],
    ['45355', '2024-03-04', 'plain'],
    ['+49 (30) 12345678', '+49 30 12345678', 'plain'],
    ['WAHR', true, 'plain'],
    // Only a change of the whole column explains it.
    ['1,234', 1.234, 'decimal comma'],
    ['1.234', 1234, 'thousands points'],
    ['1.23457E+11', 123456789012, 'scientific'],
    ['1,23457E+11', '123456789012', 'scientific'],
    ['117', '0117', 'lost zeros'],
    ['007', '7', 'added zeros'],
    ['49 30 12345678', '+49 30 12345678', 'lost plus'],
    ['7.0', '7', 'point zero'],
    ['22', '2-2', 'separators'],
    ['03/04/2024', '2024-03-04', 'month first'],
    ['4/3/2024', '2024-03-04', 'day first'],
    ['2024-03-04', '2024-03-04T10:00:00Z', 'no time'],
    ['2024-03-04T10:00:00+02:00', '2024-03-04T10:00:00Z', 'other time zone'],
    ['2-Feb', '2-2', 'date of numbers'],
    ['02.Nov', '2-11', 'date of numbers'],
    ['2026-02-11', '2-11', 'date of numbers'],
    // Something else.
    ['1234', 1.234, null],
    ['2024-03-04 12:30', '2024-03-04', null],
    ['3-Feb', '2-2', null],
    ['2024-03-05', '2024-03-04', null],
  ] as const)('%j for %j is %s', (cell, value, expected) => {
    const likeness = compareCell(cell, value, typeof value === 'number' ? NUMBER : { type: 'string' });
    const found = likeness === null ? null : likeness.isPlain ? 'plain' : likeness.forms.join();
    expect(found).toBe(expected);
  });

  test('stays only if the whole value can be read from it', () => {
    expect(mayStay('04.03.2024', '2024-03-04', undefined)).toBe(true);
    expect(mayStay('1,234', 1.234, NUMBER)).toBe(true);
    expect(mayStay('117', '0117', undefined)).toBe(false);
    expect(mayStay('1.23457E+11', 123456789012, NUMBER)).toBe(false);
    expect(mayStay('1.23457E+11', 123456789012, NUMBER, '123456789012')).toBe(true);
  });
});
