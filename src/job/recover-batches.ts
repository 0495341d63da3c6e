import type { OpenBatch } from '../ledger/records.js';
import { isRunId } from '../model/run.js';
import { findLostRuns, type LostBatch } from '../send/find-lost-runs.js';
import type { Trip } from './create-trip.js';

/** A run that an earlier process left at work. */
export interface RecoveredRun {
  readonly open: OpenBatch;
  readonly runId: string;
}

/** A batch of which nobody can tell whether the agent has it: its rows must not be asked again. */
export interface UnknownBatch {
  readonly open: OpenBatch;
  readonly reason: string;
}

export interface RecoveredBatches {
  readonly runs: readonly RecoveredRun[];
  readonly unknown: readonly UnknownBatch[];
}

/** From its intent on, a request leaves after so long at most: its place in the line, its tries and its own time limit. */
const LONGEST_START_MS = 20 * 60_000;

/**
 * Finds again what an earlier process left open: a run whose id is known is waited for, one whose reply was lost is
 * looked for at the agent. Their rows are in flight, so that none is asked a second time.
 */
export async function recoverBatches(trip: Trip): Promise<RecoveredBatches> {
  const open = trip.ledger.findOpenBatches(trip.ask.id);
  const { runIds, doubt } = await lookForLost(trip, open);
  const runs: RecoveredRun[] = [];
  const unknown: UnknownBatch[] = [];
  for (const each of open) {
    const { batch } = each;
    const runId = each.runId ?? runIds.get(batch.id);
    if (runId !== undefined) {
      // An id that cannot be used ends its batch as soon as it is waited for; the ledger keeps no such ids.
      if (each.runId === null && isRunId(runId)) trip.ledger.sent(batch.id, runId);
      trip.pacer.adopt();
      runs.push({ open: each, runId });
    } else if (doubt === null) {
      trip.ledger.void(batch.id, 'the agent has no such run: the request never arrived');
      continue;
    } else {
      const reason = `whether its run exists could not be told: ${doubt}`;
      trip.ledger.suspect(batch.id, reason);
      trip.tally.countUnknown(batch, reason);
      unknown.push({ open: each, reason });
    }
    if (batch.jobId === trip.job.id) trip.cap.leave(batch);
    for (const row of batch.rows) trip.inFlight.inherit(row.key, batch.fields);
  }
  return { runs, unknown };
}

/** An open batch without a run id, as it is looked for at the agent. */
export function readLostBatch({ batch, intendedAtMs }: OpenBatch, nowMs: number): LostBatch {
  // The process that sent it may have ended only just now.
  return { batchId: batch.id, intendedAtMs, lostAtMs: Math.min(nowMs, intendedAtMs + LONGEST_START_MS) };
}

async function lookForLost({ agent, clock, clockAheadMs, stop, onEvent }: Trip, open: readonly OpenBatch[]) {
  const nowMs = clock.now();
  const lost = open.filter(({ runId }) => runId === null).map((each) => readLostBatch(each, nowMs));
  if (lost.length === 0) return { runIds: new Map<string, string>(), doubt: null };
  const runs =
    lost.length === 1 ? 'a run that may have been started' : `${lost.length} runs that may have been started`;
  const message = `Looking for ${runs} before anything is asked again; a list that lags is given ${agent.listLagMs / 1_000} s`;
  onEvent({ type: 'note', code: 'LOOKING_FOR_RUNS', message });
  return findLostRuns(agent.client, lost, {
    listLagMs: agent.listLagMs,
    clockAheadMs,
    clock,
    signal: stop.waitSignal,
  });
}
