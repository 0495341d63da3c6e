import { isBesideNumbers, readMonths, splitDateWords } from './date-names.js';

/** What a text means that is a date or a date and time, and nothing else. */
export interface WrittenDate {
  /** The days that it can mean, as ISO dates. */
  readonly days: readonly string[];
  /** Seconds since midnight; null without a time. */
  readonly time: number | null;
  readonly hasZone: boolean;
  /** The numbers of a day and a month, as they follow each other; null if another part tells which is which. */
  readonly order: readonly [number, number] | null;
  /** True if points separate the parts. */
  readonly hasPoints: boolean;
}

/** A time at the end of a text, with its parts and time zone. */
const TIME =
  /(?:^|[\s,]|(?<=\d)t)\s*(\d{1,2})[:.](\d{2})(?:[:.](\d{2}(?:[.,]\d+)?))?\s*(?:([ap])\.?\s?m\.?|uhr|h)?\s*(z|(?:utc|gmt)?[+-]\d{2}(?::?\d{2})?|utc|gmt)?$/i;

/** Longer texts are no dates. */
const MAX_LENGTH = 80;

/** Reads a date in the notations of many languages. Null for any other text, also for one that only has a date in it. */
export function readDate(text: string): WrittenDate | null {
  if (text.length > MAX_LENGTH) return null;
  const time = TIME.exec(text);
  const dated = time === null ? null : readDay(text.slice(0, time.index));
  // In `4. 03.24`, what looks like a time belongs to the day.
  if (time === null || dated === null) return readDay(text);
  return { ...dated, time: toSeconds(time), hasZone: time[5] !== undefined };
}

/** Seconds since midnight of the time at the end of a text; null without one. */
export function findTime(text: string): number | null {
  const match = TIME.exec(text);
  return match === null ? null : toSeconds(match);
}

function toSeconds([, hour, minute, second = '0', half]: RegExpExecArray): number {
  const hours = (Number(hour) % (half === undefined ? 24 : 12)) + (half?.toLowerCase() === 'p' ? 12 : 0);
  return (hours * 60 + Number(minute)) * 60 + Number(second.replace(',', '.'));
}

function readDay(text: string): WrittenDate | null {
  // 2024年3月4日
  const plain = text
    .replace(/(?<=\d)\s?[年月년월]\s?(?=\d)/g, '-')
    .replace(/(?<=\d)\s?[日일]/, ' ')
    .replace(/^\s*(\d{4})(\d{2})(\d{2})\s*$/, '$1-$2-$3');
  if (/[^\p{L}\p{M}\d\s.,/()°'’׳॰-]/u.test(plain)) return null;
  const numbers = plain.match(/\d+/g) ?? [];
  const words = splitDateWords(plain);
  const [one = '', two = '', three = ''] = numbers;
  const found = { time: null, hasZone: false, order: null, hasPoints: /\d\s?\./.test(plain) };
  if (numbers.length === 2) {
    const [year, day] = isYear(one) ? [one, two] : [two, one];
    return toDate({ ...found, days: readMonths(words).flatMap((month) => toDays(year, month, day)) });
  }
  if (numbers.length !== 3 || !isBesideNumbers(words)) return null;
  const first = toDays(one, Number(two), three);
  if (isYear(one)) return toDate({ ...found, days: first });
  const order = [Number(one), Number(two)] as const;
  const days = [...toDays(three, order[1], one), ...toDays(three, order[0], two)];
  // No country writes 24.03.04 for 2024-03-04.
  if (!isYear(three) && !found.hasPoints) days.push(...first);
  return toDate({ ...found, days, order });
}

function toDate(date: WrittenDate): WrittenDate | null {
  return date.days.length === 0 ? null : date;
}

function isYear(digits: string): boolean {
  return digits.length === 4;
}

/** The days of a year, which may have two digits, a month and a day. None for an impossible date. */
function toDays(year: string, month: number, day: string): string[] {
  if (day.length > 2 || month < 1 || month > 12 || !(isYear(year) || year.length <= 2)) return [];
  return listYears(year).flatMap((full) => {
    const ms = Date.UTC(full, month - 1, Number(day));
    return new Date(ms).getUTCDate() === Number(day) ? [formatDay(ms)] : [];
  });
}

function listYears(digits: string): number[] {
  const year = Number(digits);
  // Programs differ in the century of a year of two digits.
  if (!isYear(digits)) return [1900 + year, 2000 + year];
  // Thailand counts from 543 BC.
  return year > 2_400 && year < 2_700 ? [year, year - 543] : [year];
}

export function formatDay(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}
