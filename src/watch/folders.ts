import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, realpath, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import { openLedger, resolveLedgerPath } from '../ledger/ledger.js';
import { findDiskFull, isMissing, isSystemError, openOwnFile } from './file-state.js';

/** The watched folder and those in it that files go through. */
export interface WatchFolders {
  readonly root: string;
  /** Files that are being filled, each in a folder of its own with the claim of who fills it. */
  readonly working: string;
  readonly done: string;
  readonly failed: string;
}

/** Finds the watched folder, and makes in it what is missing. Throws a RowfillError if it cannot be used. */
export async function openFolders(path: string): Promise<WatchFolders> {
  try {
    // Jobs are known by the path of their input, so it must not depend on the way that leads there.
    const root = await realpath(path);
    if (!(await stat(root)).isDirectory()) {
      throw createUsageError('WATCH_NO_FOLDER', `${path} is a file, not a folder`, 'Name a folder to watch.');
    }
    const folders = {
      root,
      working: join(root, 'working'),
      done: join(root, 'done'),
      failed: join(root, 'failed'),
    };
    await remakeFolders(folders);
    await tryFolders(folders);
    return folders;
  } catch (error) {
    if (error instanceof RowfillError) throw error;
    const full = findDiskFull(error);
    if (full !== null) {
      // Like a disk that fills up later: whatever supervises the watcher may start it again.
      throw new RowfillError(
        'unreachable',
        'DISK_FULL',
        `The disk of ${path} is full: ${describeError(full)}`,
        { hint: 'Make room, then run the same command again.', cause: error },
      );
    }
    throw createUsageError(
      'WATCH_NO_FOLDER',
      `${path} cannot be watched: ${describeError(error)}`,
      'Make the folder first, and see that you may write to it.',
      error,
    );
  }
}

/**
 * Makes `working/`, `done/` and `failed/` again if they are gone. Throws the system's error if that cannot be done.
 *
 * The watched folder itself is not made again: where it is gone, a disk or a network share may be missing.
 */
export async function remakeFolders({ root, working, done, failed }: WatchFolders): Promise<void> {
  await stat(root);
  for (const folder of [working, done, failed]) {
    await mkdir(folder).catch(async (error) => {
      // Anything that leads to a folder will do, also a link to another disk.
      if (!(await isFolder(folder))) throw error;
    });
  }
}

/**
 * Tries whether files can be written where a file goes through, so that nothing is paid for that could not be put in its
 * place. Throws the system's error for a folder that cannot be used.
 */
export async function tryFolders(folders: WatchFolders): Promise<void> {
  for (const folder of [folders.working, folders.done, folders.failed]) {
    await tryFolder(folder).catch(async (error: unknown) => {
      // Moved away a moment ago, as a person does at the end of a month.
      if (!isMissing(error)) throw error;
      await remakeFolders(folders);
      await tryFolder(folder);
    });
  }
}

async function tryFolder(folder: string): Promise<void> {
  const trial = join(folder, `.rowfill-${randomBytes(4).toString('hex')}.trial`);
  await (await openOwnFile(trial)).close();
  await rm(trial, { force: true });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

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
