import type { EnrichHooks, SharedParts } from '../job/job-context.js';
import type { Clock } from '../model/clock.js';
import type { JobSummary } from '../model/events.js';
import type { EnrichOptions } from '../options.js';
import type { SharedThrottle } from '../run/shared-throttle.js';
import type { WatchEvent, WatchTally } from './events.js';
import type { DropFinder } from './find-drops.js';
import type { WatchFolders } from './folders.js';
import type { JobFiles } from './job-files.js';
import type { Aside } from './move-file.js';
import type { SharedRoom } from './shared-room.js';
import type { WatchSettings } from './watch-options.js';

/** State shared by the parts of one watcher. */
export interface Watcher {
  /** Settings for the next file; they may change from file to file. */
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
  readonly waiting: WaitingNames;
  readonly room: SharedRoom;
  /** Limits the starts of all files together. */
  readonly throttle: SharedThrottle;
  /** Fills one file. */
  fill(options: EnrichOptions, hooks: EnrichHooks, parts: SharedParts): Promise<JobSummary>;
  /** Writes the report of a filled file. */
  writeReport(jobId: string, output: string): Promise<void>;
}

/** The watcher as work on one file sees it. `settings` are those of the file, and do not change. */
export interface FileWatcher extends Watcher {
  /** Aborted when waits for a retry must end: the watcher takes no more files. */
  readonly ending: AbortSignal;
  /** True if the exclusion list is unchanged since it was accepted. Call it after the job has read the list. */
  isListSame(): boolean;
}

/** The files whose last event is a wait; null stands for the folder. */
export class WaitingNames {
  readonly #names = new Set<string | null>();

  follow(event: WatchEvent): void {
    switch (event.type) {
      case 'waiting':
        this.#names.add(event.file);
        return;
      case 'watching':
        this.#names.clear();
        return;
      case 'taken':
        // The folder is usable again, too.
        for (const name of [event.file, event.from, null]) this.#names.delete(name);
        return;
      case 'job':
      case 'done':
      case 'failed':
      case 'left':
        this.#names.delete(event.file);
    }
  }

  /** True if waits are over that no other event ends. Files that are still in work have a next event. */
  areOver(isInWork: (name: string) => boolean): boolean {
    return this.#names.size > 0 && ![...this.#names].some((name) => name !== null && isInWork(name));
  }
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
export async function pauseUntil(watcher: Pick<Watcher, 'clock' | 'signal'>, atMs: number): Promise<void> {
  const { clock, signal } = watcher;
  while (!signal.aborted && clock.now() < atMs) {
    await pause(watcher, Math.min(MAX_PAUSE_MS, atMs - clock.now()));
  }
}

const MAX_PAUSE_MS = 60_000;
