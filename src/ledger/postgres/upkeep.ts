import { createUsageError } from '../../errors.js';
import { formatNumber } from '../../model/format.js';
import type { AgentRun } from '../../model/run.js';
import { type BlockRow, dropFailures, isReadable, unpackRun } from '../blocks.js';
import { createUnknownJobError } from '../job-records.js';
import type { ForgetResult, PruneLimits, PruneResult } from '../ledger.js';
import { describeFaults, LEDGER_FAULTS, type LedgerFault } from '../ledger-faults.js';
import { BLOCK_COLUMNS } from './answers.js';
import type { Call, Connection, Row } from './connection.js';
import { HOLDER_COLUMNS, type HolderRow, type ProcessHolder } from './process-holder.js';
import { Sql, sql, textArray } from './sql.js';

/** Deletes old data, but keeps what was spent. */
export async function prune(
  connection: Connection,
  process: ProcessHolder,
  limits: PruneLimits,
): Promise<PruneResult> {
  const held = await listHeldLeases(connection, process);
  return connection.submit({ ...createCount('prune', limits, held), isWrite: true });
}

/** Counts what `prune` would delete, without changing anything. */
export async function countOld(
  connection: Connection,
  process: ProcessHolder,
  limits: PruneLimits,
): Promise<PruneResult> {
  const held = await listHeldLeases(connection, process);
  return connection.submit({ ...createCount('count_old', limits, held), isWrite: false });
}

function createCount(
  name: string,
  { runsBeforeMs, asksBeforeMs }: PruneLimits,
  held: readonly string[],
): Omit<Call<PruneResult>, 'isWrite'> {
  const statement = sql`select * from ${new Sql(name)}(${runsBeforeMs ?? null}, ${asksBeforeMs ?? null}, ${textArray(held)})`;
  return { statements: [statement], askIds: [], isLong: true, read: ([rows]) => toPruneResult(rows?.[0]) };
}

function toPruneResult(row: Row | undefined): PruneResult {
  const count = (name: string): number => Number(row?.[name]);
  return { runs: count('runs'), asks: count('asks'), jobs: count('jobs'), answers: count('answers') };
}

/** Names of leases whose holders may still be alive. */
async function listHeldLeases(connection: Connection, process: ProcessHolder): Promise<string[]> {
  const statement = sql`select lease.name, ${new Sql(HOLDER_COLUMNS)}
    from lease join holder on holder.number = lease.holder where lease.name ~ '^(ask|job):'`;
  return connection.read([statement], ([rows = []]) => {
    const leases = rows as unknown as readonly (HolderRow & { readonly name: string })[];
    return leases.filter((row) => process.findGoneAt(row) > row.nowMs).map(({ name }) => name);
  });
}

interface Forgotten {
  readonly number: number;
  readonly ask: number;
  readonly open: number;
  readonly answers: number;
  readonly runs: number;
}

interface Forgetting {
  readonly found: Forgotten;
  readonly result: ForgetResult;
}

/** Counts what `forgetJob` would delete. */
export async function countForgotten(connection: Connection, jobId: string): Promise<ForgetResult> {
  return (await findForgotten(connection, jobId)).result;
}

async function findForgotten(connection: Connection, jobId: string): Promise<Forgetting> {
  const statements = [
    sql`select * from find_forgotten(${jobId})`,
    sql`select twin.id from job join job twin on twin.ask = job.ask and twin.number <> job.number
      where job.id = ${jobId} order by twin.opened_at desc`,
    sql`select page from job, own_pages(job.ask) page where id = ${jobId} order by page`,
    sql`select count(*) as count from job join verdict on verdict.ask = job.ask where job.id = ${jobId}`,
    sql`select answered from job join ask_count on ask_count.ask = job.ask where job.id = ${jobId}`,
  ];
  return connection.read(statements, ([rows = [], twins = [], urls = [], verdicts = [], counts = []]) => {
    const [found] = rows as unknown as readonly Forgotten[];
    if (found === undefined) throw createUnknownJobError(jobId);
    const sharedWith = twins.map(({ id }) => String(id));
    const isLast = sharedWith.length === 0;
    const { answers, runs } = found;
    const answersOfDeleted = isLast ? Number(counts[0]?.answered) - answers : 0;
    return {
      found,
      result: {
        answers: answers + answersOfDeleted,
        answersOfDeleted,
        runs,
        verdicts: isLast ? Number(verdicts[0]?.count) : 0,
        pages: isLast ? urls.map(({ page }) => String(page)) : [],
        sharedWith,
      },
    };
  });
}

/** Deletes a job, but keeps what was spent, and answers that another job of its ask uses. */
export async function forgetJob(connection: Connection, jobId: string): Promise<ForgetResult> {
  const { found, result } = await findForgotten(connection, jobId);
  if (found.open > 0) {
    throw createUsageError(
      'JOB_HAS_RUNS',
      `Job ${jobId} has ${formatNumber(found.open, 'run')} that may still be billed`,
      'Run the job again to collect them, or cancel it with rowfill cancel, and then forget it.',
    );
  }
  const own = sql`select ${new Sql(BLOCK_COLUMNS)} from block where job = ${found.number}
    and kind <> 'failures' and content like '%"failures"%'`;
  const cleaned = await connection.read([own], ([rows = []]) =>
    (rows as unknown as readonly BlockRow[]).map(
      ({ number, content }) =>
        sql`update block set content = ${dropFailures(content)} where number = ${number}`,
    ),
  );
  await connection.submit({
    ...{ statements: [...cleaned, sql`select forget(${jobId})`], isWrite: true, askIds: [], isLong: true },
    read: () => undefined,
  });
  return result;
}

/** The raw run as returned by the agent; null if pruned or never received. */
export function getRun(connection: Connection, runId: string): Promise<AgentRun | null> {
  return readRun(connection, sql`select raw_run from block where run_id = ${runId} limit 1`);
}

/** The most recently settled raw run of a job. */
export function getLastRun(connection: Connection, jobId: string): Promise<AgentRun | null> {
  const last = sql`select raw_run from block join job on job.number = block.job
    where job.id = ${jobId} and kind = 'run' order by block.number desc limit 1`;
  return readRun(connection, last);
}

function readRun(connection: Connection, statement: Sql): Promise<AgentRun | null> {
  return connection.read([statement], ([rows]) => {
    const raw = rows?.[0]?.raw_run;
    return raw instanceof Uint8Array ? unpackRun(raw) : null;
  });
}

const FAULTS: readonly LedgerFault[] = [
  ...LEDGER_FAULTS,
  [
    'jobs whose cost is below that of their runs',
    `job_count where spent_micros < (select least(coalesce(sum(cost_micros), 0), ${Number.MAX_SAFE_INTEGER})
     from block where block.job = job_count.job)`,
  ],
  [
    'rows of blocks that cannot be found',
    `(select unnest(keys) as key, number from block where kind <> 'released') own
     where not exists (select 1 from row_block where row_block.key = own.key and row_block.number = own.number)`,
  ],
  [
    'rows that are in no block',
    'row_block where not exists (select 1 from block where block.number = row_block.number and row_block.key = any(block.keys))',
  ],
];

/** Blocks checked in one query. */
const CHECKED_BLOCKS = 1_000;

/** Checks the whole ledger. Returns one line per fault. */
export async function checkLedger(connection: Connection): Promise<string[]> {
  const statements = FAULTS.map(([, rows]) => new Sql(`select count(*) as found from ${rows}`));
  const found = await connection.submit({
    ...{ statements, isWrite: false, askIds: [], isLong: true },
    read: (results) =>
      describeFaults(
        FAULTS,
        results.map(([row]) => Number(row?.found)),
      ),
  });
  const broken = await countBrokenBlocks(connection);
  return broken === 0 ? found : [...found, `blocks that cannot be read: ${broken}`];
}

async function countBrokenBlocks(connection: Connection): Promise<number> {
  let broken = 0;
  let last = 0;
  for (;;) {
    const statement = sql`select ${new Sql(BLOCK_COLUMNS)} from block where number > ${last} order by number
      limit ${CHECKED_BLOCKS}`;
    const rows = await connection.read(
      [statement],
      ([found = []]) => found as unknown as readonly BlockRow[],
    );
    for (const row of rows) {
      last = row.number;
      if (!isReadable(row)) broken += 1;
    }
    if (rows.length < CHECKED_BLOCKS) return broken;
  }
}
