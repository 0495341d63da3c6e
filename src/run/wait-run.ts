import type { AgentClient, StartedRun } from '../api/agent-client.js';
import { type AgentRun, describeBadRunId, isAgentFailure, isRunId } from '../model/run.js';

type WaitResult =
  | { readonly status: 'ended'; readonly run: AgentRun }
  /** The run's result is no longer available: deleted, expired, or too large to read. */
  | { readonly status: 'gone'; readonly reason: string }
  /** The run exists but can never be used: its id is invalid, or this run cannot be read. */
  | { readonly status: 'unusable'; readonly reason: string }
  /** The run took too long or is unreachable. It continues and is collected by the next invocation. */
  | { readonly status: 'late'; readonly reason: string }
  /** The job was stopped. The run continues and is collected by the next invocation. */
  | { readonly status: 'stopped' }
  /** The job cannot continue: key rejected, or the agent is unreachable. */
  | { readonly status: 'fatal'; readonly error: Error };

/**
 * Waits until a run ends, on its open event stream if there is one, else by its id. `onEnd` is called as soon
 * as the end is announced; the result is fetched once it has resolved.
 */
export async function waitForRun(
  client: AgentClient,
  run: StartedRun | string,
  limits: {
    readonly signal: AbortSignal;
    readonly deadlineMs: number;
    readonly onEnd: () => void | Promise<void>;
  },
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
    // Only trust a 404 from the agent itself, because the batch is then settled and its rows are sent again.
    return error.isFromProxy
      ? { status: 'late', reason: `${error.message}; run the same command again to check it` }
      : { status: 'gone', reason: error.message };
  }
}

function describeLateRun(id: string, waitedMs: number): string {
  const time =
    waitedMs < 120_000 ? `${waitedMs / 1_000} seconds` : `${Math.round(waitedMs / 60_000)} minutes`;
  return `run ${id} had not ended after ${time}; run the same command again to collect its result`;
}

/** The service ends a run after one hour, or three for the longest efforts. We wait 15 or 30 minutes longer. */
const RUN_TIMEOUT_MS = 75 * 60_000;
const LONG_RUN_TIMEOUT_MS = 210 * 60_000;
const LONG_EFFORTS: ReadonlySet<string> = new Set(['ultra', 'max']);

/** Minimum wait for a run that is already overdue. */
const LEAST_WAIT_MS = 60_000;

/** How long to wait for a run of `effort` that was started `ageMs` ago, in ms from now. */
export function resolveWaitMs(effort: string, runTimeoutMs: number | null, ageMs = 0): number {
  const timeoutMs = runTimeoutMs ?? (LONG_EFFORTS.has(effort) ? LONG_RUN_TIMEOUT_MS : RUN_TIMEOUT_MS);
  return Math.max(Math.min(timeoutMs, LEAST_WAIT_MS), timeoutMs - ageMs);
}

/**
 * Stand-in for a run that was started but whose result is unavailable, for example because the agent no
 * longer knows it. Its cost is unknown, so it is booked at its reserved price.
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
