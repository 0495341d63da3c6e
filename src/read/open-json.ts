import { createUsageError } from '../errors.js';
import type { FaultyRow, ObjectRow } from '../model/row.js';
import type { InputOptions, OpenReader, TextInput } from './input.js';
import { readJsonList } from './json-list-reader.js';
import { readJsonLines } from './jsonl-reader.js';
import { Notebook } from './notebook.js';

const NOTES = {
  ROW_FAULTY: ['Rows that are no JSON object', 'They end as failed.'],
  TRAILING_COMMA: ['Commas before the end of the list', 'They are passed over.'],
} as const;

/** Opens JSON Lines, or a JSON file that is one list: the columns are the keys of the first rows. */
export async function openJson(
  format: 'jsonl' | 'json',
  input: TextInput,
  options: InputOptions,
): Promise<OpenReader> {
  const { name, limits } = input;
  const reading = {
    name,
    maxRowLength: limits.maxRowLength,
    maxDepth: limits.maxDepth,
    strict: options.strict === true,
  };
  const read = format === 'json' ? readJsonList : readJsonLines;
  const openRows = (notebook: Notebook, signal?: AbortSignal) =>
    read(input.openText(signal), reading, notebook);
  const columns = await readFirstKeys(openRows(new Notebook()));
  if (columns === null) {
    throw createUsageError('INPUT_NO_ROWS', `${name} has no rows`, 'Give a file with at least one object.');
  }
  const keys = new Set(columns);
  let notebook = new Notebook();
  return {
    shape: {
      format,
      titles: [],
      delimiter: ',',
      newline: input.sample.text.includes('\r\n') ? '\r\n' : '\n',
      quoting: 'needed',
      titlesQuoted: false,
      sepLine: false,
      ...input.shape,
    },
    get columns() {
      return [...keys];
    },
    get notes() {
      return notebook.read(NOTES);
    },
    openRows: (signal) => {
      notebook = new Notebook();
      return collectKeys(openRows(notebook, signal), keys, limits.maxColumns);
    },
  };
}

type JsonRows = AsyncIterable<readonly (ObjectRow | FaultyRow)[]>;

/** The keys of the first rows in the order in which they come up; null if there are no rows. */
async function readFirstKeys(chunks: JsonRows): Promise<string[] | null> {
  const keys = new Set<string>();
  let hasRows = false;
  for await (const rows of chunks) {
    hasRows = true;
    addKeys(rows, keys, Number.POSITIVE_INFINITY);
    if (keys.size > 0) break;
  }
  return hasRows ? [...keys] : null;
}

/** Learns keys that come up late, so that a table made of the rows has a column for each. */
async function* collectKeys(
  chunks: JsonRows,
  keys: Set<string>,
  maxKeys: number,
): AsyncGenerator<readonly (ObjectRow | FaultyRow)[]> {
  for await (const rows of chunks) {
    addKeys(rows, keys, maxKeys);
    yield rows;
  }
}

function addKeys(rows: readonly (ObjectRow | FaultyRow)[], keys: Set<string>, maxKeys: number): void {
  for (const row of rows) {
    if (row.kind !== 'object') continue;
    for (const key in row.object) if (keys.size < maxKeys && Object.hasOwn(row.object, key)) keys.add(key);
  }
}
