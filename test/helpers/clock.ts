import { type Clock, sleepBy } from '../../src/model/clock.js';

interface Sleeper {
  readonly dueAt: number;
  readonly delayMs: number;
  readonly wake: () => void;
}

/** A clock that only moves when the test advances it. `random` returns one half by default. */
export class ManualClock implements Clock {
  /** Every requested sleep in order, in milliseconds. */
  readonly slept: number[] = [];
  readonly #sleepers = new Set<Sleeper>();
  readonly #chance: number;
  #now = Date.parse('2026-05-07T12:00:00Z');

  constructor(chance = 0.5) {
    this.#chance = chance;
  }

  readonly now = (): number => this.#now;

  readonly random = (): number => this.#chance;

  readonly schedule = (callback: () => void, delayMs: number): (() => void) => {
    this.slept.push(delayMs);
    const sleeper: Sleeper = {
      dueAt: this.#now + delayMs,
      delayMs,
      wake: () => {
        this.#sleepers.delete(sleeper);
        callback();
      },
    };
    this.#sleepers.add(sleeper);
    this.noteSleep();
    return () => void this.#sleepers.delete(sleeper);
  };

  readonly sleep = (delayMs: number, signal?: AbortSignal): Promise<void> =>
    sleepBy(this.schedule, delayMs, signal);

  /** Number of sleepers and scheduled calls. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Advances time, waking sleepers as they become due. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.dueAt > end) break;
      this.#now = Math.max(this.#now, next.dueAt);
      next.wake();
    }
    this.#now = end;
  }

  /** Waits for a sleep of this length, or of any length, then advances time to its end. */
  async wakeNext(delayMs?: number): Promise<void> {
    await until(() => [...this.#sleepers].some((one) => delayMs === undefined || one.delayMs === delayMs));
    const sleeper = [...this.#sleepers]
      .filter((one) => delayMs === undefined || one.delayMs === delayMs)
      .sort((a, b) => a.dueAt - b.dueAt)[0];
    if (sleeper !== undefined) this.advance(sleeper.dueAt - this.#now);
  }

  /** Advances time to the end of the next sleep, if there is one. */
  jump(): void {
    const next = this.#next();
    if (next !== undefined) this.advance(Math.max(0, next.dueAt - this.#now));
  }

  protected noteSleep(): void {}

  #next(): Sleeper | undefined {
    return [...this.#sleepers].sort((a, b) => a.dueAt - b.dueAt)[0];
  }
}

/** A clock that jumps to the end of the next sleep, once everything else of this moment has happened. */
export class VirtualClock extends ManualClock {
  protected override noteSleep(): void {
    setImmediate(() => this.jump());
  }
}

/** Waits, turn by turn of the event loop, until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits a number of event loop turns, so that pending loopback requests settle. */
export async function settle(turns = 50): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
