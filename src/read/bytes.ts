import { createReadStream, createWriteStream, type Stats } from 'node:fs';
import { mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { pipeline as pipeToEnd } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import { isDescriptorPath, openFileStream } from '../model/read-file.js';
import { detectContent, isGzip } from './encoding.js';
import { INPUT_LIMITS, type InputLimits, type InputOptions } from './input.js';

/** A file that can be read from its start as often as needed. */
export interface ByteSource {
  /** As a person knows it. */
  readonly name: string;
  readonly path: string;
  readonly stats: Stats;
  /** Checksums of its bytes up to certain offsets, from the first reading that came so far. */
  readonly sums: Map<number, number>;
  /** True once rows were seen to be appended while the file was in use; they are left for the next time. */
  hasGrown: boolean;
  close(): Promise<void>;
}

/** Finds the file behind a path; standard input and pipes are copied to a temporary file first. */
export async function openSource(options: InputOptions): Promise<ByteSource> {
  const { path, name = path, stdin } = options;
  if (path === '-') return openSpool(options.name ?? 'standard input', stdin ?? process.stdin, options);
  const stats = await statInput(path);
  if (stats.isDirectory()) {
    throw createUsageError('INPUT_IS_FOLDER', `${path} is a folder, not a file`, 'Name one file in it.');
  }
  // An open file of a process can mostly be read once only.
  if (!stats.isFile() || isDescriptorPath(path)) {
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
  const stats = await stat(spool.path);
  return { name, path: spool.path, stats, sums: new Map(), hasGrown: false, close: spool.close };
}

async function statInput(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw explainReadError(path, error);
  }
}

/**
 * The bytes of a source as it was when it was opened, unpacked if it is compressed. What was appended since is left for
 * the next time; any other change is an error, since the rows would no longer be those that were looked at before.
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

/** Compares what is read with what an earlier reading found at the same place: a file that was replaced is not read on. */
class Checksum {
  /** True if all bytes so far are those of an earlier reading. */
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
    // Compared at few places, but early: another header is noticed before a row is read.
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
    `${source.name} unpacks to more than ${limits.maxInflateRatio} times its size: it is taken for a bomb`,
    'If it is a table all the same, unpack it and give the unpacked file.',
  );
}

/** What a reading of a whole file came to. */
export interface WholeReading {
  readonly bytes: number;
  /** The last byte. */
  readonly last: number;
  /** An earlier reading found the same bytes. */
  readonly isKnown: boolean;
}

/** Throws INPUT_CHANGED if a file is not as it was when it was opened; rows added to a file that was read whole are allowed. */
export async function checkUnchanged(source: ByteSource, reading?: WholeReading): Promise<void> {
  const now = await statInput(source.path);
  const { size, mtimeMs } = source.stats;
  if (now.size === size && now.mtimeMs === mtimeMs) return;
  source.hasGrown = reading !== undefined && now.size > size && isBegunAs(source, reading, now);
  if (!source.hasGrown) throw createChangedError(source);
}

/** True if a longer file begins with all rows of the one that was opened. */
function isBegunAs({ stats }: ByteSource, { bytes, last, isKnown }: WholeReading, now: Stats): boolean {
  // The last row may still have been in the making.
  if (bytes !== stats.size || last !== 0x0a) return false;
  // The first reading has nothing to compare with but the file's identity.
  return isKnown || (now.ino === stats.ino && now.dev === stats.dev);
}

function createChangedError(source: ByteSource): RowfillError {
  return createUsageError(
    'INPUT_CHANGED',
    `${source.name} was changed or replaced while it was read`,
    'Run the same command again once it is written: what was answered is kept.',
  );
}

function explainGzipError(name: string, error: unknown): unknown {
  if (!hasErrorCode(error) || !error.code.startsWith('Z_')) return explainReadError(name, error);
  return createUsageError(
    'INPUT_GZIP_BROKEN',
    `${name} is compressed, but cannot be unpacked: ${describeError(error)}`,
    'The file may be cut short: fetch it again.',
    error,
  );
}

/** What a failed read of a file means, in words; an error that is no read error comes back as it is. */
export function explainReadError(name: string, error: unknown): RowfillError | unknown {
  if (!hasErrorCode(error)) return error;
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return createUsageError('INPUT_NOT_FOUND', `There is no file ${name}`, 'Check the path.', error);
    case 'EISDIR':
      return createUsageError(
        'INPUT_IS_FOLDER',
        `${name} is a folder, not a file`,
        'Name one file in it.',
        error,
      );
    case 'EACCES':
    case 'EPERM':
      return createUsageError(
        'INPUT_NOT_READABLE',
        `${name} may not be read by you`,
        'Check its permissions.',
        error,
      );
    default:
      return createUsageError(
        'INPUT_NOT_READABLE',
        `${name} cannot be read: ${describeError(error)}`,
        'Check the disk or the share that it lies on, or copy the file to another place.',
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

export interface Spool {
  readonly path: string;
  close(): Promise<void>;
}

export interface SpoolOptions {
  /** Of the text, if it is known. */
  readonly encoding: string | undefined;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

const SAMPLE_BYTES = 64 * 1024;
const LOOK_EVERY_BYTES = 64 * 1024 * 1024;
/** Left free on the disk for everybody else. */
const MIN_FREE_BYTES = 256 * 1024 * 1024;

/** Copies a stream to a temporary file that only its owner can read, since the input is read more than once. */
export async function spoolInput(
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
      `${name} cannot be kept in a temporary file: ${describeError(error)}`,
      `Check the disk that ${tmpdir()} is on.`,
      error,
    );
  }
  return { path, close };
}

/** Makes a folder for temporary files that only its owner can read. */
export async function createTemporaryFolder(prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), prefix));
  } catch (error) {
    throw createUsageError(
      'TEMP_NOT_WRITABLE',
      `No temporary file can be made in ${tmpdir()}: ${describeError(error)}`,
      'Make that folder, or set TMPDIR to one that can be written.',
      error,
    );
  }
}

/** Refuses a stream that is no text by its first bytes, and one that goes on and on: a device such as /dev/zero never ends. */
async function* checkStream(
  name: string,
  pieces: AsyncIterable<Buffer | string>,
  path: string,
  { encoding, maxBytes }: SpoolOptions,
): AsyncGenerator<Buffer> {
  const sample: Buffer[] = [];
  let bytes = 0;
  let lookedAt = 0;
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
        `${name} goes on for more than ${Math.floor(maxBytes / 1024 / 1024)} MB`,
        'Does whatever writes it ever end? If so, save it to a file, and give that file.',
      );
    }
    if (bytes - lookedAt > LOOK_EVERY_BYTES) {
      lookedAt = bytes;
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
  // Some virtual file systems know no sizes.
  if (disk.blocks === 0 || disk.bavail * disk.bsize >= MIN_FREE_BYTES) return;
  throw createUsageError(
    'TEMP_DISK_FULL',
    `The disk that holds temporary files is nearly full: ${name} cannot be kept in ${tmpdir()}`,
    'Make room there, set TMPDIR to a folder on another disk, or save the input to a file.',
  );
}
