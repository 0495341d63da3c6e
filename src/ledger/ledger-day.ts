import { computeMidnight } from '../model/clock.js';
import { isLedgerUrl } from '../model/ledger-url.js';

const DAY_MS = 24 * 60 * 60_000;

/**
 * Start of a ledger's day, `days` after the day of `nowMs`: the local day for a file, and the UTC day for a ledger on a
 * server, which machines of several time zones share.
 */
export function computeDayStart(ledger: string | undefined, nowMs: number, days: number): number {
  if (ledger === undefined || !isLedgerUrl(ledger)) return computeMidnight(nowMs, days);
  return (Math.floor(nowMs / DAY_MS) + days) * DAY_MS;
}
