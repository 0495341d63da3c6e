import { RowfillError } from '../errors.js';
import type { Batch } from '../model/batch.js';
import type { Database } from './database.js';
import { createUnknownJobError } from './jobs.js';
import type { OpenBatch, OpenBatchState } from './records.js';

export type BatchState = OpenBatchState | 'settled' | 'void';

export interface BatchRecord {
  readonly number: number;
  readonly job: number;
  readonly ask: number;
  /** The invocation that its job is in now. */
  readonly invocation: number;
  readonly state: BatchState;
  readonly runId: string | null;
  readonly reserveMicros: number;
  readonly intendedAt: number;
}

/** Reserves the worst price under the cap and writes the batch down whole, or does neither. */
export function intendBatch(
  database: Database,
  batch: Batch,
  capMicros: number | null,
  nowMs: number,
): 'intended' | 'over_budget' {
  const reserved = database.run(
    `update job set reserved_micros = reserved_micros + ?1
     where id = ?2 and (?3 is null or spent_micros + reserved_micros + ?1 <= ?3)`,
    batch.reserveMicros,
    batch.jobId,
    capMicros,
  );
  if (reserved === 0) {
    if (database.get('select 1 from job where id = ?', batch.jobId) === undefined) {
      throw createUnknownJobError(batch.jobId);
    }
    return 'over_budget';
  }
  const written = database.run(
    `insert into batch (id, job, ask, state, reserve_micros, intended_at)
     select ?, job.number, job.ask, 'intended', ?, ? from job where job.id = ?
     on conflict (id) do update
       set state = 'intended', run_id = null, why = null, ended_at = null,
         reserve_micros = excluded.reserve_micros, intended_at = excluded.intended_at
       where state = 'void'`,
    batch.id,
    batch.reserveMicros,
    nowMs,
    batch.jobId,
  );
  if (written === 0) throw createStateError(batch.id, 'intended a second time');
  database.run(
    'insert or replace into intent (batch, content) select number, ? from batch where id = ?',
    JSON.stringify(batch),
    batch.id,
  );
  return 'intended';
}

/** Ties the batch to its run. A run that exists is never forgotten: one that turns up after `void` counts again. */
export function markSent(database: Database, batchId: string, runId: string): void {
  const batch = readBatch(database, batchId);
  if (batch.state === 'settled' || batch.state === 'sent') {
    if (batch.runId === runId) return;
    throw createStateError(batchId, `sent as run ${runId} while it has run ${batch.runId}`);
  }
  if (batch.state === 'void') addReserved(database, batch.job, batch.reserveMicros);
  database.run(
    "update batch set state = 'sent', run_id = ?, why = null, ended_at = null where number = ?",
    runId,
    batch.number,
  );
}

/** Ends a batch that has no run, and gives its reservation back. */
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

/** Keeps a batch, and its money, for the next time: nobody could tell whether it has a run. */
export function suspectBatch(database: Database, batchId: string, why: string): void {
  const batch = readBatch(database, batchId);
  if (batch.state !== 'intended' && batch.state !== 'unknown') {
    throw createStateError(batchId, `called unknown while it is ${batch.state}`);
  }
  database.run("update batch set state = 'unknown', why = ? where number = ?", why, batch.number);
}

/** Every batch of the ask whose end is not known, oldest first, whichever job sent it. */
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

/** The ledger's own record of a batch; an id that it does not hold is a defect. */
export function readBatch(database: Database, batchId: string): BatchRecord {
  const batch = database.get<BatchRecord>(
    `select batch.number, batch.job, batch.ask, job.invocation, batch.state, batch.run_id as runId,
       batch.reserve_micros as reserveMicros, batch.intended_at as intendedAt
     from batch join job on job.number = batch.job where batch.id = ?`,
    batchId,
  );
  if (batch === undefined) throw createStateError(batchId, 'not in the ledger');
  return batch;
}

/** The whole batch, as it was intended; it is kept until the batch is settled. */
export function readIntent(database: Database, record: BatchRecord): Batch {
  const intent = database.get<{ content: string }>(
    'select content from intent where batch = ?',
    record.number,
  );
  if (intent === undefined) throw createStateError(String(record.number), 'no longer kept whole');
  return JSON.parse(intent.content) as Batch;
}

/** The error for a step that cannot follow the one before it: a defect of ours, never of the data. */
export function createStateError(batchId: string, what: string): RowfillError {
  return new RowfillError('defect', 'LEDGER_BATCH_STATE', `Batch ${batchId}: ${what}`);
}

function addReserved(database: Database, job: number, micros: number): void {
  database.run('update job set reserved_micros = reserved_micros + ? where number = ?', micros, job);
}
