import { ROW_STATUSES } from '../model/answer.js';
import type { JobSummary, ReachedBudget } from '../model/events.js';
import {
  formatCount,
  formatDollars,
  formatDuration,
  formatMicros,
  formatNumber,
  showName,
} from '../model/format.js';
import type { JsonObject } from '../model/json.js';

/** Builds the `--json` summary. Scripts rely on its keys. */
export function createSummaryRecord(summary: JobSummary): JsonObject {
  const { jobId, askId, input, output, rows, reused, duplicates, runs, requests, seconds, error } = summary;
  return {
    job: jobId,
    ask: askId,
    input,
    output,
    rows: {
      total: rows.total,
      ...Object.fromEntries(ROW_STATUSES.map((status) => [status, rows[status]])),
    },
    failed_rows: { ...summary.failures },
    fields: summary.fields.map(({ name, answered, filled, again = 0 }) => ({
      name,
      answered,
      filled,
      ...(again === 0 ? {} : { again }),
    })),
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
    error: error === null ? null : { ...error },
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

/** Converts micro-dollars to dollars, as used in JSON. */
export function toDollars(micros: number): number {
  return micros / 1_000_000;
}

/** What the summary cannot know of the job. */
export interface SummaryPlace {
  /** Runs that were still active when the command ended. */
  readonly runsActive: number;
  /** True if a person reads the text, who may open the output in a spreadsheet. */
  readonly isTerminal: boolean;
}

/** Formats the result of a job as lines of text. */
export function formatSummary(summary: JobSummary, { runsActive, isTerminal }: SummaryPlace): string[] {
  const { rows, output, seconds } = summary;
  const place = output === '-' ? 'The output is on standard output' : `The output is in ${output}`;
  const counted = ROW_STATUSES.filter((status) => rows[status] > 0);
  const countWidth = Math.max(...counted.map((status) => formatCount(rows[status]).length));
  return [
    `${place}: ${formatNumber(rows.total, 'row')}, ${formatDuration(seconds)}.`,
    ...counted.map((status) => `  ${formatCount(rows[status]).padStart(countWidth)}  ${status}`),
    ...formatFills(summary),
    formatCost(summary),
    ...formatSteps(summary),
    ...formatReuse(summary),
    ...formatAdvice(summary, runsActive),
    ...(isTerminal ? formatBomAdvice(summary) : []),
  ];
}

/** Lists how often each column was filled, in answered rows. */
function formatFills({ fields, rows }: JobSummary): string[] {
  const parts = fields
    .filter(({ answered }) => answered > 0)
    .map(
      ({ name, answered, filled }) => `${showName(name)} ${formatCount(filled)} of ${formatCount(answered)}`,
    );
  const hasOthers = rows.pending + rows.failed + rows.over_budget > 0;
  const again = fields.reduce((sum, field) => sum + (field.again ?? 0), 0);
  const stay = again === 1 ? 'stays' : 'stay';
  return [
    ...(parts.length === 0
      ? []
      : [`${hasOthers ? 'Filled in answered rows' : 'Filled'}: ${parts.join(', ')}.`]),
    ...(again === 0
      ? []
      : [`${formatNumber(again, 'cell')} ${stay} blank, because the agent gave the rejected value again.`]),
  ];
}

/** Offers a byte order mark, if people open the output in Excel and it would show letters wrong. */
export function formatBomAdvice({ needsBom, output }: Pick<JobSummary, 'needsBom' | 'output'>): string[] {
  if (!needsBom || output === '-') return [];
  return [
    'Excel shows letters beyond ASCII wrong in this CSV. If you open it in Excel, add --bom and run the same command again.',
  ];
}

function formatCost(summary: JobSummary): string {
  const { costMicros, costNowMicros, reservedMicros, runs } = summary;
  const before =
    costNowMicros === costMicros ? '' : `, ${formatDollars(costNowMicros)} of it by this command`;
  const estimated = formatEstimate(summary);
  const open = reservedMicros === 0 ? '' : `; ${formatDollars(reservedMicros)} more is reserved`;
  const adopted = runs.adopted === 0 ? '' : `, ${formatCount(runs.adopted)} resumed`;
  return `Cost: ${formatDollars(costMicros)}${before}${estimated}${open} (${formatNumber(runs.created, 'new run')}${adopted}).`;
}

/** The estimated part of the cost as a clause for a sentence; empty if there is none. */
export function formatEstimate({ estimatedMicros }: { readonly estimatedMicros: number }): string {
  if (estimatedMicros === 0) return '';
  return `, ${formatDollars(estimatedMicros)} of it estimated because the agent did not report the cost of those runs`;
}

/** Lists what each effort level cost and filled, if there is more than one. */
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
    ...(reused === 0 ? [] : [`${formatNumber(reused, 'row')} answered from the ledger at no cost.`]),
    ...(duplicates === 0 ? [] : [`${formatNumber(duplicates, 'row')} shared the answer of an equal row.`]),
  ];
}

/** Says what to do about rows without an answer. */
export function formatAdvice(summary: JobSummary, runsActive: number): string[] {
  const { stop } = summary;
  const working = formatOpenRuns(summary, runsActive);
  const failed = formatFailures(summary);
  switch (stop) {
    case 'done':
      return [...failed, ...formatLeft(summary), ...working];
    case 'interrupted':
      return [...failed, ...working, 'Interrupted. Run the same command again to continue.'];
    case 'budget':
      return [...failed, ...working, ...formatBudgetAdvice(summary)];
    case 'nothing_found':
      return [...failed, ...working, 'Stopped early, because runs that find nothing cost as much as others.'];
    case 'refused':
      return [
        ...working,
        'The agent refused the request. Fix that, then run the same command again to continue.',
      ];
    case 'ledger_moved':
      return [...failed, ...working, 'Stopped early. Rows that were not sent stay pending.'];
    case 'unreachable':
      return [...working, describeFailure(summary.error?.code ?? null)];
  }
}

/** Says what to do about failed rows. Only some of them are helped by the same command. */
function formatFailures({ rows, failures }: JobSummary): string[] {
  const { unsendable, unfit } = failures;
  const other = rows.failed - unsendable - unfit;
  return [
    ...(other <= 0
      ? []
      : [`${formatNumber(other, 'row')} failed; see enrichment_error. Run the same command again to retry.`]),
    ...(unfit === 0
      ? []
      : [
          `${formatNumber(unfit, 'row')} failed because no answer fits the schema; see enrichment_error. Correct the field types or the schema: the same command would only pay again.`,
        ]),
    ...(unsendable === 0
      ? []
      : [
          `${formatNumber(unsendable, 'row')} cannot be sent: the cells to send are blank, or the row is unreadable or too large; see enrichment_error. Correct the input, or leave ${unsendable === 1 ? 'it' : 'them'}.`,
        ]),
  ];
}

/** Says why the agent did not finish a job; the error itself is printed too. */
function describeFailure(code: string | null): string {
  switch (code) {
    case 'LEASE_LOST':
      return 'Another process has taken over this job. Nothing more was started here.';
    case 'REQUEST_REJECTED':
      return 'The agent rejects the requests. Fix them, then run the same command again to continue.';
    default:
      return code?.startsWith('LEDGER_') === true
        ? 'The ledger cannot be used. Once it works again, run the same command again to continue.'
        : 'The agent kept failing. Run the same command again to continue.';
  }
}

/** Rows that should have been sent or retried. */
function formatLeft({ leftRows, unretriedRows }: JobSummary): string[] {
  const left = formatNumber(leftRows, 'row');
  const unretried = formatNumber(unretriedRows, 'row');
  return [
    ...(leftRows === 0
      ? []
      : [`${left} still pending although no option skips them. Run the same command again to send them.`]),
    ...(unretriedRows === 0
      ? []
      : [
          `${unretried} partly filled: retries could cost more than the worst case stated at the start. Run the same command again to see their price and retry them.`,
        ]),
  ];
}

/** Runs that had not ended, or may have been started, when this command stopped. */
function formatOpenRuns({ unknownRuns }: JobSummary, runsActive: number): string[] {
  const still = `${formatNumber(runsActive, 'run')} still active at the agent`;
  const maybe = `${formatNumber(unknownRuns, 'run')} may have been started without a reply`;
  return [
    ...(runsActive === 0 ? [] : [`${still}. Run the same command again to collect their results.`]),
    ...(unknownRuns === 0 ? [] : [`${maybe}. Run the same command again to look for them.`]),
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

/** Says what is left and which cap covers it. A run that costs more than its price can need slightly more. */
function formatBudgetAdvice({ remaining, budget, costMicros, reservedMicros }: JobSummary): string[] {
  const reached = budget === null ? 'The budget is reached' : describeReached(budget);
  if (remaining === null) return [`${reached}.`];
  const { rows, runs, worstMicros } = remaining;
  const cost = `${formatDollars(worstMicros)} at worst`;
  const left = `${reached}: ${formatNumber(rows, 'row')} not sent. Sending them takes ${formatNumber(runs, 'run')}, ${cost}.`;
  if (budget?.scope === 'ledger_day' || budget?.scope === 'folder_day') {
    const name = budget.scope === 'ledger_day' ? 'ROWFILL_MAX_COST_PER_DAY' : '--max-cost-per-day';
    return [left, `To continue, run the same command after midnight, or now with a higher ${name}.`];
  }
  if (budget?.scope === 'command') return [left, 'Run the same command again to continue.'];
  return [
    left,
    `Run the same command with --max-cost ${formatMicros(costMicros + reservedMicros + worstMicros)} to send all of them. A lower cap sends as many as it covers.`,
  ];
}
