import { type Likeness, PLAIN, toForms, toLikeness } from './likeness.js';
import { formatDay, readDate, type WrittenDate } from './read-date.js';

export const DAY_MS = 86_400_000;
/** Programs lose up to a millisecond of a workbook's times. In days. */
const ROUNDING = 10 / DAY_MS;
/** Serial number 0 of a workbook's dates, by its epoch. */
export const EPOCHS = [Date.UTC(1899, 11, 30), Date.UTC(1904, 0, 1)];
/** An ISO date, alone or with a time. */
const ISO_DATE =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:z|utc|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** True for a text that is an ISO date or date and time, and nothing else. */
export function isIsoDate(text: string): boolean {
  return ISO_DATE.test(text);
}

/** A date or date and time that can mean the value, an ISO date with or without a time. */
export function compareDate(text: string, value: string, raw: string | undefined): Likeness | null {
  // As text, fewer digits are a year.
  const number = raw ?? (/^\d{5}(?:[.,]\d+)?$/.test(text) ? text.replace(',', '.') : '');
  const serial = /^\d{1,5}(?:\.\d+)?$/.test(number) ? Number(number) : Number.NaN;
  const day = value.slice(0, 10);
  if (Number.isFinite(serial)) {
    const isDay = EPOCHS.some(
      (epochMs) => formatDay(epochMs + Math.floor(serial + ROUNDING) * DAY_MS) === day,
    );
    return toLikeness(isDay);
  }
  const [date, own] = [readDate(text), readDate(value)];
  if (date === null || own === null) return null;
  const hasZones = date.hasZone && own.hasZone;
  // The same instant in another time zone.
  if (hasZones && Date.parse(text) === Date.parse(value)) return PLAIN;
  if (!date.days.includes(day)) return null;
  const [isZero, isCellZero] = [own, date].map(({ time }) => time === null || isMidnight(time));
  if (isZero !== true && isCellZero === true) return toForms('no time');
  if (isZero === true ? isCellZero !== true : !isSameTime(own.time ?? 0, date.time ?? 0)) return null;
  if (isZero !== true && hasZones) return toForms('other time zone');
  return compareOrder(date, day);
}

function isSameTime(one: number, other: number): boolean {
  return Math.abs(one - other) <= 1 || Math.floor(one / 60) === Math.floor(other / 60);
}

/** `3/4/2024` is one of two days, unless other cells tell which number is the day. */
function compareOrder({ order, hasPoints }: WrittenDate, day: string): Likeness | null {
  const [month, dayOf] = [Number(day.slice(5, 7)), Number(day.slice(8))];
  const [one, two] = order ?? [];
  const isDayFirst = one === dayOf && two === month;
  const isMonthFirst = one === month && two === dayOf;
  if (one === undefined || two === undefined || !(isDayFirst || isMonthFirst)) return PLAIN;
  if (isDayFirst && isMonthFirst) return { isPlain: true, forms: ['day first', 'month first'] };
  // Points follow the day: no country writes 03.04.2024 for 4 March.
  const isClear = Math.max(one, two) > 12 || (hasPoints && isDayFirst);
  if (hasPoints && !isClear) return null;
  return { isPlain: isClear, forms: [isDayFirst ? 'day first' : 'month first'] };
}

export function isMidnight(seconds: number): boolean {
  return seconds < 60 || seconds >= DAY_MS / 1_000 - 1;
}
