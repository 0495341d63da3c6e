import { createUsageError, type RowfillError } from '../errors.js';
import { resolveColumnKind } from '../model/column-kind.js';
import type { Doubt } from '../model/events.js';
import { countVotes, findColumnKinds, findKind, type HeaderVotes } from './cell-kind.js';
import { type CsvDialect, detectDialect, type SampleRecord } from './csv-dialect.js';
import { DOUBLE_QUOTES, type QuotePair } from './csv-record.js';
import { type FoundHeader, findHeader, joinTitles } from './find-header.js';
import { type InputOptions, type InputWarning, quoteText, type TextInput } from './input.js';

/** Where the table of a CSV file is, and how it is written. */
export interface CsvLayout {
  readonly dialect: CsvDialect;
  /** Cells of the last row of the header; empty without a header. */
  readonly titles: readonly string[];
  readonly titlesQuoted: boolean;
  /** Names of the columns before they are made unique. */
  readonly names: readonly string[];
  /** Start of the last row of the header, or of the first row. */
  readonly from: { readonly offset: number; readonly line: number };
  /** True if the header is longer than the sample, so that its end is missing here. */
  readonly isPartial: boolean;
  /** Lines above the last row of the header, as in the file. */
  readonly above: string;
  readonly notes: readonly InputWarning[];
  readonly doubts: readonly Doubt[];
  /** True if the cells look like those of the other rows. */
  looksLikeRow(cells: readonly string[]): boolean;
}

/** Detects the dialect and the header of a CSV file. */
export function detectLayout(
  { name, sample }: Pick<TextInput, 'name' | 'sample'>,
  options: InputOptions,
): CsvLayout {
  const { text, isWhole } = sample;
  const { headerRow } = options;
  const hasHeader = options.header !== false;
  const dialect = detectDialect(text, isWhole, {
    delimiter: resolveDelimiter(options.delimiter),
    quotes: resolveQuotes(options.quote),
    firstLine: headerRow ?? 1,
  });
  const { records, cut, width, start } = dialect;
  const rows = records.map(({ cells }) => cells);
  if (headerRow !== undefined && rows.length === 0) throw refuseHeaderRow(name, headerRow, isWhole);
  const isFound = hasHeader && headerRow === undefined;
  const header = isFound ? findHeader(rows, width) : { first: 0, last: 0 };
  const body = hasHeader ? rows.slice(header.last + 1) : rows;
  const offset = records[hasHeader ? header.last : 0]?.start ?? start;
  const line = 1 + countBreaks(text, offset, cut.newline);
  const above = hasHeader ? text.slice(dialect.above, offset) : '';
  const shift = hasHeader ? findMissingName(records[header.last], body) : null;
  const titles = hasHeader ? addMissingName(rows[header.last] ?? [], shift) : [];
  const widest = Math.max(0, ...rows.map(({ length }) => length));
  const names = hasHeader
    ? addMissingName(joinTitles(rows, header), shift)
    : Array.from({ length: widest }, () => '');
  const isPartial = !isWhole && records.length === 1;
  return {
    dialect,
    isPartial,
    titles,
    titlesQuoted: hasHeader && records[header.last]?.quoted.every((isQuoted) => isQuoted) === true,
    names,
    from: { offset, line },
    above: above.trim() === '' ? '' : above,
    notes: isFound
      ? [
          ...describeAbove(above, line, header),
          ...(header.first < header.last ? describeJoined(names, `line ${line}`, 'The output') : []),
        ]
      : [],
    doubts: isPartial
      ? []
      : [
          ...listColumnDoubts(name, dialect),
          ...(isFound && shift !== null ? [createShiftDoubt(name, titles, shift, line)] : []),
          ...(isFound && shift === null ? listHeaderDoubts(name, rows, header, width, line) : []),
        ],
    looksLikeRow: createRowCheck(body, width),
  };
}

function resolveDelimiter(wish: string | undefined): string | undefined {
  const delimiter = wish === '\\t' || wish === 'tab' ? '\t' : wish;
  const isValid = delimiter === undefined || delimiter === 'none' || /^[^"\r\n]$/u.test(delimiter);
  if (isValid) return delimiter;
  throw createUsageError(
    'OPTION_DELIMITER',
    `${quoteText(delimiter)} cannot be a delimiter`,
    'A delimiter is one character, such as a comma, a semicolon, or tab; none for a file with one column.',
  );
}

const PAIRS: Readonly<Record<string, string>> = { '“': '”', '„': '“', '‘': '’', '‚': '‘', '«': '»' };

function resolveQuotes(wish: string | undefined): QuotePair | null | undefined {
  if (wish === undefined) return undefined;
  if (wish === 'none') return null;
  if (wish === '"') return DOUBLE_QUOTES;
  if (/^[^\p{L}\p{N}\s,;|]$/u.test(wish) && wish.length === 1)
    return { open: wish, close: PAIRS[wish] ?? wish };
  throw createUsageError(
    'OPTION_QUOTE',
    `${quoteText(wish)} cannot be a quote character`,
    'Use one character, such as a single quote, or none if quotes are part of the text.',
  );
}

function refuseHeaderRow(name: string, headerRow: number, isWhole: boolean): RowfillError {
  return createUsageError(
    'NO_HEADER_ROW',
    isWhole
      ? `${name} has no text on line ${headerRow} or below`
      : `line ${headerRow} of ${name} is too far down for a header`,
    'Set --header-row to the line with the names of the columns.',
  );
}

function countBreaks(text: string, end: number, newline: string): number {
  return text.slice(0, end).split(newline).length - 1;
}

function describeAbove(above: string, line: number, { first, last }: FoundHeader): InputWarning[] {
  if (above.trim() === '' || first < last) return [];
  const fact = `Using line ${line} as the header.`;
  const message = `${fact} Lines above it are kept in CSV output and dropped from other formats. If it is another line, use --header-row.`;
  return [{ code: 'ROWS_ABOVE_HEADER', message, fact }];
}

/** Says that a header has two rows. `place` is that of the second, `keeper` the output that keeps both. */
export function describeJoined(names: readonly string[], place: string, keeper: string): InputWarning[] {
  const example = names.find((name) => name.includes(' ')) ?? names[0] ?? '';
  const unit = place.startsWith('row') ? 'row' : 'line';
  const fact = `The header has two rows, the second on ${place}: their names are joined, such as ${quoteText(example)}.`;
  const message = `${fact} ${keeper} keeps both rows as they are. If the header is one ${unit}, use --header-row.`;
  return [{ code: 'HEADER_JOINED', message, fact }];
}

/** Doubts about a table that was read as one column. */
function listColumnDoubts(name: string, { oneColumnDoubt }: CsvDialect): Doubt[] {
  if (oneColumnDoubt === null) return [];
  const { separator, isWrapped } = oneColumnDoubt;
  const isBlanks = separator === '  ';
  const mark = isBlanks ? 'runs of blanks' : separator === '\t' ? 'a tab' : quoteText(separator);
  const word = separator === '\t' ? 'tab' : `'${separator.replaceAll("'", "'\\''")}'`;
  const mending = isBlanks
    ? 'If they separate the columns, save it with commas or tabs.'
    : `If that separates the columns, use --delimiter ${word}.`;
  return [
    {
      code: 'ONE_COLUMN',
      message: `${name} is read as one column, but all its lines ${isWrapped ? 'are in quotes and have' : 'have'} ${mark}`,
      hint: `${mending} If it is one column, use --delimiter none.`,
    },
  ];
}

/** A doubt if the header looks like the rows below it, or if nothing tells it from the title above it. */
function listHeaderDoubts(
  name: string,
  rows: readonly (readonly string[])[],
  { first, last }: FoundHeader,
  width: number,
  line: number,
): Doubt[] {
  const place = line === 1 ? 'the first line' : `line ${line}`;
  const body = rows.slice(last + 1);
  const votes = countVotes(rows[last] ?? [], body, findColumnKinds(body, width));
  const { header, data } = votes;
  const doubt = createDataDoubt(name, votes, place, line);
  if (doubt !== null) return [doubt];
  const above = rows[first - 1];
  const isPadded = above !== undefined && above.length === width && above[0]?.trim() !== '';
  if (header > 0 || data > 0 || !isPadded || first !== last) return [];
  return [
    {
      code: 'HEADER_UNCLEAR',
      message: `${name}: ${place} is used as the header, but the header may be above it, with fewer names`,
      hint: `If this is the header, use --header-row ${line}; otherwise --header-row with the line of the names.`,
    },
  ];
}

/** A doubt about a header with more cells like those below it than names; null if it has more names. */
export function createDataDoubt(
  name: string,
  { header, data, example }: HeaderVotes,
  place: string,
  line: number,
): Doubt | null {
  if (data <= header || example === null) return null;
  return {
    code: 'HEADER_LOOKS_LIKE_DATA',
    message: `${name}: ${place} is used as the header, but ${quoteText(example)} looks like the cells below it`,
    hint: `If the file has no header, use --no-header. If this is the header, use --header-row ${line}.`,
  };
}

/** Where the name that a header lacks belongs. */
type MissingName = 'first' | 'last';

/** Finds out whether the header has one name less than all rows have cells; null if not. */
function findMissingName(
  header: SampleRecord | undefined,
  body: readonly (readonly string[])[],
): MissingName | null {
  const width = header?.cells.length ?? 0;
  const longer = body.filter(({ length }) => length === width + 1);
  if (width === 0 || longer.length === 0 || longer.length < body.length * 0.9) return null;
  const isFirst = isRowNames(longer) || fitsShifted(header?.cells ?? [], longer);
  // Many programs end each row with a delimiter.
  if (!isFirst && longer.every((row) => (row[width] ?? '').trim() === '')) return null;
  return isFirst ? 'first' : 'last';
}

/** True if the first cells are 1, 2, 3 and so on, as R writes them. */
function isRowNames(rows: readonly (readonly string[])[]): boolean {
  const numbers = rows.map((row) => (/^\d+$/.test(row[0] ?? '') ? Number(row[0]) : Number.NaN));
  return numbers.every((number, index) => number === (numbers[0] ?? 0) + index);
}

/** True if the names of the columns only go with the cells that are one further to the right. */
function fitsShifted(titles: readonly string[], rows: readonly (readonly string[])[]): boolean {
  const kinds = findColumnKinds(rows, titles.length + 1);
  const fits = (title: string, kind: string | null | undefined): boolean => {
    const wanted = resolveColumnKind(title);
    return wanted === 'domain' || wanted === 'url' ? kind === 'domain' || kind === 'url' : wanted === kind;
  };
  const inPlace = titles.filter((title, index) => fits(title, kinds[index])).length;
  return titles.filter((title, index) => fits(title, kinds[index + 1])).length > inPlace;
}

function addMissingName(titles: readonly string[], missing: MissingName | null): readonly string[] {
  if (missing === null) return titles;
  return missing === 'first' ? ['', ...titles] : [...titles, ''];
}

function createShiftDoubt(
  name: string,
  titles: readonly string[],
  missing: MissingName,
  line: number,
): Doubt {
  return {
    code: 'HEADER_TOO_SHORT',
    message: `${name}: the header has ${titles.length - 1} names, and the rows have ${titles.length} cells; the ${missing} column is read as the one without a name`,
    hint: `Add the missing name to line ${line}. If the ${missing} column has none, use --header-row ${line}.`,
  };
}

function createRowCheck(
  body: readonly (readonly string[])[],
  width: number,
): (cells: readonly string[]) => boolean {
  const known = findColumnKinds(body, width).flatMap((kind, index) =>
    kind === null ? [] : [{ kind, index }],
  );
  return (cells) =>
    known.length > 0 &&
    known.every(({ kind, index }) => {
      const cell = cells[index]?.trim() ?? '';
      return cell === '' || findKind(cell) === kind;
    });
}
