import type { SheetLine } from '../model/file-format.js';
import { findKind, isColumnName } from './cell-kind.js';
import { type FoundHeader, findSecondRow, joinTitles } from './find-header.js';
import type { MergedAcross } from './sheet-extras.js';

/** How many rows of a sheet to search for the header. */
export const HEADER_SEARCH_LINES = 30;

/**
 * Finds the header among the first rows of a sheet: the first row of names, unless it is a title, or a group of names,
 * above a wider row of names. A row is never the header only because it is wider than those above it.
 * `merged` are the lines with cells that are merged across columns.
 */
export function findHeader(lines: readonly SheetLine[], merged: MergedAcross): number {
  const search = lines.slice(0, HEADER_SEARCH_LINES);
  let at = 0;
  for (;;) {
    const below = findNamesBelow(search, at, merged);
    if (below === null) return at;
    at = below;
  }
}

/** The first row of names below, if it is wider and the rows down to it are a title; else null. */
function findNamesBelow(lines: readonly SheetLine[], at: number, merged: MergedAcross): number | null {
  const first = lines[at];
  if (first === undefined) return null;
  const own = countValues(first);
  for (let next = at + 1; next < lines.length; next += 1) {
    const line = lines[next];
    if (line === undefined) return null;
    if (countValues(line) <= own) continue;
    return isTitle(lines.slice(at, next), line, merged) && isHeader(lines, next, at) ? next : null;
  }
  return null;
}

/** True if no row is as wide as a row of the table would be. */
function isTitle(block: readonly SheetLine[], below: SheetLine, merged: MergedAcross): boolean {
  const [first] = block;
  const width = countValues(below);
  const isNarrow = block.every(
    (line) => countValues(line) === 1 || countValues(line) <= width / 2 || merged.has(line.line),
  );
  // A list has rows that fill the same columns; a title, or the facts of a report, only a few.
  const isList = block.length > MAX_TITLE_LINES && block.every((line) => isLike(line, first));
  return isNarrow && !isList;
}

const MAX_TITLE_LINES = 3;

function isLike(line: SheetLine, first: SheetLine | undefined): boolean {
  const [a, b] = [line, first].map((each) => each?.cells.map((cell) => cell.trim() !== '').join());
  return a === b;
}

/** True if the row has names that stand over the cells below it, and is more like a header than the row at `first`. */
function isHeader(lines: readonly SheetLine[], at: number, first: number): boolean {
  const [line, above] = [lines[at], lines[first]];
  if (line === undefined || above === undefined) return false;
  // Appended files have their header again.
  const text = line.cells.join();
  const rows = lines.slice(at + 1).filter(({ cells }) => cells.join() !== text);
  const columns = listColumns(line);
  if (columns.some((column) => isData(line, column, rows))) return false;
  if (rateNames(line, YEAR) < rateNames(above, null)) return false;
  const isApart = line.line - (lines[at - 1]?.line ?? 0) > 1;
  const isOverRows = columns
    .filter((column) => (above.cells[column]?.trim() ?? '') === '')
    .some((column) => countFilled(rows, column) * 2 > rows.length);
  return isApart || isOverRows || isGroupOver(above, line);
}

/** True if each name of the upper row is also filled below it: a group of names. */
function isGroupOver(above: SheetLine, line: SheetLine): boolean {
  return (
    listColumns(above).length > 1 && listColumns(above).every((column) => line.cells[column]?.trim() !== '')
  );
}

const VALUES: ReadonlySet<string> = new Set(['email', 'url', 'domain', 'date', 'time', 'number', 'phone']);

const YEAR = /^(?:19|20)\d\d$/;

/** True for a cell that is a value, or comes again below in its column. */
function isData(line: SheetLine, column: number, rows: readonly SheetLine[]): boolean {
  const text = line.cells[column]?.trim() ?? '';
  if (YEAR.test(text)) return false;
  if (line.stored[column] != null) return true;
  const kind = findKind(text) ?? '';
  // `zip5` looks like an amount with its currency.
  if (VALUES.has(kind) && (kind !== 'number' || !/\p{L}/u.test(text))) return true;
  return rows.some(({ cells }) => cells[column]?.trim() === text);
}

/** The share of the cells that are usual names of columns, or match `also`. */
function rateNames(line: SheetLine, also: RegExp | null): number {
  const texts = line.cells.map((cell) => cell.trim()).filter((text) => text !== '');
  return (
    texts.filter((text) => isColumnName(text) || also?.test(text) === true).length / Math.max(1, texts.length)
  );
}

function listColumns({ cells }: SheetLine): number[] {
  return cells.flatMap((cell, column) => (cell.trim() === '' ? [] : [column]));
}

function countFilled(rows: readonly SheetLine[], column: number): number {
  return rows.filter(({ cells }) => (cells[column]?.trim() ?? '') !== '').length;
}

function countValues(line: SheetLine): number {
  return listColumns(line).length;
}

/** The rows of a header, and its titles. Names in two rows are joined: `Travel` over `Air` gives `Travel Air`. */
export interface SheetTitles extends FoundHeader {
  readonly titles: readonly string[];
}

/** Finds out whether the header at an index has another row of names, right above or below it. */
export function findTitles(lines: readonly SheetLine[], at: number, merged: MergedAcross): SheetTitles {
  const own = lines[at]?.cells ?? [];
  const one = { first: at, last: at, titles: own };
  const width = Math.max(0, ...lines.map(({ cells }) => cells.length));
  const records = lines.map(({ cells }) => Array.from({ length: width }, (_, column) => cells[column] ?? ''));
  // A name that is merged down has its value in both rows.
  for (const next of [at - 1, at + 1]) {
    const other = records[next];
    if (other !== undefined)
      records[next] = other.map((text, column) => (text.trim() === own[column]?.trim() ? '' : text));
  }
  const header = findSecondRow(records, at);
  const [upper, lower] = [lines[header.first], lines[header.last]];
  if (upper === lower || upper === undefined || lower?.line !== upper.line + 1) return one;
  const ranges = merged.get(upper.line);
  if (ranges === undefined) return { ...header, titles: trimEnd(joinTitles(records, header)) };
  const titles = records[header.last]?.map((text, column) => {
    const range = ranges.find(({ firstColumn, lastColumn }) => column >= firstColumn && column <= lastColumn);
    const group = records[header.first]?.[range?.firstColumn ?? column]?.trim() ?? '';
    return `${group} ${text.trim()}`.trim();
  });
  return { ...header, titles: trimEnd(titles ?? []) };
}

function trimEnd(titles: readonly string[]): readonly string[] {
  return titles.slice(0, titles.findLastIndex((title) => title !== '') + 1);
}

/** True if most rows below the header fill most of its columns. */
export function hasTable(lines: readonly SheetLine[], headerAt: number): boolean {
  const header = lines[headerAt];
  const rows = lines.slice(headerAt + 1);
  if (header === undefined || rows.length === 0) return false;
  const columns = listColumns(header);
  const isFull = (line: SheetLine): boolean =>
    columns.filter((column) => (line.cells[column]?.trim() ?? '') !== '').length * 2 > columns.length;
  return rows.filter(isFull).length * 2 > rows.length;
}
