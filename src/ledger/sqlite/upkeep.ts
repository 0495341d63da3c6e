import { createUsageError } from '../../errors.js';
import { QUARTER_HOUR_MS } from '../../model/clock.js';
import { formatNumber } from '../../model/format.js';
import type { AgentRun } from '../../model/run.js';
import { type BlockRow, dropFailures, isReadable, SPAN, unpackRun } from '../blocks.js';
import { createUnknownJobError } from '../job-records.js';
import type { ForgetResult, PruneLimits, PruneResult } from '../ledger.js';
import { describeFaults, LEDGER_FAULTS, type LedgerFault } from '../ledger-faults.js';
import type { Database } from './database.js';
import { SELECT_BLOCKS } from './view.js';

/** No run takes longer than a few hours, so one that is still open after a day can never be settled. */
const LONGEST_OPEN_MS = 24 * 60 * 60_000;
/** Rows of a table that belong to old asks; `ask` is the column with the ask's number, or an expression for it. */
const OLD_JOBS = 'select number from job where ask in (select number from old_ask)';
const OLD_BLOCKS = `select block.number from old_ask
  join block on block.number > old_ask.number * ${SPAN} and block.number < (old_ask.number + 1) * ${SPAN}`;

/**
 * Deletes old data, but keeps what was spent. Keeps an ask with a run that may still be active, or with a job that is
 * being worked on.
 */
export function prune(
  database: Database,
  limits: PruneLimits,
  nowMs: number,
  heldLeases: readonly string[],
): PruneResult {
  const rawRuns =
    limits.runsBeforeMs === undefined
      ? 0
      : database.run(
          'update block set raw_run = null where raw_run is not null and settled_at < ?',
          limits.runsBeforeMs,
        );
  if (limits.asksBeforeMs === undefined) return { runs: rawRuns, asks: 0, jobs: 0, answers: 0 };
  selectOldAsks(database, limits.asksBeforeMs, nowMs, heldLeases);
  const answers = countAnswers(database);
  keepSpend(database);
  const runs = countRawRuns(database, `number in (${OLD_BLOCKS})`);
  database.run(`delete from block where number in (${OLD_BLOCKS})`);
  database.run(`delete from batch where job in (${OLD_JOBS})`);
  database.run(`delete from job_count where job in (${OLD_JOBS})`);
  const jobs = database.run('delete from job where ask in (select number from old_ask)');
  database.run('delete from verdict where ask in (select number from old_ask)');
  database.run('delete from ask_count where ask in (select number from old_ask)');
  database.run('delete from ask_version where ask in (select number from old_ask)');
  const asks = database.run('delete from ask where number in (select number from old_ask)');
  database.run(
    'delete from written where written_at < ? and job not in (select id from job)',
    limits.asksBeforeMs,
  );
  database.exec('drop table temp.old_ask');
  return { runs: rawRuns + runs, asks, jobs, answers };
}

/** Deletes a job, but keeps what was spent, and answers that another job of its ask uses. */
export function forgetJob(database: Database, jobId: string): ForgetResult {
  const { number, ask, open } = findForgotten(database, jobId);
  const result = countForgotten(database, jobId);
  if (open > 0) {
    throw createUsageError(
      'JOB_HAS_RUNS',
      `Job ${jobId} has ${formatNumber(open, 'run')} that may still be billed`,
      'Run the job again to collect them, or cancel it with rowfill cancel, and then forget it.',
    );
  }
  database.run(
    `insert into pruned_spend (job, cost_micros)
     select ?1, spent_micros from job_count where job = ?2 and spent_micros > 0
     on conflict do update set cost_micros = excluded.cost_micros`,
    jobId,
    number,
  );
  database.run('delete from job_count where job = ?', number);
  database.run('delete from job where number = ?', number);
  database.run('delete from written where job = ?', jobId);
  const range = [ask * SPAN, (ask + 1) * SPAN] as const;
  if (result.sharedWith.length > 0) {
    // The answers are then of no job: no other one has paid for them, or failed with their rows.
    const own = 'where number > ? and number < ? and job = ?';
    database.run(`delete from block ${own} and kind in ('failures', 'released')`, ...range, number);
    for (const row of database.all<BlockRow>(`${SELECT_BLOCKS} ${own}`, ...range, number)) {
      const content = dropFailures(row.content);
      if (content !== row.content) {
        database.run('update block set content = ? where number = ?', content, row.number);
      }
    }
    database.run(
      `update block set job = 0, cost_micros = 0, is_estimated = 0, raw_run = null ${own}`,
      ...[...range, number],
    );
  } else {
    database.run('delete from block where number > ? and number < ?', ...range);
    database.run('delete from verdict where ask = ?', ask);
    database.run('delete from ask_count where ask = ?', ask);
    database.run('delete from ask_version where ask = ?', ask);
    database.run('delete from ask where number = ?', ask);
  }
  return result;
}

/** Counts what `forgetJob` would delete. */
export function countForgotten(database: Database, jobId: string): ForgetResult {
  const { number, ask, answers, allAnswers, runs } = findForgotten(database, jobId);
  const sharedWith = listTwins(database, ask, number);
  const answersOfDeleted = sharedWith.length > 0 ? 0 : allAnswers - answers;
  return {
    ...{ answers: answers + answersOfDeleted, answersOfDeleted, runs, sharedWith },
    ...describeVerdicts(database, ask, sharedWith),
  };
}

/** Ids of the other jobs of an ask. */
function listTwins(database: Database, ask: number, number: number): string[] {
  const sql = 'select id from job where ask = ? and number <> ? order by opened_at desc';
  return database.all<{ id: string }>(sql, ask, number).map(({ id }) => id);
}

/** The verdicts of an ask that go with its last job, and the web pages that only they are about. */
function describeVerdicts(
  database: Database,
  ask: number,
  sharedWith: readonly string[],
): Pick<ForgetResult, 'verdicts' | 'pages'> {
  if (sharedWith.length > 0) return { verdicts: 0, pages: [] };
  const found = database.get<{ found: number }>('select count(*) as found from verdict where ask = ?', ask);
  // Addresses that differ in their fragments are one page.
  const page = "substr(url, 1, instr(url || '#', '#') - 1)";
  const rows = database.all<{ page: string }>(
    `select ${page} as page from verdict where ask = ?1 and url not like 'file:%'
     except select ${page} from verdict where ask <> ?1`,
    ask,
  );
  return { verdicts: found?.found ?? 0, pages: rows.map((row) => row.page) };
}

interface Forgotten {
  readonly number: number;
  readonly ask: number;
  readonly open: number;
  /** Rows that runs of the job answered. */
  readonly answers: number;
  /** Rows that runs of any job of the ask answered, also of one that was deleted. */
  readonly allAnswers: number;
  readonly runs: number;
}

function findForgotten(database: Database, jobId: string): Forgotten {
  const found = database.get<Forgotten>(
    `select job.number, job.ask, count.answered as answers,
       (select answered from ask_count where ask_count.ask = job.ask) as allAnswers,
       (select count(*) from batch where batch.job = job.number) as open,
       (select count(*) from block where block.number > job.ask * ${SPAN} and block.number < (job.ask + 1) * ${SPAN}
          and block.job = job.number and raw_run is not null) as runs
     from job join job_count count on count.job = job.number where job.id = ?`,
    jobId,
  );
  if (found === undefined) throw createUnknownJobError(jobId);
  return found;
}

/** Counts what `prune` would delete, without changing anything. */
export function countOld(
  database: Database,
  { runsBeforeMs, asksBeforeMs }: PruneLimits,
  nowMs: number,
  heldLeases: readonly string[],
): PruneResult {
  const count = (sql: string, ...values: readonly number[]): number =>
    database.get<{ found: number }>(`select count(*) as found from ${sql}`, ...values)?.found ?? 0;
  const runsBefore = runsBeforeMs ?? Number.MIN_SAFE_INTEGER;
  if (asksBeforeMs === undefined)
    return { runs: countRawRuns(database, `settled_at < ${runsBefore}`), asks: 0, jobs: 0, answers: 0 };
  selectOldAsks(database, asksBeforeMs, nowMs, heldLeases);
  const result = {
    runs: countRawRuns(database, `(settled_at < ${runsBefore} or number in (${OLD_BLOCKS}))`),
    asks: count('old_ask'),
    jobs: count('job where ask in (select number from old_ask)'),
    answers: countAnswers(database),
  };
  database.exec('drop table temp.old_ask');
  return result;
}

/** Puts the asks to delete into the temporary table `old_ask`. */
function selectOldAsks(
  database: Database,
  beforeMs: number,
  nowMs: number,
  heldLeases: readonly string[],
): void {
  database.exec('drop table if exists temp.old_ask; create table temp.old_ask (number integer primary key)');
  database.run(
    `insert into old_ask select ask.number from ask
     where not exists (select 1 from job where job.ask = ask.number
         and (max(job.opened_at, coalesce(job.closed_at, 0)) >= ?1 or 'job:' || job.id in (select value from json_each(?3))))
       and 'ask:' || ask.id not in (select value from json_each(?3))
       and not exists (select 1 from batch where batch.number > ask.number * ${SPAN}
         and batch.number < (ask.number + 1) * ${SPAN} and batch.intended_at >= ?2)`,
    beforeMs,
    Math.min(beforeMs, nowMs - LONGEST_OPEN_MS),
    JSON.stringify(heldLeases),
  );
}

function countRawRuns(database: Database, condition: string): number {
  const sql = `select count(*) as found from block where raw_run is not null and ${condition}`;
  return database.get<{ found: number }>(sql)?.found ?? 0;
}

function countAnswers(database: Database): number {
  const sql =
    'select coalesce(sum(answered), 0) as answers from ask_count where ask in (select number from old_ask)';
  return database.get<{ answers: number }>(sql)?.answers ?? 0;
}

/**
 * Keeps what was spent, so that the cap of a job and the budget of a day still count it. A run whose outcome was never
 * known may have been billed, so it counts with its reserved price.
 */
function keepSpend(database: Database): void {
  database.run(
    `insert into pruned_spend (job, cost_micros)
     select job.id, spent_micros + reserved_micros from job join job_count on job_count.job = job.number
     where job.number in (${OLD_JOBS}) and spent_micros + reserved_micros > 0
     on conflict do update set cost_micros = excluded.cost_micros`,
  );
  // Settled runs are already counted for their day.
  const lost = `from batch join job on job.number = batch.job where batch.job in (${OLD_JOBS})`;
  // The length is part of the text, because the driver binds numbers as REAL, and that division does not round down.
  const quarter = `batch.intended_at / ${QUARTER_HOUR_MS} * ${QUARTER_HOUR_MS}`;
  database.run(
    `insert into spend (scope, quarter, cost_micros)
     select scope, quarter, sum(micros) as total from (
       select '' as scope, ${quarter} as quarter, batch.reserve_micros as micros ${lost}
       union all select job.folder, ${quarter}, batch.reserve_micros ${lost})
     where scope is not null group by scope, quarter having total > 0
     on conflict do update set cost_micros = cost_micros + excluded.cost_micros`,
  );
}

/** The raw run as returned by the agent; null if pruned or never received. */
export function getRun(database: Database, runId: string): AgentRun | null {
  return readRun(database, 'run_id = ? limit 1', runId);
}

/** The most recently settled raw run of a job. */
export function getLastRun(database: Database, jobId: string): AgentRun | null {
  const last = `number = (select max(block.number) from job join block on block.number > job.ask * ${SPAN}
    and block.number < (job.ask + 1) * ${SPAN} and block.job = job.number and block.kind = 'run' where job.id = ?)`;
  return readRun(database, last, jobId);
}

function readRun(database: Database, condition: string, value: string): AgentRun | null {
  const sql = `select raw_run as raw from block where ${condition}`;
  const raw = database.get<{ raw: Uint8Array | null }>(sql, value)?.raw ?? null;
  return raw === null ? null : unpackRun(raw);
}

const FAULTS: readonly LedgerFault[] = [
  ...LEDGER_FAULTS,
  [
    'jobs whose cost is below that of their runs',
    'job_count where spent_micros < (select coalesce(sum(cost_micros), 0) from block where block.job = job_count.job)',
  ],
];

/** Blocks checked in one query. */
const CHECKED_BLOCKS = 1_000;

/** Checks the whole file. Returns one line per fault. */
export function checkLedger(database: Database): string[] {
  const faults = database.check();
  // Content can only be checked if the pages are intact.
  if (faults.length > 0) return faults;
  const counts = FAULTS.map(
    ([, rows]) => database.get<{ found: number }>(`select count(*) as found from ${rows}`)?.found ?? 0,
  );
  const found = describeFaults(FAULTS, counts);
  const broken = countBrokenBlocks(database);
  return broken === 0 ? found : [...found, `blocks that cannot be read: ${broken}`];
}

function countBrokenBlocks(database: Database): number {
  let broken = 0;
  let last = 0;
  for (;;) {
    const rows = database.all<BlockRow>(
      `${SELECT_BLOCKS} where number > ? order by number limit ?`,
      last,
      CHECKED_BLOCKS,
    );
    for (const row of rows) {
      last = row.number;
      if (!isReadable(row)) broken += 1;
    }
    if (rows.length < CHECKED_BLOCKS) return broken;
  }
}
