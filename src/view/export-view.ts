import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { loadExclusion } from '../job/load-exclusion.js';
import { writeOutput } from '../job/output.js';
import { parseKeptOptions } from '../job/resolve-ask.js';
import type { FileFormat } from '../model/file-format.js';
import type { Row } from '../model/row.js';
import type { Input } from '../read/open-input.js';
import type { ViewJob } from './view-job.js';

const CHUNK_ROWS = 500;
const MAX_NUMBER = 10_000;

/**
 * Writes the rows of a view, in its order, beside the input, with the columns of `rowfill export`. Never replaces a file.
 * Returns its path.
 */
export async function exportView(
  view: ViewJob,
  ordinals: readonly number[],
  format: FileFormat,
): Promise<string> {
  const { job, ledger, input, blanks, history } = view;
  const kept = parseKeptOptions(job.settings);
  const path = findFreePath(job.input, format);
  await writeOutput({
    input: pickRows(view, ordinals),
    ask: job.ask,
    blanks,
    history,
    ledger,
    job,
    exclusion: await loadExclusion({ ...kept, blanks }, job.ask, input, undefined),
    exclusionName: kept.exclude ?? '',
    unasked: job.stop === 'budget' ? 'over_budget' : 'pending',
    isWanted: () => true,
    inputPath: job.input,
    path,
    format,
    overwrite: kept.overwrite ?? false,
    raw: kept.raw ?? false,
    bom: kept.bom,
    checkPath: undefined,
  });
  return path;
}

/** `list.view.csv` beside `list.csv`; `list.view-2.csv` if that exists. */
function findFreePath(input: string, format: FileFormat): string {
  const name = basename(input).replace(/\.gz$/i, '');
  const stem = join(dirname(input), basename(name, extname(name)));
  for (let number = 1; number < MAX_NUMBER; number += 1) {
    const path = `${stem}.view${number === 1 ? '' : `-${number}`}.${format}`;
    if (!existsSync(path)) return path;
  }
  return `${stem}.view-${Date.now()}.${format}`;
}

/** The input with only some of its rows. */
function pickRows({ input, rows }: ViewJob, ordinals: readonly number[]): Input {
  return {
    name: input.name,
    // The rows are no longer those of the file, so neither are the lines around them.
    shape: input.shape,
    columns: input.columns,
    notes: [],
    doubts: [],
    readColumns: () => input.readColumns(),
    async *openRows(): AsyncGenerator<readonly Row[]> {
      for (let from = 0; from < ordinals.length; from += CHUNK_ROWS) {
        yield await rows.read(ordinals.slice(from, from + CHUNK_ROWS));
      }
    },
    close: async () => undefined,
  };
}
