import type { Database } from './database.js';
import type { Holder } from './holder.js';
import { listHeldAsks } from './leases.js';
import { mergeTail } from './merge-tail.js';
import { quarterOf } from './spend.js';

/** What to delete: raw runs, or whole asks with their jobs and answers, last used before a time. */
export interface PruneLimits {
  readonly runsBeforeMs?: number;
  readonly asksBeforeMs?: number;
}

export interface PruneResult {
  readonly runs: number;
  readonly asks: number;
  readonly jobs: number;
  readonly answers: number;
}

const OLD_JOBS = 'select number from job where ask in (select number from old_ask)';
const OLD_ANSWERS = 'select answer from answer_key where ask in (select number from old_ask)';

/** No run takes longer than a few hours, so one that is still open after a day can never be settled. */
const LONGEST_OPEN_MS = 24 * 60 * 60_000;

/**
 * Deletes old data, but keeps what was spent. Keeps an ask with a run that may still be active, or whose
 * lease is held.
 */
export function pruneLedger(
  database: Database,
  limits: PruneLimits,
  self: Holder,
  nowMs: number,
): PruneResult {
  const rawRuns =
    limits.runsBeforeMs === undefined
      ? 0
      : database.run('delete from run where kept_at < ?', limits.runsBeforeMs);
  if (limits.asksBeforeMs === undefined) return { runs: rawRuns, asks: 0, jobs: 0, answers: 0 };
  selectOldAsks(database, limits.asksBeforeMs, self, nowMs);
  // Merge first, so that answers are found by their ask and no process has a deleted one in its cached tail.
  mergeTail(database);
  keepSpend(database);
  const runs = database.run(
    `delete from run where batch in (select number from batch where job in (${OLD_JOBS}))`,
  );
  database.run(`delete from intent where batch in (select number from batch where job in (${OLD_JOBS}))`);
  database.run(`delete from job_yield where job in (${OLD_JOBS})`);
  database.run(`delete from batch where job in (${OLD_JOBS})`);
  database.run(`delete from job_answer where job in (${OLD_JOBS})`);
  database.run(`delete from older_answer where answer in (${OLD_ANSWERS})`);
  const answers = database.run(`delete from answer where number in (${OLD_ANSWERS})`);
  database.run('delete from answer_key where ask in (select number from old_ask)');
  const jobs = database.run('delete from job where ask in (select number from old_ask)');
  const asks = database.run('delete from ask where number in (select number from old_ask)');
  database.run(
    'delete from written where written_at < ? and job not in (select id from job)',
    limits.asksBeforeMs,
  );
  database.exec('drop table temp.old_ask');
  return { runs: rawRuns + runs, asks, jobs, answers };
}

/** Counts what `pruneLedger` would delete, without changing anything. */
export function countOld(
  database: Database,
  { runsBeforeMs, asksBeforeMs }: PruneLimits,
  self: Holder,
  nowMs: number,
): PruneResult {
  const count = (sql: string, ...values: readonly number[]): number =>
    database.get<{ found: number }>(`select count(*) as found from ${sql}`, ...values)?.found ?? 0;
  const runsBefore = runsBeforeMs ?? Number.MIN_SAFE_INTEGER;
  if (asksBeforeMs === undefined)
    return { runs: count('run where kept_at < ?', runsBefore), asks: 0, jobs: 0, answers: 0 };
  selectOldAsks(database, asksBeforeMs, self, nowMs);
  const result = {
    runs: count(
      `run where kept_at < ? or batch in (select number from batch where job in (${OLD_JOBS}))`,
      runsBefore,
    ),
    asks: count('old_ask'),
    jobs: count('job where ask in (select number from old_ask)'),
    answers: count('answer where ask in (select number from old_ask)'),
  };
  database.exec('drop table temp.old_ask');
  return result;
}

/** Puts the asks to delete into the temporary table `old_ask`. */
function selectOldAsks(database: Database, beforeMs: number, self: Holder, nowMs: number): void {
  database.exec('drop table if exists temp.old_ask; create table temp.old_ask (number integer primary key)');
  database.run(
    `insert into old_ask select ask.number from ask
     where not exists (select 1 from job where job.ask = ask.number and max(job.opened_at, coalesce(job.closed_at, 0)) >= ?)
       and not exists (select 1 from batch where batch.ask = ask.number and batch.state in ('intended', 'sent', 'unknown')
         and batch.intended_at >= ?)
       and ask.id not in (select value from json_each(?))`,
    beforeMs,
    Math.min(beforeMs, nowMs - LONGEST_OPEN_MS),
    JSON.stringify(listHeldAsks(database, self, nowMs)),
  );
}

/**
 * Keeps what was spent, so that the cap of a job and the budget of a day still count it. A run whose outcome
 * was never known may have been billed, so it counts with its reserved price.
 */
function keepSpend(database: Database): void {
  database.run(
    `insert into pruned_spend (job_id, input, ended_at, cost_micros)
     select job.id, job.input, ${quarterOf('coalesce(batch.ended_at, batch.intended_at)')} as quarter,
       sum(iif(batch.state = 'settled', batch.cost_micros, batch.reserve_micros)) as micros
     from batch join job on job.number = batch.job
     where batch.job in (${OLD_JOBS}) and batch.state <> 'void'
     group by job.id, quarter having micros > 0
     on conflict (job_id, ended_at) do update set cost_micros = cost_micros + excluded.cost_micros`,
  );
  // Settled runs are already counted for their day.
  const lost = `from batch join job on job.number = batch.job
    where batch.job in (${OLD_JOBS}) and batch.state in ('intended', 'sent', 'unknown')`;
  database.run(
    `insert into spend (scope, quarter, cost_micros)
     select scope, quarter, sum(micros) as total from (
       select '' as scope, ${quarterOf('batch.intended_at')} as quarter, batch.reserve_micros as micros ${lost}
       union all select job.folder, ${quarterOf('batch.intended_at')}, batch.reserve_micros ${lost})
     where scope is not null group by scope, quarter having total > 0
     on conflict do update set cost_micros = cost_micros + excluded.cost_micros`,
  );
}
