import type { JsonObject } from '../model/json.js';
import type { Problem, WatchEvent } from '../watch.js';

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
}

/** Waits that are nobody's fault. */
const CALM = ['LEASE_HELD', 'INPUT_CHANGED', 'JOB_FILE_CHANGING', 'RUNS_OPEN', 'DAY_BUDGET_REACHED'];

export function createWatchStatus(nowMs: number): WatchStatus {
  return { state: 'starting', file: null, sinceMs: nowMs, done: 0, failed: 0, problem: null };
}

/** The status after an event. */
export function followWatch(status: WatchStatus, event: WatchEvent, nowMs: number): WatchStatus {
  const calm = { ...status, sinceMs: nowMs, problem: null, file: null };
  switch (event.type) {
    case 'watching':
      return { ...calm, state: 'watching' };
    case 'taken':
      return { ...calm, state: 'filling', file: event.file };
    case 'waiting':
      return { ...calm, state: 'waiting', file: event.file, problem: event.problem };
    case 'done':
      return { ...calm, state: 'watching', done: status.done + 1 };
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

/** False while something keeps files from being filled that a person may have to put right. */
export function isHealthy({ state, problem }: WatchStatus): boolean {
  return state !== 'waiting' || (problem !== null && CALM.includes(problem.code));
}

/** The status as the heartbeat file and the health endpoint tell it. */
export function createStatusRecord(status: WatchStatus, nowMs: number): JsonObject {
  const { state, file, sinceMs, done, failed, problem } = status;
  return {
    status: isHealthy(status) ? 'ok' : 'trouble',
    time: new Date(nowMs).toISOString(),
    state,
    since: new Date(sinceMs).toISOString(),
    file,
    done,
    failed,
    problem: problem === null ? null : { code: problem.code, message: problem.message },
  };
}
