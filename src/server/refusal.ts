import type { JsonObject } from '../model/json.js';

/** The error types of the Agent Runs API. */
export type ErrorType =
  | 'INVALID_REQUEST'
  | 'AUTHENTICATION_ERROR'
  | 'RATE_LIMIT_ERROR'
  | 'NOT_FOUND'
  | 'SERVER_ERROR';

/** The error codes of the Agent Runs API, of both contracts. */
export type ErrorCode =
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

/** A request that is answered with an error: thrown anywhere, written as a response in one place. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  /** An object is sent as JSON, text as an HTML page. */
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

/** A request that gets no answer at all: its connection breaks. */
export class Disconnect extends Error {
  override readonly name = 'Disconnect';
}

/** A request that is wrong in itself. */
export function createInvalid(
  message: string,
  code: ErrorCode = 'INVALID_REQUEST',
  extra: JsonObject = {},
): Refusal {
  return createRefusal(400, 'INVALID_REQUEST', code, message, extra);
}

/** No run of that id for this team. */
export function createRunNotFound(id: string): Refusal {
  return createRefusal(404, 'NOT_FOUND', 'RUN_NOT_FOUND', `No run ${id} belongs to this key.`);
}

/** Too many runs of the team are active. */
export function createConcurrencyLimit(limit: number, retryAfterSeconds?: number): Refusal {
  return createRefusal(
    429,
    'RATE_LIMIT_ERROR',
    'CONCURRENCY_LIMIT_REACHED',
    `This key has ${limit} active runs, the most it may have. Wait for one to end.`,
    {},
    writeRetryAfter(retryAfterSeconds),
  );
}

/** Too many requests a second: said by the gateway in front of the API, in its own flat envelope. */
export function createRateLimit(requestId: string, retryAfterSeconds?: number): Refusal {
  const message = 'Too many requests a second. Slow down and try again.';
  return createGatewayError(429, 'RATE_LIMIT_EXCEEDED', message, requestId, retryAfterSeconds);
}

/** An error of the gateway: a flat object whose `error` is text. */
export function createGatewayError(
  status: number,
  tag: string,
  message: string,
  requestId: string,
  retryAfterSeconds?: number,
): Refusal {
  return new Refusal(status, { requestId, error: message, tag }, message, writeRetryAfter(retryAfterSeconds));
}

/** What a proxy says when it cannot reach the service: a page for a browser. */
export function createHtmlError(status: number, title: string): Refusal {
  const page = `<html>\n<head><title>${status} ${title}</title></head>\n<body><h1>${status} ${title}</h1></body>\n</html>\n`;
  return new Refusal(status, page, title);
}

/** An error of the API in its own envelope. */
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
