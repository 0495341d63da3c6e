import { sep } from 'node:path';
import type { SharedBudget } from '../job/call-cap.js';
import { type HeldLease, holdLease } from '../job/hold-lease.js';
import { type Ledger, openLedger, resolveLedgerPath } from '../ledger/ledger.js';
import type { Clock } from '../model/clock.js';

/** What may still be spent today on the files of one folder. The day is that of the moment it is asked. */
export interface DayBudget extends SharedBudget {
  readLeftMicros(ledger?: Ledger): number;
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
  clock: Pick<Clock, 'now'>,
): DayBudget {
  const own = openLedger(ledgerPath ?? resolveLedgerPath({}), { clock });
  const lease = holdBudget(own, working, clock);
  const readUsedMicros = (ledger: Ledger): number => {
    const sinceMs = readMidnight(clock.now(), 0);
    const { spentMicros, reservedMicros } = ledger.readFolderSpend(working + sep, sinceMs);
    return spentMicros + reservedMicros;
  };
  return {
    capMicros,
    readLeftMicros: (ledger = own) => capMicros - readUsedMicros(ledger),
    isUntouched: () => readUsedMicros(own) === 0,
    refuseLost: () => lease.refuseLost(),
    watch: (stop) => lease.watch(stop),
    close() {
      lease.close();
      own.close();
    },
  };
}

/** The start of the day, in local time, `days` after that of `nowMs`. */
export function readMidnight(nowMs: number, days: number): number {
  const now = new Date(nowMs);
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days).getTime();
}

function holdBudget(ledger: Ledger, working: string, clock: Pick<Clock, 'now'>): HeldLease {
  try {
    return holdLease(ledger, `the budget of ${working}`, clock);
  } catch (error) {
    ledger.close();
    throw error;
  }
}
