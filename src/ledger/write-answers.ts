import type { RowAnswer } from '../model/answer.js';
import type { AnswerKeys } from './answer-keys.js';
import type { OpenRecord } from './batches.js';
import type { Database } from './database.js';
import { type AnswerColumns, insertAnswers } from './insert-answers.js';
import { mergeFields } from './merge-fields.js';
import { type Fields, formatFields, parseFields } from './stored-fields.js';

/** Touches the answers that changed, and no other. */
export const UPDATE_ANSWERS = `
  update answer set fields = changed.value ->> 1, run_id = changed.value ->> 2, job = changed.value ->> 3,
    invocation = changed.value ->> 4, intended_at = changed.value ->> 5, answered_at = changed.value ->> 6
  from json_each(?) changed where answer.number = changed.value ->> 0`;

interface BatchAnswers {
  readonly record: OpenRecord;
  readonly runId: string;
  readonly answers: readonly RowAnswer[];
  readonly nowMs: number;
}

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

/**
 * Merges what came back into the stored answers; values that are replaced move to the history. Returns the numbers of the
 * answers to all rows of the batch.
 */
export function writeAnswers(
  database: Database,
  keys: AnswerKeys,
  settled: BatchAnswers,
): ReadonlyMap<string, number> {
  const { record, runId, nowMs } = settled;
  const rowKeys = record.batch.rows.map((row) => row.key);
  const numbers = keys.find(record.ask, rowKeys);
  const stored =
    numbers.size === 0 ? new Map<string, StoredRow>() : readStoredRows(database, record, numbers);
  const efforts = stored.size === 0 ? [] : readEfforts(database, record.ask);
  const answers = new Map(settled.answers.map((answer) => [answer.key, answer.fields]));
  const changed = new Map<number, AnswerColumns>();
  const added = new Map<string, AnswerColumns>();
  for (const key of rowKeys) {
    const row = stored.get(key);
    const fields = answers.get(key);
    if (fields !== undefined) {
      const { merged, replaced } = mergeRow(row, fields, efforts, settled);
      if (row === undefined) added.set(key, merged);
      else changed.set(row.number, merged);
      if (row !== undefined && replaced.size > 0) keepOlderAnswer(database, row, replaced, nowMs);
      if (row?.hasFailed === 1) clearFailure(database, record.job, row.number);
    } else if (row === undefined) {
      // Noted all the same, so that its cost and its failure have a row to stand on.
      added.set(key, ['[]', runId, null, null, null, null]);
    }
  }
  updateAnswers(database, changed);
  for (const [key, number] of insertAnswers(database, keys, record.ask, added)) numbers.set(key, number);
  return numbers;
}

function mergeRow(
  row: StoredRow | undefined,
  fresh: Fields,
  efforts: readonly string[],
  { record, runId, nowMs }: BatchAnswers,
): { readonly merged: AnswerColumns; readonly replaced: Fields } {
  const isRefresh = record.batch.refresh === true;
  const isLate = row?.intendedAt != null && record.intendedAt < row.intendedAt;
  const before: Fields = row === undefined ? new Map() : parseFields(row.fields, row.runId);
  const { fields, replaced } = mergeFields(before, fresh, { efforts, isRefresh, isLate });
  if (isLate) {
    const text = formatFields(fields, row.runId);
    const merged = [text, row.runId, row.job, row.invocation, row.intendedAt, row.answeredAt] as const;
    return { merged, replaced };
  }
  // A follow-up makes the values that it leaves alone no younger.
  const answeredAt = isRefresh ? nowMs : (row?.answeredAt ?? nowMs);
  const text = formatFields(fields, runId);
  const merged = [text, runId, record.job, record.invocation, record.intendedAt, answeredAt] as const;
  return { merged, replaced };
}

/** A failure of this invocation stays: what is answered after it are other fields of the row. */
function readStoredRows(
  database: Database,
  record: OpenRecord,
  numbers: ReadonlyMap<string, number>,
): Map<string, StoredRow> {
  const rows = database.all<StoredRow>(
    `select answer.number, answer.key, answer.fields, answer.run_id as runId, answer.job, answer.invocation,
       answer.intended_at as intendedAt, answer.answered_at as answeredAt, coalesce(own.failure_invocation < ?, 0) as hasFailed
     from json_each(?) found
     cross join answer on answer.number = found.value
     left join job_answer own on own.job = ? and own.answer = answer.number`,
    record.invocation,
    JSON.stringify([...numbers.values()]),
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

function updateAnswers(database: Database, changed: ReadonlyMap<number, AnswerColumns>): void {
  if (changed.size === 0) return;
  database.run(UPDATE_ANSWERS, JSON.stringify([...changed].map(([number, columns]) => [number, ...columns])));
}
