import type { OpenBatch } from '../ledger/records.js';
import { recoverBatch, type SendResult } from '../send/send-batch.js';
import { createSendContext } from './create-send-context.js';
import type { Trip } from './create-trip.js';

/** A batch of an earlier job that is still open, and what became of it. */
export interface RecoveredBatch {
  readonly open: OpenBatch;
  readonly sent: SendResult;
}

/**
 * Finds again what an earlier process left open: a run whose id is known is waited for, one whose reply was lost is
 * looked for at the agent. Its rows are in flight, so that none is asked a second time.
 */
export async function recoverBatches(trip: Trip): Promise<readonly RecoveredBatch[]> {
  const recovered: RecoveredBatch[] = [];
  for (const open of trip.ledger.findOpenBatches(trip.ask.id)) {
    trip.pacer.adopt();
    const sent: SendResult =
      open.runId === null
        ? await recoverBatch(
            open.batch,
            'the last command ended before the reply',
            open.intendedAtMs,
            createSendContext(trip),
          )
        : { status: 'sent', run: open.runId, adopted: true };
    if (sent.status === 'sent' || sent.status === 'unknown') {
      for (const row of open.batch.rows) trip.inFlight.add(row.key, open.batch.fields);
    }
    recovered.push({ open, sent });
  }
  return recovered;
}
