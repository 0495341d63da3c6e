import { createUsageError } from '../errors.js';
import { resolveColumnKind } from '../model/column-kind.js';
import type { SheetLine } from '../model/file-format.js';
import { type CellRow, isAddress, toAddress } from '../model/row.js';
import type { InputOptions, Warnings } from './input.js';
import { TotalsFinder } from './totals-row.js';

/** Columns and settings for reading rows of a sheet. */
interface SheetTable {
  readonly name: string;
  readonly columns: ReadonlyMap<string, number>;
  readonly titles: readonly string[];
  /** Row number of the header; null for a sheet without one. */
  readonly headerLine: number | null;
  readonly strict: boolean;
  readonly hiddenRows: InputOptions['hiddenRows'];
  /** Rows that the sheet itself marks as totals. */
  readonly totalsLines: ReadonlySet<number>;
}

/**
 * Converts the lines below the header to rows. Warns about blank rows and rows wider than the header. Rows that are no
 * data are marked as skipped: hidden rows if asked for, totals, and the header again.
 */
export async function* readSheetRows(
  chunks: AsyncIterable<readonly SheetLine[]>,
  table: SheetTable,
  warnings: Warnings,
): AsyncGenerator<readonly CellRow[]> {
  const { columns, headerLine } = table;
  const totals = new TotalsFinder();
  const addresses = listAddressColumns(columns);
  let isBelow = headerLine === null;
  let lastLine = 0;
  let ordinal = 0;
  // Only the last row can be the totals, so each waits for the next.
  let waiting: { readonly row: CellRow; readonly line: SheetLine } | null = null;
  for await (const lines of chunks) {
    const rows: CellRow[] = [];
    for (const line of lines) {
      if (!isBelow) {
        isBelow = line.line === headerLine;
      } else {
        if (ordinal > 0 || headerLine !== null) warnBlankRows(lastLine, line.line, warnings);
        if (line.cells.length > columns.size) warnExtraCells(line.line, table, warnings);
        if (waiting !== null) {
          rows.push(waiting.row);
          if (waiting.row.skip === undefined) totals.add(waiting.line);
        }
        waiting = { row: createRow(line, ordinal, table, addresses), line };
        ordinal += 1;
      }
      lastLine = line.line;
    }
    if (rows.length > 0) yield rows;
  }
  if (waiting === null) return;
  const { row, line } = waiting;
  yield [row.skip === undefined && totals.isTotals(line) ? { ...row, skip: TOTALS } : row];
}

const TOTALS = 'a totals row';

function createRow(
  line: SheetLine,
  ordinal: number,
  table: SheetTable,
  addresses: ReadonlySet<number>,
): CellRow {
  const { columns } = table;
  const cells = line.stored.some((stored) => stored?.link !== undefined)
    ? showLinks(line, addresses)
    : line.cells;
  const row = { kind: 'cells', ordinal, line: line.line, columns, cells, stored: line.stored } as const;
  const skip = findSkip(line, table);
  return skip === null ? row : { ...row, skip };
}

function findSkip(line: SheetLine, { hiddenRows, totalsLines, titles }: SheetTable): string | null {
  if (line.isHidden === true && hiddenRows === 'skip') return 'a hidden row';
  if (totalsLines.has(line.line)) return TOTALS;
  return isHeaderAgain(line.cells, titles) ? 'a repeated header' : null;
}

function isHeaderAgain(cells: readonly string[], titles: readonly string[]): boolean {
  if (titles.length < 2 || cells.length !== titles.length) return false;
  return cells.every((cell, column) => cell.trim() === titles[column]?.trim());
}

function listAddressColumns(columns: ReadonlyMap<string, number>): ReadonlySet<number> {
  const isAddressColumn = (name: string): boolean =>
    ['domain', 'url', 'email'].includes(resolveColumnKind(name));
  return new Set([...columns].flatMap(([name, column]) => (isAddressColumn(name) ? [column] : [])));
}

/** Texts that stand for a link, such as `Website`, are replaced by its address. */
function showLinks({ cells, stored }: SheetLine, addresses: ReadonlySet<number>): readonly string[] {
  return cells.map((text, column) => {
    const link = stored[column]?.link;
    if (link === undefined || isAddress(text)) return text;
    return addresses.has(column) || STANDS_FOR_LINK.test(text.trim()) ? toAddress(link) : text;
  });
}

const STANDS_FOR_LINK =
  /^(?:web ?site|web ?page|web|site|home ?page|url|link|linked ?in|profile?|e-?mail|mail|click|(?:click )?here|hier|view|open|visit|more|details?|read more|go|source|lien|enlace|→|↗|🔗)$/iu;

/** Rows without values are missing from the sheet or only have formatting. */
function warnBlankRows(before: number, line: number, warnings: Warnings): void {
  for (let blank = before + 1; blank < line; blank += 1) warnings.add('BLANK_LINE', blank);
}

function warnExtraCells(line: number, { name, strict }: SheetTable, warnings: Warnings): void {
  if (strict) {
    throw createUsageError(
      'INPUT_NOT_STRICT',
      `${name}, row ${line}: more cells than the header`,
      'Correct the row, or omit --strict to read it anyway.',
    );
  }
  warnings.add('ROW_TOO_LONG', line);
}
