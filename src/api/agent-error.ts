import { describeError, type ErrorKind, RowfillError } from '../errors.js';
import { cleanCode, cleanLine, mapTexts } from '../model/foreign-text.js';
import { isJsonObject, type JsonObject } from '../model/json.js';
import type { AgentFailure, AgentLimit, CreateOutcome } from '../model/run.js';

/** Everything an `AgentError` says besides its code and message; what is left out is null. */
export interface AgentErrorFacts {
  readonly status?: number | null;
  readonly type?: string | null;
  readonly requestId?: string | null;
  readonly retryAfterMs?: number | null;
  /** @default false */
  readonly isFromProxy?: boolean;
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
  readonly isFromProxy: boolean;
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
    this.isFromProxy = facts.isFromProxy ?? false;
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

/** What an error answer says of itself; null where it says nothing. */
export interface ErrorResponse {
  /** True for an error in one of the two JSON shapes the service uses: the agent itself, or its gateway, said no. */
  readonly wellFormed: boolean;
  readonly type: string | null;
  readonly code: string | null;
  readonly message: string;
  readonly requestId: string | null;
}

const MAX_MESSAGE = 500;

/** Reads the three shapes of an error body: nested `{error: {…}}`, flat `{error: "…", tag}`, or anything else. */
export function parseErrorResponse(
  body: string,
  mask: (text: string) => string = (text) => text,
): ErrorResponse {
  const value = parseJsonObject(body);
  const json = value === null ? null : (mapTexts(value, mask) as JsonObject);
  if (json !== null && isJsonObject(json.error)) return parseNested(json, json.error);
  if (json !== null && typeof json.error === 'string') return parseFlat(json, json.error);
  return { wellFormed: false, type: null, code: null, message: formatSnippet(mask(body)), requestId: null };
}

/** Foreign text made fit for one line of a message: no control characters, no more than 500 characters. */
export function formatSnippet(text: string): string {
  return cleanLine(text, MAX_MESSAGE);
}

function parseNested(body: JsonObject, error: JsonObject): ErrorResponse {
  const message = parseText(error.message);
  const detail = parseText(error.detail) ?? parseText(body.detail);
  return {
    wellFormed: message !== null || parseText(error.code) !== null,
    type: parseWireCode(error.type),
    code: parseWireCode(error.code) ?? parseWireCode(error.tag),
    message: formatSnippet([message, detail].filter((part) => part !== null).join(' ')),
    requestId: parseId(error.requestId) ?? parseId(body.requestId),
  };
}

function parseFlat(body: JsonObject, error: string): ErrorResponse {
  return {
    wellFormed: true,
    type: null,
    code: parseWireCode(body.tag) ?? parseWireCode(body.code),
    message: formatSnippet(error),
    requestId: parseId(body.requestId),
  };
}

function parseJsonObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

function parseWireCode(value: unknown): string | null {
  const text = parseText(value);
  return text === null ? null : cleanCode(text);
}

function parseId(value: unknown): string | null {
  const text = parseText(value);
  return text === null ? null : cleanLine(text, 200);
}

function parseText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Says what kept a request from being answered, as an error without a status. */
export function createNetworkError(error: unknown, where: string, outcome: CreateOutcome | null): AgentError {
  if (error instanceof AgentError) return error;
  const wireCode = findSystemCode(error);
  const code = resolveCode(wireCode, describeError(error));
  return new AgentError(code, `${where}: ${describeCause(error, wireCode)}`, {
    outcome,
    hint: NETWORK_HINTS[code],
    // A parser's error holds the bytes that it could not read, and those may repeat the key.
    cause: error instanceof Error && 'data' in error ? undefined : error,
  });
}

const NETWORK_HINTS: Readonly<Record<string, string>> = {
  NETWORK_ERROR: 'Check the address of the API (--api-url) and the network; proxies come from HTTPS_PROXY.',
  TIMED_OUT: 'Check the address of the API (--api-url) and the network; the same command carries on.',
  TLS_ERROR: 'The certificate was not accepted; NODE_EXTRA_CA_CERTS names a file of further ones to trust.',
  PROXY_REFUSED:
    'The proxy of HTTPS_PROXY did not let the connection through; check its address and password.',
};

function resolveCode(wireCode: string | null, message: string): string {
  if (wireCode === null) return 'NETWORK_ERROR';
  if (/TIMEOUT|TIMEDOUT/.test(wireCode)) return 'TIMED_OUT';
  if (wireCode === 'UND_ERR_DESTROYED' || wireCode === 'UND_ERR_CLOSED') return 'CLIENT_CLOSED';
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|UND_ERR_PRX_TLS)/.test(wireCode)) {
    return 'TLS_ERROR';
  }
  return /^Proxy /.test(message) ? 'PROXY_REFUSED' : 'NETWORK_ERROR';
}

const PLAIN: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused, nothing listens there',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host could not be looked up',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped coming',
  UND_ERR_DESTROYED: 'the client was closed',
  UND_ERR_CLOSED: 'the client was closed',
};

function describeCause(error: unknown, wireCode: string | null): string {
  if (wireCode === null) return describeError(error);
  return `${PLAIN[wireCode] ?? describeError(error)} (${wireCode})`;
}

/** The system's word for it; an address with several hosts fails with one error a host, the first one speaks for all. */
function findSystemCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return findSystemCode(error.errors[0]);
  return null;
}
