import type { FilledRow } from '../model/answer.js';
import type { Field } from '../model/ask.js';
import type { Blanks } from '../model/blank.js';
import type { FileFormat, FileShape } from '../model/file-format.js';
import type { JsonObject } from '../model/json.js';

export interface OutputOptions {
  /** A file, or `-` for standard output. */
  readonly path: string;
  /** How the input was written down. */
  readonly shape: FileShape;
  /** The input's columns, told apart. */
  readonly columns: readonly string[];
  /** @default what the ending of `path` says, and the input's format otherwise */
  readonly format?: FileFormat | undefined;
  readonly fields: readonly Field[];
  /** The schema that the fields are part of: what their references point into. @default {} */
  readonly schema?: JsonObject | undefined;
  /** Replace values of the input by the agent's; a null replaces nothing. */
  readonly overwrite: boolean;
  /** Which cells of the input are blank, and may be filled. @default what is blank without options */
  readonly blanks?: Blanks | undefined;
  /** Leave text as it is even if a spreadsheet would run it as a formula. */
  readonly raw: boolean;
  /** Start the file with a byte order mark, as Excel wants it. @default as the input */
  readonly bom?: boolean | undefined;
  /** A second file: one JSON line for each citation. @default none */
  readonly citationsFile?: string | undefined;
  /** Called right before a finished file is put in its place; throws to keep it from that. */
  readonly beforeCommit?: (() => void) | undefined;
  /** Hears what a person should know about what was written. */
  readonly onNote?: ((note: { readonly code: string; readonly message: string }) => void) | undefined;
  /**
   * Called right before a file is replaced, with the path as given, the file behind it and the SHA-256 of its new content;
   * with null at the opening of a pipe or device. Throws to leave everything as it is.
   */
  readonly checkPlace?: ((path: string, target: string, digest: string | null) => Promise<void>) | undefined;
  /** @default process.stdout */
  readonly stdout?: NodeJS.WritableStream | undefined;
}

export interface Output {
  /** Writes rows in the order in which they come; resolves once more may come. */
  write(rows: readonly FilledRow[]): Promise<void>;
  /**
   * Puts the finished file in its place, all at once. Resolves with the SHA-256 of its bytes in hexadecimal digits, null
   * where they went to no file.
   */
  commit(): Promise<string | null>;
  /** Removes what was written so far. */
  abort(): Promise<void>;
}

/** Turns rows into the text of one format. */
export interface RowFormatter {
  /** What stands before the first row. */
  readonly head: string;
  format(rows: readonly FilledRow[]): string;
  /** What stands after the last row. */
  readonly tail: string;
}
