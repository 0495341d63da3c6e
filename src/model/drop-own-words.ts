import type { JsonObject } from './json.js';
import type { SchemaDraft } from './schema-draft.js';
import { indexSchema } from './schema-index.js';

/**
 * Takes out what the compiler heeds and the standard does not: words of its own, and in draft-07 a `type` beside a
 * reference, which is the one keyword there that it does not ignore.
 */
export function dropOwnWords(linked: JsonObject, draft: SchemaDraft): JsonObject {
  const schema = structuredClone(linked);
  const index = indexSchema(schema, draft);
  for (const place of index.places.values()) {
    const { $ref } = place.schema;
    const isReference = typeof $ref === 'string';
    // Following the reference brings the places to light that only references lead to.
    if (isReference) index.resolve(place, $ref);
    const own = isReference && draft === 'draft-07' ? [...OWN_WORDS, 'type'] : OWN_WORDS;
    for (const word of own) Reflect.deleteProperty(place.schema, word);
  }
  return schema;
}

const OWN_WORDS: readonly string[] = ['$async', 'nullable', 'id'];
