import type { Clock } from '../model/clock.js';
import { normalizeDomain } from '../model/entity-key.js';

/** The site that a host belongs to: its registrable domain, or the host itself if it has none. */
export function findSite(host: string): string {
  return normalizeDomain(host) ?? host;
}

/**
 * Lets requests to a site pass one at a time, in order, with a pause between two of them. Limits how many sites are
 * requested at once.
 */
export class HostQueue {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #concurrency: number;
  readonly #sites = new Map<string, Site>();
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock, delayMs: number, concurrency: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#concurrency = concurrency;
  }

  /** Runs `work` once earlier requests to the host's site have ended and its pause is over. */
  async run<Result>(
    host: string,
    signal: AbortSignal | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const site = this.#open(host);
    site.users += 1;
    const before = site.last;
    const turn = createTurn();
    site.last = turn.ended;
    try {
      await before;
      await this.#pause(site, signal);
      await this.#enter();
      try {
        signal?.throwIfAborted();
        return await work();
      } finally {
        this.#leave();
        site.freeAtMs = Math.max(site.freeAtMs, this.#clock.now() + site.delayMs);
      }
    } finally {
      turn.end();
      site.users -= 1;
      if (site.users === 0) this.#forgetIdle();
    }
  }

  /** Sets the site's pause between two requests, if it asks for a longer one. */
  slowDown(host: string, delayMs: number): void {
    const site = this.#open(host);
    site.delayMs = Math.max(site.delayMs, delayMs);
  }

  /** Sends nothing to the site for this long from now on. */
  hold(host: string, delayMs: number): void {
    const site = this.#open(host);
    site.freeAtMs = Math.max(site.freeAtMs, this.#clock.now() + delayMs);
  }

  #open(host: string): Site {
    const name = findSite(host);
    const known = this.#sites.get(name);
    if (known !== undefined) return known;
    const site = { last: Promise.resolve(), delayMs: this.#delayMs, freeAtMs: 0, users: 0 };
    this.#sites.set(name, site);
    return site;
  }

  async #pause(site: Site, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const leftMs = site.freeAtMs - this.#clock.now();
      if (leftMs <= 0) return;
      await this.#clock.sleep(leftMs, signal);
    }
  }

  async #enter(): Promise<void> {
    while (this.#active >= this.#concurrency) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#active += 1;
  }

  #leave(): void {
    this.#active -= 1;
    this.#waiting.shift()?.();
  }

  /** Forgets sites whose pause is over, so that a list of many sites does not fill the memory. */
  #forgetIdle(): void {
    if (this.#sites.size < MAX_IDLE) return;
    const nowMs = this.#clock.now();
    for (const [name, { users, freeAtMs, delayMs }] of this.#sites)
      if (users === 0 && freeAtMs <= nowMs && delayMs <= this.#delayMs) this.#sites.delete(name);
  }
}

const MAX_IDLE = 2_000;

interface Site {
  /** Resolves when the last request so far has ended. */
  last: Promise<void>;
  delayMs: number;
  /** When the next request may start. */
  freeAtMs: number;
  /** Requests that run or wait. */
  users: number;
}

function createTurn(): { readonly ended: Promise<void>; end(): void } {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end };
}
