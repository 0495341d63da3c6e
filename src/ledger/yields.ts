import { isFound, type RowAnswer } from '../model/answer.js';
import type { Database } from './database.js';

/** Rows or cells that runs answered, and how many of them hold something. */
export interface Yield {
  readonly answered: number;
  readonly filled: number;
}

/** What the runs of one job found at one effort. */
export interface EffortYield {
  /** By row: filled means at least one value. */
  readonly rows: Yield;
  /** By field. */
  readonly fields: ReadonlyMap<string, Yield>;
}

/** What the runs of a job found over all its invocations. */
export interface JobYield {
  readonly efforts: ReadonlyMap<string, EffortYield>;
  /** Somebody has said that the job goes on although nothing was found. */
  readonly keepsGoing: boolean;
}

/** Stands for whole rows among the names of fields. */
const ROWS = '';

/** Adds what a run answered to the counts of its job. */
export function addYield(
  database: Database,
  job: number,
  effort: string,
  answers: readonly RowAnswer[],
): void {
  if (answers.length === 0) return;
  const counts = new Map<string, [answered: number, filled: number]>();
  const count = (name: string, isFilled: boolean): void => {
    const [answered, filled] = counts.get(name) ?? [0, 0];
    counts.set(name, [answered + 1, filled + (isFilled ? 1 : 0)]);
  };
  for (const { fields } of answers) {
    for (const [name, field] of fields) count(name, isFound(field));
    count(ROWS, [...fields.values()].some(isFound));
  }
  database.run(
    `insert into job_yield (job, effort, field, answered, filled)
     select ?, ?, value ->> 0, value ->> 1, value ->> 2 from json_each(?) where true
     on conflict do update set answered = answered + excluded.answered, filled = filled + excluded.filled`,
    job,
    effort,
    JSON.stringify([...counts].map(([name, [answered, filled]]) => [name, answered, filled])),
  );
}

/** Nothing for a job that is not open yet. */
export function readYield(database: Database, jobId: string): JobYield {
  const job = database.get<{ number: number; keepsGoing: number }>(
    'select number, keeps_going as keepsGoing from job where id = ?',
    jobId,
  );
  const counts = database.all<Yield & { effort: string; field: string }>(
    'select effort, field, answered, filled from job_yield where job = ? order by effort, field',
    job?.number ?? null,
  );
  const efforts = new Map<string, { rows: Yield; fields: Map<string, Yield> }>();
  for (const { effort, field, answered, filled } of counts) {
    const known = efforts.get(effort) ?? { rows: { answered: 0, filled: 0 }, fields: new Map() };
    if (field === ROWS) known.rows = { answered, filled };
    else known.fields.set(field, { answered, filled });
    efforts.set(effort, known);
  }
  return { efforts, keepsGoing: job?.keepsGoing === 1 };
}

/** Notes that a job goes on although nothing was found; this cannot be taken back. */
export function keepGoing(database: Database, jobId: string): void {
  database.run('update job set keeps_going = 1 where id = ?', jobId);
}
