import type { JsonValue } from './json.js';
import type { SavedForm } from './likeness.js';

/**
 * Formats a new value like the other cells of a column that a program saved, so that these keep their meaning. `date` is
 * a date of the column. Null if the column was saved as it was written.
 */
export function formatAsSaved(
  value: JsonValue | undefined,
  date: string | null,
  isSavedAs: (form: SavedForm) => boolean,
): string | null {
  if (typeof value === 'number') return formatNumber(String(value), isSavedAs);
  return typeof value === 'string' ? formatDate(value, date ?? '', isSavedAs) : null;
}

const DATE_OF_NUMBERS = /^(\d{1,2})([-./])(\d{1,2})\2(\d{2}|\d{4})$/;

/** How well a text shows the pattern of its column's dates: `12/11/2024` does not tell if 0 is written before a digit. */
export function rateDate(text: string): number {
  const [, one = '', , two = ''] = DATE_OF_NUMBERS.exec(text) ?? [];
  if (one === '') return 0;
  return Math.min(Number(one), Number(two)) < 10 ? 2 : 1;
}

function formatNumber(text: string, isSavedAs: (form: SavedForm) => boolean): string | null {
  const [, whole = '', decimals] = /^(-?\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const hasPoints = isSavedAs('thousands points');
  if (whole === '' || !(hasPoints || isSavedAs('decimal comma'))) return null;
  const grouped = hasPoints ? whole.replace(/\B(?=(?:\d{3})+$)/g, '.') : whole;
  return decimals === undefined ? grouped : `${grouped},${decimals}`;
}

function formatDate(value: string, shown: string, isSavedAs: (form: SavedForm) => boolean): string | null {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value) ?? [];
  const [, one = '', mark = '', two = '', last = ''] = DATE_OF_NUMBERS.exec(shown) ?? [];
  const isDayFirst = isSavedAs('day first');
  if (year === '' || mark === '' || isDayFirst === isSavedAs('month first')) return null;
  const isPadded = one.length === 2 && two.length === 2;
  const parts = (isDayFirst ? [day, month] : [month, day]).map((part) =>
    isPadded ? part : String(Number(part)),
  );
  // Programs differ in the century of other years of two digits.
  const isShort = last.length === 2 && year >= '1970' && year <= '2029';
  return [...parts, isShort ? year.slice(2) : year].join(mark);
}
