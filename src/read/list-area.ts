import type { ListShape, SheetLine } from '../model/file-format.js';
import { OUTCOME_COLUMNS } from '../model/output-columns.js';
import { type CellRange, formatColumn, formatRange } from '../model/workbook-file.js';
import type { InputWarning } from './input.js';
import type { ExcelTable } from './sheet-extras.js';

/** The cells of a sheet that are its list: an Excel table if the header belongs to one, else all cells of no table. */
export class ListArea {
  /** Last row of the list; infinite without an Excel table. */
  readonly lastLine: number;
  /** Rows with the totals of the list. */
  readonly totalsLines: ReadonlySet<number>;
  readonly #table: ExcelTable | null;
  readonly #others: readonly ExcelTable[];
  /** Columns that an earlier fill added beside the Excel table; null for none. */
  readonly #added: ColumnSpan | null;

  constructor(tables: readonly ExcelTable[], header: SheetLine) {
    this.#table = findTable(tables, header);
    const table = this.#table;
    this.#others = tables.filter((other) => other !== table && other.range.lastLine >= header.line);
    this.#added = table === null ? null : findAdded(header, table.range, this.#others);
    this.lastLine = table?.range.lastLine ?? Number.POSITIVE_INFINITY;
    const totals = Array.from({ length: table?.totalsCount ?? 0 }, (_, index) => this.lastLine - index);
    this.totalsLines = new Set(totals);
  }

  /** A row without the cells that are not of the list; null if nothing remains. */
  mask(line: SheetLine): SheetLine | null {
    if (line.line > this.lastLine) return null;
    if (!this.#mayHoldOthers(line)) return line;
    const isOwn = (column: number) => this.#has(line.line, column);
    const length = line.cells.findLastIndex((text, column) => text !== '' && isOwn(column)) + 1;
    if (length === 0) return null;
    const { cells, stored, sums, formulas, uncomputed } = line;
    return {
      ...line,
      cells: cells.slice(0, length).map((text, column) => (isOwn(column) ? text : '')),
      stored: stored.slice(0, length).map((each, column) => (isOwn(column) ? each : null)),
      ...(sums === undefined ? {} : { sums: sums.filter(isOwn) }),
      ...(formulas === undefined ? {} : { formulas: formulas.filter(isOwn) }),
      ...(uncomputed === undefined ? {} : { uncomputed: uncomputed.filter(isOwn) }),
    };
  }

  /** True for a column beside the Excel table that is the list. */
  isBeside(column: number): boolean {
    return this.#table !== null && !this.#has(this.lastLine, column);
  }

  /** What the output needs to know. */
  describeShape(): ListShape {
    const ranges = [this.#table, ...this.#others].flatMap((table) => (table === null ? [] : [table.range]));
    return {
      tablePath: this.#table?.path ?? null,
      tablesEnd: Math.max(-1, ...ranges.map(({ lastColumn }) => lastColumn)),
    };
  }

  /** Notes which tables, columns and rows of the sheet are not part of the list. */
  listNotes(lines: readonly SheetLine[]): InputWarning[] {
    const table = this.#table;
    if (table === null) {
      if (this.#others.length === 0) return [];
      const names = this.#others.map(describeTable).join(', ');
      const fact =
        this.#others.length === 1
          ? `The Excel table ${names} is not part of the list.`
          : `These Excel tables are not part of the list: ${names}.`;
      return [{ code: 'OTHER_TABLES', message: `${fact} ${KEPT}`, fact }];
    }
    const { firstLine, lastLine } = table.range;
    const beside = new Set<number>();
    for (const { line, cells } of lines)
      if (line >= firstLine && line <= lastLine)
        for (const [column, text] of cells.entries())
          if (text.trim() !== '' && !this.#has(line, column)) beside.add(column);
    if (beside.size === 0) return [];
    const columns = [...beside].sort((a, b) => a - b).map(formatColumn);
    const names = `${columns.slice(0, MAX_NAMES).join(', ')}${columns.length > MAX_NAMES ? ', …' : ''}`;
    const fact = `The list is the Excel table ${describeTable(table)}, without ${columns.length === 1 ? 'column' : 'columns'} ${names} beside it.`;
    return [{ code: 'OTHER_COLUMNS', message: `${fact} ${KEPT}`, fact }];
  }

  #mayHoldOthers({ line, cells }: SheetLine): boolean {
    if (this.#table !== null)
      return this.#table.range.firstColumn > 0 || cells.length > this.#table.range.lastColumn + 1;
    return this.#others.some(({ range }) => line >= range.firstLine && line <= range.lastLine);
  }

  #has(line: number, column: number): boolean {
    if (this.#table !== null) return isWithin(column, this.#table.range) || isWithin(column, this.#added);
    return !this.#others.some(({ range }) => includes(range, line, column));
  }
}

const KEPT = 'Only .xlsx output keeps them, unchanged.';
const MAX_NAMES = 5;

function describeTable({ name, range }: ExcelTable): string {
  return `${name} (${formatRange(range)})`;
}

type ColumnSpan = Pick<CellRange, 'firstColumn' | 'lastColumn'>;

function isWithin(column: number, span: ColumnSpan | null): boolean {
  return span !== null && column >= span.firstColumn && column <= span.lastColumn;
}

function includes(range: CellRange, line: number, column: number): boolean {
  return line >= range.firstLine && line <= range.lastLine && isWithin(column, range);
}

/**
 * Index of the header, given where it was found. Names over nothing but Excel tables are a title: then the header is
 * that of the first table.
 */
export function findListHeader(
  tables: readonly ExcelTable[],
  lines: readonly SheetLine[],
  at: number,
): number {
  const header = lines[at];
  if (header === undefined || tables.length === 0) return at;
  const area = new ListArea(tables, header);
  const below = lines.slice(at + 1);
  if (below.length === 0 || below.some((line) => area.mask(line) !== null)) return at;
  const next = below.findIndex(({ line }) => tables.some(({ range }) => range.firstLine === line));
  return next < 0 ? at : at + 1 + next;
}

/** The Excel table of the first names in the header. A single name before it, such as a number sign, does not count. */
function findTable(tables: readonly ExcelTable[], { line, cells }: SheetLine): ExcelTable | null {
  const named = cells.flatMap((text, column) => (text.trim() === '' ? [] : [column]));
  const find = (column: number | undefined): ExcelTable | null =>
    tables.find(({ range }) => includes(range, line, column ?? -1)) ??
    // The names, or names over them, may be in the row above a table.
    tables.find(({ range }) => includes({ ...range, firstLine: range.firstLine - 1 }, line, column ?? -1)) ??
    null;
  return find(named[0]) ?? find(named[1]);
}

/** Columns beside an Excel table that could not grow, with the names that rowfill gives. */
function findAdded({ cells }: SheetLine, table: CellRange, others: readonly ExcelTable[]): ColumnSpan | null {
  const isFree = (column: number): boolean =>
    column > table.lastColumn &&
    (cells[column] ?? '').trim() !== '' &&
    !others.some(({ range }) => isWithin(column, range));
  const at = cells.findIndex((text, column) => text === OUTCOME_COLUMNS[0] && isFree(column));
  if (at < 0) return null;
  let [firstColumn, lastColumn] = [at, at];
  while (isFree(firstColumn - 1)) firstColumn -= 1;
  while (isFree(lastColumn + 1)) lastColumn += 1;
  return { firstColumn, lastColumn };
}
