import { createUsageError, describeError } from '../errors.js';
import { readHolder } from '../ledger/leases.js';
import type { Ledger } from '../ledger/ledger.js';
import { type Clock, systemClock } from '../model/clock.js';
import type { StopSwitch } from './stop-switch.js';

const LEASE_MS = 60_000;
const RENEW_MS = 15_000;

export interface HeldLease {
  /** False once another process has it. Right before a run is started this must be asked: timers stand still in a sleep. */
  isHeld(): boolean;
  /** Stops a job whose hold was lost to another process, as after a long sleep of the machine. */
  watch(stop: StopSwitch): void;
  close(): void;
}

/** Keeps every other process from asking the same ask until it is closed; a killed process loses its hold by itself. */
export function holdLease(ledger: Ledger, askId: string, clock: Pick<Clock, 'now'> = systemClock): HeldLease {
  const result = ledger.acquireLease(askId, readHolder(), LEASE_MS);
  if (result.status === 'busy') {
    throw createUsageError(
      'LEASE_HELD',
      `process ${result.holder.pid} on ${result.holder.host} is asking the same thing already`,
      'Wait until it has ended: whatever it answers is then in the ledger for this job too.',
    );
  }
  const { lease } = result;
  let renewedAtMs = clock.now();
  let onLost = (_error: Error): void => undefined;
  const renew = (): boolean => {
    const nowMs = clock.now();
    const isHeld = ledger.renewLease(lease, LEASE_MS);
    if (isHeld) renewedAtMs = nowMs;
    else onLost(createLostError());
    return isHeld;
  };
  const renewal = setInterval(() => {
    try {
      renew();
    } catch (error) {
      // A ledger that is busy may be free again before the lease lapses.
      if (clock.now() - renewedAtMs > LEASE_MS - RENEW_MS)
        onLost(error instanceof Error ? error : new Error(describeError(error)));
    }
  }, RENEW_MS);
  return {
    isHeld: () => clock.now() - renewedAtMs < RENEW_MS || renew(),
    watch(stop) {
      onLost = (error) => stop.stopFor(error);
    },
    close() {
      clearInterval(renewal);
      ledger.releaseLease(lease);
    },
  };
}

function createLostError(): Error {
  return createUsageError(
    'LEASE_LOST',
    'another process has taken over this ask in the meantime',
    'Let that one finish: whatever it answers is then in the ledger for this job too.',
  );
}
