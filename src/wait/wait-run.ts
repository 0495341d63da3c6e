import type { AgentClient, StartedRun } from '../api/agent-client.js';
import { isAgentFailure } from '../model/agent-failure.js';
import type { AgentRun } from '../model/run.js';

export type WaitResult =
  | { readonly status: 'ended'; readonly run: AgentRun }
  /** The agent no longer knows the run: deleted or expired. */
  | { readonly status: 'gone'; readonly reason: string }
  /** The job was stopped; the run works on and is picked up the next time. */
  | { readonly status: 'stopped' }
  /** The job cannot go on: key refused, or nobody there. */
  | { readonly status: 'fatal'; readonly error: Error };

/** Waits until a run ends: by its open event stream where there is one, by its id where it was started earlier. */
export async function waitForRun(
  client: AgentClient,
  run: StartedRun | string,
  signal: AbortSignal,
): Promise<WaitResult> {
  try {
    return { status: 'ended', run: await client.wait(run, { signal }) };
  } catch (error) {
    if (signal.aborted) return { status: 'stopped' };
    if (!isAgentFailure(error)) throw error;
    return error.status === 404 ? { status: 'gone', reason: error.message } : { status: 'fatal', error };
  }
}
