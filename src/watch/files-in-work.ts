import type { ClaimedFile } from './claimed-file.js';
import type { Problem, WatchStop } from './events.js';
import { pause, type Watcher } from './watcher.js';

/** Why a watcher stops. */
export interface End {
  readonly stop: WatchStop;
  readonly problem: Problem | null;
  readonly left?: readonly string[];
}

/** If several files end the watcher, the first of these is its reason. */
const URGENT: readonly WatchStop[] = ['ledger_moved', 'refused', 'disk_full', 'unreachable', 'budget'];

/** The files that a watcher is filling now. */
export class FilesInWork {
  readonly #watcher: Pick<Watcher, 'clock' | 'signal' | 'settings'>;
  readonly #work = new Map<ClaimedFile, Promise<void>>();
  readonly #ending = new AbortController();
  readonly #ends: End[] = [];
  #failure: { readonly error: unknown } | null = null;
  #onChange: () => void = () => undefined;

  constructor(watcher: Pick<Watcher, 'clock' | 'signal' | 'settings'>) {
    this.#watcher = watcher;
  }

  get isEmpty(): boolean {
    return this.#work.size === 0;
  }

  get isFull(): boolean {
    return this.#work.size >= this.#watcher.settings.files;
  }

  /** Aborted once no more files are taken. Files that wait for a retry stop waiting. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Why the watcher ends; null while no file has ended it. */
  get end(): End | null {
    const ends = this.#ends.toSorted((a, b) => rank(a) - rank(b));
    return ends[0] ?? null;
  }

  /** Starts work on a file. If it resolves to an end, no more files are taken. */
  start(take: ClaimedFile, work: () => Promise<End | null>): void {
    const done = work()
      .then((end) => {
        if (end === null) return;
        this.#ends.push(end);
        this.#ending.abort();
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#work.delete(take);
        this.#onChange();
      });
    this.#work.set(take, done);
  }

  includes(name: string): boolean {
    return [...this.#work.keys()].some((take) => take.name === name);
  }

  /** Throws the error of a file whose work failed, if it is such an error, and forgets it. */
  throwFailure(isSuch: (error: unknown) => boolean = () => true): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null && isSuch(failure.error)) throw failure.error;
  }

  /** Sleeps, at most until work on a file ends or the watcher is stopped. */
  async pause(delayMs: number): Promise<void> {
    const { clock, signal } = this.#watcher;
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    if (signal.aborted || this.#failure !== null) return;
    signal.addEventListener('abort', wake, { once: true });
    this.#onChange = wake;
    try {
      await pause({ clock, signal: woken.signal }, delayMs);
    } finally {
      this.#onChange = () => undefined;
      signal.removeEventListener('abort', wake);
    }
  }

  /** Waits until work on a file ends. */
  async waitForChange(): Promise<void> {
    if (this.#failure !== null) return;
    await Promise.race(this.#work.values());
  }

  /** Ends all waits for a retry, and resolves once work on every file has ended. */
  async finish(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#work.values());
  }
}

function rank({ stop }: End): number {
  const index = URGENT.indexOf(stop);
  return index < 0 ? URGENT.length : index;
}
