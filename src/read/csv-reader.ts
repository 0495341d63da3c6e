import Papa from 'papaparse';
import { createUsageError } from '../errors.js';
import { type CsvCut, readCsvRecord } from './csv-record.js';

/** Records as they were cut out of the text, with the line on which each one starts. */
export interface CsvRecords {
  readonly rows: readonly (readonly string[])[];
  /** The line of the first record. */
  readonly line: number;
  /** The lines of all records; null where each takes one. */
  readonly lines: readonly number[] | null;
  /** Lines of records whose quotes broke the rules. */
  readonly mendedLines: readonly number[];
}

export interface CsvReading extends CsvCut {
  /** Named in errors. */
  readonly name: string;
  readonly maxRowLength: number;
  /** Cells to expect in a row, the judge between two readings of broken quotes. */
  readonly width: number;
}

/**
 * Cuts text into records, whatever the places at which the text arrives in pieces: a piece is parsed up to its last
 * whole record, and what is left waits for the next piece.
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
    // A record that grows is looked at again only when it has doubled, so that a long one costs no more than its length.
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
    // A quoted cell that ends in a carriage return looks to the fast parser like one before a CRLF.
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
    return { records: { rows: parsed.rows, line, lines, mendedLines: [] }, end: parsed.end };
  }

  refuseLongRecord(text: string): never {
    const { name, maxRowLength } = this.#reading;
    const found = readCsvRecord(text, 0, this.#reading, false, this.#reading.width);
    if (found.status === 'incomplete' && found.openQuote !== null) this.#refuseQuote(text, found.openQuote);
    throw createUsageError(
      'INPUT_ROW_TOO_LONG',
      `${name}, line ${this.#line}: a row of more than ${maxRowLength} characters`,
      'Check that this is a table, and that its lines end as lines do.',
    );
  }

  /** The same cutting with more care, from `start` on, where `before` are the records that stand there. */
  #cutByHand(text: string, start: number, isLast: boolean, before: string[][]): Part {
    const rows: (readonly string[])[] = [...before];
    const line = this.#line;
    const lines = this.#countLines(before, text.slice(0, start)) ?? before.map((_, index) => line + index);
    if (this.#reading.newline === '\n') stripReturns(before);
    const mendedLines: number[] = [];
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
      if (record.isMended) mendedLines.push(this.#line);
      this.#line += countBreaks(text, at, record.end, this.#reading.newline);
      at = record.end;
    }
    return { records: { rows, line, lines, mendedLines }, end: at };
  }

  #countLines(rows: readonly (readonly string[])[], text: string | null): number[] | null {
    const { newline } = this.#reading;
    // As many line ends as records, or one less at the end of the file: then none stands in a cell.
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
      `${this.#reading.name}, line ${line}: the quote that opens here is never closed`,
      'Close it, or double each quote that belongs to the text of a quoted cell.',
    );
  }
}

interface Parsed {
  readonly rows: string[][];
  readonly end: number;
  /** Index of the first record whose quotes broke the rules. */
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
