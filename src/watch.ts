import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { enrich } from './enrich.js';
import { createUsageError } from './errors.js';
import { type Clock, systemClock } from './model/clock.js';
import { checkOptionTypes } from './model/option-types.js';
import { checkJob } from './watch/check-job.js';
import { finishEnding, writeEnding } from './watch/ending.js';
import type { Problem, WatchEvent, WatchStop, WatchSummary } from './watch/events.js';
import { isSystemError } from './watch/file-state.js';
import { fillTake } from './watch/fill-take.js';
import { DropFinder } from './watch/find-drops.js';
import { findTake } from './watch/find-take.js';
import { openFolders } from './watch/folders.js';
import { readRetryDelayMs } from './watch/retry-delay.js';
import type { Take } from './watch/take.js';
import { describeProblem } from './watch/verdict.js';
import { resolveWatch, type WatchOptions } from './watch/watch-options.js';
import { WatchTally } from './watch/watch-tally.js';
import { pause, pauseUntil, type Watcher } from './watch/watcher.js';

export type { FileEnd, Problem, WatchEvent, WatchStop, WatchSummary } from './watch/events.js';
export type { WatchJob, WatchOptions } from './watch/watch-options.js';

/** How a program takes part in watching: what it hears, and how it ends it. */
export interface WatchHooks {
  /** Hears what happens; must not throw. */
  readonly onEvent?: (event: WatchEvent) => void;
  /** Aborting stops the watcher gracefully: the file at work stays in `working/`, and is carried on at the next start. */
  readonly signal?: AbortSignal;
  /** @default the machine's own */
  readonly clock?: Clock;
}

const HOOK_TYPES = { onEvent: 'function', signal: 'signal', clock: 'object' } as const;

/** Why a watcher stops. */
interface End {
  readonly stop: WatchStop;
  readonly problem: Problem | null;
}

const INTERRUPTED: End = { stop: 'interrupted', problem: null };
const DONE: End = { stop: 'done', problem: null };

/**
 * Fills files as they are dropped into a folder, and moves each with its output to `done/`, or to `failed/` with a text
 * that says why. Killed at any moment, it carries on at its next start; two watchers never take the same file.
 *
 * Resolves when it was told to stop, when the agent refused, or, with `once`, when nothing is left to fill. Throws a
 * usage error for a job that no file could be filled with.
 */
export async function watchFolder(options: WatchOptions, hooks: WatchHooks = {}): Promise<WatchSummary> {
  const settings = resolveWatch(options);
  checkOptionTypes('the hooks of watchFolder', hooks, HOOK_TYPES);
  await checkJob(settings);
  const folders = await openFolders(options.folder);
  const report = hooks.onEvent ?? (() => undefined);
  const keep = await Promise.all(settings.keep.map((path) => realpath(path).catch(() => resolve(path))));
  const watcher: Watcher = {
    settings,
    folders,
    finder: new DropFinder(folders, { ...settings, keep }, (file, reason) =>
      report({ type: 'ignored', file, reason }),
    ),
    tally: new WatchTally(),
    clock: hooks.clock ?? systemClock,
    signal: hooks.signal ?? new AbortController().signal,
    report,
    fill: enrich,
  };
  const { stop, problem } = await keepWatching(watcher);
  const summary = watcher.tally.createSummary(stop, problem);
  report({ type: 'stopped', summary });
  return summary;
}

async function keepWatching(watcher: Watcher): Promise<End> {
  const { settings, folders, report, clock, signal } = watcher;
  const { schedule, once } = settings;
  if (schedule === null) {
    report({ type: 'watching', folder: folders.root, nextAtMs: null });
    return fillFiles(watcher, { withDrops: true, untilNone: once });
  }
  // What was begun does not wait for its hour.
  let end = await fillFiles(watcher, { withDrops: false, untilNone: true });
  while (end.stop === 'done') {
    const nextAtMs = schedule.findNext(clock.now());
    report({ type: 'watching', folder: folders.root, nextAtMs });
    await pauseUntil(watcher, nextAtMs);
    end = signal.aborted ? INTERRUPTED : await fillFiles(watcher, { withDrops: true, untilNone: true });
  }
  return end;
}

interface Pass {
  /** Files that were dropped are taken too, and not only those that were begun. */
  readonly withDrops: boolean;
  /** It ends when nothing is left that is whole. */
  readonly untilNone: boolean;
}

/** Fills one file after the other. A folder that cannot be reached is tried again, as a network has its moments. */
async function fillFiles(watcher: Watcher, pass: Pass): Promise<End> {
  const { settings, clock, signal, report } = watcher;
  const { settleMs, pollMs, once } = settings;
  // From the first look that found nothing to take: what was seen then has had its time to settle since.
  let quietSinceMs: number | null = null;
  let troubles = 0;
  while (!signal.aborted) {
    try {
      const lookedAtMs = clock.now();
      const found = await findTake(watcher, pass.withDrops);
      if (found.take !== null) {
        const end = await bringToEnd(watcher, found.take);
        if (end !== null) return end;
        quietSinceMs = null;
      } else {
        const isLong = quietSinceMs !== null && lookedAtMs - quietSinceMs > settleMs + 2 * pollMs;
        quietSinceMs ??= clock.now();
        // What still changes after so long is left for the next time.
        const isOver = found.unsettled === 0 || isLong;
        if (pass.untilNone && isOver) return DONE;
        await pause(watcher, pollMs);
      }
      troubles = 0;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      const problem = describeProblem(error);
      if (once)
        throw createUsageError('WATCH_TROUBLE', problem.message, 'See what is wrong with the folder.', error);
      troubles += 1;
      const delayMs = readRetryDelayMs(troubles, clock.random());
      report({ type: 'waiting', file: null, problem, delayMs });
      await pause(watcher, delayMs);
    }
  }
  return INTERRUPTED;
}

/** The way of one file: filled, judged, moved. Whatever stops it, the file is let go for the next who comes. */
async function bringToEnd(watcher: Watcher, take: Take): Promise<End | null> {
  const { folders, report, tally, settings, clock } = watcher;
  try {
    const verdict = await fillTake(watcher, take);
    if (verdict === null) return null;
    if (verdict.status === 'broken') throw verdict.error;
    if (verdict.status === 'stop') {
      report({ type: 'left', file: take.name, ...verdict });
      return verdict;
    }
    await writeEnding(take, verdict, folders);
    const end = await finishEnding(take, folders);
    if (end === null) return null;
    tally.count(end);
    report(end);
    if (end.type === 'done' || end.kind !== 'unreachable') return null;
    // The next file would meet the same agent.
    if (settings.once) return { stop: 'unreachable', problem: end.problem };
    await pause(watcher, readRetryDelayMs(UNREACHABLE_TRIES, clock.random()));
    return null;
  } finally {
    await take.claim.close();
  }
}

/** Waits as long as after so many tries in vain. */
const UNREACHABLE_TRIES = 5;
