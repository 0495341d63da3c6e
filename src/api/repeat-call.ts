import type { Clock } from '../model/clock.js';
import { AgentError } from './agent-error.js';
import { type RetryPolicy, resolveRetry } from './retry.js';

/** A try that failed and will be made again. */
export interface RetryInfo {
  /** Method and path. */
  readonly what: string;
  /** The try that failed, counted from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  /** The failure in words. */
  readonly reason: string;
  readonly status: number | null;
}

export interface RepeatOptions {
  readonly what: string;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onRetry: (info: RetryInfo) => void;
  /** True once the API has answered anything. */
  readonly hasAnswered: () => boolean;
}

/** Makes a call that is safe to repeat, again and again as the policy allows; rejects with the last failure. */
export async function repeatCall<T>(
  call: (attempt: number) => Promise<T>,
  { what, policy, clock, signal, onRetry, hasAnswered }: RepeatOptions,
): Promise<T> {
  const startedAt = clock.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(attempt);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const state = {
        attempt,
        elapsedMs: clock.now() - startedAt,
        random: clock.random(),
        hasAnswered: hasAnswered(),
      };
      const decision = resolveRetry(error, state, policy);
      if (!decision.retry) throw error;
      onRetry({ what, attempt, delayMs: decision.delayMs, reason: error.message, status: error.status });
      await clock.sleep(decision.delayMs, signal);
    }
  }
}
