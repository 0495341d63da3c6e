import type { AgentClient, StartedRun } from '../api/agent-client.js';
import { isAgentFailure } from '../model/agent-failure.js';
import { type AgentRun, describeBadRunId, isRunId } from '../model/run.js';

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
    return error.isForeign
      ? { status: 'late', reason: `${error.message}; the same command looks again` }
      : { status: 'gone', reason: error.message };
  }
}

function describeLateRun(id: string, waitedMs: number): string {
  const time =
    waitedMs < 120_000 ? `${waitedMs / 1_000} seconds` : `${Math.round(waitedMs / 60_000)} minutes`;
  return `run ${id} had not ended after ${time}; the same command looks again for what it brings`;
}
