/** At least this many ms, and this many starts. */
const LEAST_MS = 1_000;
const LEAST_STARTS = 5;

/**
 * How long a process that uses an account alone starts runs without looking again whether it still does, in ms. Others
 * that come meanwhile start after that time, so it is short.
 */
export function computeAloneMs(startsPerSecond: number): number {
  return Math.max(LEAST_MS, (LEAST_STARTS * 1_000) / startsPerSecond);
}
