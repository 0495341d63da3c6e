import { createUsageError } from '../errors.js';
import type { Field } from './ask.js';
import type { JsonObject, JsonValue } from './json.js';
import { readDraft, SchemaError } from './schema-draft.js';
import { createFieldLayout, findProperties } from './schema-fields.js';
import { indexSchema } from './schema-index.js';

export { FIELD_TYPES, parseField, parseFieldType } from './field-text.js';

/** The schema of a list of fields: a closed object in which every field is required, and null where nothing was found. */
export function createSchema(fields: readonly Field[]): JsonObject {
  checkFieldNames(fields.map((field) => field.name));
  const properties = new Map<string, JsonValue>(fields.map((field) => [field.name, field.schema]));
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: fields.map((field) => field.name),
    additionalProperties: false,
  };
}

/**
 * Reads the fields that a schema asks for: the properties of its root, those behind a local reference or in `allOf`
 * included. A field's schema comes with its references filled in, for laying out columns and for showing; values are
 * checked against the whole schema.
 */
export function readFields(schema: JsonObject): Field[] {
  const index = indexSchema(schema, readDraft(schema));
  const properties = findProperties(index);
  if (properties.size === 0) throw createRootError(schema);
  checkFieldNames([...properties.keys()]);
  return [...properties].map(([name, [pointer = '']]) => ({
    name,
    schema: createFieldLayout(index, pointer),
  }));
}

/** Refuses names that cannot be columns beside the columns of the result. */
export function checkFieldNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const fault = seen.has(name) ? 'it is asked twice' : readNameFault(name, names);
    if (fault !== null) {
      throw createUsageError(
        'INVALID_FIELD',
        `The field ${JSON.stringify(name)} cannot be filled: ${fault}`,
        'Give each field a name of its own that is no column of the result.',
      );
    }
    seen.add(name);
  }
}

const MAX_NAME_LENGTH = 200;

/** Why a name cannot be a column beside the columns of the result; null where it can. `names` are all that are asked. */
export function readNameFault(name: string, names: readonly string[]): string | null {
  if (name.trim() === '') return 'its name is empty';
  if (name !== name.trim()) return 'its name starts or ends with a space';
  if (name.length > MAX_NAME_LENGTH) return `its name is longer than ${MAX_NAME_LENGTH} characters`;
  if (/\p{Cc}/u.test(name)) return 'its name holds a control character';
  if (name === '__proto__') return 'its name means something else to JavaScript';
  if (/^enrichment(_|$)/i.test(name)) return 'columns that begin with "enrichment" tell what became of a row';
  const owner = names.find((other) => name === `${other}_confidence` || name === `${other}_citations`);
  if (owner !== undefined) return `${JSON.stringify(owner)} brings a column of that name`;
  const parent = names.find((other) => name.startsWith(`${other}.`));
  return parent === undefined ? null : `the parts of ${JSON.stringify(parent)} are columns of that kind`;
}

function createRootError(schema: JsonObject): SchemaError {
  const { type } = schema;
  const isObject =
    type === undefined || type === 'object' || (Array.isArray(type) && type.includes('object'));
  return new SchemaError(
    isObject ? '' : '/type',
    isObject ? 'its root names no properties' : `its root is no object but ${JSON.stringify(type)}`,
    'The root must be an object whose properties are the fields to fill, one column each.',
  );
}
