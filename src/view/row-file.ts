import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../errors.js';
import { isJsonObject, type JsonValue, parseExactJson } from '../model/json.js';
import type { CellRow, Row } from '../model/row.js';
import { createTemporaryFolder } from '../read/bytes.js';
import type { Input } from '../read/open-input.js';
import { LineFile } from './line-file.js';

type CellExtras = Pick<CellRow, 'skip' | 'isHidden' | 'stored' | 'source' | 'formulas' | 'arrays'>;
type StoredRow =
  | readonly [line: number, cells: readonly string[], extras?: CellExtras]
  | { readonly line: number; readonly text: string; readonly fault?: string };

/**
 * The rows of an input by ordinal. The run's own reader reads them once, in order, whatever the format, and a temporary
 * file that only its owner may read keeps them: rows are numbered exactly as the job numbers them, a compressed file or
 * a workbook need not be searched, and the view stays whole if the file changes.
 */
export class RowFile {
  /** Rows read so far. */
  count = 0;
  isRead = false;
  /** Why the rest of the input cannot be read; null if it can. */
  fault: string | null = null;
  /** Resolves once all rows are read; rejects if the input is broken. */
  readonly whenRead: Promise<void>;
  readonly #lines: LineFile;
  readonly #folder: string;
  readonly #input: Input;
  readonly #stop = new AbortController();
  #columns: ReadonlyMap<string, number> = new Map();

  private constructor(input: Input, folder: string, lines: LineFile) {
    this.#input = input;
    this.#folder = folder;
    this.#lines = lines;
    this.whenRead = this.#readAll();
    // The rows before the fault can still be looked at.
    this.whenRead.catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.fault = describeError(error);
    });
  }

  /** Starts reading. */
  static async open(input: Input): Promise<RowFile> {
    const folder = await createTemporaryFolder('rowfill-view-');
    return new RowFile(input, folder, await LineFile.create(join(folder, 'rows')));
  }

  /** A folder for temporary files, which is removed with this one. */
  get folder(): string {
    return this.#folder;
  }

  /**
   * Reads rows by ordinal, in the given order. All must have been read before. With `isWanted`, a row whose text it
   * refuses is not parsed, and missing.
   */
  async read(ordinals: readonly number[], isWanted?: (text: string) => boolean): Promise<Row[]> {
    const lines = await this.#lines.read(ordinals);
    return lines.flatMap((line, index) =>
      isWanted?.(line) === false ? [] : [this.#parse(line, ordinals[index] ?? 0)],
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.whenRead.catch(() => undefined);
    await this.#lines.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #readAll(): Promise<void> {
    for await (const rows of this.#input.openRows(this.#stop.signal)) {
      let isFull = false;
      for (const row of rows) {
        if (row.kind === 'cells') this.#columns = row.columns;
        isFull = this.#lines.set(row.ordinal, JSON.stringify(storeRow(row))) || isFull;
      }
      if (isFull) await this.#lines.flush();
      this.count += rows.length;
      this.#stop.signal.throwIfAborted();
    }
    await this.#lines.flush();
    this.isRead = true;
  }

  #parse(text: string, ordinal: number): Row {
    // Only `storeRow` writes these lines.
    const stored = JSON.parse(text) as StoredRow;
    if (isCells(stored)) {
      const [line, cells, extras] = stored;
      return { kind: 'cells', ordinal, line, columns: this.#columns, cells, ...extras };
    }
    const { line, text: source, fault } = stored;
    if (fault !== undefined) return { kind: 'faulty', ordinal, line, text: source, fault };
    const object: JsonValue = parseExactJson(source);
    return { kind: 'object', ordinal, line, text: source, object: isJsonObject(object) ? object : {} };
  }
}

function isCells(stored: StoredRow): stored is readonly [number, readonly string[], CellExtras?] {
  return Array.isArray(stored);
}

function storeRow(row: Row): StoredRow {
  const { line } = row;
  if (row.kind === 'faulty') return { line, text: row.text, fault: row.fault };
  if (row.kind === 'object') return { line, text: row.text };
  const { skip, isHidden, stored, source, formulas, arrays, cells } = row;
  if (skip === undefined && isHidden === undefined && stored === undefined && source === undefined)
    return [line, cells];
  const extras = {
    ...(skip === undefined ? {} : { skip }),
    ...(isHidden === undefined ? {} : { isHidden }),
    ...(stored === undefined ? {} : { stored }),
    ...(source === undefined ? {} : { source }),
    ...(formulas === undefined ? {} : { formulas }),
    ...(arrays === undefined ? {} : { arrays }),
  };
  return [line, cells, extras];
}
