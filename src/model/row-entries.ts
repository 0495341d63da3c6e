import { getOwn, isJsonObject, type JsonObject, type JsonValue, resolvePointer } from './json.js';

/** The entries of an answer, and where they are. */
export interface RowEntries {
  /** The keys that lead to the list, or to the single entry. Grounding paths start with them. */
  readonly keys: readonly string[];
  readonly isList: boolean;
  readonly values: readonly JsonValue[];
}

/**
 * Lists the entries of an answer. Agents return them in `rows`, in the only list under another name, in a
 * list without a name, or as one bare object.
 */
export function listRowEntries(structured: JsonValue): RowEntries {
  if (Array.isArray(structured)) return { keys: [], isList: true, values: structured };
  if (!isJsonObject(structured)) return { keys: [], isList: false, values: [] };
  const rows = getOwn(structured, 'rows');
  if (Array.isArray(rows)) return { keys: ['rows'], isList: true, values: rows };
  if (isJsonObject(rows)) return { keys: ['rows'], isList: false, values: [rows] };
  if (!isRow(structured)) {
    const lists = Object.entries(structured).flatMap(([name, value]) =>
      isRowList(value) ? [{ keys: [name], isList: true, values: value }] : [],
    );
    const [only] = lists;
    if (only !== undefined && lists.length === 1) return only;
  }
  return { keys: [], isList: false, values: [structured] };
}

/**
 * The values of an entry and the keys that lead to them: in its `fields`, or next to its `row_id`. In the
 * second case `row_id` and an object in `fields` are never values of fields with those names. Null if the
 * entry has none of the names.
 */
export function findEntryFields(
  entry: JsonObject,
  names: readonly string[],
): { readonly keys: readonly string[]; readonly fields: JsonObject } | null {
  const wrapped = getOwn(entry, 'fields');
  if (isJsonObject(wrapped) && names.some((name) => Object.hasOwn(wrapped, name))) {
    return { keys: ['fields'], fields: wrapped };
  }
  const { row_id: _, fields, ...others } = entry;
  const beside = fields === undefined || isJsonObject(fields) ? others : { ...others, fields };
  return names.some((name) => Object.hasOwn(beside, name)) ? { keys: [], fields: beside } : null;
}

function isRow(object: JsonObject): boolean {
  return Object.hasOwn(object, 'row_id') || (Object.hasOwn(object, 'fields') && isJsonObject(object.fields));
}

function isRowList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value) && value.some((item) => isJsonObject(item) && isRow(item));
}

/** The schema of a run's answer in two parts: the row ids that it allows, and the rest, which is the same for many runs. */
export interface SplitSchema {
  readonly rowIds: readonly string[];
  readonly rest: JsonObject;
}

/** Where rowfill writes the ids of the rows that it sends. */
const PATH = ['properties', 'rows', 'items', 'properties', 'row_id', 'enum'];

/** Splits the row ids off a schema; null if it has none, or if they are not the different texts that every draft allows. */
export function splitRowIds(schema: JsonObject): SplitSchema | null {
  const rowIds = resolvePointer(schema, `/${PATH.join('/')}`);
  if (!Array.isArray(rowIds) || rowIds.length === 0) return null;
  if (!rowIds.every((id) => typeof id === 'string') || new Set(rowIds).size < rowIds.length) return null;
  return { rowIds, rest: dropMember(schema, PATH) };
}

function dropMember(object: JsonObject, [key = '', ...path]: readonly string[]): JsonObject {
  const entries = Object.entries(object).flatMap(([name, value]): [string, JsonValue][] => {
    if (name !== key) return [[name, value]];
    return isJsonObject(value) && path.length > 0 ? [[name, dropMember(value, path)]] : [];
  });
  return Object.fromEntries(entries);
}
