import { format as formatShown, getFormatDateInfo, tokenize } from 'numfmt';

/** A number format of a cell: its code, or the id of a built-in format whose code depends on the locale. */
export type CellFormat = string | number;

/**
 * What a number means under a format: a day, a time, both, a length of time, or just a number. `moment`: the value
 * tells.
 */
type NumberKind = 'number' | 'date' | 'datetime' | 'time' | 'duration' | 'moment';

/** Returns the text of a number, as it is in the workbook, under a format. */
export type NumberFormatter = (raw: string) => string;

/** Creates the function that turns numbers of one format into text. null is General. */
export function createNumberFormatter(format: CellFormat | null, date1904: boolean): NumberFormatter {
  if (format === null) return formatPlain;
  if (typeof format === 'number') {
    const kind = classifyBuiltIn(format);
    return (raw) => formatNumber(raw, { kind, isMask: false, pattern: '' }, date1904);
  }
  const sections = parseSections(format);
  const [only] = sections;
  if (only !== undefined && sections.length === 1) return (raw) => formatNumber(raw, only, date1904);
  return (raw) => formatNumber(raw, chooseSection(sections, Number(raw)), date1904);
}

/** Classifies a value under a format. An invalid format means plain numbers. */
export function classifyNumberFormat(format: string, value = 1): NumberKind {
  return chooseSection(parseSections(format), value).kind;
}

/** Built-in formats for dates and times in East Asian languages and Thai: the code depends on the language. */
function classifyBuiltIn(id: number): NumberKind {
  if (id === 79) return 'duration';
  const isMoment = (id >= 27 && id <= 36) || (id >= 50 && id <= 58) || (id >= 71 && id <= 81);
  return isMoment ? 'moment' : 'number';
}

type Token = ReturnType<typeof tokenize>[number];

/** One part of a format, for the values that meet its condition. */
interface Section {
  readonly kind: NumberKind;
  /** True if it shows zeros that the number does not have, as `00000` does. */
  readonly isMask: boolean;
  /** The whole format, for texts by a mask. */
  readonly pattern: string;
  /** False if it shows only text, or nothing. */
  readonly showsValue?: boolean;
  readonly condition?: ((value: number) => boolean) | null;
}

const PLAIN: Section = { kind: 'number', isMask: false, pattern: '' };

function parseSections(format: string): readonly Section[] {
  try {
    const parts: Token[][] = [[]];
    for (const token of tokenize(format)) {
      if (token.type === 'break') parts.push([]);
      else parts.at(-1)?.push(token);
    }
    // The fourth section is for texts.
    return parts.slice(0, 3).map((tokens) => parseSection(tokens, format));
  } catch {
    return [PLAIN];
  }
}

function parseSection(tokens: readonly Token[], pattern: string): Section {
  const condition = tokens.map(({ type, raw }) => (type === 'condition' ? parseCondition(raw) : null));
  const shown = tokens.filter(({ type }) => type !== 'condition' && type !== 'color');
  const own = { pattern, condition: condition.find((each) => each !== null) ?? null };
  const kind = classifySection(shown);
  const showsValue = kind !== 'number' || shown.some(({ type }) => VALUES.has(type));
  return { ...own, kind, showsValue, isMask: kind === 'number' && isMask(shown) };
}

const DIGITS: ReadonlySet<string> = new Set(['zero', 'hash', 'qmark']);
const VALUES: ReadonlySet<string> = new Set([...DIGITS, 'general', 'text']);

function classifySection(tokens: readonly Token[]): NumberKind {
  const text = tokens.map(({ raw }) => raw).join('');
  if (GENERAL.test(text.normalize('NFC'))) return 'number';
  if (hasDigits(tokens)) return 'number';
  if (tokens.some(({ type }) => type === 'duration')) return 'duration';
  const { year, month, day, hours, minutes, seconds } = getFormatDateInfo(text);
  const hasTime = hours || minutes || seconds;
  // The `mm` of `mm:ss` is reported as a month.
  const letters = tokens.map(({ type, raw }) => (type === 'char' ? raw : ' ')).join('');
  const hasDate = year || day || (month && !hasTime) || (month && LOCAL_DATE.test(letters));
  if (hasDate) return hasTime ? 'datetime' : 'date';
  return hasTime ? 'time' : 'number';
}

/** The name of the General format in other languages. */
const GENERAL =
  /^(?:general|standard|standaard|allgemein|est[áa]ndar|geral|generale|standardowy|og[óo]lny|v[šs]eobecn[ýy]|všeobecný|normal|normál|általános|yleinen|allm[äa]nt|generelt|genel|основной|общий|γενικός τύπος|g\/\S+)$/iu;
/** Years and days in German, Dutch, Scandinavian and French formats. */
const LOCAL_DATE = /jj|tt|åå/i;

/** True for placeholders of digits other than the fraction of a second. */
function hasDigits(tokens: readonly Token[]): boolean {
  return tokens.some(({ type }, at) => {
    if (!DIGITS.has(type)) return false;
    let before = at - 1;
    while (DIGITS.has(tokens[before]?.type ?? '')) before -= 1;
    const last = tokens[before - 1];
    const isFraction =
      tokens[before]?.type === 'point' && (last?.type === 'duration' || /^s+$/i.test(last?.raw ?? ''));
    return !isFraction;
  });
}

/** True if the whole part has at least two digits, however small the number is. */
function isMask(tokens: readonly Token[]): boolean {
  if (tokens.some(({ type }) => NO_MASK.has(type))) return false;
  const end = tokens.findIndex(({ type }) => type === 'point');
  const whole = (end < 0 ? tokens : tokens.slice(0, end)).filter(({ type }) => DIGITS.has(type));
  const first = whole.findIndex(({ type }) => type === 'zero');
  return first >= 0 && whole.length - first >= 2;
}

const NO_MASK: ReadonlySet<string> = new Set(['percent', 'exp', 'scale', 'slash', 'fraction', 'text']);

function parseCondition(raw: string): ((value: number) => boolean) | null {
  const [, operator, operand] = /^\[\s*(<>|<=|>=|=|<|>)\s*(-?[\d.]+)\s*\]$/.exec(raw) ?? [];
  if (operator === undefined) return null;
  const limit = Number(operand);
  switch (operator) {
    case '=':
      return (value) => value === limit;
    case '<>':
      return (value) => value !== limit;
    case '<':
      return (value) => value < limit;
    case '>':
      return (value) => value > limit;
    case '<=':
      return (value) => value <= limit;
    default:
      return (value) => value >= limit;
  }
}

/** The section for a value. If it shows no value, the first one that does: a hidden date is still a date. */
function chooseSection(sections: readonly Section[], value: number): Section {
  const chosen = findSection(sections, value);
  if (chosen?.showsValue !== false) return chosen ?? PLAIN;
  const shown = sections.find(({ showsValue }) => showsValue);
  return shown?.isMask === true ? { ...shown, isMask: false } : (shown ?? PLAIN);
}

function findSection(sections: readonly Section[], value: number): Section | undefined {
  if (sections.some(({ condition }) => condition != null)) {
    const met = sections.find(({ condition }) => condition?.(value));
    return met ?? sections.find(({ condition }) => condition == null) ?? sections[0];
  }
  const [positive, negative, zero] = sections;
  if (value < 0) return negative ?? positive;
  return value === 0 ? (zero ?? positive) : positive;
}

function formatNumber(raw: string, section: Section, date1904: boolean): string {
  const { kind } = section;
  if (kind === 'number') return section.isMask ? formatMask(raw, section.pattern) : formatPlain(raw);
  return formatMoment(Number(raw), kind, date1904) ?? formatPlain(raw);
}

/** An integer may have more digits than a JavaScript number can keep; a short fraction is in its shortest form. */
function formatPlain(raw: string): string {
  return /^-?(?:0|[1-9]\d*|(?:0|[1-9]\d{0,9})\.\d{0,4}[1-9])$/.test(raw) ? raw : String(Number(raw));
}

const DIGIT = /\d/g;

/** The text that a spreadsheet shows, unless it leaves out digits of the number. */
function formatMask(raw: string, pattern: string): string {
  const plain = formatPlain(raw);
  if (!/^-?\d+(?:\.\d+)?$/.test(plain) || !Number.isSafeInteger(Math.trunc(Number(plain)))) return plain;
  const shown = formatShown(pattern, Number(plain)).trim();
  const digits = (plain.match(DIGIT) ?? []).join('').replace(/^0+/, '');
  return (shown.match(DIGIT) ?? []).join('').includes(digits) ? shown : plain;
}

const DAY_MS = 24 * 60 * 60 * 1_000;
/** The last day of year 9999, Excel's maximum. */
const MAX_DAY = 2_958_465;

/** Returns null for a number outside the date range, even if its format is a date. */
function formatMoment(value: number, given: Exclude<NumberKind, 'number'>, date1904: boolean): string | null {
  if (value < 0 || value > MAX_DAY + 1) return null;
  const totalMs = Math.round(value * DAY_MS);
  if (given === 'duration') return formatTime(totalMs);
  const day = Math.floor(totalMs / DAY_MS);
  const kind = given === 'moment' ? (totalMs % DAY_MS === 0 ? 'date' : 'datetime') : given;
  const restMs = totalMs % DAY_MS;
  if (day === 0 && !date1904) return kind === 'date' ? null : formatTime(restMs);
  if (day === 0 && (kind === 'time' || given === 'moment')) return formatTime(restMs);
  const date = date1904 ? formatDay(Date.UTC(1904, 0, 1), day) : formatDay1900(day);
  return kind === 'date' && restMs === 0 ? date : `${date}T${formatTime(restMs)}`;
}

/** Excel counts February 29, 1900, which did not exist. */
function formatDay1900(day: number): string {
  if (day === 60) return '1900-02-29';
  return formatDay(Date.UTC(1899, 11, day < 60 ? 31 : 30), day);
}

function formatDay(firstMs: number, day: number): string {
  return new Date(firstMs + day * DAY_MS).toISOString().slice(0, 10);
}

function formatTime(lengthMs: number): string {
  const seconds = Math.floor(lengthMs / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const time = parts.map((part) => String(part).padStart(2, '0')).join(':');
  const restMs = lengthMs % 1_000;
  return restMs === 0 ? time : `${time}.${String(restMs).padStart(3, '0')}`;
}

const ISO_DATE = /^(-?\d{4})-(\d\d)-(\d\d)(?:T|$)/;
const ISO_TIME = /(?:^|T)(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(?:Z|[+-]\d\d:?\d\d)?$/;

/** A date or time in ISO format as the number that a workbook stores, and a format for it. null if it is neither. */
export function parseIsoMoment(text: string, date1904: boolean): { raw: string; format: string } | null {
  const date = ISO_DATE.exec(text);
  const time = ISO_TIME.exec(text);
  if ((date === null && time === null) || (text.includes('T') && time === null)) return null;
  const days = date === null ? 0 : countDays(date, date1904);
  const [, hours = '0', minutes = '0', seconds = '0'] = time ?? [];
  const timeMs = Math.round((Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000);
  if (days === null || timeMs >= DAY_MS) return null;
  const format = date === null ? 'h:mm:ss' : timeMs === 0 ? 'yyyy-mm-dd' : 'yyyy-mm-dd hh:mm:ss';
  return { raw: String(days + timeMs / DAY_MS), format };
}

function countDays([, year, month, day]: RegExpExecArray, date1904: boolean): number | null {
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const isReal =
    new Date(ms).getUTCDate() === Number(day) && new Date(ms).getUTCMonth() === Number(month) - 1;
  const days = (ms - (date1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, 30))) / DAY_MS;
  const serial = date1904 || days > 60 ? days : days - 1;
  return isReal && serial >= 0 && serial <= MAX_DAY ? serial : null;
}
