import { expect, test } from 'vitest';
import { parseSchedule } from '../../src/watch/watch-options.js';

const local = (text: string): number => new Date(text).getTime();

test('parses a schedule for weekdays at six', () => {
  const schedule = parseSchedule('0 6 * * 1-5');
  expect(schedule.findNext(local('2026-05-07T05:59:59'))).toBe(local('2026-05-07T06:00:00'));
  expect(schedule.findNext(local('2026-05-07T06:00:00'))).toBe(local('2026-05-08T06:00:00'));
  expect(schedule.findNext(local('2026-05-08T06:00:00'))).toBe(local('2026-05-11T06:00:00'));
});

test('parses names, lists and steps', () => {
  expect(parseSchedule('*/20 8,17 * jun-AUG mon').findNext(local('2026-05-07T00:00:00'))).toBe(
    local('2026-06-01T08:00:00'),
  );
  expect(parseSchedule('30 2 29 2 *').findNext(local('2026-05-07T00:00:00'))).toBe(
    local('2028-02-29T02:30:00'),
  );
});

test.each([
  ['', 'five'],
  ['0 6 * *', 'five'],
  ['0 0 6 * * *', '5 parts'],
  ['60 * * * *', '60'],
  ['0 6 * * 8', '8'],
  ['0 6 * * noday', ''],
  ['0 0 30 2 *', 'no such time'],
])('“%s” is refused with a reason and an example', (text, reason) => {
  expect(() => parseSchedule(text)).toThrow(
    expect.objectContaining({
      code: 'BAD_SCHEDULE',
      message: expect.stringContaining(reason),
      hint: expect.stringContaining('"0 6 * * 1-5"'),
    }),
  );
});
