import { hashText } from '../model/ask.js';
import type { JsonObject } from '../model/json.js';
import { compileSchema, SchemaError } from '../model/schema.js';

/** What is wrong with an outputSchema under the draft that it names, and where; null where it is a JSON Schema. */
export function checkOutputSchema(schema: JsonObject): SchemaError | null {
  const key = hashText(JSON.stringify(schema), 32);
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

/** A job sends the same schema thousands of times, and compiling one costs more than all the rest of a create. */
const KNOWN_GOOD = new Set<string>();
const MAX_KNOWN = 1_000;
