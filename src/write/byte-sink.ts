import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, renameSync } from 'node:fs';
import { chmod, open, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { explainWriteError, type OutputTarget } from './check-output.js';

const LEFTOVER_AGE_MS = 60 * 60 * 1_000;

/** Where the bytes of an output go. */
export interface ByteSink {
  write(bytes: Buffer): Promise<void>;
  /** Resolves with the SHA-256 of the file that was put in place; null where there is no file. */
  commit(): Promise<string | null>;
  abort(): Promise<void>;
}

/** Opens the way to a target; a file is written beside its place and moved there whole, unless `beforeCommit` throws. */
export async function openSink(
  target: OutputTarget,
  isGzip: boolean,
  beforeCommit: () => void = () => {},
): Promise<ByteSink> {
  const sink =
    target.kind === 'file'
      ? await openFileSink(target.path, target.mode, beforeCommit)
      : openPathSink(target.path);
  return isGzip ? createGzipSink(sink) : sink;
}

async function openFileSink(path: string, mode: number | null, beforeCommit: () => void): Promise<ByteSink> {
  await removeLeftovers(path);
  const temporary = join(dirname(path), `${temporaryPrefix(path)}${randomBytes(6).toString('hex')}.tmp`);
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
      throw explainWriteError(path, error);
    }
  };
  return {
    write: (bytes) => {
      hash.update(bytes);
      return attempt(() => file.writeFile(bytes));
    },
    commit: async () => {
      await attempt(async () => {
        if (mode !== null) await chmod(temporary, mode);
        await file.sync();
        isOpen = false;
        await file.close();
        beforeCommit();
        // In the same tick: a process that is stopped in between would replace what another has written since.
        renameSync(temporary, path);
        await syncFolder(dirname(path));
      });
      return hash.digest('hex');
    },
    abort: remove,
  };
}

function temporaryPrefix(path: string): string {
  return `.${basename(path)}.rowfill-`;
}

/** Removes what a killed process left beside this file; what was written to within the hour may still be in use. */
async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(temporaryPrefix(path)) || !name.endsWith('.tmp')) continue;
    const stats = await stat(join(folder, name)).catch(() => null);
    if (stats !== null && Date.now() - stats.mtimeMs > LEFTOVER_AGE_MS)
      await rm(join(folder, name), { force: true });
  }
}

/** The new name itself is safe only once its folder is on the disk; where folders cannot be opened there is nothing to do. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null);
  if (folder === null) return;
  await folder.sync().catch(() => {});
  await folder.close();
}

/** A pipe or a device: nothing to put in place at the end, and nothing to take back. */
function openPathSink(path: string): ByteSink {
  const stream = createWriteStream(path);
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

/** Writes to a stream that is not ours to close, such as standard output; a reader that went away is no error. */
export function createStreamSink(stream: NodeJS.WritableStream, name: string): ByteSink {
  let failure: Error | null = null;
  // A stream tells of its error a second time as an event, which would end the process if nobody listened.
  stream.on('error', (error: Error) => {
    failure ??= error;
  });
  const write = async (bytes: Buffer) => {
    if (failure === null && bytes.length > 0) {
      await new Promise<void>((resolve) => {
        stream.write(bytes, (error) => {
          if (error) failure ??= error;
          resolve();
        });
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
