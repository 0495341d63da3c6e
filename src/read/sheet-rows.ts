import { createUsageError } from '../errors.js';
import type { CellRow } from '../model/row.js';
import type { SheetLine } from '../model/shape.js';
import type { Notebook } from './notebook.js';

/** What the rows of a sheet are read by. */
export interface SheetTable {
  readonly name: string;
  readonly columns: ReadonlyMap<string, number>;
  /** The row that the header stands in; null for a sheet without one. */
  readonly headerLine: number | null;
  readonly strict: boolean;
}

/** Makes rows of what stands below the header; notes blank rows, and those that are wider than the header. */
export async function* readSheetRows(
  chunks: AsyncIterable<readonly SheetLine[]>,
  table: SheetTable,
  notebook: Notebook,
): AsyncGenerator<readonly CellRow[]> {
  const { columns, headerLine } = table;
  let isBelow = headerLine === null;
  let lastLine = 0;
  let ordinal = 0;
  for await (const lines of chunks) {
    const rows: CellRow[] = [];
    for (const { line, cells, stored } of lines) {
      if (!isBelow) {
        isBelow = line === headerLine;
      } else {
        if (ordinal > 0 || headerLine !== null) noteBlanks(lastLine, line, notebook);
        if (cells.length > columns.size) noteSurplus(line, table, notebook);
        rows.push({ kind: 'cells', ordinal, line, columns, cells, stored });
        ordinal += 1;
      }
      lastLine = line;
    }
    if (rows.length > 0) yield rows;
  }
}

/** Rows without a value are not in the sheet, or are there for their looks only. */
function noteBlanks(before: number, line: number, notebook: Notebook): void {
  for (let blank = before + 1; blank < line; blank += 1) notebook.add('BLANK_LINE', blank);
}

function noteSurplus(line: number, { name, strict }: SheetTable, notebook: Notebook): void {
  if (strict) {
    throw createUsageError(
      'INPUT_NOT_STRICT',
      `${name}, row ${line}: more cells than the header`,
      'Correct the row, or leave out --strict to read it all the same.',
    );
  }
  notebook.add('ROW_TOO_LONG', line);
}
