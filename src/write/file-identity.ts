import {
  type BigIntStats,
  fstatSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { formatFileId, readFileId } from '../model/file-id.js';
import { spellPath } from '../model/path-spelling.js';
import { isDescriptorPath } from '../model/read-file.js';

const MAX_LINKS = 40;

/** The file that a path refers to. */
export interface FileIdentity {
  /** The path with all links resolved; the file itself may be missing. */
  readonly path: string;
  /** Device and inode, shared by all links to a file; null if the file is missing. */
  readonly id: string | null;
  /** True for a regular file or a path where nothing exists. */
  readonly isFile: boolean;
  /** True for a path such as `/dev/stdout`: it is already open, so it is written to and never replaced. */
  readonly isOpen: boolean;
}

/**
 * Identifies the file at a path without opening it: opening and closing a ledger would drop this process's
 * locks.
 */
export function identifyFile(path: string): FileIdentity {
  const target = spellPath(followLinks(resolve(path)));
  const stats = readStats(path);
  const isOpen = isDescriptorPath(target);
  if (stats === undefined) return { path: target, id: null, isFile: true, isOpen };
  return { path: target, id: formatFileId(readFileId(stats)), isFile: stats.isFile(), isOpen };
}

/** A path that cannot be inspected counts as missing; opening it later reports the error. */
function readStats(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/**
 * Identifies the regular file behind standard input (0) or output (1); null for a pipe, a terminal or a
 * closed descriptor.
 */
export function identifyDescriptor(descriptor: 0 | 1): FileIdentity | null {
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) return null;
    return { path: `/dev/fd/${descriptor}`, id: formatFileId(readFileId(stats)), isFile: true, isOpen: true };
  } catch {
    return null;
  }
}

/** True if both paths refer to one file, or will once they are written. */
export function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  if (one.path === other.path) return true;
  if (one.id !== null && other.id !== null) return one.id === other.id;
  return fold(one.path) === fold(other.path) && ignoresCase(dirname(one.path));
}

function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

/**
 * True if names in a folder are case-insensitive, as on macOS and Windows. Tested with a file, because it can
 * differ per folder.
 */
function ignoresCase(folder: string): boolean {
  const name = `.rowfill-case-${process.pid}`;
  try {
    writeFileSync(join(folder, name), '', { flag: 'wx' });
  } catch {
    return false;
  }
  try {
    return statSync(join(folder, name.toUpperCase()), { throwIfNoEntry: false }) !== undefined;
  } finally {
    rmSync(join(folder, name), { force: true });
  }
}

/** Follows links to the final path, which may not exist; stops at a link to an open file descriptor. */
function followLinks(path: string): string {
  let target = path;
  for (let hop = 0; hop < MAX_LINKS; hop += 1) {
    target = join(resolveFolder(dirname(target)), basename(target));
    const link = isDescriptorPath(target) ? null : readLink(target);
    if (link === null) return target;
    target = resolve(dirname(target), link);
  }
  return target;
}

function resolveFolder(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch {
    return folder;
  }
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Kinds of files that rowfill writes. */
type ResultKind = 'output' | 'citations' | 'log';

const HEAD_BYTES = 64 * 1024;
/** Texts near the start of each kind; for an output, one entry for CSV and one for JSON. */
const MARKS: readonly (readonly [ResultKind, ...string[]])[] = [
  ['output', 'enrichment_status', 'enrichment_run_id'],
  ['output', '"enrichment":', '"cost_usd":'],
  ['citations', '"row":', '"field":', '"run_id":'],
  ['log', '"time":', '"event":', '"job":'],
];

/** Recognizes a text file written by rowfill from its first bytes; null for other files. */
export async function recognizeResult(path: string): Promise<ResultKind | null> {
  const text = unpack(await readHead(path))
    .toString('latin1')
    .replaceAll('\0', '');
  return MARKS.find(([, ...marks]) => marks.every((mark) => text.includes(mark)))?.[0] ?? null;
}

/** True for a SQLite database, which rowfill never replaces. */
export async function isDatabase(path: string): Promise<boolean> {
  return (await readHead(path)).toString('latin1', 0, 16) === 'SQLite format 3\0';
}

/** Reads the first bytes of a file; empty if it cannot be read. */
async function readHead(path: string): Promise<Buffer> {
  const file = await open(path).catch(() => null);
  if (file === null) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return Buffer.alloc(0);
  } finally {
    await file.close();
  }
}

function unpack(head: Buffer): Buffer {
  if (head[0] !== 0x1f || head[1] !== 0x8b) return head;
  try {
    // With this flush mode, truncated input is not an error.
    return gunzipSync(head, { finishFlush: 2, maxOutputLength: 64 * 1024 * 1024 });
  } catch {
    return head;
  }
}
