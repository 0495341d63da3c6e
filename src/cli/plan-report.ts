import { formatCount, formatDollars, formatDuration, formatNumber, showName } from '../model/format.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { describeClimbs } from '../model/prices.js';
import type { Plan } from '../plan.js';
import { formatTable, showCell } from './format-table.js';
import type { Span } from './host.js';
import { toDollars } from './summary.js';
import { wrapText } from './wrap-text.js';

/** A line in spans, as `Host.tell` takes it. */
export type Line = readonly (string | Span)[];

/** What a plan is printed on. */
interface Screen {
  /** Columns of a line. */
  readonly width: number;
  /** Lines of the terminal; null if there is no terminal. */
  readonly height: number | null;
}

/** Formats a plan: what is unusual, the first rows, and last the summary, which must not scroll away. */
export function formatPlan(plan: Plan, screen: Screen): Line[] {
  const notes: Line[] = plan.notes.map(({ message }) => [`Note: ${message}`]);
  const summary = formatPlanSummary(plan);
  const used = countLines([...notes, ...summary], screen.width);
  // The prompt takes a line, and the heading and the last line of the first rows take one each.
  const room = screen.height === null ? null : screen.height - 3 - used;
  return [...notes, ...formatFirstRows(plan, screen.width, room).map((line) => [line]), ...summary];
}

/** Counts the lines of a terminal that some text takes. */
function countLines(lines: readonly Line[], width: number): number {
  const texts = lines.map((line) => line.map((part) => (typeof part === 'string' ? part : part.text)));
  return texts.reduce((sum, parts) => sum + wrapText(parts.join(''), width).split('\n').length, 0);
}

function formatPlanSummary(plan: Plan): Line[] {
  const { rows, quote, likelySeconds, agent } = plan;
  const fates = FATES.filter(([fate]) => rows[fate] > 0);
  const countWidth = Math.max(1, ...fates.map(([fate]) => formatCount(rows[fate]).length));
  return [
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

/** Columns shown with their values. The names of others are listed. */
const MAX_COLUMNS = 10;
const MIN_COLUMNS = 3;
const MAX_ROWS = 3;

/**
 * Shows the first rows as they would be sent, one column of the file per line, in about `room` lines. Names every
 * column that would be sent, or as many as there is room for.
 */
function formatFirstRows(
  { agent, columns, firstRequest }: Plan,
  width: number,
  room: number | null,
): string[] {
  const names = columns.map(({ name }) => name);
  const records = (firstRequest?.input?.data ?? []).slice(0, MAX_ROWS);
  if (records.length === 0) {
    const lines = room === null ? null : Math.max(MIN_COLUMNS, room);
    return [listNames('No row would be sent. Columns: ', names, width, lines)];
  }
  const first = records.length === 1 ? 'The first row' : `The first ${records.length} rows`;
  const place = agent.isRemote
    ? `as sent to ${agent.name}`
    : `as looked up in ${agent.name}; nothing leaves this machine`;
  const heading = `${first}, ${place}:`;
  // A long address takes more than one line.
  const left = room === null ? null : room + 1 - countLines([[heading]], width);
  const count = countShown(names.length, left);
  const table = names
    .slice(0, count)
    .map((name) => [showName(name), ...records.map((record) => showCell(record[name]))]);
  const others = names.slice(count);
  const more = formatNumber(others.length, 'column');
  const lines = left === null ? null : Math.max(1, left - count);
  return [
    heading,
    ...formatTable(table, width),
    ...(others.length === 0 ? [] : [listNames(`  and ${more} more: `, others, width, lines)]),
    'Use --request to show the first request in full.',
  ];
}

/** How many of `total` columns are shown with their values in `room` lines. */
function countShown(total: number, room: number | null): number {
  if (room === null || total <= Math.min(room, MAX_COLUMNS)) return Math.min(total, MAX_COLUMNS);
  // One line names others.
  return Math.min(total, Math.max(MIN_COLUMNS, Math.min(room - 1, MAX_COLUMNS)));
}

/** Lists columns after a text: all of them, or as many as fit `lines` lines. */
function listNames(text: string, names: readonly string[], width: number, lines: number | null): string {
  const shown = names.map(showName);
  const format = (count: number): string => {
    const left = shown.length - count;
    const rest = left === 0 ? '' : ` and ${formatCount(left)} more (--json lists all)`;
    return `${text}${shown.slice(0, count).join(', ')}${rest}`;
  };
  // A name takes at least three columns with its comma.
  let count = Math.min(shown.length, lines === null ? shown.length : Math.ceil((lines * width) / 3));
  while (lines !== null && count > 1 && countLines([[format(count)]], width) > lines) count -= 1;
  return format(count);
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

/** Lists what the lowest effort level that is needed would cost at worst with other batch sizes, if it differs. */
function formatBatchSizes({ quote, steps, batchSizes }: Plan): string[] {
  if (quote.worstMicros === 0) return [];
  const lowest = steps.find(({ runs }) => runs > 0);
  const others = batchSizes.filter(
    ({ runs }, at) => runs !== lowest?.runs && runs !== batchSizes[at - 1]?.runs,
  );
  if (others.length === 0) return [];
  const parts = others.map(
    ({ batchSize, runs, worstMicros }, at) =>
      `${batchSize} takes ${at === 0 ? formatNumber(runs, 'run') : formatCount(runs)}, ${formatDollars(worstMicros)}${at === 0 ? ' at worst' : ''}`,
  );
  const level = steps.length > 1 ? ` at effort ${lowest?.effort}` : '';
  return [`With another --batch-size${level}: ${parts.join('; ')}.`];
}
