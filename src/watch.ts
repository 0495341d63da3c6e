import { setMaxListeners } from 'node:events';
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { enrichWith } from './enrich.js';
import { createUsageError } from './errors.js';
import { resolveLedgerPath } from './ledger/ledger-path.js';
import { openLedger } from './ledger/open-ledger.js';
import { type Clock, systemClock } from './model/clock.js';
import { checkOptionTypes } from './model/option-types.js';
import { SharedThrottle } from './run/shared-throttle.js';
import type { ClaimedFile } from './watch/claimed-file.js';
import { type WatchEvent, type WatchSummary, WatchTally } from './watch/events.js';
import { isSystemError } from './watch/file-state.js';
import { type End, FilesInWork } from './watch/files-in-work.js';
import { DropFinder } from './watch/find-drops.js';
import { claimNext, countBacklog, listLeft } from './watch/find-next.js';
import {
  isFolderAway,
  noteFolderPath,
  openFolders,
  remakeFolders,
  type WatchFolders,
} from './watch/folders.js';
import { JobFiles, type JobLook } from './watch/job-files.js';
import { Aside } from './watch/move-file.js';
import { processFile } from './watch/process-file.js';
import { SharedRoom } from './watch/shared-room.js';
import { computeRetryDelayMs, describeProblem, isDiskFull } from './watch/verdict.js';
import { checkJob, resolveWatch, type WatchOptions, type WatchSettings } from './watch/watch-options.js';
import { pause, pauseUntil, WaitingNames, type Watcher } from './watch/watcher.js';

export type { FileEnd, Problem, WatchEvent, WatchStop, WatchSummary } from './watch/events.js';
export type { WatchJob, WatchOptions } from './watch/watch-options.js';

/** Callbacks and controls of a program that watches a folder. */
export interface WatchHooks {
  /** Called with every event; must not throw. */
  readonly onEvent?: (event: WatchEvent) => void;
  /** Called once the folder is open, with an object to query the watcher. */
  readonly onStart?: (inspector: WatchInspector) => void;
  /** Aborting stops the watcher gracefully. Unfinished files stay in `working/` and continue at the next start. */
  readonly signal?: AbortSignal;
  /** @default the system clock */
  readonly clock?: Clock;
}

/** Queries a running watcher. */
export interface WatchInspector {
  /** Counts complete files that wait and files in `working/`. Rejects if the folder cannot be read. */
  countBacklog(): Promise<number>;
}

const HOOK_TYPES = { onEvent: 'function', onStart: 'function', signal: 'signal', clock: 'object' } as const;

const INTERRUPTED: End = { stop: 'interrupted', problem: null };
const DONE: End = { stop: 'done', problem: null };

/**
 * Fills files dropped into a folder. Moves each with its output to `done/`, or to `failed/` with a text file that says
 * why. If killed at any moment, it continues at its next start. Two watchers never take the same file.
 *
 * Resolves when `signal` aborts, when the agent refuses, or, with `once`, when nothing is left to fill. Throws a usage
 * error if the job itself cannot be used for any file.
 */
export async function watchFolder(options: WatchOptions, hooks: WatchHooks = {}): Promise<WatchSummary> {
  const settings = resolveWatch(options);
  checkOptionTypes('the hooks of watchFolder', hooks, HOOK_TYPES);
  await checkJob(settings, settings.once);
  const waiting = new WaitingNames();
  const report = (event: WatchEvent): void => {
    waiting.follow(event);
    hooks.onEvent?.(event);
  };
  const tally = new WatchTally();
  const timing = {
    clock: hooks.clock ?? systemClock,
    signal: hooks.signal ?? new AbortController().signal,
  };
  const folders = await waitForFolders(options.folder, { ...timing, report, once: settings.once });
  if (folders === null) {
    const stopped = tally.createSummary(INTERRUPTED.stop, null);
    report({ type: 'stopped', summary: stopped });
    return stopped;
  }
  await checkReference(settings, folders);
  await noteFolderPath(folders, settings.job.ledger);
  const keep = await Promise.all(settings.keep.map((path) => realpath(path).catch(() => resolve(path))));
  const { reload } = options;
  const readSettings = async () =>
    reload === undefined ? settings : resolveWatch({ ...options, job: await reload() });
  const jobFiles = new JobFiles(settings, readSettings, options.recipes ?? [], folders.working);
  const watcher: Watcher = {
    get settings() {
      return jobFiles.settings;
    },
    jobFiles,
    folders,
    finder: new DropFinder(folders, { ...settings, keep }, (file, reason) =>
      report({ type: 'ignored', file, reason }),
    ),
    aside: new Aside(),
    heldDrops: new Aside(),
    tally,
    ...timing,
    report,
    waiting,
    room: new SharedRoom(),
    throttle: new SharedThrottle(),
    fill: (job, jobHooks, parts) => enrichWith(openLedger, job, jobHooks, parts),
    writeReport: async (job, output) => {
      // Loaded only when needed.
      const { writeReport } = await import('./view/report.js');
      await writeReport({ job, output, ledger: settings.job.ledger ?? resolveLedgerPath({}) });
    },
  };
  hooks.onStart?.({ countBacklog: () => countBacklog(watcher) });
  const {
    stop,
    problem,
    left = [],
  } = await keepWatching(watcher).catch((error: unknown) => {
    report({ type: 'stopped', summary: watcher.tally.createSummary('error', describeProblem(error)) });
    throw error;
  });
  const summary = watcher.tally.createSummary(stop, problem, left);
  report({ type: 'stopped', summary });
  return summary;
}

/** Opens the watched folder; waits for it if it is away, for example because a disk is not mounted yet. Null if stopped. */
async function waitForFolders(
  path: string,
  { clock, signal, report, once }: Pick<Watcher, 'clock' | 'signal' | 'report'> & { readonly once: boolean },
): Promise<WatchFolders | null> {
  for (let tries = 1; !signal.aborted; tries += 1) {
    try {
      return await openFolders(path);
    } catch (error) {
      if (once || !isFolderAway(error)) throw error;
      const delayMs = computeRetryDelayMs(tries, clock.random());
      report({ type: 'waiting', file: null, problem: describeProblem(error), delayMs });
      await pause({ clock, signal }, delayMs);
    }
  }
  return null;
}

/** Refuses reference tables in the watched folder: they would be filled and moved away. */
async function checkReference({ job }: WatchSettings, { root }: WatchFolders): Promise<void> {
  if (job.reference === undefined || (await realpath(job.reference).catch(() => null)) !== root) return;
  throw createUsageError(
    'WATCH_REFERENCE',
    `--reference ${job.reference} is the watched folder: its tables would be filled and moved away`,
    'Keep the tables in a separate folder.',
  );
}

async function keepWatching(watcher: Watcher): Promise<End> {
  const { settings, folders, report, clock, signal } = watcher;
  const { schedule, once } = settings;
  if (schedule === null) {
    report({ type: 'watching', folder: folders.root, nextAtMs: null });
    return fillFiles(watcher, { withDrops: true, untilEmpty: once });
  }
  // Files that were already started do not wait for the scheduled time.
  let end = await fillFiles(watcher, { withDrops: false, untilEmpty: true });
  while (end.stop === 'done') {
    const nextAtMs = schedule.findNext(clock.now());
    report({ type: 'watching', folder: folders.root, nextAtMs });
    await pauseUntil(watcher, nextAtMs);
    end = signal.aborted ? INTERRUPTED : await fillFiles(watcher, { withDrops: true, untilEmpty: true });
  }
  return end;
}

interface Pass {
  /** True to also take dropped files, not only those that were already started. */
  readonly withDrops: boolean;
  /** True to end when no complete file is left. */
  readonly untilEmpty: boolean;
}

interface Slots {
  readonly work: FilesInWork;
  /** Aborted once no more files may be taken. */
  readonly ending: AbortSignal;
  /** Starts work on a file. */
  start(take: ClaimedFile): void;
}

/**
 * Fills files, several at once. If one of them ends the watcher, the others are finished first. An error stops all of
 * them.
 */
async function fillFiles(watcher: Watcher, pass: Pass): Promise<End> {
  const halt = new AbortController();
  const work = new FilesInWork(watcher);
  const signal = AbortSignal.any([watcher.signal, halt.signal]);
  const ending = AbortSignal.any([signal, work.ending]);
  // Each file listens, so more listeners than by default are expected.
  setMaxListeners(0, signal, ending);
  const start = (take: ClaimedFile): void => {
    const { settings } = watcher;
    const isListSame = watcher.jobFiles.createListCheck();
    work.start(take, () => processFile({ ...watcher, settings, isListSame, signal, ending }, take));
  };
  try {
    const end = await takeFiles(watcher, pass, { work, ending, start });
    await work.finish();
    // After a system error, the file stays in `working/` and continues at the next start.
    work.throwFailure((error) => !isSystemError(error));
    return work.end ?? end;
  } catch (error) {
    halt.abort();
    await work.finish();
    throw error;
  }
}

/** Starts work on files, oldest first. Retries if the folder cannot be reached, for example on a network share. */
async function takeFiles(watcher: Watcher, pass: Pass, { work, ending, start }: Slots): Promise<End> {
  const { clock, report, folders, aside, heldDrops, jobFiles } = watcher;
  const { settleMs, pollMs, once } = watcher.settings;
  // Time of the first check that found nothing to take. Files seen then have had time to settle since.
  let quietSinceMs: number | null = null;
  let troubles = 0;
  while (!ending.aborted) {
    try {
      work.throwFailure();
      if (work.isFull) {
        await work.waitForChange();
        continue;
      }
      const isIdle = work.isEmpty;
      const lookedAtMs = clock.now();
      await remakeFolders(folders);
      const look = await jobFiles.look(lookedAtMs);
      if (look.status === 'ready' && look.changed.length > 0) {
        report({ type: 'job_changed', files: look.changed });
      }
      if (ending.aborted) break;
      // A file that has just ended the watcher must not be taken again.
      const found = await claimNext(watcher, {
        withDrops: pass.withDrops,
        mayTake: look.status === 'ready',
        isInWork: (name) => ending.aborted || work.includes(name),
      });
      if (found.isHeld) {
        troubles = await holdFiles(watcher, look, troubles, ending);
        continue;
      }
      if (found.take !== null) start(found.take);
      if (found.take !== null || !isIdle) quietSinceMs = null;
      if (found.take === null) {
        const isLong = quietSinceMs !== null && lookedAtMs - quietSinceMs > settleMs + 2 * pollMs;
        if (isIdle) quietSinceMs ??= clock.now();
        // Files that are still changing by now are left for the next run.
        const isOver = isIdle && (found.unsettled.length === 0 || isLong) && !aside.isAwaited;
        if (pass.untilEmpty && isOver) {
          return once ? { ...DONE, left: [...(await listLeft(watcher)), ...found.unsettled] } : DONE;
        }
        // The problem is over, and no other event would report that.
        if (aside.isEmpty && heldDrops.isEmpty && watcher.waiting.areOver((name) => work.includes(name))) {
          report({ type: 'watching', folder: folders.root, nextAtMs: null });
        }
        await work.pause(pollMs);
      }
      troubles = 0;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      const problem = describeProblem(error);
      if (once && isDiskFull(problem)) return { stop: 'disk_full', problem };
      if (once)
        throw createUsageError('WATCH_TROUBLE', problem.message, 'Check the folder and its disk.', error);
      troubles += 1;
      const delayMs = computeRetryDelayMs(troubles, clock.random());
      report({ type: 'waiting', file: null, problem, delayMs });
      await pause({ clock, signal: ending }, delayMs);
    }
  }
  return INTERRUPTED;
}

/** Waits before the job's files are checked again. Returns how many times in a row they were unusable. */
async function holdFiles(
  watcher: Watcher,
  look: JobLook,
  troubles: number,
  ending: AbortSignal,
): Promise<number> {
  const { clock, report, settings } = watcher;
  if (look.status === 'ready') return 0;
  if (look.status === 'unusable' && settings.once) throw look.error;
  const next = look.status === 'unusable' ? troubles + 1 : 0;
  const delayMs = next === 0 ? settings.pollMs : computeRetryDelayMs(next, clock.random());
  report({ type: 'waiting', file: null, problem: look.problem, delayMs });
  await pause({ clock, signal: ending }, delayMs);
  return next;
}
