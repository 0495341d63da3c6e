import { createUsageError, describeError, type RowfillError } from '../errors.js';
import type { Ledger, SavedLedger } from '../ledger/ledger.js';

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
