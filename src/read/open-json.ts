import { createUsageError } from '../errors.js';
import type { InputOptions, OpenReader, TextInput } from './input.js';
import { readJsonList } from './json-list-reader.js';
import { readJsonLines } from './jsonl-reader.js';
import { Notebook } from './notebook.js';

const NOTES = { ROW_FAULTY: 'are no JSON objects and end as failed' };

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
    columns,
    get notes() {
      return notebook.read(NOTES);
    },
    openRows: (signal) => {
      notebook = new Notebook();
      return openRows(notebook, signal);
    },
  };
}

/** The keys of the first rows in the order in which they come up; null if there are no rows. */
async function readFirstKeys(chunks: ReturnType<typeof readJsonLines>): Promise<string[] | null> {
  for await (const rows of chunks) {
    const keys = new Set<string>();
    for (const row of rows)
      if (row.kind === 'object') for (const key of Object.keys(row.object)) keys.add(key);
    return [...keys];
  }
  return null;
}
