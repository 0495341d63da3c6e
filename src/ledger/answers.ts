import type { AnswerKeys } from './answer-keys.js';
import type { Database } from './database.js';
import { insertAnswers } from './insert-answers.js';
import { createUnknownJobError } from './jobs.js';
import type { JobHandle, OlderAnswer, RowFailure, StoredAnswer } from './records.js';
import { parseFields, readFields, type StoredField } from './stored-fields.js';

/**
 * The result for a chunk, one JSON array per column, because a single value is fastest to return from SQLite.
 */
interface FoundColumns {
  readonly keys: string;
  readonly fields: string;
  readonly runIds: string;
  readonly jobIds: string;
  readonly invocations: string;
  readonly answeredAt: string;
  readonly costs: string;
  readonly estimates: string;
  readonly failures: string;
  readonly failureInvocations: string;
}

/**
 * Looks up each number once and never scans the answers; `cross join` forces the planner to use this order.
 */
export const FIND_ANSWERS = `
  select json_group_array(answer.key) as keys, '[' || group_concat(answer.fields) || ']' as fields,
    json_group_array(answer.run_id) as runIds, json_group_array(answering.id) as jobIds,
    json_group_array(answer.invocation) as invocations, json_group_array(answer.answered_at) as answeredAt,
    json_group_array(own.cost_micros) as costs, json_group_array(own.estimated_micros) as estimates,
    json_group_array(own.failure) as failures,
    json_group_array(own.failure_invocation) as failureInvocations
  from json_each(?) found
  cross join answer on answer.number = found.value
  left join job_answer own on own.job = (select number from job where id = ?) and own.answer = answer.number
  left join job answering on answering.number = answer.job
  where answer.answered_at is not null or own.job is not null
  having count(*) > 0`;

/** Finds what is known about a chunk of row keys with one query of the answers. Unknown keys are missing. */
export function findAnswers(
  database: Database,
  keys: AnswerKeys,
  job: JobHandle,
  rowKeys: readonly string[],
): Map<string, StoredAnswer> {
  const found = new Map<string, StoredAnswer>();
  const numbers = findNumbers(database, keys, job.askId, rowKeys);
  if (numbers.size === 0) return found;
  const columns = database.get<FoundColumns>(FIND_ANSWERS, JSON.stringify([...numbers.values()]), job.id);
  if (columns === undefined) return found;
  const fields = JSON.parse(columns.fields) as StoredField[][];
  const runIds = JSON.parse(columns.runIds) as (string | null)[];
  const jobIds = JSON.parse(columns.jobIds) as (string | null)[];
  const invocations = JSON.parse(columns.invocations) as (number | null)[];
  const answeredAt = JSON.parse(columns.answeredAt) as (number | null)[];
  const costs = JSON.parse(columns.costs) as (number | null)[];
  const estimates = JSON.parse(columns.estimates) as (number | null)[];
  const failures = JSON.parse(columns.failures) as (string | null)[];
  const failureInvocations = JSON.parse(columns.failureInvocations) as (number | null)[];
  for (const [index, key] of (JSON.parse(columns.keys) as string[]).entries()) {
    const runId = runIds[index] ?? null;
    found.set(key, {
      fields: readFields(fields[index] ?? [], runId),
      failure: failures[index] ?? null,
      failureInvocation: failureInvocations[index] ?? null,
      costMicros: costs[index] ?? 0,
      estimatedMicros: estimates[index] ?? 0,
      runId,
      answeredJobId: jobIds[index] ?? null,
      answeredInvocation: invocations[index] ?? null,
      answeredAtMs: answeredAt[index] ?? null,
    });
  }
  return found;
}

/** Replaced values of a row, most recently replaced first. */
export function findOlderAnswers(
  database: Database,
  keys: AnswerKeys,
  askId: string,
  key: string,
): OlderAnswer[] {
  const rows = database.all<{
    fields: string;
    runId: string | null;
    answeredAt: number | null;
    replacedAt: number;
  }>(
    `select fields, run_id as runId, answered_at as answeredAt, replaced_at as replacedAt
     from older_answer where answer = ? order by rowid desc`,
    findNumbers(database, keys, askId, [key]).get(key) ?? null,
  );
  return rows.map((row) => ({
    fields: parseFields(row.fields, row.runId),
    answeredAtMs: row.answeredAt,
    replacedAtMs: row.replacedAt,
  }));
}

/** Records rows that failed in the job's current invocation without their own run. */
export function failRows(
  database: Database,
  keys: AnswerKeys,
  jobId: string,
  failures: readonly RowFailure[],
): void {
  const job = database.get<{ number: number; ask: number; invocation: number }>(
    'select number, ask, invocation from job where id = ?',
    jobId,
  );
  if (job === undefined) throw createUnknownJobError(jobId);
  const reasons = new Map(failures.map((failure) => [failure.key, failure.reason]));
  const numbers = noteQuestions(database, keys, job.ask, [...reasons.keys()]);
  database.run(
    `insert into job_answer (job, answer, cost_micros, failure, failure_invocation)
     select ?, value ->> 0, 0, value ->> 1, ? from json_each(?) where true
     on conflict do update set failure = excluded.failure, failure_invocation = excluded.failure_invocation`,
    job.number,
    job.invocation,
    JSON.stringify([...reasons].map(([key, reason]) => [numbers.get(key), reason])),
  );
}

function findNumbers(
  database: Database,
  keys: AnswerKeys,
  askId: string,
  rowKeys: readonly string[],
): ReadonlyMap<string, number> {
  const ask = database.get<{ number: number }>('select number from ask where id = ?', askId);
  return ask === undefined ? new Map() : keys.find(ask.number, rowKeys);
}

/** Assigns a number to each key, so that the job's failure can be recorded for it. */
function noteQuestions(
  database: Database,
  keys: AnswerKeys,
  ask: number,
  rowKeys: readonly string[],
): ReadonlyMap<string, number> {
  const numbers = keys.find(ask, rowKeys);
  const unknown = rowKeys.filter((key) => !numbers.has(key));
  const blank = new Map(unknown.map((key) => [key, '[]']));
  const source = { runId: null, job: null, invocation: null, intendedAt: null, answeredAt: null };
  const added = insertAnswers(database, keys, ask, blank, source);
  return new Map([...numbers, ...added]);
}
