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

/** State shared by the parts of one watcher. */
export interface Watcher {
  /** Settings for the current file; they may change from file to file. */
  readonly settings: WatchSettings;
  readonly jobFiles: JobFiles;
  readonly folders: WatchFolders;
  readonly finder: DropFinder;
  readonly aside: Aside;
  /** Dropped files that cannot be moved now, for example because another program has them open. */
  readonly heldDrops: Aside;
  readonly tally: WatchTally;
  readonly clock: Clock;
  /** Aborted to stop the watcher. */
  readonly signal: AbortSignal;
  report(event: WatchEvent): void;
  /** True if the last reported event is a wait. */
  isWaiting(): boolean;
  /** Fills one file: `enrich`. */
  fill(options: EnrichOptions, hooks: EnrichHooks, budget: FolderBudget | null): Promise<JobSummary>;
}

/** Sleeps; returns at once if the watcher is stopped. */
export async function pause(
  { clock, signal }: Pick<Watcher, 'clock' | 'signal'>,
  delayMs: number,
): Promise<void> {
  if (signal.aborted) return;
  await clock.sleep(delayMs, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Sleeps until a wall clock time, in short steps, because the clock may be changed meanwhile. */
export async function pauseUntil(watcher: Watcher, atMs: number): Promise<void> {
  const { clock, signal } = watcher;
  while (!signal.aborted && clock.now() < atMs) {
    await pause(watcher, Math.min(MAX_PAUSE_MS, atMs - clock.now()));
  }
}

const MAX_PAUSE_MS = 60_000;
