import type { FilledRow } from '../model/answer.js';
import type { Field } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type { FileFormat, FileShape } from '../model/file-format.js';
import type { JsonObject } from '../model/json.js';
import type { SavedForm } from '../model/likeness.js';

/** Where the sources of a workbook's values go. */
export type SourcesPlace = 'columns' | 'comments' | 'sheet';

export interface OutputOptions {
  /** A file, or `-` for standard output. */
  readonly path: string;
  /** File format of the input. */
  readonly shape: FileShape;
  /** Unique names of the input's columns. */
  readonly columns: readonly string[];
  /** @default by the extension of `path`, else the input's format */
  readonly format?: FileFormat | undefined;
  readonly fields: readonly Field[];
  /** True to add the verdicts on citations. @default false */
  readonly verdicts?: boolean | undefined;
  /** The schema that the fields belong to, needed for their references. @default {} */
  readonly schema?: JsonObject | undefined;
  /** True to replace input values with the agent's; a null replaces nothing. */
  readonly overwrite: boolean;
  /** Which input cells count as blank and may be filled. @default the default blanks */
  readonly blanks?: Blanks | undefined;
  /** True to keep text unchanged even if a spreadsheet would run it as a formula. */
  readonly raw: boolean;
  /** Start the file with a byte order mark, which Excel needs. @default as the input */
  readonly bom?: boolean | undefined;
  /** True for only the input's columns and the fields. A workbook becomes one sheet of values. @default false */
  readonly plain?: boolean | undefined;
  /** Where the sources of values go; comments and a sheet need a workbook. @default 'columns' */
  readonly sources?: SourcesPlace | undefined;
  /** True for a filled file that was given back: the sources that it has are replaced. @default false */
  readonly isReturned?: boolean | undefined;
  /** True if a program saved a column of such a file in this form. @default never */
  readonly isSavedAs?: ((column: string, form: SavedForm) => boolean) | undefined;
  /** Returns a date that shows how a program saved those of a column. @default none */
  readonly findSavedDate?: ((column: string) => string | null) | undefined;
  /** A second file with one JSON line per citation. @default none */
  readonly citationsFile?: string | undefined;
  /** Permissions of a new file, which keep it as private as the input. @default what the system gives a new file */
  readonly mode?: number | undefined;
  /** Called right before a finished file is renamed to its final name; throws to prevent that. */
  readonly beforeCommit?: (() => void) | undefined;
  /** Receives warnings about the written output. */
  readonly onNote?: ((note: { readonly code: string; readonly message: string }) => void) | undefined;
  /**
   * Called right before a file is replaced, with the path as given, the resolved file and the SHA-256 of its
   * new content; for a pipe or device, called when it is opened, with null. Throws to leave everything
   * unchanged.
   */
  readonly checkPath?: ((path: string, target: string, digest: string | null) => Promise<void>) | undefined;
  /** Aborted to end the wait for a program that reads the pipe. */
  readonly signal?: AbortSignal | undefined;
  /** @default process.stdout */
  readonly stdout?: NodeJS.WritableStream | undefined;
}

export interface Output {
  /** True for a CSV without a byte order mark in which Excel would show some letters wrong. Known after `commit`. */
  readonly needsBom: boolean;
  /** Writes rows in order; resolves when more can be written. */
  write(rows: readonly FilledRow[]): Promise<void>;
  /**
   * Renames the finished file to its final name. Resolves to the SHA-256 of its bytes in hex, or null if
   * there is no file.
   */
  commit(): Promise<string | null>;
  /** Deletes everything written so far. */
  abort(): Promise<void>;
}

/** Formats rows as text. */
export interface RowFormatter {
  /** Text before the first row. */
  readonly head: string;
  format(rows: readonly FilledRow[]): string;
  /** Text after the last row. */
  readonly tail: string;
}
