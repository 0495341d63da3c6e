import { type CellRange, formatRange } from '../model/workbook-file.js';

/** A merged range, while its rows are written. */
interface OpenRange {
  readonly range: CellRange;
  /** Text of its first cell, the only one that is shown; null before its row. */
  shown: string | null;
  isFilled: boolean;
  isMixed: boolean;
}

/** Finds merged ranges whose cells got different values, of which only the first would be shown. */
export class MergedCells {
  /** In the order of their first line. */
  readonly #ranges: readonly CellRange[];
  readonly #columns: readonly number[];
  #next = 0;
  #open: OpenRange[] = [];
  readonly #parted: CellRange[] = [];

  /** `columns` are those that may be filled. */
  constructor(ranges: readonly CellRange[], columns: readonly number[]) {
    this.#ranges = [...ranges].sort((a, b) => a.firstLine - b.firstLine);
    this.#columns = columns;
  }

  /** Takes the texts of a row, and which of them are new. Rows come in order. */
  addRow(line: number, texts: readonly string[], isNew: (column: number) => boolean): void {
    for (let range = this.#ranges[this.#next]; range !== undefined && range.firstLine <= line; ) {
      this.#open.push({ range, shown: null, isFilled: false, isMixed: false });
      this.#next += 1;
      range = this.#ranges[this.#next];
    }
    if (this.#open.length === 0) return;
    this.#open = this.#open.filter(({ range }) => range.lastLine >= line);
    for (const open of this.#open) {
      const { firstColumn, lastColumn, firstLine } = open.range;
      if (firstLine === line) open.shown = texts[firstColumn] ?? '';
      const wasParted = open.isFilled && open.isMixed;
      for (const column of this.#columns) {
        if (column < firstColumn || column > lastColumn) continue;
        open.isFilled ||= isNew(column);
        open.isMixed ||= (texts[column] ?? '') !== (open.shown ?? '');
      }
      if (!wasParted && open.isFilled && open.isMixed) this.#parted.push(open.range);
    }
  }

  /** The ranges to be unmerged, such as `C2:C4`. */
  listParted(): string[] {
    return this.#parted.map(formatRange);
  }
}
