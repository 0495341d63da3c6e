/** Marks around a value: emphasis, quotes, code. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['**', '**'],
  ['__', '__'],
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
  ['“', '”'],
  ['„', '“'],
  ['«', '»'],
  ['‘', '’'],
  ['*', '*'],
];

/** Removes marks around a value and after it: `**…**`, quotes, a trailing `[1]`, comma or full stop. */
export function unwrapText(text: string): string {
  let inner = text.trim();
  for (let before = ''; before !== inner; ) {
    before = inner;
    inner = inner.replace(/(?:\s*\[\^?\d{1,3}\])+$/, '').replace(/[.,;。]$/, '');
    for (const [open, close] of PAIRS) {
      const isPair =
        inner.length > open.length + close.length && inner.startsWith(open) && inner.endsWith(close);
      if (isPair) inner = inner.slice(open.length, -close.length);
    }
    inner = inner.trim();
  }
  return inner;
}

/** Folds a word of an enum: case, spaces, `_`, `-` and the form of accents do not matter. */
export function foldWord(text: string): string {
  return text
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/[\s_\p{Pd}]+/gu, ' ');
}

const WORDS: readonly (readonly [boolean, readonly string[]])[] = [
  [true, ['yes', 'true', 'y', 't', '1', 'ja', 'oui', 'sí', 'sim', 'да', 'はい', '是']],
  [false, ['no', 'false', 'n', 'f', '0', 'nein', 'non', 'nee', 'nej', 'não', 'нет', 'いいえ', '否']],
];
const BOOLEANS = new Map(WORDS.flatMap(([value, words]) => words.map((word) => [word, value] as const)));

/** Parses a word for true or false; null for any other. */
export function parseBoolean(text: string): boolean | null {
  return BOOLEANS.get(text.toLowerCase()) ?? null;
}

const GROUPED = /^[+-]?\d{1,3}(?:([,'’ ])\d{3})(?:\1\d{3})*(?:\.\d+)?$/;
const PLAIN = /^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i;
/** Points between thousands: twice, or with a decimal comma, since `1.234` alone is a decimal number. */
const POINT_GROUPED = /^[+-]?\d{1,3}(?:(?:\.\d{3}){2,}(?:,\d+)?|\.\d{3},\d+)$/;
/** A comma that cannot be between thousands. */
const DECIMAL_COMMA = /^[+-]?(?:\d{1,3}(?: \d{3})+|\d+),(?:\d{1,2}|\d{4,})$/;
const INDIAN = /^[+-]?\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?$/;

/** Parses a number with or without thousands separators; null if precision could be lost or it is unclear. */
export function parseNumber(text: string): number | null {
  const plain = text
    .normalize('NFKC')
    .replace(/[\u2212\u2010\u2011\u2013]/g, '-')
    .replace(/[\s\u2009]/g, ' ');
  const digits = findDigits(plain);
  if (digits === null) return null;
  const number = Number(digits);
  const isExact = Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER;
  return isExact ? number : null;
}

function findDigits(text: string): string | null {
  if (PLAIN.test(text)) return text;
  if (GROUPED.test(text) || INDIAN.test(text)) return text.replace(/[,'’ ]/g, '');
  if (POINT_GROUPED.test(text) && !isIpAddress(text)) return text.replaceAll('.', '').replace(',', '.');
  if (DECIMAL_COMMA.test(text)) return text.replaceAll(' ', '').replace(',', '.');
  return null;
}

function isIpAddress(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => Number(part) <= 255);
}

const DATE_AND_TIME = /^(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)?$/i;
const YEAR_FIRST = /^(\d{4})([-/. ]?)(\d{1,2})\2(\d{1,2})$/;
const YEAR_LAST = /^(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})$/;
const EAST_ASIAN = /^(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]?$/;
const DAY_FIRST =
  /^(\d{1,2})(?:st|nd|rd|th|\.|er|º|o)?(?: of| de)?[ -]([\p{L}]{3,})\.?,?(?: de| del)?[ -](\d{4})$/u;
const MONTH_FIRST = /^([\p{L}]{3,})\.?[ -](\d{1,2})(?:st|nd|rd|th)?,?[ -](\d{4})$/u;
const YEAR_THEN_NAME = /^(\d{4})[ -]([\p{L}]{3,})\.?[ -](\d{1,2})$/u;
const WEEKDAY = /^\p{L}{3,}\.?, (?=.*\d)/u;

/** Parses a date in a clear spelling to `2024-03-01`; null if it is unclear which number is the month. */
export function parseDate(text: string): string | null {
  const [, day] = DATE_AND_TIME.exec(text) ?? [];
  if (day !== undefined) return day;
  const plain = text.normalize('NFKC').replace(WEEKDAY, '').replace(/\s+/g, ' ').toLowerCase();
  const numbers = findDateParts(plain);
  return numbers === null ? null : formatDate(...numbers);
}

type DateParts = readonly [year: number, month: number, day: number];

function findDateParts(text: string): DateParts | null {
  const [, year, separator, month, day] = YEAR_FIRST.exec(text) ?? [];
  // Without separators, all eight digits are needed.
  if (year !== undefined) return separator === '' && text.length !== 8 ? null : toParts(year, month, day);
  const [, eastYear, eastMonth, eastDay] = EAST_ASIAN.exec(text) ?? [];
  if (eastYear !== undefined) return toParts(eastYear, eastMonth, eastDay);
  const [, first = '', , second = '', lastYear] = YEAR_LAST.exec(text) ?? [];
  if (lastYear !== undefined) return findUnclearParts(Number(first), Number(second), Number(lastYear));
  const [, dayBefore, nameAfter = '', yearAfter] = DAY_FIRST.exec(text) ?? [];
  if (dayBefore !== undefined) return toParts(yearAfter, findMonth(nameAfter), dayBefore);
  const [, nameBefore = '', dayAfter, yearLast] = MONTH_FIRST.exec(text) ?? [];
  if (dayAfter !== undefined) return toParts(yearLast, findMonth(nameBefore), dayAfter);
  const [, yearBefore, nameBetween = '', dayLast] = YEAR_THEN_NAME.exec(text) ?? [];
  return yearBefore === undefined ? null : toParts(yearBefore, findMonth(nameBetween), dayLast);
}

/** Day and month are clear if one of the numbers cannot be a month, or if both are the same. */
function findUnclearParts(first: number, second: number, year: number): DateParts | null {
  if (first > 12 || first === second) return [year, second, first];
  return second > 12 ? [year, first, second] : null;
}

function toParts(
  year: string | undefined,
  month: string | number | null | undefined,
  day: string | undefined,
): DateParts | null {
  return month === null ? null : [Number(year), Number(month), Number(day)];
}

function formatDate(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year >= 1000;
  return isReal ? date.toISOString().slice(0, 10) : null;
}

const LANGUAGES = [
  'en',
  'de',
  'fr',
  'es',
  'it',
  'pt',
  'nl',
  'pl',
  'ru',
  'uk',
  'cs',
  'sv',
  'da',
  'nb',
  'fi',
  'tr',
];
let months: ReadonlyMap<string, number | null> | null = null;

/** The number of a month by its name or abbreviation; null if unknown, or another month in another language. */
function findMonth(name: string): number | null {
  months ??= listMonths();
  return months.get(name.replace(/\.$/, '')) ?? null;
}

function listMonths(): ReadonlyMap<string, number | null> {
  const found = new Map<string, number | null>([['sept', 9]]);
  for (const language of LANGUAGES) {
    for (const month of ['long', 'short'] as const) {
      // After a day, some languages inflect the name.
      for (const day of [undefined, 'numeric'] as const) {
        const format = new Intl.DateTimeFormat(language, { day, month, timeZone: 'UTC' });
        for (let index = 0; index < 12; index += 1) {
          const parts = format.formatToParts(Date.UTC(2024, index, 15));
          const { value = '' } = parts.find(({ type }) => type === 'month') ?? {};
          const name = value.toLowerCase().replace(/\.$/, '');
          const known = found.get(name);
          found.set(name, known === undefined || known === index + 1 ? index + 1 : null);
        }
      }
    }
  }
  return found;
}

const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?\s?(Z|UTC|GMT|([+-]\d\d):?(\d\d))$/i;

/** Completes a date with time and zone: seconds, the colon of the zone. Null without a zone. */
export function parseDateTime(text: string): string | null {
  const [, day, minutes, seconds = ':00', zone = '', hours, rest] = TIME.exec(text) ?? [];
  if (day === undefined) return null;
  return `${day}T${minutes}${seconds}${hours === undefined ? zone.replace(/UTC|GMT/i, 'Z') : `${hours}:${rest}`}`;
}

/** A phone number without a word before it, such as `tel:` or `Phone:`, or the link around it. */
export function parsePhone(text: string): string {
  const [, label = text] = /^\[([^\]]+)\]\(tel:[^()\s]+\)$/i.exec(text) ?? [];
  return label.replace(/^(?:tel|phone|telephone|mobile|cell|fax|t|p)\s*[.:]\s*/i, '').trim();
}
