import type { Timers } from '../model/clock.js';
import { formatWait } from '../model/format.js';
import { type JsonValue, parseAgentJson } from '../model/json.js';
import type { CreateOutcome } from '../model/run.js';
import { cleanLine, mapTexts } from '../model/untrusted-text.js';
import { AgentError, createNetworkError, formatSnippet, parseErrorResponse } from './agent-error.js';
import { parseRetryAfter } from './retry.js';
import { type ByteSource, getHeader, type HttpResponse } from './transport.js';

/** What is needed to read a response and describe errors in it. */
export interface ResponseContext {
  /** Method and path, for messages. */
  readonly what: string;
  /** The API's origin, for messages. */
  readonly address: string;
  readonly creates: boolean;
  readonly maxBytes: number;
  /** Timeout for the whole body, in ms. */
  readonly requestMs: number;
  readonly clock: Timers;
  /** Removes the key from untrusted text. */
  readonly mask: (text: string) => string;
}

/**
 * Kept so that some object of each shape is alive: with the last one, the runtime drops the code that it has compiled
 * for the shape, and compiles it again for the next response.
 */
let lastValue: JsonValue = null;

/** Reads a JSON response; anything but a 2xx with JSON throws an `AgentError`. */
export async function readJson(answer: HttpResponse, context: ResponseContext): Promise<JsonValue> {
  if (!isSuccess(answer)) throw await readError(answer, context);
  const text = await readText(answer.body, context);
  try {
    lastValue = mapTexts(parseAgentJson(text), context.mask);
    return lastValue;
  } catch {
    // Drop the parser's error: it quotes the text, which may contain the key.
    throw createForeignError(answer, text, context);
  }
}

/** True for a 2xx response. */
export function isSuccess(answer: HttpResponse): boolean {
  return answer.status >= 200 && answer.status < 300;
}

/** Reads a non-2xx response as an error. */
export async function readError(answer: HttpResponse, context: ResponseContext): Promise<AgentError> {
  if (answer.status >= 300 && answer.status < 400) return createRedirectError(answer, context);
  // If the body breaks off, the status is enough.
  const text = await readText(answer.body, context).catch(() => '');
  const parsed = parseErrorResponse(text, context.mask);
  if (!parsed.wellFormed && isHtml(answer, text) && answer.status < 500 && answer.status !== 429) {
    return createForeignError(answer, text, context);
  }
  const code = parsed.code ?? `HTTP_${answer.status}`;
  const name = parsed.code === null ? '' : ` ${parsed.code}`;
  const retryAfterMs = findRetryAfter(answer, context);
  const message = `${context.what} answered ${answer.status}${name}: ${parsed.message}`;
  return new AgentError(code, message.replace(/: $/, ''), {
    status: answer.status,
    type: parsed.type,
    requestId: parsed.requestId ?? findRequestId(answer, context),
    retryAfterMs,
    hint: describeWait(answer.status, retryAfterMs, context),
    isFromProxy: !parsed.wellFormed || GATEWAY_STATUSES.has(answer.status),
    outcome: resolveOutcome(answer.status, parsed.wellFormed, context),
  });
}

function findRetryAfter({ headers }: HttpResponse, { clock }: ResponseContext): number | null {
  const date = getHeader(headers, 'date');
  return parseRetryAfter({ retryAfter: getHeader(headers, 'retry-after'), date }, clock.now());
}

/** Shorter waits are not mentioned in the hint. */
const MIN_SHOWN_WAIT_MS = 10_000;

function describeWait(status: number, waitMs: number | null, { clock }: ResponseContext): string | undefined {
  if (waitMs === null || waitMs < MIN_SHOWN_WAIT_MS || (status !== 429 && status < 500)) return undefined;
  return `The agent asks to wait ${formatWait(waitMs, clock.now())}. Then run the same command again to resume.`;
}

/** Error for a response that does not come from the Agent Runs API. */
function createForeignError(answer: HttpResponse, text: string, context: ResponseContext): AgentError {
  const looksLikeJson = !isHtml(answer, text) && /^\s*[[{]/.test(text);
  const form = isHtml(answer, text) ? 'HTML' : text.trim() === '' ? 'nothing' : 'text';
  const message = looksLikeJson
    ? `${context.what} answered ${answer.status} with broken JSON`
    : `The address ${context.address} answered ${form} (status ${answer.status}), not the Agent Runs API`;
  const snippet = looksLikeJson ? '' : formatSnippet(context.mask(text)).slice(0, 80);
  return new AgentError(
    looksLikeJson ? 'INVALID_JSON' : 'NOT_THE_API',
    snippet === '' ? message : `${message}: ${snippet}`,
    {
      status: answer.status,
      requestId: findRequestId(answer, context),
      isFromProxy: true,
      outcome: context.creates ? 'unknown' : null,
      hint: `Check the address of the API (--api-url); ${context.what} should return JSON.`,
    },
  );
}

function createRedirectError(answer: HttpResponse, context: ResponseContext): AgentError {
  answer.body.destroy();
  const target = context.mask(formatTarget(getHeader(answer.headers, 'location'), context.address));
  return new AgentError('REDIRECTED', `${context.what} was redirected (${answer.status}) to ${target}`, {
    status: answer.status,
    isFromProxy: true,
    outcome: context.creates ? 'unknown' : null,
    hint: 'rowfill does not follow redirects, so the key is not sent elsewhere. Set --api-url to the final address.',
  });
}

function findRequestId({ headers }: HttpResponse, { mask }: ResponseContext): string | null {
  const id = getHeader(headers, 'x-request-id');
  return id === null ? null : cleanLine(mask(id), 200);
}

/** The target without its query, which may contain a secret. */
function formatTarget(location: string | null, address: string): string {
  if (location === null || !URL.canParse(location, address)) return 'an unknown address';
  const url = new URL(location, address);
  return `${url.origin}${url.pathname}`;
}

/** Statuses that only proxies and login pages send, in any shape. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([407, 511]);

/** Statuses that mean nothing was created, if the error is in the agent's own shape. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 402, 403, 404, 405, 413, 415, 422, 429]);

function resolveOutcome(status: number, wellFormed: boolean, context: ResponseContext): CreateOutcome | null {
  if (!context.creates) return null;
  return wellFormed && REFUSALS.has(status) ? 'not_created' : 'unknown';
}

function isHtml(answer: HttpResponse, text: string): boolean {
  return answer.contentType.includes('html') || /^\s*<(!doctype|html|\?xml)/i.test(text);
}

async function readText(body: ByteSource, context: ResponseContext): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const fail = (code: string, message: string, hint: string): AgentError =>
    new AgentError(code, `${context.what}: ${message}`, {
      outcome: context.creates ? 'unknown' : null,
      hint,
    });
  let isLate = false;
  // An idle timeout is not enough, and a response that could have been an event stream has none.
  const cancel = context.clock.schedule(() => {
    isLate = true;
    body.destroy();
  }, context.requestMs);
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > context.maxBytes) {
        throw fail(
          'RESPONSE_TOO_LARGE',
          `the response is larger than ${context.maxBytes} bytes`,
          'Send fewer rows per run (lower --batch-size).',
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (isLate) {
      throw fail('TIMED_OUT', `the response took longer than ${context.requestMs} ms`, 'Check the network.');
    }
    throw createNetworkError(error, context.what, context.creates ? 'unknown' : null);
  } finally {
    cancel();
    body.destroy();
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}
