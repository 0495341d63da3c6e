import { fstatSync } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatFileId, readFileId } from '../model/file-id.js';
import type { Drop } from './claimed-file.js';
import { type FileState, parseDropName, readFileState, StillFiles } from './file-state.js';
import type { WatchFolders } from './folders.js';

interface FoundDrops {
  /** Complete files, oldest first. */
  readonly whole: readonly Drop[];
  /** Files that are still changing or were not observed for long enough. */
  readonly unsettled: readonly string[];
}

interface Look {
  readonly states: ReadonlyMap<string, FileState>;
  /** Each with its reason. */
  readonly ignored: readonly (readonly [string, string])[];
}

/** Finds complete files in the watched folder over repeated checks. */
export class DropFinder {
  readonly #folders: WatchFolders;
  readonly #keep: readonly string[];
  readonly #still: StillFiles;
  readonly #onIgnored: (name: string, reason: string) => void;
  #ignored = new Set<string>();

  /** `keep`: paths of files that the watcher itself uses; they may not exist yet. */
  constructor(
    folders: WatchFolders,
    options: { readonly keep: readonly string[]; readonly settleMs: number },
    onIgnored: (name: string, reason: string) => void,
  ) {
    this.#folders = folders;
    this.#keep = options.keep.map((path) => resolve(path));
    this.#still = new StillFiles(options.settleMs);
    this.#onIgnored = onIgnored;
  }

  async find(nowMs: number): Promise<FoundDrops> {
    const { states, ignored } = await this.#look();
    for (const [name, reason] of ignored) this.ignore(name, reason);
    const whole = this.#still.observe(states, nowMs).flatMap((name) => {
      const state = states.get(name);
      return state === undefined ? [] : [{ name, state }];
    });
    whole.sort((a, b) => a.state.mtimeMs - b.state.mtimeMs || (a.name < b.name ? -1 : 1));
    const wholeNames = new Set(whole.map(({ name }) => name));
    return { whole, unsettled: [...states.keys()].filter((name) => !wholeNames.has(name)) };
  }

  /** Counts the complete files that wait. Reports nothing. */
  async countWhole(nowMs: number): Promise<number> {
    return this.#still.observe((await this.#look()).states, nowMs).length;
  }

  /** Lists the files that can be filled, and the reasons for skipping others. */
  async #look(): Promise<Look> {
    const { root, working, done, failed } = this.#folders;
    const entries = await listEntries(root);
    const own = await findOwnFiles(this.#keep);
    const names = new Set(entries.map(({ name }) => name));
    this.#ignored = new Set([...this.#ignored].filter((name) => names.has(name) || name.startsWith(WORKING)));
    const states = new Map<string, FileState>();
    const ignored: [string, string][] = [];
    for (const { name, isText } of entries) {
      const path = join(root, name);
      if ([working, done, failed].includes(path) || this.#ignored.has(name)) continue;
      const kind = parseDropName(name);
      if (kind.status === 'hidden') continue;
      if (!isText) {
        ignored.push([name, 'its name is not UTF-8; rename it']);
        continue;
      }
      if (own.paths.has(path)) {
        ignored.push([name, 'the watcher itself uses it']);
        continue;
      }
      const state = await readFileState(path);
      if (state === null) {
        const reason = await describeOther(path);
        if (reason !== null) ignored.push([name, reason]);
      } else if (own.files.has(formatFileId(state.id))) {
        ignored.push([name, 'the watcher itself uses it']);
      } else if (kind.status === 'other') {
        ignored.push([name, kind.reason]);
      } else {
        states.set(name, state);
      }
    }
    return { states, ignored };
  }

  /** Skips a file while it is in the folder, and reports it once. */
  ignore(name: string, reason: string): void {
    if (this.#ignored.has(name)) return;
    this.#ignored.add(name);
    this.#onIgnored(name, reason);
  }

  /** The same for something in `working/` that no watcher created. */
  ignoreWorking(name: string, reason: string): void {
    this.ignore(`${WORKING}${name}`, reason);
  }
}

const WORKING = 'working/';

interface Entry {
  readonly name: string;
  /** False if the bytes of the name are not UTF-8. Such a file cannot be opened by its text. */
  readonly isText: boolean;
}

async function listEntries(folder: string): Promise<readonly Entry[]> {
  const names = await readdir(folder, { encoding: 'buffer' });
  return names.map((bytes) => {
    const name = bytes.toString('utf8');
    return { name, isText: bytes.equals(Buffer.from(name, 'utf8')) };
  });
}

/** Lists the files that the watcher itself uses, by path and by inode, since a link may point to them. */
async function findOwnFiles(
  keep: readonly string[],
): Promise<{ readonly paths: ReadonlySet<string>; readonly files: ReadonlySet<string> }> {
  const files = new Set<string>();
  for (const stats of await Promise.all(keep.map((path) => stat(path, { bigint: true }).catch(() => null)))) {
    if (stats?.isFile()) files.add(formatFileId(readFileId(stats)));
  }
  // Standard streams redirected to files: the watcher must not fill its own log.
  for (const stream of [0, 1, 2]) {
    try {
      const stats = fstatSync(stream, { bigint: true });
      if (stats.isFile()) files.add(formatFileId(readFileId(stats)));
    } catch {
      // A closed stream is not a file.
    }
  }
  return { paths: new Set(keep), files };
}

/** The reason for skipping something that is not a regular file; null if it is gone by now. */
async function describeOther(path: string): Promise<string | null> {
  const stats = await lstat(path, { bigint: true }).catch(() => null);
  if (stats === null || stats.isFile()) return null;
  if (stats.isDirectory()) return 'it is a folder';
  if (stats.isSymbolicLink()) return 'it is a link; drop the file itself';
  return 'it is not a regular file';
}
