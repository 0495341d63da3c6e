import { formatCount, formatDollars, formatDuration, formatNumber } from '../model/format.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { describeClimbs } from '../model/prices.js';
import type { Plan } from '../plan.js';
import { clipText } from './clip-text.js';
import { toDollars } from './summary.js';

/** Formats a plan as lines of text. */
export function formatPlan(plan: Plan): string[] {
  const { rows, quote, likelySeconds, firstRequest } = plan;
  const fates = FATES.filter(([fate]) => rows[fate] > 0);
  const width = Math.max(1, ...fates.map(([fate]) => formatCount(rows[fate]).length));
  return [
    ...(plan.changes === null ? [] : [plan.changes]),
    ...formatNothingFound(plan.nothingFound),
    `${formatNumber(rows.total, 'row')}:`,
    ...fates.map(([fate, words]) => `  ${formatCount(rows[fate]).padStart(width)}  ${words}`),
    ...plan.notes.map(({ message }) => `Note: ${message}`),
    ...plan.doubts.map(({ message, hint }) => `Doubt: ${message}. ${hint}`),
    'Columns that would leave this machine:',
    ...plan.columns.map(({ name, examples }) => `  ${name}${formatExamples(examples)}`),
    `Runs: ${formatCount(quote.runs)}. Cost: ${formatCost(quote.worstMicros, quote.likelyMicros)}.`,
    ...(likelySeconds === 0 ? [] : [`Time: about ${formatDuration(likelySeconds)} if a run takes a minute.`]),
    ...formatLadder(plan),
    ...formatBatchSizes(plan),
    ...(firstRequest === null ? [] : ['First request:', JSON.stringify(firstRequest, null, 2)]),
  ];
}

/** Builds the `--json` record of a plan. */
export function createPlanRecord(plan: Plan): JsonObject {
  const { quote } = plan;
  return {
    job: plan.jobId,
    ask: plan.askId,
    rows: { ...plan.rows },
    columns: plan.columns.map(({ name, examples }) => ({ name, examples })),
    runs: quote.runs,
    worst_usd: toDollars(quote.worstMicros),
    likely_usd: toDollars(quote.likelyMicros),
    changes: plan.changes,
    doubts: plan.doubts.map(({ code, message, hint }) => ({ code, message, hint })),
    notes: plan.notes.map(({ code, message }) => ({ code, message })),
    nothing_found:
      plan.nothingFound === null ? null : { effort: plan.nothingFound.effort, rows: plan.nothingFound.rows },
    steps: plan.steps.map((step) => ({
      effort: step.effort,
      runs: step.runs,
      worst_usd: toDollars(step.worstMicros),
      likely_usd: toDollars(step.likelyMicros),
    })),
    climbs: quote.climbs.map(({ from, to, share, knownRows }) => ({
      from,
      to,
      share,
      known_rows: knownRows,
    })),
    batch_sizes: plan.batchSizes.map((each) => ({
      batch_size: each.batchSize,
      runs: each.runs,
      worst_usd: toDollars(each.worstMicros),
      likely_usd: toDollars(each.likelyMicros),
    })),
    likely_seconds: plan.likelySeconds,
    // Safe: every type within the request is JSON.
    first_request: plan.firstRequest as unknown as JsonValue,
  };
}

function formatNothingFound(job: Plan['nothingFound']): string[] {
  if (job === null) return [];
  const rows = formatNumber(job.rows, 'row');
  return [
    `Nothing was found in the first ${rows} answered at effort ${job.effort}. rowfill run stops before sending more unless you add --keep-going.`,
  ];
}

const FATES: readonly (readonly [Exclude<keyof Plan['rows'], 'total'>, string])[] = [
  ['ask', 'to send'],
  ['duplicate', 'share the answer of an equal row'],
  ['reused', 'already answered in the ledger'],
  ['excluded', 'on the exclusion list'],
  ['unchanged', 'nothing to fill'],
  ['invalid', 'nothing to send'],
  ['failed', 'cannot be sent'],
  ['out_of_scope', 'skipped by --limit or --sample'],
];

const MAX_EXAMPLE = 40;

function formatExamples(examples: readonly JsonValue[]): string {
  if (examples.length === 0) return '';
  const texts = examples.map((example) => {
    const text = typeof example === 'string' ? example : JSON.stringify(example);
    return clipText(text.replace(/\s+/g, ' '), MAX_EXAMPLE);
  });
  return `: ${texts.join(' · ')}`;
}

function formatCost(worstMicros: number, likelyMicros: number): string {
  const likely = likelyMicros < worstMicros ? `, likely ${formatDollars(likelyMicros)}` : '';
  return `${formatDollars(worstMicros)} at worst${likely}`;
}

function formatLadder({ steps, quote }: Plan): string[] {
  if (steps.length < 2) return [];
  const lines = steps.map(
    (step) =>
      `  ${step.effort}: ${formatNumber(step.runs, 'run')}, ${formatCost(step.worstMicros, step.likelyMicros)}`,
  );
  const climbs = quote.worstMicros === 0 ? [] : describeClimbs(quote.climbs);
  return ['Effort levels, at worst for every row:', ...lines, ...climbs];
}

function formatBatchSizes({ quote, batchSizes }: Plan): string[] {
  if (quote.worstMicros === 0) return [];
  const lines = batchSizes.map(
    (each) =>
      `  --batch-size ${each.batchSize}: ${formatNumber(each.runs, 'run')}, ${formatCost(each.worstMicros, each.likelyMicros)}`,
  );
  return ['Other batch sizes, at the first effort level:', ...lines];
}
