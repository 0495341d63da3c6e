import { gunzipSync, gzipSync } from 'node:zlib';
import type { RowAnswer } from '../model/answer.js';
import type { Batch } from '../model/batch.js';
import { splitMicros, toMicros } from '../model/money.js';
import type { AgentRun } from '../model/run.js';
import { type BatchRecord, readBatch, readIntent } from './batches.js';
import type { Database } from './database.js';
import type { RowFailure } from './records.js';
import { writeAnswers } from './write-answers.js';

export interface Settlement {
  readonly run: AgentRun;
  readonly answers: readonly RowAnswer[];
  readonly failures: readonly RowFailure[];
}

/** Ends a batch by its run: cost, shares, answers, failures and the raw run. A second time it does nothing. */
export function settleBatch(
  database: Database,
  batchId: string,
  settlement: Settlement,
  nowMs: number,
): void {
  const record = readBatch(database, batchId);
  if (record.state === 'settled') return;
  const batch = readIntent(database, record);
  const costMicros = toMicros(settlement.run.costDollars.total);
  endBatch(database, record, settlement.run, costMicros, nowMs);
  writeAnswers(database, { record, batch, runId: settlement.run.id, answers: settlement.answers, nowMs });
  writeShares(database, record, batch, costMicros, settlement.failures);
}

/** The raw run as it was settled. */
export function readRun(database: Database, runId: string): AgentRun | null {
  const row = database.get<{ content: Uint8Array }>('select content from run where id = ?', runId);
  return row === undefined ? null : (JSON.parse(gunzipSync(row.content).toString('utf8')) as AgentRun);
}

function endBatch(
  database: Database,
  record: BatchRecord,
  run: AgentRun,
  costMicros: number,
  nowMs: number,
): void {
  database.run(
    'update job set spent_micros = spent_micros + ?, reserved_micros = reserved_micros - ? where number = ?',
    costMicros,
    record.state === 'void' ? 0 : record.reserveMicros,
    record.job,
  );
  database.run(
    `update batch set state = 'settled', run_id = ?, cost_micros = ?, why = null, ended_at = ?
     where number = ?`,
    run.id,
    costMicros,
    nowMs,
    record.number,
  );
  database.run('delete from intent where batch = ?', record.number);
  database.run(
    'insert into run (batch, id, content, kept_at) values (?, ?, ?, ?)',
    record.number,
    run.id,
    gzipSync(JSON.stringify(run), { level: 1 }),
    nowMs,
  );
}

/** Every row of the batch bears its share of the cost, answered or not, so that the shares add up to the bill. */
function writeShares(
  database: Database,
  record: BatchRecord,
  batch: Batch,
  costMicros: number,
  failures: readonly RowFailure[],
): void {
  const reasons = new Map(failures.map((failure) => [failure.key, failure.reason]));
  const shares = splitMicros(costMicros, batch.rows.length);
  const rows = batch.rows.map((row, index) => [row.key, shares[index] ?? 0, reasons.get(row.key) ?? null]);
  database.run(
    `insert into job_answer (job, answer, cost_micros, failure, failure_invocation)
     select ?, answer.number, share.value ->> 1, share.value ->> 2,
       iif(share.value ->> 2 is null, null, ?)
     from json_each(?) share
     cross join answer on answer.ask = ? and answer.key = share.value ->> 0
     where true
     on conflict (job, answer) do update set
       cost_micros = cost_micros + excluded.cost_micros,
       failure = coalesce(excluded.failure, failure),
       failure_invocation = coalesce(excluded.failure_invocation, failure_invocation)`,
    record.job,
    record.invocation,
    JSON.stringify(rows),
    record.ask,
  );
}
