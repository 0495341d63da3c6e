import { createUsageError } from '../errors.js';
import type { Doubt } from '../model/doubt.js';
import type { Trip } from './create-trip.js';
import { reportNotes } from './report-notes.js';
import { describeShared, doubtShared, type SharedAnswers } from './shared-answers.js';

/** What the readings of an input found that can be a doubt about it. */
export interface FileFindings {
  readonly shared: SharedAnswers | null;
}

/** The doubts about a file that no option has settled. Whatever else makes a file doubtful joins this list. */
export function listDoubts(
  { ask, settings }: Pick<Trip, 'ask' | 'settings'>,
  findings: FileFindings,
): Doubt[] {
  const { shared } = findings;
  const isMeant = settings.options.shareAnswers === true;
  const doubt = shared === null || isMeant ? null : doubtShared(shared, ask);
  return doubt === null ? [] : [doubt];
}

/**
 * Has somebody settle each doubt about a file that money would be spent on: `yes` and a cap speak of the price alone.
 * Throws a usage error with the code of the first doubt that nobody could settle. A free job goes on and says it.
 */
export async function settleDoubts(trip: Trip, findings: FileFindings, isPaid: boolean): Promise<void> {
  const doubts = listDoubts(trip, findings);
  for (const doubt of doubts) {
    const { code, message, hint } = doubt;
    if (!isPaid) {
      reportNotes(trip, [{ code, message: `${message}. ${hint}` }]);
      continue;
    }
    const { confirmDoubt, signal } = trip.hooks;
    if (confirmDoubt === undefined) throw createUsageError(code, message, hint);
    if (await isAgreed(confirmDoubt(doubt), signal)) continue;
    throw createUsageError(code, 'not started: nothing was sent and nothing was spent', hint);
  }
  if (doubts.length === 0) reportShared(trip, findings);
}

/** A few rows that share an answer are no doubt, but should be known. */
function reportShared(trip: Trip, { shared }: FileFindings): void {
  if (shared === null || trip.settings.options.shareAnswers === true) return;
  reportNotes(trip, [{ code: 'ROWS_SHARE_ANSWERS', message: `${describeShared(shared, trip.ask)}.` }]);
}

/**
 * True only if a person answered with a plain `true`: JavaScript may give anything else, and that is no consent. Throws
 * the signal's reason if the job is stopped before there is an answer.
 */
export async function isAgreed(answer: Promise<boolean>, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal === undefined) return (await answer) === true;
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return (await Promise.race([answer, stopped])) === true;
}
