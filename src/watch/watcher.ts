import type { EnrichHooks } from '../job/job-context.js';
import type { FolderBudget } from '../job/progress.js';
import type { Clock } from '../model/clock.js';
import type { JobSummary } from '../model/events.js';
import type { EnrichOptions } from '../options.js';
import type { WatchEvent, WatchTally } from './events.js';
import type { DropFinder } from './find-drops.js';
import type { WatchFolders } from './folders.js';
import type { JobFiles } from './job-files.js';
import type { Aside } from './move-file.js';
import type { WatchSettings } from './watch-options.js';

/** What the parts of one watcher share. */
export interface Watcher {
  /** How the job is for the file at work; it may change from file to file. */
  readonly settings: WatchSettings;
  readonly jobFiles: JobFiles;
  readonly folders: WatchFolders;
  readonly finder: DropFinder;
  readonly aside: Aside;
  /** Drops that the system does not let go. */
  readonly heldDrops: Aside;
  readonly tally: WatchTally;
  readonly clock: Clock;
  /** Aborted when the watcher is told to stop. */
  readonly signal: AbortSignal;
  report(event: WatchEvent): void;
  /** True from a wait that was reported until something moves again. */
  isWaiting(): boolean;
  /** Fills one file: `enrich`. */
  fill(options: EnrichOptions, hooks: EnrichHooks, budget: FolderBudget | null): Promise<JobSummary>;
}

/** Sleeps, or wakes up at once when the watcher is told to stop. */
export async function pause({ clock, signal }: Watcher, delayMs: number): Promise<void> {
  if (signal.aborted) return;
  await clock.sleep(delayMs, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Sleeps until a moment of the calendar, which may come sooner or later than a long sleep would end. */
export async function pauseUntil(watcher: Watcher, atMs: number): Promise<void> {
  const { clock, signal } = watcher;
  while (!signal.aborted && clock.now() < atMs) {
    await pause(watcher, Math.min(MAX_PAUSE_MS, atMs - clock.now()));
  }
}

const MAX_PAUSE_MS = 60_000;
