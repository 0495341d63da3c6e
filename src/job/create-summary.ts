import { RowfillError } from '../errors.js';
import type { Spend } from '../ledger/records.js';
import type { JobSummary, ReachedBudget, RemainingRows } from '../model/events.js';
import { readDayCaps } from './call-cap.js';
import type { Trip } from './create-trip.js';
import type { WrittenOutput } from './write-output.js';

/** What a job came to. */
export function createSummary(
  trip: Trip,
  { rows, leftRows }: Pick<WrittenOutput, 'rows' | 'leftRows'>,
  remaining: RemainingRows | null,
  startedAtMs: number,
): JobSummary {
  const { job, ask, settings, stop, tally, ledger, agent } = trip;
  const spend = ledger.readSpend(job.id);
  const { error } = stop;
  return {
    jobId: job.id,
    askId: ask.id,
    input: settings.options.input,
    output: settings.output,
    stop: stop.reason ?? 'done',
    error:
      error === null
        ? null
        : {
            code: error instanceof RowfillError ? error.code : 'DEFECT',
            message: error.message,
            hint: error instanceof RowfillError ? (error.hint ?? null) : null,
          },
    rows,
    leftRows,
    reused: tally.reused,
    duplicates: tally.duplicates,
    runs: tally.runs,
    unknownRuns: tally.unknownBatches,
    requests: agent.client.requests,
    costMicros: spend.spentMicros,
    estimatedMicros: ledger.readEstimate(job.id),
    costNowMicros: tally.costNowMicros,
    reservedMicros: spend.reservedMicros,
    remaining,
    budget: stop.reason === 'budget' ? readReached(trip) : null,
    steps: tally.steps,
    seconds: (trip.clock.now() - startedAtMs) / 1_000,
  };
}

function readReached(trip: Trip): ReachedBudget | null {
  const { ledger, job, cap, budget, fullBudget } = trip;
  const dayCaps = readDayCaps(trip);
  if (dayCaps === null || fullBudget === null || fullBudget === 'over_budget') {
    const { scope, micros } = cap;
    const usedMicros = scope === 'command' ? trip.tally.costNowMicros : readUsed(ledger.readSpend(job.id));
    return micros === null ? null : { scope, capMicros: micros, usedMicros };
  }
  const isFolder = fullBudget === 'over_folder_day';
  const usedMicros = readUsed(ledger.readSpendSince(isFolder ? (budget?.id ?? null) : null, dayCaps.sinceMs));
  return isFolder
    ? { scope: 'folder_day', capMicros: dayCaps.folderMicros ?? 0, usedMicros }
    : { scope: 'ledger_day', capMicros: dayCaps.ledgerMicros ?? 0, usedMicros };
}

function readUsed({ spentMicros, reservedMicros }: Spend): number {
  return spentMicros + reservedMicros;
}
