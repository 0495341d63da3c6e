import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Claim, takeClaim } from './claim.js';
import { numberName } from './drop-name.js';
import { type FileState, hasCode, isMissing } from './file-state.js';
import type { WatchFolders } from './folders.js';

/** A file in the watched folder that was found whole. */
export interface Drop {
  readonly name: string;
  readonly state: FileState;
}

/**
 * A file that is this watcher's to fill. It lies in `working/NAME/ID/NAME`: only one watcher can make the folder of a
 * name, so nobody else brings a file of that name to its end; and the id makes each drop a job of its own.
 */
export interface Take {
  /** The name that the file will have in the end; numbered where that of the drop was taken. */
  readonly name: string;
  /** `working/NAME`: the claim, and how the file ends. */
  readonly folder: string;
  /** `working/NAME/ID`: the file, and what is made of it. */
  readonly room: string;
  readonly input: string;
  readonly claim: Claim;
  /** How the file was when it was found whole; null where an earlier watcher found it. */
  readonly state: FileState | null;
}

/** Takes a file that was dropped; null if another watcher has it, or works on another file of that name. */
export async function takeDrop(
  drop: Drop,
  folders: WatchFolders,
  readResultNames: (name: string) => readonly string[],
  nowMs: number,
): Promise<Take | null> {
  const isUsed = await readUsedNames(folders);
  for (let number = 1; ; number += 1) {
    const name = numberName(drop.name, number);
    if (readResultNames(name).some(isUsed)) continue;
    const folder = join(folders.working, name);
    if (!(await makeFolder(folder))) return null;
    const claim = await takeClaim(folder, nowMs);
    if (claim === null) return null;
    const room = join(folder, randomBytes(4).toString('hex'));
    const take = { name, folder, room, input: join(room, name), claim, state: drop.state };
    try {
      // Looked at once more: only from here on can no other watcher bring a file of that name to its end.
      if (!readResultNames(name).some(await readUsedNames(folders))) {
        await mkdir(room);
        await rename(join(folders.root, drop.name), take.input);
        return take;
      }
    } catch (error) {
      await undoTake(take);
      if (isMissing(error)) return null;
      throw error;
    }
    await undoTake(take);
  }
}

/** Takes over a folder of `working/` that nobody alive has; its file may be gone. Null if it is in good hands. */
export async function takeOrphan(name: string, folders: WatchFolders, nowMs: number): Promise<Take | null> {
  const folder = join(folders.working, name);
  const claim = await takeClaim(folder, nowMs);
  if (claim === null) return null;
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const room = join(folder, entries.find((entry) => entry.isDirectory())?.name ?? '');
    return { name, folder, room, input: join(room, name), claim, state: null };
  } catch (error) {
    await claim.close();
    throw error;
  }
}

/** Removes the folder of a take, whose file is elsewhere by now. */
export async function removeTake({ folder, claim }: Pick<Take, 'folder' | 'claim'>): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  await claim.close();
}

/** Takes back a claim under which no file came in. */
async function undoTake(take: Take): Promise<void> {
  try {
    // A network may lose the reply to a rename that was done: a room with a file in it is not removed, and is found later.
    await rmdir(take.room);
  } catch (error) {
    if (!isMissing(error)) return take.claim.close();
  }
  await removeTake(take);
}

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Tells which names are in use where files end; case may not tell names apart there. */
async function readUsedNames({ done, failed }: WatchFolders): Promise<(name: string) => boolean> {
  const names = [...(await readdir(done)), ...(await readdir(failed))];
  const used = new Set(names.map((name) => name.toLowerCase()));
  return (name) => used.has(name.toLowerCase());
}
