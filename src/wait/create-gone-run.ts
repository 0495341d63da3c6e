import type { Batch } from '../model/batch.js';
import type { AgentRun } from '../model/run.js';

/**
 * Stands for a run that was started but that the agent no longer knows, deleted or expired. What it cost can no longer
 * be asked, so it is taken to have cost all that was reserved for it: the cap must hold.
 */
export function createGoneRun(batch: Batch, runId: string, reason: string): AgentRun {
  const dollars = batch.reserveMicros / 1_000_000;
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
    costDollars: { total: dollars, agentCompute: dollars, search: 0, emails: 0, phoneNumbers: 0 },
    error: { message: reason },
  };
}
