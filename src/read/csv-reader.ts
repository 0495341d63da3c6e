import { createRequire } from 'node:module';
import type Papa from 'papaparse';
import { createUsageError } from '../errors.js';
import { type CsvCut, type CutRecord, cutRecord, isIncomplete, trimLineEnd } from './csv-record.js';

// With `import`, its whole text would be searched for the names of its exports, which takes longer than running it.
const { Parser } = createRequire(import.meta.url)('papaparse') as typeof Papa;

/** A record of a CSV table. */
export interface CsvRecord {
  readonly cells: readonly string[];
  /** The line on which it starts. */
  readonly line: number;
  readonly fault: RecordFault | null;
  /** Texts of cells as they are in the file, if the writer would write them otherwise. */
  readonly source: readonly (string | null)[] | null;
}

/** What had to be guessed about a record, or may be wrong with it. */
export type RecordFault = 'quotes' | 'open_quotes' | 'wide_quotes' | 'line_break';

export interface CsvReading extends CsvCut {
  /** Name for errors. */
  readonly name: string;
  readonly maxRowLength: number;
  /** Expected cells per row, used to choose between two readings of a record. */
  readonly width: number;
  /** Where to start: the offset in the text, and its line. */
  readonly from: { readonly offset: number; readonly line: number };
  /** True if the writer quotes empty cells. */
  readonly quotesEmpty: boolean;
  /** True if lines are quoted as a whole: each has one cell, which holds the cells of the row. */
  readonly isWrapped: boolean;
  /** True if the cells look like those of the table's other rows. */
  looksLikeRow(cells: readonly string[]): boolean;
}

/**
 * Splits text into records, for any chunk boundaries: each chunk is split up to its last whole record, and the rest
 * waits for the next chunk.
 */
export async function* readCsvRecords(
  pieces: AsyncIterable<string>,
  reading: CsvReading,
): AsyncGenerator<readonly CsvRecord[]> {
  const splitter = new RecordSplitter(reading);
  let rest = '';
  let wantedLength = 0;
  let skip = reading.from.offset;
  for await (const piece of pieces) {
    rest += skip === 0 ? piece : piece.slice(skip);
    skip = Math.max(0, skip - piece.length);
    if (rest.length < wantedLength) continue;
    const part = splitter.split(rest, false);
    rest = rest.slice(part.end);
    // Split a growing record again only after it has doubled, so a long record costs linear time.
    wantedLength = part.end === 0 ? rest.length * 2 : 0;
    if (rest.length > reading.maxRowLength) splitter.refuseLongRecord(rest);
    if (part.records.length > 0) yield part.records;
  }
  const { records } = splitter.split(rest, true);
  if (records.length > 0) yield records;
}

interface Part {
  readonly records: readonly CsvRecord[];
  readonly end: number;
}

class RecordSplitter {
  readonly #reading: CsvReading;
  readonly #otherBreak: string;
  readonly #parser: Papa.Parser;
  readonly #crlfParser: Papa.Parser;
  /** Empty cells that the writer would quote, or not, otherwise than the file. */
  readonly #oddEmpty: RegExp;
  #line: number;

  constructor(reading: CsvReading) {
    this.#reading = reading;
    this.#otherBreak = reading.newline === '\n' ? '\r' : '\n';
    this.#line = reading.from.line;
    const { newline, quotes } = reading;
    const config = { delimiter: reading.delimiter, quoteChar: quotes === null ? NO_QUOTE : '"' };
    this.#parser = new Parser({ ...config, newline });
    this.#crlfParser = new Parser({ ...config, newline: '\r\n' });
    const delimiter = `\\u${reading.delimiter.charCodeAt(0).toString(16).padStart(4, '0')}`;
    const empty = reading.quotesEmpty ? '' : '""';
    this.#oddEmpty = new RegExp(`(?:^|[${delimiter}\\r\\n])${empty}(?=[${delimiter}\\r\\n])`);
  }

  split(text: string, isLast: boolean): Part {
    const reading = this.#reading;
    const parsed = this.#isSimple(text) ? this.#parse(text, isLast) : null;
    if (parsed !== null) return parsed;
    const records: CsvRecord[] = [];
    let at = 0;
    while (at < text.length) {
      const found = cutRecord(text, at, reading, isLast, reading.width);
      if (isIncomplete(found)) {
        if (isLast) this.#refuseQuote(text.slice(at), (found.openQuote ?? at) - at);
        break;
      }
      const piece = this.#hasBreak(found) ? this.#cutAtBreak(text, at, found.end - 1, isLast) : null;
      if (piece === 'unclear') break;
      if (piece === null) this.#addRecord(text, at, found, records);
      else this.#push(piece, null, records);
      at = piece === null ? found.end : at + piece.end;
    }
    return { records, end: Math.min(at, text.length) };
  }

  /**
   * Parses text of which each record is one line, as most text is. Null if a record needs more care: a fault, another
   * number of cells than the header, a line break in a cell, or quotes that its cells do not show.
   */
  #parse(text: string, isLast: boolean): Part | null {
    const { newline, quotes, width, quotesEmpty } = this.#reading;
    const end = isLast ? text.length : text.lastIndexOf(newline) + 1;
    if (end === 0) return null;
    const whole = text.slice(0, end);
    const hasQuotes = quotes !== null && whole.includes('"');
    if (hasQuotes && (UNCLEAR_QUOTES.test(whole) || this.#oddEmpty.test(whole))) return null;
    const parser = newline === '\n' && whole.includes('\r') ? this.#crlfParser : this.#parser;
    const { data, errors }: Papa.ParseResult<string[]> = parser.parse(whole, 0, false);
    if (whole.endsWith(newline)) data.pop();
    if (errors.length > 0 || data.length < countLines(whole, newline)) return null;
    if (hasQuotes) for (const cells of data) if (cells.length !== width) return null;
    const records: CsvRecord[] = [];
    for (const cells of data) {
      const source = quotesEmpty && !hasQuotes ? this.#listSource(cells, null, null) : null;
      records.push({ cells, line: this.#line, fault: null, source });
      this.#line += 1;
    }
    return { records, end };
  }

  /** True if lines without unusual quotes can be split without care. */
  #isSimple(text: string): boolean {
    const { isPadded, hasEscapes, isWrapped, quotes, newline } = this.#reading;
    if (isPadded || hasEscapes || isWrapped || (quotes !== null && quotes.open !== '"')) return false;
    if (text.includes('\ufeff')) return false;
    return newline === '\r' ? !text.includes('\n') : !text.includes('\r') || !/\r(?!\n)/.test(text);
  }

  refuseLongRecord(text: string): never {
    const { name, maxRowLength } = this.#reading;
    const found = cutRecord(text, 0, this.#reading, false, this.#reading.width);
    if (isIncomplete(found) && found.openQuote !== null) this.#refuseQuote(text, found.openQuote);
    throw createUsageError(
      'INPUT_ROW_TOO_LONG',
      `${name}, line ${this.#line}: a row of more than ${maxRowLength} characters`,
      'Check that this is a table and that its line endings are valid.',
    );
  }

  /** True if a cell without quotes has a line end character of the other kind. */
  #hasBreak({ cells, quoted }: CutRecord): boolean {
    return cells.some((cell, index) => quoted[index] !== true && cell.includes(this.#otherBreak));
  }

  /**
   * The row that ends in the middle of a line, at a line end character of the other kind: the pieces before and after
   * it have the width of the table. Null if there is none, `unclear` if only the rest of the text can tell.
   */
  #cutAtBreak(text: string, start: number, lineEnd: number, isLast: boolean): CutRecord | null | 'unclear' {
    const { newline, width } = this.#reading;
    const end = trimLineEnd(text, start, lineEnd, newline);
    const cutPiece = (from: number, to: number): CutRecord | null => {
      const piece = cutRecord(text.slice(from, to), 0, this.#reading, true, width);
      return isIncomplete(piece) || piece.isMended || piece.cells.length !== width ? null : piece;
    };
    let at = text.indexOf(this.#otherBreak, start);
    while (at !== -1 && at < end) {
      let next = at + 1;
      while (text[next] === this.#otherBreak) next += 1;
      const piece = cutPiece(start, at);
      const following = text.indexOf(this.#otherBreak, next);
      if (piece !== null) {
        const isRow = cutPiece(next, following === -1 || following > end ? end : following) !== null;
        const rest = isRow ? null : cutRecord(text, next, this.#reading, isLast, width);
        if (rest !== null && isIncomplete(rest) && !isLast) return 'unclear';
        const isRest = rest !== null && !isIncomplete(rest) && rest.cells.length === width;
        if (isRow || isRest) return { ...piece, end: next - start };
      }
      at = following;
    }
    return null;
  }

  #push(found: CutRecord, fault: RecordFault | null, records: CsvRecord[]): void {
    const { cells, source } = this.#unwrap(found);
    records.push({ cells, line: this.#line, fault, source });
    this.#line += 1;
  }

  #addRecord(text: string, start: number, found: CutRecord, records: CsvRecord[]): void {
    const { newline } = this.#reading;
    const breaks = countBreaks(text, start, found.end, newline);
    const rows = breaks < 2 || found.isMended ? null : this.#cutLiteral(text.slice(start, found.end));
    if (rows !== null) {
      for (const cells of rows) {
        records.push({ cells, line: this.#line, fault: 'open_quotes', source: null });
        this.#line += 1;
      }
      return;
    }
    const isWide = breaks > 1 && this.#spansRows(text, start, found);
    const fault = this.#hasBreak(found) ? 'line_break' : isWide ? 'wide_quotes' : null;
    this.#push(found, found.isMended ? 'quotes' : fault, records);
    this.#line += Math.max(0, text[found.end - 1] === newline ? breaks - 1 : breaks);
  }

  /** The rows that quotes would swallow: each line of the record looks like a row. Null if one does not. */
  #cutLiteral(raw: string): string[][] | null {
    const { width, newline, delimiter } = this.#reading;
    if (width < 2) return null;
    const lines = raw.split(newline).map((line) => line.slice(0, trimLineEnd(line, 0, line.length, newline)));
    if (lines.at(-1) === '') lines.pop();
    const rows = lines.map((line) => line.split(delimiter));
    const isRows = rows.every((cells) => cells.length === width && this.#reading.looksLikeRow(cells));
    return rows.length > 1 && isRows ? rows : null;
  }

  /** True if each line of a record in quotes would be a row of its own without them. */
  #spansRows(text: string, start: number, { end, cells }: CutRecord): boolean {
    const { newline, delimiter, width } = this.#reading;
    if (width < 2 || cells.length !== width) return false;
    const lines = text.slice(start, text[end - 1] === newline ? end - 1 : end).split(newline);
    return lines.length > 1 && lines.every((line) => line.split(delimiter).length === width);
  }

  /** The cells of a line that is quoted as a whole. */
  #unwrap(found: CutRecord): Pick<CsvRecord, 'cells' | 'source'> {
    const [only = ''] = found.cells;
    if (this.#reading.isWrapped && found.cells.length === 1) {
      const inner = cutRecord(only, 0, this.#reading, true, this.#reading.width);
      if (!isIncomplete(inner)) return { cells: inner.cells, source: null };
    }
    return { cells: found.cells, source: this.#listSource(found.cells, found.quoted, found.source) };
  }

  /** Adds to the source the empty cells that the writer would quote, or not, otherwise than the file. */
  #listSource(
    cells: readonly string[],
    quoted: readonly boolean[] | null,
    source: readonly (string | null)[] | null,
  ): readonly (string | null)[] | null {
    const { quotesEmpty, quotes } = this.#reading;
    if (quoted === null && !quotesEmpty) return source;
    let all: (string | null)[] | null = null;
    for (const [index, cell] of cells.entries()) {
      if (cell !== '' || (quoted?.[index] === true) === quotesEmpty || quotes === null) continue;
      all ??= cells.map((_, at) => source?.[at] ?? null);
      all[index] = quotesEmpty ? '' : quotes.open + quotes.close;
    }
    return all ?? source;
  }

  #refuseQuote(text: string, openQuote: number): never {
    const line = this.#line + countBreaks(text, 0, openQuote, this.#reading.newline);
    throw createUsageError(
      'INPUT_QUOTE_NOT_CLOSED',
      `${this.#reading.name}, line ${line}: a quote is opened here and never closed`,
      'Close it, or double each quote inside a quoted cell. If quotes are part of the text, use --quote none.',
    );
  }
}

/** Blanks or an equals sign before a quote: cells that are written otherwise than they read. */
const UNCLEAR_QUOTES = /[ \t\u00a0=]"/;
/** A character that is in no text. */
const NO_QUOTE = '\u0000';

function countLines(text: string, newline: string): number {
  const breaks = countBreaks(text, 0, text.length, newline);
  return text.endsWith(newline) ? breaks : breaks + 1;
}

function countBreaks(text: string, start: number, end: number, newline: string): number {
  let count = 0;
  let at = text.indexOf(newline, start);
  while (at !== -1 && at < end) {
    count += 1;
    at = text.indexOf(newline, at + 1);
  }
  return count;
}
