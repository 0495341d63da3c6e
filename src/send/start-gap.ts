const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** The gap after a first refusal for rate where none was kept before. */
const FIRST_GAP_MS = 100;
const MAX_GAP_MS = 10_000;
/** A start that was accepted narrows a widened gap by this part. */
const NARROWING = 0.02;
/** A start that is this late (a busy machine) is caught up with; a longer pause is not. */
const CATCH_UP_MS = 100;

/** Holds starts back: as long as the agent asks, else longer each time. */
export class Hold {
  #untilMs = 0;
  #backoffMs = FIRST_BACKOFF_MS;

  delayMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs);
  }

  /** Holds on from now and returns for how long. Refusals during one hold back off once. */
  hold(nowMs: number, retryAfterMs: number | null): number {
    // 0, or a date that has passed, says nothing of how long.
    const askedMs = retryAfterMs === 0 ? null : retryAfterMs;
    const isFresh = nowMs >= this.#untilMs;
    if (askedMs !== null || isFresh) {
      this.#untilMs = Math.max(this.#untilMs, nowMs + (askedMs ?? this.#backoffMs));
    }
    if (isFresh) this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs * 2);
    return this.#untilMs - nowMs;
  }

  lift(): void {
    this.#untilMs = 0;
  }

  /** A start was accepted: the next hold is short again. */
  relax(): void {
    this.#backoffMs = FIRST_BACKOFF_MS;
  }
}

/** Spreads starts evenly, holds all of them after a refusal for rate, and widens the gap between them then. */
export class StartGap {
  private readonly leastMs: number;
  private readonly held = new Hold();
  private gapMs: number;
  private nextMs = 0;

  /** `startsPerSecond` is 0 for no limit. */
  constructor(startsPerSecond: number) {
    this.leastMs = startsPerSecond > 0 ? 1_000 / startsPerSecond : 0;
    this.gapMs = this.leastMs;
  }

  /** How long until a start may go out; 0 for now. */
  delayMs(nowMs: number): number {
    return Math.max(0, this.nextMs - nowMs, this.held.delayMs(nowMs));
  }

  take(nowMs: number): void {
    // Counted from when the start was due, or every timer that is late would lower the rate.
    const isPause = nowMs - this.nextMs > Math.max(this.gapMs, CATCH_UP_MS);
    this.nextMs = (isPause ? nowMs : this.nextMs) + this.gapMs;
  }

  accept(): void {
    this.held.relax();
    this.gapMs = Math.max(this.leastMs, this.gapMs * (1 - NARROWING));
    if (this.leastMs === 0 && this.gapMs < FIRST_GAP_MS / 10) this.gapMs = 0;
  }

  /** A start was refused for rate: returns for how long all are held. Those refused together widen the gap once. */
  refuse(nowMs: number, retryAfterMs: number | null): number {
    if (this.held.delayMs(nowMs) === 0) {
      this.gapMs = Math.min(MAX_GAP_MS, Math.max(FIRST_GAP_MS, this.gapMs * 2));
    }
    return this.hold(nowMs, retryAfterMs);
  }

  /** Holds all starts, and returns for how long. */
  hold(nowMs: number, retryAfterMs: number | null): number {
    return this.held.hold(nowMs, retryAfterMs);
  }
}
