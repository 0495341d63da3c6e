import { WORKER_LEASE } from '../ledger/holder.js';
import type { JobStatus, LedgerProcess, RunInFlight } from '../ledger/ledger.js';
import { ROW_STATUSES } from '../model/answer.js';
import type { JobStop } from '../model/events.js';
import { formatCount, formatDollars, formatDuration, formatNumber, showName } from '../model/format.js';
import type { JsonObject } from '../model/json.js';
import { DEFAULT_QUERY } from '../model/question.js';
import { isStandardInput } from '../model/read-file.js';
import { formatEstimate, toDollars } from './summary.js';

const STATES: Readonly<Record<JobStop, string>> = {
  done: 'done',
  interrupted: 'interrupted',
  budget: 'stopped at its budget',
  refused: 'refused by the agent',
  unreachable: 'stopped, the agent failed',
  nothing_found: 'stopped, nothing was found',
  ledger_moved: 'stopped, the ledger was moved',
};

/** Describes a job in a few lines, with its open runs. */
export function formatJob(job: JobStatus, fields: readonly string[], nowMs: number): string[] {
  const reserved = job.reservedMicros === 0 ? '' : `, ${formatDollars(job.reservedMicros)} reserved`;
  const { input, output } = listFiles(job);
  return [
    `${job.id}  ${job.stop === null ? 'running or killed' : STATES[job.stop]}, ${formatAge(job.closedAtMs ?? job.openedAtMs, nowMs)}`,
    `  ${input === '-' ? 'standard input' : input}${job.sheet === null ? '' : `, sheet ${JSON.stringify(job.sheet)}`} → ${output === '-' ? 'standard output' : (output ?? 'no output')}`,
    `  ${shorten(fields.map(showName).join(', '))}`,
    ...(job.query === DEFAULT_QUERY ? [] : [`  ${shorten(job.query)}`]),
    `  ${formatRows(job)}`,
    `  ${formatDollars(job.spentMicros)} spent${formatEstimate(job)}${reserved}`,
    ...job.runs.map((run) => `  ${formatRun(run, nowMs)}`),
  ];
}

/** Builds the `--json` record of a job. */
export function createJobRecord(job: JobStatus, fields: readonly string[]): JsonObject {
  return {
    job: job.id,
    ask: job.askId,
    query: job.query,
    fields,
    ...listFiles(job),
    sheet: job.sheet,
    invocation: job.invocation,
    stop: job.stop,
    rows: job.counts,
    answered: job.answered,
    failed: job.failed,
    cost_usd: toDollars(job.spentMicros),
    estimated_usd: toDollars(job.estimatedMicros),
    reserved_usd: toDollars(job.reservedMicros),
    opened_at: new Date(job.openedAtMs).toISOString(),
    closed_at: job.closedAtMs === null ? null : new Date(job.closedAtMs).toISOString(),
    runs: job.runs.map((run) => ({
      run: run.runId,
      batch: run.batchId,
      state: run.state,
      rows: run.rows,
      reserved_usd: toDollars(run.reserveMicros),
      intended_at: new Date(run.intendedAtMs).toISOString(),
    })),
  };
}

/** Describes the workers of a shared ledger, one line each. `waiting` is the number of batches that none has taken. */
export function formatWorkers(processes: readonly LedgerProcess[], waiting: number | null): string[] {
  const workers = processes.filter(isWorker);
  if (workers.length === 0 && (waiting ?? 0) === 0) return [];
  const rest = waiting === null || waiting === 0 ? '' : `; ${formatBatches(waiting)} waiting`;
  return [`${formatNumber(workers.length, 'worker')}${rest}`, ...workers.map(formatWorker)];
}

function formatWorker({ holder, isAlive, batches }: LedgerProcess): string {
  const name = `  process ${holder.pid} on ${holder.host}`;
  const active = batches.filter(({ state }) => state === 'sent').length;
  const others = batches.length - active;
  const held = [
    ...(active > 0 || others === 0 ? [`${formatNumber(active, 'run')} in flight`] : []),
    ...(others > 0 ? [`${formatBatches(others)} about to start`] : []),
  ];
  return `${name}: ${held.join(', ')}${isAlive ? '' : ', has ended or does not respond'}`;
}

function formatBatches(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'batch' : 'batches'}`;
}

/** Builds the `--json` records of the workers. */
export function createWorkerRecords(processes: readonly LedgerProcess[]): JsonObject[] {
  return processes.filter(isWorker).map(({ holder, isAlive, batches }) => ({
    pid: holder.pid,
    host: holder.host,
    alive: isAlive,
    batches: batches.map(({ jobId, batchId, runId, state }) => ({
      job: jobId,
      batch: batchId,
      run: runId,
      state,
    })),
  }));
}

/** True for a worker. A killed one keeps its lease; it counts only while batches that it held are still open. */
function isWorker({ leases, isAlive, batches }: LedgerProcess): boolean {
  if (!isAlive && batches.length === 0) return false;
  return leases.some((name) => name.startsWith(WORKER_LEASE));
}

/** The current paths of the job's files. */
function listFiles({ place, input, output }: JobStatus): { input: string; output: string | null } {
  if (isStandardInput(input)) return { input: '-', output };
  return place === null ? { input, output } : { input: place.input, output: place.output };
}

function formatRows({ counts, answered, failed }: JobStatus): string {
  if (counts === null) {
    return `${formatNumber(answered, 'row')} answered, ${formatCount(failed)} failed; no output written yet`;
  }
  const parts = ROW_STATUSES.filter((status) => counts[status] > 0).map(
    (status) => `${formatCount(counts[status])} ${status}`,
  );
  return `${formatNumber(counts.total, 'row')}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

const RUN_STATES = {
  sent: 'in flight',
  intended: 'may have been started',
  unknown: 'may have been started, lookup failed',
} as const;

function formatRun(run: RunInFlight, nowMs: number): string {
  const name = run.runId ?? `batch ${run.batchId}`;
  return `${name}: ${RUN_STATES[run.state]}, ${formatNumber(run.rows, 'row')}, ${formatAge(run.intendedAtMs, nowMs)}`;
}

function formatAge(sinceMs: number, nowMs: number): string {
  return `${formatDuration(Math.max(0, nowMs - sinceMs) / 1000)} ago`;
}

const MAX_QUERY = 90;

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MAX_QUERY ? line : `${line.slice(0, MAX_QUERY - 1)}…`;
}
