import { ROW_STATUSES } from '../model/answer.js';
import type { JobSummary, ReachedBudget } from '../model/events.js';
import { formatCount, formatDollars, formatDuration, formatMicros, formatNumber } from '../model/format.js';
import type { JsonObject } from '../model/json.js';

/** The `--json` summary: its keys are a promise to scripts. */
export function createSummaryRecord(summary: JobSummary): JsonObject {
  const { jobId, askId, input, output, rows, reused, duplicates, runs, requests, seconds } = summary;
  return {
    job: jobId,
    ask: askId,
    input,
    output,
    rows: {
      total: rows.total,
      ...Object.fromEntries(ROW_STATUSES.map((status) => [status, rows[status]])),
    },
    reused,
    duplicates,
    runs: { created: runs.created, adopted: runs.adopted, failed: runs.failed, unknown: summary.unknownRuns },
    requests,
    cost_usd: toDollars(summary.costMicros),
    estimated_usd: toDollars(summary.estimatedMicros),
    reserved_usd: toDollars(summary.reservedMicros),
    seconds,
    steps: summary.steps.map(({ effort, runs: stepRuns, filled, costMicros }) => ({
      effort,
      runs: stepRuns,
      filled,
      cost_usd: toDollars(costMicros),
    })),
    remaining: createRemainingRecord(summary.remaining),
    budget: createBudgetRecord(summary.budget),
  };
}

function createRemainingRecord(remaining: JobSummary['remaining']): JsonObject | null {
  if (remaining === null) return null;
  const { rows, runs, worstMicros } = remaining;
  return { rows, runs, worst_usd: toDollars(worstMicros) };
}

function createBudgetRecord(budget: JobSummary['budget']): JsonObject | null {
  if (budget === null) return null;
  const { scope, capMicros, usedMicros } = budget;
  return { scope, cap_usd: toDollars(capMicros), used_usd: toDollars(usedMicros) };
}

/** Micro-dollars as the number of dollars that JSON shows. */
export function toDollars(micros: number): number {
  return micros / 1_000_000;
}

/** What a job came to, in lines for a person; `runsActive` is what was still working at the agent when it ended. */
export function formatSummary(summary: JobSummary, runsActive: number): string[] {
  const { rows, output, seconds } = summary;
  const place = output === '-' ? 'The output is on standard output' : `The output is in ${output}`;
  const counted = ROW_STATUSES.filter((status) => rows[status] > 0);
  const width = Math.max(...counted.map((status) => formatCount(rows[status]).length));
  return [
    `${place}: ${formatNumber(rows.total, 'row')}, ${formatDuration(seconds)}.`,
    ...counted.map((status) => `  ${formatCount(rows[status]).padStart(width)}  ${status}`),
    formatCost(summary),
    ...formatSteps(summary),
    ...formatReuse(summary),
    ...formatAdvice(summary, runsActive),
  ];
}

function formatCost(summary: JobSummary): string {
  const { costMicros, costNowMicros, reservedMicros, runs } = summary;
  const before =
    costNowMicros === costMicros ? '' : `, ${formatDollars(costNowMicros)} of it by this command`;
  const estimated = formatEstimate(summary);
  const open = reservedMicros === 0 ? '' : `; ${formatDollars(reservedMicros)} more is reserved`;
  const adopted = runs.adopted === 0 ? '' : `, ${formatCount(runs.adopted)} picked up again`;
  return `Cost: ${formatDollars(costMicros)}${before}${estimated}${open} (${formatNumber(runs.created, 'new run')}${adopted}).`;
}

/** How much of what was spent is an estimate, as part of a sentence; empty if nothing is. */
export function formatEstimate({ estimatedMicros }: { readonly estimatedMicros: number }): string {
  if (estimatedMicros === 0) return '';
  return `, ${formatDollars(estimatedMicros)} of it an estimate, since the agent did not say what those runs cost`;
}

/** What each level of the effort ladder cost and filled, where there is more than one. */
function formatSteps({ steps }: JobSummary): string[] {
  if (steps.length < 2) return [];
  const width = Math.max(...steps.map(({ effort }) => effort.length));
  return steps.map(({ effort, runs, filled, costMicros }) => {
    const name = effort.padEnd(width);
    return `  ${name}  ${formatNumber(runs, 'run')}, ${formatNumber(filled, 'value')}, ${formatDollars(costMicros)}`;
  });
}

function formatReuse({ reused, duplicates }: JobSummary): string[] {
  return [
    ...(reused === 0 ? [] : [`${formatNumber(reused, 'row')} answered from the ledger, without a new cost.`]),
    ...(duplicates === 0
      ? []
      : [`${formatNumber(duplicates, 'row')} sharing the answer of an equal row, asked once.`]),
  ];
}

/** What the person can do about the rows that have no answer. */
function formatAdvice(summary: JobSummary, runsActive: number): string[] {
  const { rows, stop } = summary;
  const working = formatOpenRuns(summary, runsActive);
  const failed =
    rows.failed === 0
      ? []
      : [
          `${formatNumber(rows.failed, 'row')} failed: enrichment_error says why; the same command asks them again.`,
        ];
  switch (stop) {
    case 'done':
      return [...failed, ...formatLeft(summary), ...working];
    case 'interrupted':
      return [...failed, ...working, 'Interrupted: the same command carries on from here.'];
    case 'budget':
      return [...failed, ...working, ...formatBudgetAdvice(summary)];
    case 'nothing_found':
      return [...failed, ...working, 'Stopped early: runs that find nothing cost as much as others.'];
    case 'refused':
      return [...working, 'The agent refused: put that right, and the same command carries on from here.'];
    case 'ledger_moved':
      return [...failed, ...working, 'Stopped early: rows that were not sent are pending.'];
    case 'unreachable':
      return [...working, describeFailure(summary.error?.code ?? null)];
  }
}

/** What stopped a job that the agent did not bring to its end; the error itself is told beside it. */
function describeFailure(code: string | null): string {
  switch (code) {
    case 'LEASE_LOST':
      return 'Another process works on this job now: nothing more was started here.';
    case 'REQUEST_REJECTED':
      return 'The agent refuses the requests: once they are put right, the same command carries on from here.';
    default:
      return code?.startsWith('LEDGER_') === true
        ? 'The ledger cannot be used: once it can, the same command carries on from here.'
        : 'The agent kept failing: the same command carries on from here.';
  }
}

/** Rows that a job should have asked, and that no answer came to. */
function formatLeft({ leftRows }: JobSummary): string[] {
  if (leftRows === 0) return [];
  return [
    `${formatNumber(leftRows, 'row')} pending although no option left them out: the same command sends them.`,
  ];
}

/** The runs whose end this command did not see. */
function formatOpenRuns({ unknownRuns }: JobSummary, runsActive: number): string[] {
  const still = `${formatNumber(runsActive, 'run')} still working at the agent`;
  const maybe = `${formatNumber(unknownRuns, 'run')} that may have been started`;
  return [
    ...(runsActive === 0 ? [] : [`${still}: the same command picks up what they bring.`]),
    ...(unknownRuns === 0 ? [] : [`${maybe}: the same command looks for them again.`]),
  ];
}

function describeReached({ scope, capMicros, usedMicros }: ReachedBudget): string {
  const cap = formatDollars(capMicros);
  const used = `${formatDollars(usedMicros)} is spent or reserved`;
  switch (scope) {
    case 'job':
      return 'The budget is reached';
    case 'command':
      return 'The budget of this command is reached';
    case 'folder_day':
      return `Today's budget of ${cap} for this folder is reached (${used})`;
    case 'ledger_day':
      return `Today's budget of ${cap} for all jobs of this ledger, ROWFILL_MAX_COST_PER_DAY, is reached (${used})`;
  }
}

/** What is left, and which cap is enough for it; a run that costs more than it should can make it a little more. */
function formatBudgetAdvice({ remaining, budget, costMicros, reservedMicros }: JobSummary): string[] {
  const reached = budget === null ? 'The budget is reached' : describeReached(budget);
  if (remaining === null) return [`${reached}.`];
  const { rows, runs, worstMicros } = remaining;
  const cost = `${formatDollars(worstMicros)} at worst`;
  const left = `${reached}: ${formatNumber(rows, 'row')} not asked, which takes ${formatNumber(runs, 'run')} and ${cost}.`;
  if (budget?.scope === 'ledger_day' || budget?.scope === 'folder_day') {
    const name = budget.scope === 'ledger_day' ? 'ROWFILL_MAX_COST_PER_DAY' : '--max-cost-per-day';
    return [left, `The same command carries on after midnight, or at once with a higher ${name}.`];
  }
  if (budget?.scope === 'command') return [left, 'The same command carries on from here.'];
  return [
    left,
    `The same command with --max-cost ${formatMicros(costMicros + reservedMicros + worstMicros)} carries on with all of them, with less it goes as far as that is enough for.`,
  ];
}
