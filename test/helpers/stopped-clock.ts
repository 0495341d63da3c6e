import type { Timers } from '../../src/model/clock.js';

interface Alarm {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that moves only when the test says so. */
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

  /** How many callbacks are waiting. */
  get waiting(): number {
    return this.#alarms.size;
  }

  /** Moves on, calling what falls due on the way in its order. */
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
