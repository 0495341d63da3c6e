import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants, createWriteStream, openSync, renameSync } from 'node:fs';
import { chmod, open, rm, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { hasErrorCode, RowfillError } from '../errors.js';
import { isDescriptorPath } from '../model/descriptor-path.js';
import { explainWriteError, type OutputTarget } from './check-output.js';
import { removeLeftovers, resolveTemporary } from './temporary-name.js';

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
