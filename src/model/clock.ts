/** Time, handed in wherever something waits, so that waiting is tested without waiting. */
export interface Timers {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `delayMs`; the function that it returns calls that off. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** Time and chance, for whoever tries again. */
export interface Clock extends Timers {
  /** Resolves after `delayMs`; rejects with the signal's reason once it aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** A number in [0, 1), for jitter. */
  random(): number;
}

/** The machine's own time and chance. */
export const systemClock: Clock = {
  now: Date.now,
  schedule,
  sleep: (delayMs, signal) => sleepBy(schedule, delayMs, signal),
  random: Math.random,
};

/** Every midnight is the start of a quarter of an hour, in whichever time zone, so sums by quarter add up to days. */
export const QUARTER_HOUR_MS = 15 * 60_000;

/** The start of the day, in local time, `days` after that of `nowMs`. */
export function computeMidnight(nowMs: number, days: number): number {
  const now = new Date(nowMs);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).getTime();
}

/** The longest that a timer can be set to, some 24 days; one set to more would ring at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function schedule(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, Math.min(delayMs, MAX_TIMER_MS));
  return () => clearTimeout(timer);
}

/** Sleeps by whatever can call back later. */
export function sleepBy(schedule: Timers['schedule'], delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      callOff();
      reject(signal?.reason);
    };
    const callOff = schedule(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Reads a length of time such as `500ms`, `12h` or `1.5w`; null if it is not one. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*$/.exec(text) ?? [];
  if (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd' && unit !== 'w')
    return null;
  const lengthMs = Math.round(Number(count) * UNITS_MS[unit]);
  return Number.isSafeInteger(lengthMs) ? lengthMs : null;
}
