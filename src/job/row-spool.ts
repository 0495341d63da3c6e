import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { createUsageError, describeError } from '../errors.js';
import type { CitedSource, RowStatus } from '../model/answer.js';
import type { Blanks } from '../model/blank.js';
import { toMicros } from '../model/format.js';
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { Confidence } from '../model/run.js';

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

/** Where a value comes from. */
export interface FilledSource {
  readonly confidence: Confidence | null;
  readonly citations: readonly CitedSource[];
}

/** A row of a program with what became of it. */
export interface FilledRecord<T extends object> {
  /** The row as it was given, as a copy. */
  readonly input: T;
  /** A value for each field that was asked for, also where the row had it already; null where nothing was found. */
  readonly values: JsonObject;
  readonly status: RowStatus;
  /** Why, in words: the reason of a failure, the line that excluded the row, the field that was not valid. */
  readonly error: string | null;
  /** The row's share of what the job was billed, in micro-dollars: a million is a dollar. */
  readonly costMicros: number;
  /** True if the agent did not say what some of that cost: it is then the reserved price. */
  readonly isCostEstimated: boolean;
  readonly runId: string | null;
  /** Where the values come from, by field; a field that was not asked about this row is missing. */
  readonly fields: Readonly<Record<string, FilledSource>>;
}

/** Reads back what the job wrote about a row. */
export function readFilledRecord<T extends object>(
  input: T,
  line: string,
  fields: readonly string[],
  blanks: Blanks,
): FilledRecord<T> {
  const record: unknown = JSON.parse(line);
  if (!isJsonObject(record) || !isJsonObject(record.enrichment))
    throw new TypeError('a line is a filled row');
  // Written a moment ago by the writer of JSON Lines, in just this shape.
  const enrichment = record.enrichment as unknown as Enrichment;
  // A placeholder of the row that was asked about and stayed is no value that was found.
  const isLeft = (name: string, value: JsonValue | undefined): boolean =>
    Object.hasOwn(enrichment.fields, name) &&
    blanks.isUnfilled(name, value) &&
    Reflect.get(input, name) === value;
  const readField = (name: string) => {
    const value = getOwn(record, name);
    return [name, isLeft(name, value) ? null : (value ?? null)];
  };
  return {
    input,
    values: Object.fromEntries(fields.map(readField)),
    status: enrichment.status,
    error: enrichment.error,
    costMicros: toMicros(enrichment.cost_usd),
    isCostEstimated: enrichment.cost_estimated === true,
    runId: enrichment.run_id,
    fields: enrichment.fields,
  };
}

interface Enrichment {
  readonly status: RowStatus;
  readonly error: string | null;
  readonly cost_usd: number;
  readonly cost_estimated?: boolean;
  readonly run_id: string | null;
  readonly fields: Readonly<Record<string, FilledSource>>;
}
