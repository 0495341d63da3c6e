import type { Field } from './ask.js';
import { isJsonObject, type JsonObject, type JsonValue, resolvePointer } from './json.js';

/** One column with the value of a field or a part of it. */
export interface ValueColumn {
  readonly title: string;
  /** Keys from the field's value to the column's value; empty for the field itself. */
  readonly path: readonly string[];
  /** The schema of its values, with its references resolved. */
  readonly schema?: JsonValue | undefined;
}

/** Columns that a field adds to a table. */
export interface FieldColumns {
  readonly name: string;
  readonly values: readonly ValueColumn[];
  readonly confidence: string;
  readonly citations: string;
  /** Only in the output of a job whose citations were checked. */
  readonly verdict: string;
  readonly passageUrl: string;
}

/** Result columns of a row, after all fields. */
export const OUTCOME_COLUMNS = [
  'enrichment_status',
  'enrichment_error',
  'enrichment_date',
  'enrichment_cost_usd',
  'enrichment_run_id',
] as const;

/**
 * Columns of each field. An object with known properties gets one dotted column per property; anything else
 * gets one column.
 */
export function createFieldColumns(fields: readonly Field[], root: JsonObject): FieldColumns[] {
  return fields.map(({ name, schema }) => ({
    name,
    values: spreadSchema({ title: name, path: [] }, schema, root, []),
    confidence: `${name}_confidence`,
    citations: `${name}_citations`,
    verdict: `${name}_verdict`,
    passageUrl: `${name}_passage_url`,
  }));
}

/** Column of a JSON file with the result of a row. */
export const OUTCOME_KEY = 'enrichment';

/** Endings of the columns that a field adds beside its values. */
const FIELD_ENDINGS = ['_confidence', '_citations', '_verdict', '_passage_url'];

/** The columns that a field adds beside its values. */
export function listSourceColumns(field: string): string[] {
  return FIELD_ENDINGS.map((ending) => field + ending);
}

/** True for a column that an earlier job with these fields has made: a field, what it adds, or a result column. */
export function isOwnColumn(column: string, fields: readonly string[]): boolean {
  if (column === OUTCOME_KEY || (OUTCOME_COLUMNS as readonly string[]).includes(column)) return true;
  return fields.some(
    (name) =>
      column.startsWith(name) &&
      (column === name || column[name.length] === '.' || FIELD_ENDINGS.includes(column.slice(name.length))),
  );
}

/** Names of fields, by the columns that they add beside their values. */
export function findFieldNames(columns: readonly string[]): string[] {
  const names = columns.flatMap((column) => {
    const ending = FIELD_ENDINGS.find((each) => column.endsWith(each));
    return ending === undefined ? [] : [column.slice(0, -ending.length)];
  });
  const isThere = (name: string): boolean =>
    columns.some((column) => column === name || column.startsWith(`${name}.`));
  return [...new Set(names)].filter(isThere);
}

/**
 * `above` contains the enclosing schemas. A schema that contains itself has no end, so it stays in one
 * column.
 */
function spreadSchema(
  column: ValueColumn,
  schema: JsonValue | undefined,
  root: JsonObject,
  above: readonly JsonValue[],
): ValueColumn[] {
  const plain = resolveSchema(schema, root, 0);
  const properties = listProperties(plain);
  if (plain === undefined || properties.length === 0 || above.includes(plain))
    return [{ ...column, schema: plain }];
  return properties.flatMap(([key, inner]) => {
    const part = { title: `${column.title}.${key}`, path: [...column.path, key] };
    return spreadSchema(part, inner, root, [...above, plain]);
  });
}

const MAX_STEPS = 20;

/** Resolves references, and choices between a schema and null. */
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
  // A value that may not be an object needs a column of its own.
  const types = [schema.type ?? 'object'].flat().filter((type) => type !== 'null');
  return types.length === 1 && types[0] === 'object' ? Object.entries(schema.properties) : [];
}
