import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readFileId } from '../model/file-id.js';
import type { WatchEvent } from './events.js';
import { type FileState, hasCode, isMissing, openOwnFile } from './file-state.js';
import { computeRetryDelayMs, describeProblem } from './verdict.js';

/**
 * Moves a file to a free name, also across file systems. Never replaces a file: throws EEXIST if another file has the
 * name. If interrupted, a second call with the same `token` finishes the move.
 */
export async function moveFile(from: string, to: string, token: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) {
      if (!(await isAlreadyThere(from, to))) throw error;
    } else if (hasCode(error, 'EXDEV')) {
      await copyAcross(from, to, token);
    } else if (CANNOT_LINK.some((code) => hasCode(error, code))) {
      return renameToFreeName(from, to);
    } else {
      throw error;
    }
  }
  await unlink(from);
}

/** Some file systems have no hard links, and Linux refuses links to files of other users. */
const CANNOT_LINK = ['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EISDIR'];

/** Fallback without hard links. Another program could still create the name in between. */
async function renameToFreeName(from: string, to: string): Promise<void> {
  if (await exists(to)) throw Object.assign(new Error(`EEXIST: file already exists, '${to}'`), TAKEN);
  await rename(from, to);
}

const TAKEN = { code: 'EEXIST', syscall: 'rename' } as const;

/** Copies to a temporary name and fsyncs first, so that nobody sees a partial file under the final name. */
async function copyAcross(from: string, to: string, token: string): Promise<void> {
  const source = await openRegular(from);
  const temporary = join(dirname(to), `.rowfill-${token}.tmp`);
  try {
    const { mode, atime, mtime } = await source.stat();
    const target = await openOwnFile(temporary, mode & 0o777);
    try {
      const buffer = Buffer.alloc(1 << 16);
      for (let length = await readFully(source, buffer); length > 0; ) {
        await target.writeFile(buffer.subarray(0, length));
        length = await readFully(source, buffer);
      }
      await target.utimes(atime, mtime);
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  try {
    await link(temporary, to);
    await unlink(temporary);
  } catch (error) {
    if (CANNOT_LINK.some((code) => hasCode(error, code))) return renameToFreeName(temporary, to);
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** Opens a regular file. Does not follow links or block on a FIFO. */
async function openRegular(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw Object.assign(new Error(`EINVAL: not a regular file, '${path}'`), {
    code: 'EINVAL',
    syscall: 'open',
  });
}

/** True if an interrupted move has already created the target. */
async function isAlreadyThere(from: string, to: string): Promise<boolean> {
  const [one, other] = await Promise.all([readStats(from), readStats(to)]);
  if (one === null || other === null) return false;
  const [source, target] = [readFileId(one), readFileId(other)];
  if (source.device === target.device) return source.inode === target.inode;
  return one.size === other.size && one.isFile() && other.isFile() && (await haveSameBytes(from, to));
}

async function haveSameBytes(one: string, other: string): Promise<boolean> {
  const [first, second] = [await openRegular(one), await openRegular(other)];
  try {
    const [left, right] = [Buffer.alloc(1 << 16), Buffer.alloc(1 << 16)];
    for (;;) {
      const length = await readFully(first, left);
      if (length !== (await readFully(second, right))) return false;
      if (length === 0) return true;
      if (left.compare(right, 0, length, 0, length) !== 0) return false;
    }
  } finally {
    await first.close();
    await second.close();
  }
}

async function readFully(file: FileHandle, buffer: Buffer): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

async function exists(path: string): Promise<boolean> {
  return (await readStats(path)) !== null;
}

async function readStats(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

interface Waiting {
  readonly untilMs: number;
  /** Number of system errors in a row for this file. */
  readonly troubles: number;
  /** State of the file if it was postponed because it was changing. */
  readonly state: FileState | null;
  /** True if a watcher that ends when no file is left must wait for this one. */
  readonly isAwaited: boolean;
}

/** Files that wait for their next try while others continue. */
export class Aside {
  #files = new Map<string, Waiting>();

  /** True if a watcher that ends when no file is left must still wait. */
  get isAwaited(): boolean {
    return [...this.#files.values()].some((each) => each.isAwaited);
  }

  get isEmpty(): boolean {
    return this.#files.size === 0;
  }

  isDue(name: string, nowMs: number): boolean {
    return (this.#files.get(name)?.untilMs ?? 0) <= nowMs;
  }

  /** Returns the state of a file that was postponed because it was changing; null for any other. */
  getState(name: string): FileState | null {
    return this.#files.get(name)?.state ?? null;
  }

  put(name: string, untilMs: number, state: FileState | null, isAwaited: boolean): void {
    this.#files.set(name, { untilMs, troubles: 0, state, isAwaited });
  }

  /** Postpones a file after a system error, with a growing delay, and reports it. */
  putForTrouble(
    name: string,
    error: unknown,
    nowMs: number,
    random: number,
    report: (event: WatchEvent) => void,
  ): void {
    const troubles = (this.#files.get(name)?.troubles ?? 0) + 1;
    const delayMs = computeRetryDelayMs(troubles, random);
    this.#files.set(name, { untilMs: nowMs + delayMs, troubles, state: null, isAwaited: false });
    report({ type: 'waiting', file: name, problem: describeProblem(error), delayMs });
  }

  /** Forgets all other files. */
  keepOnly(names: readonly string[]): void {
    const kept = new Set(names);
    this.#files = new Map([...this.#files].filter(([name]) => kept.has(name)));
  }

  forget(name: string): void {
    this.#files.delete(name);
  }
}
