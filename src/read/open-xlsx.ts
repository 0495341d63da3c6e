import { createUsageError } from '../errors.js';
import type { SheetLine } from '../model/file-format.js';
import type { CellRow } from '../model/row.js';
import type { ByteSource } from './bytes.js';
import { ROW_NOTES } from './csv-rows.js';
import {
  type InputLimits,
  type InputOptions,
  type InputWarning,
  type OpenReader,
  Warnings,
} from './input.js';
import { describeHeader, nameColumns } from './open-csv.js';
import { readSheetLines, SHEET_NOTES } from './sheet-reader.js';
import { readWorkbook, type Sheet, type Workbook } from './workbook.js';
import { openZip } from './zip-archive.js';

/**
 * Opens an Excel workbook: chooses the sheet and finds its header. Nothing in it is calculated, downloaded or
 * executed.
 */
export async function openXlsx(
  source: ByteSource,
  limits: InputLimits,
  options: InputOptions,
): Promise<OpenReader> {
  const { name } = source;
  const workbook = await readWorkbook(await openZip(source, limits), limits);
  const { sheet, lines } = await chooseSheet(workbook, options.sheet, limits);
  const hasHeader = options.header !== false;
  const headerAt = hasHeader ? findHeader(lines) : 0;
  const header = lines[headerAt];
  if (header === undefined || (hasHeader && lines.length < headerAt + 2))
    throw refuseSheet(name, sheet.name, lines);
  const titles = hasHeader ? header.cells : [];
  const width = hasHeader ? titles.length : Math.max(...lines.map(({ cells }) => cells.length));
  const columns = nameColumns(hasHeader ? titles : Array.from({ length: width }, () => ''));
  const above = lines.slice(0, headerAt);
  const table = {
    name,
    columns: new Map(columns.map((column, index) => [column, index])),
    headerLine: hasHeader ? header.line : null,
    strict: options.strict === true,
  };
  const sheetWarnings = [
    ...describeChoice(workbook, sheet),
    ...describeHeader(titles, columns, `row ${header.line}`),
    ...describeAbove(above, header.line),
  ];
  let warnings = new Warnings();
  return {
    shape: {
      format: 'xlsx',
      titles,
      delimiter: ',',
      newline: '\n',
      bom: false,
      encoding: 'utf-8',
      gzip: false,
      quoting: 'needed',
      titlesQuoted: false,
      sepLine: false,
      sheet: { name: sheet.name, firstLine: header.line, above, date1904: workbook.date1904 },
    },
    columns,
    readColumns: async () => {},
    get notes() {
      return [...sheetWarnings, ...warnings.read({ ...ROW_NOTES, ...SHEET_NOTES }, 'row')];
    },
    doubts: [],
    openRows: (signal) => {
      warnings = new Warnings();
      return readSheetRows(readSheetLines(workbook, sheet, limits, warnings, signal), table, warnings);
    },
  };
}

function refuseSheet(name: string, sheet: string, lines: readonly SheetLine[]) {
  const where = `${name}, sheet ${JSON.stringify(sheet)},`;
  return lines.length === 0
    ? createUsageError('INPUT_EMPTY', `${where} is empty`, 'Choose another sheet with --sheet.')
    : createUsageError(
        'INPUT_NO_ROWS',
        `${where} has a header but no rows`,
        'If its only row is data, use --no-header; or choose another sheet with --sheet.',
      );
}

function describeAbove(above: readonly SheetLine[], line: number): InputWarning[] {
  if (above.length === 0) return [];
  const message = `Using row ${line} as the header. Rows above it are kept in .xlsx output and dropped from other formats.`;
  return [{ code: 'ROWS_ABOVE_HEADER', message, fact: `Using row ${line} as the header.` }];
}

/** A sheet and its first rows. */
interface ChosenSheet {
  readonly sheet: Sheet;
  readonly lines: readonly SheetLine[];
}

/** Returns the sheet with the given name or number, else the first visible one with a table. */
async function chooseSheet(
  workbook: Workbook,
  wish: string | undefined,
  limits: InputLimits,
): Promise<ChosenSheet> {
  const visible = workbook.sheets.filter((sheet) => !sheet.isHidden);
  const wanted = wish === undefined ? visible : [findSheet(workbook, wish)];
  let first: ChosenSheet | null = null;
  for (const sheet of wanted) {
    const chosen = { sheet, lines: await readFirstLines(workbook, sheet, limits) };
    if (chosen.lines.length > 1) return chosen;
    if (first === null || first.lines.length === 0) first = chosen;
  }
  if (first !== null) return first;
  throw createUsageError(
    'INPUT_EMPTY',
    `${workbook.archive.name} has only hidden sheets`,
    `Choose one with --sheet: ${listSheets(workbook.sheets)}.`,
  );
}

function findSheet({ archive, sheets }: Workbook, wish: string): Sheet {
  const plain = (text: string) => text.trim().toLowerCase();
  const found =
    sheets.find(({ name }) => name === wish) ??
    sheets.find(({ name }) => plain(name) === plain(wish)) ??
    (/^\d{1,5}$/.test(wish) ? sheets[Number(wish) - 1] : undefined);
  if (found !== undefined) return found;
  throw createUsageError(
    'UNKNOWN_SHEET',
    `${archive.name} has no sheet ${JSON.stringify(wish)}`,
    `It has ${listSheets(sheets)}.`,
  );
}

async function readFirstLines(
  workbook: Workbook,
  sheet: Sheet,
  limits: InputLimits,
): Promise<readonly SheetLine[]> {
  const lines: SheetLine[] = [];
  for await (const chunk of readSheetLines(workbook, sheet, limits, new Warnings())) {
    lines.push(...chunk.slice(0, HEADER_SEARCH_LINES));
    if (lines.length >= HEADER_SEARCH_LINES) break;
  }
  return lines.slice(0, HEADER_SEARCH_LINES);
}

const MAX_LISTED = 10;

/** Warnings about parts of a workbook that are not read. */
function describeChoice({ sheets, hasMacros }: Workbook, sheet: Sheet): InputWarning[] {
  const others = sheets.filter((other) => other !== sheet);
  const choice = {
    code: 'SHEET_CHOSEN',
    message: `Using sheet ${JSON.stringify(sheet.name)}. The output will not contain the others: ${listSheets(others)}. Use --sheet to choose another.`,
  };
  const macros = {
    code: 'MACROS_LEFT_OUT',
    message: 'Macros are not copied to the output.',
  };
  return [...(others.length > 0 ? [choice] : []), ...(hasMacros ? [macros] : [])];
}

function listSheets(sheets: readonly Sheet[]): string {
  const named = sheets.slice(0, MAX_LISTED).map(({ name }) => JSON.stringify(name));
  const more = sheets.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** How many rows of a sheet to search for the header. */
const HEADER_SEARCH_LINES = 20;

/**
 * Finds the header among the first rows of a sheet: the first row with values in more than half as many cells
 * as the fullest one. Rows above it, such as a title or date, have fewer.
 */
function findHeader(lines: readonly SheetLine[]): number {
  const counts = lines.slice(0, HEADER_SEARCH_LINES).map(countValues);
  const most = Math.max(...counts);
  return Math.max(
    0,
    counts.findIndex((count) => count > most / 2),
  );
}

function countValues({ cells }: SheetLine): number {
  return cells.filter((cell) => cell.trim() !== '').length;
}

/** Columns and settings for reading rows of a sheet. */
interface SheetTable {
  readonly name: string;
  readonly columns: ReadonlyMap<string, number>;
  /** Row number of the header; null for a sheet without one. */
  readonly headerLine: number | null;
  readonly strict: boolean;
}

/** Converts the lines below the header to rows. Warns about blank rows and rows wider than the header. */
async function* readSheetRows(
  chunks: AsyncIterable<readonly SheetLine[]>,
  table: SheetTable,
  warnings: Warnings,
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
        if (ordinal > 0 || headerLine !== null) warnBlankRows(lastLine, line, warnings);
        if (cells.length > columns.size) warnExtraCells(line, table, warnings);
        rows.push({ kind: 'cells', ordinal, line, columns, cells, stored });
        ordinal += 1;
      }
      lastLine = line;
    }
    if (rows.length > 0) yield rows;
  }
}

/** Rows without values are missing from the sheet or only have formatting. */
function warnBlankRows(before: number, line: number, warnings: Warnings): void {
  for (let blank = before + 1; blank < line; blank += 1) warnings.add('BLANK_LINE', blank);
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
