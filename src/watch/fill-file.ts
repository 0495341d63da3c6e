import type { FolderBudget } from '../job/progress.js';
import { computeDayStart } from '../ledger/ledger-clock.js';
import type { JobSummary } from '../model/events.js';
import type { ClaimedFile } from './claimed-file.js';
import type { Problem } from './events.js';
import { type FileState, isSameState, readFileState } from './file-state.js';
import { readFolderId } from './folders.js';
import type { RoomUse } from './shared-room.js';
import {
  type Attempt,
  computeRetryDelayMs,
  type Decision,
  decideNext,
  INPUT_GONE,
  isDiskFull,
} from './verdict.js';
import { findJobError, resolveFileSettings } from './watch-options.js';
import { type FileWatcher, pauseUntil, type Watcher } from './watcher.js';

/** A decision that ends the current work on a file. */
type FinalDecision =
  | Exclude<Decision, { status: 'again' }>
  /** The file waits for its next try while others continue. */
  | {
      readonly status: 'aside';
      readonly problem: Problem;
      readonly delayMs: number;
      /** State of the file if it must stop changing first, else null. */
      readonly state: FileState | null;
    };

/** Tries to fill a file until there is a final decision. Returns null if another watcher has taken over the file. */
export async function fillFile(watcher: FileWatcher, take: ClaimedFile): Promise<FinalDecision | null> {
  let state = take.state ?? (await readFileState(take.input));
  for (let round = 1; ; round += 1) {
    const attempt = await tryWithinDay(watcher, take, state, round);
    if (take.claim.lostSignal.aborted) return null;
    const verdict = decideNext(attempt);
    if (verdict.status !== 'again') return verdict;
    if (watcher.signal.aborted) return INTERRUPTED;
    const put = await putAside(verdict, watcher, take);
    if (put !== null) return put;
    const stopped = stopForOnce(verdict, watcher.settings.once);
    if (stopped !== null) return stopped;
    state = await waitFor(verdict, watcher, take, round);
    if (watcher.ending.aborted) return INTERRUPTED;
  }
}

const INTERRUPTED = { status: 'stop', stop: 'interrupted', problem: null } as const;

/** Tries to fill a file, and again as long as the runs of other files leave something of the daily budget. */
async function tryWithinDay(
  watcher: FileWatcher,
  take: ClaimedFile,
  state: FileState | null,
  round: number,
): Promise<Attempt> {
  for (;;) {
    const use = watcher.room.begin();
    const attempt = await tryTake(watcher, take, { state, round, use }).finally(() => use.end());
    if (take.claim.lostSignal.aborted) return attempt;
    const verdict = decideNext(attempt);
    if (verdict.status !== 'again' || verdict.when !== 'tomorrow') return attempt;
    if (!(await waitForRoom(watcher, take, use))) return attempt;
  }
}

/** Waits for other files in work. Returns true if they have left something of the daily budget, or a new day has begun. */
async function waitForRoom(watcher: FileWatcher, take: ClaimedFile, use: RoomUse): Promise<boolean> {
  const { room, clock, settings, ending, report } = watcher;
  const midnightMs = computeDayStart(settings.job.ledger, clock.now(), 1);
  let isReported = false;
  while (room.isInUse && !ending.aborted) {
    const delayMs = midnightMs - clock.now();
    if (!isReported) report({ type: 'waiting', file: take.name, problem: DAY_BUDGET_RESERVED, delayMs });
    isReported = true;
    await pauseUntil({ clock, signal: AbortSignal.any([ending, room.attemptEnd]) }, midnightMs);
    if (clock.now() >= midnightMs || use.hasGrown()) return true;
  }
  return use.hasGrown();
}

const DAY_BUDGET_RESERVED: Problem = {
  code: 'DAY_BUDGET_RESERVED',
  message:
    "today's budget is spent or reserved for runs of other files; this file continues if they leave enough of it, else after midnight",
  hint: null,
};

interface Try {
  readonly state: FileState | null;
  readonly round: number;
  readonly use: RoomUse;
}

async function tryTake(
  watcher: FileWatcher,
  take: ClaimedFile,
  { state, round, use }: Try,
): Promise<Attempt> {
  let outcome: Attempt['outcome'];
  const listStale = new AbortController();
  try {
    outcome = { summary: await fillOnce(watcher, take, use, listStale) };
  } catch (error) {
    outcome = { error };
  }
  const now = await readFileState(take.input);
  return {
    outcome,
    isListStale: listStale.signal.aborted,
    isInterrupted: watcher.signal.aborted,
    hasChanged: state !== null && now !== null && !isSameState(state, now),
    jobError: 'summary' in outcome ? null : await findJobError(watcher.settings),
    tries: take.claim.number + round - 1,
  };
}

async function resolveBudget({ settings, folders, clock }: Watcher): Promise<FolderBudget> {
  const { job, dayCapMicros } = settings;
  return { id: await readFolderId(folders, job.ledger), capMicros: dayCapMicros, clock };
}

async function fillOnce(
  watcher: FileWatcher,
  take: ClaimedFile,
  use: RoomUse,
  listStale: AbortController,
): Promise<JobSummary> {
  const { settings, signal, report, fill, throttle } = watcher;
  const budget = await resolveBudget(watcher);
  const { job } = settings;
  return fill(
    {
      ...job,
      input: take.input,
      // Set explicitly, because the watcher may replace any file in this folder.
      output: resolveFileSettings(job, take.input).output,
      ...(job.citationsFile === undefined ? {} : { citationsFile: `${take.input}.citations.jsonl` }),
      // The cost was confirmed before the first file.
      yes: true,
    },
    {
      onEvent(event) {
        report({ type: 'job', file: take.name, event });
        if (event.type === 'batch_settled') use.settle();
        // The list has been read by now, and no run was started yet.
        if (event.type === 'job' && !watcher.isListSame()) listStale.abort();
      },
      signal: AbortSignal.any([signal, take.claim.lostSignal, listStale.signal]),
    },
    { budget, throttle },
  );
}

/** With `once`, does not wait for the agent or for tomorrow: the file stays for the next run. */
function stopForOnce(
  { when, problem }: Extract<Decision, { status: 'again' }>,
  once: boolean,
): FinalDecision | null {
  if (!once || when === 'soon' || when === 'still') return null;
  if (when === 'tomorrow') return { status: 'stop', stop: 'budget', problem };
  return { status: 'stop', stop: isDiskFull(problem) ? 'disk_full' : 'unreachable', problem };
}

/**
 * Postpones the file if the reason concerns only this file. Returns null if the next file would have the same problem.
 */
async function putAside(
  { when, problem }: Extract<Decision, { status: 'again' }>,
  { settings, clock }: Watcher,
  take: ClaimedFile,
): Promise<FinalDecision | null> {
  const { settleMs } = settings;
  if (when === 'still') {
    return { status: 'aside', problem, delayMs: settleMs, state: await readFileState(take.input) };
  }
  if (problem.code === 'JOB_FILE_CHANGING' || problem.code === INPUT_GONE) {
    return { status: 'aside', problem, delayMs: settings.pollMs, state: null };
  }
  const isOwn = problem.code === 'RUNS_OPEN' || (!settings.once && OF_ONE_FILE.has(problem.code));
  if (!isOwn) return null;
  const delayMs = computeRetryDelayMs(take.claim.number, clock.random());
  return { status: 'aside', problem, delayMs, state: null };
}

/** Codes of problems that concern one file only, and may last. */
const OF_ONE_FILE: ReadonlySet<string> = new Set(['ROWS_LEFT', 'LEASE_HELD', 'OUTPUT_HELD']);

/** Waits as decided, then reads the state of the file again. */
async function waitFor(
  { when, problem }: Extract<Decision, { status: 'again' }>,
  watcher: FileWatcher,
  take: ClaimedFile,
  round: number,
): Promise<FileState | null> {
  const { clock, settings, ending } = watcher;
  const nowMs = clock.now();
  const delayMs = {
    soon: settings.pollMs,
    still: settings.settleMs,
    later: computeRetryDelayMs(round, clock.random()),
    tomorrow: computeDayStart(settings.job.ledger, nowMs, 1) - nowMs,
  }[when];
  watcher.report({ type: 'waiting', file: take.name, problem, delayMs });
  await pauseUntil({ clock, signal: ending }, nowMs + delayMs);
  return readFileState(take.input);
}
