import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { openLedger, resolveLedgerPath } from '../ledger/ledger.js';
import { isSystemError } from './file-state.js';
import type { WatchFolders } from './folders.js';

/** Hidden, so that it is no drop, and goes along wherever the folder is moved to, to another disk too. */
export const ID_FILE = '.rowfill-folder';
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The id of a watched folder, under which the ledger keeps what its files cost. It is in a file of the folder, since
 * neither its path nor its device number lasts. If that file is lost, the ledger knows the folder by its device and
 * inode, so that removing the file gives the day no new budget.
 */
export async function readFolderId(
  { root, working }: WatchFolders,
  ledgerPath: string | undefined,
): Promise<string> {
  const carried = await readCarried(join(root, ID_FILE));
  const { dev, ino } = await stat(root, { bigint: true });
  const ledger = openLedger(ledgerPath ?? resolveLedgerPath({}));
  try {
    const id = ledger.enterFolder({ id: carried, place: `${dev}:${ino}`, below: working + sep });
    if (id !== carried) await writeId(root, id);
    return id;
  } finally {
    ledger.close();
  }
}

/**
 * Notes where a watched folder is, so that `status` and `export` find its files after it was moved. Where the folder at
 * the path before still carries the id, this one is a copy, and no file was moved.
 */
export async function noteFolderPath(folders: WatchFolders, ledgerPath: string | undefined): Promise<void> {
  const id = await readFolderId(folders, ledgerPath);
  const path = folders.root + sep;
  const ledger = openLedger(ledgerPath ?? resolveLedgerPath({}));
  try {
    const before = ledger.readFolderPath(id);
    if (before === path) return;
    if (before !== null && (await readCarried(join(before, ID_FILE))) === id) return;
    ledger.moveFolder(id, path);
  } finally {
    ledger.close();
  }
}

/** Null for a missing file, and for one that somebody else wrote: others may have access to the folder. */
async function readCarried(path: string): Promise<string | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const flags = O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
  const file = await open(path, flags).catch(ignoreSystemError);
  if (file === null) return null;
  try {
    const stats = await file.stat();
    const isOurs = process.getuid === undefined || stats.uid === process.getuid();
    if (!stats.isFile() || !isOurs || stats.size > 100) return null;
    const text = (await file.readFile('utf8')).trim();
    return ID.test(text) ? text : null;
  } finally {
    await file.close();
  }
}

/** Written whole or not at all. Where it cannot be, the ledger goes by the place of the folder. */
async function writeId(root: string, id: string): Promise<void> {
  const temporary = join(root, `${ID_FILE}-${randomBytes(4).toString('hex')}.tmp`);
  try {
    await writeFile(temporary, `${id}\n`, { flag: 'wx', mode: 0o600 });
    await rename(temporary, join(root, ID_FILE));
  } catch (error) {
    ignoreSystemError(error);
    await unlink(temporary).catch(ignoreSystemError);
  }
}

function ignoreSystemError(error: unknown): null {
  if (!isSystemError(error)) throw error;
  return null;
}
