import { createUsageError } from '../errors.js';
import type { Doubt } from '../model/events.js';
import type { SheetLine } from '../model/file-format.js';
import type { WorkbookFile } from '../model/workbook-file.js';
import type { ByteSource } from './bytes.js';
import { countVotes, findColumnKinds } from './cell-kind.js';
import { chooseSheet, describeChoice } from './choose-sheet.js';
import { createDataDoubt, describeJoined } from './csv-layout.js';
import { ROW_NOTES } from './csv-rows.js';
import {
  type InputLimits,
  type InputOptions,
  type InputWarning,
  type OpenReader,
  Warnings,
} from './input.js';
import { findListHeader, ListArea } from './list-area.js';
import { describeHeader, nameColumns } from './open-csv.js';
import { findTitles } from './sheet-header.js';
import { readSheetLines, SHEET_NOTES, SKIPPED_HIDDEN } from './sheet-reader.js';
import { readSheetRows } from './sheet-rows.js';
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
  const { sheet, extras, lines: all, headerAt: chosenAt } = await chooseSheet(workbook, options, limits);
  const hasHeader = options.header !== false;
  if (hasHeader && chosenAt < 0) throw refuseHeaderRow(name, sheet.name, options.headerRow);
  const isFound = hasHeader && options.headerRow === undefined;
  const foundAt = isFound ? findListHeader(extras.tables, all, chosenAt) : chosenAt;
  const firstAt = hasHeader ? Math.max(0, foundAt) : 0;
  const area = new ListArea(extras.tables, all[firstAt] ?? NO_LINE);
  const lines = all.flatMap((line, at) => {
    const own = area.mask(line);
    // The rows down to the header keep their places.
    return own === null ? (at <= firstAt ? [{ ...line, cells: [], stored: [] }] : []) : [own];
  });
  const found = isFound ? findTitles(lines, foundAt, extras.mergedAcross) : null;
  const headerAt = hasHeader ? (found?.last ?? foundAt) : 0;
  const header = lines[headerAt];
  if (header === undefined || (hasHeader && lines.length < headerAt + 2))
    throw refuseSheet(name, sheet.name, lines);
  const titles = hasHeader ? (found?.titles ?? header.cells) : [];
  const width = hasHeader ? titles.length : Math.max(...lines.map(({ cells }) => cells.length));
  const columns = nameColumns(hasHeader ? titles : Array.from({ length: width }, () => ''));
  const above = all.slice(0, found?.first ?? headerAt);
  const table = {
    name,
    columns: new Map(columns.map((column, index) => [column, index])),
    titles: hasHeader ? header.cells : [],
    headerLine: hasHeader ? header.line : null,
    strict: options.strict === true,
    hiddenRows: options.hiddenRows,
    area,
  };
  const headerDoubts = isFound ? listHeaderDoubts(name, lines, headerAt) : [];
  // Columns between the list and its new columns have names, but not for us.
  const named = titles.map((title, column) => (area.isBeside(column) ? (columns[column] ?? title) : title));
  const sheetWarnings = [
    ...describeChoice(workbook, sheet),
    ...area.listNotes(all),
    ...describeHeader(named, columns, `row ${header.line}`).filter(
      ({ code }) => code !== DATA_CODE || (options.headerRow === undefined && headerDoubts.length === 0),
    ),
    ...(found !== null && found.first < found.last
      ? describeJoined(titles, `row ${header.line}`, 'Only .xlsx output')
      : describeAbove(above, header.line)),
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
      sheet: {
        name: sheet.name,
        firstLine: header.line,
        above,
        date1904: workbook.date1904,
        ...(extras.tables.length === 0 ? {} : { list: area.describeShape() }),
        file: describeFile(workbook, sheet),
      },
    },
    columns,
    readColumns: async () => {},
    get notes() {
      const hidden = options.hiddenRows === 'skip' ? { HIDDEN_ROWS: SKIPPED_HIDDEN } : {};
      return [...sheetWarnings, ...warnings.read({ ...ROW_NOTES, ...SHEET_NOTES, ...hidden }, 'row')];
    },
    get doubts() {
      return [...headerDoubts, ...describeHidden(options.hiddenRows, warnings)];
    },
    openRows: (signal) => {
      warnings = new Warnings();
      const opened = readSheetLines(
        workbook,
        { sheet, extras, lastLine: area.lastLine },
        limits,
        warnings,
        signal,
      );
      return readSheetRows(opened, table, warnings);
    },
  };
}

const NO_LINE: SheetLine = { line: 1, cells: [], stored: [] };

function describeFile({ archive, path }: Workbook, sheet: Sheet): WorkbookFile {
  return {
    name: archive.name,
    parts: archive.paths,
    doubled: archive.doubled,
    workbookPath: path,
    sheetPath: sheet.path,
    sheetAt: sheet.at,
    openPart: (part) => archive.openPart(part),
    openBytes: archive.openBytes,
  };
}

function refuseHeaderRow(name: string, sheet: string, row: number | undefined) {
  return createUsageError(
    'NO_HEADER_ROW',
    `${name}, sheet ${JSON.stringify(sheet)}: row ${row} is blank, so it cannot be the header`,
    'Set --header-row to the row with the names of the columns.',
  );
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

const DATA_CODE = 'HEADER_LOOKS_LIKE_DATA';

/** A doubt if the header looks like the rows below it. */
function listHeaderDoubts(name: string, lines: readonly SheetLine[], headerAt: number): Doubt[] {
  const [header, ...rows] = lines.slice(headerAt);
  if (header === undefined) return [];
  const body = rows.map(({ cells }) => cells);
  const votes = countVotes(header.cells, body, findColumnKinds(body, header.cells.length));
  const doubt = createDataDoubt(name, votes, `row ${header.line}`, header.line);
  return doubt === null ? [] : [doubt];
}

/** People hide rows by filtering, and may mean only the others. */
function describeHidden(choice: InputOptions['hiddenRows'], warnings: Warnings): Doubt[] {
  const [hidden] = warnings
    .read({ HIDDEN_ROWS: SHEET_NOTES.HIDDEN_ROWS }, 'row')
    .filter(({ code }) => code === 'HIDDEN_ROWS');
  if (choice !== undefined || hidden?.fact == null) return [];
  return [
    {
      code: 'HIDDEN_ROWS',
      message: `the sheet has ${hidden.fact.replace(/\.$/, '')}`,
      hint: 'To fill them, add --hidden-rows fill; to leave them alone, --hidden-rows skip.',
    },
  ];
}
