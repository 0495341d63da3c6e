import type { ErrorKind } from '../errors.js';
import type { JsonObject, JsonValue } from './json.js';

/**
 * The wire format of the Agent Runs API, contract of 2026-05-07, in the wire's own spelling.
 * Status-like words are open strings with their known values listed: a later service may say more.
 */

/** Where the hosted service answers. */
export const HOSTED_URL = 'https://api.exa.ai';

export const BETA_TOKEN = 'agent-2026-05-07';

/** What a run is asked, as the service takes it. */
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
/** How sure the agent is of a value. */
export type Confidence = 'low' | 'medium' | 'high';

/** A page that bears a value out. */
export interface Citation {
  readonly url: string;
  readonly title?: string | null;
}

/** Where one value of an output comes from. */
export interface Grounding {
  /** Path below the output, such as `structured.rows[0].fields.ceo`. */
  readonly field: string;
  readonly citations: readonly Citation[];
  readonly confidence?: Confidence | null;
  readonly score?: number | null;
}

/** What a run brought: `structured` is what the schema asked for, null where there is none. */
export interface RunOutput {
  readonly text: string;
  readonly structured: JsonValue;
  readonly grounding: readonly Grounding[];
}

/** What a run used, in the units of the service. */
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

/** What an agent says that a run cost. */
export interface ReportedCost extends Omit<RunCost, 'total'> {
  /** Null if it gave no total, or none that is an amount. */
  readonly total: number | null;
  /** What it gave instead of an amount, as it came. */
  readonly unreadableTotal?: JsonValue;
}

/** A run as the agent tells it; the time stamps are ISO 8601. */
export interface AgentRun {
  readonly id: string;
  readonly object: 'agent_run';
  readonly status: RunStatus;
  /** null while the run is active; schema_satisfied, budget_reached, error, cancelled, or a later service's word. */
  readonly stopReason: string | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
  /** The request in canonical form, as the service stored it. */
  readonly request: CreateRunRequest | null;
  readonly output: RunOutput;
  readonly usage: RunUsage;
  readonly costDollars: ReportedCost;
  /** Not in the contract; some services explain a failed run here. */
  readonly error?: JsonObject | null;
}

/** An event of a run; which data it has, its name says. */
export interface AgentRunEvent {
  readonly id: string;
  readonly event: string;
  readonly data: JsonValue;
  readonly createdAt?: string;
}

/** A page of runs, newest first; `nextCursor` asks for the one after it. */
export interface RunPage {
  readonly data: readonly AgentRun[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

/** A page of stored events; `nextCursor` asks for the one after it. */
export interface EventPage {
  readonly data: readonly AgentRunEvent[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

/** True once a run can no longer change. An unknown status counts as still working. */
export function isTerminal(status: string): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** True for a run that has ended, also under a status of a later service: then it says when it was completed. */
export function hasEnded({ status, completedAt }: Pick<AgentRun, 'status' | 'completedAt'>): boolean {
  const isActive = status === 'queued' || status === 'running';
  return isTerminal(status) || (completedAt !== null && !isActive);
}

/** True for an id that can stand in a path and in the ledger: 1 to 200 of `A-Za-z0-9_.:-`, not only dots. */
export function isRunId(id: string): boolean {
  return /^(?!\.+$)[A-Za-z0-9_.:-]{1,200}$/.test(id);
}

const SHOWN_ID = 40;

/** Says that a run has an id that cannot be used, whatever characters it holds and however long it is. */
export function describeBadRunId(id: string): string {
  const shown = JSON.stringify(id.slice(0, SHOWN_ID)).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const rest = id.length > SHOWN_ID ? ` (${id.length} characters)` : '';
  return `the agent named its run ${shown}${rest}, which is not a valid run id (1 to 200 letters, digits and _ . : -)`;
}

/**
 * What a failed create left behind. `not_created`: the agent said no, or never heard of it, so nothing is billed.
 * `unknown`: a paid run may exist, and the agent's list has to be searched before it is created again.
 * `created`: a paid run exists, but its id is out of form: nothing can be asked about it.
 */
export type CreateOutcome = 'not_created' | 'unknown' | 'created';

/** Which limit a 429 speaks of: too many runs at once, or too many starts a second. */
export type AgentLimit = 'concurrency' | 'rate';

/** The plain facts of a failed call to the agent, as every `AgentError` carries them. */
export interface AgentFailure {
  readonly name: 'AgentError';
  /** `refused` for 401, 402 and 403: it will not get better by trying. `usage`: the request itself is at fault. */
  readonly kind: ErrorKind;
  /** The wire's code where the agent gave one, else ours (`NETWORK_ERROR`, `TIMED_OUT`, `NOT_THE_API`, …). */
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  /** HTTP status; null where no answer came. */
  readonly status: number | null;
  /** The wire's error type, such as `RATE_LIMIT_ERROR`; null where none was given. */
  readonly type: string | null;
  readonly requestId: string | null;
  /** How long the agent asked to wait, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** The answer is not in the API's own shape: it may be of a proxy on the way, and says nothing of any run. */
  readonly isFromProxy: boolean;
  /** Set for a failed create, null for any other call. */
  readonly outcome: CreateOutcome | null;
  /** Set for a 429. */
  readonly limit: AgentLimit | null;
}

/** True for an error of the agent's client, without the need to import its class. */
export function isAgentFailure(error: unknown): error is Error & AgentFailure {
  return error instanceof Error && error.name === 'AgentError';
}

/** True where the agent certainly created nothing: the same create may be sent again at no risk of paying twice. */
export function isNotCreated(error: unknown): boolean {
  return isAgentFailure(error) && error.outcome === 'not_created';
}
