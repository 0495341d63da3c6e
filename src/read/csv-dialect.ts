import type { Quoting } from '../model/file-format.js';
import { countVotes, findColumnKinds, findKind } from './cell-kind.js';
import {
  type CsvCut,
  cutRecord,
  DOUBLE_QUOTES,
  isIncomplete,
  type QuotePair,
  trimLineEnd,
} from './csv-record.js';

/** How a CSV file is written, as detected from its start. */
export interface CsvDialect {
  readonly cut: CsvCut;
  /** Delimiter for the output. A one-column table is split at one that does not occur in it. */
  readonly delimiter: string;
  readonly newline: '\n' | '\r\n' | '\r';
  readonly quoting: Quoting;
  readonly sepLine: boolean;
  /** Offset of the line after a `sep=` line. */
  readonly above: number;
  /** Offset of the first line that may belong to the table. */
  readonly start: number;
  /** Cells that most records have; 1 for a one-column table. */
  readonly width: number;
  /** The first records. */
  readonly records: readonly SampleRecord[];
  /** True if lines are quoted as a whole. */
  readonly isWrapped: boolean;
  /** Another separator that all lines of a one-column table have, and how the table was read. */
  readonly oneColumnDoubt: OneColumnDoubt | null;
}

export interface OneColumnDoubt {
  readonly separator: string;
  readonly isWrapped: boolean;
}

/** A record of the sample that is not blank. */
export interface SampleRecord {
  readonly cells: readonly string[];
  readonly quoted: readonly boolean[];
  /** Offset in the sample. */
  readonly start: number;
  readonly isMended: boolean;
}

/** What the user said about the file. */
interface DialectWishes {
  /** `none` for a file with one column. */
  readonly delimiter: string | undefined;
  /** Null if quote characters are ordinary text. */
  readonly quotes: QuotePair | null | undefined;
  /** The line of the header, or 1. */
  readonly firstLine: number;
}

const DELIMITERS = [',', ';', '\t', '|'];
const UNUSED = '\u001f';
const MAX_RECORDS = 1_000;
const QUOTES: readonly QuotePair[] = [
  DOUBLE_QUOTES,
  { open: "'", close: "'" },
  { open: '“', close: '”' },
  { open: '‘', close: '’' },
  { open: '«', close: '»' },
];
const SEP_LINE = /^\ufeff*"?sep=([^\r\n"])"?([,;|\t]*)\r*(?:\n|\r|$)/i;

/** Detects the dialect from a sample that starts at the first line. */
export function detectDialect(sample: string, isWhole: boolean, wishes: DialectWishes): CsvDialect {
  const newline = detectNewline(sample);
  const lineEnd = newline === '\r' ? '\r' : '\n';
  const sep = SEP_LINE.exec(sample);
  const above = sep === null ? 0 : sep[0].length;
  const start = Math.max(above, findLine(sample, wishes.firstLine, lineEnd));
  const given = wishes.delimiter ?? readSepDelimiter(sep);
  const present = DELIMITERS.filter((delimiter) => sample.includes(delimiter));
  const guesses = present.length > 0 ? present : [UNUSED];
  const delimiters = given === undefined ? guesses : [given === 'none' ? UNUSED : given];
  const base = { newline: lineEnd, hasEscapes: false, isPadded: false } as const;
  const candidates = delimiters.flatMap((delimiter) =>
    listQuotes(sample, delimiter, wishes.quotes).map((quotes) =>
      createCandidate(sample, start, isWhole, { ...base, delimiter, quotes }),
    ),
  );
  const best = candidates.reduce((a, b) => (isBetter(b, a) ? b : a));
  const isOneColumn = given === undefined && isOneColumnTable(best);
  const chosen = isOneColumn
    ? createCandidate(sample, start, isWhole, { ...best.cut, delimiter: UNUSED, isPadded: false })
    : best;
  const { cut } = chosen;
  const { delimiter } = cut;
  const isOne = delimiter === UNUSED;
  const isWrapped = given !== undefined && !isOne && isQuotedAsWhole(chosen.records, given);
  const records = isWrapped ? chosen.records.map((record) => unwrap(record, cut)) : chosen.records;
  return {
    cut,
    delimiter: isOne ? ',' : delimiter,
    newline,
    quoting: detectQuoting(records.slice(1), delimiter),
    sepLine: sep !== null,
    above,
    start,
    width: isOne ? 1 : isWrapped ? findWidth(records) : chosen.width,
    records,
    isWrapped,
    oneColumnDoubt: isOneColumn ? findOneColumnDoubt(chosen.records, best) : null,
  };
}

/** Offset of a line, from 1; the end of the text if it has fewer lines. */
function findLine(text: string, line: number, newline: string): number {
  let at = 0;
  for (let count = 1; count < line; count += 1) {
    const end = text.indexOf(newline, at);
    if (end === -1) return text.length;
    at = end + 1;
  }
  return at;
}

/** The separator of a `sep=` line. Other programs pad that line with their own separator. */
function readSepDelimiter(sep: RegExpExecArray | null): string | undefined {
  const [, named, padding = ''] = sep ?? [];
  return padding === '' ? named : padding[0];
}

function detectNewline(sample: string): '\n' | '\r\n' | '\r' {
  const bare = sample.replace(/"[^"]*"/g, '""');
  const feeds = bare.split('\n').length - 1;
  const pairs = bare.split('\r\n').length - 1;
  const returns = bare.split(/\r(?!\r*\n)/).length - 1;
  if (returns > feeds || (feeds === 0 && returns > 0)) return '\r';
  return pairs * 2 > feeds ? '\r\n' : '\n';
}

/** Double quotes, and other quotes if some cells are quoted with them. */
function listQuotes(
  sample: string,
  delimiter: string,
  wish: QuotePair | null | undefined,
): readonly (QuotePair | null)[] {
  if (wish !== undefined) return [wish];
  const start = sample.slice(0, 64 * 1024);
  return QUOTES.filter(({ open, close }) => {
    if (open === '"') return true;
    const mark = delimiter.replace(/[|\\^$.*+?()[\]{}]/g, '\\$&');
    return new RegExp(
      `(?:^|${mark}|[\\r\\n])[ \\t]*${open}[^\\r\\n]*${close}[ \\t]*(?:${mark}|[\\r\\n]|$)`,
    ).test(start);
  });
}

interface Candidate {
  readonly cut: CsvCut;
  readonly records: readonly SampleRecord[];
  readonly width: number;
  /** Records of the table's width in a row, less those between them that have another. */
  readonly score: number;
  /** Index of the first and last record of the table. */
  readonly from: number;
  readonly to: number;
  /** Records with invalid quotes. */
  readonly mended: number;
  /** Cells that stay in quotes of another kind, or start with a blank. */
  readonly oddCells: number;
}

/** Reads the sample in one way and rates it; of the meanings of backslashes and blanks, the better one. */
function createCandidate(sample: string, start: number, isWhole: boolean, cut: CsvCut): Candidate {
  const plain = rate(sample, start, isWhole, cut);
  const padded = isPaddedTable(plain)
    ? rate(sample, start, isWhole, { ...plain.cut, isPadded: true })
    : plain;
  const hasEscapes = cut.quotes !== null && padded.mended > 0 && sample.includes(`\\${cut.quotes.close}`);
  if (!hasEscapes) return padded;
  const escaped = rate(sample, start, isWhole, { ...padded.cut, hasEscapes: true });
  return escaped.mended < padded.mended && escaped.score >= padded.score ? escaped : padded;
}

function rate(sample: string, start: number, isWhole: boolean, cut: CsvCut): Candidate {
  const first = parseRecords(sample, start, cut, isWhole, 0);
  const width = findWidth(first);
  // Read again with the width, which decides between two readings of invalid quotes.
  const records =
    width > 1 && first.some(({ isMended }) => isMended)
      ? parseRecords(sample, start, cut, isWhole, width)
      : first;
  let best = { score: 0, from: 0, to: -1 };
  let sum = 0;
  let from = 0;
  for (const [index, { cells }] of records.entries()) {
    if (sum <= 0) {
      sum = 0;
      from = index;
    }
    sum += width > 1 && cells.length === width && !isTorn(records[index]) ? 1 : -1;
    if (sum > best.score) best = { score: sum, from, to: index };
  }
  const table = records.slice(best.from, best.to + 1);
  return {
    cut,
    records,
    width,
    ...best,
    mended: records.filter(({ isMended }) => isMended).length,
    oddCells: table.reduce(
      (total, { cells, quoted }) =>
        total + cells.filter((cell, at) => isOddCell(cell, quoted[at] === true)).length,
      0,
    ),
  };
}

/** True for a comment, or a record with half of a quoted cell. */
function isTorn(record: SampleRecord | undefined): boolean {
  if (record === undefined) return true;
  const { cells, quoted } = record;
  const isHalf = (cell: string, index: number) =>
    quoted[index] !== true && cell.includes('"') && cell.split('"').length % 2 === 0;
  return cells.some(isHalf);
}

/** True for text that another quote character would free of its quotes. */
function isOddCell(cell: string, isQuoted: boolean): boolean {
  if (isQuoted || cell.length < 2) return false;
  const plain = cell.trim();
  return QUOTES.some(
    ({ open, close }) => plain.length > 1 && plain.startsWith(open) && plain.endsWith(close),
  );
}

function parseRecords(
  text: string,
  start: number,
  cut: CsvCut,
  isWhole: boolean,
  width: number,
): SampleRecord[] {
  const records: SampleRecord[] = [];
  let at = start;
  while (at < text.length && records.length < MAX_RECORDS) {
    const found = cutRecord(text, at, cut, isWhole, width);
    // If the first line is longer than the sample, use the part we have.
    if (isIncomplete(found)) {
      if (records.length > 0 || isWhole) break;
      const part = cutRecord(text, at, cut, true, width);
      if (isIncomplete(part)) break;
      records.push({ ...part, start: at });
      break;
    }
    for (const record of splitAtBreaks(text, at, found, cut)) {
      if (record.cells.length > 1 || !isBlankCell(record.cells[0])) records.push(record);
    }
    at = found.end;
  }
  return records;
}

/** True for a cell of white space and control characters only. */
function isBlankCell(cell: string | undefined): boolean {
  return cell === undefined || /^[\s\p{Cc}\ufeff]*$/u.test(cell);
}

/** Splits a record at line end characters of the other kind if all pieces have the same number of cells. */
function splitAtBreaks(
  text: string,
  start: number,
  found: Omit<SampleRecord, 'start'> & { readonly end: number },
  cut: CsvCut,
): SampleRecord[] {
  const other = cut.newline === '\n' ? '\r' : '\n';
  const whole = [{ ...found, start }];
  if (!found.cells.some((cell, index) => found.quoted[index] !== true && cell.includes(other))) return whole;
  const end = start + trimLineEnd(text.slice(start, found.end), 0, found.end - start - 1, cut.newline);
  const pieces: SampleRecord[] = [];
  let at = start;
  while (at < end) {
    const piece = cutRecord(text.slice(0, end), at, { ...cut, newline: other }, true, 0);
    if (isIncomplete(piece)) return whole;
    if (piece.cells.length > 1 || piece.cells[0] !== '') pieces.push({ ...piece, start: at });
    at = piece.end;
  }
  const width = pieces[0]?.cells.length;
  return pieces.every(({ cells }) => cells.length === width) ? pieces : whole;
}

/** The number of cells that most records have, if more than one; of equally frequent ones, the larger. */
function findWidth(records: readonly SampleRecord[]): number {
  const counts = new Map<number, number>();
  for (const { cells } of records) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  let width = 1;
  let most = 0;
  for (const [cells, count] of counts) {
    if (cells < 2 || count < most || (count === most && cells < width)) continue;
    width = cells;
    most = count;
  }
  return width;
}

/** True if a blank follows every delimiter of the table. */
function isPaddedTable({ records, from, to, width, score }: Candidate): boolean {
  if (score < 2) return false;
  const table = records.slice(from, to + 1).filter(({ cells }) => cells.length === width);
  let blanks = 0;
  for (const { cells, quoted } of table) {
    for (const [index, cell] of cells.entries()) {
      if (index === 0 || quoted[index] === true || cell === '') continue;
      if (!cell.startsWith(' ')) return false;
      blanks += 1;
    }
  }
  return blanks > 0;
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.cut.delimiter !== b.cut.delimiter) {
    // Text above a table has separators too.
    if (a.score > 2 && b.score > 2) {
      if (isBelow(a, b)) return true;
      if (isBelow(b, a)) return false;
    }
    const [scoreA, scoreB] = [rateProse(a), rateProse(b)];
    if (scoreA !== scoreB) return scoreA > scoreB;
    if (a.score === 0) return rateFirst(a) > rateFirst(b);
    return a.width > b.width;
  }
  if (a.score !== b.score) return a.score > b.score;
  if (a.mended !== b.mended) return a.mended < b.mended;
  return a.oddCells < b.oddCells && isQuoted(a);
}

/** True if its quotes cannot be part of the texts alone: most texts are in them, or one has such a quote doubled. */
function isQuoted({ records, from, to, cut: { quotes } }: Candidate): boolean {
  let texts = 0;
  let inQuotes = 0;
  for (const { cells, quoted } of records.slice(from, to + 1)) {
    for (const [index, cell] of cells.entries()) {
      if (quoted[index] === true && quotes !== null && cell.includes(quotes.close)) return true;
      if (cell === '' || isNumber(cell)) continue;
      texts += 1;
      if (quoted[index] === true) inQuotes += 1;
    }
  }
  return inQuotes * 2 > texts;
}

function isNumber(cell: string): boolean {
  return /^-?\d+(?:[.,]\d+)?$/.test(cell);
}

/** True if one table starts after the other ends. */
function isBelow(a: Candidate, b: Candidate): boolean {
  const last = b.records[b.to];
  return last !== undefined && (a.records[a.from]?.start ?? 0) > last.start;
}

/** Text has a comma with a blank after it here and there: that is weaker evidence than a separator. */
function rateProse({ score, cut, width }: Candidate): number {
  return cut.isPadded && width < 4 ? score / 2 : score;
}

/** For ragged tables: share of the records that are as wide as the first. */
function rateFirst({ records }: Candidate): number {
  const width = records[0]?.cells.length ?? 0;
  return width > 1 ? records.filter(({ cells }) => cells.length === width).length / records.length : 0;
}

/** True if the best delimiter splits hardly any record, or only text. */
function isOneColumnTable(best: Candidate): boolean {
  const { records, from, to, width } = best;
  if ((records[0]?.cells.length ?? 0) > 1) return false;
  if (width < 2) return true;
  // The first line has one cell: it is a title above a table, or the name of the only column.
  const table = records.slice(from, to + 1).map(({ cells }) => cells);
  const [header = [], ...rows] = table;
  const isTable =
    rows.length > 0 &&
    table.length >= (records.length - from) * 0.8 &&
    table.filter(({ length }) => length === width).length >= table.length * 0.9;
  if (!isTable) return table.length < 3 || table.length < records.length * 0.5;
  const votes = countVotes(header, rows, findColumnKinds(rows, width));
  if (votes.header !== votes.data) return votes.header < votes.data;
  return best.cut.isPadded || header.slice(1).some((cell) => cell.startsWith(' '));
}

/** True if each record is one quoted cell that holds the separator. */
function isQuotedAsWhole(records: readonly SampleRecord[], separator: string): boolean {
  return (
    records.length > 1 &&
    records.every(
      ({ cells, quoted }) =>
        cells.length === 1 && quoted[0] === true && cells[0]?.includes(separator) === true,
    )
  );
}

/** The cells in a line that is quoted as a whole. */
function unwrap(record: SampleRecord, cut: CsvCut): SampleRecord {
  const inner = cutRecord(record.cells[0] ?? '', 0, cut, true, 0);
  return isIncomplete(inner) ? record : { ...record, cells: inner.cells, quoted: inner.quoted };
}

const SEPARATORS = /[^\p{L}\p{M}\p{N}\s"'’().&_-]/gu;

/** Finds a separator that every line of a one-column table has equally often; null if there is none. */
function findOneColumnDoubt(records: readonly SampleRecord[], best: Candidate): OneColumnDoubt | null {
  if (records.length < 2) return null;
  const lines = records.map(({ cells }) => cells[0] ?? '');
  const isWhole = records.every(({ quoted }) => quoted[0] === true);
  if (isWhole) {
    const inside = DELIMITERS.find((delimiter) => {
      const widths = records.map((record) => unwrap(record, { ...best.cut, delimiter }).cells.length);
      return (
        (widths[0] ?? 0) > 1 && widths.filter((width) => width === widths[0]).length >= widths.length * 0.9
      );
    });
    if (inside !== undefined) return { separator: inside, isWrapped: true };
  }
  const isOfKind = lines.every((line) => findKind(line) !== null);
  for (const separator of isOfKind ? [] : new Set((lines[0] ?? '').match(SEPARATORS) ?? [])) {
    const count = (lines[0] ?? '').split(separator).length;
    if (lines.every((line) => line.split(separator).length === count))
      return { separator, isWrapped: isWhole };
  }
  const columns = lines.map((line) => line.trim().split(/ {2,}/).length);
  if ((columns[0] ?? 0) > 1 && columns.every((count) => count === columns[0]))
    return { separator: '  ', isWrapped: false };
  const { width, cut, from, to } = best;
  const isTable = from <= 1 && to - from + 1 >= Math.max(2, (records.length - 1) * 0.9);
  const isText = width < 3 && best.records.slice(from).some(({ cells }) => cells[1]?.startsWith(' '));
  return width > 1 && isTable && !isText && !isWhole ? { separator: cut.delimiter, isWrapped: false } : null;
}

/** Uses only cells that need no quotes, since the others are always quoted. */
export function detectQuoting(
  rows: readonly Pick<SampleRecord, 'cells' | 'quoted'>[],
  delimiter: string,
): Quoting {
  const seen = { text: new Set<boolean>(), number: new Set<boolean>(), empty: new Set<boolean>() };
  for (const row of rows) {
    for (const [index, cell] of row.cells.entries()) {
      if (cell.includes(delimiter) || /["\r\n]|^\s|\s$/.test(cell)) continue;
      const kind = cell === '' ? seen.empty : isNumber(cell) ? seen.number : seen.text;
      kind.add(row.quoted[index] === true);
    }
  }
  if (!seen.text.has(true) || seen.text.has(false)) return 'needed';
  if (seen.number.has(false)) return seen.number.has(true) ? 'needed' : 'text';
  return seen.empty.has(false) ? 'filled' : 'all';
}
