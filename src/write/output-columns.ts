import type { Field } from '../model/ask.js';
import { isJsonObject, type JsonValue } from '../model/json.js';

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
export function createFieldColumns(fields: readonly Field[]): FieldColumns[] {
  return fields.map(({ name, schema }) => ({
    name,
    values: spreadSchema(name, [], schema),
    confidence: `${name}_confidence`,
    citations: `${name}_citations`,
  }));
}

function spreadSchema(title: string, path: readonly string[], schema: JsonValue | undefined): ValueColumn[] {
  const properties = readProperties(schema);
  if (properties.length === 0) return [{ title, path }];
  return properties.flatMap(([key, inner]) => spreadSchema(`${title}.${key}`, [...path, key], inner));
}

function readProperties(schema: JsonValue | undefined): [string, JsonValue][] {
  if (!isJsonObject(schema) || !isJsonObject(schema.properties)) return [];
  const { type } = schema;
  const isObject =
    type === undefined || type === 'object' || (Array.isArray(type) && type.includes('object'));
  return isObject ? Object.entries(schema.properties) : [];
}
