import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants, createWriteStream, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { access, chmod, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { devNull } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { createUsageError, describeError, hasErrorCode, RowfillError } from '../errors.js';
import { isDescriptorPath } from '../model/read-file.js';
import { identifyFile } from './file-identity.js';

const PIPE_POLL_MS = 100;

/** Where the bytes of an output go. */
export interface ByteSink {
  write(bytes: Buffer): Promise<void>;
  /** Resolves with the SHA-256 of the file that was put in place; null where there is no file. */
  commit(): Promise<string | null>;
  abort(): Promise<void>;
}

/**
 * Looks at the place of a file once more, right before it is replaced, and throws to leave it as it is. `digest` is the
 * SHA-256 of the new file; null for a pipe or device, which is written to at once.
 */
export type PlaceCheck = (target: string, digest: string | null) => Promise<void>;

/** Opens the way to a target; a file is written beside its place and moved there whole, unless `beforeCommit` throws. */
export async function openSink(
  target: OutputTarget,
  isGzip: boolean,
  checkPlace: PlaceCheck,
  beforeCommit: () => void = () => {},
): Promise<ByteSink> {
  const sink =
    target.kind === 'file'
      ? await openFileSink(target.path, target.mode, checkPlace, beforeCommit)
      : await openPathSink(target.path, checkPlace);
  return isGzip ? createGzipSink(sink) : sink;
}

async function openFileSink(
  path: string,
  mode: number | null,
  checkPlace: PlaceCheck,
  beforeCommit: () => void,
): Promise<ByteSink> {
  await removeLeftovers(path);
  const temporary = resolveTemporary(path);
  const file = await open(temporary, 'wx').catch((error: unknown) => {
    throw explainWriteError(path, error);
  });
  const hash = createHash('sha256');
  let isOpen = true;
  const remove = async () => {
    if (isOpen) await file.close();
    isOpen = false;
    await rm(temporary, { force: true });
  };
  const attempt = async (step: () => Promise<unknown>) => {
    try {
      await step();
    } catch (error) {
      await remove();
      throw error instanceof RowfillError ? error : explainWriteError(path, error);
    }
  };
  return {
    write: (bytes) => {
      hash.update(bytes);
      return attempt(() => file.writeFile(bytes));
    },
    commit: async () => {
      const digest = hash.digest('hex');
      await attempt(async () => {
        if (mode !== null) await chmod(temporary, mode);
        await file.sync();
        isOpen = false;
        await file.close();
        await checkPlace(path, digest);
        beforeCommit();
        // In the same tick: a process that is stopped in between would replace what another has written since.
        renameSync(temporary, path);
        await syncFolder(dirname(path));
      });
      return digest;
    },
    abort: remove,
  };
}

/** The new name itself is safe only once its folder is on the disk; where folders cannot be opened there is nothing to do. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null);
  if (folder === null) return;
  await folder.sync().catch(() => {});
  await folder.close();
}

/** A pipe or a device: nothing to put in place at the end, and nothing to take back. */
async function openPathSink(path: string, checkPlace: PlaceCheck): Promise<ByteSink> {
  await checkPlace(path, null);
  const stream = await openWriteStream(path);
  const { write } = createStreamSink(stream, path);
  const finish = () => new Promise<void>((resolve) => stream.end(() => resolve()));
  return {
    write,
    commit: async () => {
      await finish();
      await write(Buffer.alloc(0));
      return null;
    },
    abort: async () => {
      stream.destroy();
    },
  };
}

async function openWriteStream(path: string): Promise<Writable> {
  const isPipe = (await stat(path).catch(() => null))?.isFIFO() === true;
  // What is open already is added to: a shell that redirects with >> wants its file kept.
  if (!isPipe || process.platform === 'win32')
    return createWriteStream(path, { flags: isDescriptorPath(path) ? 'a' : 'w' });
  return new Socket({ fd: await openPipe(path), readable: false, writable: true });
}

/** Waits for a reader of a pipe here and not inside the system, where a wait would keep the process from ending. */
async function openPipe(path: string): Promise<number> {
  for (;;) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (!hasErrorCode(error, 'ENXIO') || isDescriptorPath(path)) throw explainWriteError(path, error);
      await setTimeout(PIPE_POLL_MS);
    }
  }
}

/** Writes to a stream that is not ours to close, such as standard output; a reader that went away is no error. */
export function createStreamSink(stream: NodeJS.WritableStream, name: string): ByteSink {
  let failure: Error | null = null;
  // A stream tells of its error a second time as an event, which would end the process if nobody listened.
  stream.on('error', (error: Error) => {
    failure ??= error;
  });
  const write = async (bytes: Buffer) => {
    if (failure === null && bytes.length > 0) {
      await new Promise<void>((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      }).catch((error: Error) => {
        failure ??= error;
      });
    }
    if (failure !== null && !isPipeClosed(failure)) throw explainWriteError(name, failure);
  };
  return { write, commit: async () => null, abort: async () => {} };
}

function isPipeClosed(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}

function createGzipSink(sink: ByteSink): ByteSink {
  const gzip = createGzip();
  const pumped = pump(gzip, sink);
  // A failed write is told to whoever waits for it; nobody may be waiting at the moment it fails.
  pumped.catch(() => gzip.destroy());
  return {
    write: async (bytes) => {
      if (!gzip.write(bytes)) await Promise.race([once(gzip, 'drain'), pumped]);
    },
    commit: async () => {
      gzip.end();
      await pumped;
      return sink.commit();
    },
    abort: async () => {
      gzip.destroy();
      await sink.abort();
    },
  };
}

async function pump(from: Writable & AsyncIterable<Buffer>, to: ByteSink): Promise<void> {
  for await (const bytes of from) await to.write(bytes);
}

const LEFTOVER_AGE_MS = 60 * 60 * 1_000;
/** Some file systems take no more than 143 bytes, and a temporary name is longer than the name itself. */
const MAX_NAME_BYTES = 100;

/** A new temporary name beside a file, hidden, and short enough wherever the file's own name is. */
export function resolveTemporary(path: string): string {
  return join(dirname(path), `${temporaryPrefix(path)}${randomBytes(6).toString('hex')}.tmp`);
}

function temporaryPrefix(path: string): string {
  const name = basename(path);
  const isLong = Buffer.byteLength(name) > MAX_NAME_BYTES;
  return `.${isLong ? createHash('sha256').update(name).digest('hex').slice(0, 16) : name}.rowfill-`;
}

/** Removes what a killed process left beside this file; what was written to within the hour may still be in use. */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(temporaryPrefix(path)) || !name.endsWith('.tmp')) continue;
    const stats = await stat(join(folder, name)).catch(() => null);
    if (stats !== null && Date.now() - stats.mtimeMs > LEFTOVER_AGE_MS)
      await rm(join(folder, name), { force: true });
  }
}

/** Where an output goes: a file that is replaced whole, or something that can only be written to, such as a pipe. */
export type OutputTarget =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number | null }
  | { readonly kind: 'stream'; readonly path: string };

/** Enough for a full disk or quota to show. */
const TRIAL_BYTES = 64 * 1024;
const STICKY = 0o1000;

/**
 * Makes sure, before anything is spent, that an output can be written, by writing a temporary file in its folder and
 * renaming it. `-` is standard output.
 */
export async function checkOutput(path: string): Promise<void> {
  if (path === '-') return checkStandardOutput();
  const target = await resolveTarget(path);
  if (target.kind === 'file') await tryFolder(path, target.path);
}

/** Throws a usage error if standard output is closed: what is written there would be lost without an error. */
export function checkStandardOutput(): void {
  if (!isOutputClosed()) return;
  throw createUsageError(
    'OUTPUT_CLOSED',
    'standard output is closed, so what is written there would be lost',
    'Name a file with --output, or leave standard output open.',
  );
}

const STANDARD_OUTPUT = 1;

/** Node opens the null device for reading and writing in place of a closed one; `> /dev/null` opens it for writing alone. */
function isOutputClosed(): boolean {
  try {
    const own = fstatSync(STANDARD_OUTPUT);
    if (!own.isCharacterDevice() || own.rdev !== statSync(devNull).rdev) return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EBADF';
  }
  try {
    readSync(STANDARD_OUTPUT, Buffer.alloc(1));
    return true;
  } catch {
    return false;
  }
}

/** Finds the file behind a path, through links, and whether it may be replaced. */
export async function resolveTarget(path: string): Promise<OutputTarget> {
  if (/\.(?:xls|xlsm|xlsb|ods|numbers|parquet|zip)$/i.test(path)) {
    throw createUsageError(
      'OUTPUT_FORMAT',
      `rowfill cannot write ${path}: it writes CSV, TSV, JSON Lines, JSON and .xlsx`,
      'Give --output a name that ends in .xlsx or .csv; every spreadsheet program opens both.',
    );
  }
  const { path: target, isFile, isOpen } = identifyFile(path);
  // By its first name: the name of a pipe at the end of the links cannot be opened.
  const stats = await stat(isOpen || !isFile ? path : target).catch(ignoreMissing(path));
  if (stats?.isDirectory()) {
    throw createUsageError('OUTPUT_IS_FOLDER', `${path} is a folder`, 'Name the file to write in it.');
  }
  if (stats?.isBlockDevice() || stats?.isSocket()) {
    throw createUsageError(
      'OUTPUT_NOT_WRITABLE',
      `${path} is a ${stats.isSocket() ? 'socket' : 'disk'}, not a file`,
      'Choose another place with --output.',
    );
  }
  if (isOpen || !isFile) return { kind: 'stream', path };
  const folder = dirname(target);
  const parent = await stat(folder).catch(ignoreMissing(path));
  if (parent === null || !parent.isDirectory()) {
    throw createUsageError(
      'OUTPUT_NO_FOLDER',
      `There is no folder ${dirname(path)} to write to`,
      'Make it first.',
    );
  }
  if (stats !== null) await checkReplaceable(path, target);
  if (stats !== null && (parent.mode & STICKY) !== 0) checkSticky(path, stats.uid, parent.uid);
  await checkAccess(path, folder, 'is in a folder that you may not write to');
  return { kind: 'file', path: target, mode: stats === null ? null : stats.mode & 0o7777 };
}

/** Opened for writing and closed again: that also fails for a file that another program holds open on Windows. */
async function checkReplaceable(path: string, target: string): Promise<void> {
  try {
    await (await open(target, 'r+')).close();
  } catch (error) {
    if (isFull(error)) throw explainWriteError(path, error);
    throw createUsageError(
      'OUTPUT_NOT_WRITABLE',
      `${path} is write-protected, or another program has it open`,
      'Choose another place with --output.',
      error,
    );
  }
}

/** In a folder such as /tmp, only its owner can replace a file. */
function checkSticky(path: string, owner: number, folderOwner: number): void {
  const user = process.geteuid?.() ?? 0;
  if (user === 0 || user === owner || user === folderOwner) return;
  throw createUsageError(
    'OUTPUT_NOT_WRITABLE',
    `${path} belongs to another user, who alone can replace it in this folder`,
    'Choose another place with --output.',
  );
}

async function checkAccess(path: string, target: string, trouble: string): Promise<void> {
  try {
    await access(target, constants.W_OK);
  } catch (error) {
    throw createUsageError(
      'OUTPUT_NOT_WRITABLE',
      `${path} ${trouble}`,
      'Choose another place with --output.',
      error,
    );
  }
}

/** Does what the output will do, with a file that nobody needs: permissions alone do not tell of quotas, shares and full disks. */
async function tryFolder(path: string, target: string): Promise<void> {
  const temporary = resolveTemporary(target);
  const renamed = resolveTemporary(target);
  try {
    const file = await open(temporary, 'wx');
    try {
      // Random, since some file systems store a block of zeros as nothing.
      await file.writeFile(randomBytes(TRIAL_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, renamed);
  } catch (error) {
    throw explainWriteError(path, error);
  } finally {
    for (const name of [temporary, renamed]) await rm(name, { force: true }).catch(() => undefined);
  }
}

function ignoreMissing(path: string): (error: unknown) => null {
  return (error) => {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw explainWriteError(path, error);
  };
}

function isFull(error: unknown): boolean {
  return hasErrorCode(error, 'ENOSPC', 'EDQUOT');
}

/** What a failed write means, in words. */
export function explainWriteError(path: string, error: unknown): Error {
  if (error instanceof RowfillError) return error;
  if (isFull(error)) {
    return createUsageError(
      'OUTPUT_DISK_FULL',
      `The disk is full: ${path} cannot be written.`,
      'Make room, then run the same command again: what was answered is kept.',
      error,
    );
  }
  const reason = hasErrorCode(error, 'ENAMETOOLONG') ? 'its name is too long' : describeError(error);
  return createUsageError(
    'OUTPUT_NOT_WRITABLE',
    `${path} cannot be written: ${reason}`,
    'Choose another place with --output.',
    error,
  );
}
