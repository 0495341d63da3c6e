import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants, createWriteStream, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { access, chmod, open, readdir, rm, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { devNull } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { createUsageError, describeSystemError, hasErrorCode, RowfillError } from '../errors.js';
import { isDescriptorPath } from '../model/read-file.js';
import { findWindowsNameFault } from '../model/windows-name.js';
import { identifyFile } from './file-identity.js';
import { isInUse, renameOver } from './rename-over.js';

const PIPE_POLL_MS = 100;

/** Destination for the bytes of an output. */
export interface ByteSink {
  write(bytes: Buffer): Promise<void>;
  /** Finishes the output. Resolves to the SHA-256 of the file, or null if there is no file. */
  commit(): Promise<string | null>;
  abort(): Promise<void>;
}

/**
 * Checks the target right before it is replaced; throws to leave it unchanged. `digest` is the SHA-256 of the
 * new file, or null for a pipe or device, which is written to directly.
 */
type PathCheck = (target: string, digest: string | null) => Promise<void>;

interface SinkOptions {
  readonly check: PathCheck;
  /** Throws to leave the file unchanged. */
  readonly beforeCommit?: (() => void) | undefined;
  /** Aborted to end the wait for a reader of a pipe. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens a target for writing. A file is written to a temporary file next to it and renamed when complete. */
export async function openSink(
  target: OutputTarget,
  isGzip: boolean,
  { check, beforeCommit = () => {}, signal }: SinkOptions,
): Promise<ByteSink> {
  const sink =
    target.kind === 'file'
      ? await openFileSink(target, check, beforeCommit)
      : await openPathSink(target.path, check, signal);
  return isGzip ? createGzipSink(sink) : sink;
}

async function openFileSink(
  { path, mode, newMode }: FileTarget,
  checkPath: PathCheck,
  beforeCommit: () => void,
): Promise<ByteSink> {
  await removeLeftovers(path);
  const temporary = resolveTemporary(path);
  const file = await open(temporary, 'wx', mode ?? newMode).catch((error: unknown) => {
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
        await checkPath(path, digest);
        await renameOver(temporary, path, beforeCommit).catch((error: unknown) => {
          throw isInUse(error) ? createInUseError(path, error) : error;
        });
        await syncFolder(dirname(path));
      });
      return digest;
    },
    abort: remove,
  };
}

function createInUseError(path: string, cause: unknown): RowfillError {
  return createUsageError(
    'OUTPUT_IN_USE',
    `${path} cannot be replaced: it is open in another program, such as Excel, or write-protected`,
    'Close it there, then run the same command again to write it. Nothing is lost: the answers are in the ledger and are not paid for again.',
    cause,
  );
}

/**
 * The rename is durable only after the folder is synced. If the folder cannot be opened, nothing can be done.
 */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null);
  if (folder === null) return;
  await folder.sync().catch(() => {});
  await folder.close();
}

/** A pipe or device: written directly, so there is no rename and no rollback. */
async function openPathSink(
  path: string,
  checkPath: PathCheck,
  signal: AbortSignal | undefined,
): Promise<ByteSink> {
  await checkPath(path, null);
  const stream = await openWriteStream(path, signal);
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

async function openWriteStream(path: string, signal: AbortSignal | undefined): Promise<Writable> {
  const isPipe = (await stat(path).catch(() => null))?.isFIFO() === true;
  // Append to an open descriptor: `>>` in a shell must keep the file's content.
  if (!isPipe || process.platform === 'win32')
    return createWriteStream(path, { flags: isDescriptorPath(path) ? 'a' : 'w' });
  return new Socket({ fd: await openPipe(path, signal), readable: false, writable: true });
}

/** Waits here for a reader of the pipe, because a blocking open would keep the process from exiting. */
async function openPipe(path: string, signal: AbortSignal | undefined): Promise<number> {
  for (;;) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (!hasErrorCode(error, 'ENXIO') || isDescriptorPath(path)) throw explainWriteError(path, error);
      if (signal?.aborted === true) throw createUnreadError(path);
      // An abort ends the wait early, and is noticed at the next try.
      await setTimeout(PIPE_POLL_MS, undefined, { ...(signal === undefined ? {} : { signal }) }).catch(
        () => {},
      );
    }
  }
}

function createUnreadError(path: string): RowfillError {
  return createUsageError(
    'OUTPUT_NOT_READ',
    `interrupted: no program reads ${path}, so the output was not written`,
    'All answers are kept. Run the same command again while a program reads the pipe.',
  );
}

/** Writes to a stream that we must not close, such as standard output. A closed reader is not an error. */
export function createStreamSink(stream: NodeJS.WritableStream, name: string): ByteSink {
  let failure: Error | null = null;
  // The stream also emits its error as an event, which would crash the process without a listener.
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
  // A failed write rejects the awaited call; avoid an unhandled rejection if nothing is being awaited.
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
/** Some file systems allow only 143 bytes, and a temporary name is longer than the original. */
const MAX_NAME_BYTES = 100;

/**
 * Replaces a file in one step, so that readers never see a part of it: writes a temporary file next to it, flushes it to
 * disk and renames it. Follows no link at the temporary name.
 */
export async function replaceFile(path: string, text: string, mode?: number): Promise<void> {
  const temporary = resolveTemporary(path);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameOver(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Returns a new hidden temporary name next to a file, short enough if the file's own name is. */
function resolveTemporary(path: string): string {
  return join(dirname(path), `${temporaryPrefix(path)}${randomBytes(6).toString('hex')}.tmp`);
}

function temporaryPrefix(path: string): string {
  const name = basename(path);
  const isLong = Buffer.byteLength(name) > MAX_NAME_BYTES;
  return `.${isLong ? createHash('sha256').update(name).digest('hex').slice(0, 16) : name}.rowfill-`;
}

/**
 * Deletes temporary files that a killed process left next to this file; those written within the last hour
 * may still be in use.
 */
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

interface FileTarget {
  readonly kind: 'file';
  readonly path: string;
  /** Permissions of the file that is replaced; null if there is none. */
  readonly mode: number | null;
  /** Permissions of a new file. */
  readonly newMode: number;
}

const DEFAULT_MODE = 0o666;

/** Target of an output: a file that is replaced as a whole, or a stream such as a pipe. */
type OutputTarget = FileTarget | { readonly kind: 'stream'; readonly path: string };

/** Enough to detect a full disk or quota. */
const TRIAL_BYTES = 64 * 1024;
const STICKY = 0o1000;

/**
 * Checks, before anything is spent, that an output can be written, by writing and renaming a temporary file
 * in its folder. `-` is standard output.
 */
export async function checkOutput(path: string): Promise<void> {
  if (path === '-') return checkStandardOutput();
  const target = await resolveTarget(path);
  if (target.kind === 'file') await tryFolder(path, target.path);
}

/** Same, without writing anything: it does not notice quotas and full disks. */
export async function inspectOutput(path: string): Promise<void> {
  if (path !== '-') await resolveTarget(path);
}

/** Throws a usage error if standard output is closed, because output would be lost silently. */
export function checkStandardOutput(): void {
  if (!isOutputClosed()) return;
  throw createUsageError(
    'OUTPUT_CLOSED',
    'standard output is closed, so the output would be lost',
    'Set a file with --output, or keep standard output open.',
  );
}

const STANDARD_OUTPUT = 1;

/**
 * Node replaces a closed descriptor with the null device, opened for reading and writing; `> /dev/null` opens
 * it only for writing.
 */
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

/** Resolves a path through links and checks that the file may be replaced. `newMode` is for a new file. */
export async function resolveTarget(path: string, newMode = DEFAULT_MODE): Promise<OutputTarget> {
  if (/\.(?:xls|xlsb|ods|numbers|parquet|zip)$/i.test(path)) {
    throw createUsageError(
      'OUTPUT_FORMAT',
      `rowfill cannot write ${path}: it writes CSV, TSV, JSON Lines, JSON and .xlsx`,
      'Use an --output name that ends in .xlsx or .csv; every spreadsheet program opens both.',
    );
  }
  const nameFault = process.platform === 'win32' ? findWindowsNameFault(path) : null;
  if (nameFault !== null) {
    throw createUsageError(
      'OUTPUT_NOT_WRITABLE',
      `${path} ${nameFault}`,
      'Choose another path with --output.',
    );
  }
  const { path: target, isFile, isOpen } = identifyFile(path);
  // Use the original path: the resolved name of a pipe cannot be opened.
  const stats = await stat(isOpen || !isFile ? path : target).catch(ignoreMissing(path));
  if (stats?.isDirectory()) {
    throw createUsageError('OUTPUT_IS_FOLDER', `${path} is a folder`, 'Give a file name inside it.');
  }
  if (stats?.isBlockDevice() || stats?.isSocket()) {
    throw createUsageError(
      'OUTPUT_NOT_WRITABLE',
      `${path} is a ${stats.isSocket() ? 'socket' : 'disk'}, not a file`,
      'Choose another path with --output.',
    );
  }
  if (isOpen || !isFile) return { kind: 'stream', path };
  const folder = dirname(target);
  const parent = await stat(folder).catch(ignoreMissing(path));
  if (parent === null) {
    throw createUsageError(
      'OUTPUT_NO_FOLDER',
      `The folder ${dirname(path)} does not exist`,
      'Create it first.',
    );
  }
  if (!parent.isDirectory()) {
    throw createUsageError(
      'OUTPUT_NO_FOLDER',
      `${dirname(path)} is a file, not a folder`,
      'Choose another path with --output.',
    );
  }
  if (stats !== null) await checkReplaceable(path, target);
  if (stats !== null && (parent.mode & STICKY) !== 0) checkSticky(path, stats.uid, parent.uid);
  await checkAccess(path, folder, 'is in a folder that you have no permission to write to');
  return { kind: 'file', path: target, mode: stats === null ? null : stats.mode & 0o7777, newMode };
}

/** Opens the file for writing and closes it; on Windows this also fails if another program has it open. */
async function checkReplaceable(path: string, target: string): Promise<void> {
  try {
    await (await open(target, 'r+')).close();
  } catch (error) {
    if (isFull(error)) throw explainWriteError(path, error);
    throw createUsageError(
      'OUTPUT_IN_USE',
      `${path} cannot be replaced: it is open in another program, such as Excel, or write-protected`,
      'Close it there and run the same command again, or choose another path with --output.',
      error,
    );
  }
}

/** In a sticky folder such as /tmp, only the owner can replace a file. */
function checkSticky(path: string, owner: number, folderOwner: number): void {
  const user = process.geteuid?.() ?? 0;
  if (user === 0 || user === owner || user === folderOwner) return;
  throw createUsageError(
    'OUTPUT_NOT_WRITABLE',
    `${path} belongs to another user, and only that user can replace it in this folder`,
    'Choose another path with --output.',
  );
}

async function checkAccess(path: string, target: string, trouble: string): Promise<void> {
  try {
    await access(target, constants.W_OK);
  } catch (error) {
    throw createUsageError(
      'OUTPUT_NOT_WRITABLE',
      `${path} ${trouble}`,
      'Choose another path with --output.',
      error,
    );
  }
}

/**
 * Tries the real steps with a temporary file, because permissions do not reveal quotas, network share errors
 * and full disks.
 */
async function tryFolder(path: string, target: string): Promise<void> {
  const temporary = resolveTemporary(target);
  const renamed = resolveTemporary(target);
  try {
    const file = await open(temporary, 'wx');
    try {
      // Random, because some file systems do not store blocks of zeros.
      await file.writeFile(randomBytes(TRIAL_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
    await renameOver(temporary, renamed);
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

/** Names the option of a result in the hint of an error about its path, if it is not `--output`. */
export function blameOption(error: unknown, option: string): unknown {
  if (!(error instanceof RowfillError) || error.hint?.includes('--output') !== true) return error;
  const { kind, code, message, hint, cause } = error;
  return new RowfillError(kind, code, message, { hint: hint.replace('--output', option), cause });
}

/** Converts a write error to a clear message. */
export function explainWriteError(path: string, error: unknown): Error {
  if (error instanceof RowfillError) return error;
  if (isFull(error)) {
    return createUsageError(
      'OUTPUT_DISK_FULL',
      `The disk is full: ${path} cannot be written.`,
      'Free some space, then run the same command again; existing answers are kept.',
      error,
    );
  }
  return createUsageError(
    'OUTPUT_NOT_WRITABLE',
    `${path} cannot be written: ${describeSystemError(error)}`,
    'Choose another path with --output.',
    error,
  );
}
