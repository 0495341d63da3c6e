import { compareDateOfNumbers, hasYear, readDateNumbers } from './date-of-numbers.js';
import { formatCanonicalJson, isJsonObject, type JsonValue } from './json.js';
import { isPlainIn, type Likeness, PLAIN, type SavedForm, toForms, toLikeness } from './likeness.js';
import { findTime } from './read-date.js';
import { compareDate, isIsoDate, isMidnight } from './same-date.js';
import {
  compareNumber,
  compareScientific,
  findNumberForm,
  isClose,
  isScientificProne,
  isTextOfNumber,
  readNumber,
  toTextOfNumber,
} from './same-number.js';

/** True if two values say the same: equal as JSON, apart from letter case, white space at the ends and Unicode form. */
export function isSameValue(one: JsonValue, other: JsonValue): boolean {
  return isAlike(one, other, (text) => text.normalize('NFC').trim().toLowerCase());
}

/** True if two values are equal as JSON, apart from what `foldEach` removes from their texts. */
function isAlike(one: JsonValue, other: JsonValue, foldEach: (text: string) => string): boolean {
  const fold = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return foldEach(value);
    if (Array.isArray(value)) return value.map(fold);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fold(inner)]));
  };
  return one === other || formatCanonicalJson(fold(one)) === formatCanonicalJson(fold(other));
}

/** Longest text of a workbook cell; longer ones are cut. */
const MAX_CELL = 32_767;

/** Forms from which the value can be read again. After any other, the full value is written back. */
const READABLE: ReadonlySet<SavedForm> = new Set([
  'decimal comma',
  'thousands points',
  'day first',
  'month first',
]);

/**
 * True if a filled cell still means its value, and all of it can be read there. `isSavedAs` tells how its column was
 * saved: in a column of another form, the same text means another value.
 */
export function mayStay(
  cell: JsonValue | undefined,
  value: JsonValue | undefined,
  schema: JsonValue | undefined,
  isSavedAs: (form: SavedForm) => boolean,
  raw?: string,
): boolean {
  if (cell === undefined || cell === '' || (value ?? null) === null) return false;
  const likeness = compareCell(cell, value, schema, raw);
  if (likeness === null) return false;
  return (
    isPlainIn(likeness, isSavedAs) || likeness.forms.some((form) => READABLE.has(form) && isSavedAs(form))
  );
}

/** True if a cell still means a value that was written to it, after any program has saved the file. */
export function isSameCell(...parts: Parameters<typeof compareCell>): boolean {
  return compareCell(...parts) !== null;
}

/**
 * Compares a cell with a value that was written to it, after any program has saved the file: numbers and dates in
 * another format, lost zeros and signs, other words for true and false, other forms of a list. Null if the cell means
 * something else. `schema` is that of the value; `raw` is the stored number of a workbook cell.
 */
export function compareCell(
  cell: JsonValue | undefined,
  value: JsonValue | undefined,
  schema: JsonValue | undefined,
  raw?: string,
): Likeness | null {
  if (value === undefined || value === null)
    return toLikeness(cell === undefined || cell === null || cell === '');
  if (cell === undefined || cell === null) return null;
  if (cell === value) return PLAIN;
  if (typeof cell === 'object') return toLikeness(isAlike(cell, value, foldText));
  const text = foldText(String(cell)).replace(TEXT_MARK, '');
  switch (typeof value) {
    case 'number': {
      // A stored number has no notation that could be misread.
      const number = raw ?? cell;
      if (raw !== undefined || typeof cell === 'number') return toLikeness(isClose(Number(number), value));
      return compareNumber(text, value, isInteger(schema));
    }
    case 'boolean':
      return toLikeness((value ? YES : NO).has(text.toLowerCase()));
    case 'string':
      return compareText(text, foldText(value), schema, raw);
    default:
      return toLikeness(isSameList(text, value));
  }
}

/** The forms that would have changed the text of a value, or of others beside it. */
export function listProneForms(value: JsonValue): readonly SavedForm[] {
  if (typeof value === 'number') {
    if (isScientificProne(value)) return ['scientific', 'thousands points'];
    if (Number.isInteger(value)) return Math.abs(value) >= 1_000 ? ['thousands points'] : [];
    // A program that writes points between thousands writes decimal commas.
    return ['decimal comma', 'thousands points'];
  }
  if (typeof value !== 'string') return [];
  if (isBareAddress(value)) return ['letter case'];
  if (!/^\+?\d/.test(value)) return [];
  if (isIsoDate(value)) {
    const time = findTime(value);
    return time === null || isMidnight(time)
      ? ['day first', 'month first']
      : ['day first', 'month first', 'no time', 'other time zone'];
  }
  const forms: SavedForm[] = [];
  const numbers = readDateNumbers(value) ?? [];
  if (hasYear(numbers)) forms.push('date of numbers', 'date notation');
  else if (numbers.length === 2 && Math.max(...numbers) <= 31)
    forms.push('date of numbers', 'whole date', 'date notation');
  // Spreadsheets leave `1.20.3` as it is.
  else if (numbers.length === 3 && Math.max(...numbers.slice(0, 2)) <= 12) forms.push('whole date');
  if (CLOCK.test(value)) forms.push('number format');
  if (toTextOfNumber(value) !== null) {
    if (findNumberForm(value, value) !== 'text as number') forms.push('text as number');
    // A program that writes two decimals leaves no number with fewer.
    if (!/\.\d\d/.test(value)) forms.push('number format');
    if (value.includes('.')) forms.push('text with comma');
  }
  if (!DIGITS.test(value)) return forms;
  const digits = value.replace(/\D/g, '');
  if (/^\+\d+$/.test(value)) forms.push('lost plus');
  if (/^\d+$/.test(value)) {
    if (/^0\d/.test(value)) forms.push('lost zeros');
    forms.push('point zero');
    if (digits.length > 3) forms.push('separators');
  } else if (value !== `+${digits}`) forms.push('separators');
  if (digits.length >= 12) forms.push('scientific');
  return forms;
}

/** What every program may change in a text: line ends, no-break and invisible characters, blanks at the ends. */
export function foldText(text: string): string {
  // Most texts are plain ASCII.
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return text;
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\u00a0\u2007\u202f]/g, ' ')
    .replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '')
    .normalize('NFC')
    .trim();
}

/** An apostrophe before what a spreadsheet would otherwise read as a number, a date or a formula; not that of a name. */
const TEXT_MARK = /^'(?!\p{L})/u;
const DIGITS = /^\+?\d[\d\s().-]*$/;

function compareText(
  text: string,
  value: string,
  schema: JsonValue | undefined,
  raw: string | undefined,
): Likeness | null {
  // Spreadsheets take away an apostrophe at the start.
  if (text === value || text === value.replace(/^'/, '')) return PLAIN;
  if (text.length >= MAX_CELL - 1 && value.startsWith(text.slice(0, -1))) return PLAIN;
  const isWord = isJsonObject(schema) && Array.isArray(schema.enum);
  // Spreadsheets write `TRUE` for the text `true`.
  if ((isWord || /^(?:true|false)$/i.test(value)) && text.toLowerCase() === value.toLowerCase()) return PLAIN;
  if (isIsoDate(value)) return compareDate(text, value, raw);
  const date = compareDateOfNumbers(text, value);
  if (date !== null) return date;
  if (isTextOfNumber(text, value)) return toForms(findNumberForm(text, value));
  if (isSameClock(text, value)) return toForms('number format');
  if (DIGITS.test(value)) return compareDigits(text, value, raw);
  if (isBareAddress(value)) return isSameAddress(text, value) ? toForms('letter case') : null;
  const address = normalizeAddress(value);
  return toLikeness(address !== null && normalizeAddress(text) === address);
}

/** Digits of a phone number at least. */
const PHONE_DIGITS = 7;

/** Ids, post codes and phone numbers: zeros and the sign at the start may be lost. */
function compareDigits(text: string, value: string, raw: string | undefined): Likeness | null {
  const digits = removeMarks(value);
  const shown = raw !== undefined && /^\d+$/.test(raw) && toNumeral(raw) === toNumeral(value) ? raw : text;
  const own = removeMarks(shown);
  if (/^\d+$/.test(own) && toNumeral(own) === toNumeral(digits)) {
    // No program adds zeros to a text, or takes them from one with marks such as `0-10`.
    if (own.length > digits.length) return null;
    if (own.length < digits.length) return own === shown && digits === value ? toForms('lost zeros') : null;
    return compareMarks(shown, value, own);
  }
  if (compareScientific(text, Number(toNumeral(value))) !== null || isRoundedId(own, digits))
    return toForms('scientific');
  const isPointZero = /^\d+[.,]0+$/.test(text) && toNumeral(text.replace(/[.,]0+$/, '')) === toNumeral(value);
  return isPointZero ? toForms('point zero') : null;
}

/** True for an id of which a spreadsheet kept 15 digits, as of any number. */
function isRoundedId(text: string, digits: string): boolean {
  if (digits.length <= 15 || digits.length > 21) return false;
  const rounded = BigInt(Number(Number(digits).toPrecision(15)));
  return text === digits.slice(0, 15).padEnd(digits.length, '0') || text === String(rounded);
}

/** Compares the marks of two texts with the same digits. Only in a phone number do they mean nothing. */
function compareMarks(text: string, value: string, digits: string): Likeness | null {
  if (value.startsWith('+')) {
    if (text.startsWith('+')) return PLAIN;
    // Spreadsheets take no text with other marks for a number.
    return toForms(text === digits && value === `+${digits}` ? 'lost plus' : 'separators');
  }
  if (isDecimal(text) || isDecimal(value)) return null;
  const isLong = digits.length >= PHONE_DIGITS;
  if (value === digits) {
    const isMarked = isLong || /^[1-9]\d{0,2}(?:[. ]\d{3})+$/.test(text);
    return isMarked ? toForms('separators') : null;
  }
  if (text === digits) return toForms('separators');
  const groups = (each: string): string => each.replace(/\D+/g, ' ').trim();
  if (groups(text) !== groups(value)) return null;
  return isLong ? PLAIN : toForms('separators');
}

/** True for a number with a decimal point that cannot separate thousands. */
function isDecimal(text: string): boolean {
  return /^\d+\.\d+$/.test(text) && !/^[1-9]\d{0,2}\.\d{3}$/.test(text);
}

function removeMarks(text: string): string {
  return text.replace(/[\s().+-]/g, '');
}

function toNumeral(text: string): string {
  return removeMarks(text).replace(/^0+(?=.)/, '');
}

const YES = new Set(
  (
    'true 1 1.0 -1 yes y x wahr ja vrai oui verdadero sí si vero waar verdadeiro sim prawda истина да 真 はい 是 ' +
    'sant sand sann tosi igaz pravda doğru adevărat istina tačno cert tõene patiess teisinga істина'
  ).split(' '),
);
// Turkish has two letters for `I`.
const NO = new Set(
  (
    'false 0 0.0 no n falsch nein faux non falso onwaar nee não fałsz ложь нет 假 いいえ 否 ' +
    'falskt falsk usann epätosi hamis nepravda yanlış yanliş fals laž netačno väär aplams klaidinga хибність'
  ).split(' '),
);

const SCHEME = /^[a-z][a-z\d+.-]*:\/\/\S+$/i;
const EMAIL = /^(?:mailto:)?([^\s@/]+@[^\s@/]+\.[^\s@/]+)$/i;

/** True for a domain, and for any other name with marks such as `node.js`: letter case may mean something there. */
function isBareAddress(text: string): boolean {
  return /^[^\s:@]*[/.][^\s:@]*$/.test(text) && /\p{L}/u.test(text);
}

/** True for an address as programs write it: no program writes `Next.js` for `next.js`. */
function isSameAddress(text: string, value: string): boolean {
  if (!isBareAddress(text)) return false;
  const isFolded = [text.toLowerCase(), text.toUpperCase(), foldHost(text)].includes(text.replace(/\/$/, ''));
  return isFolded && foldHost(text) === foldHost(value);
}

function foldHost(text: string): string {
  const end = text.search(/[/?#]/);
  const host = end < 0 ? text : text.slice(0, end);
  return host.toLowerCase() + text.slice(host.length).replace(/\/$/, '');
}

/** A web or mail address without what makes no difference; null for any other text. */
function normalizeAddress(text: string): string | null {
  const mail = EMAIL.exec(text)?.[1];
  if (mail !== undefined) return mail.toLowerCase();
  if (!SCHEME.test(text)) return null;
  const host = text.indexOf('://') + 3;
  return text.slice(0, host).toLowerCase() + foldHost(text.slice(host));
}

/** A list or object as JSON, or a list in parts. */
function isSameList(text: string, value: JsonValue): boolean {
  try {
    if (/^[[{]/.test(text)) return isAlike(JSON.parse(text) as JsonValue, value, foldText);
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

const CLOCK = /^\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?$/i;

/** True for another notation of a time of day, which spreadsheets take for a number. */
function isSameClock(text: string, value: string): boolean {
  return CLOCK.test(text) && CLOCK.test(value) && findTime(text) === findTime(value);
}

function isInteger(schema: JsonValue | undefined): boolean {
  return isJsonObject(schema) && [schema.type].flat().includes('integer');
}

/**
 * Reads what a person typed into a cell as a value of its schema; as text if it does not fit. `isSavedAs` tells how its
 * column was saved, which decides between the two meanings of `1.500`.
 */
export function readTypedCell(
  cell: JsonValue,
  schema: JsonValue | undefined,
  isSavedAs: (form: SavedForm) => boolean = () => false,
): JsonValue {
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
    return readNumber(digits, types.includes('integer'), isSavedAs) ?? text;
  }
  try {
    if (/^[[{]/.test(text)) return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
  return types.includes('array') ? text.split(/\s*[;\n]\s*/).filter((part) => part !== '') : text;
}
