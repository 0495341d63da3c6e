import type { AgentResult } from '../agents/agent.js';
import type { JsonObject } from '../model/json.js';
import type { AgentRun, Citation, CreateRunRequest, Grounding, RunCost, RunUsage } from '../model/run.js';
import type { Contract } from './contract.js';

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
export function readCharge(end: RunEnd): Charge {
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
