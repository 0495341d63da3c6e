import type { Timers } from '../model/clock.js';

/** What is watched: anything that knows when bytes came last. */
export interface ByteClock {
  readonly lastByteAt: number;
}

/** Signs of life alone put the ring off this many times `idleMs` at most: a proxy gives them for a dead agent too. */
const LIFE_FACTOR = 10;

/** Rings when no byte has come for `idleMs`, with one timer however many events come. */
export class IdleWatch {
  readonly #source: ByteClock;
  readonly #clock: Timers;
  readonly #idleMs: number;
  #since: number;
  #ringing: Promise<null> | null = null;
  #callOff = (): void => {};

  constructor(source: ByteClock, clock: Timers, idleMs: number) {
    this.#source = source;
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#since = clock.now();
  }

  /** What comes first: the thing waited for, or null for the ring. Time in which nobody waits does not count. */
  async race<T>(next: Promise<T>): Promise<T | null> {
    this.#since = this.#clock.now();
    this.#ringing ??= new Promise((resolve) => this.#watch(resolve));
    return Promise.race([next, this.#ringing]);
  }

  /** Stops the timer. A closed watch never rings: whoever waited has what it waited for. */
  close(): void {
    this.#callOff();
  }

  #watch(ring: (value: null) => void): void {
    const idleAt = Math.max(this.#since, this.#source.lastByteAt) + this.#idleMs;
    const leftMs = Math.min(idleAt, this.#since + LIFE_FACTOR * this.#idleMs) - this.#clock.now();
    if (leftMs > 0) {
      this.#callOff = this.#clock.schedule(() => this.#watch(ring), leftMs);
    } else {
      this.#ringing = null;
      ring(null);
    }
  }
}
