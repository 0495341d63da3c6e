import { createUsageError } from '../errors.js';
import { readCsvRecords } from './csv-reader.js';
import { isBlankLine, ROW_NOTES, readCsvRows } from './csv-rows.js';
import { detectDialect } from './detect-dialect.js';
import type { InputOptions, OpenReader, TextInput } from './input.js';
import { nameColumns } from './name-columns.js';
import { type InputNote, Notebook } from './notebook.js';

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

function describeHeader(titles: readonly string[], columns: readonly string[]): InputNote[] {
  const notes: InputNote[] = [];
  const renamed = titles.flatMap((title, index) => {
    const column = columns[index] ?? '';
    return title.trim() === column ? [] : [`${quoteText(title)} is called ${quoteText(column)}`];
  });
  if (renamed.length > 0) {
    const more = renamed.length > 5 ? `, and ${renamed.length - 5} more` : '';
    const message = `Columns without a name of their own: ${renamed.slice(0, 5).join(', ')}${more}. The output keeps the header as it is.`;
    notes.push({ code: 'COLUMNS_NAMED', message });
  }
  const value = titles.find((title) => LOOKS_LIKE_DATA.test(title.trim()));
  if (value !== undefined) {
    const message = `The first line is taken for the header, though ${quoteText(value)} looks like data; say --no-header if it is.`;
    notes.push({ code: 'HEADER_LOOKS_LIKE_DATA', message });
  }
  return notes;
}

// A web address, an e-mail address, or a number that is no year.
const LOOKS_LIKE_DATA = /^(?:https?:\/\/\S+|www\.\S+|\S+@\S+\.\S+|-?\d+[.,]\d+|\d{5,})$/i;

/** Text of a file as it may be shown on a terminal. */
function quoteText(text: string): string {
  return JSON.stringify(text.slice(0, 100)).replace(
    /[\p{Cc}\p{Cf}]/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
}
