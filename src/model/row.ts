import { getOwn, isJsonObject, type JsonObject, type JsonValue } from './json.js';

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
export function getValue(row: Row, column: string): JsonValue | undefined {
  switch (row.kind) {
    case 'cells': {
      const index = row.columns.get(column);
      return index === undefined ? undefined : row.cells[index];
    }
    case 'object':
      return Object.hasOwn(row.object, column) ? row.object[column] : getNested(row.object, column);
    case 'faulty':
      return undefined;
  }
}

/** A dotted name reaches into nested objects: `address.city`. */
function getNested(object: JsonObject, column: string): JsonValue | undefined {
  if (!column.includes('.')) return undefined;
  let value: JsonValue | undefined = object;
  for (const key of column.split('.')) {
    value = isJsonObject(value) ? getOwn(value, key) : undefined;
  }
  return value;
}

/** True for what is missing, null, or text of white space only. What counts as blank in a job is in `blank.ts`. */
export function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** The most text of one cell that is sent, in UTF-16 code units. */
export const MAX_CELL_LENGTH = 8_000;

/** C0 and C1 controls but tab and line breaks, and the invisible marks that reorder or hide text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A value as it may be sent: text is trimmed, stripped of control characters and cut; undefined for a blank one. */
export function cleanCell(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return cleanNested(value);
  if (typeof value !== 'string') return value;
  const text = value.replace(HIDDEN, '').trim();
  if (text === '') return undefined;
  return text.length <= MAX_CELL_LENGTH ? text : cutText(text);
}

/** What `cleanCell` does to a value that a person may want to know of; white space around it is nothing to speak of. */
export interface CellChange {
  /** Control characters or invisible marks were taken out. */
  readonly isCleaned: boolean;
  /** There is more of it than is sent. */
  readonly isCut: boolean;
}

const NO_CHANGE: CellChange = { isCleaned: false, isCut: false };

export function describeCellChange(value: JsonValue | undefined): CellChange {
  if (typeof value === 'string') {
    const isCleaned = value.search(HIDDEN) >= 0;
    const isLong = value.length > MAX_CELL_LENGTH;
    return { isCleaned, isCut: isLong && value.replace(HIDDEN, '').trim().length > MAX_CELL_LENGTH };
  }
  if (typeof value !== 'object' || value === null) return NO_CHANGE;
  return Object.values(value)
    .map(describeCellChange)
    .reduce(
      (all, one) => ({ isCleaned: all.isCleaned || one.isCleaned, isCut: all.isCut || one.isCut }),
      NO_CHANGE,
    );
}

/** Half a surrogate pair is no text, so the cut steps back over one. */
function cutText(text: string): string {
  const last = text.charCodeAt(MAX_CELL_LENGTH - 1);
  const isHighSurrogate = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHighSurrogate ? MAX_CELL_LENGTH - 1 : MAX_CELL_LENGTH);
}

function cleanNested(value: JsonValue): JsonValue {
  if (typeof value === 'string') return cleanCell(value) ?? '';
  if (Array.isArray(value)) return value.map(cleanNested);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleanNested(inner)]));
  }
  return value;
}
