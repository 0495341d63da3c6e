import { formatColumn } from '../model/workbook-file.js';
import { hasContent, listCells } from './sheet-rows.js';
import type { RawXml } from './sheet-stream.js';

/** Finds blank cells outside the rows of a list that still have the link or comment of a row that is gone. */
export class LostCells {
  readonly #columns = new Map<number, Set<number>>();

  /** Adds a cell with a link or comment. */
  add(line: number, column: number): void {
    const columns = this.#columns.get(line) ?? new Set<number>();
    this.#columns.set(line, columns.add(column));
  }

  /** Takes note of a row of the list: its cells are not lost. */
  meet(line: number): void {
    this.#columns.delete(line);
  }

  /** Takes note of a row that is not of the list: its cells that hold something are not lost. */
  pass(line: number, xml: RawXml, prefix: string): void {
    const columns = this.#columns.get(line);
    if (columns === undefined) return;
    for (const { column, start, end } of listCells(xml, prefix))
      if (hasContent(xml.slice(start, end), prefix)) columns.delete(column);
  }

  /** The cells, such as `C7`, after all rows. */
  list(): string[] {
    return [...this.#columns].flatMap(([line, columns]) =>
      [...columns].map((column) => `${formatColumn(column)}${line}`),
    );
  }
}
