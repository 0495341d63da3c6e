import { isJsonObject, type JsonObject, type JsonValue, readOwn } from './json.js';

interface RowPosition {
  /** 0-based position among the rows of the input. */
  readonly ordinal: number;
  /** 1-based line of the input on which the row starts. */
  readonly line: number;
}

/** A row of a file with a header: `columns` is one map for the whole file, from name to index in `cells`. */
export interface CellRow extends RowPosition {
  readonly kind: 'cells';
  readonly columns: ReadonlyMap<string, number>;
  readonly cells: readonly string[];
  /** Of a workbook: what each cell is beside its text. Missing or null for what is a text. */
  readonly stored?: readonly (StoredCell | null)[];
}

/** A cell of a workbook that is no text, as it has to be written back. */
export interface StoredCell {
  readonly kind: 'number' | 'boolean' | 'error';
  /** The value as it stands in the workbook. */
  readonly raw: string;
  /** The format under which a number is shown, such as that of a date; null for none. */
  readonly format: string | null;
}

/** A row of a JSON file; `text` is the object as it stood in the file, byte for byte. */
export interface ObjectRow extends RowPosition {
  readonly kind: 'object';
  readonly object: JsonObject;
  readonly text: string;
}

/** A record that is no row, such as a JSONL line that is no object: it ends as `failed`, with `fault` as the reason. */
export interface FaultyRow extends RowPosition {
  readonly kind: 'faulty';
  readonly text: string;
  readonly fault: string;
}

export type Row = CellRow | ObjectRow | FaultyRow;

/** The value of a column in a row; undefined where the row has no such column. In a JSON row a dotted name reaches inside. */
export function readValue(row: Row, column: string): JsonValue | undefined {
  switch (row.kind) {
    case 'cells': {
      const index = row.columns.get(column);
      return index === undefined ? undefined : row.cells[index];
    }
    case 'object':
      return Object.hasOwn(row.object, column) ? row.object[column] : readNested(row.object, column);
    case 'faulty':
      return undefined;
  }
}

/** A dotted name reaches into nested objects: `address.city`. */
function readNested(object: JsonObject, column: string): JsonValue | undefined {
  if (!column.includes('.')) return undefined;
  let value: JsonValue | undefined = object;
  for (const key of column.split('.')) {
    value = isJsonObject(value) ? readOwn(value, key) : undefined;
  }
  return value;
}

/** True for what is missing, null, or text of white space only. What counts as blank in a job is in `blank.ts`. */
export function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}
