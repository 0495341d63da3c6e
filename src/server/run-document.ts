import type { AgentResult } from '../agents/agent.js';
import type { JsonObject } from '../model/json.js';
import type { AgentRun, Citation, CreateRunRequest, Grounding, RunCost, RunUsage } from '../model/run.js';
import type { Contract } from './contract.js';
import type { StoredEvent, StoredRun } from './store-contract.js';

/** What a run used and cost. */
export interface Charge {
  readonly usage: RunUsage;
  readonly costDollars: RunCost;
}

/** The charge of a run that has not ended, or of a free agent. */
export const NO_CHARGE: Charge = {
  usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
  costDollars: { total: 0, agentCompute: 0, search: 0, emails: 0, phoneNumbers: 0 },
};

/** How a run ended, and with what. */
export type RunEnd =
  | { readonly status: 'completed'; readonly stopReason: string; readonly result: AgentResult }
  | { readonly status: 'failed'; readonly error: JsonObject }
  | { readonly status: 'cancelled' };

/** What a run costs, by how it ended. */
export type PriceRun = (run: AgentRun, end: RunEnd) => Charge;

/** The result of an agent that handed over nothing. */
export const EMPTY_RESULT: AgentResult = {
  output: { text: '', structured: null, grounding: [] },
  usage: NO_CHARGE.usage,
};

/** What the agent says that a run cost; an agent that says nothing is free. */
export function chargeOf(end: RunEnd): Charge {
  if (end.status !== 'completed') return NO_CHARGE;
  const { usage, costDollars } = end.result;
  return { usage, costDollars: costDollars ?? NO_CHARGE.costDollars };
}

/** The error of a run that failed. */
export function createServerError(code: 'TIMEOUT' | 'SERVER_ERROR', message: string): JsonObject {
  return { type: 'SERVER_ERROR', code, message };
}

/** A run as it is answered to its create: working, with nothing to show yet. */
export function createRunDocument(id: string, createdAt: string, request: CreateRunRequest): AgentRun {
  return {
    id,
    object: 'agent_run',
    status: 'running',
    stopReason: null,
    createdAt,
    completedAt: null,
    request,
    output: { text: '', structured: null, grounding: [] },
    ...NO_CHARGE,
  };
}

/** The same run once it can change no more, in the words that its contract allows. */
export function createEndedDocument(
  run: AgentRun,
  end: RunEnd,
  charge: Charge,
  completedAt: string,
  contract: Contract,
): AgentRun {
  const ended = { ...run, completedAt, ...writeCharge(charge, contract) };
  switch (end.status) {
    case 'cancelled':
      return { ...ended, status: 'cancelled', stopReason: 'cancelled' };
    case 'failed':
      return {
        ...ended,
        status: 'failed',
        stopReason: 'error',
        ...(contract === 'current' ? { error: end.error } : {}),
      };
    case 'completed':
      return {
        ...ended,
        status: 'completed',
        stopReason: writeStopReason(end.stopReason, contract),
        output: {
          text: end.result.output.text,
          structured: end.result.output.structured ?? null,
          grounding: end.result.output.grounding.map((entry) => writeGrounding(entry, contract)),
        },
      };
  }
}

const CONTRACT_STOP_REASONS: readonly string[] = ['schema_satisfied', 'budget_reached', 'error', 'cancelled'];

function writeStopReason(reason: string, contract: Contract): string {
  // The older contract has one word for every end that came before the work was done.
  return contract === 'current' || CONTRACT_STOP_REASONS.includes(reason) ? reason : 'budget_reached';
}

function writeCharge(charge: Charge, contract: Contract): Charge {
  if (contract === 'current') return charge;
  const { agentComputeUnits } = charge.usage;
  return { ...charge, usage: { ...charge.usage, agentComputeUnits: Math.ceil(agentComputeUnits) } };
}

function writeGrounding(entry: Grounding, contract: Contract): Grounding {
  const { score } = entry;
  return {
    field: entry.field,
    citations: entry.citations.map(writeCitation),
    confidence: entry.confidence ?? null,
    ...(contract === 'current' && score !== undefined ? { score } : {}),
  };
}

function writeCitation(citation: Citation): Citation {
  const { url, title } = citation;
  return typeof title === 'string' ? { url, title } : { url };
}

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
export function formatEventData(event: StoredEvent, run: StoredRun): string {
  return event.data ?? run.text;
}

function writeEndData(run: AgentRun, end: RunEnd, contract: Contract): string | null {
  if (end.status === 'failed') return JSON.stringify({ id: run.id, status: 'failed', error: end.error });
  // Later services send the whole run; it is stored once, as the run itself.
  if (contract === 'current') return null;
  return JSON.stringify({ id: run.id, object: 'agent_run', status: end.status });
}

/** A page ends early beyond this many characters, with a cursor to go on from; it has one item at least. */
const MAX_PAGE_LENGTH = 32 * 1024 * 1024;

/** A page of runs as JSON text; `runs` may hold one more than the page, which tells that more follow. */
export function writeRunPage(runs: readonly StoredRun[], limit: number): string {
  let length = 0;
  const fits = (run: StoredRun, index: number): boolean => {
    length += run.text.length;
    return index === 0 || length <= MAX_PAGE_LENGTH;
  };
  const end = runs.findIndex((run, index) => index >= limit || !fits(run, index));
  const shown = end < 0 ? runs : runs.slice(0, end);
  const last = shown.at(-1);
  const cursor = runs.length > shown.length && last !== undefined ? last.id : null;
  return writePage(
    shown.map((run) => run.text),
    cursor,
  );
}

/** A page of a run's events as JSON text, oldest first, by the same rule. */
export function writeEventPage(events: readonly StoredEvent[], limit: number, run: StoredRun): string {
  const shown = events.slice(0, limit);
  const last = shown.at(-1);
  const cursor = events.length > limit && last !== undefined ? String(last.id) : null;
  return writePage(
    shown.map((event) => writeEvent(event, run)),
    cursor,
  );
}

function writeEvent(event: StoredEvent, run: StoredRun): string {
  const { id, event: name, createdAt } = event;
  const head = JSON.stringify({ id: String(id), event: name, createdAt });
  // The data is JSON text already; it is put in as it is rather than read and written again.
  return `${head.slice(0, -1)},"data":${formatEventData(event, run)}}`;
}

function writePage(items: readonly string[], cursor: string | null): string {
  return `{"object":"list","data":[${items.join(',')}],"hasMore":${cursor !== null},"nextCursor":${JSON.stringify(cursor)}}`;
}
