import { describeError, RowfillError } from '../errors.js';
import type { JobSummary, ReachedBudget } from '../model/events.js';
import { formatMicros } from '../model/format.js';
import { isAgentFailure } from '../model/run.js';
import type { FailureKind, Problem, WatchStop } from './events.js';
import { findDiskFull, isSystemError } from './file-state.js';

/** What one try to fill a file came to, and what was found about it. */
export interface Attempt {
  readonly outcome: { readonly summary: JobSummary } | { readonly error: unknown };
  /** The watcher was told to stop. */
  readonly isInterrupted: boolean;
  /** The file is another one than at the start of the try: somebody still wrote to it. */
  readonly hasChanged: boolean;
  /** The exclusion list was being changed when the try began. */
  readonly isListStale: boolean;
  /** What is wrong with the job on its own, whatever the file; null if nothing is. */
  readonly jobError: RowfillError | null;
  /** So many times it was tried, this one included, by whomever. */
  readonly tries: number;
}

/** What is to be done with a file after a try. */
export type Decision =
  | { readonly status: 'done'; readonly summary: JobSummary }
  | {
      readonly status: 'failed';
      readonly kind: FailureKind;
      readonly problem: Problem;
      readonly summary: JobSummary | null;
    }
  /** Tried again: soon, after a growing while, on the next day, or once the file is still. */
  | {
      readonly status: 'again';
      readonly when: 'soon' | 'later' | 'tomorrow' | 'still';
      readonly problem: Problem;
    }
  /** The watcher stops, and the file stays where it is. */
  | { readonly status: 'stop'; readonly stop: WatchStop; readonly problem: Problem | null }
  /** No file can be filled like this. */
  | { readonly status: 'broken'; readonly error: RowfillError };

/** Errors of the disk or the ledger, which no file is to blame for. */
const OF_THE_PLACE =
  /^(?:LEDGER_\w+|OUTPUT_(?:NOT_WRITABLE|DISK_FULL|NO_FOLDER)|TEMP_(?:NOT_WRITABLE|DISK_FULL))$/;

/** The file of a take is not in its place. */
export const INPUT_GONE = 'INPUT_NOT_FOUND';

/**
 * What an agent that answers said to this file: to try the same again would cost more, or be refused again, and no other
 * file would have its turn.
 */
const GIVEN_UP: ReadonlySet<string> = new Set(['AGENT_KEEPS_FAILING', 'REQUEST_REJECTED']);

/** After so many tries a file is done although the end of some run is not known: its rows say so. */
const MAX_TRIES_FOR_RUNS = 5;

/** Decides what becomes of a file: a fault of its own sends it to `failed/`, anything else lets it wait. */
export function decideNext(attempt: Attempt): Decision {
  const { outcome, isInterrupted, isListStale, hasChanged } = attempt;
  const isDone = 'summary' in outcome && outcome.summary.stop === 'done';
  if (isInterrupted && !isDone) return { status: 'stop', stop: 'interrupted', problem: null };
  if (isListStale && !isDone) return { status: 'again', when: 'soon', problem: LIST_CHANGED };
  if (hasChanged) {
    const message = 'the file was still written to when it was filled; it is filled again once it is whole';
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
      return problem !== null && GIVEN_UP.has(problem.code)
        ? { status: 'failed', kind: 'unreachable', problem, summary }
        : { status: 'again', when: 'later', problem: problem ?? UNREACHABLE };
  }
}

/** A day that has been spent from is waited out. One that nothing was spent from has no more room tomorrow. */
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
    const message = `${cap} is less than a single run can cost`;
    return { code: 'DAY_BUDGET_REACHED', message, hint: `Raise ${name}, or lower --batch-size or --effort.` };
  }
  return {
    code: 'DAY_BUDGET_REACHED',
    message: `${cap} cannot cover another run; this file continues after midnight`,
    hint: `Raise ${name} and restart the watcher to go on today.`,
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
      // The next try would open whatever is in its place now, and pay again for what it does not know.
      if (error.code === 'LEDGER_MOVED') return { status: 'stop', stop: 'ledger_moved', problem };
      // Whatever stands at the agent's address now, no file is to blame for its answer.
      if (isAgentFailure(error)) return { status: 'again', when: 'later', problem };
      if (OF_THE_PLACE.test(error.code)) return { status: 'again', when: 'later', problem };
      // It was there when it was taken: somebody moved it, or the whole folder, which may be back by now.
      if (error.code === INPUT_GONE) return { status: 'again', when: 'soon', problem };
      return jobError === null
        ? { status: 'failed', kind: 'usage', problem, summary: null }
        : { status: 'broken', error: jobError };
  }
}

/** An error as a person is told of it. */
export function describeProblem(error: unknown): Problem {
  const message = describeError(error);
  if (error instanceof RowfillError) return { code: error.code, message, hint: error.hint ?? null };
  const full = findDiskFull(error);
  if (full !== null)
    return { code: 'DISK_FULL', message: `The disk is full: ${describeError(full)}`, hint: MAKE_ROOM };
  if (isSystemError(error)) return { code: error.code, message, hint: null };
  const hint = 'This is a defect of rowfill: please report it, with its version and the file if you can.';
  return { code: 'DEFECT', message, hint };
}

const MAKE_ROOM = 'Make room: the file is tried again, and what was answered is kept.';

/** True if a disk has no room left, whichever part of rowfill met it. */
export function isDiskFull({ code }: Problem): boolean {
  return /^(?:DISK_FULL|OUTPUT_DISK_FULL|TEMP_DISK_FULL|LEDGER_FULL)$/.test(code);
}

const LIST_CHANGED: Problem = {
  code: 'JOB_FILE_CHANGING',
  message: 'the exclusion list was being changed; the file is filled once the list is whole',
  hint: null,
};

const OPEN_RUNS: Problem = {
  code: 'RUNS_OPEN',
  message: 'some runs have not ended yet; their answers are fetched when they have',
  hint: null,
};

const ROWS_LEFT: Problem = {
  code: 'ROWS_LEFT',
  message: 'some rows are pending although no option left them out',
  hint: null,
};

const BUDGET_REACHED: Problem = {
  code: 'BUDGET_REACHED',
  message: 'the budget of this file has no room for another run',
  hint: 'Raise the budget and put the file into the folder again: what was answered is kept and not paid for twice.',
};

const NOTHING_FOUND: Problem = {
  code: 'NOTHING_FOUND',
  message: 'the first answers hold no value',
  hint: null,
};

const UNREACHABLE: Problem = { code: 'UNREACHABLE', message: 'the agent cannot be reached', hint: null };

const FIRST_MS = 5_000;
const MOST_MS = 5 * 60_000;

/** How long to wait before something is tried again that has failed so many times: growing, with jitter. */
export function computeRetryDelayMs(tries: number, random: number): number {
  const fullMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 16));
  return Math.round(fullMs * (0.5 + random / 2));
}
