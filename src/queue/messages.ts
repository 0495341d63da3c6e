import { type ErrorKind, RowfillError } from '../errors.js';
import type { PlannedBatch } from '../job/run-batch.js';
import type { SettledGroup } from '../job/settle-group.js';
import type { OverBudget, Settled, SpendLimits } from '../ledger/ledger.js';
import type { RowAnswer } from '../model/answer.js';
import { addRowIds, type Batch } from '../model/batch.js';
import type { BlankOrigin } from '../model/blank.js';
import type { JsonObject } from '../model/json.js';
import type { Question } from '../model/question.js';

/** Limits that a worker keeps for a job. */
export interface JobLimits {
  /** Caps in force when the batch was handed out. */
  readonly spend: SpendLimits;
  /** Maximum number of active runs of the job, over all processes. */
  readonly maxActive: number;
  /** 0 for no limit. */
  readonly startsPerSecond: number;
  readonly runTimeoutMs: number | null;
  readonly listLagMs: number;
  /** Rows not answered by this attempt fail. */
  readonly lastAttempt: number;
  /** What counts as blank in an answer. */
  readonly blanks: BlankOrigin;
}

/** A batch on its way to a worker. The ledger has the ask. */
export interface QueuedBatch {
  readonly format: typeof FORMAT;
  readonly job: string;
  readonly invocation: number;
  /** Without its rows, whose ids follow from that of the batch. */
  readonly batch: Omit<Batch, 'rows'>;
  readonly level: number;
  /** Row keys, separated by spaces. The lists below have an item for each. */
  readonly keys: string;
  readonly records: readonly JsonObject[];
  /** Last change of the ledger when the row was looked up; a number if it is the same for all. */
  readonly seen: number | readonly number[];
  /** Fields to ask of each row; absent if they are those of the batch. */
  readonly fields?: readonly (readonly string[])[];
  /** What was wrong with the previous answers; absent if nothing was. */
  readonly faults?: readonly (string | null)[];
  readonly resends?: number;
  readonly exclusions: readonly JsonObject[];
  readonly limits: JobLimits;
}

/** What a worker tells the process that handed a batch out. */
export type WorkerReport = { readonly batch: string } & (
  | { readonly status: 'started'; readonly runId: string | null; readonly adopted: boolean }
  /**
   * Settled in the ledger. `unusable` says why its run could not be used; null if it could. `complete` if nothing about
   * it is left to decide.
   */
  | {
      readonly status: 'ended';
      readonly runId: string;
      readonly unusable: string | null;
      readonly complete: CompleteRun | null;
    }
  | { readonly status: 'over_budget'; readonly budget: OverBudget }
  | { readonly status: 'changed'; readonly keys: readonly string[] }
  | { readonly status: 'withdrawn' }
  | { readonly status: 'absent' | 'unknown' | 'rejected'; readonly reason: string }
  | { readonly status: 'late'; readonly runId: string; readonly reason: string }
  | { readonly status: 'fatal'; readonly error: SentError }
);

/** A run that answered every row of its batch for the first time. Its answers are in the ledger. */
export type CompleteRun = Pick<SettledGroup['run'], 'status' | 'costDollars'> &
  Pick<Settled, 'micros' | 'isEstimated' | 'spend' | 'seen'>;

interface SentError {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** A batch of another format is left to workers of that version. */
export const FORMAT = 2;

/** Packs a batch for the queue. As short as possible, because several processes write and read it. */
export function packBatch(
  { batch, group, exclusions }: PlannedBatch,
  invocation: number,
  limits: JobLimits,
): QueuedBatch {
  const { level, questions, resends } = group;
  const { rows, ...rest } = batch;
  const [first] = questions;
  return {
    ...{ format: FORMAT, job: batch.jobId, invocation, batch: rest, level },
    keys: rows.map(({ key }) => key).join(' '),
    records: rows.map(({ record }) => record),
    seen: questions.every(({ seen }) => seen === first?.seen)
      ? (first?.seen ?? 0)
      : questions.map(({ seen }) => seen),
    ...(questions.every(({ fields }) => isSame(fields, batch.fields))
      ? {}
      : { fields: questions.map(({ fields }) => fields) }),
    ...(questions.every(({ fault }) => fault === null)
      ? {}
      : { faults: questions.map(({ fault }) => fault) }),
    ...(resends === undefined ? {} : { resends }),
    ...{ exclusions, limits },
  };
}

/** The batch as it was planned. */
export function unpackBatch(queued: QueuedBatch): PlannedBatch {
  const { invocation, level, records, seen, faults, resends, exclusions } = queued;
  const { fields, attempt, previousRunId } = queued.batch;
  const questions = queued.keys.split(' ').map((key, index): Question => {
    const record = records[index] ?? {};
    const fault = faults?.[index] ?? null;
    const own = typeof seen === 'number' ? seen : (seen[index] ?? 0);
    return { key, record, fields: queued.fields?.[index] ?? fields, level, attempt, fault, seen: own };
  });
  const rows = questions.map(({ key, record, fault }) =>
    fault === null ? { key, record } : { key, record, fault },
  );
  return {
    batch: { ...queued.batch, rows: addRowIds(queued.batch.id, rows) },
    group: {
      ...{ questions, fields, level, attempt, previousRunId },
      ...(resends === undefined ? {} : { resends }),
    },
    ...{ exclusions, invocation },
  };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((name, index) => name === other[index]));
}

/** What a coordinator needs to know of a settled run instead of checking it again; null if it must check it. */
export function packComplete(batch: Batch, settled: SettledGroup): CompleteRun | null {
  const { run, unusable, answers, repair, disputed, misfits, fault, result } = settled;
  const isComplete =
    unusable === null &&
    fault === null &&
    result.status === 'settled' &&
    result.merged.size === 0 &&
    answers.length === batch.rows.length &&
    repair.followUp === null &&
    repair.again.length === 0 &&
    repair.failures.length === 0 &&
    disputed.length === 0 &&
    misfits.unknownIds === 0 &&
    misfits.doubled === 0;
  if (!isComplete) return null;
  const { micros, isEstimated, spend, seen } = result;
  return { status: run.status, costDollars: run.costDollars, micros, isEstimated, spend, seen };
}

/** The settled group of a complete run, with its answers from the ledger; null if they are not those of the batch. */
export function unpackComplete(
  { rows }: Batch,
  runId: string,
  { status, costDollars, micros, isEstimated, spend, seen }: CompleteRun,
  answers: readonly RowAnswer[],
): SettledGroup | null {
  if (answers.length !== rows.length || answers.some(({ key }, index) => key !== rows[index]?.key))
    return null;
  return {
    ...{ run: { id: runId, status, costDollars }, unusable: null, fault: null, answers },
    ...{ repair: { followUp: null, again: [], failures: [] }, disputed: [] },
    misfits: { unknownIds: 0, doubled: 0 },
    result: { status: 'settled', micros, isEstimated, spend, seen, merged: new Map() },
  };
}

/** Packs an error that stops a job. */
export function packError(error: Error): SentError {
  const { kind, code, hint } =
    error instanceof RowfillError
      ? error
      : ({ kind: 'unreachable', code: 'AGENT_FAILED', hint: undefined } as const);
  return { kind, code, message: error.message, hint: hint ?? null };
}

/** The error that a worker reported. */
export function unpackError({ kind, code, message, hint }: SentError): RowfillError {
  return new RowfillError(kind, code, message, hint === null ? {} : { hint });
}
