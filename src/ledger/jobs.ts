import { createUsageError, type RowfillError } from '../errors.js';
import type { RowCounts } from '../model/answer.js';
import { type Ask, hashText } from '../model/ask.js';
import type { FinishedOutput, JobStop } from '../model/events.js';
import type { JsonObject } from '../model/json.js';
import type { Database } from './database.js';
import { mergeTail } from './merge-tail.js';
import type {
  AnswerState,
  JobEnd,
  JobHandle,
  JobParts,
  JobPlace,
  JobRecord,
  OpenedJob,
  PreviousJob,
  Spend,
} from './records.js';

interface JobRow {
  readonly id: string;
  readonly askId: string;
  readonly ask: string;
  readonly input: string;
  readonly output: string;
  readonly settings: string;
  readonly invocation: number;
  readonly stop: JobStop | null;
  readonly counts: string | null;
  readonly finished: string | null;
  readonly placedInput: string | null;
  readonly placedOutput: string | null;
}

const SELECT_JOB = `
  select job.id, ask.id as askId, ask.content as ask, job.input, job.output, job.settings, job.invocation, job.stop,
    job.counts, job.finished, job.placed_input as placedInput, job.placed_output as placedOutput
  from job join ask on ask.number = job.ask`;

/** The job as it would be at its next invocation. */
export function resolveJob(database: Database, parts: JobParts): OpenedJob {
  const { ask, input, output, settings, keepGoing, folder } = parts;
  const known = findJob(database, ask.id, input);
  return {
    id: createJobId(ask.id, input),
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
    previous: readPreviousJob(database, input, ask.id),
  };
}

/** Stores the job, or increments its invocation. */
export function openJob(database: Database, parts: JobParts, nowMs: number): OpenedJob {
  const job = resolveJob(database, parts);
  const { id, ask, input, output, settings } = job;
  const keepsGoing = parts.keepGoing === true ? 1 : 0;
  database.run(
    'insert into ask (id, content) values (?, ?) on conflict (id) do nothing',
    ask.id,
    JSON.stringify(ask),
  );
  database.run(
    `insert into job (id, ask, input, output, settings, invocation, opened_at, keeps_going, spent_micros, folder)
     values (?1, (select number from ask where id = ?2), ?3, ?4, ?5, 1, ?6, ?7, ${PRUNED_SPEND}, ?8)
     on conflict (id) do update set output = excluded.output, settings = excluded.settings,
       invocation = invocation + 1, opened_at = excluded.opened_at, closed_at = null, stop = null, finished = null,
       keeps_going = max(keeps_going, excluded.keeps_going), folder = coalesce(excluded.folder, folder),
       placed_input = null, placed_output = null`,
    id,
    ask.id,
    input,
    output,
    JSON.stringify(settings),
    nowMs,
    keepsGoing,
    parts.folder ?? null,
  );
  return job;
}

/** True for a job in its first invocation without any batch or failure. */
export function isUnusedJob(database: Database, jobId: string): boolean {
  const unused = database.all(
    `select 1 from job where id = ? and invocation = 1
       and not exists (select 1 from batch where batch.job = job.number)
       and not exists (select 1 from job_answer where job_answer.job = job.number)`,
    jobId,
  );
  return unused.length > 0;
}

/** Deletes a job if it is unused, and its ask if nothing else refers to it. */
export function dropUnusedJob(database: Database, { id, askId }: JobHandle): boolean {
  if (!isUnusedJob(database, id)) return false;
  database.run('delete from job where id = ?', id);
  database.run(
    `delete from ask where id = ?
       and not exists (select 1 from job where job.ask = ask.number)
       and not exists (select 1 from answer_key where answer_key.ask = ask.number)
       and not exists (select 1 from answer
         where answer.number > (select through from answer_key_mark) and answer.ask = ask.number)`,
    askId,
  );
  return true;
}

/** The job of an ask on an input after its last invocation, or null. */
export function findJob(database: Database, askId: string, input: string): JobRecord | null {
  const row = database.get<JobRow>(`${SELECT_JOB} where job.id = ?`, createJobId(askId, input));
  return row === undefined ? null : toJobRecord(row);
}

/**
 * Records how the invocation ended and what its output contains. Also merges the tail, because no more
 * answers are coming for now.
 */
export function closeJob(database: Database, jobId: string, end: JobEnd, nowMs: number): void {
  const changes = database.run(
    'update job set stop = ?, counts = coalesce(?, counts), finished = ?, closed_at = ? where id = ?',
    end.stop,
    formatPart(end.counts),
    formatPart(end.finished),
    nowMs,
    jobId,
  );
  if (changes === 0) throw createUnknownJobError(jobId);
  mergeTail(database);
}

function formatPart(part: object | null): string | null {
  return part === null ? null : JSON.stringify(part);
}

/** Cost of a job before it was pruned. */
const PRUNED_SPEND = '(select coalesce(sum(cost_micros), 0) from pruned_spend where job_id = ?1)';

/** Spend of a job. For a job that is not open yet, its cost before it was pruned. */
export function readSpend(database: Database, jobId: string): Spend {
  const spend = database.get<Spend>(
    'select spent_micros as spentMicros, reserved_micros as reservedMicros from job where id = ?',
    jobId,
  );
  if (spend !== undefined) return spend;
  const pruned = database.get<{ spentMicros: number }>(`select ${PRUNED_SPEND} as spentMicros`, jobId);
  return { spentMicros: pruned?.spentMicros ?? 0, reservedMicros: 0 };
}

/** Estimated part of the cost of a job. */
export function readEstimate(database: Database, jobId: string): number {
  return (
    database.get<{ micros: number }>('select estimated_micros as micros from job where id = ?', jobId)
      ?.micros ?? 0
  );
}

/** Progress of a job's answers. */
export function readAnswerState(database: Database, { id, askId }: JobHandle): AnswerState {
  const state = database.get<{ settledRuns: number; failures: number }>(
    `select
       (select coalesce(sum(settled_runs), 0) from job where ask = (select number from ask where id = ?)) as settledRuns,
       exists (select 1 from job_answer
         where job = (select number from job where id = ?) and failure is not null) as failures`,
    askId,
    id,
  );
  return { settledRuns: state?.settledRuns ?? 0, hasFailures: state?.failures === 1 };
}

/** Records where the files of all jobs on an input are now. */
export function placeJobs(database: Database, input: string, { input: to, output }: JobPlace): void {
  database.run('update job set placed_input = ?, placed_output = ? where input = ?', to, output, input);
}

/** Reads a job by its id or a unique prefix. */
export function readJob(database: Database, idOrPrefix: string): JobRecord {
  const prefix = idOrPrefix.startsWith('j_') ? idOrPrefix : `j_${idOrPrefix}`;
  const rows = database.all<JobRow>(
    `${SELECT_JOB} where substr(job.id, 1, ?) = ? order by job.id limit 2`,
    prefix.length,
    prefix,
  );
  const row = rows[0];
  if (row === undefined || prefix === 'j_') throw createUnknownJobError(idOrPrefix);
  if (rows.length > 1) {
    throw createUsageError(
      'JOB_AMBIGUOUS',
      `More than one job starts with ${JSON.stringify(idOrPrefix)}`,
      'Use a longer prefix; `rowfill status` lists the ids.',
    );
  }
  return toJobRecord(row);
}

function createJobId(askId: string, input: string): string {
  return `j_${hashText(JSON.stringify([askId, input]), 16)}`;
}

function toJobRecord({ placedInput, placedOutput, ...row }: JobRow): JobRecord {
  return {
    ...row,
    place: placedInput === null ? null : { input: placedInput, output: placedOutput },
    ask: JSON.parse(row.ask) as Ask,
    settings: JSON.parse(row.settings) as JsonObject,
    counts: row.counts === null ? null : (JSON.parse(row.counts) as RowCounts),
    finished: row.finished === null ? null : (JSON.parse(row.finished) as FinishedOutput),
  };
}

/** Error for a job id that is not in the ledger. */
export function createUnknownJobError(jobId: string): RowfillError {
  return createUsageError(
    'JOB_UNKNOWN',
    `No job ${JSON.stringify(jobId)} in the ledger`,
    '`rowfill status` lists all jobs.',
  );
}

function readPreviousJob(database: Database, input: string, askId: string): PreviousJob | null {
  const last = database.get<{ id: string; askId: string; ask: string }>(
    `${SELECT_JOB} where job.input = ? order by job.opened_at desc, job.number desc limit 1`,
    input,
  );
  if (last === undefined || last.askId === askId) return null;
  const answered = database.get<{ count: number }>(
    `select (select count(*) from answer_key where ask = asked.number)
       + (select count(*) from answer
          where number > (select through from answer_key_mark) and ask = asked.number)
       - (select count(*) from answer indexed by answer_blank
          where answered_at is null and ask = asked.number) as count
     from ask asked where id = ?`,
    last.askId,
  );
  return { id: last.id, ask: JSON.parse(last.ask) as Ask, answered: answered?.count ?? 0 };
}
