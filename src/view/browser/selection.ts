import type { CellDetail } from '../api.js';
import { type RowColumn, readText } from './columns.js';
import type { CellRange } from './grid/grid-host.js';
import type { RowPages } from './row-pages.js';
import { call } from './server.js';
import { formatCount, formatMicros, formatRows } from './words.js';

/** Selected rows that are added up. */
const MAX_SUMMED_ROWS = 5_000;
/** Selected rows whose sources are copied: each cell is a request. */
const MAX_SOURCE_ROWS = 50;

/** Rows that can be selected and asked again at once. The server has the same number. */
export const MAX_ASKED = 100_000;
/** Rows that are looked for on the page before the server is asked. */
const MAX_LOOKED = 500;

/** The fields of the selected cells. */
export function listFields({ left, right }: CellRange, columns: readonly RowColumn[]): string[] {
  return columns.slice(left, right + 1).flatMap(({ kind, key }) => (kind === 'field' ? [key] : []));
}

/** Ordinals of the rows at places of the view. Throws for too many. */
export async function listRows(pages: RowPages, from: number, count: number): Promise<readonly number[]> {
  if (count > MAX_ASKED) throw new Error(`At most ${formatRows(MAX_ASKED)} can be selected at once.`);
  const places = Array.from({ length: Math.min(count, MAX_LOOKED) }, (_, index) => from + index);
  const known = places.flatMap((place) => pages.find(place)?.[0] ?? []);
  if (known.length === count) return known;
  const path = `/api/ordinals?view=${encodeURIComponent(pages.viewId)}&from=${from}&count=${count}`;
  return (await call<{ ordinals: readonly number[] }>('GET', path)).ordinals;
}

/** Says what is selected, and what its numbers add up to; '' for a single cell. */
export function describeSelection(range: CellRange, columns: readonly RowColumn[], pages: RowPages): string {
  const { top, bottom, left, right } = range;
  const cells = (bottom - top + 1) * (right - left + 1);
  if (cells === 1) return '';
  const words = [`${formatCount(cells)} cells`];
  let filled = 0;
  let cost = 0;
  const numbers: number[] = [];
  if (bottom - top >= MAX_SUMMED_ROWS) return words.join('');
  for (let place = top; place <= bottom; place += 1) {
    const row = pages.find(place);
    // Cells that are not here yet cannot be added up.
    if (row === undefined) return words.join('');
    cost += row[4];
    for (const column of columns.slice(left, right + 1)) {
      const text = readText(column, row);
      if (text === '') continue;
      filled += 1;
      if (column.kind === 'field' && Number.isFinite(Number(text))) numbers.push(Number(text));
    }
  }
  const sum = numbers.reduce((total, number) => total + number, 0);
  return [
    ...words,
    `${formatCount(filled)} filled`,
    ...(numbers.length < 2
      ? []
      : [`sum ${formatCount(sum)}`, `average ${formatCount(sum / numbers.length)}`]),
    ...(cost === 0 ? [] : [`the rows cost ${formatMicros(cost)}`]),
  ].join(' · ');
}

/** The addresses that the selected cells rest on, each once, numbered. */
export async function listSources(
  { top, bottom, left, right }: CellRange,
  columns: readonly RowColumn[],
  pages: RowPages,
): Promise<string[]> {
  const addresses = new Set<string>();
  for (let place = top; place <= Math.min(bottom, top + MAX_SOURCE_ROWS); place += 1) {
    const row = pages.find(place);
    if (row === undefined) continue;
    for (const { kind, key } of columns.slice(left, right + 1)) {
      if (kind !== 'field') continue;
      const path = `/api/cell?row=${row[0]}&field=${encodeURIComponent(key)}`;
      const { sources } = await call<CellDetail>('GET', path);
      for (const { link, text } of sources) addresses.add(link ?? text ?? '');
    }
  }
  addresses.delete('');
  return addresses.size === 0
    ? []
    : ['', ...[...addresses].map((address, index) => `[${index + 1}] ${address}`)];
}
