import type { RowAnswer } from '../model/answer.js';
import { type BookedCost, bookCost, splitMicros } from '../model/format.js';
import type { AgentRun } from '../model/run.js';
import type { AnswerKeys } from './answer-keys.js';
import { type OpenRecord, readOpenRecord } from './batches.js';
import type { Database } from './database.js';
import { packRun, unpackRun } from './raw-run.js';
import type { RowFailure } from './records.js';
import { addSpend } from './spend.js';
import { writeAnswers } from './write-answers.js';
import { addYield } from './yields.js';

export interface Settlement {
  /** Cached record, if this process intended the batch. */
  readonly known: OpenRecord | undefined;
  readonly run: AgentRun;
  readonly answers: readonly RowAnswer[];
  readonly failures: readonly RowFailure[];
  readonly nowMs: number;
}

/** The cost of a batch as booked; `isNew` is false if it was already settled. */
export interface Settled extends BookedCost {
  readonly isNew: boolean;
}

/**
 * Settles a batch with its run: cost, shares, answers, failures and the raw run. Does nothing if it was already
 * settled.
 */
export function settleBatch(
  database: Database,
  keys: AnswerKeys,
  batchId: string,
  { known, run, answers, failures, nowMs }: Settlement,
): Settled {
  const record = known ?? readOpenRecord(database, batchId);
  if (record === null) return { ...readCost(database, batchId), isNew: false };
  const cost = bookCost(run.costDollars.total, record.reserveMicros);
  if (!endBatch(database, record, run, cost, nowMs)) return { ...readCost(database, batchId), isNew: false };
  const numbers = writeAnswers(database, keys, { record, runId: readRunId(run), answers, nowMs });
  writeShares(database, record, numbers, cost, failures);
  addYield(database, record.job, record.batch.effort, answers);
  return { ...cost, isNew: true };
}

function readCost(database: Database, batchId: string): BookedCost {
  const row = database.get<{ micros: number; estimated: number }>(
    'select cost_micros micros, cost_estimated estimated from batch where id = ?',
    batchId,
  );
  return { micros: row?.micros ?? 0, isEstimated: row?.estimated === 1 };
}

/** Null for a run whose id is invalid. */
function readRunId(run: AgentRun): string | null {
  return run.id === '' ? null : run.id;
}

/** The most recently settled raw run of a job; null if pruned. */
export function readLastRun(database: Database, jobId: string): AgentRun | null {
  const row = database.get<{ content: Uint8Array }>(
    `select run.content from job join batch indexed by batch_by_job on batch.job = job.number
     join run on run.batch = batch.number where job.id = ? order by batch.number desc limit 1`,
    jobId,
  );
  return row === undefined ? null : unpackRun(row.content);
}

/** The raw run as it was when settled. */
export function readRun(database: Database, runId: string): AgentRun | null {
  const row = database.get<{ content: Uint8Array }>('select content from run where id = ?', runId);
  return row === undefined ? null : unpackRun(row.content);
}

/** Returns false if the batch is already settled. */
function endBatch(
  database: Database,
  { number, job, reserveMicros }: OpenRecord,
  run: AgentRun,
  { micros, isEstimated }: BookedCost,
  nowMs: number,
): boolean {
  const end = (from: string): boolean =>
    database.run(
      `update batch set state = 'settled', run_id = ?, cost_micros = ?, cost_estimated = ?, why = null, ended_at = ?
       where number = ? and state in (${from})`,
      ...[readRunId(run), micros, isEstimated ? 1 : 0, nowMs, number],
    ) === 1;
  const isReserved = end("'intended', 'sent', 'unknown'");
  if (!isReserved && !end("'void'")) return false;
  database.run(
    `update job set spent_micros = min(spent_micros + ?, ${Number.MAX_SAFE_INTEGER}),
       estimated_micros = min(estimated_micros + ?, ${Number.MAX_SAFE_INTEGER}),
       reserved_micros = reserved_micros - ?, settled_runs = settled_runs + 1 where number = ?`,
    micros,
    isEstimated ? micros : 0,
    isReserved ? reserveMicros : 0,
    job,
  );
  addSpend(database, job, micros, nowMs);
  database.run('delete from intent where batch = ?', number);
  database.run(
    'insert into run (batch, id, content, kept_at) values (?, ?, ?, ?)',
    number,
    run.id,
    packRun(run),
    nowMs,
  );
  return true;
}

/**
 * Every row of the batch gets a share of the cost, answered or not, so that the shares add up to the bill.
 */
function writeShares(
  database: Database,
  record: OpenRecord,
  numbers: ReadonlyMap<string, number>,
  { micros, isEstimated }: BookedCost,
  failures: readonly RowFailure[],
): void {
  const reasons = new Map(failures.map((failure) => [failure.key, failure.reason]));
  const { rows: asked } = record.batch;
  const shares = splitMicros(micros, asked.length);
  const rows = asked.map(({ key }, index) => [
    numbers.get(key),
    shares[index] ?? 0,
    reasons.get(key) ?? null,
  ]);
  // Parsing each row's JSON takes time, so values shared by all rows are separate parameters.
  database.run(
    `insert into job_answer (job, answer, cost_micros, failure, failure_invocation, estimated_micros)
     select ?1, value ->> 0, value ->> 1, iif(?3, value ->> 2, null),
       iif(?3 and value ->> 2 is not null, ?2, null), iif(?4, value ->> 1, 0)
     from json_each(?5) where true
     on conflict (job, answer) do update set
       cost_micros = cost_micros + excluded.cost_micros,
       estimated_micros = estimated_micros + excluded.estimated_micros,
       failure = coalesce(excluded.failure, failure),
       failure_invocation = coalesce(excluded.failure_invocation, failure_invocation)`,
    record.job,
    record.invocation,
    failures.length > 0 ? 1 : 0,
    isEstimated ? 1 : 0,
    JSON.stringify(rows),
  );
}
