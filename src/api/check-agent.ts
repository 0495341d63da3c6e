import { AgentError } from './agent-error.js';
import type { Caller, CallRequest } from './caller.js';
import { describeRequest } from './caller.js';
import { parseRunPage } from './parse-run.js';
import type { BaseUrl } from './resolve-base-url.js';
import { readHeader, type WireAnswer } from './transport.js';

/** What an agent that answers tells about itself. */
export interface AgentCheck {
  /** What its clock said, in milliseconds since 1970, to the second; null where it did not say. */
  readonly serverTimeMs: number | null;
}

/** Asks for the newest run, to find out whether the API answers at the address and takes the key. */
export async function checkAgent(caller: Caller, signal: AbortSignal): Promise<AgentCheck> {
  // Somebody is waiting to begin, so patience is short.
  const headersMs = Math.min(15_000, caller.timeouts.headersMs);
  const call: CallRequest = { ...NEWEST_RUN, headersMs };
  const policy = { ...caller.retry, maxRetries: Math.min(2, caller.retry.maxRetries), budgetMs: 10_000 };
  try {
    return await caller.repeat(call, signal, policy, async () => {
      const answer = await caller.open(call, signal);
      await readPage(caller, answer, call, signal);
      const timeMs = Date.parse(readHeader(answer.headers, 'date') ?? '');
      return { serverTimeMs: Number.isNaN(timeMs) ? null : timeMs };
    });
  } catch (error) {
    throw error instanceof AgentError ? nameAddress(error, caller.transport.base) : error;
  }
}

const NEWEST_RUN: CallRequest = { method: 'GET', path: '/agent/runs?limit=1' };
/** An id in the form of the service's own that no run has. */
const NO_RUN: CallRequest = { method: 'GET', path: '/agent/runs/agent_run_00000000000000000000000000' };

/** True if the API answers right now: what cannot be read then is at fault itself. */
export async function isAnswering(caller: Caller, signal: AbortSignal): Promise<boolean> {
  try {
    await readPage(caller, await caller.open(NEWEST_RUN, signal), NEWEST_RUN, signal);
    return true;
  } catch (error) {
    if (error instanceof AgentError) return false;
    throw error;
  }
}

/** Reads the page with the newest run. One run that is broken JSON breaks it too: then a run that does not exist is asked for. */
async function readPage(
  caller: Caller,
  answer: WireAnswer,
  call: CallRequest,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (parseRunPage(await caller.readJson(answer, call, signal)) === null) throw createNoPageError(call);
    caller.noteAnswer();
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'INVALID_JSON') throw error;
    if (!(await knowsNoRun(caller, signal))) throw error;
  }
}

async function knowsNoRun(caller: Caller, signal: AbortSignal): Promise<boolean> {
  try {
    (await caller.open(NO_RUN, signal)).body.destroy();
    return false;
  } catch (error) {
    return error instanceof AgentError && error.code === 'RUN_NOT_FOUND';
  }
}

/** The first answer of an address: what is wrong with it is said of the address. */
function nameAddress(error: AgentError, { origin, prefix }: BaseUrl): AgentError {
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

/** An error for JSON that is no page of a list. */
export function createNoPageError(call: CallRequest): AgentError {
  return new AgentError('NOT_THE_API', `${describeRequest(call)} answered JSON that is no page of a list`, {
    status: 200,
    isForeign: true,
    hint: 'Check the address of the API (--api-url).',
  });
}

/** True for a 404 in the API's own shape: something speaks JSON there, but has no runs. */
function isMissing(error: AgentError): boolean {
  return error.status === 404 && error.code !== 'NOT_THE_API';
}
