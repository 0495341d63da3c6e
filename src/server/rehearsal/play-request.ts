import type { Timers } from '../../model/clock.js';
import {
  createConcurrencyLimit,
  createGatewayError,
  createHtmlError,
  createRateLimit,
  createRefusal,
  Disconnect,
} from '../refusal.js';
import type { Fault, FaultName } from './fault.js';

interface RequestFacts {
  readonly requestId: string;
  readonly maxActiveRuns: number;
  readonly clock: Timers;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
}

/** Injects faults that replace carrying out a request. */
export function injectBefore(faults: readonly Fault[], facts: RequestFacts): void {
  for (const fault of faults) {
    const error = fault.settings.accepted === true ? null : createFaultError(fault, facts);
    if (error !== null) throw error;
  }
}

/** Injects faults after a request was carried out: the reply is late, lost or an error. */
export async function injectAfter(faults: readonly Fault[], facts: RequestFacts): Promise<void> {
  const delayMs = findFaultNumber(faults, 'slow_reply', 'delayMs');
  if (delayMs !== null) await wait(delayMs, facts);
  for (const fault of faults) {
    if (fault.name === 'lost_reply') throw new Disconnect();
    const error = fault.settings.accepted === true ? createFaultError(fault, facts) : null;
    if (error !== null) throw error;
  }
}

/** The setting of a fault if it is active, else null. */
export function findFaultNumber(faults: readonly Fault[], name: FaultName, setting: string): number | null {
  const fault = faults.find((each) => each.name === name);
  return fault === undefined ? null : Number(fault.settings[setting]);
}

function createFaultError(fault: Fault, facts: RequestFacts): Error | null {
  const { requestId } = facts;
  const retryAfter = typeof fault.settings.retryAfter === 'number' ? fault.settings.retryAfter : undefined;
  switch (fault.name) {
    case 'rate_limited':
      return createRateLimit(requestId, retryAfter);
    case 'concurrency_limited':
      return createConcurrencyLimit(facts.maxActiveRuns, retryAfter);
    case 'server_error':
      return createRefusal(500, 'SERVER_ERROR', 'SERVER_ERROR', 'The rehearsal makes this request fail.');
    case 'bad_gateway':
      return createHtmlError(502, 'Bad Gateway');
    case 'overloaded':
      return createGatewayError(
        503,
        'SERVICE_OVERLOADED',
        'The service is overloaded.',
        requestId,
        retryAfter,
      );
    case 'no_credits':
      return createGatewayError(402, 'NO_MORE_CREDITS', 'The team has no credits left.', requestId);
    case 'forbidden':
      return createGatewayError(403, 'FEATURE_DISABLED', 'The plan does not include this.', requestId);
    case 'key_refused':
      return createGatewayError(401, 'INVALID_API_KEY', 'The API key is not valid.', requestId);
    case 'lost_request':
      return new Disconnect();
    default:
      return null;
  }
}

function wait(delayMs: number, facts: RequestFacts): Promise<void> {
  return new Promise((resolve) => {
    const cancelTimer = facts.clock.schedule(resolve, delayMs);
    facts.signal.addEventListener('abort', () => {
      cancelTimer();
      resolve();
    });
  });
}
