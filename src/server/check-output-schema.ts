import type { JsonObject } from '../model/json.js';
import { compileSchema, SchemaError } from '../model/schema.js';

/** What is wrong with an outputSchema under the draft that it names, and where; null where it is a JSON Schema. */
export function checkOutputSchema(schema: JsonObject): SchemaError | null {
  try {
    compileSchema(schema);
    return null;
  } catch (error) {
    if (error instanceof SchemaError) return error;
    throw error;
  }
}
