import { splitColumnName } from '../model/column-kind.js';
import { isPlaceholder, normaliseDomain } from '../model/entity-key.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { normaliseText } from '../model/plain-text.js';
import { readDate, readMoment } from './read-date.js';
import { type NumberStyle, readNumber } from './read-number.js';
import { readKeyword, type SchemaNode, type SchemaReader, type SchemaVariant } from './schema-reader.js';

const MAX_DEPTH = 12;

/** What a value of a table is under a schema; null where it is blank, or where it cannot be told without a guess. */
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
    // Where text is allowed as well, a text becomes something else only if nothing is lost: 005930 keeps its zeros.
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
      return coerceText(readKeyword(variant, 'format'), raw);
    case 'number':
    case 'integer': {
      const number = typeof raw === 'string' ? readNumber(raw, style) : typeof raw === 'number' ? raw : null;
      return number === null || (type === 'integer' && !Number.isSafeInteger(number)) ? null : number;
    }
    case 'boolean':
      return typeof raw === 'boolean' ? raw : (TRUTHS.get(normaliseText(String(raw))) ?? null);
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
      return readDate(text);
    case 'date-time':
      return readMoment(text);
    case 'email':
      return text.replace(/^mailto:/i, '');
    case 'uri':
    case 'url':
    case 'iri':
      return !/^[a-z][a-z\d+.-]*:/i.test(text) && normaliseDomain(text) !== null
        ? `https://${text.replace(/^\/\//, '')}`
        : text;
    default:
      return text;
  }
}

/** A list in a cell has semicolons between; a comma may belong to an element, so it parts only what has to be one of a set. */
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
 * An object of what was found: a property that may not be null and need not be there is left out, and without one that must be there
 * there is no object at all.
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
  const values = readKeyword(variant, 'enum');
  return Array.isArray(values) ? values : null;
}

/** The allowed value that a raw one is, its case and accents aside; null when it is none of them, or could be two. */
function pickAllowed(allowed: readonly JsonValue[], raw: JsonValue): JsonValue {
  if (typeof raw === 'object') return null;
  const exact = allowed.find((value) => value === raw || String(value) === raw);
  if (exact !== undefined && exact !== null) return exact;
  const same = allowed.filter((value) => value !== null && foldWord(value) === foldWord(raw));
  return same.length === 1 ? (same[0] ?? null) : null;
}

function foldWord(value: JsonValue): string {
  return normaliseText(String(value)).replace(/[\s_-]+/g, ' ');
}

function listTypes(variant: SchemaVariant): readonly string[] {
  const type = readKeyword(variant, 'type');
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return ORDER.filter((name) => type.includes(name));
  const has = (...keywords: string[]): boolean =>
    keywords.some((keyword) => readKeyword(variant, keyword) !== undefined);
  if (has('properties')) return ['object'];
  if (has('items', 'prefixItems')) return ['array'];
  if (has('format', 'pattern', 'minLength', 'maxLength')) return ['string'];
  return has('minimum', 'maximum', 'multipleOf') ? ['number'] : ['any'];
}

/** The narrowest type that fits is taken where several are allowed. */
const ORDER = ['integer', 'number', 'boolean', 'array', 'object', 'string'];

function tryParse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}
