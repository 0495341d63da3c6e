import { getOwn, isJsonObject, type JsonObject, type JsonValue } from './json.js';

interface RowPosition {
  /** 0-based position among the rows of the input. */
  readonly ordinal: number;
  /** 1-based line of the input on which the row starts. */
  readonly line: number;
  /** Why the row is left alone, such as `a line of dashes`. Absent for a row to fill. */
  readonly skip?: string;
  /** True for a hidden row of a workbook, as long as no option says what to do with it. */
  readonly isHidden?: boolean;
}

/** A row of a table. `columns` maps names to indexes in `cells`, and is shared by all rows of the file. */
export interface CellRow extends RowPosition {
  readonly kind: 'cells';
  readonly columns: ReadonlyMap<string, number>;
  readonly cells: readonly string[];
  /** For a workbook: type and raw value of each cell. Missing or null for text. */
  readonly stored?: readonly (StoredCell | null)[];
  /** For a workbook: indexes of cells with a formula. Absent if none. */
  readonly formulas?: readonly number[];
  /** For a workbook: those that were never calculated; their text is empty. Absent if none. */
  readonly uncomputed?: readonly number[];
  /** For a workbook: columns that an array formula fills. Absent if none. */
  readonly arrays?: readonly ColumnSpan[];
  /** For a CSV: texts of cells as they are in the file, if they would be written otherwise. Null for the others. */
  readonly source?: readonly (string | null)[];
}

/** Columns from a first to a last one, counted from 0. */
export interface ColumnSpan {
  readonly firstColumn: number;
  readonly lastColumn: number;
}

/** A workbook cell that is more than its text, as needed to write it back. */
export interface StoredCell {
  readonly kind: 'number' | 'boolean' | 'error' | 'text';
  /** Raw value in the workbook. */
  readonly raw: string;
  /** Address of its link. Absent without one. */
  readonly link?: string;
  /** Number format, such as that of a date: its code, or the id of a built-in one. null if none. */
  readonly format: string | number | null;
}

/** A row of a JSON file. `text` is the object's original text, byte for byte. */
export interface ObjectRow extends RowPosition {
  readonly kind: 'object';
  readonly object: JsonObject;
  readonly text: string;
}

/**
 * An invalid record, such as a JSONL line that is not an object. Its status is `failed`, with `fault` as the
 * reason.
 */
export interface FaultyRow extends RowPosition {
  readonly kind: 'faulty';
  readonly text: string;
  readonly fault: string;
}

export type Row = CellRow | ObjectRow | FaultyRow;

/**
 * Value of a column in a row; undefined if the row lacks the column. In a JSON row, a dotted name reads a
 * nested value.
 */
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

/** Address of the link of a cell whose text is not an address; null without one. */
export function getLinkAddress(row: Row, column: string): string | null {
  if (row.kind !== 'cells' || row.stored === undefined) return null;
  const index = row.columns.get(column) ?? -1;
  const link = row.stored[index]?.link;
  return link === undefined || isAddress(row.cells[index] ?? '') ? null : toAddress(link);
}

/** True if any cell of the row has a formula that was never calculated. */
export function hasUncomputed(row: Row): boolean {
  return row.kind === 'cells' && row.uncomputed !== undefined;
}

/** True for a row of a workbook with cells that an array formula fills. */
export function hasArrays(row: Row): row is CellRow {
  return row.kind === 'cells' && row.arrays !== undefined;
}

/** True for a cell that an array formula fills, also if it is blank: it cannot be changed alone. */
export function isInArray(row: Row, column: string): boolean {
  if (!hasArrays(row)) return false;
  const at = row.columns.get(column) ?? -1;
  return row.arrays?.some(({ firstColumn, lastColumn }) => firstColumn <= at && at <= lastColumn) === true;
}

/** True for a cell of a workbook with a formula. */
export function isFormula(row: Row, column: string): boolean {
  if (isInArray(row, column)) return true;
  if (row.kind !== 'cells' || row.formulas === undefined) return false;
  return row.formulas.includes(row.columns.get(column) ?? -1);
}

/** True for a cell with a formula that was never calculated, so its value is unknown. */
export function isUncomputed(row: Row, column: string): boolean {
  if (row.kind !== 'cells' || row.uncomputed === undefined) return false;
  return row.uncomputed.includes(row.columns.get(column) ?? -1);
}

/** True for a web address, a domain or an email address. */
export function isAddress(text: string): boolean {
  return /^\s*(?:https?:\/\/\S+|[^\s@]+@\S+|[\p{L}\d-]+(?:\.[\p{L}\d-]+)+(?:[/?#]\S*)?)\s*$/iu.test(text);
}

/** The address of a link: `a@acme.example` for `mailto:a@acme.example?subject=…`. */
export function toAddress(link: string): string {
  return link.replace(/^mailto:([^?]*).*$/is, '$1');
}

/** Reads a nested value by its dotted name: `address.city`. */
function getNested(object: JsonObject, column: string): JsonValue | undefined {
  if (!column.includes('.')) return undefined;
  let value: JsonValue | undefined = object;
  for (const key of column.split('.')) {
    value = isJsonObject(value) ? getOwn(value, key) : undefined;
  }
  return value;
}

/** True if missing, null or only white space. See `blank.ts` for what a job counts as blank. */
export function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** Maximum text length that is sent per cell, in UTF-16 code units. */
export const MAX_CELL_LENGTH = 8_000;

/** C0 and C1 control characters except tab and line breaks, and invisible marks that reorder or hide text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Printable ASCII without blanks at its ends, as most cells are. Nothing in it needs cleaning. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;

/**
 * Prepares a value for sending: trims text, removes control characters and shortens it. Undefined if blank.
 */
export function cleanCell(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return cleanNested(value);
  if (typeof value !== 'string') return value;
  if (value.length <= MAX_CELL_LENGTH && PLAIN.test(value)) return value;
  const text = value.replace(HIDDEN, '').trim();
  if (text === '') return undefined;
  return text.length <= MAX_CELL_LENGTH ? text : cutText(text);
}

/** Changes by `cleanCell` that are worth reporting. Trimmed white space is not. */
interface CellChange {
  /** Control characters or invisible marks were removed. */
  readonly isCleaned: boolean;
  /** Only the start of the text is sent. */
  readonly isCut: boolean;
}

const NO_CHANGE: CellChange = { isCleaned: false, isCut: false };

export function describeCellChange(value: JsonValue | undefined): CellChange {
  if (typeof value === 'string') {
    if (value.length <= MAX_CELL_LENGTH && PLAIN.test(value)) return NO_CHANGE;
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

/** Steps back one unit rather than cut a surrogate pair in half. */
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
