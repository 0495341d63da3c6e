import { type Start, StartThrottle, type StartThrottleOptions } from './start-throttle.js';

/** One throttle for several jobs at once, such as the files of a watched folder. */
export class SharedThrottle {
  #throttle: StartThrottle | null = null;

  /** Opens it for a job. The limits of the newest job apply to all of them. */
  open(options: StartThrottleOptions): JobThrottle {
    if (this.#throttle === null) this.#throttle = new StartThrottle(options);
    else this.#throttle.setLimits(options);
    return new JobThrottle(this.#throttle);
  }
}

/** A job's access to a throttle. Closing it frees the slots that the job still holds, for example after an error. */
export class JobThrottle {
  readonly #throttle: StartThrottle;
  /** Starts without an outcome yet. */
  readonly #open = new Set<Start>();
  /** Active runs of this job. */
  #active = 0;

  constructor(throttle: StartThrottle) {
    this.#throttle = throttle;
  }

  async acquire(signal: AbortSignal, wasRefused?: boolean): Promise<Start> {
    const start = await this.#throttle.acquire(signal, wasRefused);
    this.#open.add(start);
    return start;
  }

  onStarted(start: Start): void {
    this.#open.delete(start);
    this.#active += 1;
    this.#throttle.onStarted(start);
  }

  onRejected(...[start, ...reason]: Parameters<StartThrottle['onRejected']>): number {
    this.#open.delete(start);
    return this.#throttle.onRejected(start, ...reason);
  }

  onError(start: Start): void {
    this.#open.delete(start);
    this.#active += 1;
    this.#throttle.onError(start);
  }

  giveBack(start: Start): void {
    this.#open.delete(start);
    this.#throttle.giveBack(start);
  }

  hold(retryAfterMs: number): number {
    return this.#throttle.hold(retryAfterMs);
  }

  adopt(): void {
    this.#active += 1;
    this.#throttle.adopt();
  }

  release(): void {
    this.#active -= 1;
    this.#throttle.release();
  }

  get isUsed(): boolean {
    return this.#throttle.isUsed;
  }

  get lastWorkMs(): number {
    return this.#throttle.lastWorkMs;
  }

  close(): void {
    for (const start of [...this.#open]) this.giveBack(start);
    while (this.#active > 0) this.release();
  }
}
