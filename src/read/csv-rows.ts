import { createUsageError } from '../errors.js';
import type { CellRow } from '../model/row.js';
import type { CsvRecords } from './csv-reader.js';
import type { Notebook } from './notebook.js';

/** What the rows of a table are read by: its columns, and how strict to be. */
export interface CsvTable {
  readonly name: string;
  readonly columns: ReadonlyMap<string, number>;
  readonly hasHeader: boolean;
  readonly hasSepLine: boolean;
  readonly strict: boolean;
}

const CHUNK_ROWS = 1_000;

export const ROW_NOTES = {
  ROW_TOO_SHORT: ['Rows with fewer cells than the header', 'The missing cells count as empty.'],
  ROW_TOO_LONG: ['Rows with more cells than the header', 'The surplus is kept at the end of the row.'],
  ROW_QUOTES_MENDED: ['Rows with quotes that break the rules', 'Check in the output how they were read.'],
  BLANK_LINE: ['Blank lines', 'They are left out.'],
} as const;

/** Makes rows of records: skips the header and blank lines, notes the rows that do not fit the header. */
export async function* readCsvRows(
  chunks: AsyncIterable<CsvRecords>,
  table: CsvTable,
  notebook: Notebook,
): AsyncGenerator<readonly CellRow[]> {
  const { columns } = table;
  let skip = (table.hasSepLine ? 1 : 0) + (table.hasHeader ? 1 : 0);
  let ordinal = 0;
  for await (const { rows, line: firstLine, lines, mendedLines } of chunks) {
    for (const line of mendedLines) note(table, notebook, 'ROW_QUOTES_MENDED', line);
    const out: CellRow[] = [];
    let index = 0;
    for (const cells of rows) {
      const line = lines?.[index] ?? firstLine + index;
      index += 1;
      if (isBlankLine(cells, skip > 0 ? 0 : columns.size)) {
        if (skip === 0) notebook.add('BLANK_LINE', line);
      } else if (skip > 0) {
        skip -= 1;
      } else {
        if (cells.length !== columns.size) checkWidth(cells, line, table, notebook);
        out.push({ kind: 'cells', ordinal, line, columns, cells });
        ordinal += 1;
      }
    }
    for (let start = 0; start < out.length; start += CHUNK_ROWS) {
      yield out.length <= CHUNK_ROWS ? out : out.slice(start, start + CHUNK_ROWS);
    }
  }
}

const STRICT_FAULTS = {
  ROW_TOO_SHORT: 'fewer cells than the header',
  ROW_TOO_LONG: 'more cells than the header',
  ROW_QUOTES_MENDED: 'quotes that break the rules',
} as const;

/** True for a record that is an empty line; in a table of one column only a line without anything is. */
export function isBlankLine(cells: readonly string[], width: number): boolean {
  if (cells.length > 1) return false;
  return cells[0] === '' || (width !== 1 && cells[0]?.trim() === '');
}

/** Empty cells behind the last column are no surplus: spreadsheets leave them. */
function checkWidth(cells: readonly string[], line: number, table: CsvTable, notebook: Notebook): void {
  const width = table.columns.size;
  if (cells.length < width) note(table, notebook, 'ROW_TOO_SHORT', line);
  else if (cells.slice(width).some((cell) => cell !== '')) note(table, notebook, 'ROW_TOO_LONG', line);
}

function note(table: CsvTable, notebook: Notebook, code: keyof typeof STRICT_FAULTS, line: number): void {
  if (table.strict) {
    throw createUsageError(
      'INPUT_NOT_STRICT',
      `${table.name}, line ${line}: ${STRICT_FAULTS[code]}`,
      'Correct the line, or leave out --strict to read it all the same.',
    );
  }
  notebook.add(code, line);
}
