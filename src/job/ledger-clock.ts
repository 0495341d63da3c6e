import type { Ledger } from '../ledger/ledger.js';
import { type Clock, systemClock } from '../model/clock.js';

/**
 * A clock that shows the ledger's time, which a job compares with times in the ledger: when a row was answered, or a
 * run started. With a ledger on a server, this machine's clock may be wrong by hours.
 */
export async function createLedgerClock(ledger: Pick<Ledger, 'measureClock'>): Promise<Clock> {
  const aheadMs = await ledger.measureClock();
  return aheadMs === 0 ? systemClock : { ...systemClock, now: () => Date.now() + aheadMs };
}
