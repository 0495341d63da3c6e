import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { createUsageError, describeSystemError } from '../errors.js';

/** Maximum length of a key; a longer file is not a key file. */
const MAX_BYTES = 8 * 1024;

/** Reads the key from the file named by `EXA_API_KEY_FILE`, the way Docker, Kubernetes and systemd pass secrets. */
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
    // Reading a pipe could block forever.
    if (!statSync(path).isFile()) throw new Error('it is not a regular file');
    const file = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(Math.min(fstatSync(file).size, MAX_BYTES + 1));
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw createKeyError(`cannot read ${path}: ${describeSystemError(error)}`, error);
  }
}

function createKeyError(message: string, cause?: unknown) {
  return createUsageError(
    'KEY_FILE_NOT_READ',
    `EXA_API_KEY_FILE: ${message}`,
    'Name a file that contains only the key and that this user can read.',
    cause,
  );
}
