import type { Database } from './database.js';
import type { JobHandle, OlderAnswer, RowFailure, StoredAnswer } from './records.js';
import { parseFields, readFields, type StoredField } from './stored-fields.js';

/** What was found for a chunk, column by column, each one a JSON array: crossing over from SQLite once is what makes it fast. */
interface FoundColumns {
  readonly keys: string;
  readonly fields: string;
  readonly runIds: string;
  readonly jobIds: string;
  readonly invocations: string;
  readonly answeredAt: string;
  readonly costs: string;
  readonly failures: string;
  readonly failureInvocations: string;
}

/** Looks each key up once and never scans the answers: `cross join` holds the planner to this order. */
export const FIND_ANSWERS = `
  select json_group_array(asked.value) as keys, '[' || group_concat(answer.fields) || ']' as fields,
    json_group_array(answer.run_id) as runIds, json_group_array(answering.id) as jobIds,
    json_group_array(answer.invocation) as invocations, json_group_array(answer.answered_at) as answeredAt,
    json_group_array(own.cost_micros) as costs, json_group_array(own.failure) as failures,
    json_group_array(own.failure_invocation) as failureInvocations
  from json_each(?) asked
  cross join answer on answer.ask = (select number from ask where id = ?) and answer.key = asked.value
  left join job_answer own on own.job = (select number from job where id = ?) and own.answer = answer.number
  left join job answering on answering.number = answer.job
  where answer.answered_at is not null or own.job is not null
  having count(*) > 0`;

const HAS_ANSWERS = 'select 1 from answer where ask = (select number from ask where id = ?) limit 1';

/** What is known of a chunk of row keys, in one query; a key of which nothing is known is missing. */
export function findAnswers(
  database: Database,
  job: JobHandle,
  keys: readonly string[],
): Map<string, StoredAnswer> {
  const found = new Map<string, StoredAnswer>();
  // The first time that an ask is put to a list there is nothing to look up, and that is known at once.
  if (database.get(HAS_ANSWERS, job.askId) === undefined) return found;
  const columns = database.get<FoundColumns>(FIND_ANSWERS, JSON.stringify(keys), job.askId, job.id);
  if (columns === undefined) return found;
  const fields = JSON.parse(columns.fields) as StoredField[][];
  const runIds = JSON.parse(columns.runIds) as (string | null)[];
  const jobIds = JSON.parse(columns.jobIds) as (string | null)[];
  const invocations = JSON.parse(columns.invocations) as (number | null)[];
  const answeredAt = JSON.parse(columns.answeredAt) as (number | null)[];
  const costs = JSON.parse(columns.costs) as (number | null)[];
  const failures = JSON.parse(columns.failures) as (string | null)[];
  const failureInvocations = JSON.parse(columns.failureInvocations) as (number | null)[];
  for (const [index, key] of (JSON.parse(columns.keys) as string[]).entries()) {
    const runId = runIds[index] ?? null;
    found.set(key, {
      fields: readFields(fields[index] ?? [], runId),
      failure: failures[index] ?? null,
      failureInvocation: failureInvocations[index] ?? null,
      costMicros: costs[index] ?? 0,
      runId,
      answeredJobId: jobIds[index] ?? null,
      answeredInvocation: invocations[index] ?? null,
      answeredAtMs: answeredAt[index] ?? null,
    });
  }
  return found;
}

/** The values of a row that newer ones replaced, the one replaced last first. */
export function findOlderAnswers(database: Database, askId: string, key: string): OlderAnswer[] {
  const rows = database.all<{
    fields: string;
    runId: string | null;
    answeredAt: number | null;
    replacedAt: number;
  }>(
    `select older.fields, older.run_id as runId, older.answered_at as answeredAt, older.replaced_at as replacedAt
     from answer join older_answer older on older.answer = answer.number
     where answer.ask = (select number from ask where id = ?) and answer.key = ? order by older.rowid desc`,
    askId,
    key,
  );
  return rows.map((row) => ({
    fields: parseFields(row.fields, row.runId),
    answeredAtMs: row.answeredAt,
    replacedAtMs: row.replacedAt,
  }));
}

/** Notes rows that failed in the job's current invocation without a run of their own. */
export function failRows(database: Database, jobId: string, failures: readonly RowFailure[]): void {
  noteQuestions(
    database,
    jobId,
    failures.map((failure) => failure.key),
  );
  database.run(
    `insert into job_answer (job, answer, cost_micros, failure, failure_invocation)
     select job.number, answer.number, 0, failed.value ->> 1, job.invocation
     from json_each(?) failed
     cross join job on job.id = ?
     cross join answer on answer.ask = job.ask and answer.key = failed.value ->> 0
     where true
     on conflict do update set failure = excluded.failure, failure_invocation = excluded.failure_invocation`,
    JSON.stringify(failures.map((failure) => [failure.key, failure.reason])),
    jobId,
  );
}

/** Gives each key its number, so that what a job missed can be noted for it. */
function noteQuestions(database: Database, jobId: string, keys: readonly string[]): void {
  database.run(
    `insert into answer (ask, key, fields)
     select (select ask from job where id = ?), value, '[]' from json_each(?) where true
     on conflict (ask, key) do nothing`,
    jobId,
    JSON.stringify(keys),
  );
}
