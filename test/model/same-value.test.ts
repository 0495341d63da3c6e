import { describe, expect, test } from 'vitest';
import type { SavedForm } from '../../src/model/likeness.js';
import { compareCell, mayStay, readTypedCell } from '../../src/model/same-value.js';

const NUMBER = { type: 'number' };

describe('a cell of a file that was saved again', () => {
  test.each([
    // Clear by itself, in any single cell.
    ['1,234', 1234, 'plain'],
    ['1.234,50', 1234.5, 'plain'],
    ['$1,234.50', 1234.5, 'plain'],
    ['5%', 0.05, 'plain'],
    ['12,5 %', 0.125, 'plain'],
    ['CHF 1’234.50', 1234.5, 'plain'],
    ['1 234,50 Kč', 1234.5, 'plain'],
    ['(5)', -5, 'plain'],
    ['1.5E+3', 1500, 'plain'],
    ['2024-03-04 10:00', '2024-03-04T10:00:00Z', 'plain'],
    ['2024-03-04T12:00:00+02:00', '2024-03-04T10:00:00Z', 'plain'],
    ['04.03.2024 10:00', '2024-03-04T10:00:00Z', 'plain'],
    ['25/03/2024', '2024-03-25', 'plain'],
    ['04.03.2024', '2024-03-04', 'plain'],
    ['4 March 2024', '2024-03-04', 'plain'],
    ['45355', '2024-03-04', 'plain'],
    ['+49 (30) 12345678', '+49 30 12345678', 'plain'],
    ['+493012345678', '+49 30 12345678', 'plain'],
    ['415.555.0134', '415-555-0134', 'plain'],
    ['WAHR', true, 'plain'],
    ['TRUE', 'true', 'plain'],
    ['SANT', true, 'plain'],
    ['EPÄTOSI', false, 'plain'],
    ['NEPRAVDA', false, 'plain'],
    ['YANLIŞ', false, 'plain'],
    ['0.0', false, 'plain'],
    ["'+49 30 12345678", '+49 30 12345678', 'plain'],
    ["'＝1+1", '＝1+1', 'plain'],
    ["'90s", "'90s", 'plain'],
    ['s-Hertogenbosch', "'s-Hertogenbosch", 'plain'],
    ['48.00', 48, 'plain'],
    ['12,34,567.5', 1234567.5, 'plain'],
    ['HTTPS://Acme.com/', 'https://acme.com', 'plain'],
    ['mailto:Ann@acme.com', 'ann@acme.com', 'plain'],
    ['3.029,259', 3029.259, 'plain'],
    ['3174,594', 3174.594, 'plain'],
    ['0,125', 0.125, 'plain'],
    ['2.000.000', 2_000_000, 'plain'],
    ['07/23/55', '1955-07-23', 'plain'],
    ['23.07.55', '1955-07-23', 'plain'],
    ['07/23/55', '2055-07-23', 'plain'],
    ['Tuesday, March 4, 2025', '2025-03-04', 'plain'],
    ['mardi 23 juillet 2024', '2024-07-23', 'plain'],
    ['mar 4 juin 2024', '2024-06-04', 'plain'],
    ['martes, 4 de junio de 2024', '2024-06-04', 'plain'],
    ['martedì 4 giugno 2024', '2024-06-04', 'plain'],
    ['04. Mrz 24', '2024-03-04', 'plain'],
    ['4-mrt-24', '2024-03-04', 'plain'],
    ['Monday, 4. března 2024', '2024-03-04', 'plain'],
    ['4 марта 2024 г.', '2024-03-04', 'plain'],
    ['4. marraskuuta 2024', '2024-11-04', 'plain'],
    ['4 lipca 2024', '2024-07-04', 'plain'],
    ['2024. március 4., hétfő', '2024-03-04', 'plain'],
    ['2024 m. kovo 4 d.', '2024-03-04', 'plain'],
    ['2024年3月4日月曜日', '2024-03-04', 'plain'],
    ['2024년 3월 4일 월요일', '2024-03-04', 'plain'],
    ['4 มี.ค. 2567', '2024-03-04', 'plain'],
    ['20240304', '2024-03-04', 'plain'],
    ['2024. 03. 04.', '2024-03-04', 'plain'],
    ['4. 3. 2024 10.00', '2024-03-04T10:00:00Z', 'plain'],
    ['3/14/2024 3:04:00 PM', '2024-03-14T15:04:00Z', 'plain'],
    ['2024-03-04 10:00:00 UTC', '2024-03-04T10:00:00Z', 'plain'],
    // Only a change of the whole column explains it.
    ['1,234', 1.234, 'decimal comma'],
    ['1.234', 1234, 'thousands points'],
    ['1.23457E+11', 123456789012, 'scientific'],
    ['1,23457E+11', '123456789012', 'scientific'],
    ['117', '0117', 'lost zeros'],
    ['493012345678', '+493012345678', 'lost plus'],
    ['49 30 12345678', '+49 30 12345678', 'separators'],
    ['7.0', '7', 'point zero'],
    ['2.1', '2.10', 'text as number'],
    ['2,1', '2.10', 'text with comma'],
    ['2.10', '2.1', 'number format'],
    ['1234', '1,234', 'text as number'],
    ['1.00E+05', '1E5', 'scientific'],
    ['5.50%', '5.5%', 'number format'],
    ['09:00:00', '9:00', 'number format'],
    ['6:45 PM', '18:45', 'number format'],
    ['12,00 %', '12%', 'number format'],
    ['$1,234.00', '$1,234', 'number format'],
    ['1234567890123450', '1234567890123456', 'scientific'],
    ['1234567890123460', '1234567890123456', 'scientific'],
    ['1.23457E+15', '1234567890123450', 'scientific'],
    ['22', '2-2', 'separators'],
    ['03/04/2024', '2024-03-04', 'month first'],
    ['4/3/2024', '2024-03-04', 'day first'],
    ['2024-03-04', '2024-03-04T10:00:00Z', 'no time'],
    ['2024-03-04T10:00:00+02:00', '2024-03-04T10:00:00Z', 'other time zone'],
    ['2-Feb', '2-2', 'date of numbers'],
    ['02.Nov', '2-11', 'date of numbers'],
    ['Nov-50', '11-50', 'date of numbers'],
    ['Mar 24', '2024-03', 'date of numbers'],
    ['4. April', '3/4', null],
    ['04-Mar', '3/4', 'date of numbers'],
    ['1-Feb-25', '2/1', 'whole date'],
    ['46032', '1-10', 'date of numbers'],
    ['2026-02-11', '2-11', 'whole date'],
    ['1950-11-01 00:00:00', '11-50', 'whole date'],
    ['01.02.2003', '1.2.3', 'whole date'],
    ['2024-04-03', '3/4/2024', 'date notation'],
    ['2024-03-01', '2024-03', 'date notation'],
    ['March 2024', '2024-03', 'date notation'],
    ['1 271', '1271', 'separators'],
    ['30 1234 5678', '3012345678', 'separators'],
    ['12 345', '12-345', 'separators'],
    ['4155550134', '415-555-0134', 'separators'],
    ['1112024', '1.11.2024', 'separators'],
    ['ACME.COM', 'acme.com', 'letter case'],
    // Something else.
    ['0,125', 125, null],
    ['0.125', 125, null],
    ['07/23/56', '1955-07-23', null],
    ['4.8', 48, null],
    ['4,8', 48, null],
    ['0.5', 5, null],
    ['1234.5', 12345, null],
    ['1.12', '112', null],
    ['4-2', '42', null],
    ['20-24', '2024', null],
    ['5 MIO', 5, null],
    ['5 TSD', 5, null],
    ['01-271', '01271', null],
    ['01 271', '01271', null],
    ['0.1271', '01271', null],
    ['0.1271234', '01271234', null],
    ['21-1', '2-11', null],
    ['Nov-51', '11-50', null],
    ['1950-11-02', '11-50', null],
    ['46033', '1-10', null],
    ['3.2.1', '1.2.3', null],
    ['4/3/2024', '3/4/2024', null],
    ['10 markets', '4-10', null],
    ['112', '1.12', null],
    ['2.11', '2.1', null],
    ['9:30', '9:00', null],
    ['Yes', 'true', null],
    ['5.5', '5.5%', null],
    ['€1,234', '$1,234', null],
    ['2024', '1905-07-16', null],
    ['1.234', '1,234.5', null],
    ['1234567890123451', '1234567890123456', null],
    ["'s-Hertogenbosch", 's-Hertogenbosch', null],
    ['SANT', false, null],
    ['11.1.2024', '1.11.2024', null],
    ['192.168.11.1', '192.168.1.11', null],
    ['2023.11.0', '2023.1.10', null],
    ['19-901995', '1990-1995', null],
    ['12-34-567', '123-45-67', null],
    ['acme.com/A', 'acme.com/a', null],
    ['@Acme', '@acme', null],
    ['1234', 1.234, null],
    ['2024-03-04 12:30', '2024-03-04', null],
    ['3-Feb', '2-2', null],
    ['2024-03-05', '2024-03-04', null],
    ['2024-03-04: buys Beta', '2024-03-04: sells Beta', null],
    ['2024-03-04: buys Beta', '2024-03-04', null],
    ['2024-03-04 to 2025-01-01', '2024-03-04', null],
    ['2024-03-04 to 2025-01-01', '2024-03-04 to 2024-12-31', null],
    ['before 4 March 2024', '2024-03-04', null],
    ['2024-03-04?', '2024-03-04', null],
    ['23 juillet 2024', '2024-06-23', null],
    ['mardi 4 juin 2024', '2024-03-04', null],
    ['4. marraskuuta 2024', '2024-03-04', null],
    ['24.03.04', '2024-03-04', null],
  ] as const)('%j for %j is %s', (cell, value, expected) => {
    const likeness = compareCell(cell, value, typeof value === 'number' ? NUMBER : { type: 'string' });
    const found = likeness === null ? null : likeness.isPlain ? 'plain' : likeness.forms.join();
    expect(found).toBe(expected);
  });

  test('letter case counts in lists as in other texts', () => {
    const list = ['Github', 'b'];
    expect(compareCell('["Github", "b"]', list, undefined)?.isPlain).toBe(true);
    expect(compareCell('Github; b', list, undefined)?.isPlain).toBe(true);
    for (const cell of ['["GitHub","b"]', 'GitHub; b', ['GitHub', 'b']])
      expect(compareCell(cell, list, undefined)).toBe(null);
    expect(compareCell({ name: 'ACME' }, { name: 'Acme' }, undefined)).toBe(null);
  });

  test('a stored number has no notation, so that only an equal one is the same', () => {
    expect(compareCell(0.5, 5, NUMBER)).toBe(null);
    expect(compareCell(1.234, 1234, NUMBER)).toBe(null);
    expect(compareCell('0.5', 5, NUMBER, '0.5')).toBe(null);
    expect(compareCell('1.234', 1234, NUMBER, '1.234')).toBe(null);
    expect(compareCell('1.234', 1234, NUMBER, '1234')?.isPlain).toBe(true);
  });

  test('stays only if the whole value can be read from it, as its column was saved', () => {
    const was = (form: SavedForm) => (each: SavedForm) => each === form;
    const never = () => false;
    expect(mayStay('04.03.2024', '2024-03-04', undefined, never)).toBe(true);
    expect(mayStay('1,234', 1.234, NUMBER, was('decimal comma'))).toBe(true);
    expect(mayStay('1,234', 1.234, NUMBER, never)).toBe(false);
    expect(mayStay('1.234', 1234, NUMBER, was('decimal comma'))).toBe(false);
    expect(mayStay('1.234', 1.234, NUMBER, was('thousands points'))).toBe(false);
    expect(mayStay('1.234', 1.234, NUMBER, never)).toBe(true);
    expect(mayStay('12.000', 12, { type: 'integer' }, was('thousands points'))).toBe(false);
    expect(mayStay('04/03/2024', '2024-03-04', undefined, was('day first'))).toBe(true);
    expect(mayStay('04/03/2024', '2024-04-03', undefined, was('day first'))).toBe(false);
    expect(mayStay('117', '0117', undefined, was('lost zeros'))).toBe(false);
    expect(mayStay('1.23457E+11', 123456789012, NUMBER, was('scientific'))).toBe(false);
    expect(mayStay('1.23457E+11', 123456789012, NUMBER, never, '123456789012')).toBe(true);
  });
});

describe('a number that a person typed', () => {
  test.each([
    // Text, its meaning in a column saved with points, and in one saved with commas.
    ['1.234,567', 1234.567, 1234.567],
    ['1,234.567', 1234.567, 1234.567],
    ['0,125', 0.125, 0.125],
    ['-0.125', -0.125, -0.125],
    ['2.000.000', 2_000_000, 2_000_000],
    ['2,000,000', 2_000_000, 2_000_000],
    ['3174,594', 3174.594, 3174.594],
    ['12,5', 12.5, 12.5],
    ['1.500', 1.5, 1500],
    ['1,250', 1250, 1.25],
    ['€ 1.500', 1.5, 1500],
    ['1,2,3', '1,2,3', '1,2,3'],
  ])('%j means %j, or %j in a column with decimal commas', (text, plain, german) => {
    expect(readTypedCell(text, NUMBER)).toBe(plain);
    for (const saved of ['decimal comma', 'thousands points'])
      expect(readTypedCell(text, NUMBER, (form) => form === saved)).toBe(german);
  });

  test.each(['1.500', '1,500'])('%s is whole in a column of integers', (text) => {
    expect(readTypedCell(text, { type: 'integer' })).toBe(1500);
    expect(readTypedCell(text, { type: 'integer' }, () => true)).toBe(1500);
  });
});
