import Papa from 'papaparse';
import { createUsageError } from '../errors.js';

/** Records with the line on which each one starts. */
export interface CsvRecords {
  readonly rows: readonly (readonly string[])[];
  /** The line of the first record. */
  readonly line: number;
  /** The lines of all records; null if each takes one line. */
  readonly lines: readonly number[] | null;
  /** Lines of records with invalid quotes. */
  readonly repairedLines: readonly number[];
}

export interface CsvReading extends CsvCut {
  /** Name for errors. */
  readonly name: string;
  readonly maxRowLength: number;
  /** Expected cells per row, used to choose between two readings of invalid quotes. */
  readonly width: number;
}

/**
 * Splits text into records, for any chunk boundaries: each chunk is parsed up to its last whole record, and
 * the rest waits for the next chunk.
 */
export async function* readCsvRecords(
  pieces: AsyncIterable<string>,
  reading: CsvReading,
): AsyncGenerator<CsvRecords> {
  const cutter = new RecordCutter(reading);
  let rest = '';
  let wantedLength = 0;
  for await (const piece of pieces) {
    rest += piece;
    if (rest.length < wantedLength) continue;
    const part = cutter.cut(rest, false);
    rest = rest.slice(part.end);
    // Parse a growing record again only after it has doubled, so a long record costs linear time.
    wantedLength = part.end === 0 ? rest.length * 2 : 0;
    if (rest.length > reading.maxRowLength) cutter.refuseLongRecord(rest);
    if (part.records.rows.length > 0) yield part.records;
  }
  const { records } = cutter.cut(rest, true);
  if (records.rows.length > 0) yield records;
}

interface Part {
  readonly records: CsvRecords;
  readonly end: number;
}

class RecordCutter {
  readonly #reading: CsvReading;
  readonly #parser: Papa.Parser;
  #line = 1;

  constructor(reading: CsvReading) {
    this.#reading = reading;
    this.#parser = createParser(reading, 0);
  }

  cut(text: string, isLast: boolean): Part {
    const hasQuotes = text.includes('"');
    // The fast parser mistakes a quoted cell that ends in a carriage return for one before a CRLF.
    if (hasQuotes && this.#reading.newline === '\n' && text.includes('\r"')) {
      return this.#cutByHand(text, 0, isLast, []);
    }
    const parsed = parseText(this.#parser, text, isLast);
    if (isLast && text.endsWith(this.#reading.newline)) parsed.rows.pop();
    if (parsed.firstFault !== null) {
      const sound = parsed.rows.slice(0, parsed.firstFault);
      const preview = createParser(this.#reading, parsed.firstFault);
      const start = sound.length === 0 ? 0 : parseText(preview, text, isLast).end;
      return this.#cutByHand(text, start, isLast, sound);
    }
    const line = this.#line;
    const lines = this.#countLines(parsed.rows, hasQuotes ? text.slice(0, parsed.end) : null);
    if (this.#reading.newline === '\n' && text.includes('\r')) stripReturns(parsed.rows);
    return { records: { rows: parsed.rows, line, lines, repairedLines: [] }, end: parsed.end };
  }

  refuseLongRecord(text: string): never {
    const { name, maxRowLength } = this.#reading;
    const found = readCsvRecord(text, 0, this.#reading, false, this.#reading.width);
    if (found.status === 'incomplete' && found.openQuote !== null) this.#refuseQuote(text, found.openQuote);
    throw createUsageError(
      'INPUT_ROW_TOO_LONG',
      `${name}, line ${this.#line}: a row of more than ${maxRowLength} characters`,
      'Check that this is a table and that its line endings are valid.',
    );
  }

  /** Splits more carefully from `start`; `before` are the records already found there. */
  #cutByHand(text: string, start: number, isLast: boolean, before: string[][]): Part {
    const rows: (readonly string[])[] = [...before];
    const line = this.#line;
    const lines = this.#countLines(before, text.slice(0, start)) ?? before.map((_, index) => line + index);
    if (this.#reading.newline === '\n') stripReturns(before);
    const repairedLines: number[] = [];
    let at = start;
    while (at < text.length) {
      const found = readCsvRecord(text, at, this.#reading, isLast, this.#reading.width);
      if (found.status === 'incomplete') {
        if (isLast) this.#refuseQuote(text.slice(at), (found.openQuote ?? at) - at);
        break;
      }
      const { record } = found;
      rows.push(record.cells);
      lines.push(this.#line);
      if (record.isMended) repairedLines.push(this.#line);
      this.#line += countBreaks(text, at, record.end, this.#reading.newline);
      at = record.end;
    }
    return { records: { rows, line, lines, repairedLines }, end: at };
  }

  #countLines(rows: readonly (readonly string[])[], text: string | null): number[] | null {
    const { newline } = this.#reading;
    // If there are no more line ends than records, no cell contains a line break.
    const hasBreaks =
      text !== null &&
      countBreaks(text, 0, text.length, newline) > rows.length - (text.endsWith(newline) ? 0 : 1);
    if (!hasBreaks) {
      this.#line += rows.length;
      return null;
    }
    const lines: number[] = [];
    for (const row of rows) {
      lines.push(this.#line);
      this.#line += 1;
      for (const cell of row) this.#line += countBreaks(cell, 0, cell.length, newline);
    }
    return lines;
  }

  #refuseQuote(text: string, openQuote: number): never {
    const line = this.#line + countBreaks(text, 0, openQuote, this.#reading.newline);
    throw createUsageError(
      'INPUT_QUOTE_NOT_CLOSED',
      `${this.#reading.name}, line ${line}: a quote is opened here and never closed`,
      'Close it, or double each quote inside a quoted cell.',
    );
  }
}

interface Parsed {
  readonly rows: string[][];
  readonly end: number;
  /** Index of the first record with invalid quotes. */
  readonly firstFault: number | null;
}

function createParser(cut: CsvCut, preview: number): Papa.Parser {
  return new Papa.Parser({ delimiter: cut.delimiter, newline: cut.newline, preview });
}

function parseText(parser: Papa.Parser, text: string, isLast: boolean): Parsed {
  const result: Papa.ParseResult<string[]> = parser.parse(text, 0, !isLast);
  const faults = result.errors.map((error) => error.row ?? 0).filter((row) => row < result.data.length);
  const firstFault = faults.length === 0 ? null : faults.reduce((first, row) => Math.min(first, row));
  return { rows: result.data, end: result.meta.cursor, firstFault };
}

function stripReturns(rows: readonly string[][]): void {
  for (const row of rows) {
    const last = row.length - 1;
    const cell = row[last];
    if (cell?.endsWith('\r')) row[last] = cell.slice(0, -1);
  }
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

/** How to split a table. CRLF is treated as LF with a carriage return before it. */
export interface CsvCut {
  readonly delimiter: string;
  readonly newline: '\n' | '\r';
}

export interface CsvRecord {
  readonly cells: readonly string[];
  /** For each cell, whether it was quoted. */
  readonly quoted: readonly boolean[];
  /** Offset after the record and its line end. */
  readonly end: number;
  /** True if invalid quotes had to be guessed. */
  readonly isMended: boolean;
}

/** Result of reading a record: complete, cut off by the end of the text, or swallowed by an unclosed quote. */
type CsvRecordResult =
  | { readonly status: 'record'; readonly record: CsvRecord }
  | { readonly status: 'incomplete'; readonly openQuote: number | null };

/**
 * Reads one record carefully, for cases the fast parser cannot handle: invalid quotes and samples. `width` is
 * the expected number of cells, used to choose between two readings of invalid quotes.
 */
export function readCsvRecord(
  text: string,
  start: number,
  cut: CsvCut,
  isLast: boolean,
  width: number,
): CsvRecordResult {
  const sure = cutRecord(text, start, cut, isLast, 'stop');
  if (sure !== 'doubt') return sure;
  const literal = cutRecord(text, start, cut, isLast, 'literal');
  if (literal !== 'doubt' && literal.status === 'record' && literal.record.cells.length === width)
    return literal;
  const quoted = cutRecord(text, start, cut, isLast, 'quoted');
  if (quoted === 'doubt' || literal === 'doubt')
    throw new RangeError('an ambiguous quote must be decided in both modes');
  if (quoted.status === 'incomplete') return isLast ? literal : quoted;
  return quoted.record.cells.length === width ? quoted : literal;
}

/**
 * What to do with a quoted cell that has both a stray quote and a line break: either both belong to its text,
 * or its opening quote was plain text and the cell ends at the line end at the latest.
 */
type InDoubt = 'stop' | 'literal' | 'quoted';

function cutRecord(
  text: string,
  start: number,
  cut: CsvCut,
  isLast: boolean,
  inDoubt: InDoubt,
): CsvRecordResult | 'doubt' {
  const cells: string[] = [];
  const quoted: boolean[] = [];
  let isMended = false;
  let at = start;
  for (;;) {
    const found = text[at] === '"' ? cutQuoted(text, at, cut, isLast, inDoubt !== 'quoted') : null;
    if (found === 'doubt' && inDoubt === 'stop') return 'doubt';
    if (found === 'incomplete') return { status: 'incomplete', openQuote: at };
    if (found === 'doubt' || found?.isStray === true) isMended = true;
    const isQuoted = found !== null && found !== 'doubt';
    const cell = isQuoted ? found : cutPlain(text, at, cut);
    cells.push(cell.text);
    quoted.push(isQuoted);
    at = cell.end;
    if (at < text.length && text.startsWith(cut.delimiter, at)) {
      at += cut.delimiter.length;
      continue;
    }
    if (at >= text.length && !isLast) return { status: 'incomplete', openQuote: null };
    return { status: 'record', record: { cells, quoted, end: Math.min(at + 1, text.length), isMended } };
  }
}

function cutPlain(text: string, start: number, cut: CsvCut): { text: string; end: number } {
  const lineEnd = text.indexOf(cut.newline, start);
  const line = lineEnd === -1 ? text.slice(start) : text.slice(start, lineEnd);
  const delimiter = line.indexOf(cut.delimiter);
  if (delimiter !== -1) return { text: line.slice(0, delimiter), end: start + delimiter };
  const hasReturn = cut.newline === '\n' && line.endsWith('\r');
  return { text: hasReturn ? line.slice(0, -1) : line, end: start + line.length };
}

interface QuotedCell {
  readonly text: string;
  readonly end: number;
  /** True if a quote inside was neither doubled nor the last one. */
  readonly isStray: boolean;
}

/** A quote closes the cell only before a delimiter, a line end or the end of the text, ignoring spaces. */
function cutQuoted(
  text: string,
  start: number,
  cut: CsvCut,
  isLast: boolean,
  stopsInDoubt: boolean,
): QuotedCell | 'incomplete' | 'doubt' {
  const lineEnd = text.indexOf(cut.newline, start);
  let isStray = false;
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    const isBeyondLine = lineEnd !== -1 && (quote === -1 || lineEnd < quote);
    if (isStray && isBeyondLine && stopsInDoubt) return 'doubt';
    if (quote === -1) return 'incomplete';
    if (text[quote + 1] === '"') {
      from = quote + 2;
      continue;
    }
    const end = skipPadding(text, quote + 1, cut);
    const isAtEnd = end >= text.length;
    if (isAtEnd && !isLast) return 'incomplete';
    if (isAtEnd || text.startsWith(cut.delimiter, end) || text[end] === cut.newline) {
      return { text: text.slice(start + 1, quote).replaceAll('""', '"'), end, isStray };
    }
    isStray = true;
    from = quote + 1;
    if (isBeyondLine && stopsInDoubt) return 'doubt';
  }
}

function skipPadding(text: string, start: number, cut: CsvCut): number {
  let at = start;
  while (at < text.length && !text.startsWith(cut.delimiter, at)) {
    const char = text.charAt(at);
    if (char === cut.newline || char.trim() !== '') break;
    at += 1;
  }
  return at;
}
