import type { SendContext } from '../send/send-batch.js';
import { readDayCaps } from './call-cap.js';
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
      return trip.agent.isFree ? null : trip.cap.micros;
    },
    get dayCaps() {
      return trip.agent.isFree ? null : readDayCaps(trip);
    },
    isFruitless: (effort) => trip.yields.isFruitless(trip.ask.efforts.indexOf(effort)),
    refuseStart() {
      trip.lease?.refuseLost();
      trip.ledger.refuseMove();
    },
    stopSignal: trip.stop.startSignal,
    waitSignal: trip.stop.waitSignal,
    onRetry: (attempt, delayMs, reason) => trip.onRetry({ what: 'start of a run', attempt, delayMs, reason }),
  };
}
