import type { FileState } from './file-state.js';

interface Sighting {
  readonly state: FileState;
  readonly sinceMs: number;
}

/** Tells files that are whole from those that are still being written: what stays as it is for a while is whole. */
export class StillFiles {
  readonly #settleMs: number;
  #sightings: ReadonlyMap<string, Sighting> = new Map();

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /** Notes how the files are now, and names those that have not changed for long enough. Forgets what is gone. */
  observe(files: ReadonlyMap<string, FileState>, nowMs: number): readonly string[] {
    const sightings = new Map<string, Sighting>();
    for (const [name, state] of files) {
      const last = this.#sightings.get(name);
      const isSame = last !== undefined && isSameState(last.state, state);
      sightings.set(name, isSame ? last : { state, sinceMs: nowMs });
    }
    this.#sightings = sightings;
    return [...sightings]
      .filter(([, { sinceMs }]) => nowMs - sinceMs >= this.#settleMs)
      .map(([name]) => name);
  }
}

/** True if nothing tells two looks at a file apart. */
export function isSameState(one: FileState, other: FileState): boolean {
  return one.size === other.size && one.mtimeMs === other.mtimeMs && one.inode === other.inode;
}
