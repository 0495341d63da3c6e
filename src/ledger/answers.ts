import type { Database } from './database.js';
import type { JobHandle, OlderAnswer, RowFailure, StoredAnswer } from './records.js';
import { parseFields } from './stored-fields.js';

interface FoundRow {
  readonly key: string;
  readonly fields: string;
  readonly runId: string | null;
  readonly answeredJobId: string | null;
  readonly invocation: number | null;
  readonly answeredAt: number | null;
  readonly costMicros: number | null;
  readonly failure: string | null;
  readonly failureInvocation: number | null;
}

// `cross join` holds the planner to this order: each key looked up once, never a scan of the answers.
const FIND_ANSWERS = `
  select asked.value as key, answer.fields, answer.run_id as runId, answering.id as answeredJobId,
    answer.invocation, answer.answered_at as answeredAt,
    own.cost_micros as costMicros, own.failure, own.failure_invocation as failureInvocation
  from json_each(?) asked
  cross join answer on answer.ask = (select number from ask where id = ?) and answer.key = asked.value
  left join job_answer own on own.job = (select number from job where id = ?) and own.answer = answer.number
  left join job answering on answering.number = answer.job
  where answer.answered_at is not null or own.job is not null`;

/** What is known of a chunk of row keys, in one query; a key of which nothing is known is missing. */
export function findAnswers(
  database: Database,
  job: JobHandle,
  keys: readonly string[],
): Map<string, StoredAnswer> {
  const found = new Map<string, StoredAnswer>();
  for (const row of database.all<FoundRow>(FIND_ANSWERS, JSON.stringify(keys), job.askId, job.id)) {
    found.set(row.key, {
      fields: parseFields(row.fields, row.runId),
      failure: row.failure,
      failureInvocation: row.failureInvocation,
      costMicros: row.costMicros ?? 0,
      runId: row.runId,
      answeredJobId: row.answeredJobId,
      answeredInvocation: row.invocation,
      answeredAtMs: row.answeredAt,
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
