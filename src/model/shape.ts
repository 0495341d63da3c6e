export type FileFormat = 'csv' | 'jsonl';

/** How a file is written down: what the reader saw, and what the writer needs to give the same kind of file back. */
export interface FileShape {
  readonly format: FileFormat;
  /** The header's names as they stood in the file, in order; empty for a file without a header. */
  readonly titles: readonly string[];
  readonly delimiter: string;
  readonly newline: '\n' | '\r\n' | '\r';
  readonly bom: boolean;
}
