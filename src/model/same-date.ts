import { type Likeness, PLAIN, toForms, toLikeness } from './likeness.js';

const DAY_MS = 86_400_000;
/** Programs lose up to a millisecond of a workbook's times. In days. */
const ROUNDING = 10 / DAY_MS;
/** Serial number 0 of a workbook's dates, by its epoch. */
const EPOCHS = [Date.UTC(1899, 11, 30), Date.UTC(1904, 0, 1)];
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** Month names of other languages that do not start like the English ones. */
const OTHER_MONTHS: Readonly<Record<string, number>> = {
  ...{ jän: 1, ene: 1, gen: 1, fév: 2, fev: 2, mär: 3, avr: 4, abr: 4, mai: 5, maj: 5, mag: 5, mei: 5 },
  ...{ giu: 6, jui: 6, lug: 7, aoû: 8, ago: 8, set: 9, okt: 10, out: 10, ott: 10, dez: 12, déc: 12, dic: 12 },
};

/** A date or date and time that can mean the value, an ISO date with or without a time. */
export function compareDate(text: string, value: string, raw: string | undefined): Likeness | null {
  const serial = Number(raw ?? (/^\d{5}(?:[.,]\d+)?$/.test(text) ? text.replace(',', '.') : Number.NaN));
  const day = value.slice(0, 10);
  if (Number.isFinite(serial)) {
    const isDay = EPOCHS.some(
      (epochMs) => formatDay(epochMs + Math.floor(serial + ROUNDING) * DAY_MS) === day,
    );
    return toLikeness(isDay);
  }
  const [one, two] = [Date.parse(text), Date.parse(value)];
  // The same instant in another time zone.
  if (ZONE.test(text) && ZONE.test(value) && one === two) return PLAIN;
  if (!listDays(text).includes(day)) return null;
  const time = findTime(value.slice(10));
  const cellTime = findTime(text.replace(/^\D*\d{1,4}[-./]\d{1,2}[-./]\d{1,4}/, ' '));
  const [isZero, isCellZero] = [time, cellTime].map((each) => each === null || isMidnight(each));
  if (isZero !== true && isCellZero === true) return toForms('no time');
  if (isZero === true ? isCellZero !== true : !isSameTime(time ?? 0, cellTime ?? 0)) return null;
  if (isZero !== true && ZONE.test(text) && ZONE.test(value)) return toForms('other time zone');
  return compareOrder(text, day);
}

/** A time zone at the end of a time. */
const ZONE = /\d{2}:\d{2}.*(?:z|[+-]\d{2}:?\d{2})$/i;

function isSameTime(one: number, other: number): boolean {
  return Math.abs(one - other) <= 1 || Math.floor(one / 60) === Math.floor(other / 60);
}

/** `3/4/2024` is one of two days, unless other cells tell which number is the day. */
function compareOrder(text: string, day: string): Likeness {
  const match = /^\D*(\d{1,2})([-./])(\d{1,2})[-./](?:\d{2}|\d{4})(?!\d)/.exec(text);
  if (match === null || findMonth(text) !== undefined) return PLAIN;
  const [one, two] = [Number(match[1]), Number(match[3])];
  const [month, dayOf] = [Number(day.slice(5, 7)), Number(day.slice(8))];
  if (one === two) return { isPlain: true, forms: ['day first', 'month first'] };
  const form = one === dayOf && two === month ? 'day first' : 'month first';
  const isClear = Math.max(one, two) > 12 || (match[2] === '.' && form === 'day first');
  return { isPlain: isClear, forms: [form] };
}

export function isMidnight(seconds: number): boolean {
  return seconds < 60 || seconds >= DAY_MS / 1_000 - 1;
}

/** Seconds since midnight in a text; null without a time. */
export function findTime(text: string): number | null {
  const match = /(?:^|[\sT,])(\d{1,2})[:.](\d{2})(?::(\d{2}(?:\.\d+)?))?\s*([ap]\.?m\.?)?/i.exec(text);
  if (match === null) return null;
  const hours =
    (Number(match[1]) % (match[4] === undefined ? 24 : 12)) + (/^p/i.test(match[4] ?? '') ? 12 : 0);
  return (hours * 60 + Number(match[2])) * 60 + Number(match[3] ?? 0);
}

/** The month that a text names. */
function findMonth(text: string): number | undefined {
  const words = text.toLowerCase().match(/\p{L}{3,}/gu) ?? [];
  return words
    .map((word) => OTHER_MONTHS[word.slice(0, 3)] ?? MONTHS.indexOf(word.slice(0, 3)) + 1)
    .find(Boolean);
}

/** The days that a text can mean, as ISO dates. */
function listDays(text: string): string[] {
  const month = findMonth(text);
  const [one, two, three] = (text.replace(/\d{1,2}:\d{2}.*/, '').match(/\d+/g) ?? []).map(Number);
  if (one === undefined || two === undefined) return [];
  const orders =
    month === undefined
      ? three === undefined
        ? []
        : [
            [one, two, three],
            [three, two, one],
            [three, one, two],
          ]
      : [
          [two, month, one],
          [one, month, two],
        ];
  return orders.flatMap(([year = 0, monthOf = 0, day = 0]) =>
    // Programs differ in the century of a year of two digits.
    (year < 100 ? [1900 + year, 2000 + year] : [year]).flatMap((full) => {
      const ms = Date.UTC(full, monthOf - 1, day);
      const isDay = monthOf >= 1 && monthOf <= 12 && new Date(ms).getUTCDate() === day;
      return isDay ? [formatDay(ms)] : [];
    }),
  );
}

function formatDay(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}

/** The two numbers of a text such as `2-11` that a program takes for a day and a month; null for any other. */
export function readDayAndMonth(value: string): readonly [number, number] | null {
  const match = /^(\d{1,2})[-./](\d{1,2})\.?$/.exec(value);
  if (match === null) return null;
  const [one, two] = [Number(match[1]), Number(match[2])];
  const isDate = Math.min(one, two) >= 1 && Math.min(one, two) <= 12 && Math.max(one, two) <= 31;
  return isDate ? [one, two] : null;
}

/** True for `2-Nov`, `Nov-02` or a whole date, which programs make of `2-11`. */
export function isDateOfNumbers(text: string, value: string): boolean {
  const numbers = readDayAndMonth(value);
  if (numbers === null) return false;
  const isPair = (one: number, two: number): boolean =>
    (one === numbers[0] && two === numbers[1]) || (one === numbers[1] && two === numbers[0]);
  const month = findMonth(text);
  const [day, ...others] = (text.match(/\d+/g) ?? []).map(Number);
  if (month !== undefined && day !== undefined && others.length === 0) return isPair(day, month);
  return (
    /^\d{1,4}[-./]\d{1,2}[-./]\d{2,4}$/.test(text) &&
    listDays(text).some((each) => isPair(Number(each.slice(5, 7)), Number(each.slice(8))))
  );
}
