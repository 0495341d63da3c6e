import { createUsageError } from '../../errors.js';
import { splitColumnName } from '../../model/column-kind.js';
import { suggestSimilar } from '../../model/format.js';
import type { JsonObject } from '../../model/json.js';
import { findColumns } from './look-up-property.js';
import { createSchemaReader, type SchemaNode, type SchemaReader } from './schema-reader.js';
import type { Table } from './table.js';

/** The column of the tables that answers a field, by field. */
export type LookUp = Readonly<Record<string, string>>;

/** Marks the columns that `lookUp` names with their fields. Throws if no table has a column. */
export function applyLookUp(tables: readonly Table[], lookUp: LookUp): readonly Table[] {
  const wanted = Object.entries(lookUp);
  for (const [, name] of wanted) checkColumn(name, tables);
  if (wanted.length === 0) return tables;
  return tables.map((table) => ({
    ...table,
    columns: table.columns.map((column) => {
      const fields = wanted.filter(([, name]) => isColumn(column, name)).map(([field]) => field);
      return fields.length === 0 ? column : { ...column, fields };
    }),
  }));
}

type Column = Table['columns'][number];

function isColumn({ name, key }: Column, wanted: string): boolean {
  return name === wanted || (key !== '' && key === splitColumnName(wanted).join('_'));
}

function checkColumn(name: string, tables: readonly Table[]): void {
  if (tables.some((table) => table.columns.some((column) => isColumn(column, name)))) return;
  const columns = listColumns(tables);
  const near = suggestSimilar(name, columns);
  throw createUsageError(
    'UNKNOWN_COLUMN',
    `--look-up names the column ${name}, which no reference table has`,
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `The columns are ${columns.join(', ')}.`,
  );
}

/** The names of all columns, each once. */
export function listColumns(tables: readonly Table[]): readonly string[] {
  return [...new Set(tables.flatMap(({ columns }) => columns.map(({ name }) => name)))].filter(
    (name) => name !== '',
  );
}

/** Lists the fields of a schema for which no table has a column. */
export function listGaps(tables: readonly Table[], schema: JsonObject): readonly string[] {
  const reader = createSchemaReader(schema);
  const hasColumn = (path: readonly string[]): boolean =>
    tables.some((table) => findColumns(table, path, true).length > 0);
  return [...reader.listProperties(reader.root)].flatMap(([name, node]) =>
    listPaths(reader, node, [name], MAX_DEPTH).some(hasColumn) ? [] : [name],
  );
}

const MAX_DEPTH = 4;

/** The paths of a property and of everything inside it. */
function listPaths(
  reader: SchemaReader,
  node: SchemaNode,
  path: readonly string[],
  depth: number,
): (readonly string[])[] {
  const inner = depth === 0 ? [] : [...reader.listProperties(node)];
  return [path, ...inner.flatMap(([name, child]) => listPaths(reader, child, [...path, name], depth - 1))];
}
