import { formatCount, formatDollars, formatDuration, formatNumber, showName } from '../model/format.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { describeClimbs } from '../model/prices.js';
import type { Plan } from '../plan.js';
import { formatTable, showCell } from './format-table.js';
import type { Span } from './host.js';
import { toDollars } from './summary.js';

/** A line in spans, as `Host.tell` takes it. */
export type Line = readonly (string | Span)[];

/**
 * Formats a plan for a screen of `width` columns: what is unusual, the first rows, and last the summary, which must not
 * scroll away.
 */
export function formatPlan(plan: Plan, width: number): Line[] {
  const { rows, quote, likelySeconds, agent } = plan;
  const fates = FATES.filter(([fate]) => rows[fate] > 0);
  const countWidth = Math.max(1, ...fates.map(([fate]) => formatCount(rows[fate]).length));
  return [
    ...plan.notes.map(({ message }) => [`Note: ${message}`]),
    ...formatFirstRows(plan, width).map((line) => [line]),
    ...[...formatLadder(plan), ...formatBatchSizes(plan)].map((line) => [line]),
    ...(plan.changes === null ? [] : [[{ text: plan.changes, style: 'yellow' } as const]]),
    ...formatNothingFound(plan.nothingFound).map((text) => [{ text, style: 'yellow' } as const]),
    ...plan.doubts.map(({ message, hint }) => [
      { text: 'Doubt: ', style: 'yellow' } as const,
      `${message}. ${hint}`,
    ]),
    [{ text: `${formatNumber(rows.total, 'row')}:`, style: 'bold' }],
    ...fates.map(([fate, words]) => [`  ${formatCount(rows[fate]).padStart(countWidth)}  ${words}`]),
    ...formatColumns(plan).map((line) => [line]),
    [
      `${formatNumber(quote.runs, 'run')}. `,
      { text: `Cost: ${formatCost(quote.worstMicros, quote.likelyMicros)}.`, style: 'bold' },
    ],
    ...(likelySeconds === 0
      ? []
      : [[`Time: about ${formatDuration(likelySeconds)} if a run takes a minute.`]]),
    ...(plan.verifies
      ? [['Each cited page is opened once, and each value is looked for there. That costs nothing.']]
      : []),
    ...(agent.needsKey ? [['EXA_API_KEY is not set. The plan needs no key, but rowfill run does.']] : []),
  ];
}

/** Columns shown with their values. The names of all others are listed. */
const MAX_COLUMNS = 10;
const MAX_ROWS = 3;

/** Shows the first rows as they would be sent, one column of the file per line, and names every column sent. */
function formatFirstRows({ agent, columns, firstRequest }: Plan, width: number): string[] {
  const names = columns.map(({ name }) => name);
  const records = (firstRequest?.input?.data ?? []).slice(0, MAX_ROWS);
  if (records.length === 0) return [`No row would be sent. Columns: ${names.map(showName).join(', ')}.`];
  const table = names
    .slice(0, MAX_COLUMNS)
    .map((name) => [showName(name), ...records.map((record) => showCell(record[name]))]);
  const first = records.length === 1 ? 'The first row' : `The first ${records.length} rows`;
  const place = agent.isRemote
    ? `as sent to ${agent.name}`
    : `as looked up in ${agent.name}; nothing leaves this machine`;
  const others = names.slice(MAX_COLUMNS);
  return [
    `${first}, ${place}:`,
    ...formatTable(table, width),
    ...(others.length === 0
      ? []
      : [`  and ${formatNumber(others.length, 'column')} more: ${others.map(showName).join(', ')}`]),
    'Use --request to show the first request in full.',
  ];
}

/** Builds the `--json` record of a plan. */
export function createPlanRecord(plan: Plan): JsonObject {
  const { quote } = plan;
  return {
    job: plan.jobId,
    ask: plan.askId,
    agent: plan.agent.name,
    rows: { ...plan.rows },
    columns: plan.columns.map(({ name, examples }) => ({ name, examples })),
    runs: quote.runs,
    worst_usd: toDollars(quote.worstMicros),
    likely_usd: toDollars(quote.likelyMicros),
    fields: plan.fields.map(({ notFound, human, worstMicros, likelyMicros, ...rest }) => ({
      ...rest,
      not_found: notFound,
      by_person: human,
      worst_usd: toDollars(worstMicros),
      likely_usd: toDollars(likelyMicros),
    })),
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
  ['skipped', 'not data, such as a footer'],
  ['invalid', 'nothing to send'],
  ['failed', 'cannot be sent'],
  ['out_of_scope', 'skipped by --limit or --sample'],
];

/** Lists existing and missing cells by column. Empty for a first fill, where every row needs every column. */
function formatColumns({ fields, quote }: Plan): string[] {
  const isFirst = fields.every(({ asked, change }) => change === 'new' && asked === quote.rows);
  if (isFirst || fields.length === 0) return [];
  const width = Math.max(...fields.map(({ name }) => showName(name).length));
  return [
    'Cells by column:',
    ...fields.map((field) => `  ${showName(field.name).padEnd(width)}  ${formatColumn(field)}`),
  ];
}

function formatColumn({ asked, change, worstMicros, ...counts }: Plan['fields'][number]): string {
  const kinds = [
    [counts.answered, 'answered'],
    [counts.notFound, 'not found'],
    [counts.rejected, 'rejected'],
    [counts.human, 'by a person'],
    [counts.kept, 'in the file'],
  ] as const;
  const price = worstMicros === 0 ? '' : `, ${formatDollars(worstMicros)} at worst alone`;
  const parts = [
    ...(asked === 0 ? [] : [`${formatCount(asked)} to ask${change === null ? '' : ` (${change})`}${price}`]),
    ...kinds.flatMap(([count, words]) => (count === 0 ? [] : [`${formatCount(count)} ${words}`])),
  ];
  return parts.length === 0 ? 'nothing to do' : parts.join('; ');
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
