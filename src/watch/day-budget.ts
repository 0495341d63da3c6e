import { sep } from 'node:path';
import { type HeldLease, holdLease } from '../job/hold-lease.js';
import { type Ledger, openLedger, resolveLedgerPath } from '../ledger/ledger.js';

/** What may still be spent today on the files of one folder. */
export interface DayBudget {
  /** Never negative. */
  readLeftMicros(): number;
  /** True while nothing was spent today: a new day has no more room than this one. */
  isUntouched(): boolean;
  close(): void;
}

/**
 * Opens the budget of the day, and keeps every other watcher from spending of it until it is closed. Throws LEASE_HELD
 * while one does.
 */
export function openDayBudget(
  ledgerPath: string | undefined,
  working: string,
  capMicros: number,
  nowMs: number,
): DayBudget {
  const ledger = openLedger(ledgerPath ?? resolveLedgerPath({}));
  const lease = holdBudget(ledger, working);
  const sinceMs = readMidnight(nowMs, 0);
  const readUsedMicros = (): number => {
    const { spentMicros, reservedMicros } = ledger.readFolderSpend(working + sep, sinceMs);
    return spentMicros + reservedMicros;
  };
  return {
    readLeftMicros: () => Math.max(0, capMicros - readUsedMicros()),
    isUntouched: () => readUsedMicros() === 0,
    close() {
      lease.close();
      ledger.close();
    },
  };
}

/** The start of the day, in local time, `days` after that of `nowMs`. */
export function readMidnight(nowMs: number, days: number): number {
  const now = new Date(nowMs);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).getTime();
}

function holdBudget(ledger: Ledger, working: string): HeldLease {
  try {
    return holdLease(ledger, `the budget of ${working}`);
  } catch (error) {
    ledger.close();
    throw error;
  }
}
