import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { resolveFileSettings } from './check-job.js';
import { finishEnding, listResultNames } from './ending.js';
import { isSystemError, readFileState } from './file-state.js';
import { type Drop, removeTake, type Take, takeDrop, takeOrphan } from './take.js';
import type { Watcher } from './watcher.js';

export interface Found {
  readonly take: Take | null;
  /** How many files are still being written. */
  readonly unsettled: number;
}

/** Finds the next file to fill: one that a watcher left behind first, then, if wanted, one that was dropped. */
export async function findTake(watcher: Watcher, withDrops: boolean): Promise<Found> {
  const { clock, finder } = watcher;
  const orphan = await findOrphan(watcher);
  if (orphan !== null || !withDrops) return { take: orphan, unsettled: 0 };
  const { whole, unsettled } = await finder.find(clock.now());
  for (const drop of whole) {
    const take = await tryDrop(watcher, drop);
    if (take !== null) return { take, unsettled };
  }
  return { take: null, unsettled };
}

/** What had come to its end before its watcher died is brought to its place on the way. */
async function findOrphan(watcher: Watcher): Promise<Take | null> {
  const { folders, clock, tally, report } = watcher;
  const entries = await readdir(folders.working, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  for (const name of names.sort()) {
    const take = await takeOrphan(name, folders, clock.now());
    if (take === null) continue;
    try {
      const end = await finishEnding(take, folders);
      if (end !== null) {
        tally.count(end);
        report(end);
      } else if ((await readFileState(take.input)) === null) {
        // Its watcher died before it had the file, or somebody took it away.
        await removeTake(take);
      } else {
        report({ type: 'taken', file: name, from: name, resumed: true });
        return take;
      }
    } catch (error) {
      await take.claim.close();
      throw error;
    }
  }
  return null;
}

/** A file that may not be moved must not keep the others waiting. */
async function tryDrop(watcher: Watcher, drop: Drop): Promise<Take | null> {
  const { folders, settings, clock, finder, report } = watcher;
  const readResultNames = (name: string): readonly string[] =>
    listResultNames(name, [
      basename(resolveFileSettings(settings.job, name).output),
      ...(settings.job.citationsFile === undefined ? [] : [`${name}.citations.jsonl`]),
    ]);
  try {
    const take = await takeDrop(drop, folders, readResultNames, clock.now());
    if (take !== null) report({ type: 'taken', file: take.name, from: drop.name, resumed: false });
    return take;
  } catch (error) {
    if (!isSystemError(error) || error.syscall !== 'rename') throw error;
    finder.ignore(drop.name, error.message);
    return null;
  }
}
