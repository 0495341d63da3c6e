import type { JobSummary } from '../model/events.js';
import { formatCount, formatDollars, formatDuration, formatNumber } from '../model/format.js';
import type { VerifySummary } from '../verify.js';
import { clipText } from './clip-text.js';
import { formatTable } from './format-table.js';
import { formatAdvice } from './summary.js';

/** Hosts in the printed summary. `--json` has all of them. */
const SHOWN_HOSTS = 15;

type Share = VerifySummary['cells'];

/** Formats what `verify` found, for a screen of `width` columns. */
export function formatVerifySummary(summary: VerifySummary, width: number): string[] {
  const { cells, columns, hosts, pages, requests, seconds, output, escalation, runsActive } = summary;
  if (cells.total === 0) return ['No values to check.'];
  const rows = [
    ...columns.filter(({ total }) => total > 0),
    ...(columns.length > 1 ? [{ ...cells, name: 'all' }] : []),
  ];
  const shown = hosts.slice(0, SHOWN_HOSTS);
  // The same columns in both tables. One that is 0 everywhere would take the place of the others.
  const counts = COUNTS.filter(
    ({ isKept, count }) => isKept || [...rows, ...shown].some((row) => count(row) > 0),
  );
  const formatShares = (name: string, shares: readonly Share[]): string[] => {
    const table = [
      [name, ...counts.map(({ title }) => title), 'share (95 %)'],
      ...shares.map((share) => formatRow(share, counts)),
    ];
    return formatTable(clipNames(table, width), width);
  };
  return [
    ...formatShares('column', rows),
    ...(shown.length === 0 ? [] : ['', ...formatShares('site', shown)]),
    ...(hosts.length <= shown.length
      ? []
      : [`${formatNumber(hosts.length - shown.length, 'more site')}; --json lists all.`]),
    ...(shown.length === 0 ? [] : ['']),
    `${formatNumber(cells.total, 'value')} on ${formatNumber(pages, 'page')}, ${formatNumber(requests, 'request')}, ${formatDuration(seconds)}.`,
    ...(escalation === null
      ? []
      : [
          formatEscalation(escalation),
          ...(escalation.stop === 'done' ? [] : formatAdvice(escalation, runsActive)),
        ]),
    ...(output === null ? [] : [`The verdicts are in ${output}.`]),
  ];
}

function formatEscalation({ runs, costNowMicros, reservedMicros, jobId, stop }: JobSummary): string {
  const asked = `Asked again at a higher effort: ${formatNumber(runs.created, 'run')}, ${formatDollars(costNowMicros)}`;
  if (reservedMicros === 0) return `${asked}.`;
  const open = `${asked}; ${formatDollars(reservedMicros)} more is reserved for runs without a result yet.`;
  // Of an interrupted command, the runs are its own.
  if (stop !== 'done') return open;
  return `${open} rowfill status ${jobId} lists them. To collect them, run the same command again, with the API key that started them.`;
}

const GAP = 2;
const MIN_NAME = 8;

/** Shortens the names in the first column, so that the figures beside them are never cut. */
function clipNames(table: readonly (readonly string[])[], width: number): string[][] {
  const figures =
    table[0]?.slice(1).map((_, at) => Math.max(...table.map((row) => row[at + 1]?.length ?? 0))) ?? [];
  const taken = figures.reduce((sum, columns) => sum + GAP + columns, GAP);
  const room = Math.max(MIN_NAME, width - taken);
  return table.map(([name = '', ...rest]) => [clipText(name, room), ...rest]);
}

interface CountColumn {
  readonly title: string;
  /** Shown even if it is 0 in every row. */
  readonly isKept: boolean;
  count(share: Share): number;
}

const COUNTS: readonly CountColumn[] = [
  { title: 'checked', isKept: true, count: ({ total }) => total },
  { title: 'on page', isKept: true, count: ({ counts }) => counts.on_page },
  { title: 'weak', isKept: false, count: ({ counts, strong }) => counts.on_page - strong },
  { title: 'not on page', isKept: false, count: ({ counts }) => counts.not_on_page },
  { title: 'gone', isKept: false, count: ({ counts }) => counts.gone },
  {
    title: 'unread',
    isKept: false,
    count: ({ counts }) => counts.paywalled + counts.blocked + counts.unreadable + counts.unreachable,
  },
  { title: 'other', isKept: false, count: ({ counts }) => counts.not_checkable + counts.uncited },
];

function formatRow(row: Share, counts: readonly CountColumn[]): string[] {
  const { name, share, interval } = row;
  const range = interval === null ? '' : ` (${Math.round(interval[0] * 100)}–${formatShare(interval[1])})`;
  const shown = share === null ? '–' : `${formatShare(share)}${range}`;
  return [name, ...counts.map(({ count }) => formatCount(count(row))), shown];
}

/** A share as text, such as `90 %`. */
export function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}
