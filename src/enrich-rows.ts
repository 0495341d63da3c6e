import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EnrichHooks, enrich } from './enrich.js';
import { createUsageError } from './errors.js';
import type { AnsweredRow } from './job/answered-rows.js';
import { checkHooks } from './job/job-context.js';
import { resolveFields } from './job/resolve-ask.js';
import {
  type FilledRecord,
  openRowSpool,
  type RowSpool,
  readFilledRecord,
  readLines,
} from './job/row-spool.js';
import { createBlanks } from './model/blank.js';
import type { EnrichEvent, JobSummary } from './model/events.js';
import type { JsonObject, JsonValue } from './model/json.js';
import { checkOptionTypes } from './model/option-types.js';
import { type EnrichOptions, JOB_OPTION_TYPES, resolvePlanSettings, resolveSettings } from './options.js';
import { type Plan, plan } from './plan.js';
import { createTemporaryFolder } from './read/bytes.js';

export type { FilledRecord, FilledSource } from './job/row-spool.js';

/** Options of `enrich`, without those that only apply to files. */
export interface EnrichRowsOptions
  extends Omit<
    EnrichOptions,
    | 'input'
    | 'output'
    | 'format'
    | 'delimiter'
    | 'encoding'
    | 'sheet'
    | 'header'
    | 'headerRow'
    | 'quote'
    | 'rowsAt'
    | 'hiddenRows'
    | 'bom'
    | 'raw'
    | 'plain'
    | 'sources'
  > {
  /**
   * When rows are returned: in the order of the input once the job has ended, or each as soon as its result is final.
   * @default 'input'
   */
  readonly order?: 'input' | 'as_answered' | undefined;
}

/** The filled rows. They can be iterated once. */
export interface EnrichedRows<T extends object, Values = JsonObject>
  extends AsyncIterable<FilledRecord<T, Values>> {
  /** The job summary: set once the job has ended; null before that, and without rows. */
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
  headerRow: _headerRow,
  quote: _quote,
  rowsAt: _rowsAt,
  hiddenRows: _hiddenRows,
  bom: _bom,
  raw: _raw,
  plain: _plain,
  sources: _sources,
  ...ROWS_OPTION_TYPES
} = JOB_OPTION_TYPES;

/**
 * Fills objects instead of a file, and returns them with their results in the same order. Nothing happens until the
 * first row is requested. Then it reads all rows, runs the job like `enrich`, and returns the rows: in their order at
 * the end, or with `order: 'as_answered'` while the job runs. They are stored in temporary files, which are removed at
 * the end, even if the consumer stops early.
 *
 * The same rows under the same `name` continue an interrupted call. Throws what `enrich` throws.
 *
 * @example const rows = enrichRows([{ company: 'Exa' }], { fields: ['ceo'], apiKey: process.env.EXA_API_KEY, maxCost: 1
 * }); for await (const { input, values, status } of rows) console.log(input.company, values.ceo, status);
 * console.log(rows.summary?.costMicros);
 */
export function enrichRows<T extends object, Values = JsonObject>(
  rows: AsyncIterable<T> | Iterable<T>,
  options: EnrichRowsOptions,
  hooks: EnrichHooks = {},
): EnrichedRows<T, Values> {
  let summary: JobSummary | null = null;
  async function* fill(): AsyncGenerator<FilledRecord<T>, void> {
    const { order = 'input' } = options;
    const { job, fields } = await resolveRowsJob(rows, options, hooks);
    const folder = await createTemporaryFolder('rowfill-rows-');
    try {
      const spool = await openRowSpool(rows, folder, hooks.signal);
      const output = join(folder, 'filled.jsonl');
      const files = { input: spool.path, output, format: 'jsonl' } as const;
      const names = fields.map((field) => field.name);
      const blanks = createBlanks({ words: job.blank, fields });
      const readRecord: ReadRecord<T> = (item, record) => readFilledRecord(item, record, names, blanks);
      if (spool.objects === 0) {
        // No item can be sent, so no job is created.
        let ordinal = 0;
        for await (const input of spool.readOriginals())
          yield readRecord({ input, ordinal: ordinal++ }, null);
        return;
      }
      const run = async (own: EnrichHooks): Promise<void> => {
        const ended = await enrich({ ...job, ...files }, hideFiles(own));
        summary = { ...ended, input: job.name, output: '-' };
      };
      if (order === 'input') await run(hooks);
      const given = order === 'input' ? null : yield* readAnswered(spool, hooks, run, readRecord);
      yield* readRest(spool, output, given, readRecord);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  // The caller says which values its fields have.
  const filled = fill() as AsyncGenerator<FilledRecord<T, Values>, void>;
  return {
    get summary() {
      return summary;
    },
    [Symbol.asyncIterator]: () => filled,
  };
}

/**
 * Plans `enrichRows` without running it: reads the rows, sends nothing, spends nothing, and needs no key. Throws the
 * other usage errors of `enrichRows`.
 */
export async function planRows<T extends object>(
  rows: AsyncIterable<T> | Iterable<T>,
  options: EnrichRowsOptions,
): Promise<Plan> {
  const { job } = await resolveRowsJob(rows, options, null);
  const folder = await createTemporaryFolder('rowfill-rows-');
  try {
    const spool = await openRowSpool(rows, folder, undefined);
    return await plan({ ...job, input: spool.path, format: 'jsonl' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Checks the options of a job on rows. A plan has no hooks and needs no key. */
async function resolveRowsJob(rows: unknown, options: EnrichRowsOptions, hooks: EnrichHooks | null) {
  checkOptionTypes('enrichRows', options, { ...ROWS_OPTION_TYPES, order: 'text' });
  if (hooks !== null) checkHooks(hooks);
  checkRows(rows);
  const { order = 'input', ...rest } = options;
  checkOrder(order);
  const job = { ...rest, name: rest.name ?? DEFAULT_NAME, input: '-' };
  if (hooks === null) resolvePlanSettings(job);
  else resolveSettings(job);
  return { job, fields: await resolveFields(job) };
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

type ReadRecord<T extends object> = (
  item: { readonly input: T; readonly ordinal: number },
  record: JsonValue,
) => FilledRecord<T>;

/** Answered rows that wait for a slow consumer. Further ones are returned at the end, from the output. */
const MAX_WAITING = 10_000;

/**
 * Runs the job and returns its rows as they are answered. Stops the job if the consumer leaves early. Returns which rows
 * were returned, by position.
 */
async function* readAnswered<T extends object>(
  spool: RowSpool<T>,
  hooks: EnrichHooks,
  run: (hooks: EnrichHooks) => Promise<void>,
  readRecord: ReadRecord<T>,
): AsyncGenerator<FilledRecord<T>, Uint8Array> {
  const given = new Uint8Array(spool.count);
  const waiting: AnsweredRow[] = [];
  const leave = new AbortController();
  let isRunning = true;
  let wake = (): void => {};
  const onAnswer = (row: AnsweredRow): void => {
    hooks.onAnswer?.(row);
    if (waiting.length < MAX_WAITING) waiting.push(row);
    wake();
  };
  const signal = AbortSignal.any([leave.signal, ...(hooks.signal === undefined ? [] : [hooks.signal])]);
  const job = run({ ...hooks, onAnswer, signal }).finally(() => {
    isRunning = false;
    wake();
  });
  // Awaited below; it may fail before that.
  job.catch(() => undefined);
  try {
    for (;;) {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        given[next.ordinal] = 1;
        const { ordinal, record } = next;
        yield readRecord({ input: await spool.readOriginal(ordinal), ordinal }, record);
      }
      if (!isRunning) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (!isRunning || waiting.length > 0) resolve();
      });
    }
    await job;
  } finally {
    leave.abort(new Error('the consumer left the loop'));
    await job.catch(() => undefined);
  }
  return given;
}

/** Combines the original rows with their results, except those that were returned before. */
async function* readRest<T extends object>(
  spool: RowSpool<T>,
  output: string,
  given: Uint8Array | null,
  readRecord: ReadRecord<T>,
): AsyncGenerator<FilledRecord<T>, void> {
  const originals = spool.readOriginals();
  let ordinal = 0;
  try {
    for await (const line of readLines(output)) {
      const original = await originals.next();
      if (original.done !== true && given?.[ordinal] !== 1)
        yield readRecord({ input: original.value, ordinal }, JSON.parse(line));
      ordinal += 1;
    }
  } finally {
    await originals.return();
  }
}

function checkOrder(order: unknown): void {
  if (order === 'input' || order === 'as_answered') return;
  throw createUsageError('BAD_OPTION', `order is ${JSON.stringify(order)}`, "Use 'input' or 'as_answered'.");
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
