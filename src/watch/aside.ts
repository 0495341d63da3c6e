import type { WatchEvent } from './events.js';
import type { FileState } from './file-state.js';
import { readRetryDelayMs } from './retry-delay.js';
import { describeProblem } from './verdict.js';

interface Waiting {
  readonly untilMs: number;
  /** How often in a row the system refused something about this file. */
  readonly troubles: number;
  /** How the file was when it was put aside because somebody still wrote to it. */
  readonly state: FileState | null;
  /** Whoever fills files until none is left waits for this one too. */
  readonly isAwaited: boolean;
}

/** Files that wait for their next try without holding back any other. */
export class Aside {
  #files = new Map<string, Waiting>();

  /** True if a file that is filled until none is left has to be waited for. */
  get isAwaited(): boolean {
    return [...this.#files.values()].some((each) => each.isAwaited);
  }

  get isEmpty(): boolean {
    return this.#files.size === 0;
  }

  isDue(name: string, nowMs: number): boolean {
    return (this.#files.get(name)?.untilMs ?? 0) <= nowMs;
  }

  /** How a file was when it was put aside because it was still written to; null for any other. */
  getState(name: string): FileState | null {
    return this.#files.get(name)?.state ?? null;
  }

  put(name: string, untilMs: number, state: FileState | null, isAwaited: boolean): void {
    this.#files.set(name, { untilMs, troubles: 0, state, isAwaited });
  }

  /** Puts a file aside for a growing while after an error of the system, and reports it. */
  putForTrouble(
    name: string,
    error: unknown,
    nowMs: number,
    random: number,
    report: (event: WatchEvent) => void,
  ): void {
    const troubles = (this.#files.get(name)?.troubles ?? 0) + 1;
    const delayMs = readRetryDelayMs(troubles, random);
    this.#files.set(name, { untilMs: nowMs + delayMs, troubles, state: null, isAwaited: false });
    report({ type: 'waiting', file: name, problem: describeProblem(error), delayMs });
  }

  /** Forgets files that are not there any more. */
  keepOnly(names: readonly string[]): void {
    const kept = new Set(names);
    this.#files = new Map([...this.#files].filter(([name]) => kept.has(name)));
  }

  forget(name: string): void {
    this.#files.delete(name);
  }
}
