import type { JobSummary } from '../model/events.js';
import { findJobError, resolveFileSettings } from './check-job.js';
import { type DayBudget, openDayBudget, readMidnight } from './day-budget.js';
import { type FileState, readFileState } from './file-state.js';
import { readRetryDelayMs } from './retry-delay.js';
import { isSameState } from './still-files.js';
import type { Take } from './take.js';
import { type Attempt, readVerdict, type Verdict } from './verdict.js';
import { pause, pauseUntil, type Watcher } from './watcher.js';

/** A verdict that ends the work on a file, for this watcher at least. */
export type FinalVerdict = Exclude<Verdict, { status: 'again' }>;

/** Tries to fill a file until there is a verdict; null if the file was lost to another watcher meanwhile. */
export async function fillTake(watcher: Watcher, take: Take): Promise<FinalVerdict | null> {
  let state = take.state ?? (await readFileState(take.input));
  for (let round = 1; ; round += 1) {
    const attempt = await tryTake(watcher, take, state, round);
    if (take.claim.lostSignal.aborted) return null;
    const verdict = readVerdict(attempt);
    if (verdict.status !== 'again') return verdict;
    const stopped = giveUpFor(verdict, watcher.settings.once);
    if (stopped !== null) return stopped;
    state = await waitFor(verdict, watcher, take, round);
  }
}

async function tryTake(
  watcher: Watcher,
  take: Take,
  state: FileState | null,
  round: number,
): Promise<Attempt> {
  let budget: DayBudget | null = null;
  let outcome: Attempt['outcome'];
  let isDayShort = false;
  try {
    budget = openBudget(watcher);
    const summary = await fillOnce(watcher, take, budget);
    isDayShort = summary.stop === 'budget' && isDayShorter(watcher, take, summary, budget);
    outcome = { summary };
  } catch (error) {
    outcome = { error };
  } finally {
    budget?.close();
  }
  const now = await readFileState(take.input);
  return {
    outcome,
    isDayShort,
    isInterrupted: watcher.signal.aborted,
    hasChanged: state !== null && now !== null && !isSameState(state, now),
    jobError: 'summary' in outcome ? null : await findJobError(watcher.settings),
    tries: take.claim.number + round - 1,
  };
}

function openBudget({ settings, folders, clock }: Watcher): DayBudget | null {
  const { job, dayCapMicros } = settings;
  if (dayCapMicros === null || job.reference !== undefined) return null;
  return openDayBudget(job.ledger, folders.working, dayCapMicros, clock.now());
}

function fillOnce(watcher: Watcher, take: Take, budget: DayBudget | null): Promise<JobSummary> {
  const { settings, signal, report, fill } = watcher;
  const { job } = settings;
  return fill(
    {
      ...job,
      input: take.input,
      // Named, since everything in the folder of a take is the watcher's own to replace.
      output: resolveFileSettings(job, take.input).output,
      ...(job.citationsFile === undefined ? {} : { citationsFile: `${take.input}.citations.jsonl` }),
      // That the cost is agreed to was checked before the first file.
      yes: true,
      ...(budget === null ? {} : { maxCostNow: budget.readLeftMicros() / 1_000_000 }),
    },
    {
      onEvent: (event) => report({ type: 'job', file: take.name, event }),
      signal: AbortSignal.any([signal, take.claim.lostSignal]),
    },
  );
}

/** Tells whether it was the day that had less room left than the file. */
function isDayShorter(
  { settings }: Watcher,
  take: Take,
  summary: JobSummary,
  budget: DayBudget | null,
): boolean {
  if (budget === null || budget.isUntouched()) return false;
  const { capMicros } = resolveFileSettings(settings.job, take.input);
  const usedMicros = summary.costMicros + summary.reservedMicros;
  return budget.readLeftMicros() < (capMicros === null ? Number.POSITIVE_INFINITY : capMicros - usedMicros);
}

/** With `once`, nobody waits for an agent or for another day: the file stays for the next time. */
function giveUpFor(
  { when, problem }: Extract<Verdict, { status: 'again' }>,
  once: boolean,
): FinalVerdict | null {
  if (!once || when === 'soon' || when === 'still') return null;
  return { status: 'stop', stop: when === 'tomorrow' ? 'budget' : 'unreachable', problem };
}

/** Waits as the verdict says, and tells how the file is then. */
async function waitFor(
  { when, problem }: Extract<Verdict, { status: 'again' }>,
  watcher: Watcher,
  take: Take,
  round: number,
): Promise<FileState | null> {
  const { clock, settings } = watcher;
  const { pollMs, settleMs } = settings;
  const nowMs = clock.now();
  const delayMs = {
    soon: pollMs,
    still: settleMs,
    later: readRetryDelayMs(round, clock.random()),
    tomorrow: readMidnight(nowMs, 1) - nowMs,
  }[when];
  watcher.report({ type: 'waiting', file: take.name, problem, delayMs });
  await pauseUntil(watcher, nowMs + delayMs);
  let state = await readFileState(take.input);
  while (when === 'still' && !watcher.signal.aborted) {
    await pause(watcher, settleMs);
    const next = await readFileState(take.input);
    if (state === null || next === null || isSameState(state, next)) break;
    state = next;
  }
  return state;
}
