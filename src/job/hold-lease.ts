import { createUsageError } from '../errors.js';
import { readHolder } from '../ledger/leases.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StopSwitch } from './stop-switch.js';

const LEASE_MS = 60_000;
const RENEW_MS = 15_000;

export interface HeldLease {
  /** Stops a job whose hold was lost to another process, as after a long sleep of the machine. */
  watch(stop: StopSwitch): void;
  close(): void;
}

/** Keeps every other process from asking the same ask until it is closed; a killed process loses its hold by itself. */
export function holdLease(ledger: Ledger, askId: string): HeldLease {
  const result = ledger.acquireLease(askId, readHolder(), LEASE_MS);
  if (result.status === 'busy') {
    throw createUsageError(
      'LEASE_HELD',
      `process ${result.holder.pid} on ${result.holder.host} is asking the same thing already`,
      'Wait until it has ended: whatever it answers is then in the ledger for this job too.',
    );
  }
  const { lease } = result;
  let onLost = (): void => undefined;
  const renewal = setInterval(() => {
    if (!ledger.renewLease(lease, LEASE_MS)) onLost();
  }, RENEW_MS);
  return {
    watch(stop) {
      onLost = () =>
        stop.stopFor(
          createUsageError(
            'LEASE_LOST',
            'another process has taken over this ask in the meantime',
            'Let that one finish: whatever it answers is then in the ledger for this job too.',
          ),
        );
    },
    close() {
      clearInterval(renewal);
      ledger.releaseLease(lease);
    },
  };
}
