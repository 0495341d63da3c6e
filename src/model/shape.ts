/** The formats that are read and written. */
export type FileFormat = 'csv' | 'jsonl' | 'json';

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
}
