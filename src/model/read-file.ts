import { constants, createReadStream, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';

/** A file that goes on beyond what its reader takes. */
export class OversizeError extends Error {
  constructor(maxBytes: number) {
    super(`it is larger than ${Math.floor(maxBytes / 1024 / 1024)} MB`);
  }
}

/**
 * Opens a file, pipe or device for reading. A pipe that nobody writes to is opened without waiting: a wait inside the
 * system could not be called off, and would keep the process from ending.
 */
export async function openFileStream(path: string): Promise<Readable> {
  if (!(await stat(path)).isFIFO() || process.platform === 'win32') return createReadStream(path);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** Reads a whole file, pipe or device. Throws an OversizeError for what is longer, or never ends. */
export async function readWholeFile(path: string, maxBytes: number, signal?: AbortSignal): Promise<Buffer> {
  signal?.throwIfAborted();
  const { size } = await stat(path);
  if (size > maxBytes) throw new OversizeError(maxBytes);
  const stream = await openFileStream(path);
  const stop = (): void => void stream.destroy(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxBytes) throw new OversizeError(maxBytes);
      pieces.push(piece);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    stream.destroy();
  }
  return Buffer.concat(pieces);
}

const DESCRIPTOR =
  /^\/(?:dev\/(?:stdin|stdout|stderr|fd\/\d+)|proc\/(?:self|thread-self|\d+)(?:\/task\/\d+)?\/fd\/\d+)$/;

/** True for a path that stands for an open file of a process, such as `/dev/stdin` or what `<(…)` gives: it has no folder of its own. */
export function isDescriptorPath(path: string): boolean {
  return DESCRIPTOR.test(resolve(path));
}
