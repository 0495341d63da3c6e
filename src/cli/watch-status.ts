import type { JsonObject } from '../model/json.js';
import type { Problem, WatchEvent, WatchInspector } from '../watch.js';
import { toDollars } from './summary.js';

/** How a watcher is at the moment, for those who supervise it. */
export interface WatchStatus {
  readonly state: 'starting' | 'watching' | 'filling' | 'waiting' | 'stopped';
  /** The file at work. */
  readonly file: string | null;
  readonly sinceMs: number;
  readonly done: number;
  readonly failed: number;
  /** What it waits for. */
  readonly problem: Problem | null;
  /** When a file was last finished. */
  readonly lastSuccessMs: number | null;
  /** What this watcher was billed today. */
  readonly dayMicros: number;
  /** The local date that `dayMicros` is of. */
  readonly day: string;
  /** What the job of each file at work had been billed when it was last heard of. */
  readonly billed: ReadonlyMap<string, number>;
}

/** Waits that are nobody's fault. */
const CALM = ['LEASE_HELD', 'INPUT_CHANGED', 'JOB_FILE_CHANGING', 'RUNS_OPEN', 'DAY_BUDGET_REACHED'];

export function createWatchStatus(nowMs: number): WatchStatus {
  return {
    ...{ state: 'starting', file: null, sinceMs: nowMs, done: 0, failed: 0, problem: null },
    ...{ lastSuccessMs: null, dayMicros: 0, day: readDay(nowMs), billed: new Map() },
  };
}

/** The status after an event. */
export function followWatch(before: WatchStatus, event: WatchEvent, nowMs: number): WatchStatus {
  const status = followSpend(before, event, nowMs);
  const calm = { ...status, sinceMs: nowMs, problem: null, file: null };
  switch (event.type) {
    case 'watching':
      return { ...calm, state: 'watching' };
    case 'taken':
      return { ...calm, state: 'filling', file: event.file };
    case 'waiting':
      return { ...calm, state: 'waiting', file: event.file, problem: event.problem };
    case 'done':
      return { ...calm, state: 'watching', done: status.done + 1, lastSuccessMs: nowMs };
    case 'failed':
      return { ...calm, state: 'watching', failed: status.failed + 1 };
    case 'left':
    case 'stopped':
      return { ...calm, state: 'stopped' };
    case 'job':
      // Something moves again.
      return status.state === 'waiting' ? { ...calm, state: 'filling', file: event.file } : status;
    case 'ignored':
    case 'job_changed':
      return status;
  }
}

/**
 * Adds up what each job is billed from event to event, so that it counts on the day of the bill. A job that is carried
 * on starts with what it had cost before.
 */
function followSpend(status: WatchStatus, event: WatchEvent, nowMs: number): WatchStatus {
  if (event.type === 'done' || event.type === 'failed' || event.type === 'left') {
    const billed = new Map(status.billed);
    billed.delete(event.file);
    return { ...status, billed };
  }
  if (event.type !== 'job' || event.event.type !== 'progress') return status;
  const { spentMicros } = event.event.progress;
  const before = status.billed.get(event.file);
  if (before === spentMicros) return status;
  return {
    ...status,
    billed: new Map(status.billed).set(event.file, spentMicros),
    dayMicros: readDayMicros(status, nowMs) + spentMicros - (before ?? spentMicros),
    day: readDay(nowMs),
  };
}

function readDayMicros({ day, dayMicros }: WatchStatus, nowMs: number): number {
  return day === readDay(nowMs) ? dayMicros : 0;
}

/** The date in local time, as a text to compare. */
function readDay(ms: number): string {
  return new Date(ms).toDateString();
}

/** False while something keeps files from being filled that a person may have to put right. */
export function isHealthy({ state, problem }: WatchStatus): boolean {
  return state !== 'waiting' || (problem !== null && CALM.includes(problem.code));
}

/** The status as the heartbeat file and the health page show it; `backlog` is null if it is not known. */
export function createStatusRecord(status: WatchStatus, backlog: number | null, nowMs: number): JsonObject {
  const { state, file, sinceMs, done, failed, problem, lastSuccessMs } = status;
  return {
    status: isHealthy(status) ? 'ok' : 'trouble',
    time: new Date(nowMs).toISOString(),
    state,
    since: new Date(sinceMs).toISOString(),
    file,
    backlog,
    done,
    failed,
    last_success: lastSuccessMs === null ? null : new Date(lastSuccessMs).toISOString(),
    cost_today_usd: toDollars(readDayMicros(status, nowMs)),
    problem: problem === null ? null : { code: problem.code, message: problem.message },
  };
}

/** The same numbers in the text format of Prometheus. What is not known is left out, as 0 would be a lie. */
export function createMetrics(status: WatchStatus, backlog: number | null, nowMs: number): string {
  const { done, failed, lastSuccessMs } = status;
  const metrics: readonly (readonly [string, 'counter' | 'gauge', string, number | null])[] = [
    ['rowfill_healthy', 'gauge', '1 while /healthz answers 200, else 0.', isHealthy(status) ? 1 : 0],
    ['rowfill_backlog_files', 'gauge', 'Files that wait and files in working/.', backlog],
    ['rowfill_files_done_total', 'counter', 'Files that were filled since the start.', done],
    ['rowfill_files_failed_total', 'counter', 'Files that failed since the start.', failed],
    [
      ...(['rowfill_cost_today_dollars', 'gauge', 'Billed to this watcher since local midnight.'] as const),
      toDollars(readDayMicros(status, nowMs)),
    ],
    [
      ...(['rowfill_last_success_timestamp_seconds', 'gauge', 'When a file was last filled.'] as const),
      lastSuccessMs === null ? null : lastSuccessMs / 1000,
    ],
  ];
  return metrics
    .filter(([, , , value]) => value !== null)
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('');
}

/** A folder on a network that hangs must not keep the status from being read. */
const BACKLOG_WAIT_MS = 2_000;

/** Reads the backlog of a watcher, one look at a time: null before its start, or if its folder cannot be read in time. */
export class BacklogReader {
  #inspector: WatchInspector | null = null;
  #look: Promise<number | null> | null = null;

  start(inspector: WatchInspector): void {
    this.#inspector = inspector;
  }

  async read(): Promise<number | null> {
    if (this.#inspector === null) return null;
    this.#look ??= this.#inspector
      .countBacklog()
      .catch(() => null)
      .finally(() => {
        this.#look = null;
      });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), BACKLOG_WAIT_MS);
    });
    return Promise.race([this.#look, timeout]).finally(() => clearTimeout(timer));
  }
}
