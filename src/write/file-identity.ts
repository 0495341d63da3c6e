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
import { isDescriptorPath } from '../model/read-file.js';

const MAX_LINKS = 40;

/** Which file a path leads to. */
export interface FileIdentity {
  /** The path behind all links; the file itself may be missing. */
  readonly path: string;
  /** Device and inode, which all links to a file share; null if nothing is there. */
  readonly id: string | null;
  /** True for a regular file, and for a path where nothing is yet. */
  readonly isFile: boolean;
  /** True for a path such as `/dev/stdout`: what is open already is written to, and never replaced. */
  readonly isOpen: boolean;
}

/** Finds out which file a path leads to, without opening it: to open and close a ledger would drop this process's locks. */
export function identifyFile(path: string): FileIdentity {
  const target = followLinks(resolve(path));
  const stats = readStats(path);
  const isOpen = isDescriptorPath(target);
  if (stats === undefined) return { path: target, id: null, isFile: true, isOpen };
  return { path: target, id: `${stats.dev}:${stats.ino}`, isFile: stats.isFile(), isOpen };
}

/** A path that cannot be looked at counts as missing: whoever opens it says what is wrong. */
function readStats(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** The regular file behind standard input (0) or standard output (1); null for a pipe, a terminal or a closed one. */
export function identifyDescriptor(descriptor: 0 | 1): FileIdentity | null {
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) return null;
    return { path: `/dev/fd/${descriptor}`, id: `${stats.dev}:${stats.ino}`, isFile: true, isOpen: true };
  } catch {
    return null;
  }
}

/** True if both paths lead to one file, or would once they are written. */
export function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  if (one.path === other.path) return true;
  if (one.id !== null && other.id !== null) return one.id === other.id;
  return fold(one.path) === fold(other.path) && ignoresCase(dirname(one.path));
}

function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

/** True if a folder takes `A` and `a` for one name, as on macOS and Windows. Tried out, since it is a property of each folder. */
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

/** The path at the end of a chain of links, which need not exist; a link to an open file of a process ends the chain. */
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

/** What rowfill writes: a filled table, a list of citations, or a log. */
export type ResultKind = 'output' | 'citations' | 'log';

const HEAD_BYTES = 64 * 1024;
/** Texts near the start of each kind: of an output as CSV, and as JSON. */
const MARKS: readonly (readonly [ResultKind, ...string[]])[] = [
  ['output', 'enrichment_status', 'enrichment_run_id'],
  ['output', '"enrichment":', '"cost_usd":'],
  ['citations', '"row":', '"field":', '"run_id":'],
  ['log', '"time":', '"event":', '"job":'],
];

/** Recognizes a text file that rowfill wrote by its first bytes; null for any other file. */
export async function recognizeResult(path: string): Promise<ResultKind | null> {
  const text = unpack(await readHead(path))
    .toString('latin1')
    .replaceAll('\0', '');
  return MARKS.find(([, ...marks]) => marks.every((mark) => text.includes(mark)))?.[0] ?? null;
}

/** True for a SQLite database: no result ever replaces one. */
export async function isDatabase(path: string): Promise<boolean> {
  return (await readHead(path)).toString('latin1', 0, 16) === 'SQLite format 3\0';
}

/** The first bytes of a file; none if it cannot be read. */
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
    // The head of a longer file is cut off, which is no error with this flush.
    return gunzipSync(head, { finishFlush: 2, maxOutputLength: 64 * 1024 * 1024 });
  } catch {
    return head;
  }
}
