import type { Timers } from '../model/clock.js';
import { cleanLine, mapTexts } from '../model/foreign-text.js';
import { formatWait } from '../model/format.js';
import { type JsonValue, parseExactJson } from '../model/json.js';
import type { CreateOutcome } from '../model/run.js';
import { AgentError, createNetworkError, formatSnippet, parseErrorResponse } from './agent-error.js';
import { parseRetryAfter } from './retry.js';
import { type ByteSource, getHeader, type HttpResponse } from './transport.js';

/** What is needed to read an answer and to say what was wrong with it. */
export interface ResponseContext {
  /** Method and path, for messages. */
  readonly what: string;
  /** The API's origin, for messages. */
  readonly address: string;
  readonly creates: boolean;
  readonly maxBytes: number;
  /** Longest time the whole body may take. */
  readonly requestMs: number;
  readonly clock: Timers;
  /** Takes the key out of foreign text. */
  readonly mask: (text: string) => string;
}

/** Reads a JSON answer to its end; anything but a 2xx with JSON becomes an `AgentError`. */
export async function readJson(answer: HttpResponse, context: ResponseContext): Promise<JsonValue> {
  if (!isSuccess(answer)) throw await readError(answer, context);
  const text = await readText(answer.body, context);
  try {
    return mapTexts(parseExactJson(text), context.mask);
  } catch {
    // The parser's own error is not kept: it quotes the text, and the text may quote the key.
    throw createForeignError(answer, text, context);
  }
}

/** True for an answer that carries what was asked for. */
export function isSuccess(answer: HttpResponse): boolean {
  return answer.status >= 200 && answer.status < 300;
}

/** Reads an answer that is no success into the error it stands for. */
export async function readError(answer: HttpResponse, context: ResponseContext): Promise<AgentError> {
  if (answer.status >= 300 && answer.status < 400) return createRedirectError(answer, context);
  // A body that breaks off leaves the status, which says enough.
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

/** What a person is told to wait for; a program does not need to be told of less. */
const LEAST_TOLD_WAIT_MS = 10_000;

function describeWait(status: number, waitMs: number | null, { clock }: ResponseContext): string | undefined {
  if (waitMs === null || waitMs < LEAST_TOLD_WAIT_MS || (status !== 429 && status < 500)) return undefined;
  return `The agent asks to wait ${formatWait(waitMs, clock.now())}. Run the same command again then: it carries on.`;
}

/** An error for an address behind which something else answers. */
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
      hint: `Check the address of the API (--api-url); ${context.what} should answer with JSON.`,
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
    hint: 'Redirects are not followed, so that the key goes nowhere else; give the final address as --api-url.',
  });
}

function findRequestId({ headers }: HttpResponse, { mask }: ResponseContext): string | null {
  const id = getHeader(headers, 'x-request-id');
  return id === null ? null : cleanLine(mask(id), 200);
}

/** The target without its query, which may hold a secret. */
function formatTarget(location: string | null, address: string): string {
  if (location === null || !URL.canParse(location, address)) return 'an unnamed place';
  const url = new URL(location, address);
  return `${url.origin}${url.pathname}`;
}

/** Statuses of proxies and login pages alone, whatever shape the answer has. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([407, 511]);

/** Statuses by which the agent says that it created nothing, if it says so in a shape of its own. */
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
  // A limit on its silence is not enough, and an answer that might have been a stream of events has none.
  const callOff = context.clock.schedule(() => {
    isLate = true;
    body.destroy();
  }, context.requestMs);
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > context.maxBytes) {
        throw fail(
          'RESPONSE_TOO_LARGE',
          `the answer is larger than ${context.maxBytes} bytes`,
          'Send fewer rows a run (--batch-size).',
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (isLate) {
      throw fail('TIMED_OUT', `the answer took longer than ${context.requestMs} ms`, 'Check the network.');
    }
    throw createNetworkError(error, context.what, context.creates ? 'unknown' : null);
  } finally {
    callOff();
    body.destroy();
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}
