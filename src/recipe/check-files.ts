import { stat } from 'node:fs/promises';
import type { RecipeOptions } from './create-options.js';
import type { FaultList } from './fault-list.js';

const FILES = [
  ['/schema', 'schema', 'file'],
  ['/exclude/file', 'exclude', 'file'],
  ['/agent/reference', 'reference', 'folder'],
] as const;

/** Makes sure that what a recipe points to is there. */
export async function checkFiles(options: RecipeOptions, faults: FaultList): Promise<void> {
  for (const [pointer, name, kind] of FILES) {
    const path = options[name];
    if (path === undefined) continue;
    const stats = await stat(path).catch(() => null);
    const isThere = kind === 'file' ? stats?.isDirectory() === false : stats?.isDirectory() === true;
    if (isThere) continue;
    const message = stats === null ? `there is no ${kind} ${path}` : `${path} is no ${kind}`;
    faults.add(
      pointer,
      message,
      'Correct the path: it is seen from the folder of the recipe.',
      'RECIPE_FILE_MISSING',
    );
  }
}
