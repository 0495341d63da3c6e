import type { Clock } from '../model/clock.js';

export interface PacerOptions {
  /** The most runs at once; the ceiling never rises above it. */
  readonly concurrency: number;
  /** Runs started in any second; 0 for no limit. */
  readonly startsPerSecond: number;
  readonly clock: Clock;
}

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/**
 * Says when a run may start. A refusal for concurrency lowers the ceiling of runs at once, quiet success raises it;
 * a refusal for rate holds all starts back. The limits are shared with other programs and move while we run.
 */
export class Pacer {
  private readonly options: PacerOptions;
  private ceiling: number;
  private active = 0;
  private quietEnds = 0;
  private backoffMs = FIRST_BACKOFF_MS;
  private nextStartMs = 0;
  private waiting: (() => void)[] = [];
  private endedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PacerOptions) {
    this.options = options;
    this.ceiling = options.concurrency;
  }

  /** Resolves when a run may start, and counts it as active; throws the signal's reason if it is aborted first. */
  async take(signal: AbortSignal): Promise<void> {
    while (this.active >= this.ceiling) await this.waitForRoom(signal);
    this.active += 1;
    try {
      await this.waitForStart(signal);
    } catch (error) {
      this.release('unused');
      throw error;
    }
  }

  /** Counts a run as active that was started before this job. */
  adopt(): void {
    this.active += 1;
  }

  /** When a run of ours ended last, in milliseconds since 1970: each end makes room at the agent. */
  get lastEndMs(): number {
    return this.endedAtMs;
  }

  /** A run has ended, or a start was given up. */
  release(how: 'ended' | 'unused'): void {
    this.active -= 1;
    if (how === 'ended') {
      this.endedAtMs = this.options.clock.now();
      this.backoffMs = FIRST_BACKOFF_MS;
      this.quietEnds += 1;
      // One more at once for each round of runs that went quietly.
      if (this.quietEnds >= this.ceiling && this.ceiling < this.options.concurrency) {
        this.ceiling += 1;
        this.quietEnds = 0;
      }
    }
    this.wake();
  }

  /** A start was refused with 429. */
  refuse(limit: 'concurrency' | 'rate' | null, retryAfterMs: number | null): void {
    this.active -= 1;
    this.quietEnds = 0;
    if (limit === 'concurrency') {
      // With own runs going, the next of them to end is what makes room; without, only time does.
      this.ceiling = Math.max(1, Math.min(this.ceiling, this.active));
      if (this.active === 0 || retryAfterMs !== null) this.hold(retryAfterMs);
    } else {
      this.hold(retryAfterMs);
    }
    this.wake();
  }

  private hold(retryAfterMs: number | null): void {
    const { clock } = this.options;
    this.nextStartMs = Math.max(this.nextStartMs, clock.now() + (retryAfterMs ?? this.backoffMs));
    this.backoffMs = Math.min(MAX_BACKOFF_MS, this.backoffMs * 2);
  }

  private async waitForStart(signal: AbortSignal): Promise<void> {
    const { clock, startsPerSecond } = this.options;
    for (;;) {
      signal.throwIfAborted();
      const delayMs = this.nextStartMs - clock.now();
      if (delayMs <= 0) break;
      await clock.sleep(delayMs, signal);
    }
    // Taken in the same breath as it was found free, or two who wait would share one start.
    if (startsPerSecond > 0) this.nextStartMs = clock.now() + 1_000 / startsPerSecond;
  }

  private waitForRoom(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.waiting.push(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }

  /** Wakes all who wait; those that find no room wait again. */
  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
