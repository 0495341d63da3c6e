import type { RowAnswer } from '../model/answer.js';
import type { AnswerKeys } from './answer-keys.js';
import type { OpenRecord } from './batches.js';
import type { Database } from './database.js';
import { type AnswerSource, insertAnswers } from './insert-answers.js';
import { mergeFields } from './merge-fields.js';
import { type Fields, formatFields, parseFields } from './stored-fields.js';

/** Updates only the answers that changed. */
export const UPDATE_ANSWERS = `
  update answer set fields = changed.value ->> 1, run_id = changed.value ->> 2, job = changed.value ->> 3,
    invocation = changed.value ->> 4, intended_at = changed.value ->> 5, answered_at = changed.value ->> 6
  from json_each(?) changed where answer.number = changed.value ->> 0`;

interface BatchAnswers {
  readonly record: OpenRecord;
  readonly runId: string | null;
  readonly answers: readonly RowAnswer[];
  readonly nowMs: number;
}

interface MergedRow extends AnswerSource {
  readonly number: number;
  readonly fields: string;
}

interface StoredRow extends MergedRow {
  readonly key: string;
  readonly hasFailed: number;
}

/**
 * Merges new answers into the stored ones. Replaced values move to the history. Returns the answer numbers of
 * all rows of the batch.
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
  const [answered, unanswered] = [new Map<string, string>(), new Map<string, string>()];
  const changed: MergedRow[] = [];
  for (const key of rowKeys) {
    const row = stored.get(key);
    const fields = answers.get(key);
    if (row !== undefined && fields !== undefined) {
      const { merged, replaced } = mergeRow(row, fields, efforts, settled);
      changed.push(merged);
      if (replaced.size > 0) keepOlderAnswer(database, row, replaced, nowMs);
      if (row.hasFailed === 1) clearFailure(database, record.job, row.number);
    } else if (fields !== undefined) {
      answered.set(key, formatFields(fields, runId));
    } else if (row === undefined) {
      // Insert an empty answer, so that its cost and failure have a row to refer to.
      unanswered.set(key, '[]');
    }
  }
  updateAnswers(database, changed);
  const { ask, job, invocation, intendedAt } = record;
  const source = { runId, job, invocation, intendedAt, answeredAt: nowMs };
  const none = { runId, job: null, invocation: null, intendedAt: null, answeredAt: null };
  return new Map([
    ...numbers,
    ...insertAnswers(database, keys, ask, answered, source),
    ...insertAnswers(database, keys, ask, unanswered, none),
  ]);
}

function mergeRow(
  row: StoredRow,
  fresh: Fields,
  efforts: readonly string[],
  { record, runId, nowMs }: BatchAnswers,
): { readonly merged: MergedRow; readonly replaced: Fields } {
  const isRefresh = record.batch.refresh === true;
  const isLate = row.intendedAt !== null && record.intendedAt < row.intendedAt;
  const before = parseFields(row.fields, row.runId);
  const { fields, replaced } = mergeFields(before, fresh, { efforts, isRefresh, isLate });
  // A follow-up does not refresh the age of values that it leaves unchanged.
  const answeredAt = isRefresh ? nowMs : (row.answeredAt ?? nowMs);
  const { job, invocation, intendedAt } = record;
  const source = isLate ? row : { runId, job, invocation, intendedAt, answeredAt };
  return { merged: { ...source, number: row.number, fields: formatFields(fields, source.runId) }, replaced };
}

/** A failure of this invocation stays, because later answers in it are for other fields of the row. */
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

function updateAnswers(database: Database, changed: readonly MergedRow[]): void {
  if (changed.length === 0) return;
  const rows = changed.map((row) => [
    ...[row.number, row.fields, row.runId, row.job, row.invocation, row.intendedAt, row.answeredAt],
  ]);
  database.run(UPDATE_ANSWERS, JSON.stringify(rows));
}
