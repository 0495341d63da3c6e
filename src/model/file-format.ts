import type { StoredCell } from './row.js';

/** The formats that are text. */
export type TextFormat = 'csv' | 'jsonl' | 'json';

/** The formats that are read and written. */
export type FileFormat = TextFormat | 'xlsx';

/** Which cells stand in quotes: only where needed, all text, all that is not empty, or every one. */
export type Quoting = 'needed' | 'text' | 'filled' | 'all';

/** How a file is written down: what the reader saw, and what the writer needs to give the same kind of file back. */
export interface FileShape {
  readonly format: FileFormat;
  /** The header's names as they stood in the file, in order; empty for a file without a header. */
  readonly titles: readonly string[];
  readonly delimiter: string;
  readonly newline: '\n' | '\r\n' | '\r';
  readonly bom: boolean;
  /** Name of the encoding as the Encoding Standard spells it, such as `utf-8`. */
  readonly encoding: string;
  readonly gzip: boolean;
  readonly quoting: Quoting;
  /** True where the header's names stand in quotes that they do not need. */
  readonly titlesQuoted: boolean;
  /** True where the first line is `sep=` and the delimiter, as some spreadsheets write it. */
  readonly sepLine: boolean;
  /** Of a workbook: the sheet that was read. */
  readonly sheet?: SheetShape;
}

/** True where a table made of the input has a header: its own, or the keys of its objects. */
export function hasHeader(shape: FileShape): boolean {
  return shape.titles.length > 0 || holdsObjects(shape);
}

/** True for a file of objects, whose keys may be nested and may come up late. */
export function holdsObjects({ format }: Pick<FileShape, 'format'>): boolean {
  return format === 'jsonl' || format === 'json';
}

/** What of a sheet is given back beside its rows. */
export interface SheetShape {
  readonly name: string;
  /** The row that the header stands in, or the first row where there is none. */
  readonly firstLine: number;
  /** What stands above the header, such as a title. */
  readonly above: readonly SheetLine[];
  /** True where days are counted from 1904. */
  readonly date1904: boolean;
}

export interface SheetLine {
  readonly line: number;
  readonly cells: readonly string[];
  readonly stored: readonly (StoredCell | null)[];
}

/** The formats that every spreadsheet program knows by number, as they are in English. */
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
