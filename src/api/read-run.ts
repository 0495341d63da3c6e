import { createUsageError } from '../errors.js';
import { QUARTER_HOUR_MS } from '../model/clock.js';
import type { JsonValue } from '../model/json.js';
import { type AgentRun, isRunId } from '../model/run.js';
import { AgentError } from './agent-error.js';
import type { BaseUrl } from './base-url.js';
import { type ApiHttp, type ApiRequest, describeRequest } from './caller.js';
import { parseRun, parseRunPage } from './parse-run.js';
import { isRetryable, resolveRetry } from './retry.js';
import { createNoRunError } from './start-run.js';
import { getHeader, type HttpResponse } from './transport.js';

/** The run to read. */
interface ReadTarget {
  readonly id: string;
  /** True for a run that was just started. */
  readonly isFresh: boolean;
  /** When we started waiting for it. */
  readonly startedAt: number;
}

/** A 404 this soon after the start is treated as replication lag. */
const SETTLING_MS = 10_000;
const LOOK_AGAIN_MS = 1_000;

/**
 * Fetches a run with retries suited to a paid result. Outages of up to `patienceMs` are retried. If only this
 * run cannot be read while the API answers, it is tried at least five times over `unreadableMs`, then
 * rejected with `RUN_UNREADABLE`. Rejects at once if the agent says the run is gone or the response is too
 * large.
 */
export async function readRun(
  caller: ApiHttp,
  target: ReadTarget,
  trouble: ReadFailures,
  signal: AbortSignal,
): Promise<AgentRun> {
  const call: ApiRequest = { method: 'GET', path: createRunPath(target.id) };
  for (;;) {
    try {
      const run = await caller.askOnce(call, signal, (value) => parseThisRun(value, target.id, call));
      trouble.end();
      return run;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const delayMs = await resolveDelay(error, caller, target, trouble, signal);
      const { attempts: attempt } = trouble;
      if (attempt > 0)
        caller.reportRetry({
          what: describeRequest(call),
          attempt,
          delayMs,
          reason: error.message,
          status: error.status,
        });
      await caller.clock.sleep(delayMs, signal);
    }
  }
}

/** Builds the path of a run with its id escaped. */
export function createRunPath(id: string, rest = ''): string {
  if (!isRunId(id)) {
    throw createUsageError(
      'INVALID_RUN_ID',
      `${JSON.stringify(id.slice(0, 40))} is not a valid run id`,
      'An id has 1 to 200 letters, digits and _ . : -',
    );
  }
  return `/agent/runs/${encodeURIComponent(id)}${rest}`;
}

/** Parses a response for one run; throws if it is not a run or a different one. */
export function parseThisRun(value: JsonValue, id: string, call: ApiRequest): AgentRun {
  const what = describeRequest(call);
  const run = parseRun(value);
  if (run === null) throw createNoRunError(what, null);
  if (run.id === id) return run;
  throw new AgentError('WRONG_RUN', `${what} returned a different run than ${id}`, {
    status: 200,
    // A cache answers only GET requests, so repeating any other request would bring the same response.
    isFromProxy: call.method === 'GET',
    hint: 'A cache in between may be returning old responses, or the agent mixes up its runs.',
  });
}

/** Returns the delay before the next read, in ms; throws if retrying is pointless. */
async function resolveDelay(
  error: AgentError,
  caller: ApiHttp,
  { isFresh, startedAt }: ReadTarget,
  trouble: ReadFailures,
  signal: AbortSignal,
): Promise<number> {
  const { clock, timeouts, retry } = caller;
  if ((error.status === 404 || error.status === 410) && !error.isFromProxy) {
    if (error.status === 404 && isFresh && clock.now() - startedAt < SETTLING_MS) return LOOK_AGAIN_MS;
    throw error;
  }
  // A proxy that lost its upstream may answer 404 for every run.
  const hasAnswered = caller.hasResponded || error.status === 404 || error.status === 410;
  if (error.status === null && !isRetryable(error, hasAnswered)) throw error;
  // The run is left open: the same command looks for it again later.
  if (isRetryable(error, hasAnswered) && (error.retryAfterMs ?? 0) > LONGEST_ASKED_MS) throw error;
  const previousAt = trouble.add();
  const { attempts, elapsedMs } = trouble;
  const state = { attempt: attempts, elapsedMs, random: clock.random(), hasAnswered };
  // Retries are limited only by time, because the run is paid for.
  const policy = { ...retry, maxRetries: Number.POSITIVE_INFINITY, budgetMs: timeouts.patienceMs };
  const outage = resolveRetry(error, state, policy);
  if (outage.retry) return outage.delayMs;
  const canReadOthers = caller.lastReadAt !== null && previousAt !== null && caller.lastReadAt >= previousAt;
  if (!canReadOthers && !(await isAnswering(caller, signal))) throw error;
  if (trouble.isOver) throw createUnreadableError(error, attempts, elapsedMs);
  return Math.max(trouble.delayMs, Math.min(error.retryAfterMs ?? 0, LONGEST_DELAY_MS));
}

/** A longer wait than this ends the job, as it does when the agent refuses to start runs. */
const LONGEST_ASKED_MS = QUARTER_HOUR_MS;
/** Minimum number of reads before giving up on a run. */
const MIN_READS = 5;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 120_000;
/** Extra time for the last read. */
const LAST_READ_MS = 60_000;

/** Counts failed reads of a run since the last successful one. */
export class ReadFailures {
  attempts = 0;
  readonly #caller: ApiHttp;
  #since: number | null = null;
  #lastAt: number | null = null;

  constructor(caller: ApiHttp) {
    this.#caller = caller;
  }

  /** Counts a failed read. Returns the time of the previous failure, or null if it is the first. */
  add(): number | null {
    const previousAt = this.#lastAt;
    this.#lastAt = this.#caller.clock.now();
    this.#since ??= this.#lastAt;
    this.attempts += 1;
    return previousAt;
  }

  /** Resets after a successful read. */
  end(): void {
    this.attempts = 0;
    this.#since = null;
    this.#lastAt = null;
  }

  get elapsedMs(): number {
    return this.#since === null ? 0 : this.#caller.clock.now() - this.#since;
  }

  get isOver(): boolean {
    return this.attempts >= MIN_READS && this.elapsedMs >= this.#caller.timeouts.unreadableMs;
  }

  /**
   * Delay before the next read, in ms, if only this run cannot be read. The last read is made when the time
   * is up.
   */
  get delayMs(): number {
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.attempts - 1));
    const leftMs = this.#caller.timeouts.unreadableMs - this.elapsedMs;
    return leftMs > 0 ? Math.min(delayMs, leftMs) : FIRST_DELAY_MS;
  }

  /**
   * How much longer to retry, in ms. Stopping earlier, at the deadline, would leave the batch open for good.
   */
  readGraceMs(): number {
    if (this.#since === null) return 0;
    return Math.max(0, this.#caller.timeouts.unreadableMs + LAST_READ_MS - this.elapsedMs);
  }
}

function createUnreadableError(error: AgentError, attempts: number, elapsedMs: number): AgentError {
  const time =
    elapsedMs < 120_000 ? `${Math.round(elapsedMs / 1_000)} s` : `${Math.round(elapsedMs / 60_000)} min`;
  const message = `the run could not be read in ${attempts} attempts over ${time}, although the agent answered other requests: ${error.message}`;
  return new AgentError('RUN_UNREADABLE', message, {
    status: error.status,
    requestId: error.requestId,
    hint: "The run may be billed, but its result cannot be fetched. Report this to the agent's operator.",
    cause: error,
  });
}

/** Result of a successful check. */
export interface AgentCheck {
  /** The agent's clock, in milliseconds since 1970, rounded to the second; null if it sent no date. */
  readonly serverTimeMs: number | null;
}

/** Fetches the newest run to check that the API answers at this address and accepts the key. */
export async function checkAgent(caller: ApiHttp, signal: AbortSignal): Promise<AgentCheck> {
  // The user is waiting for the job to start, so keep retries short.
  const headersMs = Math.min(15_000, caller.timeouts.headersMs);
  const call: ApiRequest = { ...NEWEST_RUN, headersMs };
  const policy = { ...caller.retry, maxRetries: Math.min(2, caller.retry.maxRetries), budgetMs: 10_000 };
  try {
    return await caller.repeat(call, signal, policy, async () => {
      const answer = await caller.open(call, signal);
      await readPage(caller, answer, call, signal);
      const timeMs = Date.parse(getHeader(answer.headers, 'date') ?? '');
      return { serverTimeMs: Number.isNaN(timeMs) ? null : timeMs };
    });
  } catch (error) {
    throw error instanceof AgentError ? addAddress(error, caller.transport.base) : error;
  }
}

const NEWEST_RUN: ApiRequest = { method: 'GET', path: '/agent/runs?limit=1' };
/** A well-formed id that no run has. */
const NO_RUN: ApiRequest = { method: 'GET', path: '/agent/runs/agent_run_00000000000000000000000000' };

/** True if the API answers right now; then the fault is in the run itself. */
async function isAnswering(caller: ApiHttp, signal: AbortSignal): Promise<boolean> {
  try {
    await readPage(caller, await caller.open(NEWEST_RUN, signal), NEWEST_RUN, signal);
    return true;
  } catch (error) {
    if (error instanceof AgentError) return false;
    throw error;
  }
}

/**
 * Reads the page with the newest run. If that run's JSON is broken, so is the page's; then requests a run that does
 * not exist instead.
 */
async function readPage(
  caller: ApiHttp,
  answer: HttpResponse,
  call: ApiRequest,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (parseRunPage(await caller.readJson(answer, call, signal)) === null) throw createNoPageError(call);
    caller.noteResponse();
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'INVALID_JSON') throw error;
    if (!(await reportsMissingRun(caller, signal))) throw error;
  }
}

async function reportsMissingRun(caller: ApiHttp, signal: AbortSignal): Promise<boolean> {
  try {
    (await caller.open(NO_RUN, signal)).body.destroy();
    return false;
  } catch (error) {
    return error instanceof AgentError && error.code === 'RUN_NOT_FOUND';
  }
}

/** Adds the address to the error of the first request. */
function addAddress(error: AgentError, { origin, prefix }: BaseUrl): AgentError {
  if (error.message.includes(origin)) return error;
  const { status, requestId, type, retryAfterMs, hint } = error;
  if (isMissing(error)) {
    const message = `The address ${origin}${prefix} has no Agent Runs API: ${error.message}`;
    const advice = 'Check the address of the API (--api-url).';
    return new AgentError('NOT_THE_API', message, { status, requestId, hint: advice, cause: error });
  }
  const facts = { status, requestId, type, retryAfterMs, hint, cause: error };
  return new AgentError(error.code, `${origin}${prefix}: ${error.message}`, facts);
}

/** Error for JSON that is not a page of a list. */
export function createNoPageError(call: ApiRequest): AgentError {
  return new AgentError('NOT_THE_API', `${describeRequest(call)} answered JSON that is not a list page`, {
    status: 200,
    isFromProxy: true,
    hint: 'Check the address of the API (--api-url).',
  });
}

/** True for a 404 in the API's own shape: a JSON API without runs. */
function isMissing(error: AgentError): boolean {
  return error.status === 404 && error.code !== 'NOT_THE_API';
}
