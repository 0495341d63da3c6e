import type { JsonObject } from '../model/json.js';

/** Error types of the Agent Runs API. */
type ErrorType =
  | 'INVALID_REQUEST'
  | 'AUTHENTICATION_ERROR'
  | 'RATE_LIMIT_ERROR'
  | 'NOT_FOUND'
  | 'SERVER_ERROR';

/** Error codes of the Agent Runs API, in both contracts. */
type ErrorCode =
  | 'INVALID_REQUEST'
  | 'MISSING_BETA_HEADER'
  | 'INVALID_BETA_HEADER'
  | 'TEAM_NOT_FOUND'
  | 'RUN_NOT_FOUND'
  | 'PREVIOUS_RUN_NOT_FOUND'
  | 'PREVIOUS_RUN_NOT_COMPLETED'
  | 'CONCURRENCY_LIMIT_REACHED'
  | 'INVALID_OUTPUT_SCHEMA'
  | 'INVALID_DATA_SOURCE'
  | 'TIMEOUT'
  | 'SERVER_ERROR';

/** Thrown to answer a request with an error. One handler writes all of them. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  /** Sent as JSON if an object, as an HTML page if text. */
  readonly body: JsonObject | string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    body: JsonObject | string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Thrown to break the connection without a response. */
export class Disconnect extends Error {
  override readonly name = 'Disconnect';
}

/** 400: the request is invalid. */
export function createInvalid(
  message: string,
  code: ErrorCode = 'INVALID_REQUEST',
  extra: JsonObject = {},
): Refusal {
  return createRefusal(400, 'INVALID_REQUEST', code, message, extra);
}

/** 404: the team has no run with that id. */
export function createRunNotFound(id: string): Refusal {
  return createRefusal(404, 'NOT_FOUND', 'RUN_NOT_FOUND', `No run ${id} belongs to this key.`);
}

/** 429: the team has too many active runs. */
export function createConcurrencyLimit(limit: number, retryAfterSeconds?: number): Refusal {
  return createRefusal(
    429,
    'RATE_LIMIT_ERROR',
    'CONCURRENCY_LIMIT_REACHED',
    `The limit of ${limit} active runs for this key, or that for all keys, is reached. Wait for one to end.`,
    {},
    writeRetryAfter(retryAfterSeconds),
  );
}

/** 429: too many requests per second. Sent by the gateway in front of the API, in its own flat envelope. */
export function createRateLimit(requestId: string, retryAfterSeconds?: number): Refusal {
  const message = 'Too many requests per second. Slow down and try again.';
  return createGatewayError(429, 'RATE_LIMIT_EXCEEDED', message, requestId, retryAfterSeconds);
}

/** A gateway error: a flat object whose `error` is text. */
export function createGatewayError(
  status: number,
  tag: string,
  message: string,
  requestId: string,
  retryAfterSeconds?: number,
): Refusal {
  return new Refusal(status, { requestId, error: message, tag }, message, writeRetryAfter(retryAfterSeconds));
}

/** An HTML page, as a proxy returns when it cannot reach the service. */
export function createHtmlError(status: number, title: string): Refusal {
  const page = `<html>\n<head><title>${status} ${title}</title></head>\n<body><h1>${status} ${title}</h1></body>\n</html>\n`;
  return new Refusal(status, page, title);
}

/** An API error in the API's envelope. */
export function createRefusal(
  status: number,
  type: ErrorType,
  code: ErrorCode,
  message: string,
  extra: JsonObject = {},
  headers: Record<string, string> = {},
): Refusal {
  return new Refusal(status, { error: { type, code, message, ...extra } }, message, headers);
}

function writeRetryAfter(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}
