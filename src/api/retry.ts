import type { Clock } from '../model/clock.js';
import { AgentError } from './agent-error.js';

/** Limits on retries. */
export interface RetryPolicy {
  /** Retries after the first attempt. */
  readonly maxRetries: number;
  /** The first delay is random between 0 and this; the maximum doubles with each retry. */
  readonly baseMs: number;
  /** Maximum random delay. */
  readonly capMs: number;
  /** Time limit for one call, including attempts and delays; after that the last failure is final. */
  readonly budgetMs: number;
  /** Replaces `budgetMs`, if longer, when the agent sends `Retry-After`. @default budgetMs */
  readonly longestWaitMs?: number;
}

/** The parts of a failure that decide about a retry. */
interface RetryFacts {
  /** HTTP status; null if there was no response (refused, reset, timed out, cut off). */
  readonly status: number | null;
  readonly code: string;
  readonly retryAfterMs: number | null;
  /** True if the response is not in the API's own shape. @default false */
  readonly isFromProxy?: boolean;
}

/** Progress of the call. */
interface RetryState {
  /** Attempts made so far, at least 1. */
  readonly attempt: number;
  /** Time since the first attempt started. */
  readonly elapsedMs: number;
  /** A number in [0, 1). */
  readonly random: number;
  /**
   * True if the API has answered before: a response in another shape is then a network outage. @default false
   */
  readonly hasAnswered?: boolean;
}

type RetryDecision =
  | { readonly retry: true; readonly delayMs: number }
  | { readonly retry: false; readonly why: 'final' | 'attempts' | 'budget' };

/** Decides whether and when to retry a call that is safe to repeat: full jitter, but `Retry-After` first. */
export function resolveRetry(facts: RetryFacts, state: RetryState, policy: RetryPolicy): RetryDecision {
  if (!isRetryable(facts, state.hasAnswered)) return { retry: false, why: 'final' };
  if (state.attempt > policy.maxRetries) return { retry: false, why: 'attempts' };
  const ceilingMs = Math.min(policy.capMs, policy.baseMs * 2 ** (state.attempt - 1));
  const jitterMs = Math.floor(state.random * ceilingMs);
  // Retry-After is a minimum; jitter on top keeps many clients from retrying at the same moment.
  // 0 or a past date gives no usable delay.
  const requestedMs = facts.retryAfterMs === 0 ? null : facts.retryAfterMs;
  const delayMs = requestedMs === null ? jitterMs : requestedMs + Math.min(jitterMs, policy.baseMs);
  const { budgetMs, longestWaitMs = 0 } = policy;
  const limitMs = requestedMs === null ? budgetMs : Math.max(budgetMs, longestWaitMs);
  if (state.elapsedMs + (requestedMs ?? delayMs) > limitMs) {
    return { retry: false, why: 'budget' };
  }
  return { retry: true, delayMs };
}

const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([
  408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529,
]);
/** Failures without a status that a retry cannot fix. */
const FINAL_CODES: ReadonlySet<string> = new Set(['RESPONSE_TOO_LARGE', 'CLIENT_CLOSED']);
/** Permanent on the first request; after a response they are a network fault. */
const FINAL_AT_FIRST_CODES: ReadonlySet<string> = new Set(['TLS_ERROR', 'PROXY_REFUSED']);

/** A response that was cut off or corrupted, although its status was fine. */
const GARBLED_CODES: ReadonlySet<string> = new Set(['INVALID_JSON']);

/**
 * True for a failure that may be temporary. Only for calls that are safe to repeat, so never for a create: whether that
 * is sent again is decided in `src/run/send-batch.ts`. A
 * login page, a redirect or an empty response counts as temporary once the API has answered; before that the
 * address is wrong.
 */
export function isRetryable(
  { status, code, isFromProxy = false }: Pick<RetryFacts, 'status' | 'code' | 'isFromProxy'>,
  hasAnswered = false,
): boolean {
  if (FINAL_CODES.has(code)) return false;
  if (status === null) return hasAnswered || !FINAL_AT_FIRST_CODES.has(code);
  return RETRYABLE_STATUSES.has(status) || GARBLED_CODES.has(code) || (hasAnswered && isFromProxy);
}

const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

/** The `Retry-After` and `Date` response headers. */
interface RetryAfterHeaders {
  readonly retryAfter: string | null;
  readonly date: string | null;
}

/**
 * Parses `Retry-After` (seconds or an HTTP date) to milliseconds from now, at most a day; null if invalid. A
 * date is compared with the response's own `Date`, since the agent's clock may differ from ours. Of several
 * headers, the longest wait counts.
 */
export function parseRetryAfter({ retryAfter, date }: RetryAfterHeaders, nowMs: number): number | null {
  if (retryAfter === null) return null;
  const agentNowMs = parseHttpDate(date?.trim() ?? '') ?? nowMs;
  const waits = retryAfter
    .split(BETWEEN_VALUES)
    .map((part) => parseWait(part.trim(), agentNowMs))
    .filter((waitMs) => waitMs !== null);
  return waits.length === 0 ? null : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ...waits));
}

/** Comma between two headers. A comma inside a date is followed by a day and a month. */
const BETWEEN_VALUES = /,(?=\s*(?:[-+\d.]+\s*(?:,|$)|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)))/i;

function parseWait(text: string, agentNowMs: number): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const atMs = parseHttpDate(text);
  return atMs === null ? null : atMs - agentNowMs;
}

function parseHttpDate(text: string): number | null {
  // Date.parse accepts far more than dates (such as "-5"), so only pass what starts like an HTTP date.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(text)) return null;
  // The oldest of the three formats has no zone but means GMT.
  const date = Date.parse(/(GMT|UTC|[-+]\d{4})$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(date) ? null : date;
}

/** Age and effort of a run. */
interface PollState {
  /** Time since we started waiting for it. */
  readonly ageMs: number;
  /** The run's effort; null if unknown. */
  readonly effort: string | null;
  /** A number in [0, 1). */
  readonly random: number;
}

const FIRST_MS: ReadonlyMap<string, number> = new Map([
  ['minimal', 1_000],
  ['low', 2_000],
  ['medium', 4_000],
  ['high', 8_000],
]);
const UNKNOWN_MS = 2_000;
const CEILING_MS = 15_000;
/** Poll again after this share of the run's age, which limits how late we notice its end. */
const SHARE_OF_AGE = 0.25;
const JITTER = 0.2;

/** Delay before the next poll of a run: 1 to 15 s, growing with its age, ±20% jitter. */
export function resolvePollDelay(state: PollState): number {
  const firstMs = state.effort === null ? UNKNOWN_MS : (FIRST_MS.get(state.effort) ?? CEILING_MS);
  const paceMs = Math.min(CEILING_MS, Math.max(firstMs, state.ageMs * SHARE_OF_AGE));
  return Math.round(paceMs * (1 - JITTER + 2 * JITTER * state.random));
}

/** A failed attempt that will be retried. */
export interface RetryInfo {
  /** Method and path. */
  readonly what: string;
  /** Number of the failed attempt, starting at 1. */
  readonly attempt: number;
  readonly delayMs: number;
  /** The error message. */
  readonly reason: string;
  readonly status: number | null;
}

interface RepeatOptions {
  readonly what: string;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onRetry: (info: RetryInfo) => void;
  /** True once the API has answered any request. */
  readonly hasAnswered: () => boolean;
}

/** Retries a call that is safe to repeat, as the policy allows; rejects with the last failure. */
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
