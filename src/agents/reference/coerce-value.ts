import { splitColumnName } from '../../model/column-kind.js';
import { isPlaceholder, normalizeDomain } from '../../model/entity-key.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.js';
import { normalizeText } from '../../model/normalize.js';
import { getKeyword, type SchemaNode, type SchemaReader, type SchemaVariant } from './schema-reader.js';

/** Parses a calendar date to `2024-03-31`. Null if it is not a date, or if day and month are ambiguous. */
export function parseDate(text: string): string | null {
  const plain = text.normalize('NFKC').trim();
  const iso = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]\d{2}:\d{2}.*)?$/.exec(plain);
  if (iso !== null) return formatDate(iso[1], iso[3], iso[4]);
  const numbers = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})$/.exec(plain);
  if (numbers !== null) return parseDayAndMonth(numbers[1], numbers[3], numbers[4]);
  const words = plain
    .replace(/(\d)(?:st|nd|rd|th)\b/i, '$1')
    .replace(/[.,]/g, ' ')
    .split(/[\s-]+/);
  const [first = '', second = '', year = '', ...more] = words;
  if (more.length > 0 || !/^\d{4}$/.test(year)) return null;
  if (parseMonth(second) !== null) return formatDate(year, parseMonth(second), first);
  return parseMonth(first) === null ? null : formatDate(year, parseMonth(first), second);
}

/**
 * Parses a date and time with offset to RFC 3339. Null without an offset, because the time is then ambiguous.
 */
export function parseMoment(text: string): string | null {
  const plain = text.trim();
  const parts = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?\s?([Zz]|[+-]\d{2}:?\d{2})$/.exec(
    plain,
  );
  if (parts === null) return null;
  const [, day = '', minute = '', second = ':00', offset = ''] = parts;
  const zone = offset.toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const moment = `${day}T${minute}${second}${zone}`;
  return parseDate(day) === null || Number.isNaN(Date.parse(moment)) ? null : moment;
}

function parseDayAndMonth(first = '', second = '', year = ''): string | null {
  if (Number(first) > 12 || Number(first) === Number(second)) return formatDate(year, second, first);
  return Number(second) > 12 ? formatDate(year, first, second) : null;
}

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

function parseMonth(word: string): string | null {
  const plain = word.toLowerCase().replace(/^sept$/, 'sep');
  const index = MONTHS.findIndex(
    (month) => month === plain || (plain.length === 3 && month.startsWith(plain)),
  );
  return index < 0 ? null : String(index + 1);
}

function formatDate(year = '', month: string | null | undefined, day: string | undefined): string | null {
  if (!/^\d{1,2}$/.test(day ?? '') || !/^\d{1,2}$/.test(month ?? '')) return null;
  const text = `${year}-${month?.padStart(2, '0')}-${day?.padStart(2, '0')}`;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) ? text : null;
}

/** Decimal separator of a table's numbers. A point unless there is evidence for a comma. */
export type NumberStyle = 'point' | 'comma';

/**
 * Parses a plain number such as `1,234.5` or `1 234.5`. Rejects units, currencies, ranges and `1.2M`, which
 * mean more than a number. Null if ambiguous.
 */
export function parseNumber(text: string, style: NumberStyle): number | null {
  const plain = text
    .normalize('NFKC')
    .trim()
    .replace(/^[−–](?=\d)/, '-')
    .replace(/^\+(?=\d)/, '')
    .replace(/[\s'’](?=\d{3}(?!\d))/g, ' ');
  const [point, group] = style === 'point' ? ['.', ','] : [',', '.'];
  const pattern = style === 'point' ? POINT : COMMA;
  if (!pattern.test(plain)) return null;
  const number = Number(plain.replaceAll(group, '').replaceAll(' ', '').replace(point, '.'));
  const isExact = !Number.isInteger(number) || Number.isSafeInteger(number);
  return Number.isFinite(number) && isExact ? number : null;
}

/**
 * Detects the number style of a column. One comma that can only be a decimal comma decides for the whole
 * column.
 */
export function resolveNumberStyle(values: Iterable<unknown>): NumberStyle {
  for (const value of values) {
    if (typeof value === 'string' && value.length < 40 && DECIMAL_COMMA.test(value.trim())) return 'comma';
  }
  return 'point';
}

const POINT = /^-?(?:\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+)(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i;
const COMMA = /^-?(?:\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?: \d{3})+)(?:,\d+)?$/;
const DECIMAL_COMMA = /^[-−]?(?:\d{1,3}(?:[. ]\d{3})+,\d+|\d+,(?:\d{1,2}|\d{4,}))$/;

const MAX_DEPTH = 12;

/** Converts a table value to the type in a schema. Null if blank, or if it would need a guess. */
export function coerceValue(
  reader: SchemaReader,
  node: SchemaNode,
  raw: JsonValue,
  style: NumberStyle,
  depth = 0,
): JsonValue {
  if (raw === null || depth > MAX_DEPTH) return null;
  for (const variant of reader.listVariants(node)) {
    const value = coerceVariant(reader, variant, node, raw, style, depth);
    if (value !== null) return value;
  }
  return null;
}

function coerceVariant(
  reader: SchemaReader,
  variant: SchemaVariant,
  node: SchemaNode,
  raw: JsonValue,
  style: NumberStyle,
  depth: number,
): JsonValue {
  const allowed = listAllowed(variant);
  if (allowed !== null) return pickAllowed(allowed, raw);
  if (typeof raw === 'string' && isPlaceholder(raw)) return null;
  const types = listTypes(variant);
  for (const type of types) {
    const value = coerceType(reader, variant, node, type, raw, style, depth);
    // If the schema also allows text, convert only without loss: 005930 keeps its zeros.
    const isLossless = typeof raw !== 'string' || typeof value === 'string' || String(value) === raw.trim();
    if (value !== null && (isLossless || !types.includes('string'))) return value;
  }
  return null;
}

function coerceType(
  reader: SchemaReader,
  variant: SchemaVariant,
  node: SchemaNode,
  type: string,
  raw: JsonValue,
  style: NumberStyle,
  depth: number,
): JsonValue {
  switch (type) {
    case 'string':
      return coerceText(getKeyword(variant, 'format'), raw);
    case 'number':
    case 'integer': {
      const number = typeof raw === 'string' ? parseNumber(raw, style) : typeof raw === 'number' ? raw : null;
      return number === null || (type === 'integer' && !Number.isSafeInteger(number)) ? null : number;
    }
    case 'boolean':
      return typeof raw === 'boolean' ? raw : (TRUTHS.get(normalizeText(String(raw))) ?? null);
    case 'array':
      return coerceList(reader, node, raw, style, depth);
    case 'object':
      return coerceObject(reader, node, raw, style, depth);
    case 'any':
      return typeof raw === 'string' ? raw.trim() : raw;
    default:
      return null;
  }
}

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ...['yes', 'y', 'true', '1', 'on'].map((word) => [word, true] as const),
  ...['no', 'n', 'false', '0', 'off'].map((word) => [word, false] as const),
]);

function coerceText(format: JsonValue | undefined, raw: JsonValue): string | null {
  if (typeof raw === 'object') return null;
  const text = String(raw).trim();
  switch (format) {
    case 'date':
      return parseDate(text);
    case 'date-time':
      return parseMoment(text);
    case 'email':
      return text.replace(/^mailto:/i, '');
    case 'uri':
    case 'url':
    case 'iri':
      return !/^[a-z][a-z\d+.-]*:/i.test(text) && normalizeDomain(text) !== null
        ? `https://${text.replace(/^\/\//, '')}`
        : text;
    default:
      return text;
  }
}

/**
 * Splits a list in a cell by semicolons. A comma may be part of an element, so it only separates the values
 * of an enum.
 */
function coerceList(
  reader: SchemaReader,
  node: SchemaNode,
  raw: JsonValue,
  style: NumberStyle,
  depth: number,
): JsonValue {
  const items = reader.readItems(node) ?? { schema: {}, pointer: `${node.pointer}/items` };
  const isClosed = reader.listVariants(items).every((variant) => listAllowed(variant) !== null);
  const elements = typeof raw === 'string' ? splitList(raw, isClosed) : Array.isArray(raw) ? raw : [raw];
  if (elements === null || elements.length === 0) return null;
  const list = elements.map((element: JsonValue) => coerceValue(reader, items, element, style, depth + 1));
  return list.includes(null) ? null : list;
}

function splitList(text: string, isClosed: boolean): readonly JsonValue[] | null {
  if (/^\s*\[/.test(text)) {
    const parsed = tryParse(text);
    if (Array.isArray(parsed)) return parsed;
  }
  const parts = text.split(text.includes(';') || !isClosed ? ';' : ',').map((part) => part.trim());
  return !isClosed && parts.length === 1 && text.includes(',') ? null : parts.filter((part) => part !== '');
}

function coerceObject(
  reader: SchemaReader,
  node: SchemaNode,
  raw: JsonValue,
  style: NumberStyle,
  depth: number,
): JsonValue {
  const source = typeof raw === 'string' && /^\s*\{/.test(raw) ? tryParse(raw) : raw;
  if (!isJsonObject(source)) return null;
  const properties = reader.listProperties(node);
  if (properties.size === 0) return source;
  const byKey = new Map(
    Object.entries(source).map(([key, value]) => [splitColumnName(key).join('_'), value]),
  );
  const entries = [...properties].map(([name, property]) => {
    const value = Object.hasOwn(source, name) ? source[name] : byKey.get(splitColumnName(name).join('_'));
    return [name, coerceValue(reader, property, value ?? null, style, depth + 1)] as const;
  });
  return createObject(reader, node, entries);
}

/**
 * Builds an object from what was found. Omits a missing property that is optional and not nullable. Returns
 * null if a required one is missing.
 */
export function createObject(
  reader: SchemaReader,
  node: SchemaNode,
  entries: readonly (readonly [string, JsonValue])[],
): JsonObject | null {
  if (entries.every(([, value]) => value === null)) return null;
  const properties = reader.listProperties(node);
  const required = listRequired(reader, node);
  const kept: (readonly [string, JsonValue])[] = [];
  for (const [name, value] of entries) {
    const property = properties.get(name);
    if (value !== null || property === undefined || reader.allowsNull(property)) kept.push([name, value]);
    else if (required.has(name)) return null;
  }
  return Object.fromEntries(kept);
}

function listRequired(reader: SchemaReader, node: SchemaNode): ReadonlySet<string> {
  const lists = reader.listVariants(node).flatMap((variant) => variant.map((part) => part.schema.required));
  return new Set(
    lists.flatMap((list) => (Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [])),
  );
}

function listAllowed(variant: SchemaVariant): readonly JsonValue[] | null {
  const fixed = variant.find((part) => Object.hasOwn(part.schema, 'const'));
  if (fixed !== undefined) return [fixed.schema.const ?? null];
  const values = getKeyword(variant, 'enum');
  return Array.isArray(values) ? values : null;
}

/**
 * Finds the allowed value that matches a raw one, ignoring case and accents. Null if none or more than one
 * matches.
 */
function pickAllowed(allowed: readonly JsonValue[], raw: JsonValue): JsonValue {
  if (typeof raw === 'object') return null;
  const exact = allowed.find((value) => value === raw || String(value) === raw);
  if (exact !== undefined && exact !== null) return exact;
  const same = allowed.filter((value) => value !== null && foldWord(value) === foldWord(raw));
  return same.length === 1 ? (same[0] ?? null) : null;
}

function foldWord(value: JsonValue): string {
  return normalizeText(String(value)).replace(/[\s_-]+/g, ' ');
}

function listTypes(variant: SchemaVariant): readonly string[] {
  const type = getKeyword(variant, 'type');
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return ORDER.filter((name) => type.includes(name));
  const has = (...keywords: string[]): boolean =>
    keywords.some((keyword) => getKeyword(variant, keyword) !== undefined);
  if (has('properties')) return ['object'];
  if (has('items', 'prefixItems')) return ['array'];
  if (has('format', 'pattern', 'minLength', 'maxLength')) return ['string'];
  return has('minimum', 'maximum', 'multipleOf') ? ['number'] : ['any'];
}

/** If several types are allowed, the narrowest that fits is used. */
const ORDER = ['integer', 'number', 'boolean', 'array', 'object', 'string'];

function tryParse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}
