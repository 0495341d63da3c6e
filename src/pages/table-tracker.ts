import type { TablePart } from './html-elements.js';
import type { TableCell } from './page-text.js';

const MAX_ROW_SPAN = 1_000;
const MAX_COL_SPAN = 100;
/** Cells further right do not cover rows below: each row looks at all columns that are covered. */
const MAX_COVERED = 1_000;

interface OpenTable {
  readonly table: number;
  row: number;
  column: number;
  cell: TableCell | null;
  /** Rows that cells from above still cover, by column. */
  readonly covered: number[];
}

/** Tracks the row and column of each cell of nested tables, with cells that span several. */
export class TableTracker {
  readonly #open: OpenTable[] = [];
  #count = 0;

  /** The cell of the innermost table that is open now, or null. */
  current(): TableCell | null {
    return this.#open.at(-1)?.cell ?? null;
  }

  open(part: TablePart, attributes: Readonly<Record<string, string>>): void {
    if (part === 'table') {
      this.#open.push({ table: this.#count, row: -1, column: 0, cell: null, covered: [] });
      this.#count += 1;
      return;
    }
    const table = this.#open.at(-1);
    if (table === undefined || part === null) return;
    if (part === 'row') {
      table.row += 1;
      table.column = 0;
      table.cell = null;
      for (let column = 0; column < table.covered.length; column += 1)
        table.covered[column] = Math.max(0, (table.covered[column] ?? 0) - 1);
      return;
    }
    while ((table.covered[table.column] ?? 0) > 0) table.column += 1;
    const rowSpan = readSpan(attributes.rowspan ?? attributes['aria-rowspan'], MAX_ROW_SPAN);
    const colSpan = readSpan(attributes.colspan ?? attributes['aria-colspan'], MAX_COL_SPAN);
    const { column } = table;
    table.cell = {
      table: table.table,
      row: Math.max(0, table.row),
      column,
      rowSpan,
      colSpan,
      isHeader: part === 'header',
    };
    const end = Math.min(column + colSpan, MAX_COVERED);
    for (let at = column; at < end && rowSpan > 1; at += 1) table.covered[at] = rowSpan;
    table.column += colSpan;
  }

  close(part: TablePart): void {
    const table = this.#open.at(-1);
    if (table === undefined) return;
    if (part === 'table') this.#open.pop();
    else if (part === 'cell' || part === 'header') table.cell = null;
  }
}

function readSpan(text: string | undefined, most: number): number {
  const span = Number.parseInt(text ?? '1', 10);
  return Number.isFinite(span) ? Math.min(Math.max(span, 1), most) : 1;
}
