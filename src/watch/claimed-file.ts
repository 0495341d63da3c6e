import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Claim, parseClaimId, readClaimedNames, removeClaims, takeClaim } from './claim.js';
import {
  type FileState,
  findDiskFull,
  hasCode,
  isMissing,
  isSystemError,
  numberName,
  readFileState,
} from './file-state.js';
import type { WatchFolders } from './folders.js';
import { moveFile } from './move-file.js';

/** A complete file found in the watched folder. */
export interface Drop {
  readonly name: string;
  readonly state: FileState;
}

/**
 * A file claimed by this watcher, at `working/NAME/ID/NAME`. Only one watcher can create the folder of a name, so only
 * one finishes a file of that name. The id is random and never reused: it makes each dropped file a separate job. All
 * files of a claim carry it, so a late watcher never touches those of a later claim.
 */
export interface ClaimedFile {
  /** The final name; numbered if the name of the dropped file is already used. */
  readonly name: string;
  readonly id: string;
  /** `working/NAME`: holds the claims and the journal. */
  readonly folder: string;
  /** `working/NAME/ID`: holds the file and its results. */
  readonly room: string;
  readonly input: string;
  readonly claim: Claim;
  /** State of the file when it was found complete; null if an earlier watcher found it. */
  readonly state: FileState | null;
}

/** Why a file was not claimed: another watcher has it or its name, or it is no longer the file that was found. */
export type NotClaimed = 'busy' | 'changed';

/** Claims a dropped file and moves it to `working/`. */
export async function claimDrop(
  drop: Drop,
  folders: WatchFolders,
  readResultNames: (name: string) => readonly string[],
  nowMs: number,
): Promise<ClaimedFile | NotClaimed> {
  for (let number = 1; ; number += 1) {
    const name = numberName(drop.name, number);
    const names = readResultNames(name);
    if (await isAnyUsed(names, name, drop.name, folders)) continue;
    const folder = join(folders.working, name);
    if (!(await makeFolder(folder))) {
      // A file that waits for the name could be overwritten by the next of that name.
      if ((await isForeign(folder)) || (await holdsFile(folder, name))) continue;
      return 'busy';
    }
    const take = await openRoom(folder, name, names, drop.state, nowMs);
    if (take === null) return 'busy';
    try {
      // Check again: only from here on can no other watcher finish a file of this name.
      if (!(await isAnyUsed(names, name, drop.name, folders))) {
        await moveIn(join(folders.root, drop.name), take);
        if (await isSameFile(take.input, drop.state)) return take;
        await putBack(take, folders, drop.name);
        await removeClaimedFile(take);
        return 'changed';
      }
    } catch (error) {
      // On a network share, a rename may succeed although its reply is lost. A folder that has a file is kept and found
      // later.
      await removeClaimedFile(take);
      if (isMissing(error)) return 'busy';
      throw error;
    }
    await removeClaimedFile(take);
  }
}

/**
 * Adopts a claimed file whose watcher is dead; the file itself may be gone. Returns null if there is none or live
 * watchers have them all, and `foreign` for a folder that no watcher created.
 */
export async function adoptOrphan(
  name: string,
  folders: WatchFolders,
  nowMs: number,
): Promise<ClaimedFile | null | 'foreign'> {
  const folder = join(folders.working, name);
  const stats = await lstat(folder).catch(ignoreMissing);
  const ids = stats === undefined ? null : await listClaimedFiles(folder);
  if (stats === undefined || ids === null) return null;
  if (!stats.isDirectory()) return 'foreign';
  for (const id of ids) {
    const claim = await takeClaim(folder, id, nowMs);
    if (claim === null) continue;
    const room = join(folder, id);
    return { name, id, folder, room, input: join(room, name), claim, state: null };
  }
  if (ids.length > 0) return null;
  // Its watcher died right after creating the folder.
  return (await removeEmpty(folder)) ? null : 'foreign';
}

/** Lists the ids of all claimed files in a folder of `working/`; null if the folder is gone. */
export async function listClaimedFiles(folder: string): Promise<readonly string[] | null> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const ids = entries.map((entry) =>
      entry.isDirectory() && ROOM.test(entry.name)
        ? entry.name
        : entry.isDirectory()
          ? null
          : (parseClaimId(entry.name) ?? JOURNAL.exec(entry.name)?.[1] ?? null),
    );
    return [...new Set(ids.filter((id) => id !== null))].sort();
  } catch (error) {
    if (hasCode(error, 'ENOTDIR')) return [];
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The journal, which records how the file ends. */
export function getJournalPath({ folder, id }: Pick<ClaimedFile, 'folder' | 'id'>): string {
  return join(folder, `${id}.ending.json`);
}

/** True if a file in that folder is finished and only has to be moved. */
export async function hasEnding(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => name.endsWith('.ending.json'));
}

/** Lists the names that move along with the file: everything except our temporary files. */
export async function listRoom(room: string): Promise<readonly string[]> {
  return (await readNames(room)).filter((name) => !isTemporary(name)).sort();
}

/** True for one of our temporary files. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

async function readNames(room: string): Promise<readonly string[]> {
  try {
    return await readdir(room);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Removes the leftovers of a file that was moved away, one by one. Files from others stay, and so does their folder.
 */
export async function removeClaimedFile(
  take: Pick<ClaimedFile, 'folder' | 'id' | 'room' | 'claim'>,
): Promise<void> {
  const { folder, id, room, claim } = take;
  // Read once, so that a folder that was briefly missing is not emptied when it is back.
  const names = await readNames(room);
  if (names.every(isTemporary)) {
    for (const name of names) await unlink(join(room, name)).catch(ignoreMissing);
    await rmdir(room).catch(ignoreMissing);
    const journal = getJournalPath(take);
    for (const path of [journal, `${journal}.tmp`]) await unlink(path).catch(ignoreMissing);
    await removeClaims(folder, id);
    await removeEmpty(folder);
  }
  await claim.close();
}

const ROOM = /^[0-9a-f]{8}$/;
const JOURNAL = /^([0-9a-f]{8})\.ending\.json(?:\.tmp)?$/;
const TEMPORARY = /^\..*rowfill-[0-9a-f]+\.tmp$/;

async function openRoom(
  folder: string,
  name: string,
  names: readonly string[],
  state: FileState,
  nowMs: number,
): Promise<ClaimedFile | null> {
  const id = randomBytes(4).toString('hex');
  const room = join(folder, id);
  try {
    await mkdir(room);
  } catch (error) {
    // Another watcher removed the empty folder as a leftover.
    if (isMissing(error)) return null;
    throw error;
  }
  const claim = await takeClaim(folder, id, nowMs, names);
  return claim === null ? null : { name, id, folder, room, input: join(room, name), claim, state };
}

/**
 * Thrown if a dropped file cannot be moved, for example because another program has it open or another user owns it.
 */
export class HeldDropError extends Error {}

/** Nobody else uses the folder, so a plain rename cannot replace anything there. */
async function moveIn(from: string, take: ClaimedFile): Promise<void> {
  try {
    await rename(from, take.input).catch((error: unknown) => {
      if (!hasCode(error, 'EXDEV')) throw error;
      return copyIn(from, take);
    });
  } catch (error) {
    if (!isSystemError(error) || isMissing(error) || findDiskFull(error) !== null) throw error;
    throw new HeldDropError(error.message, { cause: error });
  }
}

/**
 * Copies from another file system. If the original cannot be removed, the copy is, or the file would be filled again
 * and again.
 */
async function copyIn(from: string, take: ClaimedFile): Promise<void> {
  try {
    await moveFile(from, take.input, take.id);
  } catch (error) {
    if ((await readFileState(from)) !== null) await unlink(take.input).catch(ignoreMissing);
    throw error;
  }
}

/**
 * True if the moved file is the regular file that was found. Others may have replaced it with a link or FIFO in
 * between.
 */
async function isSameFile(input: string, found: FileState): Promise<boolean> {
  const state = await readFileState(input);
  if (state === null) return false;
  // A copy from another file system has a new inode; only regular files are copied.
  return state.id.device !== found.id.device || state.id.inode === found.id.inode;
}

/** Moves a wrongly taken file back, to its own name or the next free one. */
export async function putBack(take: ClaimedFile, folders: WatchFolders, name: string): Promise<void> {
  for (let number = 1; ; number += 1) {
    try {
      return await moveFile(take.input, join(folders.root, numberName(name, number)), take.id);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
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

/** True if a file of this name was moved into its folder in `working/`. */
async function holdsFile(folder: string, name: string): Promise<boolean> {
  for (const id of (await listClaimedFiles(folder)) ?? [])
    if ((await lstat(join(folder, id, name)).catch(ignoreMissing)) !== undefined) return true;
  return false;
}

/** True for something in `working/` that no watcher created. */
async function isForeign(path: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isDirectory()) return true;
    const ids = await listClaimedFiles(path);
    return ids !== null && ids.length === 0 && (await readdir(path)).length > 0;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Removes a folder if it is empty. Safe whoever created it. */
async function removeEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/**
 * True if any of the result names is already used in `done/`, `failed/` or by a claimed file. A file that failed
 * earlier under the name of the dropped file does not count: the dropped file is its corrected version and replaces it.
 */
async function isAnyUsed(
  names: readonly string[],
  name: string,
  dropName: string,
  { working, done, failed }: WatchFolders,
): Promise<boolean> {
  const used = new Set<string>(await readdir(done));
  if (name !== dropName) for (const each of await readdir(failed)) used.add(each);
  for (const other of await readdir(working)) {
    if (other === name) continue;
    for (const each of await readClaimedNames(join(working, other))) used.add(each);
  }
  // The file system may ignore case.
  const folded = new Set([...used].map((each) => each.toLowerCase()));
  return names.some((each) => folded.has(each.toLowerCase()));
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}
