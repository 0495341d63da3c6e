import type { RowCounts } from '../model/answer.js';
import type { JobStop } from '../model/events.js';
import type { Database } from './database.js';
import type { JobStatus, OpenBatchState, RunInFlight } from './records.js';

interface StatusRow {
  readonly number: number;
  readonly id: string;
  readonly askId: string;
  readonly query: string;
  readonly input: string;
  readonly output: string;
  readonly invocation: number;
  readonly stop: JobStop | null;
  readonly counts: string | null;
  readonly spentMicros: number;
  readonly estimatedMicros: number;
  readonly reservedMicros: number;
  readonly openedAt: number;
  readonly closedAt: number | null;
  readonly placedInput: string | null;
  readonly placedOutput: string | null;
}

/** All jobs, or the newest `limit`, most recently opened first. */
export function listJobs(database: Database, limit = -1): JobStatus[] {
  const rows = database.all<StatusRow>(
    `select job.number, job.id, ask.id as askId, ask.content ->> '$.query' as query, job.input, job.output,
       job.invocation, job.stop, job.counts, job.spent_micros as spentMicros, job.estimated_micros as estimatedMicros,
       job.reserved_micros as reservedMicros, job.opened_at as openedAt, job.closed_at as closedAt,
       job.placed_input as placedInput, job.placed_output as placedOutput
     from job join ask on ask.number = job.ask order by job.opened_at desc, job.number desc limit ?`,
    limit,
  );
  const runs = readRunsInFlight(database);
  return rows.map((row) => ({
    id: row.id,
    askId: row.askId,
    query: row.query,
    input: row.input,
    output: row.output,
    place: row.placedInput === null ? null : { input: row.placedInput, output: row.placedOutput },
    invocation: row.invocation,
    stop: row.stop,
    counts: row.counts === null ? null : (JSON.parse(row.counts) as RowCounts),
    ...countAnswers(database, row.number),
    spentMicros: row.spentMicros,
    estimatedMicros: row.estimatedMicros,
    reservedMicros: row.reservedMicros,
    openedAtMs: row.openedAt,
    closedAtMs: row.closedAt,
    runs: runs.get(row.number) ?? [],
  }));
}

export function countJobs(database: Database): number {
  return database.get<{ count: number }>('select count(*) as count from job')?.count ?? 0;
}

function readRunsInFlight(database: Database): Map<number, RunInFlight[]> {
  const rows = database.all<RunInFlight & { job: number }>(
    `select batch.job, batch.id as batchId, batch.run_id as runId, batch.state,
       json_array_length(intent.content, '$.rows') as rows, batch.reserve_micros as reserveMicros,
       batch.intended_at as intendedAtMs
     from batch indexed by batch_open join intent on intent.batch = batch.number
     where batch.state in ('intended', 'sent', 'unknown') order by batch.number`,
  );
  const runs = new Map<number, RunInFlight[]>();
  for (const { job, batchId, runId, state, rows: count, reserveMicros, intendedAtMs } of rows) {
    const run = { batchId, runId, state: state as OpenBatchState, rows: count, reserveMicros, intendedAtMs };
    const known = runs.get(job);
    if (known === undefined) runs.set(job, [run]);
    else known.push(run);
  }
  return runs;
}

/**
 * Counts answered rows by subtracting the unanswered ones, so that no answer is read. `cross join` forces the
 * planner to use this order.
 */
export const COUNT_ANSWERS = `
  select count(*) - count(failure) - (
      select count(*) from answer indexed by answer_blank
      cross join job_answer own on own.job = ?1 and own.answer = answer.number
      where answer.answered_at is null and own.failure is null
    ) as answered, count(failure) as failed
  from job_answer where job = ?1`;

function countAnswers(database: Database, job: number): { answered: number; failed: number } {
  const counts = database.get<{ answered: number; failed: number }>(COUNT_ANSWERS, job);
  return { answered: counts?.answered ?? 0, failed: counts?.failed ?? 0 };
}
