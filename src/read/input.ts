import type { FileShape } from '../model/file-format.js';
import type { Row } from '../model/row.js';
import type { TextSample } from './encoding.js';

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
  readonly notes: readonly InputWarning[];
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
  readonly notes: readonly InputWarning[];
  readonly limits: InputLimits;
  openText(signal?: AbortSignal): AsyncIterable<string>;
}

/** An opened reader, before it is joined to its file. */
export type OpenReader = Pick<Input, 'shape' | 'columns' | 'readColumns' | 'notes' | 'openRows'>;

/** What a file may not exceed: a clear error instead of a full memory. */
export interface InputLimits {
  /** The longest record, in characters. @default 16777216 */
  readonly maxRowLength: number;
  /** The most columns of a table. @default 16384 */
  readonly maxColumns: number;
  /** The deepest nesting of a JSON row. @default 100 */
  readonly maxDepth: number;
  /** The most that a compressed file may grow, once it has grown past `freeInflateBytes`. @default 400 */
  readonly maxInflateRatio: number;
  /** What a compressed file may grow to whatever its ratio. @default 268435456 */
  readonly freeInflateBytes: number;
  /** The most bytes that the different texts of a workbook may take. @default 268435456 */
  readonly maxSharedBytes: number;
  /** The most blank cells that the rows of a sheet may have before their last value, all together. @default 100000000 */
  readonly maxBlankCells: number;
  /** The most bytes that are taken from standard input, a pipe or a device. @default 17179869184 */
  readonly maxSpoolBytes: number;
  /** How many bytes are read at a time. @default 65536 */
  readonly pieceBytes: number;
}

export const INPUT_LIMITS: InputLimits = {
  maxRowLength: 16 * 1024 * 1024,
  maxColumns: 16_384,
  maxDepth: 100,
  maxInflateRatio: 400,
  freeInflateBytes: 256 * 1024 * 1024,
  maxSharedBytes: 256 * 1024 * 1024,
  maxBlankCells: 100_000_000,
  maxSpoolBytes: 16 * 1024 * 1024 * 1024,
  pieceBytes: 64 * 1024,
};

/** Something that a person should know about the input, though it can be read. */
export interface InputWarning {
  readonly code: string;
  readonly message: string;
  /** The message without what follows for an output, for a file that is only read; null if nothing is left of it. */
  readonly fact?: string | null;
}

const MAX_LINES = 5;

/** Collects what is strange in the rows of one reading: how often, and on which lines first. */
export class Warnings {
  readonly #seen = new Map<string, { count: number; lines: number[] }>();

  add(code: string, line: number): void {
    const entry = this.#seen.get(code) ?? { count: 0, lines: [] };
    entry.count += 1;
    if (entry.lines.length < MAX_LINES) entry.lines.push(line);
    this.#seen.set(code, entry);
  }

  /** The notes so far; `texts` has for each code what it counts, and what follows from it. */
  read(
    texts: Readonly<Record<string, readonly [what: string, consequence: string]>>,
    unit = 'line',
  ): InputWarning[] {
    return [...this.#seen].map(([code, { count, lines }]) => {
      const [what, consequence] = texts[code] ?? [code, ''];
      const more = count > lines.length ? ', …' : '';
      const where = `${count === 1 ? unit : `${unit}s`} ${lines.join(', ')}${more}`;
      const fact = `${what}: ${count} (${where}).`;
      return { code, message: `${fact} ${consequence}`, fact };
    });
  }
}
