import type { Clock } from '../model/clock.js';

/** What is watched: anything that knows when bytes came last. */
export interface ByteClock {
  readonly lastByteAt: number;
}

/** Signs of life alone put the ring off this many times `idleMs` at most: a proxy gives them for a dead agent too. */
const LIFE_FACTOR = 10;

/** Rings when no byte has come for `idleMs`, with one timer however many events come. */
export class IdleWatch {
  readonly #source: ByteClock;
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #closing = new AbortController();
  #since: number;
  #ringing: Promise<null> | null = null;

  constructor(source: ByteClock, clock: Clock, idleMs: number) {
    this.#source = source;
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#since = clock.now();
  }

  /** What comes first: the thing waited for, or null for the ring. Time in which nobody waits does not count. */
  async race<T>(next: Promise<T>): Promise<T | null> {
    this.#since = this.#clock.now();
    this.#ringing ??= this.#watch();
    return Promise.race([next, this.#ringing]);
  }

  /** Stops the timer. */
  close(): void {
    this.#closing.abort(CLOSED);
  }

  async #watch(): Promise<null> {
    for (;;) {
      const idleAt = Math.max(this.#since, this.#source.lastByteAt) + this.#idleMs;
      const leftMs = Math.min(idleAt, this.#since + LIFE_FACTOR * this.#idleMs) - this.#clock.now();
      if (leftMs <= 0) break;
      // A closed watch never rings: whoever waited has what it waited for.
      await this.#clock.sleep(leftMs, this.#closing.signal).catch(() => new Promise(() => {}));
    }
    this.#ringing = null;
    return null;
  }
}

/** Handed over ready-made: the error that an abort makes by itself costs more than all the rest of it. */
const CLOSED = new Error('Nobody waits any more');
