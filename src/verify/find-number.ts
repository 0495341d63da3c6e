import { toAsciiDigit } from './fold-text.js';
import { findScale, readWordNumbers } from './number-words.js';

/** A number as written on a page. */
export interface NumberToken {
  readonly start: number;
  /** Behind its digits, scale and currency. */
  readonly end: number;
  /** What it can mean, most likely first. */
  readonly readings: readonly NumberReading[];
  /** 1e6 for "12.5 million"; 1 if it has no scale. */
  readonly scale: number;
  readonly currency: string | null;
  readonly isPercent: boolean;
  /** First or last number of a range such as "51-200". */
  readonly range: 'start' | 'end' | null;
  /** Part of a code such as "K2", of a time, or an ordinal. */
  readonly isPart: boolean;
  /** Text right after it: a unit or what is counted. */
  readonly after: string;
}

export interface NumberReading {
  /** With its scale. */
  readonly value: number;
  /** Value of one unit of the last digit shown. */
  readonly step: number;
  /** How many digits are shown, without leading zeros. */
  readonly digits: number;
}

/** Lists the numbers of a text in any locale: digits, scales such as "Mio.", number words, 万 and 億. */
export function findNumbers(text: string, language: string): NumberToken[] {
  const plain = toAsciiDigits(text);
  const tokens: NumberToken[] = [];
  let skipTo = 0;
  for (const match of plain.matchAll(RUN)) {
    for (const piece of splitRun(match[0], match.index)) {
      if (piece.start < skipTo) continue;
      if (tokens.length >= MAX_NUMBERS) return tokens;
      const token = readToken(plain, piece.start, piece.text, language);
      if (token === null) continue;
      tokens.push(token);
      skipTo = Math.max(piece.start + piece.text.length, token.end);
    }
  }
  for (const { start, end, value } of readWordNumbers(text, language)) {
    const { currency, end: last } = readCurrencyBehind(plain, end);
    const readings = [{ value, step: value, digits: 1 }];
    const rest = { scale: 1, isPercent: false, range: null, isPart: false };
    tokens.push({ start, end: last, readings, currency, ...rest, after: readAfter(plain, last) });
  }
  return tokens;
}

/** Of one piece of text; far more than any page has. */
const MAX_NUMBERS = 1_000;

/** The number that a text consists of, with a unit or currency around it. Null if it is not a single number. */
export function readNumberText(text: string): NumberToken | null {
  const [first, ...more] = findNumbers(text, 'en');
  if (first === undefined || more.length > 0 || first.isPart || first.range !== null) return null;
  const around = text.slice(0, first.start) + text.slice(first.end);
  return around.replace(/[^\p{L}]/gu, '').length <= 12 ? first : null;
}

function toAsciiDigits(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return text
    .replace(OTHER_DIGITS, toAsciiDigit)
    .replace(/[٬，]/g, ',')
    .replace(/[٫．]/g, '.')
    .replace(/\u2212/g, '-');
}

const OTHER_DIGITS = /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59\uff10-\uff19]/g;
const RUN = /\d+(?:[.,'’ \u00a0\u2009\u202f\u2007]\d+)*/g;

/** Splits a run of digits at spaces that do not separate groups of three. */
function* splitRun(run: string, start: number): Generator<{ text: string; start: number }> {
  const pieces = [...run.matchAll(/[^\s]+/g)];
  const read = (at: number): string => pieces[at]?.[0] ?? '';
  for (let at = 0; at < pieces.length; ) {
    let next = at + 1;
    if (/^[1-9]\d{0,2}$/.test(read(at))) {
      while (/^\d{3}$/.test(read(next))) next += 1;
      if (/^\d{3}[.,]\d{1,2}$/.test(read(next))) next += 1;
      // "555 123 4567" is a phone number.
      if (next > at + 1 && /^\d{4,}/.test(read(next))) next = at + 1;
    }
    const [first, last] = [pieces[at], pieces[next - 1]];
    const from = first?.index ?? 0;
    yield { text: run.slice(from, (last?.index ?? 0) + (last?.[0].length ?? 0)), start: start + from };
    at = next;
  }
}

function readToken(text: string, start: number, run: string, language: string): NumberToken | null {
  const digits = readDigits(run.replace(/\s/g, ' '), language);
  if (digits.length === 0) return null;
  const stop = start + run.length;
  const before = text.slice(Math.max(0, start - 12), start);
  const money = CURRENCY_BEFORE.exec(before)?.[1] ?? null;
  const eastern = readEasternNumber(text, start, digits);
  const found = eastern === null ? findScale(text, stop, language, money !== null) : null;
  const scale = found?.scale ?? 1;
  const scaled = eastern?.end ?? found?.end ?? stop;
  const behind = readCurrencyBehind(text, scaled);
  const sign = isNegative(
    before,
    text.slice(behind.end, behind.end + 3),
    /[.,]/.test(run) || !/\p{L}/u.test(text),
  )
    ? -1
    : 1;
  const readings = (eastern?.readings ?? digits).map((each) => ({
    value: sign * each.value * scale,
    step: each.step * scale,
    digits: each.digits,
  }));
  return {
    start,
    end: behind.end,
    readings,
    scale: eastern?.scale ?? scale,
    currency: money ?? behind.currency ?? found?.currency ?? null,
    isPercent: PERCENT.test(text.slice(scaled, scaled + 12)),
    range: findRange(text, start, scaled),
    isPart: isPartOfCode(before, money !== null, text.slice(stop, stop + 4), scaled > stop),
    after: readAfter(text, behind.end),
  };
}

const PERCENT =
  /^\s?(?:%|％|percent\b|per cent\b|prozent\b|pour cent\b|por ciento\b|per cento\b|procent|パーセント)/i;

/** Brackets mean a negative number in accounts; in a sentence they hold years and counts. */
function isNegative(before: string, after: string, isAccount: boolean): boolean {
  // A dash with spaces around is a dash, and one after a number a range.
  if (/(?:^|[\s(:;,|])[-–][$€£¥]?$/.test(before)) return !/\d[)%$€£]?\s[-–][$€£¥]?$/.test(before);
  return isAccount && /\(\s?[$€£¥]?\s?$/.test(before) && /^\s?%?\s?\)/.test(after);
}

function readDigits(run: string, language: string): NumberReading[] {
  if (/^\d+$/.test(run)) return [createReading(run, '')];
  const marks = [...new Set(run.replace(/\d/g, ''))];
  const tail = /([.,])(\d+)$/.exec(run);
  const whole = tail === null ? run : run.slice(0, -tail[0].length);
  const decimals = tail?.[2] ?? '';
  const times = tail === null ? 0 : run.split(tail[1] ?? '').length - 1;
  if (tail === null || (marks.length === 1 && times > 1))
    return isGrouped(run) ? [createReading(run, '')] : [];
  if (times > 1) return [];
  if (marks.length > 1) return isGrouped(whole) ? [createReading(whole, decimals)] : [];
  const asDecimal = createReading(whole, decimals);
  if (decimals.length !== 3 || whole.length > 3 || whole === '0') return [asDecimal];
  const asGroup = createReading(run, '');
  if (language === '') return [asGroup, asDecimal];
  if (COMMA_GROUPS.has(language) === (tail[1] === ',')) return [asGroup];
  return tail[1] === '.' ? [asDecimal, asGroup] : [asDecimal];
}

function createReading(whole: string, decimals: string): NumberReading {
  const joined = `${whole.replace(/\D/g, '')}${decimals === '' ? '' : '.'}${decimals}`;
  const digits = joined.replace('.', '').replace(/^0+/, '').length;
  return { value: Number(joined), step: 10 ** -decimals.length, digits };
}

/** Groups of three, or of two as in India: "12,34,567". */
function isGrouped(whole: string): boolean {
  return /^\d{1,3}(?:\D\d{3})+$/.test(whole) || /^\d{1,2}(?:,\d{2})+,\d{3}$/.test(whole);
}

/** Languages that group digits by commas. */
const COMMA_GROUPS = new Set('en ja zh ko th he hi bn ur ta ga cy ms tl'.split(' '));

const EASTERN: Readonly<Record<string, number>> = {
  ...{ 兆: 1e12, 조: 1e12, 億: 1e8, 亿: 1e8, 억: 1e8, 万: 1e4, 萬: 1e4, 만: 1e4, 千: 1e3, 천: 1e3, 百: 100 },
};
const EASTERN_PART = /(\d[\d,]*(?:\.\d+)?)\s?([兆億亿억万萬만조千천百]+)\s?/y;

/** "3億5,000万", "1万2,300": each part counts by the character after it. */
function readEasternNumber(
  text: string,
  start: number,
  [first]: readonly NumberReading[],
): { readings: NumberReading[]; scale: number; end: number } | null {
  let [value, at, least, most] = [0, start, 1, 1];
  for (;;) {
    EASTERN_PART.lastIndex = at;
    const part = EASTERN_PART.exec(text);
    if (part === null) break;
    const scale = [...(part[2] ?? '')].reduce((product, char) => product * (EASTERN[char] ?? 1), 1);
    const decimals = part[1]?.split('.')[1]?.length ?? 0;
    value += Number(part[1]?.replaceAll(',', '')) * scale;
    least = scale * 10 ** -decimals;
    most = Math.max(most, scale);
    at = EASTERN_PART.lastIndex;
  }
  if (at === start) return null;
  const tail = /\d[\d,]*/y;
  tail.lastIndex = at;
  const rest = tail.exec(text)?.[0];
  const total = value + Number((rest ?? '0').replaceAll(',', ''));
  const reading = {
    value: total,
    step: rest === undefined ? least : 1,
    digits: Math.max(2, first?.digits ?? 0),
  };
  return { readings: [reading], scale: most, end: at + (rest?.length ?? 0) };
}

const CODES =
  'USD|EUR|GBP|CHF|JPY|INR|CNY|RMB|NOK|SEK|DKK|AUD|CAD|HKD|SGD|BRL|PLN|CZK|HUF|MXN|ZAR|TRY|KRW|RUB|ILS';
const SIGNS = '[$€£¥₹₽₩₺₫฿₴₦₱₪￥]';
const CURRENCY_BEFORE = new RegExp(
  String.raw`(?:^|[^\p{L}])((?:US|A|C|HK|NZ|S|R|CA|AU)?\$|${SIGNS}|(?:${CODES}|Rs\.?|kr\.?|Fr\.?))\s?-?\s?$`,
  'u',
);
const CURRENCY_BEHIND = new RegExp(
  String.raw`^\s?(?:(?:US|A|C|HK)?\$|${SIGNS}|(?:${CODES}|euros?|(?:us|american|canadian|australian)?[ -]?dollars?|d['’]euros?|de (?:euros?|d[oó]lares|pesos|reais)|di euro|pounds?(?: sterling)?|francs?|franken|yen|yuan|kronor|kroner|kr|złotych|zł|kč|ft|руб(?:лей|\.)?|долларов|евро|rupees|reais|pesos|won(?!\s(?:over|the|a|an|its|his|her|in)\s)|円|元|원|ドル|ユーロ)(?!\p{L}))`,
  'iu',
);

function readCurrencyBehind(text: string, at: number): { currency: string | null; end: number } {
  // "18 990,-" names no currency, but is an amount.
  if (/^,[-–—]/.test(text.slice(at, at + 2))) return { currency: ',-', end: at + 2 };
  const found = CURRENCY_BEHIND.exec(text.slice(at, at + 24));
  return found === null
    ? { currency: null, end: at }
    : { currency: found[0].trim(), end: at + found[0].length };
}

function readAfter(text: string, at: number): string {
  return /^[+\s]*[-–]?\s?([^.;:!?\n()|]{0,60})/.exec(text.slice(at, at + 70))?.[1] ?? '';
}

const DASH = String.raw`\s?(?:[-–—~〜～]|(?<!\p{L})(?:to|bis|à|till|til)(?!\p{L})|至)\s?`;
const RANGE_BEFORE = new RegExp(
  String.raw`(?:^|[^\d\p{L}-])[$€£]?\d[\d.,]{0,9}\s?(?:k|m|bn|[$€£]|%)?${DASH}[$€£]?\s?$`,
  'iu',
);
const RANGE_BEHIND = new RegExp(
  String.raw`^(?:\s?(?:[€$£%]|kr|zł|Kč|EUR|CHF|GBP|USD))?${DASH}[$€£]?\s?\d[\d.,]{0,9}(?![\d-]|[.,]\d)`,
  'iu',
);
/** "From 61,000 to 88,000" is a change, not a range. */
const CHANGE = /\b(?:from|von|de|da|från|fra|z|с)\s\S{1,14}\s\p{L}{1,4}\s$/iu;

function findRange(text: string, start: number, end: number): 'start' | 'end' | null {
  const before = text.slice(Math.max(0, start - 24), start);
  // "In 2023 it rose to 620 million".
  if (/(?:19|20)\d{2}\s\p{L}{1,4}\s$/u.test(before) && !/^(?:19|20)\d{2}$/.test(text.slice(start, end)))
    return null;
  if (RANGE_BEFORE.test(before)) return CHANGE.test(before) ? null : 'end';
  if (!RANGE_BEHIND.test(text.slice(end, end + 20))) return null;
  return /\b(?:from|von|de|da|från|fra|z|с)\s$/iu.test(before) && !/^\s?[-–—]/.test(text.slice(end, end + 3))
    ? null
    : 'start';
}

function isPartOfCode(before: string, hasMoney: boolean, after: string, hasScale: boolean): boolean {
  if (!hasMoney && /[\p{L}_#]$/u.test(before) && !UNSPACED_BEFORE.test(before)) return true;
  if (/\p{L}[-/]$/u.test(before) || /\d[:/]$/.test(before)) return true;
  if (/^(?:st|nd|rd|th)(?!\p{L})/iu.test(after) || /^(?::\d|\/(?!(?:5|10|20|100)(?!\d))\d)/.test(after))
    return true;
  return !hasScale && /^[-/]?\p{L}\d|^-\p{Lu}\p{L}?(?!\p{L})/u.test(after);
}

/** Scripts that put no space between words and numbers. */
const UNSPACED_BEFORE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]$/u;
