import type { AgentRun } from '../model/run.js';
import type { Contract } from './contract.js';
import type { RunEnd } from './run-document.js';
import type { StoredEvent, StoredRun } from './store-contract.js';

/** The two events with which every run begins. */
export function writeStartEvents(run: AgentRun): readonly StoredEvent[] {
  const { id, createdAt } = run;
  return [
    {
      id: 1,
      event: 'agent_run.created',
      data: JSON.stringify({ id, status: 'queued', createdAt }),
      createdAt,
    },
    { id: 2, event: 'agent_run.started', data: JSON.stringify({ id, status: 'running' }), createdAt },
  ];
}

/** The one event with which a run ends. */
export function writeEndEvent(run: AgentRun, end: RunEnd, eventId: number, contract: Contract): StoredEvent {
  const createdAt = run.completedAt ?? run.createdAt;
  return { id: eventId, event: `agent_run.${end.status}`, data: writeEndData(run, end, contract), createdAt };
}

/** The JSON text of an event's data. */
export function readEventData(event: StoredEvent, run: StoredRun): string {
  return event.data ?? run.text;
}

function writeEndData(run: AgentRun, end: RunEnd, contract: Contract): string | null {
  if (end.status === 'failed') return JSON.stringify({ id: run.id, status: 'failed', error: end.error });
  // Later services send the whole run; it is stored once, as the run itself.
  if (contract === 'current') return null;
  return JSON.stringify({ id: run.id, object: 'agent_run', status: end.status });
}
