import { constants, createReadStream, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';

/** Thrown if a file is larger than its reader accepts. */
export class OversizeError extends Error {
  constructor(maxBytes: number) {
    super(`it is larger than ${Math.floor(maxBytes / 1024 / 1024)} MB`);
  }
}

/**
 * Opens a file, pipe or device for reading. A pipe without a writer is opened in non-blocking mode: a
 * blocking open could not be canceled and would keep the process alive.
 */
export async function openFileStream(path: string): Promise<Readable> {
  if (!(await stat(path)).isFIFO() || process.platform === 'win32') return createReadStream(path);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** Reads a whole file, pipe or device. Throws an OversizeError if it is longer than `maxBytes` or endless. */
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

/**
 * True for a path to an open file descriptor, such as `/dev/stdin` or the result of `<(…)`. It has no folder
 * of its own.
 */
export function isDescriptorPath(path: string): boolean {
  return DESCRIPTOR.test(resolve(path));
}

/** True for the input of a job that read standard input. What follows the dash identifies its rows. */
export function isStandardInput(input: string): boolean {
  return /^-(#|$)/.test(input);
}
