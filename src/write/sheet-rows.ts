import { formatColumn, parseColumn } from '../model/workbook-file.js';
import type { RawXml } from './sheet-stream.js';
import { listElements, readAttributes } from './xml-text.js';

/** A cell of a row's XML, by its position in it. */
export interface RawCell {
  readonly column: number;
  readonly start: number;
  readonly end: number;
  /** Index of its style. */
  readonly style: number;
}

/** Lists the cells of a row in order. `prefix` is that of the sheet's elements. */
export function listCells(row: RawXml, prefix: string): RawCell[] {
  return row.includes('<!') ? listSlowly(row) : (listQuickly(row, prefix) ?? listSlowly(row));
}

/** For any XML. */
function listSlowly(row: RawXml): RawCell[] {
  const cells: RawCell[] = [];
  let column = -1;
  for (const { tag, start, end } of listElements(row, 1)) {
    if (tag.name !== 'c') continue;
    const { r: place, s: style = '0' } = readAttributes(tag.text);
    column = place === undefined ? column + 1 : parseColumn(place);
    cells.push({ column, start, end, style: Number(style) });
  }
  return cells;
}

/** Fast path for XML without comments. Returns null if the row is written in an unusual way. */
function listQuickly(row: RawXml, prefix: string): RawCell[] | null {
  const open = `<${prefix}c`;
  const close = `</${prefix}c>`;
  const cells: RawCell[] = [];
  let column = -1;
  for (let start = row.indexOf(open); start >= 0; start = row.indexOf(open, start + 1)) {
    if (!isNameEnd(row.charCodeAt(start + open.length))) continue;
    const tagEnd = row.indexOf('>', start);
    const isEmpty = row[tagEnd - 1] === '/';
    const closeAt = isEmpty ? tagEnd : row.indexOf(close, tagEnd);
    if (closeAt < 0) return null;
    const end = isEmpty ? tagEnd + 1 : closeAt + close.length;
    const tag = row.slice(start, tagEnd + 1);
    const place = PLACE.exec(tag)?.[1];
    column = place === undefined ? column + 1 : parseColumn(place);
    cells.push({ column, start, end, style: Number(STYLE.exec(tag)?.[1] ?? 0) });
    start = end - 1;
  }
  return cells;
}

const PLACE = /\sr\s*=\s*["']\s*([A-Za-z]+)/;
const STYLE = /\ss\s*=\s*["']\s*(\d+)/;

/** True for white space, `/` and `>`. */
function isNameEnd(code: number): boolean {
  return code === 32 || code === 62 || code === 47 || code === 10 || code === 13 || code === 9;
}

/** Column of the last cell that holds something, or of the last cell of all; -1 without one. */
export function findLastColumn(row: RawXml, prefix: string, isValued: boolean): number {
  const open = `<${prefix}c`;
  if (!row.includes('<!')) {
    let end = row.length;
    for (;;) {
      const start = row.lastIndexOf(open, end - 1);
      if (start < 0) return -1;
      if (isNameEnd(row.charCodeAt(start + open.length))) {
        const place = PLACE.exec(row.slice(start, row.indexOf('>', start) + 1))?.[1];
        if (place === undefined) break;
        if (!isValued || hasContent(row.slice(start, end), prefix)) return parseColumn(place);
      }
      end = start;
    }
  }
  const cells = listCells(row, prefix);
  const last = cells.findLast(({ start, end }) => !isValued || hasContent(row.slice(start, end), prefix));
  return last?.column ?? -1;
}

/** True if a cell holds a value or a formula. */
export function hasContent(cell: RawXml, prefix: string): boolean {
  return VALUES.some((name) => cell.includes(`<${prefix}${name}`));
}

const VALUES = ['v', 'f', 'is'];

/** True if the cell has a formula. */
export function hasFormula(cell: RawXml): boolean {
  return /<(?:[^\s<>/:]+:)?f[\s/>]/.test(cell);
}

/** A cell to be written into a row. */
interface CellChange {
  readonly column: number;
}

/** A cell that is in the sheet already. */
export interface OldCell {
  readonly xml: RawXml;
  readonly style: number;
}

/**
 * Writes cells into a row. `changes` are in the order of their columns. `write` gets the place of a cell and the cell
 * that is there; it returns null to leave that as it is.
 */
export function patchRow<T extends CellChange>(
  row: RawXml,
  line: number,
  prefix: string,
  changes: readonly T[],
  write: (change: T, place: string, old: OldCell | null) => RawXml | null,
): RawXml {
  const first = changes[0];
  const last = changes.at(-1);
  if (first === undefined || last === undefined) return row;
  const opened = row.endsWith('/>') && !row.includes('</') ? openRow(row, prefix) : row;
  const wide = widenSpans(opened, last.column);
  const closeAt = wide.lastIndexOf('</');
  if (findLastColumn(wide, prefix, false) < first.column) {
    let added = '';
    for (const change of changes) added += write(change, formatColumn(change.column) + line, null) ?? '';
    return wide.slice(0, closeAt) + added + wide.slice(closeAt);
  }
  const cells = listCells(wide, prefix);
  let out = '';
  let at = 0;
  let next = 0;
  for (const change of changes) {
    const place = formatColumn(change.column) + line;
    while ((cells[next]?.column ?? Number.POSITIVE_INFINITY) < change.column) next += 1;
    const cell = cells[next];
    if (cell?.column === change.column) {
      const xml = wide.slice(cell.start, cell.end);
      out += wide.slice(at, cell.start) + (write(change, place, { xml, style: cell.style }) ?? xml);
      at = cell.end;
      next += 1;
      continue;
    }
    const start = cell?.start ?? cells.at(-1)?.end ?? closeAt;
    out += wide.slice(at, start) + (write(change, place, null) ?? '');
    at = start;
  }
  return out + wide.slice(at);
}

/** Opens an empty row element. */
function openRow(row: RawXml, prefix: string): RawXml {
  return `${row.replace(/\s*\/>\s*$/, '>')}</${prefix}row>`;
}

/** The row's note of its first and last column includes the new ones. */
function widenSpans(row: RawXml, lastColumn: number): RawXml {
  const spans = /^<[^>]*?\sspans\s*=\s*["'](\d+):(\d+)["']/.exec(row);
  if (spans === null || Number(spans[2]) > lastColumn) return row;
  const end = spans[0].length - 1;
  return row.slice(0, end - (spans[2]?.length ?? 0)) + String(lastColumn + 1) + row.slice(end);
}
