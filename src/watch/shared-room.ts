/**
 * Tells a file that met the daily budget whether the other files in work may leave it some: a run usually costs less
 * than was reserved for it.
 */
export class SharedRoom {
  #filling = 0;
  #settled = 0;
  #attemptEnd = new AbortController();

  /** Records the start of an attempt to fill a file. */
  begin(): RoomUse {
    this.#filling += 1;
    const before = this.#settled;
    let own = 0;
    return {
      settle: () => {
        own += 1;
        this.#settled += 1;
      },
      end: () => {
        this.#filling -= 1;
        this.#attemptEnd.abort();
        this.#attemptEnd = new AbortController();
      },
      hasGrown: () => this.#settled - before > own,
    };
  }

  /** True while a file is being filled. */
  get isInUse(): boolean {
    return this.#filling > 0;
  }

  /** Aborted when the next attempt ends. */
  get attemptEnd(): AbortSignal {
    return this.#attemptEnd.signal;
  }
}

/** One attempt to fill a file. */
export interface RoomUse {
  /** Records that one of its runs was settled. */
  settle(): void;
  end(): void;
  /** True if runs of other files were settled since the attempt began. */
  hasGrown(): boolean;
}
