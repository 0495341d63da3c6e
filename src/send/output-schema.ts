import type { Ask } from '../model/ask.js';
import { memoByAsk } from '../model/ask-memo.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { resolvePointer } from '../model/pointer.js';
import { readDraft, type SchemaDraft } from '../model/schema-draft.js';
import { findProperties, findRequired } from '../model/schema-fields.js';
import { indexSchema } from '../model/schema-index.js';
import { linkSchema } from '../model/schema-link.js';

/**
 * The schema of a run's answer: one entry for each row sent, named by its `row_id`, with the user's schema as its
 * `fields`. The user's schema means inside what it means alone: a value is valid here exactly when it is valid there.
 * Where only some of the fields are asked, `fields` is a closed object of just these, each with its own schema; what
 * the user's schema says about several fields at once is then left to the check. (A schema whose dynamic references
 * cannot be pinned down is asked whole in any case.)
 */
export function createOutputSchema(
  ask: Ask,
  fieldNames: readonly string[],
  rowIds: readonly string[],
): JsonObject {
  const { fields, definitions } = embed(ask, fieldNames);
  const row: JsonObject = {
    type: 'object',
    properties: { row_id: { type: 'string', enum: rowIds }, fields },
    required: ['row_id', 'fields'],
    additionalProperties: false,
  };
  return {
    ...(ask.schema.$schema === undefined ? {} : { $schema: ask.schema.$schema }),
    type: 'object',
    properties: { rows: { type: 'array', minItems: rowIds.length, maxItems: rowIds.length, items: row } },
    required: ['rows'],
    additionalProperties: false,
    ...(definitions === null ? {} : { [definitionsWord(readDraft(ask.schema))]: definitions }),
  };
}

interface Embedded {
  readonly fields: JsonObject;
  /** What the root of the whole has to define for `fields` to refer to. */
  readonly definitions: JsonObject | null;
}

/** Where the user's schema stands in the whole. */
const FIELDS_POINTER = '/properties/rows/items/properties/fields';

/** The URI of a schema without an `$id` of its own, where it has to have one. */
const RESOURCE_ID = 'https://rowfill.invalid/fields';

const embed = memoByAsk((ask, fieldNames): Embedded => {
  const draft = readDraft(ask.schema);
  const isWhole = ask.fields.every((field) => fieldNames.includes(field.name));
  return isWhole ? embedWhole(ask.schema, draft) : embedFields(ask.schema, draft, fieldNames);
});

function embedWhole(schema: JsonObject, draft: SchemaDraft): Embedded {
  const linked = linkSchema(schema, draft, FIELDS_POINTER);
  if (!linked.needsResource) return { fields: linked.schema, definitions: null };
  const resource = createResource(linked.schema);
  return { fields: { $ref: resource.$id }, definitions: { fields: resource } };
}

function embedFields(schema: JsonObject, draft: SchemaDraft, names: readonly string[]): Embedded {
  const linked = linkSchema(schema, draft, `/${definitionsWord(draft)}/fields`);
  if (linked.needsResource) return embedWhole(schema, draft);
  const index = indexSchema(schema, draft);
  const properties = findProperties(index);
  const required = findRequired(index);
  const parts = names.map((name): [string, JsonValue] => {
    const schemas = (properties.get(name) ?? []).map(
      (pointer) => resolvePointer(linked.schema, pointer) ?? {},
    );
    const [first = {}, ...more] = schemas;
    return [name, more.length === 0 ? first : { allOf: schemas }];
  });
  const fields: JsonObject = {
    ...(typeof schema.description === 'string' ? { description: schema.description } : {}),
    type: 'object',
    properties: Object.fromEntries(parts),
    required: names.filter((name) => required.has(name)),
    additionalProperties: false,
  };
  return {
    fields,
    definitions: parts.some(([, part]) => hasReference(part)) ? { fields: linked.schema } : null,
  };
}

function createResource(schema: JsonObject): JsonObject & { readonly $id: string } {
  const id = typeof schema.$id === 'string' ? schema.$id.replace(/#$/, '') : '';
  return { ...schema, $id: id === '' ? RESOURCE_ID : id };
}

function definitionsWord(draft: SchemaDraft): string {
  return draft === 'draft-07' ? 'definitions' : '$defs';
}

/** True too for some data that only looks like a reference, which costs a definition that nothing needs. */
function hasReference(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.some(hasReference);
  return isJsonObject(value) && (Object.hasOwn(value, '$ref') || Object.values(value).some(hasReference));
}
