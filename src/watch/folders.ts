import { mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createUsageError, describeError, RowfillError } from '../errors.js';

/** The watched folder and those in it that files go through. */
export interface WatchFolders {
  readonly root: string;
  /** Files that are being filled, each in a folder of its own with the claim of who fills it. */
  readonly working: string;
  readonly done: string;
  readonly failed: string;
}

/** Finds the watched folder, and makes in it what is missing. */
export async function openFolders(path: string): Promise<WatchFolders> {
  try {
    // Jobs are known by the path of their input, so it must not depend on the way that leads there.
    const root = await realpath(path);
    if (!(await stat(root)).isDirectory()) {
      throw createUsageError('WATCH_NO_FOLDER', `${path} is a file, not a folder`, 'Name a folder to watch.');
    }
    const [working, done, failed] = [join(root, 'working'), join(root, 'done'), join(root, 'failed')];
    for (const folder of [working, done, failed]) await mkdir(folder, { recursive: true });
    return { root, working, done, failed };
  } catch (error) {
    if (error instanceof RowfillError) throw error;
    throw createUsageError(
      'WATCH_NO_FOLDER',
      `${path} cannot be watched: ${describeError(error)}`,
      'Make the folder first, and see that you may write to it.',
      error,
    );
  }
}
