import type { RowAnswer } from '../model/answer.js';
import type { OpenRecord } from './batches.js';
import type { Database } from './database.js';
import { mergeFields } from './merge-fields.js';
import { type Fields, formatFields, parseFields } from './stored-fields.js';

interface BatchAnswers {
  readonly record: OpenRecord;
  readonly runId: string;
  readonly answers: readonly RowAnswer[];
  readonly nowMs: number;
}

/** A row of the table `answer`, in the order in which it is written. */
type AnswerRow = readonly [
  key: string,
  fields: string,
  runId: string | null,
  job: number | null,
  invocation: number | null,
  intendedAt: number | null,
  answeredAt: number | null,
];

interface StoredRow {
  readonly number: number;
  readonly key: string;
  readonly fields: string;
  readonly runId: string | null;
  readonly job: number | null;
  readonly invocation: number | null;
  readonly intendedAt: number | null;
  readonly answeredAt: number | null;
  readonly hasFailed: number;
}

/** Merges what came back into the stored answers; values that are replaced move to the history. */
export function writeAnswers(database: Database, settled: BatchAnswers): void {
  const { record, runId, nowMs } = settled;
  const stored = readStoredRows(database, record);
  const efforts = stored.size === 0 ? [] : readEfforts(database, record.ask);
  const answers = new Map(settled.answers.map((answer) => [answer.key, answer.fields]));
  const written: AnswerRow[] = [];
  for (const { key } of record.batch.rows) {
    const row = stored.get(key);
    const fields = answers.get(key);
    if (fields !== undefined) {
      const { merged, replaced } = mergeRow(key, row, fields, efforts, settled);
      written.push(merged);
      if (row !== undefined && replaced.size > 0) keepOlderAnswer(database, row, replaced, nowMs);
      if (row?.hasFailed === 1) clearFailure(database, record.job, row.number);
    } else if (row === undefined) {
      // Noted all the same, so that its cost and its failure have a row to stand on.
      written.push([key, '[]', runId, null, null, null, null]);
    }
  }
  upsertAnswers(database, record.ask, written);
}

function mergeRow(
  key: string,
  row: StoredRow | undefined,
  fresh: Fields,
  efforts: readonly string[],
  { record, runId, nowMs }: BatchAnswers,
): { readonly merged: AnswerRow; readonly replaced: Fields } {
  const isRefresh = record.batch.refresh === true;
  const isLate = row?.intendedAt != null && record.intendedAt < row.intendedAt;
  const before: Fields = row === undefined ? new Map() : parseFields(row.fields, row.runId);
  const { fields, replaced } = mergeFields(before, fresh, { efforts, isRefresh, isLate });
  if (isLate) {
    const text = formatFields(fields, row.runId);
    const merged = [key, text, row.runId, row.job, row.invocation, row.intendedAt, row.answeredAt] as const;
    return { merged, replaced };
  }
  // A follow-up makes the values that it leaves alone no younger.
  const answeredAt = isRefresh ? nowMs : (row?.answeredAt ?? nowMs);
  const text = formatFields(fields, runId);
  const merged = [key, text, runId, record.job, record.invocation, record.intendedAt, answeredAt] as const;
  return { merged, replaced };
}

/** A failure of this invocation stays: what is answered after it are other fields of the row. */
function readStoredRows(database: Database, record: OpenRecord): Map<string, StoredRow> {
  const rows = database.all<StoredRow>(
    `select answer.number, answer.key, answer.fields, answer.run_id as runId, answer.job, answer.invocation,
       answer.intended_at as intendedAt, answer.answered_at as answeredAt, coalesce(own.failure_invocation < ?, 0) as hasFailed
     from json_each(?) asked
     cross join answer on answer.ask = ? and answer.key = asked.value
     left join job_answer own on own.job = ? and own.answer = answer.number`,
    record.invocation,
    JSON.stringify(record.batch.rows.map((row) => row.key)),
    record.ask,
    record.job,
  );
  return new Map(rows.map((row) => [row.key, row]));
}

function readEfforts(database: Database, ask: number): readonly string[] {
  const row = database.get<{ efforts: string }>(
    "select content -> '$.efforts' as efforts from ask where number = ?",
    ask,
  );
  return row === undefined ? [] : (JSON.parse(row.efforts) as string[]);
}

function keepOlderAnswer(database: Database, row: StoredRow, replaced: Fields, nowMs: number): void {
  database.run(
    'insert into older_answer (answer, replaced_at, fields, run_id, answered_at) values (?, ?, ?, ?, ?)',
    row.number,
    nowMs,
    formatFields(replaced, row.runId),
    row.runId,
    row.answeredAt,
  );
}

function clearFailure(database: Database, job: number, answer: number): void {
  database.run(
    'update job_answer set failure = null, failure_invocation = null where job = ? and answer = ?',
    job,
    answer,
  );
}

function upsertAnswers(database: Database, ask: number, rows: readonly AnswerRow[]): void {
  if (rows.length === 0) return;
  database.run(
    `insert into answer (ask, key, fields, run_id, job, invocation, intended_at, answered_at)
     select ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
     from json_each(?) where true
     on conflict (ask, key) do update set
       fields = excluded.fields, run_id = excluded.run_id, job = excluded.job, invocation = excluded.invocation,
       intended_at = excluded.intended_at, answered_at = excluded.answered_at`,
    ask,
    JSON.stringify(rows),
  );
}
