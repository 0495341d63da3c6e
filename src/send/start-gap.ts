const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** The gap after a first refusal for rate where none was kept before. */
const FIRST_GAP_MS = 100;
const MAX_GAP_MS = 10_000;
/** A start that was accepted narrows a widened gap by this part. */
const NARROWING = 0.02;

/** Keeps starts apart, holds them back when the agent says so, and widens the gap where it says that they come too fast. */
export class StartGap {
  private readonly leastMs: number;
  private gapMs: number;
  private nextMs = 0;
  private heldUntilMs = 0;
  private backoffMs = FIRST_BACKOFF_MS;

  /** `startsPerSecond` is 0 for no limit. */
  constructor(startsPerSecond: number) {
    this.leastMs = startsPerSecond > 0 ? 1_000 / startsPerSecond : 0;
    this.gapMs = this.leastMs;
  }

  /** How long until a start may go out; 0 for now. */
  delayMs(nowMs: number): number {
    return Math.max(0, this.nextMs - nowMs, this.heldUntilMs - nowMs);
  }

  take(nowMs: number): void {
    this.nextMs = nowMs + this.gapMs;
  }

  accept(): void {
    this.backoffMs = FIRST_BACKOFF_MS;
    this.gapMs = Math.max(this.leastMs, this.gapMs * (1 - NARROWING));
    if (this.leastMs === 0 && this.gapMs < FIRST_GAP_MS / 10) this.gapMs = 0;
  }

  /** A start was refused for rate. Those that were refused together widen the gap once. */
  refuse(nowMs: number, retryAfterMs: number | null): number {
    if (nowMs >= this.heldUntilMs) this.gapMs = Math.min(MAX_GAP_MS, Math.max(FIRST_GAP_MS, this.gapMs * 2));
    return this.hold(nowMs, retryAfterMs);
  }

  /** Holds all starts as long as the agent asks, else longer each time; says for how long. */
  hold(nowMs: number, retryAfterMs: number | null): number {
    const isFresh = nowMs >= this.heldUntilMs;
    if (retryAfterMs !== null || isFresh) {
      this.heldUntilMs = Math.max(this.heldUntilMs, nowMs + (retryAfterMs ?? this.backoffMs));
    }
    if (isFresh) this.backoffMs = Math.min(MAX_BACKOFF_MS, this.backoffMs * 2);
    return this.heldUntilMs - nowMs;
  }
}
