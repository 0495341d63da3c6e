import type { FolderBudget } from '../job/progress.js';
import { computeMidnight } from '../model/clock.js';
import type { JobSummary } from '../model/events.js';
import type { ClaimedFile } from './claimed-file.js';
import type { Problem } from './events.js';
import { type FileState, isSameState, readFileState } from './file-state.js';
import { readFolderId } from './folders.js';
import {
  type Attempt,
  computeRetryDelayMs,
  type Decision,
  decideNext,
  INPUT_GONE,
  isDiskFull,
} from './verdict.js';
import { findJobError, resolveFileSettings } from './watch-options.js';
import { pauseUntil, type Watcher } from './watcher.js';

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
export async function fillFile(watcher: Watcher, take: ClaimedFile): Promise<FinalDecision | null> {
  let state = take.state ?? (await readFileState(take.input));
  for (let round = 1; ; round += 1) {
    const attempt = await tryTake(watcher, take, state, round);
    if (take.claim.lostSignal.aborted) return null;
    const verdict = decideNext(attempt);
    if (verdict.status !== 'again') return verdict;
    const put = await putAside(verdict, watcher, take);
    if (put !== null) return put;
    const stopped = stopForOnce(verdict, watcher.settings.once);
    if (stopped !== null) return stopped;
    state = await waitFor(verdict, watcher, take, round);
  }
}

async function tryTake(
  watcher: Watcher,
  take: ClaimedFile,
  state: FileState | null,
  round: number,
): Promise<Attempt> {
  let outcome: Attempt['outcome'];
  const listStale = new AbortController();
  try {
    outcome = { summary: await fillOnce(watcher, take, await resolveBudget(watcher), listStale) };
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

function fillOnce(
  watcher: Watcher,
  take: ClaimedFile,
  budget: FolderBudget,
  listStale: AbortController,
): Promise<JobSummary> {
  const { settings, signal, report, fill, jobFiles } = watcher;
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
        // The list has been read by now, and no run was started yet.
        if (event.type === 'job' && !jobFiles.isListSame()) listStale.abort();
      },
      signal: AbortSignal.any([signal, take.claim.lostSignal, listStale.signal]),
    },
    budget,
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
  if (problem.code !== 'RUNS_OPEN') return null;
  const delayMs = computeRetryDelayMs(take.claim.number, clock.random());
  return { status: 'aside', problem, delayMs, state: null };
}

/** Waits as decided, then reads the state of the file again. */
async function waitFor(
  { when, problem }: Extract<Decision, { status: 'again' }>,
  watcher: Watcher,
  take: ClaimedFile,
  round: number,
): Promise<FileState | null> {
  const { clock, settings } = watcher;
  const nowMs = clock.now();
  const delayMs = {
    soon: settings.pollMs,
    still: settings.settleMs,
    later: computeRetryDelayMs(round, clock.random()),
    tomorrow: computeMidnight(nowMs, 1) - nowMs,
  }[when];
  watcher.report({ type: 'waiting', file: take.name, problem, delayMs });
  await pauseUntil(watcher, nowMs + delayMs);
  return readFileState(take.input);
}
