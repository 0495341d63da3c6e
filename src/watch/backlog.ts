import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileState } from './file-state.js';
import { listTakes } from './take.js';
import type { Watcher } from './watcher.js';

/** Counts the files that are not finished: whole files that wait, and those in `working/`, whoever fills them. */
export async function countBacklog({
  folders,
  finder,
  clock,
}: Pick<Watcher, 'folders' | 'finder' | 'clock'>): Promise<number> {
  const [waiting, working] = await Promise.all([
    finder.countWhole(clock.now()),
    countWorking(folders.working),
  ]);
  return waiting + working;
}

async function countWorking(working: string): Promise<number> {
  const found = await Promise.all((await readdir(working)).map((name) => hasFile(working, name)));
  return found.filter(Boolean).length;
}

/** Folders that no watcher made, and takes whose file is gone, are not counted. */
async function hasFile(working: string, name: string): Promise<boolean> {
  const folder = join(working, name);
  for (const id of (await listTakes(folder).catch(() => null)) ?? []) {
    if ((await readFileState(join(folder, id, name)).catch(() => null)) !== null) return true;
  }
  return false;
}
