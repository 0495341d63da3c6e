import { createUsageError } from '../errors.js';
import { isEmptyText } from '../model/blank.js';
import { foldName } from '../model/column-name.js';
import { detectLayout } from './csv-layout.js';
import { readCsvRecords } from './csv-reader.js';
import { DOUBLE_QUOTES } from './csv-record.js';
import { ROW_NOTES, readCsvRows } from './csv-rows.js';
import {
  type InputOptions,
  type InputWarning,
  type OpenReader,
  quoteText,
  type TextInput,
  Warnings,
} from './input.js';

/** Opens a CSV table: detects its dialect and header, and checks that it has rows. */
export async function openCsv(input: TextInput, options: InputOptions): Promise<OpenReader> {
  const { name, limits } = input;
  const layout = detectLayout(input, options);
  const { dialect } = layout;
  const openRecords = (signal?: AbortSignal) =>
    readCsvRecords(input.openText(signal), {
      ...dialect.cut,
      name,
      width: layout.names.length,
      maxRowLength: limits.maxRowLength,
      from: layout.from,
      quotesEmpty: dialect.quoting === 'all',
      isWrapped: dialect.isWrapped,
      looksLikeRow: layout.looksLikeRow,
    });
  const hasHeader = options.header !== false;
  const first = hasHeader ? await readHeader(name, openRecords()) : null;
  const isPartial = layout.isPartial && first !== null;
  const titles = isPartial ? first : layout.titles;
  const names = isPartial ? first : layout.names;
  if (names.length > limits.maxColumns) {
    throw createUsageError(
      'INPUT_TOO_MANY_COLUMNS',
      `${name} has ${names.length} columns; the maximum is ${limits.maxColumns}`,
      'Check the delimiter and the line endings.',
    );
  }
  const columns = nameColumns(names);
  const table = {
    name,
    columns: new Map(columns.map((column, index) => [column, index])),
    titles: hasHeader ? titles : null,
    strict: options.strict === true,
    hasWideRows: dialect.width > columns.length,
    openRecords,
  };
  const isSettled = options.headerRow !== undefined || layout.doubts.some(({ code }) => code === DATA_CODE);
  const headerNotes = hasHeader
    ? describeHeader(names, columns).filter(({ code }) => !isSettled || code !== DATA_CODE)
    : [];
  let warnings = new Warnings();
  return {
    shape: {
      format: 'csv',
      titles,
      delimiter: dialect.delimiter,
      newline: dialect.newline,
      quoting: dialect.quoting,
      titlesQuoted: layout.titlesQuoted,
      sepLine: dialect.sepLine,
      ...(dialect.cut.quotes === DOUBLE_QUOTES ? {} : { quotes: dialect.cut.quotes }),
      ...(dialect.cut.isPadded ? { isPadded: true } : {}),
      ...(layout.above === '' ? {} : { above: layout.above }),
      ...input.shape,
    },
    columns,
    readColumns: async () => {},
    get notes() {
      return [...layout.notes, ...headerNotes, ...warnings.read(ROW_NOTES)];
    },
    doubts: layout.doubts,
    openRows: (signal) => {
      warnings = new Warnings();
      return readCsvRows(openRecords(signal), table, warnings);
    },
  };
}

/** Reads the header. Throws if nothing but blank lines is below it. */
async function readHeader(
  name: string,
  chunks: ReturnType<typeof readCsvRecords>,
): Promise<readonly string[]> {
  let header: readonly string[] | null = null;
  for await (const records of chunks) {
    for (const { cells } of records) {
      if (cells.length === 1 && isEmptyText(cells[0] ?? '')) continue;
      if (header !== null) return header;
      header = cells;
    }
  }
  throw createUsageError(
    'INPUT_NO_ROWS',
    `${name} has a header but no rows`,
    'If its only line is data, use --no-header.',
  );
}

const DATA_CODE = 'HEADER_LOOKS_LIKE_DATA';

/**
 * Makes header titles unique and typeable: an empty one becomes `column_3`, a second `name` becomes `name_2`.
 */
export function nameColumns(titles: readonly string[]): string[] {
  const trimmed = titles.map(foldName);
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

/** Warnings about a header: renamed columns, and values that look like data. */
export function describeHeader(
  titles: readonly string[],
  columns: readonly string[],
  place = 'first line',
): InputWarning[] {
  const notes: InputWarning[] = [];
  const renamed = titles.flatMap((title, index) => {
    const column = columns[index] ?? '';
    return title.normalize('NFC').trim() === column ? [] : [`${quoteText(title)} to ${quoteText(column)}`];
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
