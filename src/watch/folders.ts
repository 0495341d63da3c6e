import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { createUsageError, describeSystemError, RowfillError } from '../errors.js';
import { resolveLedgerPath } from '../ledger/ledger-path.js';
import { openLedger } from '../ledger/open-ledger.js';
import { formatFileId, readFileId } from '../model/file-id.js';
import { replaceFile } from '../write/byte-sink.js';
import { findDiskFull, isMissing, isSystemError, openOwnFile } from './file-state.js';

/** The watched folder and its subfolders. */
export interface WatchFolders {
  readonly root: string;
  /** Files that are being filled, each in its own folder with its claims. */
  readonly working: string;
  readonly done: string;
  readonly failed: string;
}

/** Opens the watched folder and creates missing subfolders. Throws a RowfillError if it cannot be used. */
export async function openFolders(path: string): Promise<WatchFolders> {
  try {
    // Jobs are identified by the path of their input, so resolve links.
    const root = await realpath(path);
    if (!(await stat(root)).isDirectory()) {
      throw createUsageError('WATCH_NO_FOLDER', `${path} is a file, not a folder`, 'Set a folder to watch.');
    }
    const folders = {
      root,
      working: join(root, 'working'),
      done: join(root, 'done'),
      failed: join(root, 'failed'),
    };
    await remakeFolders(folders);
    for (const folder of [folders.working, folders.done, folders.failed]) await removeTrials(folder);
    await tryFolders(folders);
    return folders;
  } catch (error) {
    if (error instanceof RowfillError) throw error;
    const full = findDiskFull(error);
    if (full !== null) {
      // Same kind as a disk that fills up later, so that a supervisor restarts the watcher.
      throw new RowfillError(
        'unreachable',
        'DISK_FULL',
        `The disk of ${path} is full: ${describeSystemError(full)}`,
        { hint: 'Free some disk space, then run the command again.', cause: error },
      );
    }
    throw createUsageError(
      'WATCH_NO_FOLDER',
      `${path} cannot be watched: ${describeSystemError(error)}`,
      'Create the folder first, and make sure you can write to it.',
      error,
    );
  }
}

/** True if `openFolders` failed because the watched folder is not there. */
export function isFolderAway(error: unknown): boolean {
  return error instanceof RowfillError && error.code === 'WATCH_NO_FOLDER' && isMissing(error.cause);
}

/**
 * Creates `working/`, `done/` and `failed/` if they are missing. Throws the system error if that fails.
 *
 * Does not create the watched folder itself: if it is gone, a disk or network share may be unmounted.
 */
export async function remakeFolders({ root, working, done, failed }: WatchFolders): Promise<void> {
  await stat(root);
  for (const folder of [working, done, failed]) {
    await mkdir(folder).catch(async (error) => {
      // A link to a folder is fine too.
      if (!(await isFolder(folder))) throw error;
    });
  }
}

/**
 * Checks that all subfolders are writable, so that nothing is paid for that could not be stored. Throws the system
 * error for an unusable folder.
 */
export async function tryFolders(folders: WatchFolders): Promise<void> {
  for (const folder of [folders.working, folders.done, folders.failed]) {
    await tryFolder(folder).catch(async (error: unknown) => {
      // Somebody just moved the folder away, for example to archive it.
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

const TRIAL = /^\.rowfill-[0-9a-f]{8}\.trial$/;
/** A living watcher removes its trial long before. */
const TRIAL_AGE_MS = 1_000;

/** Removes the trials of watchers that were killed in the middle of one. */
async function removeTrials(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!TRIAL.test(name)) continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(() => null);
    if (stats?.size === 0 && Date.now() - stats.mtimeMs > TRIAL_AGE_MS) await rm(path, { force: true });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** Hidden, so that it is not filled. It moves along with the folder, even to another disk. */
export const ID_FILE = '.rowfill-folder';
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Reads the id of a watched folder, under which the ledger stores the cost of its files. The id is in a file, since the
 * folder's path and device number may change. If that file is lost, the ledger recognizes the folder by device and
 * inode, so that removing the file does not reset the daily budget.
 */
export async function readFolderId(
  { root, working }: WatchFolders,
  ledgerPath: string | undefined,
): Promise<string> {
  const carried = await readCarried(join(root, ID_FILE));
  const place = formatFileId(readFileId(await stat(root, { bigint: true })));
  const ledger = await openLedger(ledgerPath ?? resolveLedgerPath({}));
  try {
    const id = await ledger.enterFolder({ id: carried, place, below: working + sep });
    if (id !== carried) await writeId(root, id);
    return id;
  } finally {
    await ledger.close();
  }
}

/**
 * Records the path of a watched folder, so that `status` and `export` find its files after it was moved. If the folder
 * at the earlier path still has the id, this one is a copy and nothing was moved.
 */
export async function noteFolderPath(folders: WatchFolders, ledgerPath: string | undefined): Promise<void> {
  const id = await readFolderId(folders, ledgerPath);
  const path = folders.root + sep;
  const ledger = await openLedger(ledgerPath ?? resolveLedgerPath({}));
  try {
    const before = await ledger.findFolderPath(id);
    if (before === path) return;
    if (before !== null && (await readCarried(join(before, ID_FILE))) === id) return;
    await ledger.moveFolder(id, path);
  } finally {
    await ledger.close();
  }
}

/** Reads the id from its file; null if it is missing or was written by another user. */
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

/** Writes the id atomically. If that fails, the ledger recognizes the folder by device and inode. */
async function writeId(root: string, id: string): Promise<void> {
  await replaceFile(join(root, ID_FILE), `${id}\n`, 0o600).catch(ignoreSystemError);
}

function ignoreSystemError(error: unknown): null {
  if (!isSystemError(error)) throw error;
  return null;
}
