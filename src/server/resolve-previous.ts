import type { AgentRun } from '../model/run.js';
import { createInvalid } from './refusal.js';
import { parseRun, type RunStore } from './store-contract.js';

/** The run that a request continues; refuses one that is not the team's, or that did not complete. */
export function resolvePrevious(store: RunStore, teamId: string, id: string | undefined): AgentRun | null {
  if (id === undefined) return null;
  const stored = store.find(teamId, id);
  if (stored === null) {
    throw createInvalid(`previousRunId: no run ${id} belongs to this key.`, 'PREVIOUS_RUN_NOT_FOUND');
  }
  if (stored.status !== 'completed') {
    const message = `previousRunId: run ${id} is ${stored.status}, and only a completed run can be continued.`;
    throw createInvalid(message, 'PREVIOUS_RUN_NOT_COMPLETED');
  }
  return parseRun(stored);
}
