import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { resolvePointer } from './pointer.js';

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
