import { type FileHandle, open, unlink } from 'node:fs/promises';
import { isMissing } from './file-state.js';

/**
 * Opens a file that the watcher writes for itself. What is under its name goes first: others may write to the folder too,
 * and a link there would have a file elsewhere emptied.
 */
export async function openOwnFile(path: string, mode?: number): Promise<FileHandle> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  return open(path, 'wx', mode);
}

/** Writes such a file whole, and onto the disk. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  const file = await openOwnFile(path);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
