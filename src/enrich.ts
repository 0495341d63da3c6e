import { cancelRuns } from './job/cancel-runs.js';
import { checkPlaces } from './job/check-places.js';
import { Closers } from './job/closers.js';
import { confirmCost } from './job/confirm-cost.js';
import { createSummary } from './job/create-summary.js';
import { createTrip, type EnrichHooks, type Trip } from './job/create-trip.js';
import { dispatchQuestions } from './job/dispatch-questions.js';
import { holdLease } from './job/hold-lease.js';
import { createJobParts } from './job/job-parts.js';
import { limitCost } from './job/limit-cost.js';
import { loadExclusion } from './job/load-exclusion.js';
import { openAgent } from './job/open-agent.js';
import { readRemaining } from './job/read-remaining.js';
import { type RecoveredBatches, recoverBatches } from './job/recover-batches.js';
import { reportNotes } from './job/report-notes.js';
import { checkColumns, resolveAsk } from './job/resolve-ask.js';
import { writeTripOutput } from './job/write-output.js';
import { openLedger, resolveLedgerPath } from './ledger/ledger.js';
import type { JobSummary } from './model/events.js';
import { type EnrichOptions, resolveSettings } from './options.js';
import { openInput } from './read/open-input.js';

export type { EnrichHooks } from './job/create-trip.js';

/**
 * Fills a file: reads its rows, asks the agent what the ledger does not know yet, and writes every row back with its
 * values, citations, confidence and cost. The same call again carries on where an earlier one was interrupted.
 *
 * Resolves also where the job had to stop early: `stop` of the summary says why, and the output holds what there is.
 * Throws a RowfillError of kind `usage` for anything that is wrong before money is spent; files are then as they were.
 */
export async function enrich(options: EnrichOptions, hooks: EnrichHooks = {}): Promise<JobSummary> {
  const startedAtMs = Date.now();
  const settings = resolveSettings(options);
  const closers = new Closers();
  try {
    const input = closers.add(await openInput({ ...options, path: options.input, signal: hooks.signal }));
    checkColumns(input.name, input.columns);
    const ask = await resolveAsk(settings, input);
    await checkPlaces({ ...options, output: settings.output });
    const exclusion = await loadExclusion(options, ask, input.columns);

    const ledger = closers.add(openLedger(options.ledger ?? resolveLedgerPath({})));
    const lease = closers.add(holdLease(ledger, ask.id));
    const agent = closers.add(
      await openAgent(settings, ({ what, attempt, delayMs, reason }) =>
        hooks.onEvent?.({ type: 'retry', what, attempt, delayMs, reason }),
      ),
    );
    await agent.client.check({ ...(hooks.signal === undefined ? {} : { signal: hooks.signal }) });

    const job = ledger.resolveJob(createJobParts(settings, ask, ledger, startedAtMs));
    const limited = limitCost(settings, ledger.readSpend(job.id));
    const trip = closers.add(
      createTrip({ settings: limited, input, ask, exclusion, ledger, agent, job, hooks }),
    );
    lease.watch(trip.stop);
    trip.onEvent({ type: 'job', jobId: job.id, askId: job.askId, invocation: job.invocation });
    reportNotes(trip);
    const recovered = await recoverBatches(trip);
    await confirmCost(trip);
    // Written down only now: a question that was declined leaves no job behind.
    ledger.openJob(job);
    try {
      return await fillFile(trip, recovered, startedAtMs);
    } catch (error) {
      ledger.closeJob(job.id, 'interrupted', null);
      throw error;
    }
  } finally {
    await closers.close();
  }
}

/** The trip itself, once everything is open and agreed to. */
async function fillFile(trip: Trip, recovered: RecoveredBatches, startedAtMs: number): Promise<JobSummary> {
  const { job, ledger, agent, settings, stop, tally } = trip;
  await dispatchQuestions(trip, recovered);
  if (stop.reason === 'interrupted' && settings.options.cancelOnInterrupt === true) {
    const excludesAnswers = trip.exclusion.answerFields.length > 0;
    const { cancelled, costMicros } = await cancelRuns(agent.client, ledger, job, excludesAnswers);
    tally.countCancelled(cancelled.length, costMicros);
  }
  const rows = await writeTripOutput(trip);
  reportNotes(trip);
  const remaining = await readRemaining(trip);
  ledger.closeJob(job.id, stop.reason ?? 'done', rows);
  return createSummary(trip, rows, remaining, startedAtMs);
}
