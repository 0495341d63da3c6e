import { existsSync } from 'node:fs';
import { type Ledger, openLedger, resolveLedgerPath } from '../ledger/ledger.js';
import type { Host } from './host.js';

/** Opens the ledger for a look or for tidying up; null where there is none yet, and none is made. */
export function openExistingLedger(host: Host, isReadOnly = false): Ledger | null {
  const path = resolveLedgerPath(host.env);
  const onWait = (message: string): void => host.say(message);
  return existsSync(path) ? openLedger(path, { clock: { now: host.now }, onWait, isReadOnly }) : null;
}
