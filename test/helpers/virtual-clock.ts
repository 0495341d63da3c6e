import type { Clock } from '../../src/model/clock.js';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock whose time passes only while everyone sleeps: it then jumps to the next one to wake. */
export class VirtualClock implements Clock {
  private nowMs = 1_000_000;
  private sleepers: Sleeper[] = [];

  now(): number {
    return this.nowMs;
  }

  random(): number {
    return 0.5;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const sleeper = { atMs: this.nowMs + delayMs, wake: resolve };
      this.sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      });
      // After all that can still happen at this moment.
      setImmediate(() => this.jump());
    });
  }

  private jump(): void {
    const next = this.sleepers.sort((a, b) => a.atMs - b.atMs).shift();
    if (next === undefined) return;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.wake();
  }
}
