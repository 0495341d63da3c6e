import { createUsageError, describeError, RowfillError } from '../errors.js';
import type { Ledger, SavedLedger } from '../ledger/ledger.js';
import { formatDollars, formatNumber } from '../model/words.js';
import type { JobTally } from './job-tally.js';

/**
 * LEDGER_MOVED if the ledger is no longer in its place, else null. By then what only this process knew of it is saved, and
 * the error says where.
 */
export function saveMovedLedger(ledger: Ledger, cause?: unknown): RowfillError | null {
  const moved = ledger.findMove();
  if (moved === null) return null;
  const { message, hint } = describeSaved(ledger);
  return createUsageError(moved.code, `${moved.message}. ${message}`, hint, cause);
}

function describeSaved(ledger: Ledger): { message: string; hint: string } {
  let saved: SavedLedger;
  try {
    saved = ledger.save();
  } catch (error) {
    return {
      message: `It could not be saved: ${describeError(error)}`,
      hint: 'Bring the ledger back before the next start; without it the same rows are paid for again.',
    };
  }
  if (saved.status === 'restored') {
    return {
      message: 'Only its log was gone, and has been written back: nothing is missing',
      hint: 'Stop what deletes files beside the ledger, and run the same command again: it pays for nothing twice.',
    };
  }
  const { path } = ledger;
  return {
    message: `A copy of the whole ledger is in ${saved.path}`,
    hint: `Stop what changes the file. With no rowfill running, delete ${path}, ${path}-wal and ${path}-shm, rename the copy to ${path}, and run the same command again: it pays for nothing twice.`,
  };
}

/** Codes of a ledger whose content makes no sense any more. */
const DAMAGED: ReadonlySet<string> = new Set(['LEDGER_DAMAGED', 'LEDGER_NOT_A_DATABASE']);

/** Says of a ledger that was damaged while it was in use what happened, and which runs it may not know of. */
export function describeDamage(ledger: Ledger, error: unknown): unknown {
  if (!(error instanceof RowfillError) || !DAMAGED.has(error.code)) return error;
  const runs = ledger.listRecentRuns();
  const lost = runs.length === 0 ? '' : `. Runs that may be missing there: ${runs.join(', ')}`;
  return createUsageError(
    error.code,
    `The ledger was changed by another program, or damaged, while it was in use: ${ledger.path}${lost}`,
    'Stop what changes the file (a restore, a sync tool, an editor). Bring back the newest whole copy before the next start, or save what is readable with `sqlite3 ledger.sqlite .recover`; without it the same rows are paid for again.',
    error,
  );
}

/** True for an error about the ledger itself, such as LEDGER_DAMAGED. */
export function isLedgerError(error: unknown): error is RowfillError {
  return error instanceof RowfillError && error.code.startsWith('LEDGER_');
}

/** Adds what this command has spent by then to an error that otherwise means that nothing was. */
export function addSpent(
  error: unknown,
  tally: Pick<JobTally, 'runs' | 'runsActive' | 'costNowMicros'>,
): unknown {
  const { runs, runsActive, costNowMicros } = tally;
  const isUsage = error instanceof RowfillError && error.kind === 'usage';
  if (!isUsage || (costNowMicros === 0 && runsActive === 0)) return error;
  const atWork = runsActive === 0 ? '' : `; ${formatNumber(runsActive, 'run')} may still be billed`;
  const started = formatNumber(runs.created, 'new run');
  const spent = `Spent by this command: ${formatDollars(costNowMicros)} (${started}${atWork})`;
  return new RowfillError(error.kind, error.code, `${error.message.replace(/\.$/, '')}. ${spent}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
