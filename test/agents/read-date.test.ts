import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDate, readMoment } from '../../src/agents/read-date.js';

describe('readDate', () => {
  it.each([
    ['2024-03-01', '2024-03-01'],
    ['2024/3/1', '2024-03-01'],
    ['2024-03-01T10:00:00Z', '2024-03-01'],
    ['31.12.2024', '2024-12-31'],
    ['12/31/2024', '2024-12-31'],
    ['5.5.2024', '2024-05-05'],
    ['1 March 2024', '2024-03-01'],
    ['March 1st, 2024', '2024-03-01'],
    ['Sept 9, 2024', '2024-09-09'],
    ['01-Mar-2024', '2024-03-01'],
    ['01/02/2024', null],
    ['1.2.2024', null],
    ['31/12/24', null],
    ['2024', null],
    ['March 2024', null],
    ['2024-02-30', null],
    ['30 February 2024', null],
    ['2024-13-01', null],
    ['20240301', null],
    ['Ma 1 2024', null],
    ['1 March 2024 or later', null],
    ['', null],
  ])('reads %j as %j', (text, date) => {
    expect(readDate(text)).toBe(date);
  });

  it('reads back any day', () => {
    const day = fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(day, (date) => {
        expect(readDate(date.toISOString())).toBe(date.toISOString().slice(0, 10));
      }),
    );
  });
});

describe('readMoment', () => {
  it.each([
    ['2024-03-01T10:00:00Z', '2024-03-01T10:00:00Z'],
    ['2024-03-01 10:00:00.5+0200', '2024-03-01T10:00:00.5+02:00'],
    ['2024-03-01T10:00z', '2024-03-01T10:00:00Z'],
    ['2024-03-01T10:00:00', null],
    ['2024-03-01', null],
    ['2024-02-30T10:00:00Z', null],
    ['2024-03-01T25:00:00Z', null],
  ])('reads %j as %j', (text, moment) => {
    expect(readMoment(text)).toBe(moment);
  });
});
