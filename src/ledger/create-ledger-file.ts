import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the folder and the file readable by their owner only. SQLite gives its side files the same mode. */
export function createLedgerFile(path: string): void {
  createFolder(dirname(path));
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    // Only ever a new file: to open and close an existing one would drop the locks this process has on it.
    closeSync(openSync(path, 'a', 0o600));
  } else if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    chmodSync(path, 0o600);
  }
}

/** Makes a folder and those above it. Node's own way never ends where no folder can be made, as below /proc. */
function createFolder(folder: string): void {
  if (existsSync(folder)) return;
  createFolder(dirname(folder));
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  }
}
