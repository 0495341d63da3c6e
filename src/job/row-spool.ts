import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { createUsageError, describeSystemError } from '../errors.js';
import type { CitedSource, RowStatus } from '../model/answer.js';
import type { Blanks } from '../model/blank.js';
import { toMicros } from '../model/format.js';
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { Confidence } from '../model/run.js';

/** Rows of a program, stored in files because they are read more than once. */
export interface RowSpool<T extends object> {
  /** A JSON Lines file with one line per row. */
  readonly path: string;
  readonly count: number;
  /** How many of them are objects; the others fail. */
  readonly objects: number;
  /** Reads copies of the original rows, which keep values that JSON cannot represent, such as a bigint or a date. */
  readOriginals(): AsyncGenerator<T, void>;
  /** Reads one of them by its position. */
  readOriginal(ordinal: number): Promise<T>;
}

const HELD_CHARACTERS = 256 * 1024;

/** Stores all rows, no faster than the disk can write. */
export async function openRowSpool<T extends object>(
  rows: AsyncIterable<T> | Iterable<T>,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<RowSpool<T>> {
  const path = join(folder, 'rows.jsonl');
  const copyPath = join(folder, 'originals');
  const files = { lines: await LineFile.create(path), copies: await LineFile.create(copyPath) };
  /** Where each original ends in its file. */
  const ends: number[] = [];
  let count = 0;
  let objects = 0;
  try {
    for await (const row of readUntilAborted(rows, signal)) {
      const { line, copy } = writeRow(row, count);
      if (line !== 'null') objects += 1;
      if (files.lines.add(line)) await files.lines.flush();
      if (files.copies.add(copy)) await files.copies.flush();
      ends.push((ends.at(-1) ?? 0) + copy.length + 1);
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
    objects,
    async *readOriginals() {
      for await (const line of readLines(copyPath)) yield parseOriginal<T>(line);
    },
    async readOriginal(ordinal) {
      const start = ends[ordinal - 1] ?? 0;
      const bytes = Buffer.alloc((ends[ordinal] ?? start) - start - 1);
      const file = await open(copyPath, 'r');
      try {
        await file.read(bytes, 0, bytes.length, start);
      } finally {
        await file.close();
      }
      return parseOriginal<T>(bytes.toString('latin1'));
    },
  };
}

/** Yields the rows of a source. An abort is heard at once, even if the source never yields again. */
async function* readUntilAborted<T>(
  rows: AsyncIterable<T> | Iterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void> {
  signal?.throwIfAborted();
  const iterator = Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]();
  let reject = (_reason: unknown): void => {};
  const abort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  let isOpen = true;
  try {
    for (;;) {
      const step = iterator.next();
      const next = await (step instanceof Promise
        ? new Promise<IteratorResult<T>>((resolve, fail) => {
            reject = fail;
            // The source itself may just have aborted.
            if (signal?.aborted === true) abort();
            step.then(resolve, (error: unknown) => {
              isOpen = false;
              fail(error);
            });
          })
        : step);
      if (next.done === true) {
        isOpen = false;
        return;
      }
      yield await next.value;
      signal?.throwIfAborted();
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    // Not awaited: a source that still waits ends only when it goes on.
    if (isOpen) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** Only `writeRow` writes these lines. */
function parseOriginal<T>(line: string): T {
  return deserialize(Buffer.from(line, 'base64')) as T;
}

/** Yields the lines of a text file. Only a line feed ends a line. */
export async function* readLines(path: string): AsyncGenerator<string, void> {
  let rest = '';
  for await (const piece of createReadStream(path, { encoding: 'utf8' })) {
    const lines = (rest + String(piece)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** A row that isn't an object is written as `null` and fails on its own. */
function writeRow(row: unknown, ordinal: number): { readonly line: string; readonly copy: string } {
  try {
    const text = JSON.stringify(row, writeBigint) ?? 'null';
    const isObject = describeKind(row) === null && text.startsWith('{');
    return { line: isObject ? text : 'null', copy: serialize(row).toString('base64') };
  } catch (error) {
    throw createUsageError(
      'ROW_NOT_PLAIN',
      `rows[${ordinal}] cannot be stored: ${describeSystemError(error)}`,
      'Rows must be plain objects of strings, numbers, booleans, arrays and objects, without functions or circular references.',
      error,
    );
  }
}

/** Writes a bigint as a string, like every number that does not fit a JavaScript number. */
function writeBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Writes lines in large chunks. */
class LineFile {
  readonly #file: FileHandle;
  #held = '';

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<LineFile> {
    return new LineFile(await open(path, 'wx', 0o600));
  }

  /** Adds a line. Returns true if it is time to flush. */
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

/** The source of a value. */
export interface FilledSource {
  readonly confidence: Confidence | null;
  readonly citations: readonly CitedSource[];
  /** How a value was repaired. Absent if it was not. */
  readonly note?: string;
  /** Set for a value that a person gave. */
  readonly who?: 'human';
  /** When the value was found, as ISO text. Absent if nothing was stored. */
  readonly asOf?: string;
  /** The run that answered. Absent for a value of a person. */
  readonly runId?: string;
  /** Values that a person rejected. Absent for none. */
  readonly rejected?: readonly JsonValue[];
}

/** A row with its result. */
export interface FilledRecord<T extends object, Values = JsonObject> {
  /** A copy of the original row. */
  readonly input: T;
  /** A value for each field, including those that the row already had; null if nothing was found. */
  readonly values: Values;
  readonly status: RowStatus;
  /** The reason as text: why the row failed, which line excluded it, or which field was invalid. */
  readonly error: string | null;
  /** The row's share of the job's cost, in micro-dollars (a million is one dollar). */
  readonly costMicros: number;
  /** True if the agent did not report part of the cost, which is then the reserved price. */
  readonly isCostEstimated: boolean;
  readonly runId: string | null;
  /** Sources by field. Fields that were not sent for this row are missing. */
  readonly fields: Readonly<Record<string, FilledSource>>;
}

/** Reads what the job wrote about a row. */
export function readFilledRecord<T extends object>(
  { input, ordinal }: { readonly input: T; readonly ordinal: number },
  record: JsonValue,
  fields: readonly string[],
  blanks: Blanks,
): FilledRecord<T> {
  const kind = describeKind(input);
  if (kind !== null) return createFailedRecord(input, fields, `rows[${ordinal}] is ${kind}, not an object`);
  if (!isJsonObject(record) || !isJsonObject(record.enrichment))
    throw new TypeError('the line is not a filled row');
  // The JSON Lines writer has just written it in this shape.
  const enrichment = record.enrichment as unknown as Enrichment;
  // A placeholder that is still there was not found, so it does not count as a value.
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
    fields: Object.fromEntries(
      Object.entries(enrichment.fields).map(([name, source]) => [name, toSource(source)]),
    ),
  };
}

function toSource({ as_of: asOf, run_id: runId, ...source }: WrittenSource): FilledSource {
  return {
    ...source,
    ...(asOf === undefined ? {} : { asOf }),
    ...(runId === undefined ? {} : { runId }),
  };
}

/** What an item is instead of an object; null for an object. */
function describeKind(item: unknown): string | null {
  if (item === null || item === undefined) return String(item);
  if (Array.isArray(item)) return 'an array';
  if (typeof item !== 'object') return `a ${typeof item}`;
  const kind = Object.prototype.toString.call(item).slice('[object '.length, -1);
  return NO_ROWS.has(kind) ? `a ${kind}` : null;
}

/** Objects without columns. */
const NO_ROWS: ReadonlySet<string> = new Set(['Date', 'Map', 'RegExp', 'Set']);

/** The result of an item that is not an object. */
function createFailedRecord<T extends object>(
  input: T,
  fields: readonly string[],
  error: string,
): FilledRecord<T> {
  return {
    input,
    values: Object.fromEntries(fields.map((name) => [name, null])),
    status: 'failed',
    error,
    costMicros: 0,
    isCostEstimated: false,
    runId: null,
    fields: {},
  };
}

interface Enrichment {
  readonly status: RowStatus;
  readonly error: string | null;
  readonly cost_usd: number;
  readonly cost_estimated?: boolean;
  readonly run_id: string | null;
  readonly fields: Readonly<Record<string, WrittenSource>>;
}

interface WrittenSource extends Omit<FilledSource, 'asOf' | 'runId'> {
  readonly as_of?: string;
  readonly run_id?: string;
}
