import { type Clock, sleepBy } from '../../src/model/clock.js';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A virtual clock: when everything sleeps, it jumps to the next wake-up. */
export class VirtualClock implements Clock {
  private nowMs = 1_000_000;
  private sleepers: Sleeper[] = [];

  now(): number {
    return this.nowMs;
  }

  random(): number {
    return 0.5;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const sleeper = { atMs: this.nowMs + delayMs, wake: callback };
    this.sleepers.push(sleeper);
    // After everything else that can still happen at this moment.
    setImmediate(() => this.jump());
    return () => {
      this.sleepers = this.sleepers.filter((other) => other !== sleeper);
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepBy(this.schedule.bind(this), delayMs, signal);
  }

  private jump(): void {
    const next = this.sleepers.sort((a, b) => a.atMs - b.atMs).shift();
    if (next === undefined) return;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.wake();
  }
}
