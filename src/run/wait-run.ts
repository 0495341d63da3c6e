import type { AgentClient, StartedRun } from '../api/agent-client.js';
import { type AgentRun, describeBadRunId, isAgentFailure, isRunId } from '../model/run.js';

export type WaitResult =
  | { readonly status: 'ended'; readonly run: AgentRun }
  /** What the run brought can no longer be had: it was deleted, has expired, or is too large to read. */
  | { readonly status: 'gone'; readonly reason: string }
  /** The run exists, and can never be used: its id is out of form, or it alone cannot be read. */
  | { readonly status: 'unusable'; readonly reason: string }
  /** The run took too long, or its way here is cut off; it works on and is picked up the next time. */
  | { readonly status: 'late'; readonly reason: string }
  /** The job was stopped; the run works on and is picked up the next time. */
  | { readonly status: 'stopped' }
  /** The job cannot go on: key refused, or nobody there. */
  | { readonly status: 'fatal'; readonly error: Error };

/**
 * Waits until a run ends: by its open event stream where there is one, by its id where it was started earlier. `onEnd`
 * hears of the end as soon as it is announced, before the result is fetched.
 */
export async function waitForRun(
  client: AgentClient,
  run: StartedRun | string,
  limits: { readonly signal: AbortSignal; readonly deadlineMs: number; readonly onEnd: () => void },
): Promise<WaitResult> {
  const id = typeof run === 'string' ? run : run.id;
  if (!isRunId(id)) return { status: 'unusable', reason: describeBadRunId(id) };
  try {
    return { status: 'ended', run: await client.wait(run, limits) };
  } catch (error) {
    if (limits.signal.aborted) return { status: 'stopped' };
    if (!isAgentFailure(error)) throw error;
    if (error.code === 'WAIT_TIMED_OUT')
      return { status: 'late', reason: describeLateRun(id, limits.deadlineMs) };
    if (error.code === 'RUN_UNREADABLE') return { status: 'unusable', reason: error.message };
    if (error.code === 'RESPONSE_TOO_LARGE') return { status: 'gone', reason: error.message };
    if (error.status !== 404 && error.status !== 410) return { status: 'fatal', error };
    // Only the agent itself can say that a run is gone: its batch is booked on that, and its rows are asked again.
    return error.isFromProxy
      ? { status: 'late', reason: `${error.message}; the same command looks again` }
      : { status: 'gone', reason: error.message };
  }
}

function describeLateRun(id: string, waitedMs: number): string {
  const time =
    waitedMs < 120_000 ? `${waitedMs / 1_000} seconds` : `${Math.round(waitedMs / 60_000)} minutes`;
  return `run ${id} had not ended after ${time}; the same command looks again for what it brings`;
}

/** The service ends a run after an hour, one of the longest efforts after three; a quarter more is given. */
const RUN_TIMEOUT_MS = 75 * 60_000;
const LONG_RUN_TIMEOUT_MS = 210 * 60_000;
const LONG_EFFORTS: ReadonlySet<string> = new Set(['ultra', 'max']);

/** A run that is overdue already is still given so long to tell its end. */
const LEAST_WAIT_MS = 60_000;

/** How long a run of `effort` that was asked for `ageMs` ago is waited for from now, in milliseconds. */
export function resolveWaitMs(effort: string, runTimeoutMs: number | null, ageMs = 0): number {
  const timeoutMs = runTimeoutMs ?? (LONG_EFFORTS.has(effort) ? LONG_RUN_TIMEOUT_MS : RUN_TIMEOUT_MS);
  return Math.max(Math.min(timeoutMs, LEAST_WAIT_MS), timeoutMs - ageMs);
}

/**
 * Stands for a run that was started but whose result cannot be had: the agent no longer knows it, say. Its cost is unknown,
 * so it is booked at its reserved price.
 */
export function createGoneRun(runId: string, reason: string): AgentRun {
  const now = new Date().toISOString();
  return {
    id: runId,
    object: 'agent_run',
    status: 'failed',
    stopReason: 'error',
    createdAt: now,
    completedAt: now,
    request: null,
    output: { text: '', structured: null, grounding: [] },
    usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
    costDollars: { total: null, agentCompute: 0, search: 0, emails: 0, phoneNumbers: 0 },
    error: { message: reason },
  };
}
