import { lstat } from 'node:fs/promises';

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
