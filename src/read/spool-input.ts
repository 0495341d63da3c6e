import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createUsageError, describeError } from '../errors.js';

export interface Spool {
  readonly path: string;
  close(): Promise<void>;
}

/** Copies a stream to a temporary file that only its owner can read, since the input is read more than once. */
export async function spoolInput(
  name: string,
  stream: NodeJS.ReadableStream,
  signal?: AbortSignal,
): Promise<Spool> {
  const folder = await mkdtemp(join(tmpdir(), 'rowfill-'));
  const close = () => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'input');
  try {
    await pipeline(stream, createWriteStream(path, { mode: 0o600 }), signal === undefined ? {} : { signal });
  } catch (error) {
    await close();
    signal?.throwIfAborted();
    throw createUsageError(
      'INPUT_NOT_READABLE',
      `${name} cannot be kept in a temporary file: ${describeError(error)}`,
      `Check the disk that ${tmpdir()} is on.`,
      error,
    );
  }
  return { path, close };
}
