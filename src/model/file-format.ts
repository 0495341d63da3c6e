import type { ColumnSpan, StoredCell } from './row.js';
import type { WorkbookFile } from './workbook-file.js';

/** Text formats. */
export type TextFormat = 'csv' | 'jsonl' | 'json';

/** Formats that rowfill reads and writes. */
export type FileFormat = TextFormat | 'xlsx';

/** Which cells are quoted: only where needed, all text, all non-empty cells, or every cell. */
export type Quoting = 'needed' | 'text' | 'filled' | 'all';

/** File details that the reader detected and the writer needs to keep the same format. */
export interface FileShape {
  readonly format: FileFormat;
  /** The header's names as written in the file, in order. Empty for a file without a header. */
  readonly titles: readonly string[];
  readonly delimiter: string;
  readonly newline: '\n' | '\r\n' | '\r';
  readonly bom: boolean;
  /** Encoding name from the WHATWG Encoding Standard, such as `utf-8`. */
  readonly encoding: string;
  readonly gzip: boolean;
  readonly quoting: Quoting;
  /** True if the header's names are quoted without need. */
  readonly titlesQuoted: boolean;
  /** True if the first line is `sep=` and the delimiter, as some spreadsheets write it. */
  readonly sepLine: boolean;
  /** The quotes around cells; null if quotes are part of the text. @default double quotes */
  readonly quotes?: { readonly open: string; readonly close: string } | null;
  /** True if a blank follows each delimiter. @default false */
  readonly isPadded?: boolean;
  /** For a CSV: the lines above the header, with their line ends. @default none */
  readonly above?: string;
  /** For a JSON document: the text around its list, brackets included. */
  readonly envelope?: { readonly head: string; readonly tail: string };
  /** For a workbook: the sheet that was read. */
  readonly sheet?: SheetShape;
}

/** True if a table made from the input has a header: its own, or the keys of its objects. */
export function hasHeader(shape: FileShape): boolean {
  return shape.titles.length > 0 || holdsObjects(shape);
}

/** True for a file of objects. Their keys may be nested, and may first appear late in the file. */
export function holdsObjects({ format }: Pick<FileShape, 'format'>): boolean {
  return format === 'jsonl' || format === 'json';
}

/** Parts of a sheet, besides its rows, that the output keeps. */
export interface SheetShape {
  readonly name: string;
  /** Row number of the header, or of the first row if there is no header. */
  readonly firstLine: number;
  /** Rows above the header, such as a title. */
  readonly above: readonly SheetLine[];
  /** True if the workbook uses the 1904 date system. */
  readonly date1904: boolean;
  /** Where its list is, if it has Excel tables. Absent without them. */
  readonly list?: ListShape;
  /** The workbook itself. Absent for a sheet that is not in a file. */
  readonly file?: WorkbookFile | undefined;
}

/** Where the list of a sheet with Excel tables is. */
export interface ListShape {
  /** Path of the Excel table that is the list, in lowercase; null if its header belongs to none. */
  readonly tablePath: string | null;
  /** Last column of all Excel tables from the header down. */
  readonly tablesEnd: number;
}

export interface SheetLine {
  readonly line: number;
  readonly cells: readonly string[];
  readonly stored: readonly (StoredCell | null)[];
  readonly isHidden?: boolean;
  /** Columns whose value is a formula for the sum of the column. */
  readonly sums?: readonly number[];
  /** Columns with a formula. */
  readonly formulas?: readonly number[];
  /** Columns with a formula that was never calculated. */
  readonly uncomputed?: readonly number[];
  /** Columns that an array formula or a data table fills. Its cells, also blank ones, cannot be changed alone. */
  readonly arrays?: readonly ColumnSpan[];
}

/** Built-in number formats by id, in their English form. */
export const BUILT_IN_FORMATS: ReadonlyMap<number, string> = new Map([
  [1, '0'],
  [2, '0.00'],
  [3, '#,##0'],
  [4, '#,##0.00'],
  [9, '0%'],
  [10, '0.00%'],
  [11, '0.00E+00'],
  [12, '# ?/?'],
  [13, '# ??/??'],
  [14, 'mm-dd-yy'],
  [15, 'd-mmm-yy'],
  [16, 'd-mmm'],
  [17, 'mmm-yy'],
  [18, 'h:mm AM/PM'],
  [19, 'h:mm:ss AM/PM'],
  [20, 'h:mm'],
  [21, 'h:mm:ss'],
  [22, 'm/d/yy h:mm'],
  [37, '#,##0;(#,##0)'],
  [38, '#,##0;[Red](#,##0)'],
  [39, '#,##0.00;(#,##0.00)'],
  [40, '#,##0.00;[Red](#,##0.00)'],
  [45, 'mm:ss'],
  [46, '[h]:mm:ss'],
  [47, 'mm:ss.0'],
  [48, '##0.0E+0'],
  [49, '@'],
]);
