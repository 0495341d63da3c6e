import type { AgentResult } from '../agents/agent.js';
import type { JsonObject } from '../model/json.js';
import type { AgentRun, Citation, CreateRunRequest, Grounding, RunCost, RunUsage } from '../model/run.js';
import type { Contract } from './contract.js';
import type { StoredEvent, StoredRun } from './store-contract.js';

/** Usage and cost of a run. */
export interface Charge {
  readonly usage: RunUsage;
  readonly costDollars: RunCost;
}

/** Charge of an active run, or of a free agent. */
const NO_CHARGE: Charge = {
  usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
  costDollars: { total: 0, agentCompute: 0, search: 0, emails: 0, phoneNumbers: 0 },
};

/** Outcome of a run. */
export type RunEnd =
  | { readonly status: 'completed'; readonly stopReason: string; readonly result: AgentResult }
  | { readonly status: 'failed'; readonly error: JsonObject }
  | { readonly status: 'cancelled' };

/** Computes the charge of a run from its outcome. */
export type PriceRun = (run: AgentRun, end: RunEnd) => Charge;

/** Result of an agent that returned nothing. */
export const EMPTY_RESULT: AgentResult = {
  output: { text: '', structured: null, grounding: [] },
  usage: NO_CHARGE.usage,
};

/** The cost reported by the agent; zero if it reports none. */
export function chargeOf(end: RunEnd): Charge {
  if (end.status !== 'completed') return NO_CHARGE;
  const { usage, costDollars } = end.result;
  return { usage, costDollars: costDollars ?? NO_CHARGE.costDollars };
}

/** Error of a failed run. */
export function createServerError(code: 'TIMEOUT' | 'SERVER_ERROR', message: string): JsonObject {
  return { type: 'SERVER_ERROR', code, message };
}

/** A new run: active, without output. */
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

/** The run after it has ended, with the values that its contract allows. */
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
  // The older contract has only one stop reason for all early ends.
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

/** The first two events of every run. */
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

/** The last event of a run. */
export function writeEndEvent(run: AgentRun, end: RunEnd, eventId: number, contract: Contract): StoredEvent {
  const createdAt = run.completedAt ?? run.createdAt;
  return { id: eventId, event: `agent_run.${end.status}`, data: writeEndData(run, end, contract), createdAt };
}

/** JSON text of an event's data. */
export function formatEventData(event: StoredEvent, run: StoredRun): string {
  return event.data ?? run.text;
}

function writeEndData(run: AgentRun, end: RunEnd, contract: Contract): string | null {
  if (end.status === 'failed') return JSON.stringify({ id: run.id, status: 'failed', error: end.error });
  // Later services send the whole run. It is stored only once, as the run itself.
  if (contract === 'current') return null;
  return JSON.stringify({ id: run.id, object: 'agent_run', status: end.status });
}

/** A page ends early after this many characters, with a cursor to continue. It has at least one item. */
const MAX_PAGE_LENGTH = 32 * 1024 * 1024;

/** Formats a page of runs as JSON. `runs` may have one extra run, which means that more follow. */
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

/** Formats a page of a run's events as JSON, oldest first, by the same rule. */
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
  // Insert the data as it is, because it is already JSON text.
  return `${head.slice(0, -1)},"data":${formatEventData(event, run)}}`;
}

function writePage(items: readonly string[], cursor: string | null): string {
  return `{"object":"list","data":[${items.join(',')}],"hasMore":${cursor !== null},"nextCursor":${JSON.stringify(cursor)}}`;
}
