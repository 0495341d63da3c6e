import { type FileHandle, lstat, open, unlink } from 'node:fs/promises';
import { extname } from 'node:path';

/** What a look at a file tells without reading it. */
export interface FileState {
  readonly size: number;
  readonly mtimeMs: number;
  readonly inode: number;
  /** The file system; an inode means something only together with it. */
  readonly device: number;
}

/** Looks at a file; null if there is none, or something that is no regular file. */
export async function readFileState(path: string): Promise<FileState | null> {
  try {
    const stats = await lstat(path);
    return stats.isFile()
      ? { size: stats.size, mtimeMs: stats.mtimeMs, inode: stats.ino, device: stats.dev }
      : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** True for the error of a path that does not exist. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}

/** True for an error of the system with that code. */
export function hasCode(error: unknown, code: string): boolean {
  return isSystemError(error) && error.code === code;
}

/** True for what the system refused: a fault of the place, not of a file's content nor of ours. */
export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

export interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** The error of a full disk or a used-up quota, at any depth of causes; null for any other error. */
export function findDiskFull(error: unknown): Error | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if ('code' in at && FULL.has(at.code)) return at;
  }
  return null;
}

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

/** What a name in the watched folder says of its file. */
export type DropName =
  | { readonly status: 'table' }
  /** Somebody's temporary file: it is left alone without a word. */
  | { readonly status: 'hidden' }
  | { readonly status: 'other'; readonly reason: string };

const TABLE = /\.(?:csv|tsv|jsonl|ndjson|json|xlsx|xlsm|xls)(?:\.gz)?$/i;
const HIDDEN = /^[.~#]|~$|\.(?:tmp|temp|part|partial|crdownload|download|filepart|swp|lock)$/i;
const OUTPUT = /\.filled\.[a-z]+(?:\.gz)?$/i;
/** File systems take 255 bytes; outputs, their temporary files and the text of an error put something behind the name. */
const MAX_BYTES = 180;

/** Tells by its name alone whether a file is one to fill. */
export function parseDropName(name: string): DropName {
  if (HIDDEN.test(name)) return { status: 'hidden' };
  if (OUTPUT.test(name)) return { status: 'other', reason: 'its name is that of an output' };
  if (!TABLE.test(name)) {
    return {
      status: 'other',
      reason: 'its name does not end in .csv, .tsv, .jsonl, .ndjson, .json or .xlsx, with or without .gz',
    };
  }
  if (Buffer.byteLength(name) > MAX_BYTES) return { status: 'other', reason: 'its name is too long' };
  return { status: 'table' };
}

/** The name that takes the place of one that is taken: `list-2.csv` for `list.csv`; number 1 is the name itself. */
export function numberName(name: string, number: number): string {
  if (number === 1) return name;
  const ending = TABLE.exec(name)?.[0] ?? extname(name);
  return `${name.slice(0, name.length - ending.length)}-${number}${ending}`;
}

/**
 * Opens a file that the watcher writes for itself. What is under its name goes first: others may write to the folder too,
 * and a link there would have a file elsewhere emptied.
 */
export async function openOwnFile(path: string, mode?: number): Promise<FileHandle> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  return open(path, 'wx', mode);
}

/** Writes such a file whole, and onto the disk. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  const file = await openOwnFile(path);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
