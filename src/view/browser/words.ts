import type { Level, RowStatus, VerdictMark } from '../api.js';

export const STATUS_WORDS: Readonly<Record<RowStatus, string>> = {
  enriched: 'Enriched',
  partial: 'Partial',
  not_found: 'Not found',
  failed: 'Failed',
  over_budget: 'Over budget',
  excluded: 'Excluded',
  unchanged: 'Unchanged',
  skipped: 'Skipped',
  pending: 'Pending',
};

/** In the order in which they are listed and drawn. */
export const STATUS_ORDER = Object.keys(STATUS_WORDS) as readonly RowStatus[];

export const LEVEL_WORDS: Readonly<Record<Level, string>> = {
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  unrated: 'Not rated',
  human: 'By hand',
  own: 'Yours before',
  none: 'No value',
};

export const LEVEL_ORDER = Object.keys(LEVEL_WORDS) as readonly Level[];

export const VERDICT_WORDS: Readonly<Record<VerdictMark, string>> = {
  on_page: 'Found on its page',
  'on_page?': 'Perhaps on its page',
  not_on_page: 'Not on its pages',
  unchecked: 'Page not readable',
};

export const VERDICT_ORDER = Object.keys(VERDICT_WORDS) as readonly VerdictMark[];

/** What a cell says beside its value, for screen readers and the panel. */
export function describeLevel(level: Level): string {
  switch (level) {
    case 'human':
      return 'by hand';
    case 'own':
      return 'in your file before';
    case 'unrated':
      return 'no confidence given';
    case 'none':
      return 'no value';
    default:
      return `${level} confidence`;
  }
}

const COUNT = new Intl.NumberFormat('en');

export function formatCount(count: number): string {
  return COUNT.format(count);
}

export function formatRows(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'row' : 'rows'}`;
}

/** Micro-dollars as dollars: at least cents, and as many digits as a small amount needs. */
export function formatMicros(micros: number): string {
  const dollars = micros / 1_000_000;
  const digits = dollars !== 0 && dollars < 1 ? 4 : 2;
  return `$${dollars.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: digits })}`;
}

export function formatSpan(seconds: number): string {
  if (seconds > 5_400) return `${Math.round(seconds / 3_600)} h`;
  return seconds > 90 ? `${Math.round(seconds / 60)} min` : `${Math.max(1, seconds)} s`;
}

export function formatTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}
