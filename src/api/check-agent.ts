import { AgentError } from './agent-error.js';
import type { Caller, CallRequest } from './caller.js';
import { describeRequest } from './caller.js';
import { parseRunPage } from './parse-run.js';

/** Asks for the newest run, to find out whether the API answers at the address and takes the key. */
export async function checkAgent(caller: Caller, signal: AbortSignal): Promise<void> {
  // Somebody is waiting to begin, so patience is short.
  const headersMs = Math.min(15_000, caller.timeouts.headersMs);
  const call: CallRequest = { method: 'GET', path: '/agent/runs?limit=1', headersMs };
  const policy = { ...caller.retry, maxRetries: Math.min(2, caller.retry.maxRetries), budgetMs: 10_000 };
  try {
    if (parseRunPage(await caller.json(call, signal, policy)) === null) throw createNoPageError(call);
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
