import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { pipeline as pipeToEnd } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { createUsageError, describeError, describeSystemError, RowfillError } from '../errors.js';
import { type FileId, isSameFileId, readFileId } from '../model/file-id.js';
import { isDescriptorPath, openFileStream } from '../model/read-file.js';
import { detectContent, isGzip } from './encoding.js';
import { INPUT_LIMITS, type InputLimits, type InputOptions } from './input.js';

/** A file that can be read from the start any number of times. */
export interface ByteSource {
  /** Name for messages. */
  readonly name: string;
  readonly path: string;
  readonly stats: InputStats;
  /** Checksums up to certain offsets, from the first read. */
  readonly sums: Map<number, number>;
  /** True if rows were appended during the read; they are ignored until the next run. */
  hasGrown: boolean;
  close(): Promise<void>;
}

interface InputStats {
  readonly size: number;
  readonly mtimeMs: number;
  readonly id: FileId;
  readonly isFile: boolean;
  readonly isFolder: boolean;
}

/** Opens the file at a path; standard input and pipes are copied to a temporary file first. */
export async function openSource(options: InputOptions): Promise<ByteSource> {
  const { path, name = path, stdin } = options;
  if (path === '-') return openSpool(options.name ?? 'standard input', stdin ?? process.stdin, options);
  const stats = await findInput(path);
  // An open file descriptor can usually be read only once.
  if (!stats.isFile || isDescriptorPath(path)) {
    const stream = await openFileStream(path).catch((error: unknown) => {
      throw explainReadError(path, error);
    });
    return openSpool(name, stream, options);
  }
  return { name, path, stats, sums: new Map(), hasGrown: false, close: async () => {} };
}

async function openSpool(
  name: string,
  stream: NodeJS.ReadableStream,
  { encoding, limits, signal }: InputOptions,
): Promise<ByteSource> {
  const { maxSpoolBytes } = { ...INPUT_LIMITS, ...limits };
  const spool = await spoolInput(name, stream, { encoding, maxBytes: maxSpoolBytes, signal });
  const stats = await statInput(spool.path);
  return { name, path: spool.path, stats, sums: new Map(), hasGrown: false, close: spool.close };
}

/** Finds the file of an input. Throws INPUT_NOT_FOUND, INPUT_IS_FOLDER or INPUT_NOT_READABLE. */
export async function findInput(path: string): Promise<InputStats> {
  const stats = await statInput(path);
  if (!stats.isFolder) return stats;
  throw createUsageError('INPUT_IS_FOLDER', `${path} is a folder, not a file`, 'Give one file in it.');
}

async function statInput(path: string): Promise<InputStats> {
  try {
    const stats = await stat(path, { bigint: true });
    return {
      size: Number(stats.size),
      mtimeMs: Number(stats.mtimeNs) / 1e6,
      id: readFileId(stats),
      isFile: stats.isFile(),
      isFolder: stats.isDirectory(),
    };
  } catch (error) {
    throw explainReadError(path, error);
  }
}

/**
 * Reads the bytes of a source as it was when opened, decompressed if needed. Appended data is ignored; any
 * other change is an error, because the rows would differ from those seen earlier.
 */
export async function* openBytes(
  source: ByteSource,
  isGzip: boolean,
  limits: InputLimits,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const { size } = source.stats;
  const file = createReadStream(source.path, {
    end: Math.max(0, size - 1),
    highWaterMark: limits.pieceBytes,
  });
  const unpacked = isGzip
    ? pipeline(file, createGunzip({ chunkSize: Math.max(64, limits.pieceBytes) }), () => {})
    : file;
  const sum = new Checksum(source);
  let bytes = 0;
  let last = 0;
  try {
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      bytes += piece.length;
      last = piece[piece.length - 1] ?? last;
      if (isGzip) checkInflation(source, bytes, limits);
      else sum.add(piece);
      yield piece;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw isGzip ? explainGzipError(source.name, error) : explainReadError(source.name, error);
  } finally {
    file.destroy();
  }
  await checkUnchanged(source, isGzip ? undefined : { bytes, last, isKnown: sum.isKnown });
}

/** Compares the bytes with an earlier read, to detect a replaced file. */
class Checksum {
  /** True if all bytes so far equal those of an earlier read. */
  isKnown = false;
  readonly #source: ByteSource;
  #sum = 0;
  #bytes = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  add(piece: Buffer): void {
    this.#sum = crc32(piece, this.#sum);
    this.#bytes += piece.length;
    // Compare at few offsets, but early: a new header is detected before any row is read.
    const isMark = this.#bytes === this.#source.stats.size || Number.isInteger(Math.log2(this.#bytes));
    if (!isMark) return;
    const { sums } = this.#source;
    const known = sums.get(this.#bytes);
    if (known === undefined) sums.set(this.#bytes, this.#sum);
    else if (known !== this.#sum) throw createChangedError(this.#source);
    this.isKnown = known !== undefined;
  }
}

function checkInflation(source: ByteSource, bytes: number, limits: InputLimits): void {
  if (bytes <= limits.freeInflateBytes || bytes <= source.stats.size * limits.maxInflateRatio) return;
  throw createUsageError(
    'INPUT_INFLATES_TOO_MUCH',
    `${source.name} expands to more than ${limits.maxInflateRatio} times its size, which looks like a zip bomb`,
    'If it really is a table, unpack it and use the unpacked file.',
  );
}

/** Result of reading a whole file. */
interface WholeReading {
  readonly bytes: number;
  /** The last byte. */
  readonly last: number;
  /** True if an earlier read found the same bytes. */
  readonly isKnown: boolean;
}

/**
 * Throws INPUT_CHANGED if a file was changed since it was opened; rows appended after a complete read are
 * allowed.
 */
export async function checkUnchanged(source: ByteSource, reading?: WholeReading): Promise<void> {
  const now = await statInput(source.path);
  const { size, mtimeMs } = source.stats;
  if (now.size === size && now.mtimeMs === mtimeMs) return;
  source.hasGrown = reading !== undefined && now.size > size && hasOnlyGrown(source, reading, now);
  if (!source.hasGrown) throw createChangedError(source);
}

/** True if the longer file starts with all rows of the one that was opened. */
function hasOnlyGrown(
  { stats }: ByteSource,
  { bytes, last, isKnown }: WholeReading,
  now: InputStats,
): boolean {
  // The last row may have been incomplete.
  if (bytes !== stats.size || last !== 0x0a) return false;
  // The first read can only compare the file's identity.
  return isKnown || isSameFileId(now.id, stats.id);
}

function createChangedError(source: ByteSource): RowfillError {
  return createUsageError(
    'INPUT_CHANGED',
    `${source.name} was changed or replaced while it was being read`,
    'Run the same command again once the file is complete; existing answers are kept.',
  );
}

function explainGzipError(name: string, error: unknown): unknown {
  if (!hasErrorCode(error) || !error.code.startsWith('Z_')) return explainReadError(name, error);
  return createUsageError(
    'INPUT_GZIP_BROKEN',
    `${name} is compressed but cannot be decompressed: ${describeError(error)}`,
    'The file may be truncated: download it again.',
    error,
  );
}

/** Converts a file read error to a clear message; other errors are returned unchanged. */
export function explainReadError(name: string, error: unknown): RowfillError | unknown {
  if (!hasErrorCode(error)) return error;
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return createUsageError('INPUT_NOT_FOUND', `${name} does not exist`, 'Check the path.', error);
    case 'EISDIR':
      return createUsageError(
        'INPUT_IS_FOLDER',
        `${name} is a folder, not a file`,
        'Give one file in it.',
        error,
      );
    case 'EACCES':
    case 'EPERM':
      return createUsageError(
        'INPUT_NOT_READABLE',
        `You have no permission to read ${name}`,
        'Check its permissions.',
        error,
      );
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return createUsageError(
        'INPUT_NOT_FOUND',
        `${name} cannot be found: ${describeSystemError(error)}`,
        'Check the path.',
        error,
      );
    default:
      return createUsageError(
        'INPUT_NOT_READABLE',
        `${name} cannot be read: ${describeSystemError(error)}`,
        'Check the disk or network share, or copy the file to another location.',
        error,
      );
  }
}

function hasErrorCode(error: unknown): error is Error & { readonly code: string; readonly syscall?: string } {
  return (
    error instanceof Error &&
    error.name !== 'RowfillError' &&
    'code' in error &&
    typeof error.code === 'string'
  );
}

interface Spool {
  readonly path: string;
  close(): Promise<void>;
}

interface SpoolOptions {
  /** Text encoding, if known. */
  readonly encoding: string | undefined;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

const SAMPLE_BYTES = 64 * 1024;
const CHECK_EVERY_BYTES = 64 * 1024 * 1024;
/** Free disk space to leave for other programs. */
const MIN_FREE_BYTES = 256 * 1024 * 1024;

/** Copies a stream to a temporary file, readable only by its owner, because input is read more than once. */
async function spoolInput(
  name: string,
  stream: NodeJS.ReadableStream,
  options: SpoolOptions,
): Promise<Spool> {
  const { signal } = options;
  const folder = await createTemporaryFolder('rowfill-');
  const close = () => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'input');
  try {
    await pipeToEnd(
      stream,
      (pieces: AsyncIterable<Buffer | string>) => checkStream(name, pieces, path, options),
      createWriteStream(path, { mode: 0o600 }),
      signal === undefined ? {} : { signal },
    );
  } catch (error) {
    await close();
    signal?.throwIfAborted();
    if (error instanceof RowfillError) throw error;
    throw createUsageError(
      'INPUT_NOT_READABLE',
      `${name} cannot be saved to a temporary file: ${describeSystemError(error)}`,
      `Check the disk that ${tmpdir()} is on.`,
      error,
    );
  }
  return { path, close };
}

/** Creates a folder for temporary files, readable only by its owner. */
export async function createTemporaryFolder(prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), prefix));
  } catch (error) {
    throw createUsageError(
      'TEMP_NOT_WRITABLE',
      `Cannot create a temporary file in ${tmpdir()}: ${describeSystemError(error)}`,
      'Create that folder, or set TMPDIR to a writable one.',
      error,
    );
  }
}

/** Rejects a stream that does not start with text, or that never ends, such as /dev/zero. */
async function* checkStream(
  name: string,
  pieces: AsyncIterable<Buffer | string>,
  path: string,
  { encoding, maxBytes }: SpoolOptions,
): AsyncGenerator<Buffer> {
  const sample: Buffer[] = [];
  let bytes = 0;
  let checkedAt = 0;
  for await (const piece of pieces) {
    const buffer = typeof piece === 'string' ? Buffer.from(piece) : piece;
    if (bytes < SAMPLE_BYTES) {
      sample.push(buffer);
      if (bytes + buffer.length >= SAMPLE_BYTES) await checkSample(name, Buffer.concat(sample), encoding);
    }
    bytes += buffer.length;
    if (bytes > maxBytes) {
      throw createUsageError(
        'INPUT_TOO_LONG',
        `${name} is longer than ${Math.floor(maxBytes / 1024 / 1024)} MB`,
        'Check that the program writing it ends. If it does, save its output to a file and use that file.',
      );
    }
    if (bytes - checkedAt > CHECK_EVERY_BYTES) {
      checkedAt = bytes;
      await checkFreeSpace(name, dirname(path));
    }
    yield buffer;
  }
}

async function checkSample(name: string, sample: Buffer, encoding: string | undefined): Promise<void> {
  const isPacked = isGzip(sample) || sample.toString('latin1', 0, 4) === 'PK\x03\x04';
  if (!isPacked) await detectContent(name, sample, encoding);
}

async function checkFreeSpace(name: string, folder: string): Promise<void> {
  const disk = await statfs(folder);
  // Some virtual file systems report no sizes.
  if (disk.blocks === 0 || disk.bavail * disk.bsize >= MIN_FREE_BYTES) return;
  throw createUsageError(
    'TEMP_DISK_FULL',
    `The disk for temporary files is nearly full: ${name} cannot be saved in ${tmpdir()}`,
    'Free some space, set TMPDIR to a folder on another disk, or save the input to a file.',
  );
}
