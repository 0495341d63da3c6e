import type { Timers } from '../../src/model/clock.js';

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that only moves when the test advances it. */
export class StoppedClock implements Timers {
  readonly #alarms = new Set<Alarm>();
  #now = Date.UTC(2026, 0, 1);

  now(): number {
    return this.#now;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const alarm = { at: this.#now + delayMs, callback };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /** Number of waiting callbacks. */
  get waiting(): number {
    return this.#alarms.size;
  }

  /** Advances time and runs due callbacks in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = [...this.#alarms].filter((alarm) => alarm.at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = until;
  }
}
