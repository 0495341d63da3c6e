import { type CellRange, parseRange } from '../model/workbook-file.js';
import type { RawXml } from './sheet-stream.js';
import { readAttributes } from './xml-text.js';

const FORMULA = /<(?:[^\s<>/:]+:)?f\s[^>]*>/g;

/**
 * Finds the cells that an array formula or a data table fills, from a sheet's rows in their order. They have no formula of
 * their own, but no program lets one of them be changed alone.
 */
export class ArrayRanges {
  #ranges: CellRange[] = [];

  /** Takes note of the ranges that begin in a row. */
  addRow(row: RawXml, line: number): void {
    if (this.#ranges.length > 0) this.#ranges = this.#ranges.filter(({ lastLine }) => lastLine >= line);
    if (!row.includes('ref')) return;
    for (const [tag] of row.matchAll(FORMULA)) {
      const { t: kind, ref } = readAttributes(tag);
      const range = kind === 'array' || kind === 'dataTable' ? parseRange(ref) : null;
      if (range !== null) this.#ranges.push(range);
    }
  }

  has(column: number, line: number): boolean {
    return this.#ranges.some(
      ({ firstLine, lastLine, firstColumn, lastColumn }) =>
        firstLine <= line && line <= lastLine && firstColumn <= column && column <= lastColumn,
    );
  }
}
