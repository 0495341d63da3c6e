/** The service ends a run after an hour, one of the longest efforts after three; a quarter more is given. */
const RUN_TIMEOUT_MS = 75 * 60_000;
const LONG_RUN_TIMEOUT_MS = 210 * 60_000;
const LONG_EFFORTS: ReadonlySet<string> = new Set(['ultra', 'max']);

/** A run that is overdue already is still given so long to tell its end. */
const LEAST_WAIT_MS = 60_000;

/** How long a run of `effort` that was asked for `ageMs` ago is waited for from now, in milliseconds. */
export function resolveWaitMs(effort: string, runTimeoutMs: number | null, ageMs = 0): number {
  const timeoutMs = runTimeoutMs ?? (LONG_EFFORTS.has(effort) ? LONG_RUN_TIMEOUT_MS : RUN_TIMEOUT_MS);
  return Math.max(Math.min(timeoutMs, LEAST_WAIT_MS), timeoutMs - ageMs);
}
