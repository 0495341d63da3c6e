import type { Field } from './ask.js';
import { isJsonObject, type JsonObject, type JsonValue, resolvePointer } from './json.js';

/** One column that holds a field, or a part of one. */
export interface ValueColumn {
  readonly title: string;
  /** The keys that lead from the field's value to the column's; empty for the field itself. */
  readonly path: readonly string[];
}

/** The columns that a field adds to a table. */
export interface FieldColumns {
  readonly name: string;
  readonly values: readonly ValueColumn[];
  readonly confidence: string;
  readonly citations: string;
}

/** The columns that tell what became of a row, after all fields. */
export const OUTCOME_COLUMNS = [
  'enrichment_status',
  'enrichment_error',
  'enrichment_cost_usd',
  'enrichment_run_id',
] as const;

/** The columns of each field: an object whose properties are known is spread over dotted columns, anything else takes one. */
export function createFieldColumns(fields: readonly Field[], root: JsonObject): FieldColumns[] {
  return fields.map(({ name, schema }) => ({
    name,
    values: spreadSchema({ title: name, path: [] }, schema, root, []),
    confidence: `${name}_confidence`,
    citations: `${name}_citations`,
  }));
}

/** `above` holds the schemas that this one lies in: one that holds itself has no end and stays in one column. */
function spreadSchema(
  column: ValueColumn,
  schema: JsonValue | undefined,
  root: JsonObject,
  above: readonly JsonValue[],
): ValueColumn[] {
  const plain = resolveSchema(schema, root, 0);
  const properties = listProperties(plain);
  if (plain === undefined || properties.length === 0 || above.includes(plain)) return [column];
  return properties.flatMap(([key, inner]) => {
    const part = { title: `${column.title}.${key}`, path: [...column.path, key] };
    return spreadSchema(part, inner, root, [...above, plain]);
  });
}

const MAX_STEPS = 20;

/** The schema itself, behind references and behind a choice between it and null. */
function resolveSchema(
  schema: JsonValue | undefined,
  root: JsonObject,
  steps: number,
): JsonValue | undefined {
  if (!isJsonObject(schema) || steps > MAX_STEPS) return schema;
  const { $ref, anyOf, oneOf } = schema;
  if (typeof $ref === 'string' && /^#(?:\/|$)/.test($ref)) {
    const target = resolvePointer(root, decodeURIComponent($ref.slice(1)));
    return resolveSchema(target, root, steps + 1);
  }
  const choices = [anyOf, oneOf].filter(Array.isArray).flat().filter(isNotNull);
  return choices.length === 1 ? resolveSchema(choices[0], root, steps + 1) : schema;
}

function isNotNull(schema: JsonValue): boolean {
  return !isJsonObject(schema) || schema.type !== 'null';
}

function listProperties(schema: JsonValue | undefined): [string, JsonValue][] {
  if (!isJsonObject(schema) || !isJsonObject(schema.properties)) return [];
  // What may be no object has to have a column of its own, or such a value would be in none.
  const types = [schema.type ?? 'object'].flat().filter((type) => type !== 'null');
  return types.length === 1 && types[0] === 'object' ? Object.entries(schema.properties) : [];
}
