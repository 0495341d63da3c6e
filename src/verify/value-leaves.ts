import { isJsonObject, type JsonValue } from '../model/json.js';

const MAX_PARTS = 100;

/** False for a value that no text can show: true, false, or nothing. */
export function isCheckable(value: JsonValue): boolean {
  return listLeaves(value, '').some(({ value: each }) => typeof each !== 'boolean');
}

interface Leaf {
  readonly name: string;
  readonly value: JsonValue;
}

/** The values of a list or object, with the names of their fields. */
export function listLeaves(value: JsonValue, name: string): Leaf[] {
  if (value === null || value === '') return [];
  if (Array.isArray(value))
    return value.slice(0, MAX_PARTS).flatMap((each: JsonValue) => listLeaves(each, name));
  if (!isJsonObject(value)) return [{ name, value }];
  return Object.entries(value)
    .flatMap(([key, each]) => listLeaves(each, name === '' ? key : `${name} ${key}`))
    .slice(0, MAX_PARTS);
}
