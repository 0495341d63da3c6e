import { formatCanonicalJson, isJsonObject, type JsonValue } from './json.js';

/** True if two values say the same: equal as JSON, apart from letter case, white space at the ends and Unicode form. */
export function isSameValue(one: JsonValue, other: JsonValue): boolean {
  return one === other || formatCanonicalJson(fold(one)) === formatCanonicalJson(fold(other));
}

function fold(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.normalize('NFC').trim().toLowerCase();
  if (Array.isArray(value)) return value.map(fold);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fold(inner)]));
}

/** Longest text of a workbook cell; longer ones are cut. */
const MAX_CELL = 32_767;

/**
 * True if a cell still means a value that was written to it, after any program has saved the file: numbers and dates in
 * another format, lost zeros and signs, other words for true and false, other forms of a list. `schema` is that of the
 * value; `raw` is the stored number of a workbook cell.
 */
export function isSameCell(
  cell: JsonValue | undefined,
  value: JsonValue | undefined,
  schema: JsonValue | undefined,
  raw?: string,
): boolean {
  if (value === undefined || value === null) return cell === undefined || cell === null || cell === '';
  if (cell === undefined || cell === null) return false;
  if (cell === value) return true;
  if (typeof cell === 'object') return isSameValue(cell, value);
  const text = foldText(String(cell));
  switch (typeof value) {
    case 'number':
      return isSameNumber(text, value) || (raw !== undefined && isClose(Number(raw), value));
    case 'boolean':
      return (value ? YES : NO).has(text.toLowerCase());
    case 'string':
      return isSameText(text, foldText(value), schema, raw);
    default:
      return isSameList(text, value);
  }
}

/** What every program may change in a text: line ends, no-break and invisible characters, blanks at the ends. */
function foldText(text: string): string {
  // Most texts are plain ASCII.
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return text.replace(/^'/, '');
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\u00a0\u2007\u202f]/g, ' ')
    .replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '')
    .normalize('NFC')
    .trim()
    .replace(/^'/, '');
}

function isSameText(
  text: string,
  value: string,
  schema: JsonValue | undefined,
  raw: string | undefined,
): boolean {
  if (text === value) return true;
  if (text.length >= MAX_CELL - 1 && value.startsWith(text.slice(0, -1))) return true;
  if (isJsonObject(schema) && Array.isArray(schema.enum) && text.toLowerCase() === value.toLowerCase())
    return true;
  if (/^\d{4}-\d{2}-\d{2}/.test(value)) return isSameDate(text, value, raw);
  if (/^\+?\d[\d\s().-]*$/.test(value)) return isSameDigits(text, value);
  return /[@:/.]/.test(value) && normalizeAddress(text) === normalizeAddress(value);
}

function isClose(number: number, value: number): boolean {
  // Spreadsheets keep 15 digits.
  return number === value || (Number.isFinite(number) && number.toPrecision(15) === value.toPrecision(15));
}

/** A number in the notation of any usual locale; as a percentage, with a currency, or in scientific notation. */
function isSameNumber(text: string, value: number): boolean {
  const plain = text.replace(/^[(]\s*(.*)[)]$/, '-$1').replace(/[\p{Sc}\s'’]|\b(?:[A-Z]{3}|kr)\b/gu, '');
  const scientific = /^([+-]?\d(?:[.,](\d*))?)[eE]([+-]?\d+)$/.exec(plain);
  if (scientific !== null) {
    const shown = Number(plain.replace(',', '.'));
    return shown === Number(value.toExponential(scientific[2]?.length ?? 0)) || isClose(shown, value);
  }
  const share = /^(.*)%$/.exec(plain)?.[1];
  const digits = share ?? plain;
  if (!/^[+−-]?[\d.,]*\d[\d.,]*$/.test(digits)) return false;
  const numbers = listNumbers(digits.replace('−', '-'));
  return numbers.some(
    (number) => isClose(number, value) || (share !== undefined && isClose(number / 100, value)),
  );
}

/** The numbers that a text of digits, points and commas can mean. */
function listNumbers(text: string): number[] {
  const point = text.replaceAll(',', '');
  const comma = text.replaceAll('.', '').replace(',', '.');
  const none = /^[+-]?\d{1,3}(?:[.,]\d{3})+$/.test(text) ? text.replace(/[.,]/g, '') : point;
  return [point, comma, none].map(Number).filter((number) => !Number.isNaN(number));
}

/** Ids, post codes and phone numbers: zeros and the sign at the start may be lost. */
function isSameDigits(text: string, value: string): boolean {
  const bare = (each: string): string => each.replace(/[\s().+-]/g, '').replace(/^0+(?=.)/, '');
  if (/^\d+$/.test(bare(text)) && bare(text) === bare(value)) return true;
  const digits = bare(value);
  if (/^\d+(?:[.,]\d+)?e\+?\d+$/i.test(text.replace(/\s/g, ''))) return isSameNumber(text, Number(digits));
  return /^\d+[.,]0+$/.test(text) && bare(text.replace(/[.,]0+$/, '')) === digits;
}

const YES = new Set([
  'true',
  '1',
  'yes',
  'y',
  'x',
  'wahr',
  'ja',
  'vrai',
  'oui',
  'verdadero',
  'sí',
  'si',
  'vero',
  'waar',
  'verdadeiro',
  'sim',
  'prawda',
  'истина',
  'да',
  '真',
  'はい',
  '是',
]);
const NO = new Set([
  'false',
  '0',
  'no',
  'n',
  'falsch',
  'nein',
  'faux',
  'non',
  'falso',
  'onwaar',
  'nee',
  'não',
  'fałsz',
  'ложь',
  'нет',
  '假',
  'いいえ',
  '否',
]);

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

/** True if a date or date and time can mean the value, an ISO date with or without a time. */
function isSameDate(text: string, value: string, raw: string | undefined): boolean {
  const serial = Number(raw ?? (/^\d{5}(?:[.,]\d+)?$/.test(text) ? text.replace(',', '.') : Number.NaN));
  const days = Number.isFinite(serial)
    ? EPOCHS.map((epochMs) => formatDay(epochMs + Math.floor(serial + ROUNDING) * DAY_MS))
    : listDays(text);
  if (!days.includes(value.slice(0, 10))) return false;
  const [time, cellTime] = [findTime(value.slice(10)), findTime(text)];
  return (
    time === null ||
    cellTime === null ||
    isMidnight(time) ||
    isMidnight(cellTime) ||
    Math.abs(time - cellTime) <= 1 ||
    Math.floor(time / 60) === Math.floor(cellTime / 60)
  );
}

function isMidnight(seconds: number): boolean {
  return seconds < 60 || seconds >= DAY_MS / 1_000 - 1;
}

/** Seconds since midnight in a text; null without a time. */
function findTime(text: string): number | null {
  const match = /(?:^|[\sT,])(\d{1,2})[:.](\d{2})(?::(\d{2}(?:\.\d+)?))?\s*([ap]\.?m\.?)?/i.exec(text);
  if (match === null) return null;
  const hours =
    (Number(match[1]) % (match[4] === undefined ? 24 : 12)) + (/^p/i.test(match[4] ?? '') ? 12 : 0);
  return (hours * 60 + Number(match[2])) * 60 + Number(match[3] ?? 0);
}

/** The days that a text can mean, as ISO dates. */
function listDays(text: string): string[] {
  const words = text.toLowerCase().match(/\p{L}{3,}/gu) ?? [];
  const month = words
    .map((word) => OTHER_MONTHS[word.slice(0, 3)] ?? MONTHS.indexOf(word.slice(0, 3)) + 1)
    .find(Boolean);
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
  return orders.flatMap(([year = 0, monthOf = 0, day = 0]) => {
    const full = year < 70 ? 2000 + year : year < 100 ? 1900 + year : year;
    const ms = Date.UTC(full, monthOf - 1, day);
    const isDay = monthOf >= 1 && monthOf <= 12 && new Date(ms).getUTCDate() === day;
    return isDay ? [formatDay(ms)] : [];
  });
}

function formatDay(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}

function normalizeAddress(text: string): string {
  const bare = text.replace(/^mailto:/i, '');
  const match = /^(?:([a-z][a-z\d+.-]*):\/\/)?([^/?#]*)(.*)$/is.exec(bare);
  if (match === null || /\s/.test(bare)) return bare;
  const [, scheme = '', host = '', rest = ''] = match;
  return bare.includes('@') && rest === ''
    ? bare.toLowerCase()
    : `${scheme.toLowerCase()}:${host.toLowerCase()}${rest.replace(/\/$/, '')}`;
}

/** A list or object as JSON, or a list in parts. */
function isSameList(text: string, value: JsonValue): boolean {
  try {
    if (/^[[{]/.test(text)) return isSameValue(JSON.parse(text) as JsonValue, value);
  } catch {
    // Not JSON, so it may be parts.
  }
  if (!Array.isArray(value)) return false;
  const parts = value.map((part) => (typeof part === 'string' ? foldText(part) : JSON.stringify(part)));
  return [/\s*;\s*/, /\s*\n\s*/, /\s*,\s*/, /\s*\|\s*/].some((separator) => {
    const split = text.split(separator);
    return split.length === parts.length && split.every((part, index) => foldText(part) === parts[index]);
  });
}

/**
 * Names a change that a program makes to a whole column, if it explains how a cell differs from its value. Null for
 * any other change.
 */
export function explainChange(cell: string, value: JsonValue): string | null {
  const text = foldText(cell);
  if (typeof value === 'number') {
    const shown = Number(text.replaceAll(',', ''));
    const decimals = /\.(\d+)$/.exec(text)?.[1]?.length ?? 0;
    return Number.isFinite(shown) && Math.abs(shown - value) <= 0.5 * 10 ** -decimals + 1e-9
      ? 'rounding'
      : null;
  }
  if (typeof value !== 'string') return null;
  const whole = foldText(value);
  if (text.toLowerCase() === whole.toLowerCase()) return 'letter case';
  if (isMojibake(text, whole)) return 'letters of another encoding';
  if (text.length >= 20 && whole.startsWith(text)) return 'cut text';
  return text.replace(/\s+/g, '') === whole.replace(/\s+/g, '') ? 'white space' : null;
}

/** True for UTF-8 that was read as a one-byte encoding, or whose letters were replaced by question marks. */
function isMojibake(text: string, value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches all of ASCII
  if (/^[\x00-\x7f]*$/.test(value)) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches all beyond ASCII
  const ascii = (each: string): string => each.replace(/[^\x00-\x7f]+|[?]+/g, '');
  return ascii(text) === ascii(value);
}

/** Reads what a person typed into a cell as a value of its schema; as text if it does not fit. */
export function readTypedCell(cell: JsonValue, schema: JsonValue | undefined): JsonValue {
  if (typeof cell !== 'string') return cell;
  const text = cell.trim();
  const types = isJsonObject(schema) ? [schema.type ?? []].flat() : [];
  if (types.includes('string') || types.length === 0) return text;
  if (types.includes('boolean')) {
    if (YES.has(text.toLowerCase())) return true;
    return NO.has(text.toLowerCase()) ? false : text;
  }
  if (types.includes('number') || types.includes('integer')) {
    const digits = text.replace(/[\p{Sc}\s'’]/gu, '');
    if (!/^[+-]?[\d.,]*\d$/.test(digits)) return text;
    // The last mark is the decimal one, unless it separates thousands.
    const isThousands = /^[+-]?\d{1,3}(?:[.,]\d{3})+$/.test(digits) && types.includes('integer');
    const isComma = digits.lastIndexOf(',') > digits.lastIndexOf('.') && !/,\d{3}$/.test(digits);
    const number = Number(
      isThousands
        ? digits.replace(/[.,]/g, '')
        : isComma
          ? digits.replaceAll('.', '').replace(',', '.')
          : digits.replaceAll(',', ''),
    );
    return Number.isNaN(number) ? text : number;
  }
  try {
    if (/^[[{]/.test(text)) return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
  return types.includes('array') ? text.split(/\s*[;\n]\s*/).filter((part) => part !== '') : text;
}
