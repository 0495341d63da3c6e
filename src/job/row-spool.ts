import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { createUsageError, describeError } from '../errors.js';

/** Rows of a program, kept in files since they are read more than once. */
export interface RowSpool<T extends object> {
  /** A file of JSON Lines, one line a row whatever it is. */
  readonly path: string;
  readonly count: number;
  /** Copies of the rows as they came in: what JSON does not hold, such as a bigint or a date, is as it was. */
  readOriginals(): AsyncGenerator<T, void>;
}

const HELD_CHARACTERS = 256 * 1024;

/** Takes all rows in, at the pace of the disk. */
export async function openRowSpool<T extends object>(
  rows: AsyncIterable<T> | Iterable<T>,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<RowSpool<T>> {
  const path = join(folder, 'rows.jsonl');
  const copyPath = join(folder, 'originals');
  const files = { lines: await LineFile.create(path), copies: await LineFile.create(copyPath) };
  let count = 0;
  try {
    for await (const row of rows) {
      signal?.throwIfAborted();
      const { line, copy } = writeRow(row, count);
      if (files.lines.add(line)) await files.lines.flush();
      if (files.copies.add(copy)) await files.copies.flush();
      count += 1;
    }
    signal?.throwIfAborted();
    await files.lines.flush();
    await files.copies.flush();
  } finally {
    await files.lines.close();
    await files.copies.close();
  }
  return {
    path,
    count,
    async *readOriginals() {
      // Written by `writeRow`, one row a line, and by nobody else.
      for await (const line of readLines(copyPath)) yield deserialize(Buffer.from(line, 'base64')) as T;
    },
  };
}

/** The lines of a text file that ends with a line feed; nothing else ends a line. */
export async function* readLines(path: string): AsyncGenerator<string, void> {
  let rest = '';
  for await (const piece of createReadStream(path, { encoding: 'utf8' })) {
    const lines = (rest + String(piece)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** A row that is no object is a line that is none, and fails by itself. */
function writeRow(row: unknown, ordinal: number): { readonly line: string; readonly copy: string } {
  try {
    const text = JSON.stringify(row, writeBigint) ?? 'null';
    return { line: text.startsWith('{') ? text : 'null', copy: serialize(row).toString('base64') };
  } catch (error) {
    throw createUsageError(
      'ROW_NOT_PLAIN',
      `row ${ordinal} cannot be kept: ${describeError(error)}`,
      'Rows have to be plain objects of texts, numbers, booleans, lists and objects, without functions or circles.',
      error,
    );
  }
}

/** As text, like every number that a JavaScript number cannot hold. */
function writeBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Writes lines in large pieces. */
class LineFile {
  readonly #file: FileHandle;
  #held = '';

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<LineFile> {
    return new LineFile(await open(path, 'wx', 0o600));
  }

  /** True once it is time to flush. */
  add(line: string): boolean {
    this.#held += `${line}\n`;
    return this.#held.length > HELD_CHARACTERS;
  }

  async flush(): Promise<void> {
    const text = this.#held;
    this.#held = '';
    await this.#file.appendFile(text);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
