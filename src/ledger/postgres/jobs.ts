import { randomInt } from 'node:crypto';
import { type Ask, hashText } from '../../model/ask.js';
import { SPAN } from '../blocks.js';
import { countClimbs, MAX_CLIMB_BLOCKS } from '../climbs.js';
import {
  createAmbiguousJobError,
  createJobId,
  createUnknownJobError,
  groupRuns,
  identifyJob,
  type JobRow,
  readSheet,
  type StatusRow,
  toIdPrefix,
  toJobRecord,
  toJobStatus,
} from '../job-records.js';
import type {
  AnswerState,
  EffortClimb,
  JobEnd,
  JobHandle,
  JobParts,
  JobPlace,
  JobRecord,
  JobStatus,
  JobYield,
  OpenedJob,
  PreviousJob,
  RunInFlight,
} from '../ledger.js';
import { type Found, type StoredYields, toJobYield } from '../yields.js';
import { BLOCK_COLUMNS, toBlocks } from './answers.js';
import type { Connection, Row } from './connection.js';
import { Sql, sql } from './sql.js';

const MAX_PREVIEW_STATEMENTS = 2;
const MAX_OPENING = 2 ** 47;

const JOB =
  new Sql(`job.id, ask.id as "askId", ask_version.content as ask, job.input, job.output, job.settings,
  job.invocation, job.stop, job.counts, job.finished, job.placed_input as "placedInput",
  job.placed_output as "placedOutput"
  from job join ask on ask.number = job.ask join ask_version on ask_version.number = job.version`);

/** The job as it would be at its next invocation. */
export function previewJob(connection: Connection, parts: JobParts): Promise<OpenedJob> {
  return connection.read(selectPreview(parts), (results) => toOpenedJob(parts, results));
}

/** Stores the job, or increments its invocation. */
export function openJob(connection: Connection, holder: number, parts: JobParts): Promise<OpenedJob> {
  const { ask, input, output, settings, keepGoing = false, folder = null } = parts;
  const id = identifyJob(parts);
  const content = JSON.stringify({ agent: ask.agent, query: ask.query, system: ask.system });
  const agent = hashText(ask.agent, 16);
  const opening = randomInt(1, MAX_OPENING);
  const statements = [
    // Jobs are opened one after the other, so that an ask and the number of its agent are stored once.
    sql`select refuse_lost(${holder}), lock_name('jobs')`,
    ...selectPreview(parts),
    sql`insert into ask (id, agent, agent_hash, content)
      select ${ask.id}, 0, ${agent}, ${content} where not exists (select 1 from ask where id = ${ask.id})`,
    sql`update ask set agent = (select min(number) from ask where agent_hash = ${agent})
      where id = ${ask.id} and agent = 0`,
    sql`insert into ask_count (ask, change, foreign_change, checked)
      select number, number * ${SPAN}, number * ${SPAN}, number * ${SPAN} from ask where id = ${ask.id} on conflict do nothing`,
    sql`insert into ask_version (ask, version, content) select number, ${ask.version}, ${JSON.stringify(ask)} from ask
      where id = ${ask.id} and not exists (
        select 1 from ask_version where ask_version.ask = ask.number and version = ${ask.version})`,
    sql`update job set version = ask_version.number, output = ${output}, settings = ${JSON.stringify(settings)},
        invocation = invocation + 1, opening = ${opening}, opened_at = now_ms(), closed_at = null, stop = null, finished = null,
        keeps_going = keeps_going or ${keepGoing}, folder = coalesce(${folder}, folder), placed_input = null,
        placed_output = null
      from ask_version where job.id = ${id} and ask_version.ask = job.ask and ask_version.version = ${ask.version}
        and job.opening <> ${opening}`,
    sql`insert into job (id, ask, version, input, output, settings, invocation, opening, opened_at, keeps_going, folder)
      select ${id}, ask.number, ask_version.number, ${input}, ${output}, ${JSON.stringify(settings)}, 1, ${opening},
        now_ms(), ${keepGoing}, ${folder}
      from ask join ask_version on ask_version.ask = ask.number and ask_version.version = ${ask.version}
      where ask.id = ${ask.id} and not exists (select 1 from job where id = ${id})`,
    sql`insert into job_count (job, spent_micros)
      select number, coalesce((select cost_micros from pruned_spend where job = ${id}), 0) from job where id = ${id}
      on conflict do nothing`,
    sql`select invocation from job where id = ${id}`,
  ];
  return connection.write(
    statements,
    (results) => ({
      ...toOpenedJob(parts, results.slice(1, 1 + MAX_PREVIEW_STATEMENTS)),
      // A repeated call finds the job as it has opened it.
      invocation: Number(results.at(-1)?.[0]?.invocation),
    }),
    [ask.id],
  );
}

function selectPreview(parts: JobParts): Sql[] {
  return [
    sql`select ${JOB} where job.id = ${identifyJob(parts)}`,
    sql`select job.id, ask_version.content as ask, ask_count.answered::int
      from job join ask_version on ask_version.number = job.version join ask_count on ask_count.ask = job.ask
      where job.input = ${parts.input}
        and job.settings::json ->> 'sheet' is not distinct from ${readSheet(parts.settings)}::text
      order by job.opened_at desc, job.number desc limit 1`,
  ];
}

function toOpenedJob(parts: JobParts, [jobs = [], previous = []]: readonly (readonly Row[])[]): OpenedJob {
  const { ask, input, output, settings, keepGoing, folder } = parts;
  const known = toRecord(jobs);
  return {
    id: identifyJob(parts),
    askId: ask.id,
    ask,
    input,
    output,
    settings,
    place: null,
    ...(folder === undefined ? {} : { folder }),
    ...(keepGoing === true ? { keepGoing } : {}),
    invocation: (known?.invocation ?? 0) + 1,
    stop: known?.stop ?? null,
    counts: known?.counts ?? null,
    finished: known?.finished ?? null,
    previous: toPreviousJob(previous, ask.version),
  };
}

function toPreviousJob(rows: readonly Row[], version: string): PreviousJob | null {
  const [last] = rows as unknown as readonly { id: string; ask: string; answered: number }[];
  if (last === undefined) return null;
  const ask = JSON.parse(last.ask) as Ask;
  return ask.version === version ? null : { id: last.id, ask, answered: last.answered };
}

function toRecord(rows: readonly Row[]): JobRecord | null {
  const [row] = rows as unknown as readonly JobRow[];
  return row === undefined ? null : toJobRecord(row);
}

export function isUnusedJob(connection: Connection, jobId: string): Promise<boolean> {
  return connection.read([sql`select is_unused(${jobId}) as found`], ([rows]) => rows?.[0]?.found === true);
}

export function dropUnusedJob(connection: Connection, jobId: string): Promise<boolean> {
  return connection.write(
    [sql`select drop_unused(${jobId}) as found`],
    // One that is gone when the call is repeated was dropped by it.
    ([rows], isRepeated) => rows?.[0]?.found === true || (isRepeated && rows?.[0]?.found === null),
  );
}

/** The job of a question on an input after its last invocation, or null. */
export function findJob(
  connection: Connection,
  askId: string,
  input: string,
  sheet: string | null,
): Promise<JobRecord | null> {
  const id = createJobId(askId, input, sheet);
  return connection.read([sql`select ${JOB} where job.id = ${id}`], ([rows = []]) => toRecord(rows));
}

/** Finds a job by its id or a unique prefix. */
export function getJob(connection: Connection, idOrPrefix: string): Promise<JobRecord> {
  const prefix = toIdPrefix(idOrPrefix);
  const statement = sql`select ${JOB} where starts_with(job.id, ${prefix}) order by job.id limit 2`;
  return connection.read([statement], ([rows = []]) => {
    const job = toRecord(rows);
    if (job === null || prefix === 'j_') throw createUnknownJobError(idOrPrefix);
    if (rows.length > 1) throw createAmbiguousJobError(idOrPrefix);
    return job;
  });
}

/** Records how the invocation ended and what its output contains. */
export function closeJob(connection: Connection, holder: number, jobId: string, end: JobEnd): Promise<void> {
  const statement = sql`update job set stop = ${end.stop}, counts = coalesce(${formatPart(end.counts)}, counts),
    finished = ${formatPart(end.finished)}, closed_at = now_ms() where id = ${jobId} returning 1`;
  return connection.write([sql`select refuse_lost(${holder})`, statement], ([, rows = []]) => {
    if (rows.length === 0) throw createUnknownJobError(jobId);
  });
}

function formatPart(part: object | null): string | null {
  return part === null ? null : JSON.stringify(part);
}

export function countJobs(connection: Connection): Promise<number> {
  return connection.read([sql`select count(*) as count from job`], ([rows]) => Number(rows?.[0]?.count));
}

/** Lets a job continue although nothing was found. */
export function keepGoing(connection: Connection, jobId: string): Promise<void> {
  return connection.write([sql`update job set keeps_going = true where id = ${jobId}`], () => undefined);
}

export function getAnswerState(connection: Connection, { id, askId }: JobHandle): Promise<AnswerState> {
  const statement = sql`select settled_runs, ask_count.answered, verdicts, (select failed from job join job_count on job_count.job = job.number
      where job.id = ${id}) as failed
    from ask join ask_count on ask_count.ask = ask.number where ask.id = ${askId}`;
  return connection.read([statement], ([rows]) => ({
    settledRuns: Number(rows?.[0]?.settled_runs ?? 0),
    answered: Number(rows?.[0]?.answered ?? 0),
    verdicts: Number(rows?.[0]?.verdicts ?? 0),
    hasFailures: Number(rows?.[0]?.failed ?? 0) > 0,
  }));
}

/** Records where the files of all jobs on an input are now. */
export function placeJobs(input: string, { input: to, output }: JobPlace): Sql {
  return sql`update job set placed_input = ${to}, placed_output = ${output} where input = ${input}`;
}

/** What the runs of a job have found so far. */
export function getYield(connection: Connection, jobId: string): Promise<JobYield> {
  const statements = [
    sql`select keeps_going from job where id = ${jobId}`,
    sql`select effort, field, answered, filled from found join job on job.number = found.job where job.id = ${jobId}
      order by effort, field`,
  ];
  return connection.read(statements, ([jobs = [], rows = []]) =>
    toJobYield(toYields(rows), jobs[0]?.keeps_going === true),
  );
}

/** The row of an effort comes first, because its field is empty. */
function toYields(rows: readonly Row[]): StoredYields {
  const yields: StoredYields = [];
  for (const { effort, field, answered, filled } of rows) {
    const found: Found = [Number(answered), Number(filled)];
    if (field === '') yields.push([String(effort), found, []]);
    else yields.at(-1)?.[2].push([JSON.parse(String(field)) as string, found]);
  }
  return yields;
}

/** What was asked with a question so far, in the order in which it was asked first. */
export function listAsks(connection: Connection, askId: string): Promise<Ask[]> {
  return connection.read([selectAsks(askId)], ([rows = []]) => rows.map(({ content }) => toAsk(content)));
}

export function selectAsks(askId: string): Sql {
  return sql`select ask_version.content from ask_version join ask on ask.number = ask_version.ask
    where ask.id = ${askId} order by ask_version.number`;
}

export function toAsk(content: unknown): Ask {
  return JSON.parse(String(content)) as Ask;
}

/** Counts rows by effort for the same question, with any fields. */
export function getClimbs(connection: Connection, ask: Ask): Promise<ReadonlyMap<string, EffortClimb>> {
  const statement = sql`select ${new Sql(BLOCK_COLUMNS)} from ask
    join block on block.number > ask.number * ${SPAN} and block.number < (ask.number + 1) * ${SPAN}
    where ask.id = ${ask.id} and kind = 'run' order by block.number limit ${MAX_CLIMB_BLOCKS}`;
  return connection.read([statement], ([rows = []]) => countClimbs(ask, toBlocks(rows)));
}

/** All jobs, or the newest `limit`, most recently opened first. */
export function listJobs(connection: Connection, limit: number | null = null): Promise<JobStatus[]> {
  const statements = [
    sql`select job.number, job.id, ask.id as "askId", ask.content, job.input, job.output, job.invocation, job.stop,
        job.counts, count.spent_micros as "spentMicros", count.estimated_micros as "estimatedMicros",
        count.reserved_micros as "reservedMicros", count.answered, count.failed, job.opened_at as "openedAtMs",
        job.closed_at as "closedAtMs", job.settings::json ->> 'sheet' as sheet, job.placed_input as "placedInput", job.placed_output as "placedOutput"
      from job join ask on ask.number = job.ask join job_count count on count.job = job.number
      order by job.opened_at desc, job.number desc limit ${limit}`,
    sql`select job, id as "batchId", run_id as "runId", state, cardinality(keys) as rows,
      reserve_micros as "reserveMicros", intended_at as "intendedAtMs" from batch order by number`,
  ];
  return connection.read(statements, ([rows = [], batches = []]) => {
    const runs = groupRuns(batches as unknown as readonly (RunInFlight & { job: number })[]);
    return (rows as unknown as readonly (StatusRow & { content: string })[]).map(({ content, ...row }) =>
      toJobStatus({ ...row, query: (JSON.parse(content) as Ask).query }, runs),
    );
  });
}
