import type { ErrorKind } from '../errors.js';
import type { EnrichEvent, JobSummary } from '../model/events.js';

/** What happened to a file or a watcher, for a person: what, and what to do about it. */
export interface Problem {
  /** Stable, as that of an error. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/**
 * Why a watcher ended. `done`: with `once`, nothing is left that it could fill; `unreachable`, `disk_full`: with `once`,
 * a file waits for the agent or for room; `error`: it threw.
 */
export type WatchStop =
  | 'done'
  | 'interrupted'
  | 'refused'
  | 'unreachable'
  | 'disk_full'
  | 'budget'
  | 'ledger_moved'
  | 'error';

/** Why a file is in `failed/`: `usage` is a file that cannot be used, `nothing_found` one whose first answers hold no value. */
export type FailureKind = Extract<ErrorKind, 'usage' | 'budget' | 'unreachable' | 'defect'> | 'nothing_found';

/** How a file ended. Paths are seen from the watched folder. */
export type FileEnd =
  | {
      readonly type: 'done';
      readonly file: string;
      readonly input: string;
      readonly output: string;
      readonly summary: JobSummary;
    }
  | {
      readonly type: 'failed';
      readonly file: string;
      readonly input: string;
      readonly kind: FailureKind;
      readonly problem: Problem;
      /** What was done before it failed; null where nothing was asked. */
      readonly summary: JobSummary | null;
    };

/** What the library reports while it watches a folder. `file` is the name that a file will have in the end. */
export type WatchEvent =
  | { readonly type: 'watching'; readonly folder: string; readonly nextAtMs: number | null }
  /** Files of the job (recipe, schema, exclusion list, tables) have changed, and count from the next file on. */
  | { readonly type: 'job_changed'; readonly files: readonly string[] }
  /** Reported once for each file in the folder that is not filled. */
  | { readonly type: 'ignored'; readonly file: string; readonly reason: string }
  /** `resumed`: an earlier watcher had begun. */
  | { readonly type: 'taken'; readonly file: string; readonly from: string; readonly resumed: boolean }
  | { readonly type: 'job'; readonly file: string; readonly event: EnrichEvent }
  /** It is tried again after a while; `file` is null where it is the folder that makes trouble. */
  | {
      readonly type: 'waiting';
      readonly file: string | null;
      readonly problem: Problem;
      readonly delayMs: number;
    }
  | FileEnd
  /** A file stays in `working/` and is carried on at the next start. */
  | {
      readonly type: 'left';
      readonly file: string;
      readonly stop: WatchStop;
      readonly problem: Problem | null;
    }
  | { readonly type: 'stopped'; readonly summary: WatchSummary };

/** What a watcher did from its start to its end. */
export interface WatchSummary {
  readonly stop: WatchStop;
  /** What stopped it, where an error did. */
  readonly problem: Problem | null;
  readonly done: number;
  readonly failed: Readonly<Record<FailureKind, number>>;
  /** Rows that failed in files that are done. */
  readonly rowsFailed: number;
  /** What the files were billed that came to their end. */
  readonly costMicros: number;
  /** With `once`: files that are left for the next time, dropped or in `working/`. */
  readonly left: readonly string[];
}

/** Adds up what a watcher does. */
export class WatchTally {
  readonly #failed: Record<FailureKind, number> = {
    usage: 0,
    budget: 0,
    unreachable: 0,
    defect: 0,
    nothing_found: 0,
  };
  #done = 0;
  #rowsFailed = 0;
  #costMicros = 0;

  count(end: FileEnd): void {
    this.#costMicros += end.summary?.costMicros ?? 0;
    if (end.type === 'failed') {
      this.#failed[end.kind] += 1;
    } else {
      this.#done += 1;
      this.#rowsFailed += end.summary.rows.failed;
    }
  }

  createSummary(stop: WatchStop, problem: Problem | null, left: readonly string[] = []): WatchSummary {
    return {
      stop,
      problem,
      done: this.#done,
      failed: { ...this.#failed },
      rowsFailed: this.#rowsFailed,
      costMicros: this.#costMicros,
      left,
    };
  }
}
