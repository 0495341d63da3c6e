import type { JsonObject } from '../model/json.js';

/** Where a schema is wrong, as a JSON pointer, and how. */
export interface SchemaFault {
  readonly path: string;
  readonly message: string;
}

/** What is wrong with an outputSchema under the draft that it names; null where it is a JSON Schema. */
export function checkOutputSchema(_schema: JsonObject): SchemaFault | null {
  return null;
}
