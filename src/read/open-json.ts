import { createUsageError, type RowfillError } from '../errors.js';
import { formatNumber } from '../model/format.js';
import { type JsonObject, listKeys } from '../model/json.js';
import type { FaultyRow, ObjectRow } from '../model/row.js';
import { type InputOptions, type OpenReader, type TextInput, Warnings } from './input.js';
import { findJsonLayout } from './json-layout.js';
import { readJsonItems } from './json-list-reader.js';
import { readJsonLines } from './jsonl-reader.js';

const NOTES = {
  ROW_FAULTY: ['row is not a JSON object', 'rows are not JSON objects', 'Status: failed.'],
  TRAILING_COMMA: ['trailing comma in the list', 'trailing commas in the list', 'Ignored.'],
} as const;

/** Opens JSON Lines, a JSON list or a document with one. The columns are the keys of the first rows. */
export async function openJson(input: TextInput, options: InputOptions): Promise<OpenReader> {
  const { name, limits } = input;
  const { layout, notes } = await findJsonLayout(input, options.rowsAt);
  const reading = {
    name,
    maxRowLength: limits.maxRowLength,
    maxDepth: limits.maxDepth,
    strict: options.strict === true,
  };
  const openRows = (warnings: Warnings, signal?: AbortSignal) =>
    layout.kind === 'lines'
      ? readJsonLines(input.openText(signal), reading, warnings)
      : readJsonItems(input.openText(signal), layout, reading, warnings);
  const keys = new KeyCollector(name, limits.maxColumns);
  await readFirstKeys(name, openRows(new Warnings()), keys);
  let warnings = new Warnings();
  return {
    shape: {
      format: layout.kind === 'list' ? 'json' : 'jsonl',
      ...(layout.kind === 'list' && layout.envelope !== null ? { envelope: layout.envelope } : {}),
      titles: [],
      delimiter: ',',
      newline: input.sample.text.includes('\r\n') ? '\r\n' : '\n',
      quoting: 'needed',
      titlesQuoted: false,
      sepLine: false,
      ...input.shape,
    },
    get columns() {
      return keys.list();
    },
    async readColumns() {
      if (!keys.isWhole) for await (const _rows of keys.collect(openRows(new Warnings(), options.signal)));
    },
    get notes() {
      return [...notes, ...warnings.read(NOTES)];
    },
    doubts: [],
    openRows: (signal) => {
      warnings = new Warnings();
      return keys.collect(openRows(warnings, signal));
    },
  };
}

type JsonRows = AsyncIterable<readonly (ObjectRow | FaultyRow)[]>;

/**
 * Collects the keys of the first rows, so that reading the header is cheap. Throws if there are no rows, or none that
 * is an object.
 */
async function readFirstKeys(name: string, chunks: JsonRows, keys: KeyCollector): Promise<void> {
  let count = 0;
  let fault: string | null = null;
  for await (const rows of chunks) {
    keys.add(rows);
    for (const row of rows) {
      if (row.kind === 'object') return;
      count += 1;
      fault ??= row.fault;
    }
  }
  if (fault === null) {
    throw createUsageError('INPUT_NO_ROWS', `${name} has no rows`, 'Use a file with at least one object.');
  }
  throw createUsageError(
    'INPUT_NOT_OBJECTS',
    `${name} has no JSON object: ${formatNumber(count, 'item')}, the first at ${fault}`,
    'Each row must be an object, such as {"company": "Acme"}.',
  );
}

/** The keys of all rows in order of first use: the columns of a table made from them. */
class KeyCollector {
  /** True once all rows were read. */
  isWhole = false;
  readonly #name: string;
  readonly #maxKeys: number;
  readonly #keys = new Set<string>();

  constructor(name: string, maxKeys: number) {
    this.#name = name;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#keys.size;
  }

  list(): string[] {
    return [...this.#keys];
  }

  async *collect(chunks: JsonRows): AsyncGenerator<readonly (ObjectRow | FaultyRow)[]> {
    for await (const rows of chunks) {
      if (!this.isWhole) this.add(rows);
      yield rows;
    }
    this.isWhole = true;
  }

  add(rows: readonly (ObjectRow | FaultyRow)[]): void {
    for (const row of rows) {
      if (row.kind !== 'object' || !this.#hasNewKey(row.object)) continue;
      for (const key of listKeys(row.object, row.text)) this.#addKey(key, row.line);
    }
  }

  #hasNewKey(object: JsonObject): boolean {
    for (const key in object) if (!this.#keys.has(key) && Object.hasOwn(object, key)) return true;
    return false;
  }

  #addKey(key: string, line: number): void {
    if (this.#keys.has(key)) return;
    if (this.#keys.size < this.#maxKeys) this.#keys.add(key);
    else throw this.#refuse(line);
  }

  #refuse(line: number): RowfillError {
    return createUsageError(
      'INPUT_TOO_MANY_COLUMNS',
      `${this.#name}, line ${line}: up to here the objects have more than ${this.#maxKeys} distinct keys`,
      'Each key is a column. Put keys that are data, such as ids, into a list or an object inside the row.',
    );
  }
}
