import { hashText } from '../model/ask.js';
import type { JsonObject } from '../model/json.js';
import { splitRowIds } from '../model/row-ids.js';
import { compileSchema, SchemaError } from '../model/schema.js';

/** What is wrong with an outputSchema under the draft that it names, and where; null where it is a JSON Schema. */
export function checkOutputSchema(schema: JsonObject): SchemaError | null {
  const key = createKey(schema);
  if (KNOWN_GOOD.has(key)) return null;
  try {
    compileSchema(schema);
  } catch (error) {
    if (error instanceof SchemaError) return error;
    throw error;
  }
  if (KNOWN_GOOD.size >= MAX_KNOWN) KNOWN_GOOD.clear();
  KNOWN_GOOD.add(key);
  return null;
}

/** Of the row ids, which are new in each run, only their number decides whether a schema is good. */
function createKey(schema: JsonObject): string {
  const split = splitRowIds(schema);
  return hashText(JSON.stringify(split === null ? schema : [split.rest, split.rowIds.length]), 32);
}

/** A job sends the same schema thousands of times, and compiling one costs more than all the rest of a create. */
const KNOWN_GOOD = new Set<string>();
const MAX_KNOWN = 1_000;
