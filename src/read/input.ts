import type { Row } from '../model/row.js';
import type { FileShape } from '../model/shape.js';
import type { InputLimits } from './limits.js';
import type { InputNote } from './notebook.js';
import type { TextSample } from './read-sample.js';

export interface InputOptions {
  /** A file, or `-` for standard input. */
  readonly path: string;
  /** What a person knows it as. @default the path */
  readonly name?: string | undefined;
  /** What separates the cells. @default found out from the file */
  readonly delimiter?: string | undefined;
  /** Name of the encoding, as the Encoding Standard has it. @default found out from the file */
  readonly encoding?: string | undefined;
  /** Of a workbook, the sheet to read: its name or its number. @default the first one with a table */
  readonly sheet?: string | undefined;
  /** False: the first row is data, and the columns are named `column_1`, `column_2`, … @default true */
  readonly header?: boolean | undefined;
  /** Refuse what would otherwise be read with a note. @default false */
  readonly strict?: boolean | undefined;
  readonly limits?: Partial<InputLimits> | undefined;
  /** @default process.stdin */
  readonly stdin?: NodeJS.ReadableStream | undefined;
  /** Ends the wait for standard input, and the reading of a JSON file for its keys. */
  readonly signal?: AbortSignal | undefined;
}

export interface Input {
  /** The input as a person knows it, for messages. */
  readonly name: string;
  readonly shape: FileShape;
  /** Names of the columns, told apart; of a JSON file the keys of the rows that were read so far. */
  readonly columns: readonly string[];
  /** Resolves once `columns` has every column: a JSON file is read to its end for that, once. */
  readColumns(): Promise<void>;
  /** What is strange about the file, as far as it has been read; whole once `openRows` was read to its end. */
  readonly notes: readonly InputNote[];
  /** The rows in order, in chunks of up to a thousand; each call starts anew. An input that turns out to be broken is an error here. */
  openRows(signal?: AbortSignal): AsyncIterable<readonly Row[]>;
  /** Removes what was kept of standard input. */
  close(): Promise<void>;
}

/** What a reader of one format needs to know about the file it reads. */
export interface TextInput {
  readonly name: string;
  /** Lower case, without the ending of a compressed file: `.csv`. */
  readonly extension: string;
  readonly sample: TextSample;
  readonly shape: Pick<FileShape, 'bom' | 'encoding' | 'gzip'>;
  readonly notes: readonly InputNote[];
  readonly limits: InputLimits;
  openText(signal?: AbortSignal): AsyncIterable<string>;
}

/** An opened reader, before it is joined to its file. */
export type OpenReader = Pick<Input, 'shape' | 'columns' | 'readColumns' | 'notes' | 'openRows'>;
