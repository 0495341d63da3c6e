import { describeError, type ErrorKind, RowfillError } from '../errors.js';
import { isJsonObject, type JsonObject } from '../model/json.js';
import type { AgentFailure, AgentLimit, CreateOutcome } from '../model/run.js';
import { cleanCode, cleanLine, mapTexts } from '../model/untrusted-text.js';

/** Fields of an `AgentError` besides code and message; omitted ones are null. */
interface AgentErrorFacts {
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
 * A failed call to the agent, whatever the response: nested error, flat error, not JSON, or none at all.
 * Never contains the key. `src/model/run.ts` has its plain fields and a type guard for modules that
 * cannot import this one.
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
  NO_MORE_CREDITS: 'Add credits to the account, then run the same command again to resume.',
  API_KEY_BUDGET_EXCEEDED:
    'Raise the budget of this key, or use another key, then run the same command again.',
  TEAM_BUDGET_EXCEEDED: 'Raise the budget of the team, then run the same command again.',
  X402_PAYMENT_REQUIRED: 'Set EXA_API_KEY: the agent received no key.',
  FEATURE_DISABLED:
    "This key's plan does not include this feature; contact the service or choose another effort.",
  PROHIBITED_CONTENT: 'The service rejects this content; change the query or the rows.',
  CONTENT_FILTER_ERROR: 'The service rejects this content; change the query or the rows.',
  CONCURRENCY_LIMIT_REACHED: 'Too many runs are active on this account; use a lower --concurrency.',
  RATE_LIMIT_EXCEEDED: 'Too many requests per second on this account; use a lower --starts-per-second.',
  RUN_NOT_FOUND: 'The run was deleted, has expired, or belongs to another account.',
  MISSING_BETA_HEADER: 'The agent requires a different Exa-Beta header.',
  INVALID_BETA_HEADER: 'The agent requires a different Exa-Beta header.',
};

function resolveHint(status: number | null, code: string): string | undefined {
  if (Object.hasOwn(HINTS, code)) return HINTS[code];
  if (status === 401)
    return 'Check EXA_API_KEY, or the file that EXA_API_KEY_FILE names: the agent does not accept this key.';
  if (status === 402) return 'Add credits to the account, then run the same command again to resume.';
  if (status === 403 && code === 'INVALID_REQUEST') return 'Check the address of the API (--api-url).';
  if (status === 403) return 'This key is not allowed to do this; check its plan and permissions.';
  if (status === 429) return 'Too many requests on this account; wait, then run the same command again.';
  if (status !== null && status >= 500)
    return 'The agent has a server error; run the same command again later to resume.';
  if (status === null) return undefined;
  return code.startsWith('HTTP_')
    ? 'Check the address of the API (--api-url).'
    : 'The agent rejected the request; change the query, the fields or the effort.';
}

/** Replaces the hint of a 401 if no key is set. */
export function explainMissingKey(error: unknown, isKeySet: boolean): unknown {
  if (isKeySet || !(error instanceof AgentError) || error.status !== 401) return error;
  const { code, message, status, type, requestId, outcome } = error;
  const hint = 'Set EXA_API_KEY, or EXA_API_KEY_FILE: this agent needs a key, and none is set.';
  return new AgentError(code, message, { status, type, requestId, outcome, hint, cause: error });
}

/** Parsed error response; null for anything it does not give. */
interface ErrorResponse {
  /** True for an error in one of the service's two JSON shapes: it came from the agent or its gateway. */
  readonly wellFormed: boolean;
  readonly type: string | null;
  readonly code: string | null;
  readonly message: string;
  readonly requestId: string | null;
}

const MAX_MESSAGE = 500;

/**
 * Parses the three shapes of an error body: nested `{error: {…}}`, flat `{error: "…", tag}`, or anything
 * else.
 */
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

/** Cleans untrusted text for a one-line message: no control characters, at most 500 characters. */
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

/** Converts a network failure to an error without a status. */
export function createNetworkError(error: unknown, where: string, outcome: CreateOutcome | null): AgentError {
  if (error instanceof AgentError) return error;
  const wireCode = findSystemCode(error);
  const code = resolveCode(wireCode, describeError(error));
  return new AgentError(code, `${where}: ${describeCause(error, wireCode)}`, {
    outcome,
    hint: NETWORK_HINTS[code],
    // A parser error contains the bytes it could not parse, which may include the key.
    cause: error instanceof Error && 'data' in error ? undefined : error,
  });
}

const NETWORK_HINTS: Readonly<Record<string, string>> = {
  NETWORK_ERROR: 'Check the address of the API (--api-url) and the network; proxies come from HTTPS_PROXY.',
  TIMED_OUT:
    'Check the address of the API (--api-url) and the network, then run the same command again to resume.',
  TLS_ERROR:
    'The TLS certificate is not trusted; set NODE_EXTRA_CA_CERTS to a file with the CA certificates to trust.',
  PROXY_REFUSED: 'The HTTPS_PROXY proxy refused the connection; check its address and password.',
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
  ECONNREFUSED: 'connection refused: nothing is listening there',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'DNS lookup failed',
  UND_ERR_SOCKET: 'the connection was lost',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'the response timed out',
  UND_ERR_BODY_TIMEOUT: 'the response stalled',
  UND_ERR_DESTROYED: 'the client was closed',
  UND_ERR_CLOSED: 'the client was closed',
};

function describeCause(error: unknown, wireCode: string | null): string {
  if (wireCode === null) return describeError(error);
  return `${PLAIN[wireCode] ?? describeError(error)} (${wireCode})`;
}

/** The system error code. A host with several addresses fails with one error per address; the first is used. */
function findSystemCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return findSystemCode(error.errors[0]);
  return null;
}
