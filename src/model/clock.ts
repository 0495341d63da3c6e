/** Injectable timers, so that tests need not wait. */
export interface Timers {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once after `delayMs`. Returns a function that cancels it. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** Timers and randomness, for retries. */
export interface Clock extends Timers {
  /** Resolves after `delayMs`; rejects with the signal's reason once it aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** A number in [0, 1), for jitter. */
  random(): number;
}

/** The system clock and `Math.random`. */
export const systemClock: Clock = {
  now: Date.now,
  schedule,
  sleep: (delayMs, signal) => sleepBy(schedule, delayMs, signal),
  random: Math.random,
};

/** Midnight starts a quarter-hour in every time zone, so sums by quarter-hour add up to days. */
export const QUARTER_HOUR_MS = 15 * 60_000;

/** Local midnight, `days` after the day of `nowMs`. */
export function computeMidnight(nowMs: number, days: number): number {
  const now = new Date(nowMs);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).getTime();
}

/** The longest timer delay, about 24 days. Node fires longer timers immediately. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function schedule(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, Math.min(delayMs, MAX_TIMER_MS));
  return () => clearTimeout(timer);
}

/** Sleeps with the given `schedule` function. */
export function sleepBy(schedule: Timers['schedule'], delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = schedule(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Parses a duration such as `500ms`, `12h` or `1.5w`. Returns null if invalid. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*$/.exec(text) ?? [];
  if (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd' && unit !== 'w')
    return null;
  const lengthMs = Math.round(Number(count) * UNITS_MS[unit]);
  return Number.isSafeInteger(lengthMs) ? lengthMs : null;
}
