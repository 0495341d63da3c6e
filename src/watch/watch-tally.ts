import type { FailureKind, FileEnd, Problem, WatchStop, WatchSummary } from './events.js';

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
