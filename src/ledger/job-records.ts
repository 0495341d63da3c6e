import { createUsageError, RowfillError } from '../errors.js';
import type { RowCounts } from '../model/answer.js';
import { type Ask, hashText } from '../model/ask.js';
import type { FinishedOutput, JobStop } from '../model/events.js';
import type { JsonObject } from '../model/json.js';
import type { JobParts, JobRecord, JobSpend, JobStatus, RunInFlight } from './records.js';

/** A job as stored, with its last invocation. */
export interface JobRow {
  readonly id: string;
  readonly askId: string;
  readonly ask: string;
  readonly input: string;
  readonly output: string;
  readonly settings: string;
  readonly invocation: number;
  readonly stop: JobStop | null;
  readonly counts: string | null;
  readonly finished: string | null;
  readonly placedInput: string | null;
  readonly placedOutput: string | null;
}

/** A job's id. Each sheet of a workbook is an input of its own. */
export function createJobId(askId: string, input: string, sheet: string | null): string {
  return `j_${hashText(JSON.stringify(sheet === null ? [askId, input] : [askId, input, sheet]), 16)}`;
}

export function identifyJob({ ask, input, settings }: JobParts): string {
  return createJobId(ask.id, input, readSheet(settings));
}

/** The sheet that a job fills; null if its input is not a workbook. */
export function readSheet({ sheet }: JsonObject): string | null {
  return typeof sheet === 'string' ? sheet : null;
}

/** A job from its stored row. */
export function toJobRecord({ placedInput, placedOutput, ...row }: JobRow): JobRecord {
  return {
    ...row,
    place: placedInput === null ? null : { input: placedInput, output: placedOutput },
    ask: JSON.parse(row.ask) as Ask,
    settings: JSON.parse(row.settings) as JsonObject,
    counts: row.counts === null ? null : (JSON.parse(row.counts) as RowCounts),
    finished: row.finished === null ? null : (JSON.parse(row.finished) as FinishedOutput),
  };
}

/** A job with its counts, as stored. */
export interface StatusRow {
  readonly number: number;
  readonly id: string;
  readonly askId: string;
  readonly query: string;
  readonly input: string;
  readonly output: string;
  readonly invocation: number;
  readonly stop: JobStop | null;
  readonly counts: string | null;
  readonly spentMicros: number;
  readonly estimatedMicros: number;
  readonly reservedMicros: number;
  readonly answered: number;
  readonly failed: number;
  readonly openedAtMs: number;
  readonly closedAtMs: number | null;
  readonly sheet: string | null;
  readonly placedInput: string | null;
  readonly placedOutput: string | null;
}

/** A job as shown by `status`, from its stored row. */
export function toJobStatus(
  { number, placedInput, placedOutput, counts, ...row }: StatusRow,
  runs: ReadonlyMap<number, readonly RunInFlight[]>,
): JobStatus {
  return {
    ...row,
    place: placedInput === null ? null : { input: placedInput, output: placedOutput },
    counts: counts === null ? null : (JSON.parse(counts) as RowCounts),
    runs: runs.get(number) ?? [],
  };
}

/** Groups the rows of open batches by job. */
export function groupRuns(
  rows: readonly (RunInFlight & { readonly job: number })[],
): Map<number, RunInFlight[]> {
  const runs = new Map<number, RunInFlight[]>();
  for (const { job, ...run } of rows) {
    const known = runs.get(job);
    if (known === undefined) runs.set(job, [run]);
    else known.push(run);
  }
  return runs;
}

/** Makes a full id of an id or its prefix. */
export function toIdPrefix(idOrPrefix: string): string {
  return idOrPrefix.startsWith('j_') ? idOrPrefix : `j_${idOrPrefix}`;
}

export function pickSpend({ spentMicros, reservedMicros, estimatedMicros }: JobSpend): JobSpend {
  return { spentMicros, reservedMicros, estimatedMicros };
}

/** Error for a job id that is not in the ledger. */
export function createUnknownJobError(jobId: string): RowfillError {
  return createUsageError(
    'JOB_UNKNOWN',
    `the ledger has no job “${jobId}”`,
    'List all jobs with rowfill status.',
  );
}

/** Error for a prefix that several jobs have. */
export function createAmbiguousJobError(prefix: string): RowfillError {
  return createUsageError(
    'JOB_AMBIGUOUS',
    `more than one job starts with “${prefix}”`,
    'Use a longer prefix. List all jobs with rowfill status.',
  );
}

/** Error for an invalid state change: a bug in rowfill, never caused by data. */
export function createStateError(batchId: string, what: string): RowfillError {
  return new RowfillError('defect', 'LEDGER_BATCH_STATE', `Batch ${batchId}: ${what}`);
}
