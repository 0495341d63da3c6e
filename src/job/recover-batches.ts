import { describeError } from '../errors.js';
import type { OpenBatch } from '../ledger/records.js';
import { isAgentFailure } from '../model/agent-failure.js';
import { findLostRuns } from '../send/find-lost-runs.js';
import type { Trip } from './create-trip.js';

/** A run that an earlier process left at work. */
export interface RecoveredRun {
  readonly open: OpenBatch;
  readonly runId: string;
}

/**
 * Finds again what an earlier process left open: a run whose id is known is waited for, one whose reply was lost is
 * looked for at the agent. Their rows are in flight, so that none is asked a second time.
 */
export async function recoverBatches(trip: Trip): Promise<readonly RecoveredRun[]> {
  const open = trip.ledger.findOpenBatches(trip.ask.id);
  const runIds = await findRunIds(trip, open);
  const recovered: RecoveredRun[] = [];
  for (const each of open) {
    const runId = each.runId ?? runIds.get(each.batch.id);
    if (runId === undefined) continue;
    trip.pacer.adopt();
    holdRows(trip, each);
    recovered.push({ open: each, runId });
  }
  return recovered;
}

/** The runs of batches whose replies were lost; a batch that certainly has none is voided, and its rows are asked anew. */
async function findRunIds(trip: Trip, open: readonly OpenBatch[]): Promise<ReadonlyMap<string, string>> {
  const { ledger, agent, clock } = trip;
  const lost = open.filter((each) => each.runId === null);
  if (lost.length === 0) return new Map();
  try {
    const wanted = lost.map(({ batch, intendedAtMs }) => ({ batchId: batch.id, intendedAtMs }));
    const runs = await findLostRuns(agent.client, wanted, agent.listLagMs, clock);
    for (const { batch } of lost) {
      const run = runs.get(batch.id);
      if (run === undefined) ledger.void(batch.id, 'the agent has no such run: the request never arrived');
      else ledger.sent(batch.id, run.id);
    }
    return new Map([...runs].map(([batchId, run]) => [batchId, run.id]));
  } catch (error) {
    if (!isAgentFailure(error)) throw error;
    for (const each of lost) {
      ledger.suspect(each.batch.id, describeError(error));
      holdRows(trip, each);
      trip.tally.countUnknown(each.batch, `whether its run exists could not be told: ${error.message}`);
    }
    return new Map();
  }
}

function holdRows(trip: Trip, { batch }: OpenBatch): void {
  for (const row of batch.rows) trip.inFlight.inherit(row.key, batch.fields);
}
