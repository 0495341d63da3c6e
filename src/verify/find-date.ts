import { listMonthNames } from '../model/date-names.js';
import { foldWords } from './fold-text.js';

/** A date as written on a page. Month and day are null if it has none. */
export interface DateToken {
  readonly start: number;
  readonly end: number;
  readonly year: number;
  readonly month: number | null;
  readonly day: number | null;
  /** True if day and month could be the other way round. */
  readonly isAmbiguous: boolean;
}

/** A day, month or year to look for. */
export interface DateValue {
  readonly year: number;
  readonly month: number | null;
  readonly day: number | null;
}

/** Parses the value of a cell as a date: an ISO date or time, a month, or a date in words. Null if it is not one. */
export function parseDateValue(text: string): DateValue | null {
  const trimmed = text.trim();
  const iso = /^(\d{4})-(\d{2})(?:-(\d{2}))?(?:[T ]\d{2}:\d{2}.*)?$/.exec(trimmed);
  if (iso !== null)
    return toValue(Number(iso[1]), Number(iso[2]), iso[3] === undefined ? null : Number(iso[3]));
  if (trimmed.length > 40) return null;
  const [first, ...more] = findDates(trimmed, '');
  const isWhole = first !== undefined && more.length === 0 && trimmed.length - (first.end - first.start) <= 2;
  return isWhole && !first.isAmbiguous ? { year: first.year, month: first.month, day: first.day } : null;
}

/** Lists the dates of a text, in the notations of about forty languages. `language` decides about 03/04/2021. */
export function findDates(text: string, language: string): DateToken[] {
  if (!/\d/.test(text)) return [];
  const found: DateToken[] = [];
  // By character: comparing each date with all others takes minutes on a page that is full of dates.
  const taken = new Uint8Array(text.length);
  for (const [pattern, read] of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      if (found.length >= MAX_DATES) return found;
      const end = match.index + match[0].length;
      if (taken.subarray(match.index, end).includes(1)) continue;
      for (const part of read(match, language)) {
        if (!isReal(part)) continue;
        const { span = [0, match[0].length], ...date } = part;
        found.push({ ...date, start: match.index + span[0], end: match.index + span[1] });
        taken.fill(1, match.index, end);
      }
    }
  }
  return found;
}

/** Of one piece of text; far more than any page has. */
const MAX_DATES = 300;

/** How a date on a page corresponds to a value. Null if it is another date. */
export function compareDates(token: DateToken, value: DateValue): 'exact' | 'partial' | null {
  if (token.year !== value.year) return null;
  if (
    value.month === null ||
    (token.month === value.month && (value.day === null || token.day === value.day))
  )
    return 'exact';
  // A page that names only the month or year supports no day, but agents fill it up with the first.
  if (token.month === null) return value.month === 1 && (value.day ?? 1) === 1 ? 'partial' : null;
  return token.month === value.month && token.day === null && value.day === 1 ? 'partial' : null;
}

/** `span` is the part of the match that a date stands in, if there are several. */
type Part = Omit<DateToken, 'start' | 'end'> & { readonly span?: readonly [number, number] };
type Reader = (match: RegExpExecArray, language: string) => readonly Part[];

const MONTH = String.raw`[\p{L}\p{M}]{3,15}`;
/** Not the beginning of "December". */
const OF = String.raw`(?:\s?(?:(?:of|de|del|di|do|den)(?![\p{L}\p{M}])|d['’]))?`;
const DAY = String.raw`(?<![\d.,:/])(\d{1,2})`;
const YEAR = String.raw`(\d{4})(?![\d]|[.,]\d)`;

const PATTERNS: readonly (readonly [RegExp, Reader])[] = [
  // 1968年（昭和43年）10月1日
  [
    /(?<!\d)(\d{4})\s?年\s?[（(][^）)\n]{1,12}[）)]\s?(\d{1,2})\s?月(?:\s?(\d{1,2})\s?日)?/gu,
    ([, y, m, d]) => [create(y, m, d)],
  ],
  // 2021-04-03, 2021/4/3, 2021.4.3, 2021年4月3日, 2021년 4월 3일
  [
    /(?<!\d)(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})(?!\d)\s?[日일]?/gu,
    ([, y, m, d]) => [create(y, m, d)],
  ],
  // 21–22 May 2025 and 3. bis 5. Juni 2024
  [
    new RegExp(
      String.raw`${DAY}\.?(\s?[-–—]\s?|\s(?:to|bis|au|al|a|till?|tot|do)\s)(\d{1,2})\.?\s${OF}\s?(${MONTH})\.?,?${OF}\s${YEAR}`,
      'giu',
    ),
    readDayRange,
  ],
  [/(?<!\d)(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]/gu, ([, y, m]) => [create(y, m, null)]],
  [/(令和|平成|昭和|大正|明治)\s?(\d{1,2}|元)\s?年(?:\s?(\d{1,2})\s?月(?:\s?(\d{1,2})\s?日)?)?/gu, readEra],
  [
    new RegExp(
      String.raw`${DAY}(?:\s?(?:(?:st|nd|rd|th|er|de|te|ten|e)(?!\p{L})|º|ª|°|-?го|\.))?,?(?:\s|-)?${OF}[\s-]?(${MONTH})\.?,?${OF}[\s-]?${YEAR}`,
      'giu',
    ),
    ([, d, m, y]) => withMonth(y, m, d),
  ],
  [
    new RegExp(
      String.raw`(?<!\p{L})(${MONTH})\.?\s?(\d{1,2})(?:st|nd|rd|th|º)?(?:,\s?|\s|\.\s)${YEAR}`,
      'giu',
    ),
    ([, m, d, y]) => withMonth(y, m, d),
  ],
  // Hungarian and Lithuanian: 2010. január 5., 2010 m. sausio 5 d.
  [
    new RegExp(String.raw`(?<![\d.,])(\d{4})\.?(?:\s?m\.)?,?\s(${MONTH})\.?\s(\d{1,2})(?!\d|[.,]\d)`, 'giu'),
    ([, y, m, d]) => withMonth(y, m, d),
  ],
  [/(?<!\d)(\d{1,2})\s(?:tháng|thg)\s(\d{1,2})(?:\snăm|,)?\s(\d{4})/giu, ([, d, m, y]) => [create(y, m, d)]],
  // Latvian: 2021. gada 23. janvāris.
  [
    new RegExp(String.raw`(?<![\d.,])(\d{4})\.\s(?:gada|g\.)\s(\d{1,2})\.\s(${MONTH})`, 'giu'),
    ([, y, d, m]) => withMonth(y, m, d),
  ],
  [
    /(?<![\d./-])(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})(?![\d]|[./-]\d)/gu,
    ([, a, mark, b, y], language) => readNumeric(a, b, y, mark, language),
  ],
  [
    new RegExp(String.raw`(?<!\p{L})(${MONTH})\.?,?${OF}[\s-]${YEAR}`, 'giu'),
    ([, m, y]) => withMonth(y, m, null),
  ],
  [
    new RegExp(String.raw`(?<![\d.,])(\d{4})\.?\s(${MONTH})(?!\p{L})`, 'giu'),
    ([, y, m]) => withMonth(y, m, null),
  ],
  [/(?<![\d./-])(0?[1-9]|1[0-2])[/.](\d{4})(?![\d./])/g, ([, m, y]) => [create(y, m, null)]],
];

/** 03/04/2021: the language or the size of the numbers decides which is the day. */
function readNumeric(a = '', b = '', y = '', mark = '', language = ''): Part[] {
  const year = y.length === 2 ? String(Number(y) + (Number(y) <= 40 ? 2000 : 1900)) : y;
  const [first, second] = [Number(a), Number(b)];
  if (first > 12 || second > 12) return [first > 12 ? create(year, b, a) : create(year, a, b)];
  if (first === second) return [create(year, a, b)];
  const isDayFirst = mark === '.' || (language !== '' && language !== 'en');
  if (isDayFirst) return [create(year, b, a)];
  return [create(year, a, b), create(year, b, a)].map((part) => ({ ...part, isAmbiguous: true }));
}

const ERAS: Readonly<Record<string, number>> = { 令和: 2018, 平成: 1988, 昭和: 1925, 大正: 1911, 明治: 1867 };

function readEra([, era = '', y = '', m, d]: RegExpExecArray): Part[] {
  const year = (ERAS[era] ?? 0) + (y === '元' ? 1 : Number(y));
  return [create(String(year), m ?? null, d ?? null)];
}

function create(y: string | undefined, m: string | null | undefined, d: string | null | undefined): Part {
  // Thailand counts from 543 BC.
  const year = Number(y) > 2_400 && Number(y) < 2_700 ? Number(y) - 543 : Number(y);
  return { year, month: m == null ? null : Number(m), day: d == null ? null : Number(d), isAmbiguous: false };
}

function withMonth(y: string | undefined, name: string | undefined, d: string | null | undefined): Part[] {
  const month = getMonths().get(foldWords(name ?? ''));
  return month === undefined ? [] : [create(y, String(month), d ?? null)];
}

function readDayRange([all = '', first = '', mark = '', last, month, year]: RegExpExecArray): Part[] {
  const middle = all.indexOf(mark, first.length);
  return [
    ...withMonth(year, month, first).map((part) => ({ ...part, span: [0, middle] as const })),
    ...withMonth(year, month, last).map((part) => ({
      ...part,
      span: [middle + mark.length, all.length] as const,
    })),
  ];
}

function isReal({ year, month, day }: Part): boolean {
  return (
    year >= 1000 &&
    year <= 2200 &&
    (month === null || (month >= 1 && month <= 12)) &&
    (day === null || (day >= 1 && day <= 31))
  );
}

function toValue(year: number, month: number, day: number | null): DateValue | null {
  return isReal({ year, month, day, isAmbiguous: false }) ? { year, month, day } : null;
}

let months: ReadonlyMap<string, number> | null = null;

/** Months by folded name, in all languages. */
function getMonths(): ReadonlyMap<string, number> {
  months ??= new Map(
    listMonthNames().flatMap((names, at) => names.map((name) => [foldWords(name), at + 1] as const)),
  );
  return months;
}
