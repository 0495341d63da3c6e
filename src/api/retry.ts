import type { Clock } from '../model/clock.js';
import { AgentError } from './agent-error.js';

/** How patiently a call is tried again. */
export interface RetryPolicy {
  /** Tries after the first one. */
  readonly maxRetries: number;
  /** The first wait is drawn from 0 to this; it doubles with each try. */
  readonly baseMs: number;
  /** No drawn wait is longer than this. */
  readonly capMs: number;
  /** All waits of one call together, with the time the tries took: past this the last failure is final. */
  readonly budgetMs: number;
  /** The limit instead of `budgetMs` while the agent says how long to wait (`Retry-After`), if longer. @default budgetMs */
  readonly longestWaitMs?: number;
}

/** What went wrong, as far as the rules need to know. */
export interface RetryFacts {
  /** HTTP status; null where no answer came (refused, reset, timed out, cut). */
  readonly status: number | null;
  readonly code: string;
  readonly retryAfterMs: number | null;
  /** The answer is not in the API's own shape. @default false */
  readonly isFromProxy?: boolean;
}

/** Where the call stands. */
export interface RetryState {
  /** Tries made so far, at least 1. */
  readonly attempt: number;
  /** Time since the first try began. */
  readonly elapsedMs: number;
  /** A number in [0, 1). */
  readonly random: number;
  /** True once the API has answered before: what now comes in another shape is an outage on the way. @default false */
  readonly hasAnswered?: boolean;
}

export type RetryDecision =
  | { readonly retry: true; readonly delayMs: number }
  | { readonly retry: false; readonly why: 'final' | 'attempts' | 'budget' };

/** Decides whether a call that may be repeated is tried again, and after how long: full jitter, `Retry-After` first. */
export function resolveRetry(facts: RetryFacts, state: RetryState, policy: RetryPolicy): RetryDecision {
  if (!isRetryable(facts, state.hasAnswered)) return { retry: false, why: 'final' };
  if (state.attempt > policy.maxRetries) return { retry: false, why: 'attempts' };
  const ceilingMs = Math.min(policy.capMs, policy.baseMs * 2 ** (state.attempt - 1));
  const jitterMs = Math.floor(state.random * ceilingMs);
  // Retry-After is the least the agent wants; a little jitter on top keeps many clients from coming back as one.
  // 0, or a date that has passed, says nothing of how long.
  const askedMs = facts.retryAfterMs === 0 ? null : facts.retryAfterMs;
  const delayMs = askedMs === null ? jitterMs : askedMs + Math.min(jitterMs, policy.baseMs);
  const { budgetMs, longestWaitMs = 0 } = policy;
  const limitMs = askedMs === null ? budgetMs : Math.max(budgetMs, longestWaitMs);
  if (state.elapsedMs + (askedMs ?? delayMs) > limitMs) {
    return { retry: false, why: 'budget' };
  }
  return { retry: true, delayMs };
}

const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([
  408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529,
]);
/** Failures without a status that the next try would only repeat. */
const FINAL_CODES: ReadonlySet<string> = new Set(['RESPONSE_TOO_LARGE', 'CLIENT_CLOSED']);
/** Wrong from the start they stay wrong; after an answer they mean that something else got in between. */
const FINAL_AT_FIRST_CODES: ReadonlySet<string> = new Set(['TLS_ERROR', 'PROXY_REFUSED']);

/** An answer that was cut or garbled on the way, although its status was fine. */
const GARBLED_CODES: ReadonlySet<string> = new Set(['INVALID_JSON']);

/**
 * True for a failure that may pass by itself. Only for calls that may be repeated: a create never is. A login page, a
 * redirect or an empty answer may pass once the API has answered; before that the address is wrong.
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

/** The `Retry-After` and `Date` headers of an answer. */
export interface RetryAfterHeaders {
  readonly retryAfter: string | null;
  readonly date: string | null;
}

/**
 * Reads `Retry-After`, in seconds or as an HTTP date, into milliseconds from now, at most a day; null if it is neither.
 * A date is compared with the answer's own `Date`: the agent's clock may differ from ours. Of several headers the longest
 * wait counts.
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

/** The comma between two headers; one inside a date is followed by a day and a month. */
const BETWEEN_VALUES = /,(?=\s*(?:[-+\d.]+\s*(?:,|$)|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)))/i;

function parseWait(text: string, agentNowMs: number): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const atMs = parseHttpDate(text);
  return atMs === null ? null : atMs - agentNowMs;
}

function parseHttpDate(text: string): number | null {
  // Date.parse takes far more than a date ("-5" is one), so only what begins as an HTTP date is let through.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/i.test(text)) return null;
  // The oldest of the three forms has no zone and means GMT all the same.
  const date = Date.parse(/(GMT|UTC|[-+]\d{4})$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(date) ? null : date;
}

/** How old a run is, and how much work it was given. */
export interface PollState {
  /** Time since we began to wait for it. */
  readonly ageMs: number;
  /** The run's effort; null where it is not known. */
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
/** A run is asked for again after this share of its age: its end is seen at most this much later than it came. */
const SHARE_OF_AGE = 0.25;
const JITTER = 0.2;

/** How long to wait before a run is asked for again: 1 to 15 s, growing with its age, give or take a fifth. */
export function resolvePollDelay(state: PollState): number {
  const firstMs = state.effort === null ? UNKNOWN_MS : (FIRST_MS.get(state.effort) ?? CEILING_MS);
  const paceMs = Math.min(CEILING_MS, Math.max(firstMs, state.ageMs * SHARE_OF_AGE));
  return Math.round(paceMs * (1 - JITTER + 2 * JITTER * state.random));
}

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
