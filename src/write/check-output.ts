import { randomBytes } from 'node:crypto';
import { constants, fstatSync, readSync, statSync } from 'node:fs';
import { access, open, rename, rm, stat } from 'node:fs/promises';
import { devNull } from 'node:os';
import { dirname } from 'node:path';
import { createUsageError, describeError, hasErrorCode, RowfillError } from '../errors.js';
import { identifyFile } from './file-identity.js';
import { resolveTemporary } from './temporary-name.js';

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
