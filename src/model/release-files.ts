import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * On Windows, makes the SQLite driver close the files of closed databases, by collecting garbage: it closes them only
 * once their statements are collected, and Windows neither renames nor deletes an open file.
 */
export async function releaseFiles(platform: NodeJS.Platform = process.platform): Promise<void> {
  if (platform !== 'win32') return;
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  // What was collected is released in a later turn.
  await nextTurn();
}
