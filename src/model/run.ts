import type { ErrorKind } from '../errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/**
 * The wire format of the Agent Runs API, contract of 2026-05-07, with the API's own names. Status-like values
 * are open strings with known values listed, because later versions may add more.
 */

/** URL of the hosted service. */
export const HOSTED_URL = 'https://api.exa.ai';

export const BETA_TOKEN = 'agent-2026-05-07';

/** Body of a create-run request. */
export interface CreateRunRequest {
  readonly query: string;
  readonly systemPrompt?: string;
  readonly input?: { readonly data?: readonly JsonObject[]; readonly exclusion?: readonly JsonObject[] };
  readonly outputSchema?: JsonObject | null;
  readonly effort?: string;
  readonly previousRunId?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly budget?: { readonly maxCostDollars?: number; readonly maxDurationSeconds?: number };
}

export type RunStatus = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';
/** The agent's confidence in a value. */
export type Confidence = 'low' | 'medium' | 'high';

/** A page that supports a value. */
export interface Citation {
  readonly url: string;
  readonly title?: string | null;
}

/** Sources of one value of an output. */
export interface Grounding {
  /** Path inside the output, such as `structured.rows[0].fields.ceo`. */
  readonly field: string;
  readonly citations: readonly Citation[];
  readonly confidence?: Confidence | null;
  readonly score?: number | null;
}

/** Output of a run. `structured` follows the requested schema, or is null. */
export interface RunOutput {
  readonly text: string;
  readonly structured: JsonValue;
  readonly grounding: readonly Grounding[];
}

/** Resources that a run used, in the service's units. */
export interface RunUsage {
  readonly agentComputeUnits: number;
  readonly searches: number;
  readonly emails: number;
  readonly phoneNumbers: number;
}

/** US dollars. */
export interface RunCost {
  readonly total: number;
  readonly agentCompute: number;
  readonly search: number;
  readonly emails: number;
  readonly phoneNumbers: number;
}

/** Cost of a run as reported by the agent. */
export interface ReportedCost extends Omit<RunCost, 'total'> {
  /** Null if the agent reported no total, or not a valid amount. */
  readonly total: number | null;
  /** The raw value, if it is not a valid amount. */
  readonly unreadableTotal?: JsonValue;
}

/** A run as the agent returns it. Timestamps are ISO 8601. */
export interface AgentRun {
  readonly id: string;
  readonly object: 'agent_run';
  readonly status: RunStatus;
  /**
   * Null while the run is active; then schema_satisfied, budget_reached, error, cancelled, or a value of a
   * later service.
   */
  readonly stopReason: string | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
  /** The request in canonical form, as stored by the service. */
  readonly request: CreateRunRequest | null;
  readonly output: RunOutput;
  readonly usage: RunUsage;
  readonly costDollars: ReportedCost;
  /** Not in the contract; some services explain a failed run here. */
  readonly error?: JsonObject | null;
}

/** An event of a run. Its name determines its data. */
export interface AgentRunEvent {
  readonly id: string;
  readonly event: string;
  readonly data: JsonValue;
  readonly createdAt?: string;
}

/** A page of runs, newest first. `nextCursor` requests the next page. */
export interface RunPage {
  readonly data: readonly AgentRun[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

/** A page of stored events. `nextCursor` requests the next page. */
export interface EventPage {
  readonly data: readonly AgentRunEvent[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

/** True once a run can no longer change. Unknown statuses count as active. */
export function isTerminal(status: string): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** True for a run that has ended. A status of a later service counts if `completedAt` is set. */
export function hasEnded({ status, completedAt }: Pick<AgentRun, 'status' | 'completedAt'>): boolean {
  const isActive = status === 'queued' || status === 'running';
  return isTerminal(status) || (completedAt !== null && !isActive);
}

/** True for an id that is safe in a path and in the ledger: 1 to 200 of `A-Za-z0-9_.:-`, not only dots. */
export function isRunId(id: string): boolean {
  return /^(?!\.+$)[A-Za-z0-9_.:-]{1,200}$/.test(id);
}

const SHOWN_ID = 40;

/** Message for an invalid run id. Safe for any characters and length. */
export function describeBadRunId(id: string): string {
  const shown = JSON.stringify(id.slice(0, SHOWN_ID)).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const rest = id.length > SHOWN_ID ? ` (${id.length} characters)` : '';
  return `the agent named its run ${shown}${rest}, which is not a valid run id (1 to 200 letters, digits and _ . : -)`;
}

/**
 * What a failed create may have left at the agent. `not_created`: the agent rejected or never received it, so
 * nothing is billed. `unknown`: a paid run may exist, so search the agent's list before creating it again.
 * `created`: a paid run exists, but its id is invalid, so it cannot be fetched.
 */
export type CreateOutcome = 'not_created' | 'unknown' | 'created';

/** Which limit a 429 reports: too many active runs, or too many starts per second. */
export type AgentLimit = 'concurrency' | 'rate';

/** Details of a failed call to the agent, on every `AgentError`. */
export interface AgentFailure {
  readonly name: 'AgentError';
  /** `refused` for 401, 402 and 403: retrying does not help. `usage`: the request itself is invalid. */
  readonly kind: ErrorKind;
  /** Error code from the agent's response, else ours (`NETWORK_ERROR`, `TIMED_OUT`, `NOT_THE_API`, …). */
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  /** HTTP status; null if there was no response. */
  readonly status: number | null;
  /** Error type from the response, such as `RATE_LIMIT_ERROR`, or null. */
  readonly type: string | null;
  readonly requestId: string | null;
  /** Wait time requested by the agent, in milliseconds. */
  readonly retryAfterMs: number | null;
  /**
   * The response does not have the API's format. It may come from a proxy, and says nothing about any run.
   */
  readonly isFromProxy: boolean;
  /** Set for a failed create, null for any other call. */
  readonly outcome: CreateOutcome | null;
  /** Set for a 429. */
  readonly limit: AgentLimit | null;
}

/** True for an error from the agent client, without importing its class. */
export function isAgentFailure(error: unknown): error is Error & AgentFailure {
  return error instanceof Error && error.name === 'AgentError';
}

/** The id of the batch that a run was started for, from its metadata; null if absent. */
export function findBatchId(run: AgentRun): string | null {
  const metadata: unknown = run.request?.metadata;
  const id = isJsonObject(metadata) ? metadata.rowfill_batch : null;
  return typeof id === 'string' ? id : null;
}
