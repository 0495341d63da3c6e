import { createUsageError } from '../errors.js';
import { readCsvRecords } from './csv-reader.js';
import { isBlankLine, ROW_NOTES, readCsvRows } from './csv-rows.js';
import { describeHeader, quoteText } from './describe-header.js';
import { detectDialect } from './detect-dialect.js';
import type { InputOptions, OpenReader, TextInput } from './input.js';
import { nameColumns } from './name-columns.js';
import { Notebook } from './notebook.js';

/** Opens a table: finds out its dialect and its header, and makes sure that there is a row. */
export async function openCsv(input: TextInput, options: InputOptions): Promise<OpenReader> {
  const { name, limits } = input;
  const { text, isWhole } = input.sample;
  const dialect = detectDialect(text, isWhole, resolveDelimiter(options.delimiter));
  const hasHeader = options.header !== false;
  if (hasHeader && dialect.hasTitleLine) {
    throw createUsageError(
      'INPUT_NO_HEADER',
      `${name} starts with a line of one cell, though the lines below have more: that is a title, not a header`,
      'Delete what stands above the line with the names of the columns.',
    );
  }
  const openRecords = (signal?: AbortSignal) =>
    readCsvRecords(input.openText(signal), {
      ...dialect.cut,
      name,
      width: dialect.width,
      maxRowLength: limits.maxRowLength,
    });
  const first = await readFirstRecords(openRecords(), dialect.sepLine);
  const titles = hasHeader ? (first[0] ?? []) : [];
  const width = hasHeader ? titles.length : Math.max(...first.map((record) => record.length));
  if (width > limits.maxColumns) {
    throw createUsageError(
      'INPUT_TOO_MANY_COLUMNS',
      `${name} has ${width} columns; up to ${limits.maxColumns} are read`,
      'Check the delimiter, and that the lines end as lines do.',
    );
  }
  if (hasHeader && first.length < 2) {
    throw createUsageError(
      'INPUT_NO_ROWS',
      `${name} has a header but no rows`,
      'If its only line is data, say so with --no-header.',
    );
  }
  const columns = nameColumns(hasHeader ? titles : Array.from({ length: width }, () => ''));
  const table = {
    name,
    columns: new Map(columns.map((column, index) => [column, index])),
    hasHeader,
    hasSepLine: dialect.sepLine,
    strict: options.strict === true,
  };
  const fixedNotes = describeHeader(titles, columns);
  let notebook = new Notebook();
  return {
    shape: {
      format: 'csv',
      titles,
      delimiter: dialect.delimiter,
      newline: dialect.newline,
      quoting: dialect.quoting,
      titlesQuoted: dialect.titlesQuoted,
      sepLine: dialect.sepLine,
      ...input.shape,
    },
    columns,
    readColumns: async () => {},
    get notes() {
      return [...fixedNotes, ...notebook.read(ROW_NOTES)];
    },
    openRows: (signal) => {
      notebook = new Notebook();
      return readCsvRows(openRecords(signal), table, notebook);
    },
  };
}

/** The first records that are no blank lines: the header and at least one row, if there is one. */
async function readFirstRecords(
  chunks: ReturnType<typeof readCsvRecords>,
  hasSepLine: boolean,
): Promise<(readonly string[])[]> {
  const records: (readonly string[])[] = [];
  const skip = hasSepLine ? 1 : 0;
  for await (const { rows } of chunks) {
    for (const row of rows) if (!isBlankLine(row, 0)) records.push(row);
    if (records.length > skip + 1) break;
  }
  return records.slice(skip);
}

function resolveDelimiter(wish: string | undefined): string | undefined {
  const delimiter = wish === '\\t' || wish === 'tab' ? '\t' : wish;
  if (delimiter === undefined || (delimiter.length === 1 && !'"\r\n'.includes(delimiter))) return delimiter;
  throw createUsageError(
    'OPTION_DELIMITER',
    `${quoteText(delimiter)} cannot be a delimiter`,
    'A delimiter is one character, such as a comma, a semicolon, or tab.',
  );
}
