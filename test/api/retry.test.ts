import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRetryAfter, type RetryPolicy, resolvePollDelay, resolveRetry } from '../../src/api/retry.js';

const POLICY: RetryPolicy = { maxRetries: 4, baseMs: 500, capMs: 8_000, budgetMs: 30_000 };
const FINAL = { retry: false, why: 'final' };
const again = (delayMs: number) => ({ retry: true, delayMs });

/** status, code, Retry-After, attempt, elapsed, random → decision */
const TABLE = [
  ['retries a request without a response', null, 'NETWORK_ERROR', null, 1, 0, 0.5, again(250)],
  ['retries a timeout', null, 'TIMED_OUT', null, 1, 0, 0.5, again(250)],
  ['does not retry after the client was closed', null, 'CLIENT_CLOSED', null, 1, 0, 0.5, FINAL],
  ['does not retry a bad certificate', null, 'TLS_ERROR', null, 1, 0, 0.5, FINAL],
  ['does not retry a refusal by the proxy', null, 'PROXY_REFUSED', null, 1, 0, 0.5, FINAL],
  ['does not retry a response that is too large', null, 'RESPONSE_TOO_LARGE', null, 1, 0, 0.5, FINAL],
  ['does not retry a 400', 400, 'INVALID_REQUEST', null, 1, 0, 0.5, FINAL],
  ['does not retry a 401', 401, 'TEAM_NOT_FOUND', null, 1, 0, 0.5, FINAL],
  ['does not retry a 402', 402, 'NO_MORE_CREDITS', 5_000, 1, 0, 0.5, FINAL],
  ['does not retry a 403', 403, 'FEATURE_DISABLED', null, 1, 0, 0.5, FINAL],
  ['does not retry a 404', 404, 'RUN_NOT_FOUND', null, 1, 0, 0.5, FINAL],
  ['does not retry a 409', 409, 'HTTP_409', null, 1, 0, 0.5, FINAL],
  ['does not retry a redirect', 307, 'REDIRECTED', null, 1, 0, 0.5, FINAL],
  ['does not retry a 501', 501, 'HTTP_501', null, 1, 0, 0.5, FINAL],
  ['retries a 408', 408, 'HTTP_408', null, 1, 0, 0.5, again(250)],
  ['retries a 429', 429, 'RATE_LIMIT_EXCEEDED', null, 1, 0, 0.5, again(250)],
  ['retries a 500', 500, 'SERVER_ERROR', null, 1, 0, 0.5, again(250)],
  ['retries a 502', 502, 'HTTP_502', null, 1, 0, 0.5, again(250)],
  ['retries a 503', 503, 'SERVICE_OVERLOADED', null, 1, 0, 0.5, again(250)],
  ['retries a 504', 504, 'HTTP_504', null, 1, 0, 0.5, again(250)],
  ['does not retry a web page with status 200', 200, 'NOT_THE_API', null, 1, 0, 0.5, FINAL],
  ['retries broken JSON', 200, 'INVALID_JSON', null, 1, 0, 0.5, again(250)],
  ['the second delay has twice the range of the first', 500, 'X', null, 2, 0, 0.5, again(500)],
  ['the third delay has four times the range', 500, 'X', null, 3, 0, 0.5, again(1_000)],
  ['a random value of 0 means no delay', 500, 'X', null, 3, 0, 0, again(0)],
  ['the last retry is allowed', 500, 'X', null, 4, 0, 0.5, again(2_000)],
  ['a retry after the last one is not allowed', 500, 'X', null, 5, 0, 0.5, { retry: false, why: 'attempts' }],
  ['Retry-After is a minimum, with jitter on top', 429, 'X', 7_000, 1, 0, 0.5, again(7_250)],
  ['the jitter on top does not grow', 429, 'X', 7_000, 4, 0, 0.5, again(7_500)],
  [
    'does not retry if Retry-After exceeds the budget',
    429,
    'X',
    31_000,
    1,
    0,
    0.5,
    { retry: false, why: 'budget' },
  ],
  ['elapsed time counts against the budget', 500, 'X', null, 2, 29_800, 0.5, { retry: false, why: 'budget' }],
  ['a delay that just fits the budget is allowed', 500, 'X', null, 2, 29_500, 0.5, again(500)],
] as const;

describe('retry rules', () => {
  test.each(TABLE)('%s', (_claim, status, code, retryAfterMs, attempt, elapsedMs, random, decision) => {
    expect(resolveRetry({ status, code, retryAfterMs }, { attempt, elapsedMs, random }, POLICY)).toEqual(
      decision,
    );
  });

  test('no delay exceeds the cap, and retries end', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999999, noNaN: true }), (random) => {
        let elapsedMs = 0;
        for (let attempt = 1; ; attempt += 1) {
          const decision = resolveRetry(
            { status: 503, code: 'X', retryAfterMs: null },
            { attempt, elapsedMs, random },
            POLICY,
          );
          if (!decision.retry) return;
          expect(decision.delayMs).toBeLessThanOrEqual(POLICY.capMs);
          elapsedMs += decision.delayMs;
          expect(attempt).toBeLessThanOrEqual(POLICY.maxRetries);
        }
      }),
    );
  });
});

const NOW = Date.parse('2026-05-07T12:00:00Z');
const NOON = 'Thu, 07 May 2026 12:00:00 GMT';

test.each([
  ['2', 2_000],
  ['0', 0],
  [' 1.5 ', 1_500],
  ['99999999999', 86_400_000],
  ['9'.repeat(400), 86_400_000],
  ['Thu, 07 May 2026 12:00:30 GMT', 30_000],
  ['Thu, 07 May 2026 12:00:30 UTC', 30_000],
  ['Thu, 07 May 2026 14:00:30 +0200', 30_000],
  ['Thursday, 07-May-26 12:00:30 GMT', 30_000],
  ['Thu May  7 12:00:30 2026', 30_000],
  ['Thu, 07 May 2026 11:00:00 GMT', 0],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400_000],
  // Several headers are joined into one string.
  ['2, 30', 30_000],
  ['30,2', 30_000],
  ['soon, 2', 2_000],
  ['-5, 2', 2_000],
  ['2, Thu, 07 May 2026 12:00:30 GMT', 30_000],
  ['Thu, 07 May 2026 12:00:30 GMT, Thu, 07 May 2026 12:00:10 GMT', 30_000],
  ['Thursday, 07-May-26 12:00:30 GMT, 7', 30_000],
  ['-5', null],
  ['-5.5', null],
  ['+5', null],
  ['1e3', null],
  ['Infinity', null],
  ['0x10', null],
  ['1.2.3', null],
  ['soon', null],
  ['', null],
  [',', null],
  ['Thu, never', null],
  ['2026-05-07', null],
  [null, null],
])('Retry-After %j is %j milliseconds from now', (retryAfter, expected) => {
  for (const date of [null, NOON, 'whenever', '']) {
    expect(parseRetryAfter({ retryAfter, date }, NOW)).toBe(expected);
  }
});

test.each([
  ['ten minutes ahead', 'Thu, 07 May 2026 12:10:00 GMT', 'Thu, 07 May 2026 12:10:05 GMT'],
  ['ten minutes behind', 'Thu, 07 May 2026 11:50:00 GMT', 'Thu, 07 May 2026 11:50:05 GMT'],
  ['years behind', 'Thu, 01 Jan 1970 00:00:10 GMT', 'Thu, 01 Jan 1970 00:00:15 GMT'],
  ['in the old form', 'Thursday, 07-May-26 13:00:00 GMT', 'Thu, 07 May 2026 13:00:05 GMT'],
])("a date is relative to the server's clock: %s", (_name, date, retryAfter) => {
  expect(parseRetryAfter({ retryAfter, date }, NOW)).toBe(5_000);
});

test('Retry-After may extend the wait beyond the budget', () => {
  const policy = { ...POLICY, longestWaitMs: 900_000 };
  const decide = (retryAfterMs: number | null, elapsedMs: number) =>
    resolveRetry({ status: 429, code: 'X', retryAfterMs }, { attempt: 1, elapsedMs, random: 0.5 }, policy);
  expect(decide(900_000, 0)).toEqual(again(900_250));
  expect(decide(900_001, 0)).toEqual({ retry: false, why: 'budget' });
  expect(decide(600_000, 400_000)).toEqual({ retry: false, why: 'budget' });
  expect(decide(null, 30_000)).toEqual({ retry: false, why: 'budget' });
  // A past date gives no delay: without one of its own, the client would retry in a tight loop.
  expect(decide(0, 0)).toEqual(again(250));
});

test.each([
  ['minimal', 0, 1_000],
  ['low', 0, 2_000],
  ['medium', 0, 4_000],
  ['high', 0, 8_000],
  ['xhigh', 0, 15_000],
  ['ultra', 0, 15_000],
  ['an unknown effort', 0, 15_000],
  [null, 0, 2_000],
  ['low', 20_000, 5_000],
  ['low', 40_000, 10_000],
  ['low', 3_600_000, 15_000],
])('a run of effort %s and age %d ms is polled again after %d ms', (effort, ageMs, expected) => {
  expect(resolvePollDelay({ ageMs, effort, random: 0.5 })).toBe(expected);
});

test('the delay varies by at most 20% and never shrinks as a run ages', () => {
  const effort = fc.constantFrom('minimal', 'low', 'medium', 'high', 'ultra', null);
  const age = fc.nat(10_000_000);
  fc.assert(
    fc.property(
      effort,
      age,
      age,
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      (level, a, b, random) => {
        const [younger, older] = a < b ? [a, b] : [b, a];
        const delay = resolvePollDelay({ ageMs: younger, effort: level, random });
        const middle = resolvePollDelay({ ageMs: younger, effort: level, random: 0.5 });
        expect(delay).toBeGreaterThanOrEqual(Math.floor(middle * 0.8));
        expect(delay).toBeLessThanOrEqual(Math.ceil(middle * 1.2));
        expect(resolvePollDelay({ ageMs: older, effort: level, random })).toBeGreaterThanOrEqual(delay);
      },
    ),
  );
});
