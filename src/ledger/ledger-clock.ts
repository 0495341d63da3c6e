import { type Clock, computeMidnight, systemClock } from '../model/clock.js';
import { isLedgerUrl } from '../model/ledger-url.js';
import type { Ledger } from './ledger.js';

/**
 * A clock that shows the ledger's time, which a job compares with times in the ledger: when a row was answered, or a
 * run started. With a ledger on a server, this machine's clock may be wrong by hours.
 */
export async function createLedgerClock(ledger: Pick<Ledger, 'measureClock'>): Promise<Clock> {
  const aheadMs = await ledger.measureClock();
  return aheadMs === 0 ? systemClock : { ...systemClock, now: () => Date.now() + aheadMs };
}

const DAY_MS = 24 * 60 * 60_000;

/**
 * Start of a ledger's day, `days` after the day of `nowMs`: the local day for a file, and the UTC day for a ledger on a
 * server, which machines of several time zones share.
 */
export function computeDayStart(ledger: string | undefined, nowMs: number, days: number): number {
  if (ledger === undefined || !isLedgerUrl(ledger)) return computeMidnight(nowMs, days);
  return (Math.floor(nowMs / DAY_MS) + days) * DAY_MS;
}
