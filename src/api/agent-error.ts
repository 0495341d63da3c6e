import { type ErrorKind, RowfillError } from '../errors.js';
import type { AgentFailure, AgentLimit, CreateOutcome } from '../model/agent-failure.js';

/** Everything an `AgentError` says besides its code and message; what is left out is null. */
export interface AgentErrorFacts {
  readonly status?: number | null;
  readonly type?: string | null;
  readonly requestId?: string | null;
  readonly retryAfterMs?: number | null;
  /** @default false */
  readonly isForeign?: boolean;
  readonly outcome?: CreateOutcome | null;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A call to the agent that failed, whatever shape the answer had: nested error, flat error, no JSON, or no answer.
 * Never holds the key. `src/model/agent-failure.ts` has its plain facts, and a guard for those who cannot import it.
 */
export class AgentError extends RowfillError implements AgentFailure {
  override readonly name = 'AgentError';
  readonly status: number | null;
  readonly type: string | null;
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;
  readonly isForeign: boolean;
  readonly outcome: CreateOutcome | null;
  readonly limit: AgentLimit | null;

  constructor(code: string, message: string, facts: AgentErrorFacts = {}) {
    const status = facts.status ?? null;
    const hint = facts.hint ?? resolveHint(status, code);
    super(resolveKind(status), code, message, {
      ...(hint === undefined ? {} : { hint }),
      cause: facts.cause,
    });
    this.status = status;
    this.type = facts.type ?? null;
    this.requestId = facts.requestId ?? null;
    this.retryAfterMs = facts.retryAfterMs ?? null;
    this.isForeign = facts.isForeign ?? false;
    this.outcome = facts.outcome ?? null;
    this.limit = resolveLimit(status, code, message);
  }
}

const USAGE_STATUSES: ReadonlySet<number> = new Set([400, 404, 405, 409, 410, 413, 415, 422]);

function resolveKind(status: number | null): ErrorKind {
  if (status === 401 || status === 402 || status === 403) return 'refused';
  return status !== null && USAGE_STATUSES.has(status) ? 'usage' : 'unreachable';
}

function resolveLimit(status: number | null, code: string, message: string): AgentLimit | null {
  if (status !== 429) return null;
  if (code === 'CONCURRENCY_LIMIT_REACHED') return 'concurrency';
  // A gateway's 429 may be bare text without a code.
  return code === 'HTTP_429' && /concurren|active run/i.test(message) ? 'concurrency' : 'rate';
}

const HINTS: Readonly<Record<string, string>> = {
  NO_MORE_CREDITS: 'Add credits to the account, then run the same command again: it carries on.',
  API_KEY_BUDGET_EXCEEDED:
    'Raise the budget of this key, or use another key, then run the same command again.',
  TEAM_BUDGET_EXCEEDED: 'Raise the budget of the team, then run the same command again.',
  X402_PAYMENT_REQUIRED: 'Set EXA_API_KEY: the agent took this for a call without a key.',
  FEATURE_DISABLED:
    'The plan of this key does not include what was asked; ask the service, or choose another effort.',
  PROHIBITED_CONTENT: 'The service refuses this content; change the query or the rows that are sent.',
  CONTENT_FILTER_ERROR: 'The service refuses this content; change the query or the rows that are sent.',
  CONCURRENCY_LIMIT_REACHED: 'Too many runs are active on this account; use a lower --concurrency.',
  RATE_LIMIT_EXCEEDED: 'Too many requests a second on this account; use a lower --starts-per-second.',
  RUN_NOT_FOUND: 'The run was deleted, has expired, or belongs to another account.',
  MISSING_BETA_HEADER: 'The agent wants another Exa-Beta header than the one that was sent.',
  INVALID_BETA_HEADER: 'The agent wants another Exa-Beta header than the one that was sent.',
};

function resolveHint(status: number | null, code: string): string | undefined {
  if (Object.hasOwn(HINTS, code)) return HINTS[code];
  if (status === 401)
    return 'Check EXA_API_KEY, or the file of EXA_API_KEY_FILE: the agent does not know this key.';
  if (status === 402) return 'Add credits to the account, then run the same command again: it carries on.';
  if (status === 403 && code === 'INVALID_REQUEST') return 'Check the address of the API (--api-url).';
  if (status === 403) return 'This key may not do this; check its plan and permissions.';
  if (status === 429)
    return 'Too much is asked of this account at once; wait, then run the same command again.';
  if (status !== null && status >= 500)
    return 'The agent is in trouble; run the same command again later: it carries on.';
  if (status === null) return undefined;
  return code.startsWith('HTTP_')
    ? 'Check the address of the API (--api-url).'
    : 'The agent says what it does not take; change the query, the fields or the effort.';
}
