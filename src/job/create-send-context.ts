import type { SendContext } from '../send/send-batch.js';
import type { Trip } from './create-trip.js';

/** What the send stop needs of a trip. */
export function createSendContext(trip: Trip): SendContext {
  return {
    ledger: trip.ledger,
    client: trip.agent.client,
    pacer: trip.pacer,
    clock: trip.clock,
    listLagMs: trip.agent.listLagMs,
    clockAheadMs: trip.clockAheadMs,
    get capMicros() {
      return trip.agent.isFree ? null : readCapMicros(trip);
    },
    isFruitless: (effort) => trip.yields.isFruitless(trip.ask.efforts.indexOf(effort)),
    refuseStart() {
      trip.lease?.refuseLost();
      trip.budget?.refuseLost();
      trip.ledger.refuseMove();
    },
    stopSignal: trip.stop.startSignal,
    waitSignal: trip.stop.waitSignal,
    onRetry: (attempt, delayMs, reason) => trip.onRetry({ what: 'start of a run', attempt, delayMs, reason }),
  };
}

/** The most that the job may have spent and reserved now, by its own caps and by a budget that it shares. */
function readCapMicros({ cap, budget, ledger, job }: Trip): number | null {
  if (budget === null) return cap.micros;
  const { spentMicros, reservedMicros } = ledger.readSpend(job.id);
  const sharedMicros = spentMicros + reservedMicros + budget.readLeftMicros(ledger);
  return Math.min(cap.micros ?? Number.POSITIVE_INFINITY, sharedMicros);
}
