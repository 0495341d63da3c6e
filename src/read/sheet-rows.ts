import { createUsageError } from '../errors.js';
import { resolveColumnKind } from '../model/column-kind.js';
import type { SheetLine } from '../model/file-format.js';
import { type CellRow, type ColumnSpan, isAddress, toAddress } from '../model/row.js';
import { formatColumn } from '../model/workbook-file.js';
import type { InputOptions, Warnings } from './input.js';
import { isRemark, isRepeatedHeader, isRule, isSingle } from './line-kind.js';
import type { ListArea } from './list-area.js';
import { EarlierSkips, SKIP_REASONS } from './skip-reason.js';
import { isSumRow, TotalsFinder } from './totals-row.js';

/** Columns and settings for reading rows of a sheet. */
interface SheetTable {
  readonly name: string;
  readonly columns: ReadonlyMap<string, number>;
  readonly titles: readonly string[];
  /** Row number of the header; null for a sheet without one. */
  readonly headerLine: number | null;
  readonly strict: boolean;
  readonly hiddenRows: InputOptions['hiddenRows'];
  /** Which cells are of the list. */
  readonly area: Pick<ListArea, 'mask' | 'totalsLines'>;
}

/**
 * Converts the lines below the header to rows. Warns about blank rows and rows wider than the header. Rows that are not
 * data are marked as skipped: hidden rows if asked for, totals, footers, dashes, and the header again.
 */
export async function* readSheetRows(
  chunks: AsyncIterable<readonly SheetLine[]>,
  table: SheetTable,
  warnings: Warnings,
): AsyncGenerator<readonly CellRow[]> {
  const { headerLine, area } = table;
  const maker = new RowMaker(table, warnings);
  let isBelow = headerLine === null;
  for await (const lines of chunks) {
    const rows: CellRow[] = [];
    for (const line of lines) {
      if (isBelow) {
        const own = area.mask(line);
        if (own === null) maker.pass(line.line);
        else maker.add(own, rows);
      } else isBelow = line.line === headerLine;
    }
    if (rows.length > 0) yield rows;
  }
  const rest = maker.finish();
  if (rest.length > 0) yield rest;
}

/** A footer has at most this many rows, with the totals above it. */
const HELD_ROWS = 4;

/** Makes rows of lines. The last lines are held back, because they may be totals and a footer. */
class RowMaker {
  readonly #table: SheetTable;
  readonly #warnings: Warnings;
  readonly #addresses: ReadonlySet<number>;
  readonly #titles: readonly string[];
  readonly #earlier: EarlierSkips;
  readonly #totals = new TotalsFinder();
  readonly #held: SheetLine[] = [];
  #ordinal = 0;
  /** The line before the next one; null if there is none to count blank rows from. */
  #lastLine: number | null;

  constructor(table: SheetTable, warnings: Warnings) {
    this.#table = table;
    this.#warnings = warnings;
    this.#addresses = listAddressColumns(table.columns);
    this.#titles = table.titles.map((title) => title.trim());
    this.#earlier = new EarlierSkips(this.#titles);
    this.#lastLine = table.headerLine;
  }

  add(line: SheetLine, rows: CellRow[]): void {
    if (this.#lastLine !== null) warnBlankRows(this.#lastLine, line.line, this.#warnings);
    this.#lastLine = line.line;
    this.#held.push(line);
    if (this.#held.length > HELD_ROWS) this.#release(rows);
  }

  /** Takes note of a row that is not of the list. */
  pass(line: number): void {
    this.#lastLine = line;
  }

  finish(): CellRow[] {
    const isWide = this.#table.columns.size > 1;
    const last = this.#held.findLastIndex(
      ({ cells }) => !(isWide && isSingle(cells) && isRemark(cells[0] ?? '')),
    );
    const footer = this.#held.splice(last + 1);
    const rows: CellRow[] = [];
    while (this.#held.length > 1) this.#release(rows);
    const [line] = this.#held;
    if (line !== undefined)
      rows.push(this.#create(line, this.#totals.isTotals(line) ? SKIP_REASONS.totals : null));
    for (const each of footer) rows.push(this.#create(each, SKIP_REASONS.footer));
    return rows;
  }

  #release(rows: CellRow[]): void {
    const line = this.#held.shift();
    if (line === undefined) return;
    const row = this.#create(line, null);
    if (row.skip === undefined) this.#totals.add(line);
    rows.push(row);
  }

  #create(line: SheetLine, reason: string | null): CellRow {
    const { columns } = this.#table;
    const skip = reason ?? this.#findSkip(line);
    // Hidden rows have a note of their own.
    if (skip !== null && skip !== HIDDEN) this.#warnings.add('ROW_SKIPPED', line.line);
    else if (skip === null && line.cells.length > columns.size)
      warnExtraCells(line.line, this.#table, this.#warnings);
    const hasLinks = line.stored.some((stored) => stored?.link !== undefined);
    const cells = hasLinks ? showLinks(line, this.#addresses) : line.cells;
    const { stored, formulas, uncomputed, arrays } = line;
    if (arrays !== undefined && skip === null) warnArrayCells(line, arrays, columns.size, this.#warnings);
    const row = {
      kind: 'cells',
      ordinal: this.#ordinal,
      line: line.line,
      columns,
      cells,
      stored,
      ...(formulas === undefined ? {} : { formulas }),
      ...(uncomputed === undefined ? {} : { uncomputed }),
      ...(arrays === undefined ? {} : { arrays }),
    } as const;
    this.#ordinal += 1;
    if (skip !== null) return { ...row, skip };
    const isOpen = line.isHidden === true && this.#table.hiddenRows === undefined;
    return isOpen ? { ...row, isHidden: true } : row;
  }

  #findSkip(line: SheetLine): string | null {
    const { hiddenRows, area } = this.#table;
    if (line.isHidden === true && hiddenRows === 'skip') return HIDDEN;
    const earlier = this.#earlier.find(line, this.#held);
    if (earlier !== undefined) return earlier;
    if (area.totalsLines.has(line.line) || isSumRow(line)) return SKIP_REASONS.totals;
    if (isRepeatedHeader(line.cells, this.#titles)) return SKIP_REASONS.header;
    return isRule(line.cells) ? SKIP_REASONS.dashes : null;
  }
}

const HIDDEN = 'a hidden row';

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

function warnArrayCells(
  { line, cells }: SheetLine,
  arrays: readonly ColumnSpan[],
  width: number,
  warnings: Warnings,
): void {
  for (const { firstColumn, lastColumn } of arrays)
    for (let column = firstColumn; column <= lastColumn && column < width; column += 1)
      if ((cells[column] ?? '') === '') warnings.add('ARRAY_CELLS', `${formatColumn(column)}${line}`);
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
