import { createUsageError } from '../errors.js';
import { isEmptyText } from '../model/blank.js';
import type { CellRow } from '../model/row.js';
import type { CsvRecord, RecordFault } from './csv-reader.js';
import type { Warnings } from './input.js';
import { isRemark, isRepeatedHeader, isRule, isSingle, parseAmount, SUM_WORD } from './line-kind.js';
import { EarlierSkips, SKIP_REASONS } from './skip-reason.js';

/** Columns and settings for reading rows. */
export interface CsvTable {
  readonly name: string;
  readonly columns: ReadonlyMap<string, number>;
  /** The header's titles, to find it again further down; null for a file without a header. */
  readonly titles: readonly string[] | null;
  readonly strict: boolean;
  /** True if rows usually have more cells than the header, as from programs that end each row with a delimiter. */
  readonly hasWideRows: boolean;
  /** The records again, to add up columns. */
  openRecords(): AsyncIterable<readonly CsvRecord[]>;
}

const CHUNK_ROWS = 1_000;

export const ROW_NOTES = {
  ROW_TOO_SHORT: [
    'row has fewer cells than the header',
    'rows have fewer cells than the header',
    'Missing cells count as empty.',
  ],
  ROW_TOO_LONG: [
    'row has more cells than the header',
    'rows have more cells than the header',
    'The extra cells are kept at the end of the row.',
  ],
  ROW_QUOTES_MENDED: [
    'row has invalid quotes',
    'rows have invalid quotes',
    'Check in the output how they were read.',
  ],
  ROW_QUOTES_OPEN: [
    'row is in quotes that span several rows',
    'rows are in quotes that span several rows',
    "These quotes are read as text. If they are around one cell, use --quote '\"'.",
  ],
  ROW_QUOTES_WIDE: [
    'row has a quoted cell with line breaks whose lines could be rows',
    'rows have a quoted cell with line breaks whose lines could be rows',
    'If they are rows, use --quote none.',
  ],
  ROW_LINE_BREAK: [
    'row has a line end character inside a cell without quotes',
    'rows have a line end character inside a cell without quotes',
    'It is kept as a part of the cell.',
  ],
  BLANK_LINE: ['blank line', 'blank lines', 'Blank lines are dropped.'],
  ROW_SKIPPED: [
    'line is not data, such as a repeated header, dashes or a footer',
    'lines are not data, such as repeated headers, dashes or footers',
    'Kept in the output with the status “skipped”.',
  ],
} as const;

/** Converts the records below the header to rows, drops blank lines, and marks lines that are not data. */
export async function* readCsvRows(
  chunks: AsyncIterable<readonly CsvRecord[]>,
  table: CsvTable,
  warnings: Warnings,
): AsyncGenerator<readonly CellRow[]> {
  const maker = new RowMaker(table, warnings);
  let isFirst = true;
  for await (const records of chunks) {
    const rows: CellRow[] = [];
    for (const record of records) {
      if (isFirst && table.titles !== null) isFirst = false;
      else maker.add(record, rows);
    }
    for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
      yield rows.length <= CHUNK_ROWS ? rows : rows.slice(start, start + CHUNK_ROWS);
    }
  }
  const last = await maker.finish();
  if (last.length > 0) yield last;
}

/** How many lines to hold back until it is known whether they end the file: a footer has fewer. */
const KEPT_BACK = 32;

class RowMaker {
  readonly #table: CsvTable;
  readonly #warnings: Warnings;
  readonly #titles: readonly string[];
  readonly #earlier: EarlierSkips;
  /** The last record with several cells and the shorter ones after it: a totals row and a footer if nothing follows. */
  readonly #held: CsvRecord[] = [];
  readonly #afterBlank = new Set<CsvRecord>();
  #isAfterBlank = false;
  #ordinal = 0;

  constructor(table: CsvTable, warnings: Warnings) {
    this.#table = table;
    this.#warnings = warnings;
    this.#titles = table.titles?.map((title) => title.trim()) ?? [];
    this.#earlier = new EarlierSkips(this.#titles);
  }

  add(record: CsvRecord, rows: CellRow[]): void {
    const { cells, line } = record;
    if (cells.length < 2 && isBlankLine(cells[0], this.#table.columns.size)) {
      this.#warnings.add('BLANK_LINE', line);
      this.#isAfterBlank = true;
      return;
    }
    if (!isSingle(this.#earlier.mask(cells))) this.#release(rows, this.#held.length);
    else if (this.#held.length > 2 * KEPT_BACK) this.#release(rows, KEPT_BACK);
    this.#held.push(record);
    if (!this.#isAfterBlank) return;
    this.#afterBlank.add(record);
    this.#isAfterBlank = false;
  }

  /** The lines held back at the end of the file: rows, then maybe a totals row and a footer. */
  async finish(): Promise<CellRow[]> {
    const rows: CellRow[] = [];
    const footer = findFooter(this.#held, this.#afterBlank, this.#table.columns.size);
    const totals = this.#held[footer - 1];
    const isTotals = totals !== undefined && (await isTotalsRow(totals, this.#table));
    for (const [index, record] of this.#held.entries()) {
      const isLast = index === footer - 1;
      const next = this.#held.slice(index + 1);
      const reason =
        index >= footer
          ? SKIP_REASONS.footer
          : isTotals && isLast
            ? SKIP_REASONS.totals
            : this.#findReason(record.cells, next);
      this.#push(record, rows, reason);
    }
    return rows;
  }

  /** Turns the oldest lines held back into rows. */
  #release(rows: CellRow[], count: number): void {
    for (let index = 0; index < count; index += 1) {
      const record = this.#held[index];
      if (record === undefined) continue;
      this.#push(record, rows, this.#findReason(record.cells, this.#held.slice(index + 1)));
    }
    // Usually one line is held: taking it out is cheaper than a new list for each.
    if (count > 1) this.#held.splice(0, count);
    else if (count === 1) this.#held.shift();
    if (this.#afterBlank.size > 0 && this.#held.length === 0) this.#afterBlank.clear();
  }

  #findReason(cells: readonly string[], next: readonly CsvRecord[]): string | undefined {
    const earlier = this.#earlier.find({ cells }, next);
    if (earlier !== undefined) return earlier;
    if (isRepeatedHeader(cells, this.#titles)) return SKIP_REASONS.header;
    return isRule(cells) ? SKIP_REASONS.dashes : undefined;
  }

  #push(record: CsvRecord, rows: CellRow[], skip: string | undefined): void {
    const { cells, line, fault, source } = record;
    const { columns } = this.#table;
    if (fault !== null) note(this.#table, this.#warnings, FAULT_CODES[fault], line);
    if (skip !== undefined) this.#warnings.add('ROW_SKIPPED', line);
    else if (cells.length !== columns.size) checkWidth(cells, line, this.#table, this.#warnings);
    const ordinal = this.#ordinal;
    if (source === null && skip === undefined) rows.push({ kind: 'cells', ordinal, line, columns, cells });
    else
      rows.push({
        kind: 'cells',
        ordinal,
        line,
        columns,
        cells,
        ...(source && { source }),
        ...(skip !== undefined && { skip }),
      });
    this.#ordinal += 1;
  }
}

/** True for an empty line. In a one-column table, white space is a value. */
function isBlankLine(text = '', width: number): boolean {
  if (text === '') return true;
  return width === 1 ? /^\p{Cc}+$/u.test(text) : isEmptyText(text);
}

/** Index of the first line of the footer among the last lines of a file; their number if there is none. */
function findFooter(held: readonly CsvRecord[], afterBlank: ReadonlySet<CsvRecord>, width: number): number {
  const lines = held.map(({ cells }) => ({
    isRemark: isSingle(cells) && isRemark(cells[0] ?? ''),
    isShort: cells.length === 1 && width > 1,
  }));
  for (const [index, record] of held.entries()) {
    const rest = lines.slice(index);
    const isFooter =
      rest.some((line) => line.isRemark) && rest.every((line) => line.isShort || line.isRemark);
    if (afterBlank.has(record) && isFooter) return index;
  }
  const last = lines.findLastIndex((line) => !line.isRemark);
  return last + 1;
}

/** True if the cells may be a totals row: numbers, blanks and at most words for sum. */
function isAggregate(cells: readonly string[]): boolean {
  let numbers = 0;
  for (const cell of cells) {
    if (cell === '') continue;
    if (parseAmount(cell) !== null) numbers += 1;
    else if (!SUM_WORD.test(cell.trim()) && !isEmptyText(cell)) return false;
  }
  return numbers > 0 && numbers < cells.length;
}

/** True if a number of the record is the sum of its column above. */
async function isTotalsRow(totals: CsvRecord, { titles, openRecords }: CsvTable): Promise<boolean> {
  if (!isAggregate(totals.cells)) return false;
  const places = totals.cells.flatMap((cell, index) => {
    const amount = parseAmount(cell);
    return amount === null ? [] : [{ index, amount, sum: 0, count: 0 }];
  });
  let isFirst = titles !== null;
  for await (const records of openRecords()) {
    for (const { line, cells } of records) {
      if (line >= totals.line) break;
      if (isFirst) {
        isFirst = false;
        continue;
      }
      for (const place of places) {
        const amount = parseAmount(cells[place.index] ?? '');
        if (amount === null) continue;
        place.sum += amount;
        place.count += 1;
      }
    }
  }
  return places.some(
    ({ amount, sum, count }) => count > 1 && Math.abs(sum - amount) <= Math.abs(amount) * 1e-9 + 0.0051,
  );
}

const FAULT_CODES = {
  quotes: 'ROW_QUOTES_MENDED',
  open_quotes: 'ROW_QUOTES_OPEN',
  wide_quotes: 'ROW_QUOTES_WIDE',
  line_break: 'ROW_LINE_BREAK',
} as const satisfies Record<RecordFault, string>;

const STRICT_FAULTS = {
  ROW_TOO_SHORT: 'fewer cells than the header',
  ROW_TOO_LONG: 'more cells than the header',
  ROW_QUOTES_MENDED: 'invalid quotes',
  ROW_QUOTES_OPEN: 'quotes that span several rows',
  ROW_QUOTES_WIDE: null,
  ROW_LINE_BREAK: 'a line end character inside a cell',
} as const;

/** Extra empty cells are ignored if most rows have them, and always in strict mode: spreadsheets often write them. */
function checkWidth(cells: readonly string[], line: number, table: CsvTable, warnings: Warnings): void {
  const width = table.columns.size;
  if (cells.length < width) note(table, warnings, 'ROW_TOO_SHORT', line);
  else if (cells.slice(width).some((cell) => cell !== '')) note(table, warnings, 'ROW_TOO_LONG', line);
  else if (!table.hasWideRows) warnings.add('ROW_TOO_LONG', line);
}

function note(table: CsvTable, warnings: Warnings, code: keyof typeof STRICT_FAULTS, line: number): void {
  const fault = STRICT_FAULTS[code];
  if (table.strict && fault !== null) {
    throw createUsageError(
      'INPUT_NOT_STRICT',
      `${table.name}, line ${line}: ${fault}`,
      'Correct the line, or omit --strict to read it anyway.',
    );
  }
  warnings.add(code, line);
}
