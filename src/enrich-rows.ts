import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EnrichHooks, enrich } from './enrich.js';
import { createUsageError } from './errors.js';
import { checkHooks } from './job/job-context.js';
import { resolveFields } from './job/resolve-ask.js';
import {
  type FilledRecord,
  openRowSpool,
  type RowSpool,
  readFilledRecord,
  readLines,
} from './job/row-spool.js';
import type { Field } from './model/ask.js';
import { type Blanks, createBlanks } from './model/blank.js';
import type { EnrichEvent, JobSummary } from './model/events.js';
import { checkOptionTypes } from './model/option-types.js';
import { type EnrichOptions, JOB_OPTION_TYPES, resolveSettings } from './options.js';
import { createTemporaryFolder } from './read/bytes.js';

export type { FilledRecord, FilledSource } from './job/row-spool.js';

/** Options of `enrich`, without those that only apply to files. */
export type EnrichRowsOptions = Omit<
  EnrichOptions,
  'input' | 'output' | 'format' | 'delimiter' | 'encoding' | 'sheet' | 'header' | 'bom' | 'raw'
>;

/** The filled rows. They can be iterated once. */
export interface EnrichedRows<T extends object> extends AsyncIterable<FilledRecord<T>> {
  /** The job summary: set once the first row is returned; null without rows. */
  readonly summary: JobSummary | null;
}

const DEFAULT_NAME = 'rows';
const {
  input: _input,
  output: _output,
  format: _format,
  delimiter: _delimiter,
  encoding: _encoding,
  sheet: _sheet,
  header: _header,
  bom: _bom,
  raw: _raw,
  ...ROWS_OPTION_TYPES
} = JOB_OPTION_TYPES;

/**
 * Fills objects instead of a file, and returns them with their results in the same order. Nothing happens until the
 * first row is requested. Then it reads all rows, runs the job like `enrich`, and returns the rows. They are stored in
 * temporary files, which are removed at the end, even if the consumer stops early.
 *
 * The same rows under the same `name` continue an interrupted call. Throws what `enrich` throws.
 *
 * @example const rows = enrichRows([{ company: 'Exa' }], { fields: ['ceo'], apiKey: process.env.EXA_API_KEY, maxCost: 1
 * }); for await (const { input, values, status } of rows) console.log(input.company, values.ceo, status);
 * console.log(rows.summary?.costMicros);
 */
export function enrichRows<T extends object>(
  rows: AsyncIterable<T> | Iterable<T>,
  options: EnrichRowsOptions,
  hooks: EnrichHooks = {},
): EnrichedRows<T> {
  let summary: JobSummary | null = null;
  async function* fill(): AsyncGenerator<FilledRecord<T>, void> {
    checkOptionTypes('enrichRows', options, ROWS_OPTION_TYPES);
    checkHooks(hooks);
    checkRows(rows);
    const job = { ...options, name: options.name ?? DEFAULT_NAME, input: '-' };
    resolveSettings(job);
    const fields = await resolveFields(job);
    const folder = await createTemporaryFolder('rowfill-rows-');
    try {
      const spool = await openRowSpool(rows, folder, hooks.signal);
      if (spool.count === 0) return;
      const output = join(folder, 'filled.jsonl');
      const files = { input: spool.path, output, format: 'jsonl' } as const;
      const ended = await enrich({ ...job, ...files }, hideFiles(hooks));
      summary = { ...ended, input: job.name, output: '-' };
      yield* readRecords(spool, output, fields, createBlanks({ words: job.blank, fields }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const filled = fill();
  return {
    get summary() {
      return summary;
    },
    [Symbol.asyncIterator]: () => filled,
  };
}

function checkRows(rows: unknown): void {
  const isObject = typeof rows === 'object' && rows !== null;
  if (isObject && (Symbol.asyncIterator in rows || Symbol.iterator in rows)) return;
  throw createUsageError(
    'BAD_OPTION',
    `the rows of enrichRows must be iterable, not ${rows === null ? 'null' : `of type ${typeof rows}`}`,
    'Pass an array of objects or any other iterable.',
  );
}

/** Combines the original rows with their results. */
async function* readRecords<T extends object>(
  spool: RowSpool<T>,
  output: string,
  fields: readonly Field[],
  blanks: Blanks,
): AsyncGenerator<FilledRecord<T>, void> {
  const names = fields.map((field) => field.name);
  const originals = spool.readOriginals();
  try {
    for await (const line of readLines(output)) {
      const original = await originals.next();
      if (original.done !== true) yield readFilledRecord(original.value, line, names, blanks);
    }
  } finally {
    await originals.return();
  }
}

/** Hides the path of the temporary file from events. */
function hideFiles(hooks: EnrichHooks): EnrichHooks {
  const { onEvent } = hooks;
  if (onEvent === undefined) return hooks;
  return {
    ...hooks,
    onEvent: (event: EnrichEvent) => onEvent(event.type === 'written' ? { ...event, path: '-' } : event),
  };
}
