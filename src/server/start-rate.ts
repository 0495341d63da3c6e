import type { Timers } from '../model/clock.js';

/** How many runs a team may start a second: as many at once, then evenly. */
export class StartRate {
  readonly #perSecond: number;
  readonly #clock: Timers;
  readonly #teams = new Map<string, { tokens: number; at: number }>();

  constructor(perSecond: number, clock: Timers) {
    this.#perSecond = perSecond;
    this.#clock = clock;
  }

  /** Takes a start; null where it is allowed, otherwise the seconds until the next one is. */
  take(teamId: string): number | null {
    if (this.#perSecond === 0) return null;
    const now = this.#clock.now();
    const burst = Math.max(1, this.#perSecond);
    const bucket = this.#teams.get(teamId) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1_000) * this.#perSecond);
    const allowed = tokens >= 1;
    this.#teams.set(teamId, { tokens: allowed ? tokens - 1 : tokens, at: now });
    return allowed ? null : (1 - tokens) / this.#perSecond;
  }
}
