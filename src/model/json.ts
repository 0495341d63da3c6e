/** Any JSON value. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** True for a plain JSON object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Value of an own key. Inherited keys such as `constructor` give undefined. */
export function getOwn(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets an own key. An assignment to `__proto__` would not create one. */
export function setOwn(object: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** JSON text with sorted keys, so that equal values give equal text. Ids are hashed from it. */
export function formatCanonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isJsonObject(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

// Numbers may lose precision from 16 digits on, or with an exponent. A number follows a bracket, comma, colon
// or space.
const RISKY = /[:,[\s]-?(?:\d[\d.]{15}|\d+(?:\.\d+)?[eE])/;
const STRINGS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/**
 * Parses JSON. A number that would lose precision in JavaScript becomes its text. Throws what `JSON.parse`
 * throws.
 */
export function parseExactJson(text: string): JsonValue {
  // JSON.parse returns only JSON values.
  const plain = JSON.parse(text) as JsonValue;
  if (!RISKY.test(text)) return plain;
  const guarded = text.replace(STRINGS_AND_NUMBERS, (token) =>
    token.startsWith('"') || isExact(token) ? token : `"${token}"`,
  );
  return JSON.parse(guarded) as JsonValue;
}

const STRINGS_AND_NO_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/gs;

/**
 * Parses JSON of an agent like `parseExactJson`, but reads NaN and Infinity as null. Python writes them for numbers
 * that it does not know, and one of them would make a whole answer, or the list of all runs, unreadable.
 */
export function parseAgentJson(text: string): JsonValue {
  try {
    return parseExactJson(text);
  } catch (error) {
    const read = text.replace(STRINGS_AND_NO_NUMBERS, (token) => (token.startsWith('"') ? token : 'null'));
    if (read === text) throw error;
    return parseExactJson(read);
  }
}

function isExact(token: string): boolean {
  const value = Number(token);
  return Number.isFinite(value) && parseDigits(String(value)) === parseDigits(token);
}

/** The significant digits, and the power of ten of the first one. */
function parseDigits(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().replace('-', '').split('e');
  const [whole = '', decimals = ''] = mantissa.split('.');
  const all = whole + decimals;
  const digits = all.replace(/^0+/, '');
  const power = Number(exponent.replace('+', '')) + whole.length - (all.length - digits.length);
  const significant = digits.replace(/0+$/, '');
  return significant === '' ? '0' : `${significant}e${power}`;
}

/** Position of a member in a JSON object's text: the span of its value. */
interface JsonMember {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** Finds the members of a JSON object in its text, which must be a complete, valid object. */
export function parseMembers(text: string): JsonMember[] {
  const members: JsonMember[] = [];
  let at = skipSpace(text, text.indexOf('{') + 1);
  while (text[at] === '"') {
    const keyEnd = skipString(text, at);
    const key = String(JSON.parse(text.slice(at, keyEnd)));
    const start = skipSpace(text, text.indexOf(':', keyEnd) + 1);
    const end = skipValue(text, start);
    members.push({ key, start, end });
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

/** Lists the keys of an object in the order of its text. JavaScript puts keys that are numbers first. */
export function listKeys(object: JsonObject, text: string): readonly string[] {
  const keys = Object.keys(object);
  return keys.some(isNumberKey) ? [...new Set(parseMembers(text).map(({ key }) => key))] : keys;
}

/** True for a key that JavaScript moves to the front of an object. */
export function isNumberKey(key: string): boolean {
  return /^(?:0|[1-9]\d{0,9})$/.test(key);
}

/** Maximum nesting depth of objects and lists in a JSON text: 1 for `{}`. */
export function measureDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = skipString(text, at) - 1;
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth);
    else if (char === '}' || char === ']') depth -= 1;
  }
  return deepest;
}

/** Removes the white space between tokens of a JSON text. */
export function compactJson(text: string): string {
  return text.replace(/("[^"\\]*(?:\\[\s\S][^"\\]*)*")|\s+/g, '$1');
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && ' \t\n\r'.includes(text.charAt(next))) next += 1;
  return next;
}

function skipString(text: string, at: number): number {
  let quote = text.indexOf('"', at + 1);
  while (quote !== -1) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}

function skipValue(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return skipString(text, at);
  let next = at;
  if (first !== '{' && first !== '[') {
    while (next < text.length && !',}] \t\n\r'.includes(text.charAt(next))) next += 1;
    return next;
  }
  let depth = 0;
  do {
    const char = text[next];
    if (char === '"') {
      next = skipString(text, next);
      continue;
    }
    if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    next += 1;
  } while (depth > 0 && next < text.length);
  return next;
}

/** Value at a JSON pointer, or undefined. */
export function resolvePointer(root: JsonValue, pointer: string): JsonValue | undefined {
  if (pointer === '') return root;
  let value: JsonValue | undefined = root;
  for (const token of pointer.slice(1).split('/')) {
    const key = unescapeToken(token);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[key];
  }
  return value;
}

/** Formats a JSON pointer as the fragment of a reference. */
export function formatFragment(pointer: string): string {
  return `#${pointer.split('/').map(encodeURIComponent).join('/')}`;
}

/** Escapes a key as one token of a JSON pointer. */
export function escapeToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Unescapes a token of a JSON pointer to its key. */
export function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
