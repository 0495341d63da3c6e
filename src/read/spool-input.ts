import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import { detectContent, isGzip } from './detect-content.js';

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
    await pipeline(
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
