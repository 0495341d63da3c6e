import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readDropName } from './drop-name.js';
import { type FileState, readFileState } from './file-state.js';
import type { WatchFolders } from './folders.js';
import { StillFiles } from './still-files.js';
import type { Drop } from './take.js';

export interface FoundDrops {
  /** Whole files, the one written first in front. */
  readonly whole: readonly Drop[];
  /** How many are still being written, or have not been looked at for long enough. */
  readonly unsettled: number;
}

/** Looks into the watched folder again and again, and tells which files are whole. */
export class DropFinder {
  readonly #folders: WatchFolders;
  readonly #keep: ReadonlySet<string>;
  readonly #still: StillFiles;
  readonly #onIgnored: (name: string, reason: string) => void;
  #ignored = new Set<string>();

  constructor(
    folders: WatchFolders,
    options: { readonly keep: readonly string[]; readonly settleMs: number },
    onIgnored: (name: string, reason: string) => void,
  ) {
    this.#folders = folders;
    this.#keep = new Set(options.keep.map((path) => resolve(path)));
    this.#still = new StillFiles(options.settleMs);
    this.#onIgnored = onIgnored;
  }

  async find(nowMs: number): Promise<FoundDrops> {
    const states = new Map<string, FileState>();
    const entries = await readdir(this.#folders.root, { withFileTypes: true });
    this.#ignored = new Set(entries.map(({ name }) => name).filter((name) => this.#ignored.has(name)));
    for (const entry of entries) {
      if (!entry.isFile() || !this.#isWanted(entry.name)) continue;
      const state = await readFileState(join(this.#folders.root, entry.name));
      if (state !== null) states.set(entry.name, state);
    }
    const whole = this.#still.observe(states, nowMs).flatMap((name) => {
      const state = states.get(name);
      return state === undefined || this.#ignored.has(name) ? [] : [{ name, state }];
    });
    whole.sort((a, b) => a.state.mtimeMs - b.state.mtimeMs || (a.name < b.name ? -1 : 1));
    return { whole, unsettled: states.size - whole.length };
  }

  /** Leaves a file alone for as long as it lies there, and says so once. */
  ignore(name: string, reason: string): void {
    if (this.#ignored.has(name)) return;
    this.#ignored.add(name);
    this.#onIgnored(name, reason);
  }

  #isWanted(name: string): boolean {
    const kind = readDropName(name);
    if (kind.status === 'hidden' || this.#ignored.has(name)) return false;
    if (kind.status === 'other') this.ignore(name, kind.reason);
    else if (this.#keep.has(join(this.#folders.root, name))) this.ignore(name, 'the job itself uses it');
    else return true;
    return false;
  }
}
