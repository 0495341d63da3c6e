import { createUsageError } from '../errors.js';
import type { CellRow } from '../model/row.js';
import { detectDialect } from './csv-dialect.js';
import { type CsvRecords, readCsvRecords } from './csv-reader.js';
import { type InputOptions, type InputWarning, type OpenReader, type TextInput, Warnings } from './input.js';

/** Opens a CSV table: detects its dialect and header, and checks that it has rows. */
export async function openCsv(input: TextInput, options: InputOptions): Promise<OpenReader> {
  const { name, limits } = input;
  const { text, isWhole } = input.sample;
  const dialect = detectDialect(text, isWhole, resolveDelimiter(options.delimiter));
  const hasHeader = options.header !== false;
  if (hasHeader && dialect.hasTitleLine) {
    throw createUsageError(
      'INPUT_NO_HEADER',
      `${name} starts with a one-cell line above wider lines: that is a title, not a header`,
      'Delete the lines above the column names.',
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
      `${name} has ${width} columns; the maximum is ${limits.maxColumns}`,
      'Check the delimiter and the line endings.',
    );
  }
  if (hasHeader && first.length < 2) {
    throw createUsageError(
      'INPUT_NO_ROWS',
      `${name} has a header but no rows`,
      'If its only line is data, use --no-header.',
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
  const headerWarnings = describeHeader(titles, columns);
  let warnings = new Warnings();
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
      return [...headerWarnings, ...warnings.read(ROW_NOTES)];
    },
    doubts: [],
    openRows: (signal) => {
      warnings = new Warnings();
      return readCsvRows(openRecords(signal), table, warnings);
    },
  };
}

/** The first non-blank records: the header and, if there is one, a row. */
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

/** Columns and settings for reading rows. */
interface CsvTable {
  readonly name: string;
  readonly columns: ReadonlyMap<string, number>;
  readonly hasHeader: boolean;
  readonly hasSepLine: boolean;
  readonly strict: boolean;
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
  BLANK_LINE: ['blank line', 'blank lines', 'Blank lines are dropped.'],
} as const;

/**
 * Converts records to rows. Skips the header and blank lines, and warns about rows that do not fit the
 * header.
 */
async function* readCsvRows(
  chunks: AsyncIterable<CsvRecords>,
  table: CsvTable,
  warnings: Warnings,
): AsyncGenerator<readonly CellRow[]> {
  const { columns } = table;
  let skip = (table.hasSepLine ? 1 : 0) + (table.hasHeader ? 1 : 0);
  let ordinal = 0;
  for await (const { rows, line: firstLine, lines, repairedLines } of chunks) {
    for (const line of repairedLines) note(table, warnings, 'ROW_QUOTES_MENDED', line);
    const out: CellRow[] = [];
    let index = 0;
    for (const cells of rows) {
      const line = lines?.[index] ?? firstLine + index;
      index += 1;
      if (isBlankLine(cells, skip > 0 ? 0 : columns.size)) {
        if (skip === 0) warnings.add('BLANK_LINE', line);
      } else if (skip > 0) {
        skip -= 1;
      } else {
        if (cells.length !== columns.size) checkWidth(cells, line, table, warnings);
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
  ROW_QUOTES_MENDED: 'invalid quotes',
} as const;

/** True for an empty line. In a one-column table, white space is a value. */
function isBlankLine(cells: readonly string[], width: number): boolean {
  if (cells.length > 1) return false;
  return cells[0] === '' || (width !== 1 && cells[0]?.trim() === '');
}

/** Ignore extra empty cells: spreadsheets often write them. */
function checkWidth(cells: readonly string[], line: number, table: CsvTable, warnings: Warnings): void {
  const width = table.columns.size;
  if (cells.length < width) note(table, warnings, 'ROW_TOO_SHORT', line);
  else if (cells.slice(width).some((cell) => cell !== '')) note(table, warnings, 'ROW_TOO_LONG', line);
}

function note(table: CsvTable, warnings: Warnings, code: keyof typeof STRICT_FAULTS, line: number): void {
  if (table.strict) {
    throw createUsageError(
      'INPUT_NOT_STRICT',
      `${table.name}, line ${line}: ${STRICT_FAULTS[code]}`,
      'Correct the line, or omit --strict to read it anyway.',
    );
  }
  warnings.add(code, line);
}

/**
 * Makes header titles unique and typeable: an empty one becomes `column_3`, a second `name` becomes `name_2`.
 */
export function nameColumns(titles: readonly string[]): string[] {
  const trimmed = titles.map((title) => title.replace(INVISIBLE, '').replace(CONTROLS, ' ').trim());
  const taken = new Set(trimmed);
  const used = new Set<string>();
  return trimmed.map((title, index) => {
    const name = title === '' ? `column_${index + 1}` : title;
    let unique = name;
    for (let number = 2; used.has(unique) || (unique !== title && taken.has(unique)); number += 1) {
      unique = `${name}_${number}`;
    }
    used.add(unique);
    return unique;
  });
}

const INVISIBLE = /[\u00ad\u200b\u2060\ufeff]/g;
const CONTROLS = /\p{Cc}+/gu;

/** Warnings about a header: renamed columns, and values that look like data. */
export function describeHeader(
  titles: readonly string[],
  columns: readonly string[],
  place = 'first line',
): InputWarning[] {
  const notes: InputWarning[] = [];
  const renamed = titles.flatMap((title, index) => {
    const column = columns[index] ?? '';
    return title.trim() === column ? [] : [`${quoteText(title)} to ${quoteText(column)}`];
  });
  if (renamed.length > 0) {
    const more = renamed.length > 5 ? `, and ${renamed.length - 5} more` : '';
    const fact = `Columns renamed: ${renamed.slice(0, 5).join(', ')}${more}.`;
    notes.push({ code: 'COLUMNS_NAMED', message: `${fact} The output header is unchanged.`, fact });
  }
  const value = titles.find((title) => LOOKS_LIKE_DATA.test(title.trim()));
  if (value !== undefined) {
    const fact = `Using the ${place} as the header, but ${quoteText(value)} looks like data`;
    notes.push({
      code: 'HEADER_LOOKS_LIKE_DATA',
      message: `${fact}; if it is, use --no-header.`,
      fact: `${fact}.`,
    });
  }
  return notes;
}

// A URL, an email address, or a number that is not a year.
const LOOKS_LIKE_DATA = /^(?:https?:\/\/\S+|www\.\S+|\S+@\S+\.\S+|-?\d+[.,]\d+|\d{5,})$/i;

/** Quotes text from a file so it is safe to print on a terminal. */
function quoteText(text: string): string {
  return JSON.stringify(text.slice(0, 100)).replace(
    /[\p{Cc}\p{Cf}]/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
}
