import type { ErrorKind } from '../errors.js';
import type { EnrichEvent, JobSummary } from '../model/events.js';

/** A problem with a file or the watcher, described for the user. */
export interface Problem {
  /** Stable, like an error code. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/**
 * Why a watcher ended. `done`: with `once`, nothing is left to fill; `unreachable`, `disk_full`: with `once`, a file
 * waits for the agent or for disk space; `error`: it threw.
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

/** Why a file is in `failed/`. `usage`: it cannot be used; `nothing_found`: its first answers have no values. */
export type FailureKind = Extract<ErrorKind, 'usage' | 'budget' | 'unreachable' | 'defect'> | 'nothing_found';

/** How a file ended. Paths are relative to the watched folder. */
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
      /** What was done before it failed; null if nothing was sent. */
      readonly summary: JobSummary | null;
    };

/** Events of a watcher. `file` is the final name of a file. */
export type WatchEvent =
  | { readonly type: 'watching'; readonly folder: string; readonly nextAtMs: number | null }
  /** Files of the job (recipe, schema, exclusion list, tables) have changed and apply from the next file on. */
  | { readonly type: 'job_changed'; readonly files: readonly string[] }
  /** Reported once for each file in the folder that is not filled. */
  | { readonly type: 'ignored'; readonly file: string; readonly reason: string }
  /** `resumed`: an earlier watcher had started it. */
  | { readonly type: 'taken'; readonly file: string; readonly from: string; readonly resumed: boolean }
  | { readonly type: 'job'; readonly file: string; readonly event: EnrichEvent }
  /** A retry follows after `delayMs`. `file` is null if the problem is with the folder or the job. */
  | {
      readonly type: 'waiting';
      readonly file: string | null;
      readonly problem: Problem;
      readonly delayMs: number;
    }
  | FileEnd
  /** A file stays in `working/` and continues at the next start. */
  | {
      readonly type: 'left';
      readonly file: string;
      readonly stop: WatchStop;
      readonly problem: Problem | null;
    }
  | { readonly type: 'stopped'; readonly summary: WatchSummary };

/** The result of a watcher. */
export interface WatchSummary {
  readonly stop: WatchStop;
  /** The error that stopped it, or null. */
  readonly problem: Problem | null;
  readonly done: number;
  readonly failed: Readonly<Record<FailureKind, number>>;
  /** Rows that failed in files that are done. */
  readonly rowsFailed: number;
  /** Billed cost of the files that ended. */
  readonly costMicros: number;
  /** With `once`: files left for the next run, dropped or in `working/`. */
  readonly left: readonly string[];
}

/** Totals of a watcher. */
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
