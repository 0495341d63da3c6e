import type { JsonValue } from './json.js';
import type { SavedForm } from './likeness.js';

/**
 * Formats a new value like the other cells of a column that a program saved, so that these keep their meaning. `cell` is
 * the text that it replaces. Null if the column was saved as it was written, or if `cell` does not show how.
 */
export function formatAsSaved(
  value: JsonValue | undefined,
  cell: string,
  isSavedAs: (form: SavedForm) => boolean,
): string | null {
  if (typeof value === 'number') return formatNumber(String(value), isSavedAs);
  return typeof value === 'string' ? formatDate(value, cell, isSavedAs) : null;
}

function formatNumber(text: string, isSavedAs: (form: SavedForm) => boolean): string | null {
  const [, whole = '', decimals] = /^(-?\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const hasPoints = isSavedAs('thousands points');
  if (whole === '' || !(hasPoints || isSavedAs('decimal comma'))) return null;
  const grouped = hasPoints ? whole.replace(/\B(?=(?:\d{3})+$)/g, '.') : whole;
  return decimals === undefined ? grouped : `${grouped},${decimals}`;
}

function formatDate(value: string, cell: string, isSavedAs: (form: SavedForm) => boolean): string | null {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value) ?? [];
  const [, one = '', mark = '', two = '', last = ''] =
    /^(\d{1,2})([-./])(\d{1,2})\2(\d{2}|\d{4})$/.exec(cell) ?? [];
  const isDayFirst = isSavedAs('day first');
  if (year === '' || mark === '' || isDayFirst === isSavedAs('month first')) return null;
  const isPadded = one.length === 2 && two.length === 2;
  const parts = (isDayFirst ? [day, month] : [month, day]).map((part) =>
    isPadded ? part : String(Number(part)),
  );
  return [...parts, year.slice(-last.length)].join(mark);
}
