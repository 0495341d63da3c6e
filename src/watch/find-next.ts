import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RowfillError } from '../errors.js';
import { resolveLedgerPath } from '../ledger/ledger-path.js';
import { openLedger } from '../ledger/open-ledger.js';
import { resolveReport } from '../options.js';
import { identifyFile } from '../write/file-identity.js';
import { isHeldByLiveProcess } from './claim.js';
import {
  adoptOrphan,
  type ClaimedFile,
  claimDrop,
  type Drop,
  HeldDropError,
  hasEnding,
  listClaimedFiles,
  listRoom,
  putBack,
  removeClaimedFile,
} from './claimed-file.js';
import { applyEnding, InvalidEndingError, listResultNames, type PlacedFiles } from './ending.js';
import { isSameState, isSystemError, readFileState } from './file-state.js';
import { tryFolders } from './folders.js';
import { isOwnLog } from './own-log.js';
import { resolveFileSettings } from './watch-options.js';
import type { Watcher } from './watcher.js';

interface Found {
  readonly take: ClaimedFile | null;
  /** True if there was a file, but none may be taken now. */
  readonly isHeld: boolean;
  /** Dropped files that cannot be taken yet: still changing, or not movable. */
  readonly unsettled: readonly string[];
}

interface ClaimOptions {
  /** True to also claim dropped files, not only those that were already started. */
  readonly withDrops: boolean;
  readonly mayTake: boolean;
  isInWork(name: string): boolean;
}

/**
 * Claims the next file to fill: first one left behind by a watcher, then, if wanted, a dropped one. If `mayTake` is
 * false, only moves finished files to their place. Files named by `isInWork` are this watcher's own.
 */
export async function claimNext(
  watcher: Watcher,
  { withDrops, mayTake, isInWork }: ClaimOptions,
): Promise<Found> {
  const { clock, finder, folders, heldDrops } = watcher;
  const orphan = await findOrphan(watcher, mayTake, isInWork);
  if (orphan === 'held') return { take: null, isHeld: true, unsettled: [] };
  if (orphan !== null || !withDrops) return { take: orphan, isHeld: false, unsettled: [] };
  const { whole, unsettled } = await finder.find(clock.now());
  if (whole.length > 0 && !mayTake) return { take: null, isHeld: true, unsettled };
  if (whole.length > 0) await tryFolders(folders);
  heldDrops.keepOnly(whole.map(({ name }) => name));
  const held: string[] = [];
  for (const drop of whole) {
    const take = heldDrops.isDue(drop.name, clock.now()) ? await tryDrop(watcher, drop) : 'held';
    if (take === 'held') held.push(drop.name);
    else if (take !== null) return { take, isHeld: false, unsettled };
  }
  return { take: null, isHeld: false, unsettled: [...unsettled, ...held] };
}

/** Lists the files in `working/` that no live watcher of this machine works on. */
export async function listLeft({ folders }: Watcher): Promise<readonly string[]> {
  const left: string[] = [];
  for (const name of (await readdir(folders.working)).sort()) {
    const folder = join(folders.working, name);
    for (const id of (await listClaimedFiles(folder)) ?? []) {
      const isThere = (await readFileState(join(folder, id, name))) !== null;
      if (isThere && !(await isHeldByLiveProcess(folder, id))) left.push(name);
    }
  }
  return left;
}

/** Finds a file whose watcher died. Files that were already finished are moved to their place. */
async function findOrphan(
  watcher: Watcher,
  mayTake: boolean,
  isInWork: ClaimOptions['isInWork'],
): Promise<ClaimedFile | 'held' | null> {
  const { folders, aside, clock, report } = watcher;
  const names = (await readdir(folders.working)).sort();
  aside.keepOnly(names);
  for (const name of names) {
    if (name.startsWith('.') || isInWork(name) || !aside.isDue(name, clock.now())) continue;
    try {
      if (!mayTake && !(await hasEnding(join(folders.working, name)))) continue;
      const take = await openOrphan(watcher, name);
      if (take !== null) return take;
    } catch (error) {
      // An error with one file does not block others.
      if (!isSystemError(error) && !isLedgerTrouble(error)) throw error;
      aside.putForTrouble(name, error, clock.now(), clock.random(), report);
    }
  }
  return mayTake || (await listLeft(watcher)).length === 0 ? null : 'held';
}

async function openOrphan(watcher: Watcher, name: string): Promise<ClaimedFile | null> {
  const { folders, clock, tally, report, finder, aside, settings } = watcher;
  const found = await adoptOrphan(name, folders, clock.now());
  if (found === null) return null;
  if (found === 'foreign') {
    finder.ignoreWorking(name, 'it was not put there by a watcher');
    return null;
  }
  try {
    const end = await applyEnding(found, folders, (placed) => notePlace(placed, settings.job.ledger));
    if (end !== null) {
      tally.count(end);
      report(end);
      return null;
    }
    const state = await readFileState(found.input);
    if (state === null) {
      await clearTake(watcher, found);
      return null;
    }
    const last = aside.getState(name);
    if (last !== null && !isSameState(last, state)) {
      // It is still changing.
      aside.put(name, clock.now() + settings.settleMs, state, true);
      await found.claim.close();
      return null;
    }
    await tryFolders(folders);
    aside.forget(name);
    report({ type: 'taken', file: name, from: name, resumed: last === null });
    return found;
  } catch (error) {
    await found.claim.close();
    if (!(error instanceof InvalidEndingError)) throw error;
    finder.ignoreWorking(name, error.message);
    return null;
  }
}

/**
 * Cleans up a claim without its file: the watcher died before moving it, or somebody removed it or put a link there.
 */
async function clearTake({ folders, finder }: Watcher, take: ClaimedFile): Promise<void> {
  const names = await listRoom(take.room);
  if (names.includes(take.name)) await putBack(take, folders, take.name);
  await removeClaimedFile(take);
  if (names.some((name) => name !== take.name)) {
    finder.ignoreWorking(take.name, 'its file is gone; the other files there are kept');
  }
}

/** Claims a dropped file. If it cannot be moved now, it waits for its next try and blocks no other. */
async function tryDrop(watcher: Watcher, drop: Drop): Promise<ClaimedFile | null | 'held'> {
  const { folders, settings, clock, finder, heldDrops, report } = watcher;
  const readResultNames = (name: string): readonly string[] =>
    listResultNames(name, [
      basename(resolveFileSettings(settings.job, name).output),
      ...(settings.job.citationsFile === undefined ? [] : [`${name}.citations.jsonl`]),
      ...(settings.hasReport ? [resolveReport(name)] : []),
    ]);
  try {
    if (await isOwnLog(join(folders.root, drop.name))) {
      finder.ignore(drop.name, 'it is a rowfill log');
      return null;
    }
    const take = await claimDrop(drop, folders, readResultNames, clock.now());
    if (typeof take === 'string') return null;
    report({ type: 'taken', file: take.name, from: drop.name, resumed: false });
    return take;
  } catch (error) {
    if (!(error instanceof HeldDropError)) throw error;
    heldDrops.putForTrouble(drop.name, error.cause, clock.now(), clock.random(), report);
    return 'held';
  }
}

/** Records in the ledger where a file and its output are now, for `status` and `export`. */
export async function notePlace({ from, to }: PlacedFiles, ledgerPath: string | undefined): Promise<void> {
  const ledger = await openLedger(ledgerPath ?? resolveLedgerPath({}));
  try {
    const output =
      from.output === null || to.output === null
        ? null
        : { from: identifyFile(from.output).path, to: identifyFile(to.output).path };
    await ledger.placeJobs(from.input, { input: to.input, output: to.output }, output);
  } finally {
    await ledger.close();
  }
}

/** True for a ledger that cannot be used now, which is not the file's fault. */
export function isLedgerTrouble(error: unknown): boolean {
  return error instanceof RowfillError && error.code.startsWith('LEDGER_');
}

/** Counts the unfinished files: complete files that wait, and all files in `working/`. */
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

/** True if a folder of `working/` has a claimed file. Foreign folders and claims without a file do not count. */
async function hasFile(working: string, name: string): Promise<boolean> {
  const folder = join(working, name);
  for (const id of (await listClaimedFiles(folder).catch(() => null)) ?? []) {
    if ((await readFileState(join(folder, id, name)).catch(() => null)) !== null) return true;
  }
  return false;
}
