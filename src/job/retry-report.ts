import type { RetryInfo } from '../api/agent-client.js';
import { type Clock, systemClock } from '../model/clock.js';
import type { EnrichEvent } from '../model/events.js';
import { formatWait } from '../model/words.js';

export type RetryReport = (retry: Pick<RetryInfo, 'what' | 'attempt' | 'delayMs' | 'reason'>) => void;

/** A person who sees nothing move for this long wonders whether the program hangs. */
const LONG_WAIT_MS = 15_000;

/** Reports retries as events. A long wait gets a note as well: until when, and why; waits for the same moment share one. */
export function createRetryReport(
  onEvent: (event: EnrichEvent) => void,
  clock: Pick<Clock, 'now'> = systemClock,
): RetryReport {
  let toldUntilMs = Number.NEGATIVE_INFINITY;
  return ({ what, attempt, delayMs, reason }) => {
    onEvent({ type: 'retry', what, attempt, delayMs, reason });
    const nowMs = clock.now();
    if (delayMs < LONG_WAIT_MS || nowMs + delayMs < toldUntilMs + LONG_WAIT_MS) return;
    toldUntilMs = nowMs + delayMs;
    const message = `Waiting ${formatWait(delayMs, nowMs)}: ${reason}`;
    onEvent({ type: 'note', code: 'WAITING_FOR_AGENT', message });
  };
}
