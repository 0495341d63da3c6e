import { constants, fstatSync, readSync, statSync } from 'node:fs';
import { access, readlink, realpath, stat } from 'node:fs/promises';
import { devNull } from 'node:os';
import { dirname, resolve } from 'node:path';
import { createUsageError, describeError, RowfillError } from '../errors.js';

/** Where an output goes: a file that is replaced whole, or something that can only be written to, such as a pipe. */
export type OutputTarget =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number | null }
  | { readonly kind: 'stream'; readonly path: string };

/** Makes sure, before anything is spent, that an output can be written; `-` is standard output. */
export async function checkOutput(path: string, inputPath?: string): Promise<void> {
  if (path === '-') checkStandardOutput();
  else await resolveTarget(path, inputPath);
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
export async function resolveTarget(path: string, inputPath?: string): Promise<OutputTarget> {
  if (/\.(?:xls|xlsm|xlsb|ods|numbers|parquet|zip)$/i.test(path)) {
    throw createUsageError(
      'OUTPUT_FORMAT',
      `${path} would be no such file: CSV, TSV, JSON Lines, JSON and .xlsx are written`,
      'Give --output a name that ends in .xlsx or .csv; every spreadsheet program opens both.',
    );
  }
  const target = await followLinks(resolve(path));
  const stats = await stat(target).catch(ignoreMissing(path));
  if (stats?.isDirectory()) {
    throw createUsageError('OUTPUT_IS_FOLDER', `${path} is a folder`, 'Name the file to write in it.');
  }
  if (stats !== null && !stats.isFile()) return { kind: 'stream', path: target };
  if (stats !== null && inputPath !== undefined && inputPath !== '-') {
    const input = await stat(inputPath).catch(() => null);
    if (input !== null && input.dev === stats.dev && input.ino === stats.ino) {
      throw createUsageError(
        'OUTPUT_IS_INPUT',
        `${path} is the input itself`,
        'Choose another name with --output.',
      );
    }
  }
  if (stats !== null) await checkAccess(path, target, 'is write-protected');
  const folder = dirname(target);
  const parent = await stat(folder).catch(ignoreMissing(path));
  if (parent === null || !parent.isDirectory()) {
    throw createUsageError(
      'OUTPUT_NO_FOLDER',
      `There is no folder ${dirname(path)} to write to`,
      'Make it first.',
    );
  }
  await checkAccess(path, folder, 'lies in a folder that you may not write to');
  return { kind: 'file', path: target, mode: stats === null ? null : stats.mode & 0o7777 };
}

/** The path that a chain of links ends at, which need not exist yet. */
async function followLinks(path: string): Promise<string> {
  let target = path;
  for (let hop = 0; hop < 40; hop += 1) {
    const real = await realpath(target).catch(() => null);
    if (real !== null) return real;
    const link = await readlink(target).catch(() => null);
    if (link === null) return target;
    target = resolve(dirname(target), link);
  }
  return target;
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

function ignoreMissing(path: string): (error: unknown) => null {
  return (error) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return null;
    throw explainWriteError(path, error);
  };
}

/** What a failed write means, in words. */
export function explainWriteError(path: string, error: unknown): Error {
  if (error instanceof RowfillError) return error;
  const isFull =
    error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  return createUsageError(
    isFull ? 'OUTPUT_DISK_FULL' : 'OUTPUT_NOT_WRITABLE',
    isFull
      ? `The disk is full: ${path} cannot be written.`
      : `${path} cannot be written: ${describeError(error)}`,
    isFull
      ? 'Make room, then run the same command again: what was answered is kept.'
      : 'Choose another place with --output.',
    error,
  );
}
