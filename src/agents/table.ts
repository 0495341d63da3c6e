import { pathToFileURL } from 'node:url';
import { createUsageError, type RowfillError } from '../errors.js';
import { type ColumnKind, resolveColumnKind, splitColumnName } from '../model/column-kind.js';
import type { JsonValue } from '../model/json.js';
import type { Citation } from '../model/run.js';

export interface TableColumn {
  readonly name: string;
  /** The words of the name with `_` between: `Company Name` and `companyName` are the same column. */
  readonly key: string;
  readonly kind: ColumnKind;
}

export interface TableRecord {
  /** Where the record stands in its file, counted in the table's unit. */
  readonly position: number;
  /** One value for each column of the table, null where the record has none. */
  readonly values: readonly JsonValue[];
}

/** A file of records. Columns are found by index, so that no name in a file can reach an object's prototype. */
export interface Table {
  readonly path: string;
  /** The file's own name. */
  readonly name: string;
  /** CSV and TSV count rows, the header being row 1; JSONL and JSON count the lines on which records start. */
  readonly unit: 'row' | 'line';
  readonly columns: readonly TableColumn[];
  readonly records: readonly TableRecord[];
}

/** Names a column's kind and key once, for all its values. */
export function createColumn(name: string): TableColumn {
  return { name, key: splitColumnName(name).join('_'), kind: resolveColumnKind(name) };
}

/**
 * The place of a record as a citation: `file:///…/table.csv#row=N` as RFC 7111 writes it (1-based, the header is row 1),
 * `file:///…/table.jsonl#line=N` for JSONL and JSON (the 1-based line on which the record starts).
 */
export function createCitation(table: Table, record: TableRecord): Citation {
  return {
    url: `${pathToFileURL(table.path).href}#${table.unit}=${record.position}`,
    title: describeRecord(table, record),
  };
}

/** A record's place for a person: `companies.csv, row 4`. */
export function describeRecord(table: Table, record: TableRecord): string {
  return `${table.name}, ${table.unit} ${record.position}`;
}

/** A table that cannot be used as it is, with the line at fault where it is known. */
export function createTableError(
  path: string,
  line: number | null,
  what: string,
  hint = 'Correct the table, or move it out of the folder.',
  cause?: unknown,
): RowfillError {
  const where = line === null ? path : `${path}, line ${line}`;
  return createUsageError('REFERENCE_INVALID', `The table ${where} cannot be read: ${what}.`, hint, cause);
}
