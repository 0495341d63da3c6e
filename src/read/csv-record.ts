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
  const sure = cutRecord(text, start, cut, isLast, 'stop');
  if (sure !== 'doubt') return sure;
  const literal = cutRecord(text, start, cut, isLast, 'literal');
  if (literal !== 'doubt' && literal.status === 'record' && literal.record.cells.length === width)
    return literal;
  const quoted = cutRecord(text, start, cut, isLast, 'quoted');
  if (quoted === 'doubt' || literal === 'doubt') throw new RangeError('a doubt is settled either way');
  if (quoted.status === 'incomplete') return isLast ? literal : quoted;
  return quoted.record.cells.length === width ? quoted : literal;
}

/**
 * What to do with a cell in quotes that holds both a stray quote and a line break: either both belong to its text, or
 * its opening quote was plain text already and the cell ends with the line at the latest.
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
  /** True where a quote inside was neither doubled nor the last one. */
  readonly isStray: boolean;
}

/** A quote closes the cell only where a delimiter, a line end or the end follows, spaces aside. */
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
