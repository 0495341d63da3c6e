import type { Doubt } from '../model/events.js';
import type { FileShape } from '../model/file-format.js';
import type { Row } from '../model/row.js';

export interface InputOptions {
  /** A file, or `-` for standard input. */
  readonly path: string;
  /** Name for messages. @default the path */
  readonly name?: string | undefined;
  /** Column separator. @default detected */
  readonly delimiter?: string | undefined;
  /** Encoding name, as in the Encoding Standard. @default detected */
  readonly encoding?: string | undefined;
  /** For a workbook, the sheet to read: its name or number. @default the first one with a table */
  readonly sheet?: string | undefined;
  /** True if `sheet` may be meant for another file: then a missing one is no error. @default false */
  readonly isSheetOptional?: boolean | undefined;
  /** Line of the header, or row of a sheet, from 1: it settles doubts about the header. @default found */
  readonly headerRow?: number | undefined;
  /** Quote character, or `none` if quotes are text. @default detected */
  readonly quote?: string | undefined;
  /** For a workbook: `skip` leaves hidden rows alone, `fill` fills them. @default `fill`, with a doubt */
  readonly hiddenRows?: string | undefined;
  /** For a JSON document, the list with the rows: its keys joined by dots, or `.` for the object. @default its only list */
  readonly rowsAt?: string | undefined;
  /** False: the first row is data, and the columns are named `column_1`, `column_2`, … @default true */
  readonly header?: boolean | undefined;
  /** True to reject input that would otherwise only cause a warning. @default false */
  readonly strict?: boolean | undefined;
  readonly limits?: Partial<InputLimits> | undefined;
  /** @default process.stdin */
  readonly stdin?: NodeJS.ReadableStream | undefined;
  /** Aborts waiting for standard input and reading a JSON file for its keys. */
  readonly signal?: AbortSignal | undefined;
}

export interface Input {
  /** Name for messages. */
  readonly name: string;
  readonly shape: FileShape;
  /** Unique column names; for a JSON file, the keys of the rows read so far. */
  readonly columns: readonly string[];
  /** Resolves when `columns` is complete; for a JSON file that reads the whole file, once. */
  readColumns(): Promise<void>;
  /** Warnings so far; complete once `openRows` was read to its end. */
  readonly notes: readonly InputWarning[];
  /** Doubts about the file that no option has settled; complete once `openRows` was read to its end. */
  readonly doubts: readonly Doubt[];
  /** The rows in order, in chunks of up to 1,000. Each call starts over. Throws if the input is broken. */
  openRows(signal?: AbortSignal): AsyncIterable<readonly Row[]>;
  /** Deletes the temporary copy of standard input. */
  close(): Promise<void>;
}

/** The first characters of a file. */
export interface TextSample {
  readonly text: string;
  /** True if the sample is the whole text. */
  readonly isWhole: boolean;
}

/** What the reader of a text format needs. */
export interface TextInput {
  readonly name: string;
  /** Lower case, without `.gz`: `.csv`. */
  readonly extension: string;
  readonly sample: TextSample;
  readonly shape: Pick<FileShape, 'bom' | 'encoding' | 'gzip'>;
  readonly notes: readonly InputWarning[];
  readonly limits: InputLimits;
  openText(signal?: AbortSignal): AsyncIterable<string>;
}

/** An opened reader, before it is combined with its file. */
export type OpenReader = Pick<Input, 'shape' | 'columns' | 'readColumns' | 'notes' | 'doubts' | 'openRows'>;

/** Size limits, so a huge file gives a clear error instead of running out of memory. */
export interface InputLimits {
  /** Maximum record length, in characters. @default 16777216 */
  readonly maxRowLength: number;
  /** Maximum number of columns. @default 16384 */
  readonly maxColumns: number;
  /** Maximum nesting depth of a JSON row. @default 100 */
  readonly maxDepth: number;
  /** Maximum expansion ratio of a compressed file larger than `freeInflateBytes`. @default 400 */
  readonly maxInflateRatio: number;
  /** Expanded size that is allowed at any ratio, in bytes. @default 268435456 */
  readonly freeInflateBytes: number;
  /** Maximum size of a workbook's shared strings, in bytes. @default 268435456 */
  readonly maxSharedBytes: number;
  /** Maximum blank cells before the last value of a row, summed over a sheet. @default 100000000 */
  readonly maxBlankCells: number;
  /** Maximum bytes read from standard input, a pipe or a device. @default 17179869184 */
  readonly maxSpoolBytes: number;
  /** Read chunk size, in bytes. @default 32768 */
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
  pieceBytes: 32 * 1024,
};

/** A warning about an input that can still be read. */
export interface InputWarning {
  readonly code: string;
  readonly message: string;
  /**
   * The message without its consequence for the output, for a file that is only read; null if nothing
   * remains.
   */
  readonly fact?: string | null;
}

const MAX_LINES = 5;

/** Collects warnings about rows: the count and the first lines of each kind. */
export class Warnings {
  readonly #seen = new Map<string, { count: number; lines: (number | string)[] }>();

  /** `line` is a line number, or the name of a cell. */
  add(code: string, line: number | string): void {
    const entry = this.#seen.get(code) ?? { count: 0, lines: [] };
    entry.count += 1;
    if (entry.lines.length < MAX_LINES) entry.lines.push(line);
    this.#seen.set(code, entry);
  }

  /**
   * Returns the warnings so far; `texts` has, for each code, what it counts (singular, plural) and the
   * consequence.
   */
  read(
    texts: Readonly<Record<string, readonly [one: string, many: string, consequence: string]>>,
    unit = 'line',
  ): InputWarning[] {
    return [...this.#seen].map(([code, { count, lines }]) => {
      const [one, many, consequence] = texts[code] ?? [code, code, ''];
      const more = count > lines.length ? ', …' : '';
      const noun = typeof lines[0] === 'string' ? 'cell' : unit;
      const where = `${count === 1 ? noun : `${noun}s`} ${lines.join(', ')}${more}`;
      const fact = `${count} ${count === 1 ? one : many} (${where}).`;
      return { code, message: `${fact} ${consequence}`, fact };
    });
  }
}

/** Quotes text from a file so that it is safe to print on a terminal. */
export function quoteText(text: string): string {
  return JSON.stringify(text.slice(0, 100)).replace(
    /(?! )[\p{Cc}\p{Cf}\p{Zs}]/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
}
