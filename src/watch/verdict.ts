import { describeError, RowfillError } from '../errors.js';
import type { JobSummary, ReachedBudget } from '../model/events.js';
import { formatMicros } from '../model/format.js';
import { isAgentFailure } from '../model/run.js';
import type { FailureKind, Problem, WatchStop } from './events.js';
import { findDiskFull, isSystemError } from './file-state.js';

/** The result of one attempt to fill a file. */
export interface Attempt {
  readonly outcome: { readonly summary: JobSummary } | { readonly error: unknown };
  /** True if the watcher was stopped. */
  readonly isInterrupted: boolean;
  /** True if the file changed during the try. */
  readonly hasChanged: boolean;
  /** True if the exclusion list changed after it was checked. */
  readonly isListStale: boolean;
  /** The error of a job that cannot be used for any file; null if it can be used. */
  readonly jobError: RowfillError | null;
  /** Number of tries by all watchers, including this one. */
  readonly tries: number;
}

/** What to do with a file after a try. */
export type Decision =
  | { readonly status: 'done'; readonly summary: JobSummary }
  | {
      readonly status: 'failed';
      readonly kind: FailureKind;
      readonly problem: Problem;
      readonly summary: JobSummary | null;
    }
  /** Retry: soon, after a growing delay, tomorrow, or once the file stops changing. */
  | {
      readonly status: 'again';
      readonly when: 'soon' | 'later' | 'tomorrow' | 'still';
      readonly problem: Problem;
    }
  /** Stop the watcher; the file stays where it is. */
  | { readonly status: 'stop'; readonly stop: WatchStop; readonly problem: Problem | null }
  /** The job cannot be used for any file. */
  | { readonly status: 'broken'; readonly error: RowfillError };

/** Disk and ledger errors, which are not the file's fault. */
const DISK_OR_LEDGER =
  /^(?:LEDGER_\w+|OUTPUT_(?:NOT_WRITABLE|IN_USE|DISK_FULL|NO_FOLDER)|TEMP_(?:NOT_WRITABLE|DISK_FULL))$/;

/** Error code if the claimed file is missing. */
export const INPUT_GONE = 'INPUT_NOT_FOUND';

/**
 * Codes of agent failures that are not retried: retrying would cost more or be refused again, and block other files.
 */
const NOT_RETRIED: ReadonlySet<string> = new Set(['AGENT_KEEPS_FAILING', 'REQUEST_REJECTED']);

/** After this many tries, a file is done even if some runs have no known outcome. Their rows say so. */
const MAX_TRIES_FOR_RUNS = 5;

/**
 * Decides what to do with a file after a try. Errors of the file itself send it to `failed/`; after all others it
 * waits.
 */
export function decideNext(attempt: Attempt): Decision {
  const { outcome, isInterrupted, isListStale, hasChanged } = attempt;
  const isDone = 'summary' in outcome && outcome.summary.stop === 'done';
  if (isInterrupted && !isDone) return { status: 'stop', stop: 'interrupted', problem: null };
  if (isListStale && !isDone) return { status: 'again', when: 'soon', problem: LIST_CHANGED };
  if (hasChanged) {
    const message = 'the file changed while it was being filled; it is filled again once it stops changing';
    return { status: 'again', when: 'still', problem: { code: 'INPUT_CHANGED', message, hint: null } };
  }
  return 'error' in outcome ? judgeError(outcome.error, attempt) : judgeSummary(outcome.summary, attempt);
}

function judgeSummary(summary: JobSummary, { tries }: Attempt): Decision {
  const problem = summary.error;
  switch (summary.stop) {
    case 'done':
      return summary.reservedMicros > 0 && tries < MAX_TRIES_FOR_RUNS
        ? { status: 'again', when: 'later', problem: OPEN_RUNS }
        : summary.leftRows > 0 && tries < MAX_TRIES_FOR_RUNS
          ? { status: 'again', when: 'later', problem: ROWS_LEFT }
          : { status: 'done', summary };
    case 'budget':
      return judgeBudget(summary);
    case 'nothing_found':
      return { status: 'failed', kind: 'nothing_found', problem: problem ?? NOTHING_FOUND, summary };
    case 'refused':
    case 'ledger_moved':
      return { status: 'stop', stop: summary.stop, problem };
    case 'interrupted':
      return { status: 'stop', stop: 'interrupted', problem: null };
    case 'unreachable':
      return problem !== null && NOT_RETRIED.has(problem.code)
        ? { status: 'failed', kind: 'unreachable', problem, summary }
        : { status: 'again', when: 'later', problem: problem ?? UNREACHABLE };
  }
}

/** Waits for tomorrow if part of today's budget is spent. If nothing is spent, tomorrow's budget is just as small. */
function judgeBudget(summary: JobSummary): Decision {
  const { budget } = summary;
  if (budget === null || budget.scope === 'job' || budget.scope === 'command') {
    return { status: 'failed', kind: 'budget', problem: BUDGET_REACHED, summary };
  }
  const problem = describeDay(budget);
  return budget.usedMicros > 0
    ? { status: 'again', when: 'tomorrow', problem }
    : { status: 'failed', kind: 'budget', problem, summary };
}

function describeDay({ scope, capMicros, usedMicros }: ReachedBudget): Problem {
  const [whose, name] =
    scope === 'folder_day'
      ? ['this folder', '--max-cost-per-day']
      : ['all jobs of the ledger', 'ROWFILL_MAX_COST_PER_DAY'];
  const cap = `today's budget of $${formatMicros(capMicros)} for ${whose} (${name})`;
  if (usedMicros === 0) {
    const message = `${cap} is smaller than the cost of a single run`;
    return { code: 'DAY_BUDGET_REACHED', message, hint: `Raise ${name}, or lower --batch-size or --effort.` };
  }
  return {
    code: 'DAY_BUDGET_REACHED',
    message: `${cap} cannot cover another run; this file continues after midnight`,
    hint: `Raise ${name} and restart the watcher to continue today.`,
  };
}

function judgeError(error: unknown, { jobError }: Attempt): Decision {
  const problem = describeProblem(error);
  if (!(error instanceof RowfillError)) {
    if (isSystemError(error) || findDiskFull(error) !== null)
      return { status: 'again', when: 'later', problem };
    return { status: 'failed', kind: 'defect', problem, summary: null };
  }
  switch (error.kind) {
    case 'refused':
      return { status: 'stop', stop: 'refused', problem };
    case 'unreachable':
    case 'budget':
      return { status: 'again', when: 'later', problem };
    case 'defect':
      return { status: 'failed', kind: 'defect', problem, summary: null };
    case 'busy':
      return { status: 'again', when: error.code === 'LEASE_HELD' ? 'soon' : 'later', problem };
    case 'usage':
      // The next try would open the ledger that is there now, and pay again for rows that it does not know.
      if (error.code === 'LEDGER_MOVED') return { status: 'stop', stop: 'ledger_moved', problem };
      // The agent's error is not the file's fault.
      if (isAgentFailure(error)) return { status: 'again', when: 'later', problem };
      if (DISK_OR_LEDGER.test(error.code)) return { status: 'again', when: 'later', problem };
      // The file was there when it was claimed. Somebody moved it, or the whole folder, which may be back by now.
      if (error.code === INPUT_GONE) return { status: 'again', when: 'soon', problem };
      return jobError === null
        ? { status: 'failed', kind: 'usage', problem, summary: null }
        : { status: 'broken', error: jobError };
  }
}

/** Describes an error for the user. */
export function describeProblem(error: unknown): Problem {
  const message = describeError(error);
  if (error instanceof RowfillError) return { code: error.code, message, hint: error.hint ?? null };
  const full = findDiskFull(error);
  if (full !== null)
    return { code: 'DISK_FULL', message: `The disk is full: ${describeError(full)}`, hint: FREE_SPACE };
  if (isSystemError(error)) return { code: error.code, message, hint: null };
  const hint = 'This is a bug in rowfill. Please report it with the version and, if possible, the file.';
  return { code: 'DEFECT', message, hint };
}

const FREE_SPACE = 'Free some disk space. The file is retried, and answers are kept.';

/** True for every code of a full disk. */
export function isDiskFull({ code }: Problem): boolean {
  return /^(?:DISK_FULL|OUTPUT_DISK_FULL|TEMP_DISK_FULL|LEDGER_FULL)$/.test(code);
}

const LIST_CHANGED: Problem = {
  code: 'JOB_FILE_CHANGING',
  message: 'the exclusion list is being changed; the file is filled once the list stops changing',
  hint: null,
};

const OPEN_RUNS: Problem = {
  code: 'RUNS_OPEN',
  message: 'some runs are still active; their answers are fetched when they end',
  hint: null,
};

const ROWS_LEFT: Problem = {
  code: 'ROWS_LEFT',
  message: 'some rows are still pending although no option excludes them',
  hint: null,
};

const BUDGET_REACHED: Problem = {
  code: 'BUDGET_REACHED',
  message: 'the budget of this file cannot cover another run',
  hint: 'Raise the budget and put the file into the folder again. Answered rows are not paid for again.',
};

const NOTHING_FOUND: Problem = {
  code: 'NOTHING_FOUND',
  message: 'the first answers have no values',
  hint: null,
};

const UNREACHABLE: Problem = { code: 'UNREACHABLE', message: 'the agent cannot be reached', hint: null };

const FIRST_MS = 5_000;
const MOST_MS = 5 * 60_000;

/** Computes the delay after this many failed tries, in ms: exponential backoff with jitter. */
export function computeRetryDelayMs(tries: number, random: number): number {
  const fullMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 16));
  return Math.round(fullMs * (0.5 + random / 2));
}
