import { DEFAULT_BLANKS } from '../model/blank.js';
import { countVotes, findColumnKinds, findKind, isColumnName } from './cell-kind.js';

/** The records of a table that hold the names of its columns: one, or two whose names are joined. */
export interface FoundHeader {
  readonly first: number;
  readonly last: number;
}

/** How many records of a file to search for the header. */
const SEARCH_RECORDS = 40;
const BODY_RECORDS = 200;

/**
 * Finds the header among the first records of a table: the first one that fills more than half as many cells as the
 * fullest, unless a record next to it is more like a header. `width` is the number of cells that most records have.
 */
export function findHeader(records: readonly (readonly string[])[], width: number): FoundHeader {
  if (width === 1) return { first: 0, last: 0 };
  const search = records.slice(0, SEARCH_RECORDS);
  const counts = search.map(countFilled);
  const most = Math.max(...counts);
  const fullest = Math.max(
    0,
    counts.findIndex((count) => count > most / 2),
  );
  const at = chooseRecord(records, fullest, width);
  return findSecondRow(records, at);
}

/** The titles of a header. Names in two rows are joined: `Travel` over `Air` gives `Travel Air`. */
export function joinTitles(records: readonly (readonly string[])[], { first, last }: FoundHeader): string[] {
  const below = records[last] ?? [];
  if (first === last) return [...below];
  const above = records[first] ?? [];
  let group = '';
  return Array.from({ length: Math.max(above.length, below.length) }, (_, index) => {
    const own = below[index]?.trim() ?? '';
    const upper = above[index]?.trim() ?? '';
    if (upper !== '') group = upper;
    const title = own === '' ? upper : `${group} ${own}`;
    return title.trim();
  });
}

function countFilled(cells: readonly string[]): number {
  return cells.filter((cell) => cell.trim() !== '').length;
}

function listBody(records: readonly (readonly string[])[], at: number): readonly (readonly string[])[] {
  return records.slice(at + 1, at + 1 + BODY_RECORDS);
}

/** Looks for a header next to the fullest record: below text that fills as many cells, or above a record that is data. */
function chooseRecord(records: readonly (readonly string[])[], fullest: number, width: number): number {
  const vote = (at: number) => {
    const body = listBody(records, at);
    return countVotes(records[at] ?? [], body, findColumnKinds(body, width));
  };
  const first = records[fullest] ?? [];
  const own = vote(fullest);
  const isHeader = own.header > own.data;
  const ownVotes = first.length === width ? own.header : 0;
  for (let at = fullest + 1; at < Math.min(records.length - 1, SEARCH_RECORDS); at += 1) {
    const cells = records[at] ?? [];
    const isPassedOver = records.slice(fullest, at).every((each) => isPreamble(each, cells, width));
    if (!isPassedOver) break;
    if (cells.length !== width || !isAllText(cells)) continue;
    if (first.length === width && countFilled(cells) < countFilled(first)) continue;
    const votes = vote(at);
    if (votes.data === 0 && votes.header > ownVotes && votes.header >= countFilled(cells) / 3) return at;
  }
  // Rows are never dropped: only titles and remarks are passed over without further evidence.
  if (fullest >= records.length - 1) return 0;
  if (isHeader) return fullest;
  const isPassable = (cells: readonly string[]): boolean => {
    if (!isTitle(cells)) return false;
    const isPadded = cells.length === width && countFilled(cells) > 0;
    return !isPadded || (own.data === 0 && !cells.some((cell) => cell.trim() !== '' && isColumnName(cell)));
  };
  const above = records.slice(0, fullest).findIndex((cells) => !isPassable(cells));
  if (above !== -1) return above;
  return fullest;
}

/** True for a title or a remark: only its first cell is filled, or it is a name with a value. */
function isTitle(cells: readonly string[]): boolean {
  const filled = countFilled(cells);
  const first = cells[0]?.trim() ?? '';
  if (filled === 0 || (filled === 1 && first !== '')) return true;
  return first.startsWith('#') || /:$/.test(first) || (filled === 2 && !isAllText(cells));
}

/** True if a record cannot be a row of the table whose header may be `header`: a title, or of another width. */
function isPreamble(cells: readonly string[], header: readonly string[], width: number): boolean {
  if (isTitle(cells) || cells.length !== width) return true;
  if (cells[0]?.startsWith('#') === true && header[0]?.startsWith('#') !== true) return true;
  const isNamed = header.filter(isColumnName).length >= Math.max(2, countFilled(header) / 2);
  if (!isNamed || cells.some(isColumnName)) return false;
  return countFilled(cells) < countFilled(header) || cells.slice(1).every((cell) => cell.startsWith(' '));
}

function isAllText(cells: readonly string[]): boolean {
  return cells.every((cell) => /\p{L}/u.test(cell) || cell.trim() === '');
}

/** True if at least two cells are filled, from the first on without gaps. */
function isContiguous(cells: readonly string[]): boolean {
  const filled = countFilled(cells);
  return filled > 1 && cells.slice(0, filled).every((cell) => cell.trim() !== '');
}

/** Adds a row of groups above the header, or a row of further names below it. */
export function findSecondRow(records: readonly (readonly string[])[], at: number): FoundHeader {
  const header = records[at] ?? [];
  if (at > 0 && isGroupRow(records[at - 1] ?? [], header)) return { first: at - 1, last: at };
  const below = records.findIndex((cells, index) => index > at && countFilled(cells) > 0);
  const rows = listFirstTable(records.slice(below + 1, below + 1 + BODY_RECORDS));
  if (below !== -1 && below < at + 3 && isSubHeader(header, records[below] ?? [], rows)) {
    return { first: at, last: below };
  }
  return { first: at, last: at };
}

/** The rows up to a blank one: another table may follow. */
function listFirstTable(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const blank = rows.findIndex((cells) => countFilled(cells) === 0);
  return blank < 2 ? rows.filter((cells) => countFilled(cells) > 0) : rows.slice(0, blank);
}

/** True for a row such as `,,Travel,,`: names over some of the columns, not at the start like a title. */
function isGroupRow(cells: readonly string[], header: readonly string[]): boolean {
  const filled = countFilled(cells);
  if (filled === 0 || filled >= countFilled(header) || cells.length < 2) return false;
  if (!isAllText(cells) || cells.some((cell) => cell.length > 40 || /:\s*$|[\r\n]/.test(cell))) return false;
  const isOverNames = cells.every(
    (cell, index) => cell.trim() === '' || (header[index]?.trim() ?? '') !== '',
  );
  return isOverNames && (cells[0]?.trim() === '' || (filled > 1 && !isContiguous(cells)));
}

/**
 * True for a second row of names, such as `,,Air,Rail` below `Company,Domain,Travel,`: it has only text, and leaves
 * columns blank that the header names and the rows fill.
 */
function isSubHeader(
  header: readonly string[],
  below: readonly string[],
  rows: readonly (readonly string[])[],
): boolean {
  const isText = below.every((cell) => /^(?:[^\d\r\n]*|\s*(?:19|20)\d\d\s*)$/.test(cell));
  if (rows.length < 2 || below.length !== header.length || !isText || below[0]?.trim() !== '') return false;
  const kinds = findColumnKinds(rows, header.length);
  let names = 0;
  for (const [index, cell] of below.entries()) {
    if (cell.trim() === '') continue;
    // Names are only believed over numbers and the like: a row of texts may be one of the rows.
    if (hasText(rows, index)) return false;
    const isUnit = (kinds[index] ?? null) !== null;
    if (header[index]?.trim() !== '' && !isUnit && !isGroupStart(header, below, index)) return false;
    names += 1;
  }
  const keys = rows.filter((row) => (row[0]?.trim() ?? '') !== '');
  const isKeyed = header[0]?.trim() !== '' && keys.length >= rows.length * 0.4;
  return names > 1 && isKeyed && countVotes(below, rows, kinds).data === 0;
}

/** True if more than a few cells of a column are neither blank nor numbers, dates and the like. */
function hasText(rows: readonly (readonly string[])[], index: number): boolean {
  const cells = rows.map((row) => row[index] ?? '').filter((cell) => !DEFAULT_BLANKS.isBlank(cell));
  return cells.filter((cell) => findKind(cell) === null).length > cells.length * 0.2;
}

/** True if the header's name at `index` is a group: the next column has only a name in the second row. */
function isGroupStart(header: readonly string[], below: readonly string[], index: number): boolean {
  return header[index + 1]?.trim() === '' && (below[index + 1]?.trim() ?? '') !== '';
}
