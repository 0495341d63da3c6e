import { isJsonObject, type JsonObject, type JsonValue, readOwn } from './json.js';

/** One entry of the agent's own list, and the keys that lead to it: grounding paths start with them. */
export interface RowEntry {
  readonly keys: readonly string[];
  readonly value: JsonValue;
}

/**
 * The entries of an answer, where agents have been seen to put them: in `rows`, in the only list under another name,
 * in a list without a name, or as one bare object.
 */
export function readRowEntries(structured: JsonValue): readonly RowEntry[] {
  if (Array.isArray(structured)) return listEntries([], structured);
  if (!isJsonObject(structured)) return [];
  const rows = readOwn(structured, 'rows');
  if (Array.isArray(rows)) return listEntries(['rows'], rows);
  if (isJsonObject(rows)) return [{ keys: ['rows'], value: rows }];
  if (!isRow(structured)) {
    const lists = Object.entries(structured).filter(([, value]) => isRowList(value));
    const [only] = lists;
    if (only !== undefined && lists.length === 1) return listEntries([only[0]], only[1]);
  }
  return [{ keys: [], value: structured }];
}

/**
 * The values of an entry and the keys that lead to them: in its `fields`, or beside its `row_id`. There, `row_id` and
 * an object in `fields` are never the values of fields that are called so. Null if the entry has none of the names.
 */
export function readEntryFields(
  entry: JsonObject,
  names: readonly string[],
): { readonly keys: readonly string[]; readonly fields: JsonObject } | null {
  const wrapped = readOwn(entry, 'fields');
  if (isJsonObject(wrapped) && names.some((name) => Object.hasOwn(wrapped, name))) {
    return { keys: ['fields'], fields: wrapped };
  }
  const { row_id: _, fields, ...others } = entry;
  const beside = fields === undefined || isJsonObject(fields) ? others : { ...others, fields };
  return names.some((name) => Object.hasOwn(beside, name)) ? { keys: [], fields: beside } : null;
}

function listEntries(keys: readonly string[], list: JsonValue): RowEntry[] {
  return Array.isArray(list) ? list.map((value, index) => ({ keys: [...keys, String(index)], value })) : [];
}

function isRow(object: JsonObject): boolean {
  return Object.hasOwn(object, 'row_id') || (Object.hasOwn(object, 'fields') && isJsonObject(object.fields));
}

function isRowList(value: JsonValue): boolean {
  return Array.isArray(value) && value.some((item) => isJsonObject(item) && isRow(item));
}
