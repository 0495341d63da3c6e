import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { createUsageError, describeError } from '../errors.js';

/** No key is longer; a file that is, is not a key file. */
const MAX_BYTES = 8 * 1024;

/** Reads the key out of the file that `EXA_API_KEY_FILE` names, as Docker, Kubernetes and systemd hand secrets over. */
export function readKeyFile(path: string): string {
  const text = readText(path)
    .replace(/^\uFEFF/, '')
    .trim();
  if (text === '') throw createKeyError(`${path} is empty`);
  if (text.length > MAX_BYTES) throw createKeyError(`${path} is too large for a key`);
  return text;
}

function readText(path: string): string {
  try {
    // A pipe would be waited for, without end if nobody writes to it.
    if (!statSync(path).isFile()) throw new Error('it is not a regular file');
    const file = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(Math.min(fstatSync(file).size, MAX_BYTES + 1));
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw createKeyError(`cannot read ${path}: ${describeError(error)}`, error);
  }
}

function createKeyError(message: string, cause?: unknown) {
  return createUsageError(
    'KEY_FILE_NOT_READ',
    `EXA_API_KEY_FILE: ${message}`,
    'Name a file that holds the key and nothing else, and that this user may read.',
    cause,
  );
}
