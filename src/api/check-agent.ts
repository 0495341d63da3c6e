import { AgentError } from './agent-error.js';
import type { Caller, CallRequest } from './caller.js';
import { describeRequest } from './caller.js';
import { parseRunPage } from './parse-run.js';
import { readHeader } from './transport.js';

/** What an agent that answers tells about itself. */
export interface AgentCheck {
  /** What its clock said, in milliseconds since 1970, to the second; null where it did not say. */
  readonly serverTimeMs: number | null;
}

/** Asks for the newest run, to find out whether the API answers at the address and takes the key. */
export async function checkAgent(caller: Caller, signal: AbortSignal): Promise<AgentCheck> {
  // Somebody is waiting to begin, so patience is short.
  const headersMs = Math.min(15_000, caller.timeouts.headersMs);
  const call: CallRequest = { method: 'GET', path: '/agent/runs?limit=1', headersMs };
  const policy = { ...caller.retry, maxRetries: Math.min(2, caller.retry.maxRetries), budgetMs: 10_000 };
  try {
    return await caller.repeat(call, signal, policy, async () => {
      const answer = await caller.open(call, signal);
      if (parseRunPage(await caller.readJson(answer, call, signal)) === null) throw createNoPageError(call);
      const timeMs = Date.parse(readHeader(answer.headers, 'date') ?? '');
      return { serverTimeMs: Number.isNaN(timeMs) ? null : timeMs };
    });
  } catch (error) {
    if (!isMissing(error)) throw error;
    const { origin, prefix } = caller.transport.base;
    throw new AgentError(
      'NOT_THE_API',
      `The address ${origin}${prefix} has no Agent Runs API: ${error.message}`,
      {
        status: error.status,
        requestId: error.requestId,
        hint: 'Check the address of the API (--api-url).',
        cause: error,
      },
    );
  }
}

/** An error for JSON that is no page of a list. */
export function createNoPageError(call: CallRequest): AgentError {
  return new AgentError('NOT_THE_API', `${describeRequest(call)} answered JSON that is no page of a list`, {
    status: 200,
    hint: 'Check the address of the API (--api-url).',
  });
}

/** True for a 404 in the API's own shape: something speaks JSON there, but has no runs. */
function isMissing(error: unknown): error is AgentError {
  return error instanceof AgentError && error.status === 404 && error.code !== 'NOT_THE_API';
}
