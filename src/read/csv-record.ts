/** How to cut a table: CRLF is read as LF with a carriage return before it. */
export interface CsvCut {
  readonly delimiter: string;
  readonly newline: '\n' | '\r';
}

export interface CsvRecord {
  readonly cells: readonly string[];
  /** For each cell, whether it stood in quotes. */
  readonly quoted: readonly boolean[];
  /** Offset behind the record and its line end. */
  readonly end: number;
  /** True where quotes broke the rules and had to be read by guess. */
  readonly isMended: boolean;
}

/** What the text at hand says of a record: whole, cut off by the end of the text, or swallowed by a quote that is never closed. */
export type CsvRecordResult =
  | { readonly status: 'record'; readonly record: CsvRecord }
  | { readonly status: 'incomplete'; readonly openQuote: number | null };

/**
 * Reads one record by hand, for the places where the fast parser's word is not enough: broken quotes and samples.
 * `width` is the number of cells expected, the judge between two readings of broken quotes.
 */
export function readCsvRecord(
  text: string,
  start: number,
  cut: CsvCut,
  isLast: boolean,
  width: number,
): CsvRecordResult {
  const trusting = cutRecord(text, start, cut, isLast, false);
  if (!trusting.isStrayAcrossLines) return trusting.result;
  // A stray quote and a line break in one cell: either the cell holds both, or its opening quote was plain text.
  const literal = cutRecord(text, start, cut, isLast, true).result;
  if (literal.status === 'record' && literal.record.cells.length === width) return literal;
  if (trusting.result.status === 'incomplete') return isLast ? literal : trusting.result;
  return trusting.result.record.cells.length === width ? trusting.result : literal;
}

interface Cutting {
  readonly result: CsvRecordResult;
  readonly isStrayAcrossLines: boolean;
}

function cutRecord(text: string, start: number, cut: CsvCut, isLast: boolean, isWary: boolean): Cutting {
  const cells: string[] = [];
  const quoted: boolean[] = [];
  let isMended = false;
  let isStrayAcrossLines = false;
  let at = start;
  for (;;) {
    const cell = text[at] === '"' ? cutQuoted(text, at, cut, isLast) : null;
    const isStray = cell?.isStray === true;
    const isDoubtful = isStray && text.slice(at, cell.end).includes(cut.newline);
    if (isDoubtful) isStrayAcrossLines = true;
    if (cell !== null && !cell.isClosed && !(isWary && isDoubtful)) {
      return { result: { status: 'incomplete', openQuote: at }, isStrayAcrossLines };
    }
    if (isStray) isMended = true;
    if (cell === null || (isWary && isDoubtful)) {
      const plain = cutPlain(text, at, cut);
      cells.push(plain.text);
      quoted.push(false);
      at = plain.end;
    } else {
      cells.push(cell.text);
      quoted.push(true);
      at = cell.end;
    }
    if (at < text.length && text.startsWith(cut.delimiter, at)) {
      at += cut.delimiter.length;
      continue;
    }
    if (at >= text.length && !isLast) {
      return { result: { status: 'incomplete', openQuote: null }, isStrayAcrossLines };
    }
    const record = { cells, quoted, end: Math.min(at + 1, text.length), isMended };
    return { result: { status: 'record', record }, isStrayAcrossLines };
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
  readonly isClosed: boolean;
  /** True where a quote inside was neither doubled nor the last one. */
  readonly isStray: boolean;
}

/** A quote closes the cell only where a delimiter, a line end or the end follows, spaces aside. */
function cutQuoted(text: string, start: number, cut: CsvCut, isLast: boolean): QuotedCell {
  let isStray = false;
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote === -1) return { text: '', end: text.length, isClosed: false, isStray };
    if (text[quote + 1] === '"') {
      from = quote + 2;
      continue;
    }
    const end = skipPadding(text, quote + 1, cut);
    const isAtEnd = end >= text.length;
    if (isAtEnd && !isLast) return { text: '', end, isClosed: false, isStray };
    if (isAtEnd || text.startsWith(cut.delimiter, end) || text[end] === cut.newline) {
      return { text: text.slice(start + 1, quote).replaceAll('""', '"'), end, isClosed: true, isStray };
    }
    isStray = true;
    from = quote + 1;
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
