import { basename } from 'node:path';
import { describeError } from '../errors.js';
import { resolveReport } from '../options.js';
import type { ClaimedFile } from './claimed-file.js';
import { applyEnding, writeEnding } from './ending.js';
import type { FileEnd, Problem } from './events.js';
import { isSystemError } from './file-state.js';
import type { End } from './files-in-work.js';
import { fillFile } from './fill-file.js';
import { isLedgerTrouble, notePlace } from './find-next.js';
import { computeRetryDelayMs, type Decision, describeProblem } from './verdict.js';
import { type FileWatcher, pause, type Watcher } from './watcher.js';

/** Fills one file, decides its outcome and moves it. Always releases its claim. */
export async function processFile(watcher: FileWatcher, take: ClaimedFile): Promise<End | null> {
  const { report, tally, settings, clock, aside, jobFiles } = watcher;
  const reportReleased = (problem: Problem): void =>
    report({ type: 'waiting', file: take.name, problem, delayMs: settings.pollMs });
  try {
    const verdict = await fillFile(watcher, take);
    if (verdict === null) {
      reportReleased(CLAIM_LOST);
      return null;
    }
    if (verdict.status === 'aside') {
      const { problem, delayMs, state } = verdict;
      report({ type: 'waiting', file: take.name, problem, delayMs });
      aside.put(take.name, clock.now() + delayMs, state, state !== null || !settings.once);
      return null;
    }
    if (verdict.status === 'broken') {
      if (settings.once) throw verdict.error;
      // The job's files are checked before the next file.
      jobFiles.invalidate();
      reportReleased(describeProblem(verdict.error));
      return null;
    }
    if (verdict.status === 'stop') {
      report({ type: 'left', file: take.name, ...verdict });
      return verdict;
    }
    await writeReport(watcher, take, verdict);
    // After a long sleep of the machine, another watcher may have taken over the file.
    if (!(await take.claim.renew())) {
      reportReleased(CLAIM_LOST);
      return null;
    }
    const end = await placeFile(watcher, take, verdict);
    if (end === null) return null;
    tally.count(end);
    report(end);
    if (end.type === 'done' || end.kind !== 'unreachable') return null;
    // The next file would meet the same agent.
    if (settings.once) return { stop: 'unreachable', problem: end.problem };
    await pause({ clock, signal: watcher.ending }, computeRetryDelayMs(UNREACHABLE_TRIES, clock.random()));
    return null;
  } catch (error) {
    if (isSystemError(error)) reportReleased(describeProblem(error));
    throw error;
  } finally {
    await take.claim.close();
  }
}

/** Writes the report next to the output, if wanted. It must not fail the file, whose rows are paid for. */
async function writeReport(
  { settings, report, writeReport: write }: Watcher,
  take: ClaimedFile,
  { summary }: Extract<Decision, { status: 'done' | 'failed' }>,
): Promise<void> {
  if (!settings.hasReport || summary === null) return;
  const output = resolveReport(take.input);
  try {
    await write(summary.jobId, output);
  } catch (error) {
    const message = `The report ${basename(output)} was not written: ${describeError(error)}`;
    report({ type: 'job', file: take.name, event: { type: 'note', code: 'REPORT_NOT_WRITTEN', message } });
  }
}

/** Moves a file to `done/` or `failed/`. If that fails, the file waits in `working/` and blocks no other. */
async function placeFile(
  { folders, aside, clock, report, settings }: Watcher,
  take: ClaimedFile,
  verdict: Extract<Decision, { status: 'done' | 'failed' }>,
): Promise<FileEnd | null> {
  try {
    await writeEnding(take, verdict, folders);
    return await applyEnding(take, folders, (placed) => notePlace(placed, settings.job.ledger));
  } catch (error) {
    if (!isSystemError(error) && !isLedgerTrouble(error)) throw error;
    aside.putForTrouble(take.name, error, clock.now(), clock.random(), report);
    return null;
  }
}

const CLAIM_LOST: Problem = {
  code: 'CLAIM_LOST',
  message: 'another watcher has taken over the file',
  hint: null,
};

/** After an unreachable agent, pause as long as after this many failed tries. */
const UNREACHABLE_TRIES = 5;
