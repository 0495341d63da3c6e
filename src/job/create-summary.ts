import { RowfillError } from '../errors.js';
import type { JobSummary, RemainingRows } from '../model/events.js';
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
    steps: tally.steps,
    seconds: (trip.clock.now() - startedAtMs) / 1_000,
  };
}
