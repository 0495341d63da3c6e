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
