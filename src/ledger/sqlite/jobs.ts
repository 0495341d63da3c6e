import type { Ask } from '../../model/ask.js';
import { Block, type BlockRow, SPAN } from '../blocks.js';
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
  RunAnswers,
  RunInFlight,
} from '../ledger.js';
import { type StoredYields, toJobYield } from '../yields.js';
import type { Database } from './database.js';
import { SELECT_BLOCKS } from './view.js';

const SELECT_JOB = `
  select job.id, ask.id as askId, ask_version.content as ask, job.input, job.output, job.settings, job.invocation,
    job.stop, job.counts, job.finished, job.placed_input as placedInput, job.placed_output as placedOutput
  from job join ask on ask.number = job.ask join ask_version on ask_version.number = job.version`;

/** The job as it would be at its next invocation. */
export function previewJob(database: Database, parts: JobParts): OpenedJob {
  const { ask, input, output, settings, keepGoing, folder } = parts;
  const known = findJob(database, ask.id, input, readSheet(settings));
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
    previous: findPreviousJob(database, parts),
  };
}

/** Stores the job, or increments its invocation. */
export function openJob(database: Database, parts: JobParts, nowMs: number): OpenedJob {
  const job = previewJob(database, parts);
  const { id, ask, input, output, settings } = job;
  database.run(
    `insert into ask (id, agent, content)
     select ?1, coalesce((select min(number) from ask where content ->> '$.agent' = ?2),
       (select coalesce(max(seq), 0) + 1 from sqlite_sequence where name = 'ask')), ?3
     where true on conflict (id) do nothing`,
    ask.id,
    ask.agent,
    JSON.stringify({ agent: ask.agent, query: ask.query, system: ask.system }),
  );
  database.run(
    `insert into ask_count (ask, change, answered, settled_runs)
     select number, number * ${SPAN}, 0, 0 from ask where id = ? on conflict do nothing`,
    ask.id,
  );
  database.run(
    `insert into ask_version (ask, version, content) select number, ?2, ?3 from ask where id = ?1 on conflict do nothing`,
    ...[ask.id, ask.version, JSON.stringify(ask)],
  );
  database.run(
    `insert into job (id, ask, version, input, output, settings, invocation, opened_at, keeps_going, folder)
     select ?1, ask.number, ask_version.number, ?3, ?4, ?5, 1, ?6, ?7, ?8
     from ask join ask_version on ask_version.ask = ask.number and ask_version.version = ?9 where ask.id = ?2
     on conflict (id) do update set version = excluded.version, output = excluded.output, settings = excluded.settings,
       invocation = invocation + 1, opened_at = excluded.opened_at, closed_at = null, stop = null, finished = null,
       keeps_going = max(keeps_going, excluded.keeps_going), folder = coalesce(excluded.folder, folder),
       placed_input = null, placed_output = null`,
    ...[id, ask.id, input, output, JSON.stringify(settings), nowMs, parts.keepGoing === true ? 1 : 0],
    parts.folder ?? null,
    ask.version,
  );
  database.run(
    `insert into job_count (job, spent_micros, estimated_micros, reserved_micros, answered, failed, yields)
     select number, coalesce((select cost_micros from pruned_spend where job = ?1), 0), 0, 0, 0, 0, '[]'
     from job where id = ?1 on conflict do nothing`,
    id,
  );
  return job;
}

const IS_UNUSED = `invocation = 1
  and not exists (select 1 from batch where batch.job = job.number)
  and not exists (select 1 from block
    where block.number between job.ask * ${SPAN} and (job.ask + 1) * ${SPAN} and block.job = job.number)`;

/** True for a job in its first invocation without any batch or failure. */
export function isUnusedJob(database: Database, jobId: string): boolean {
  return database.get(`select 1 from job where id = ? and ${IS_UNUSED}`, jobId) !== undefined;
}

/** Deletes a job if it is unused, and its ask if nothing else refers to it. */
export function dropUnusedJob(database: Database, jobId: string): boolean {
  const job = database.get<{ number: number; ask: number }>(
    `select number, ask from job where id = ? and ${IS_UNUSED}`,
    jobId,
  );
  if (job === undefined) return false;
  database.run('delete from job where number = ?', job.number);
  database.run('delete from job_count where job = ?', job.number);
  const isAskUsed = database.get(
    `select 1 from ask where number = ?1 and (exists (select 1 from job where ask = ?1)
       or exists (select 1 from block where number between ?1 * ${SPAN} and (?1 + 1) * ${SPAN}))`,
    job.ask,
  );
  if (isAskUsed === undefined) {
    database.run('delete from ask_version where ask = ?', job.ask);
    database.run('delete from ask where number = ?', job.ask);
    database.run('delete from ask_count where ask = ?', job.ask);
  }
  return true;
}

/** The job of a question on an input after its last invocation, or null. */
export function findJob(
  database: Database,
  askId: string,
  input: string,
  sheet: string | null,
): JobRecord | null {
  const row = database.get<JobRow>(`${SELECT_JOB} where job.id = ?`, createJobId(askId, input, sheet));
  return row === undefined ? null : toJobRecord(row);
}

/** Records how the invocation ended and what its output contains. */
export function closeJob(database: Database, jobId: string, end: JobEnd, nowMs: number): void {
  const changes = database.run(
    'update job set stop = ?, counts = coalesce(?, counts), finished = ?, closed_at = ? where id = ?',
    ...[end.stop, formatPart(end.counts), formatPart(end.finished), nowMs, jobId],
  );
  if (changes === 0) throw createUnknownJobError(jobId);
}

function formatPart(part: object | null): string | null {
  return part === null ? null : JSON.stringify(part);
}

export function countJobs(database: Database): number {
  return database.get<{ count: number }>('select count(*) as count from job')?.count ?? 0;
}

/** Lets a job continue although nothing was found. */
export function keepGoing(database: Database, jobId: string): void {
  database.run('update job set keeps_going = 1 where id = ?', jobId);
}

export function getAnswerState(database: Database, { id, askId }: JobHandle): AnswerState {
  const row = database.get<{ settledRuns: number; answered: number; verdicts: number; failed: number }>(
    `select settled_runs as settledRuns, answered, verdicts, coalesce((select failed from job join job_count on job_count.job = job.number
       where job.id = ?2), 0) as failed
     from ask join ask_count on ask_count.ask = ask.number where ask.id = ?1`,
    askId,
    id,
  );
  return {
    settledRuns: row?.settledRuns ?? 0,
    answered: row?.answered ?? 0,
    verdicts: row?.verdicts ?? 0,
    hasFailures: (row?.failed ?? 0) > 0,
  };
}

/** Records where the files of all jobs on an input are now. */
export function placeJobs(database: Database, input: string, { input: to, output }: JobPlace): void {
  database.run('update job set placed_input = ?, placed_output = ? where input = ?', to, output, input);
}

/** Finds a job by its id or a unique prefix. */
export function getJob(database: Database, idOrPrefix: string): JobRecord {
  const prefix = toIdPrefix(idOrPrefix);
  const rows = database.all<JobRow>(
    `${SELECT_JOB} where substr(job.id, 1, ?) = ? order by job.id limit 2`,
    prefix.length,
    prefix,
  );
  const row = rows[0];
  if (row === undefined || prefix === 'j_') throw createUnknownJobError(idOrPrefix);
  if (rows.length > 1) {
    throw createAmbiguousJobError(idOrPrefix);
  }
  return toJobRecord(row);
}

function findPreviousJob(
  database: Database,
  { ask: { version }, input, settings }: JobParts,
): PreviousJob | null {
  const last = database.get<{ id: string; ask: string; answered: number }>(
    `select job.id, ask_version.content as ask, ask_count.answered
     from job join ask on ask.number = job.ask join ask_version on ask_version.number = job.version join ask_count on ask_count.ask = ask.number
     where job.input = ? and job.settings ->> '$.sheet' is ? order by job.opened_at desc, job.number desc limit 1`,
    input,
    readSheet(settings),
  );
  if (last === undefined) return null;
  const ask = JSON.parse(last.ask) as Ask;
  return ask.version === version ? null : { id: last.id, ask, answered: last.answered };
}

/** What the runs of a job have found so far. */
export function getYield(database: Database, jobId: string): JobYield {
  const row = database.get<{ keepsGoing: number; yields: string }>(
    'select keeps_going as keepsGoing, yields from job join job_count on job_count.job = job.number where id = ?',
    jobId,
  );
  const yields = row === undefined ? [] : (JSON.parse(row.yields) as StoredYields);
  return toJobYield(yields, row?.keepsGoing === 1);
}

/** Counts rows by effort for the same question, with any fields. */
export function getClimbs(database: Database, ask: Ask): ReadonlyMap<string, EffortClimb> {
  const known = database.get<{ number: number }>('select number from ask where id = ?', ask.id);
  if (known === undefined) return new Map();
  const blocks = database
    .all<BlockRow>(
      `${SELECT_BLOCKS} where number > ? and number < ? and kind = 'run' order by number limit ?`,
      ...[known.number * SPAN, (known.number + 1) * SPAN, MAX_CLIMB_BLOCKS],
    )
    .map((row) => new Block(row));
  return countClimbs(ask, blocks);
}

/** The answers of runs, as they were when each was settled. */
export function findRuns(database: Database, runIds: readonly string[]): ReadonlyMap<string, RunAnswers> {
  const rows = database.all<BlockRow>(
    `${SELECT_BLOCKS} where run_id in (select value from json_each(?))`,
    JSON.stringify(runIds),
  );
  const asks = new Map<number, string>();
  const findAsk = (number: number): string => {
    const known = asks.get(number);
    if (known !== undefined) return known;
    const id = database.get<{ id: string }>('select id from ask where number = ?', number)?.id ?? '';
    asks.set(number, id);
    return id;
  };
  const runs = new Map<string, RunAnswers>();
  for (const row of rows) {
    const block = new Block(row);
    const answers = block.listAnswers();
    runs.set(row.runId ?? '', { askId: findAsk(Math.floor(row.number / SPAN)), answers });
  }
  return runs;
}

/** The runs that settled batches of an ask. */
export function findSettledRuns(
  database: Database,
  askId: string,
  batchIds: readonly string[],
): ReadonlyMap<string, string> {
  const rows = database.all<{ batch: string; runId: string | null }>(
    `select block.batch, block.run_id as runId
     from ask join block on block.number > ask.number * ${SPAN} and block.number < (ask.number + 1) * ${SPAN}
     where ask.id = ? and block.kind = 'run' and block.batch in (select value from json_each(?))`,
    askId,
    JSON.stringify(batchIds),
  );
  return new Map(rows.map(({ batch, runId }) => [batch, runId ?? '']));
}

/** What was asked with a question so far, in the order in which it was asked first. */
export function listAsks(database: Database, askId: string): Ask[] {
  const rows = database.all<{ content: string }>(
    'select ask_version.content from ask_version join ask on ask.number = ask_version.ask where ask.id = ? order by ask_version.number',
    askId,
  );
  return rows.map(({ content }) => JSON.parse(content) as Ask);
}

/** All jobs, or the newest `limit`, most recently opened first. */
export function listJobs(database: Database, limit = -1): JobStatus[] {
  const rows = database.all<StatusRow>(
    `select job.number, job.id, ask.id as askId, ask.content ->> '$.query' as query, job.input, job.output,
       job.invocation, job.stop, job.counts, count.spent_micros as spentMicros, count.estimated_micros as estimatedMicros,
       count.reserved_micros as reservedMicros, count.answered, count.failed, job.opened_at as openedAtMs,
       job.closed_at as closedAtMs, job.settings ->> '$.sheet' as sheet, job.placed_input as placedInput, job.placed_output as placedOutput
     from job join ask on ask.number = job.ask join job_count count on count.job = job.number
     order by job.opened_at desc, job.number desc limit ?`,
    limit,
  );
  const runs = listRunsInFlight(database);
  return rows.map((row) => toJobStatus(row, runs));
}

function listRunsInFlight(database: Database): Map<number, RunInFlight[]> {
  const rows = database.all<RunInFlight & { job: number }>(
    `select job, id as batchId, run_id as runId, state, length(keys) / 16 as rows, reserve_micros as reserveMicros,
       intended_at as intendedAtMs
     from batch order by number`,
  );
  return groupRuns(rows);
}
