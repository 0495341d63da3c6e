import type { BigIntStats } from 'node:fs';
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises';
import { extname } from 'node:path';
import { type FileId, isSameFileId, readFileId } from '../model/file-id.js';

/** The stats of a file that show whether it has changed. */
export interface FileState {
  readonly size: number;
  readonly mtimeMs: number;
  readonly id: FileId;
}

/** Reads the state of a regular file; null if it is missing or something else. */
export async function readFileState(path: string): Promise<FileState | null> {
  try {
    const stats = await lstat(path, { bigint: true });
    return stats.isFile() ? createFileState(stats) : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The state in exact stats. */
export function createFileState(stats: BigIntStats): FileState {
  return { size: Number(stats.size), mtimeMs: Number(stats.mtimeNs) / 1e6, id: readFileId(stats) };
}

/** True for the error of a path that does not exist. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}

/** True for a system error with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return isSystemError(error) && error.code === code;
}

/** True for a system error, which is not caused by a file's content or by a bug. */
export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

interface SystemError extends Error {
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

/** Detects complete files: those that have not changed for the settle time. */
export class StillFiles {
  readonly #settleMs: number;
  #sightings: ReadonlyMap<string, Sighting> = new Map();

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /**
   * Records the current states and returns the files that have not changed for the settle time. Forgets missing files.
   */
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

/** True if a file has not changed between two states. */
export function isSameState(one: FileState, other: FileState): boolean {
  return one.size === other.size && one.mtimeMs === other.mtimeMs && isSameFileId(one.id, other.id);
}

/** The kind of a file in the watched folder, judged by its name. */
type DropName =
  | { readonly status: 'table' }
  /** A temporary file of another program; skipped silently. */
  | { readonly status: 'hidden' }
  | { readonly status: 'other'; readonly reason: string };

const TABLE = /\.(?:csv|tsv|jsonl|ndjson|json|xlsx|xlsm|xls)(?:\.gz)?$/i;
const HIDDEN = /^[.~#]|~$|\.(?:tmp|temp|part|partial|crdownload|download|filepart|swp|lock)$/i;
const OUTPUT = /\.filled\.[a-z]+(?:\.gz)?$/i;
/** File systems allow 255 bytes. Outputs, temporary files and error texts add a suffix. */
const MAX_BYTES = 180;

/** Determines from its name whether a file is to be filled. */
export function parseDropName(name: string): DropName {
  if (HIDDEN.test(name)) return { status: 'hidden' };
  if (OUTPUT.test(name)) return { status: 'other', reason: 'its name is the name of an output' };
  if (!TABLE.test(name)) {
    return {
      status: 'other',
      reason: 'its name does not end in .csv, .tsv, .jsonl, .ndjson, .json or .xlsx, with or without .gz',
    };
  }
  if (Buffer.byteLength(name) > MAX_BYTES) return { status: 'other', reason: 'its name is too long' };
  return { status: 'table' };
}

/** Adds a number to a name that is already used: `list-2.csv` for `list.csv`. Number 1 leaves it unchanged. */
export function numberName(name: string, number: number): string {
  if (number === 1) return name;
  const ending = TABLE.exec(name)?.[0] ?? extname(name);
  return `${name.slice(0, name.length - ending.length)}-${number}${ending}`;
}

/**
 * Creates an internal file of the watcher. Removes an existing file first, because others may write to the folder too,
 * and writing through a link would overwrite a file elsewhere.
 */
export async function openOwnFile(path: string, mode?: number): Promise<FileHandle> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  return open(path, 'wx', mode);
}

/** Writes and fsyncs an internal file of the watcher. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  const file = await openOwnFile(path);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
