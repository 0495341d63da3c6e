import { formatCanonicalJson, type JsonValue } from './json.js';

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
