import type { ErrorKind } from '../errors.js';

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
  readonly isForeign: boolean;
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
