import type { AgentRun } from '../model/run.js';

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
