import { expect, test } from 'vitest';
import { findDates } from '../../src/verify/find-date.js';

const LANGUAGES = 'en de fr es it pt nl sv da nb fi pl cs sk hu ro ru uk bg sl et lv lt el tr id vi ca'.split(
  ' ',
);

test('a date is read with its day in every month, as each language writes it', () => {
  const misread = LANGUAGES.flatMap((language) =>
    Array.from({ length: 12 }, (_, month) => {
      const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' });
      const text = format.format(Date.UTC(2021, month, 23));
      const found = findDates(text, language).map((date) => [date.year, date.month, date.day].join('-'));
      return found.join() === `2021-${month + 1}-23` ? [] : [`${language}: ${text}: ${found.join()}`];
    }).flat(),
  );
  expect(misread).toEqual([]);
});

test('the month after a day is not cut where it begins like a preposition or an ordinal', () => {
  for (const text of [
    '3 December 2024',
    '3rd of December 2024',
    '3 de diciembre de 2024',
    '3 dicembre 2024',
  ]) {
    expect(findDates(text, ''), text).toMatchObject([{ year: 2024, month: 12, day: 3 }]);
  }
});

test('both days of a range have the month and the year behind them', () => {
  for (const text of [
    '21–22 May 2025',
    '21. bis 22. Mai 2025',
    '21 - 22 mai 2025',
    '21 al 22 de mayo de 2025',
  ])
    expect(findDates(text, ''), text).toMatchObject([
      { year: 2025, month: 5, day: 21 },
      { year: 2025, month: 5, day: 22 },
    ]);
});
