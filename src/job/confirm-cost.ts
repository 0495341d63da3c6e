import { createUsageError } from '../errors.js';
import { formatMicros } from '../model/money.js';
import type { Quote } from '../model/quote.js';
import type { Trip } from './create-trip.js';
import type { RecoveredBatches } from './recover-batches.js';
import { describeChanges, reportUnmatched } from './report-notes.js';
import { isAgreed, settleDoubts } from './settle-doubts.js';
import { surveyRows } from './survey-rows.js';

/**
 * Reads the whole input before a dollar is spent: a broken file is an error here, and what the job can cost is known.
 * Throws a usage error where nobody agreed to the cost. Stops a job that has found nothing so far, unless it may go on.
 */
export async function confirmCost(trip: Trip, recovered: RecoveredBatches): Promise<void> {
  const { settings, hooks, agent, stop } = trip;
  if (settings.sample === null && agent.isFree) return reportChanges(trip, null);
  const survey = await surveyRows(trip);
  const { quote, counts, repeated, lowestLevel } = survey;
  // Interrupted while it was read: nothing is asked any more, and nobody need agree to that.
  if (stop.reason !== null) return;
  trip.surveyed = counts;
  if (!agent.isFree && quote.worstMicros > 0) trip.statedCost.state(survey.steps);
  trip.tally.expectRows(counts);
  reportChanges(trip, repeated);
  reportUnmatched(trip);
  // Runs that an earlier process left may still find something: then it is decided once they have ended.
  const isFruitless = lowestLevel !== null && trip.yields.isFruitless(lowestLevel);
  if (isFruitless && recovered.runs.length === 0 && !(await trip.yields.mayGoOn(lowestLevel))) {
    trip.yields.stopIfClosed();
    return;
  }
  // Nobody is asked about what costs nothing: no run, the embedded agent, or one whose price was set to 0. What runs that
  // were left at work may still need was agreed to when they were started.
  const isPaid = !agent.isFree && quote.rows > 0 && quote.worstMicros > 0;
  await settleDoubts(trip, survey, isPaid);
  if (!isPaid) return;
  if (hooks.confirm !== undefined) {
    if (await isAgreed(hooks.confirm(quote), hooks.signal)) return;
    throw createUsageError(
      'COST_DECLINED',
      'not started: nothing was sent and nothing was spent',
      'Give the same command again to be asked again; --limit tries a few rows first.',
    );
  }
  if (settings.options.yes === true || trip.cap.micros !== null) return;
  throw createUsageError(
    'COST_NOT_CONFIRMED',
    `this job can cost $${formatMicros(quote.worstMicros)} (${describe(quote)}), and nobody agreed to that`,
    'Give maxCost to cap it, yes to accept it, or a confirm hook that asks.',
  );
}

/** Named before anybody is asked to pay for it. */
function reportChanges({ job, onEvent }: Trip, repeated: number | null): void {
  const message = describeChanges(job, repeated);
  if (message !== null) onEvent({ type: 'note', code: 'ASK_CHANGED', message });
}

function describe(quote: Quote): string {
  return `${quote.rows} rows in ${quote.runs} runs`;
}
