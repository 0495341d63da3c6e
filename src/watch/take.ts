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

/** A file in the watched folder that was found whole. */
export interface Drop {
  readonly name: string;
  readonly state: FileState;
}

/**
 * A file that is this watcher's to fill. It lies in `working/NAME/ID/NAME`: only one watcher can make the folder of a
 * name, so nobody else brings a file of that name to its end. The id is random and never used again: it makes each drop
 * a job of its own, and everything that belongs to a take carries it, so nothing of a later take is ever touched.
 */
export interface ClaimedFile {
  /** The name that the file will have in the end; numbered if that of the drop was taken. */
  readonly name: string;
  readonly id: string;
  /** `working/NAME`: the claims, and how the file ends. */
  readonly folder: string;
  /** `working/NAME/ID`: the file, and what is made of it. */
  readonly room: string;
  readonly input: string;
  readonly claim: Claim;
  /** How the file was when it was found whole; null if an earlier watcher found it. */
  readonly state: FileState | null;
}

/** Why a drop was not taken: another watcher has it or its name, or it is not the file that was found any more. */
export type NotClaimed = 'busy' | 'changed';

/** Takes a file that was dropped. */
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
      if (await isForeign(folder)) continue;
      return 'busy';
    }
    const take = await openRoom(folder, name, names, drop.state, nowMs);
    if (take === null) return 'busy';
    try {
      // Looked at once more: only from here on can no other watcher bring a file of that name to its end.
      if (!(await isAnyUsed(names, name, drop.name, folders))) {
        await moveIn(join(folders.root, drop.name), take);
        if (await isSameFile(take.input, drop.state)) return take;
        await putBack(take, folders, drop.name);
        await removeClaimedFile(take);
        return 'changed';
      }
    } catch (error) {
      // A network may lose the reply to a rename that was done: a room with a file in it stays, and is found later.
      await removeClaimedFile(take);
      if (isMissing(error)) return 'busy';
      throw error;
    }
    await removeClaimedFile(take);
  }
}

/**
 * Takes over a take that no living watcher has; its file may be gone. Returns null if there is none, or all are in good
 * hands, and `foreign` for a folder that no watcher made.
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
  // Its watcher died right after it had made the folder.
  return (await removeEmpty(folder)) ? null : 'foreign';
}

/** The ids of all takes in a folder of `working/`; null if the folder is gone. */
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

/** Where it is written down how a take ends. */
export function getJournalPath({ folder, id }: Pick<ClaimedFile, 'folder' | 'id'>): string {
  return join(folder, `${id}.ending.json`);
}

/** True if a take in that folder has come to its end, and only has to be brought to its place. */
export async function hasEnding(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => name.endsWith('.ending.json'));
}

/** Names in a room that go with the file when it ends: everything but unfinished temporary files of ours. */
export async function listRoom(room: string): Promise<readonly string[]> {
  return (await readNames(room)).filter((name) => !isTemporary(name)).sort();
}

/** True for an unfinished file of ours. */
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
 * Removes what watchers made of a take whose file is elsewhere by now, file by file. What somebody else has put there
 * stays, and keeps its folder.
 */
export async function removeClaimedFile(
  take: Pick<ClaimedFile, 'folder' | 'id' | 'room' | 'claim'>,
): Promise<void> {
  const { folder, id, room, claim } = take;
  // Looked at once: a room that was away for a moment must not be emptied when it is back.
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
    // Another watcher took the empty folder for one that was left behind.
    if (isMissing(error)) return null;
    throw error;
  }
  const claim = await takeClaim(folder, id, nowMs, names);
  return claim === null ? null : { name, id, folder, room, input: join(room, name), claim, state };
}

/** A drop that the system does not let go, as one that another program has open or that is somebody else's. */
export class HeldDropError extends Error {}

/** Nobody else knows the room, so a plain rename cannot replace anything there. */
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

/** From another file system. A drop that can be read and not removed leaves no copy, or it would be filled again and again. */
async function copyIn(from: string, take: ClaimedFile): Promise<void> {
  try {
    await moveFile(from, take.input, take.id);
  } catch (error) {
    if ((await readFileState(from)) !== null) await unlink(take.input).catch(ignoreMissing);
    throw error;
  }
}

/**
 * True if what was moved in is the regular file that was found whole. In a folder that others may write to, a link or
 * a FIFO may have been put in its place in between.
 */
async function isSameFile(input: string, found: FileState): Promise<boolean> {
  const state = await readFileState(input);
  if (state === null) return false;
  // Copied from another file system, it has a new inode; the copy itself takes regular files only.
  return state.device !== found.device || state.inode === found.inode;
}

/** Gives back what should not have been taken, under its own name or the next that is free. */
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

/** True for something in `working/` that is not a watcher's. */
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

/** Removes a folder if nothing is in it, which loses nothing whoever made it. */
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
 * Tells whether any of the names that a file will use is taken in `done/`, `failed/` or by a take at work. A file that
 * failed before under the name of the drop does not count: the drop is the mended one and takes its place.
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
  // Case may not tell names apart there.
  const folded = new Set([...used].map((each) => each.toLowerCase()));
  return names.some((each) => folded.has(each.toLowerCase()));
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}
