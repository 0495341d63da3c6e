import { isEmptyText } from '../model/blank.js';
import type { SheetLine } from '../model/file-format.js';
import { SUM_WORD } from './line-kind.js';

/**
 * True for a row in which every cell is blank, a word for a sum, or a formula that adds up its column. It is a totals row
 * wherever it is, also if the formulas were never calculated.
 */
export function isSumRow({ cells, sums = [] }: SheetLine): boolean {
  return (
    sums.length > 0 &&
    cells.every((text, column) => isEmptyText(text) || sums.includes(column) || SUM_WORD.test(text.trim()))
  );
}

/** Adds up the columns of a sheet, to recognize a last row with their totals. */
export class TotalsFinder {
  readonly #sums: number[] = [];
  readonly #counts: number[] = [];
  readonly #texts: number[] = [];

  add({ cells, stored }: SheetLine): void {
    for (let column = 0; column < cells.length; column += 1) {
      const number = readNumber(stored[column]);
      if (number !== null) {
        this.#sums[column] = (this.#sums[column] ?? 0) + number;
        this.#counts[column] = (this.#counts[column] ?? 0) + 1;
      } else if (cells[column] !== '') this.#texts[column] = (this.#texts[column] ?? 0) + 1;
    }
  }

  /**
   * True for a row below those added in which a number is the sum of its column, and every other cell is blank, such a
   * sum, or a word for it. A word alone never makes a totals row, nor does a number in a table of numbers only.
   */
  isTotals({ cells, stored }: SheetLine): boolean {
    let hasSum = false;
    let hasWord = false;
    let hasBlankName = false;
    for (const [column, text] of cells.entries()) {
      const number = readNumber(stored[column]);
      if (isEmptyText(text)) hasBlankName ||= (this.#texts[column] ?? 0) > 1;
      else if (number !== null && this.#isSum(column, number)) hasSum = true;
      else if (number === null && SUM_WORD.test(text.trim())) hasWord = true;
      else return false;
    }
    return hasSum && (hasWord || hasBlankName);
  }

  #isSum(column: number, number: number): boolean {
    const sum = this.#sums[column] ?? 0;
    return (this.#counts[column] ?? 0) > 0 && Math.abs(sum - number) <= 1e-9 * Math.max(1, Math.abs(sum));
  }
}

function readNumber(stored: SheetLine['stored'][number] | undefined): number | null {
  return stored?.kind === 'number' ? Number(stored.raw) : null;
}
