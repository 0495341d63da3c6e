import { createUsageError } from '../errors.js';
import type { SheetLine } from '../model/shape.js';
import type { ByteSource } from './byte-source.js';
import { chooseSheet, describeChoice } from './choose-sheet.js';
import { ROW_NOTES } from './csv-rows.js';
import { describeHeader } from './describe-header.js';
import { findHeader } from './find-header.js';
import type { InputOptions, OpenReader } from './input.js';
import type { InputLimits } from './limits.js';
import { nameColumns } from './name-columns.js';
import { type InputNote, Notebook } from './notebook.js';
import { readSheetLines, SHEET_NOTES } from './sheet-reader.js';
import { readSheetRows } from './sheet-rows.js';
import { readWorkbook } from './workbook.js';
import { openZip } from './zip-archive.js';

/** Opens an Excel workbook: chooses the sheet and finds its header. Nothing in it is computed, fetched or run. */
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
  const fixedNotes = [
    ...describeChoice(workbook, sheet),
    ...describeHeader(titles, columns, `row ${header.line}`),
    ...describeAbove(above, header.line),
  ];
  let notebook = new Notebook();
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
      return [...fixedNotes, ...notebook.read({ ...ROW_NOTES, ...SHEET_NOTES }, 'row')];
    },
    openRows: (signal) => {
      notebook = new Notebook();
      return readSheetRows(readSheetLines(workbook, sheet, limits, notebook, signal), table, notebook);
    },
  };
}

function refuseSheet(name: string, sheet: string, lines: readonly SheetLine[]) {
  const where = `${name}, sheet ${JSON.stringify(sheet)},`;
  return lines.length === 0
    ? createUsageError('INPUT_EMPTY', `${where} is empty`, 'Name another sheet with --sheet.')
    : createUsageError(
        'INPUT_NO_ROWS',
        `${where} has a header but no rows`,
        'If its only row is data, say so with --no-header; or name another sheet with --sheet.',
      );
}

function describeAbove(above: readonly SheetLine[], line: number): InputNote[] {
  if (above.length === 0) return [];
  const message = `Row ${line} is taken for the header; what stands above it is kept there in a workbook, and left out of any other output.`;
  return [{ code: 'ROWS_ABOVE_HEADER', message, fact: `Row ${line} is taken for the header.` }];
}
