import { readMonths, splitDateWords } from './date-names.js';
import { type Likeness, toForms } from './likeness.js';
import { formatDay, readDate } from './read-date.js';
import { DAY_MS, EPOCHS, isMidnight } from './same-date.js';

const DAY_OR_YEAR = /^(?:\d{1,2}|\d{4})$/;

/** The numbers of a text such as `2-11`, `11-50`, `2024-03` or `1.2.3` that a program takes for a date; null for any other. */
export function readDateNumbers(value: string): readonly number[] | null {
  const [, one = '', , two = '', three] = /^(\d{1,4})([-./])(\d{1,4})(?:\2(\d{1,4}))?\.?$/.exec(value) ?? [];
  if (![one, two, three ?? '1'].every((each) => DAY_OR_YEAR.test(each))) return null;
  if (three !== undefined) return readDate(value) === null ? null : [one, two, three].map(Number);
  const isMonth = (text: string): boolean => Number(text) >= 1 && Number(text) <= 12;
  // Spreadsheets have no year before 1900.
  const isOther = (text: string): boolean => text.length < 4 || text >= '1900';
  const isDate = (isMonth(one) && isOther(two)) || (isMonth(two) && isOther(one));
  return isDate ? [one, two].map(Number) : null;
}

/** Compares a text with a value such as `2-11` that programs take for a date. Null if it is not that date. */
export function compareDateOfNumbers(text: string, value: string): Likeness | null {
  const numbers = readDateNumbers(value);
  if (numbers === null) return null;
  // People write `3/4/2024` for `3/4` too.
  const isAlsoTyped = hasYear(numbers) || (numbers.length === 2 && text.startsWith(value));
  const whole = toForms(isAlsoTyped ? 'date notation' : 'whole date');
  if (numbers.length === 3) return isWholeDate(text, value, numbers) ? whole : null;
  const isPair = (month: number, other: number, isSame = isEqual): boolean =>
    (numbers[0] === month && isSame(numbers[1] ?? 0, other)) ||
    (numbers[1] === month && isSame(numbers[0] ?? 0, other));
  const isDay = (day: string): boolean => {
    const [year = 0, month = 0, dayOf = 0] = day.split('-').map(Number);
    return isPair(month, dayOf) || (dayOf === 1 && isPair(month, year, isSameYear));
  };
  const [number = 0, ...others] = (text.match(/\d+/g) ?? []).map(Number);
  const months = others.length === 0 ? readMonths(splitDateWords(text)) : [];
  // The serial number of the date, or its month and one number.
  const isNeverTyped = /^\d{5}$/.test(text)
    ? EPOCHS.some((epochMs) => isDay(formatDay(epochMs + number * DAY_MS)))
    : months.some((month) => isPair(month, number, isSameYear));
  // People write `March 2024` for `2024-03`; programs write `Mar-24`.
  if (isNeverTyped) return number >= 1_900 && number < 10_000 ? whole : toForms('date of numbers');
  return listDays(text).some(isDay) ? whole : null;
}

/** True for numbers of which one is a year of four digits. */
export function hasYear(numbers: readonly number[]): boolean {
  return numbers.some((number) => number >= 1_000);
}

/** Compares a text with a value such as `1.2.3`. */
function isWholeDate(text: string, value: string, numbers: readonly number[]): boolean {
  const shown = (text.match(/\d+/g) ?? []).map(Number);
  const isNamed = readMonths(splitDateWords(text)).length > 0;
  const isSameOrder = shown.every((each, index) => isSameYear(each, numbers[index] ?? 0));
  // Other numbers in the same order of day, month and year are another date.
  const isOther = !isSameOrder && /^\d{4}/.test(text) === /^\d{4}/.test(value);
  if (!isNamed && (isOther || !/\d{4}/.test(text))) return false;
  const days = listDays(value);
  return listDays(text).some((day) => days.includes(day));
}

/** The days that a text can mean, as ISO dates. */
function listDays(text: string): readonly string[] {
  const date = readDate(text);
  return date !== null && (date.time === null || isMidnight(date.time)) ? date.days : [];
}

function isEqual(one: number, other: number): boolean {
  return one === other;
}

/** True for the same year, also if one of them has two digits. */
function isSameYear(one: number, other: number): boolean {
  const [short, long] = [Math.min(one, other), Math.max(one, other)];
  return one === other || (short < 100 && long >= 1900 && long % 100 === short);
}
