import type { BigIntStats } from 'node:fs';

/** Device and inode of a file, the same under all its names. Hold more digits than a number can. */
export interface FileId {
  readonly device: string;
  /** Unique only within its device. */
  readonly inode: string;
}

const LOW_32_BITS = 0xff_ff_ff_ffn;

/** Reads the id from exact stats: as a number, the inodes of two files on Windows may be equal. */
export function readFileId(
  { dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>,
  platform: NodeJS.Platform = process.platform,
): FileId {
  // On Windows, some releases of Node give more digits of the device for a path than for an open file.
  const device = platform === 'win32' ? dev & LOW_32_BITS : dev;
  return { device: String(device), inode: String(ino) };
}

/** Writes an id as `device:inode`. */
export function formatFileId({ device, inode }: FileId): string {
  return `${device}:${inode}`;
}

/** True if both are the same file. */
export function isSameFileId(one: FileId, other: FileId): boolean {
  return one.device === other.device && one.inode === other.inode;
}
