import { RowfillError } from '../errors.js';
import type { Batch } from '../model/batch.js';
import type { Database } from './database.js';
import { createUnknownJobError } from './jobs.js';
import type { DayCaps, OpenBatch, OpenBatchState } from './records.js';
import { findFullDay } from './spend.js';

export type BatchState = OpenBatchState | 'settled' | 'void';

/** The constant part of an open batch. The process that intended it may cache it. */
export interface OpenRecord {
  readonly number: number;
  readonly job: number;
  readonly ask: number;
  /** Current invocation of its job. */
  readonly invocation: number;
  readonly reserveMicros: number;
  readonly intendedAt: number;
  readonly batch: Batch;
}

interface BatchRecord extends Omit<OpenRecord, 'batch'> {
  readonly state: BatchState;
  readonly runId: string | null;
}

/** The budget that cannot cover a batch: of its job, or of the day for its folder or the whole ledger. */
export type OverBudget = 'over_budget' | 'over_folder_day' | 'over_ledger_day';

/** Reserves the worst-case price and stores the whole batch, unless a budget cannot cover it. */
export function intendBatch(
  database: Database,
  batch: Batch,
  capMicros: number | null,
  dayCaps: DayCaps | null,
  nowMs: number,
): OpenRecord | OverBudget {
  const job = database.get<{
    number: number;
    ask: number;
    invocation: number;
    folder: string | null;
    usedMicros: number;
    state: BatchState | null;
  }>(
    `select number, ask, invocation, folder, spent_micros + reserved_micros as usedMicros,
       (select state from batch where id = ?) as state from job where id = ?`,
    batch.id,
    batch.jobId,
  );
  if (job === undefined) throw createUnknownJobError(batch.jobId);
  if (job.state !== null && job.state !== 'void') throw createStateError(batch.id, 'intended twice');
  const { reserveMicros } = batch;
  if (capMicros !== null && job.usedMicros + reserveMicros > capMicros) return 'over_budget';
  const fullDay = dayCaps === null ? null : findFullDay(database, job.folder, dayCaps, reserveMicros);
  if (fullDay !== null) return fullDay;
  addReserved(database, job.number, reserveMicros);
  const [written] = database.all<{ number: number }>(
    `insert into batch (id, job, ask, state, reserve_micros, intended_at) values (?, ?, ?, 'intended', ?, ?)
     on conflict (id) do update
       set state = 'intended', run_id = null, why = null, ended_at = null,
         reserve_micros = excluded.reserve_micros, intended_at = excluded.intended_at
     returning number`,
    batch.id,
    job.number,
    job.ask,
    reserveMicros,
    nowMs,
  );
  const number = written?.number ?? 0;
  database.run('insert or replace into intent (batch, content) values (?, ?)', number, JSON.stringify(batch));
  const { ask, invocation } = job;
  return { number, job: job.number, ask, invocation, reserveMicros, intendedAt: nowMs, batch };
}

/** The budget that is already exceeded, without another reservation; null if none is. */
export function findPassedBudget(
  database: Database,
  jobId: string,
  capMicros: number | null,
  dayCaps: DayCaps | null,
): OverBudget | null {
  if (capMicros === null && dayCaps === null) return null;
  const job = database.get<{ folder: string | null; usedMicros: number }>(
    'select folder, spent_micros + reserved_micros as usedMicros from job where id = ?',
    jobId,
  );
  if (job === undefined) throw createUnknownJobError(jobId);
  if (capMicros !== null && job.usedMicros > capMicros) return 'over_budget';
  return dayCaps === null ? null : findFullDay(database, job.folder, dayCaps, 0);
}

/**
 * Links the batch to its run. A run that exists is never dropped: if one turns up after `void`, it counts
 * again.
 */
export function markSent(database: Database, batchId: string, runId: string): void {
  const set = "update batch set state = 'sent', run_id = ?, why = null, ended_at = null where id = ?";
  if (database.run(`${set} and state in ('intended', 'unknown')`, runId, batchId) === 1) return;
  const batch = readBatch(database, batchId);
  if (batch.state === 'void') {
    addReserved(database, batch.job, batch.reserveMicros);
    database.run(set, runId, batchId);
  } else if (batch.runId !== runId) {
    throw createStateError(batchId, `sent as run ${runId} while it has run ${batch.runId}`);
  }
}

/** Ends a batch that has no run and releases its reservation. */
export function voidBatch(database: Database, batchId: string, why: string, nowMs: number): void {
  const batch = readBatch(database, batchId);
  if (batch.state === 'void') return;
  if (batch.state === 'settled') throw createStateError(batchId, 'voided after it was settled');
  addReserved(database, batch.job, -batch.reserveMicros);
  database.run(
    "update batch set state = 'void', why = ?, ended_at = ? where number = ?",
    why,
    nowMs,
    batch.number,
  );
}

/** True if a run has settled another batch that was sent to the same agent. */
export function isRunUsed(database: Database, batchId: string, runId: string): boolean {
  const used = database.get<{ number: number }>(
    `select other.number from batch other join ask on ask.number = other.ask
     where other.run_id = ?1 and other.state = 'settled' and other.id <> ?2
       and ask.content ->> '$.agent' is (
         select own.content ->> '$.agent' from batch join ask own on own.number = batch.ask where batch.id = ?2)
     limit 1`,
    runId,
    batchId,
  );
  return used !== undefined;
}

/** Keeps a batch and its reservation for the next invocation, because it is unknown whether it has a run. */
export function suspectBatch(database: Database, batchId: string, why: string): void {
  const batch = readBatch(database, batchId);
  if (batch.state !== 'intended' && batch.state !== 'unknown') {
    throw createStateError(batchId, `marked unknown while it is ${batch.state}`);
  }
  database.run("update batch set state = 'unknown', why = ? where number = ?", why, batch.number);
}

/** All open batches of the ask, oldest first, from any job. */
export function findOpenBatches(database: Database, askId: string): OpenBatch[] {
  const rows = database.all<{
    content: string;
    state: OpenBatchState;
    runId: string | null;
    intendedAt: number;
  }>(
    `select intent.content, batch.state, batch.run_id as runId, batch.intended_at as intendedAt
     from batch join intent on intent.batch = batch.number
     where batch.ask = (select number from ask where id = ?) and batch.state in ('intended', 'sent', 'unknown')
     order by batch.number`,
    askId,
  );
  return rows.map((row) => ({
    batch: JSON.parse(row.content) as Batch,
    state: row.state,
    runId: row.runId,
    intendedAtMs: row.intendedAt,
  }));
}

/** Reads an open batch from the ledger. Null once it is settled, because its content is then deleted. */
export function readOpenRecord(database: Database, batchId: string): OpenRecord | null {
  const record = readBatch(database, batchId);
  const intent = database.get<{ content: string }>(
    'select content from intent where batch = ?',
    record.number,
  );
  if (intent !== undefined) return { ...record, batch: JSON.parse(intent.content) as Batch };
  if (record.state === 'settled') return null;
  throw createStateError(batchId, 'its content was deleted');
}

/** The ledger's record of a batch. An unknown id is a bug. */
function readBatch(database: Database, batchId: string): BatchRecord {
  const batch = database.get<BatchRecord>(
    `select batch.number, batch.job, batch.ask, job.invocation, batch.state, batch.run_id as runId,
       batch.reserve_micros as reserveMicros, batch.intended_at as intendedAt
     from batch join job on job.number = batch.job where batch.id = ?`,
    batchId,
  );
  if (batch === undefined) throw createStateError(batchId, 'not in the ledger');
  return batch;
}

/** Error for an invalid state change: a bug in rowfill, never caused by data. */
export function createStateError(batchId: string, what: string): RowfillError {
  return new RowfillError('defect', 'LEDGER_BATCH_STATE', `Batch ${batchId}: ${what}`);
}

function addReserved(database: Database, job: number, micros: number): void {
  database.run('update job set reserved_micros = reserved_micros + ? where number = ?', micros, job);
}
