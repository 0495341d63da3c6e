import { randomBytes } from 'node:crypto';
import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createUsageError, describeError, RowfillError } from '../errors.js';
import { findDiskFull, isMissing } from './file-state.js';
import { openOwnFile } from './own-file.js';

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
