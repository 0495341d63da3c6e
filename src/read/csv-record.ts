/** How to split a table into records and cells. CRLF is treated as LF with a carriage return before it. */
export interface CsvCut {
  readonly delimiter: string;
  readonly newline: '\n' | '\r';
  /** Null if quotes are part of the text. */
  readonly quotes: QuotePair | null;
  /** True if a backslash before a quote makes it part of the text. */
  readonly hasEscapes: boolean;
  /** True if a blank follows each delimiter and is not part of the cell. */
  readonly isPadded: boolean;
}

/** The characters before and after a quoted cell; usually the same. */
export interface QuotePair {
  readonly open: string;
  readonly close: string;
}

export const DOUBLE_QUOTES: QuotePair = { open: '"', close: '"' };

/** The cells of one record, and how it was read. */
export interface CutRecord {
  readonly cells: string[];
  /** For each cell, whether it was quoted. */
  readonly quoted: readonly boolean[];
  /** Offset after the record and its line end. */
  readonly end: number;
  /** True if invalid quotes had to be guessed. */
  readonly isMended: boolean;
  /** Texts of cells as they are in the file, if a writer would write them otherwise. Null for the others. */
  readonly source: (string | null)[] | null;
}

/** A complete record, or one cut off by the end of the text or swallowed by an unclosed quote. */
export type CutResult = CutRecord | Incomplete;

interface Incomplete {
  readonly openQuote: number | null;
}

export function isIncomplete(result: CutResult): result is Incomplete {
  return 'openQuote' in result;
}

/**
 * Reads one record. `width` is the expected number of cells; it decides between several readings of invalid quotes.
 * Unknown widths are 0.
 */
export function cutRecord(
  text: string,
  start: number,
  cut: CsvCut,
  isLast: boolean,
  width: number,
): CutResult {
  const first = cutCells(text, start, cut, isLast, 'stop');
  const isClear = first !== 'doubt' && !isIncomplete(first) && !first.isMended;
  if (isClear && (width === 0 || first.cells.length === width)) return first;
  const fits = (other: CutResult | 'doubt'): other is CutRecord =>
    other !== 'doubt' && !isIncomplete(other) && (other.cells.length === width || (width === 0 && !isClear));
  // Only the rest of the text can tell.
  if (first !== 'doubt' && isIncomplete(first) && !isLast) return first;
  const escaped = cutEscaped(text, start, cut, isLast, first);
  if (escaped !== null && (fits(escaped) || isIncomplete(escaped))) return escaped;
  if (first === 'doubt') return decideDoubt(text, start, cut, isLast, width);
  if (isIncomplete(first) || isClear || first.cells.length === width) return first;
  const plain = cutCells(text, start, cut, isLast, 'plain');
  const isOpen = plain !== 'doubt' && isIncomplete(plain) && !isLast;
  return fits(plain) || isOpen ? plain : first;
}

/** The record with the other meaning of backslashes before quotes; null if that makes no difference or is invalid too. */
function cutEscaped(
  text: string,
  start: number,
  cut: CsvCut,
  isLast: boolean,
  first: CutResult | 'doubt',
): CutResult | null {
  if (cut.quotes === null) return null;
  const { close } = cut.quotes;
  // A doubt arises at the first quote after the line at the latest.
  const end =
    first === 'doubt'
      ? text.indexOf(close, findLineEnd(text, start, cut.newline)) + 1
      : isIncomplete(first)
        ? text.length
        : first.end;
  if (!text.slice(start, end === 0 ? text.length : end).includes(`\\${close}`)) return null;
  const other = cutCells(text, start, { ...cut, hasEscapes: !cut.hasEscapes }, isLast, 'stop');
  if (other === 'doubt') return null;
  if (isIncomplete(other)) return isLast ? null : other;
  return other.isMended ? null : { ...other, isMended: true };
}

/** Chooses between two readings of a quoted cell that has both a stray quote and a line break. */
function decideDoubt(text: string, start: number, cut: CsvCut, isLast: boolean, width: number): CutResult {
  const literal = cutCells(text, start, cut, isLast, 'literal');
  if (literal !== 'doubt' && !isIncomplete(literal) && literal.cells.length === width) return literal;
  const quoted = cutCells(text, start, cut, isLast, 'quoted');
  if (quoted === 'doubt' || literal === 'doubt') {
    throw new RangeError('an ambiguous quote must be decided in both modes');
  }
  if (isIncomplete(quoted)) return isLast ? literal : quoted;
  return quoted.cells.length === width ? quoted : literal;
}

/**
 * What to do with a quoted cell that has a stray quote. If it also has a line break, either both belong to its text
 * (`quoted`), or its opening quote was text and the cell ends at the line end at the latest (`literal`). `plain` reads
 * every such cell as text.
 */
type InDoubt = 'stop' | 'literal' | 'quoted' | 'plain';

function cutCells(
  text: string,
  start: number,
  cut: CsvCut,
  isLast: boolean,
  inDoubt: InDoubt,
): CutResult | 'doubt' {
  const { delimiter, newline } = cut;
  const cells: string[] = [];
  const quoted: boolean[] = [];
  let source: (string | null)[] | null = null;
  let isMended = false;
  let at = skipMarks(text, start, newline);
  let lineEnd = findLineEnd(text, at, newline);
  for (;;) {
    const open = findOpening(text, at, cut);
    let found = open === -1 ? null : cutQuoted(text, open, cut, isLast, inDoubt, lineEnd);
    if (open > at && !isTrustedPadding(found, lineEnd, cut)) found = null;
    if (found === 'doubt' && inDoubt === 'stop') return 'doubt';
    if (found === 'incomplete') return { openQuote: open };
    if (found === 'doubt' || found?.isStray === true) isMended = true;
    const quotedCell =
      found === null || found === 'doubt' || (found.isStray && inDoubt === 'plain') ? null : found;
    const end = quotedCell === null ? findPlainEnd(text, at, cut, lineEnd) : quotedCell.end;
    const isAfterBlank = cut.isPadded && cells.length > 0;
    const raw = quotedCell === null ? readPlain(text, at, end, cut, lineEnd, isAfterBlank) : quotedCell.text;
    const plain = unwrapFormula(raw);
    if (plain !== raw) {
      source ??= [];
      while (source.length < cells.length) source.push(null);
      source.push(text.slice(at, end));
    }
    cells.push(plain);
    quoted.push(quotedCell !== null);
    at = end;
    if (at > lineEnd) lineEnd = findLineEnd(text, at, newline);
    if (at < lineEnd && text.startsWith(delimiter, at)) {
      at += delimiter.length;
      continue;
    }
    if (at >= text.length && !isLast) return { openQuote: null };
    return { cells, quoted, end: Math.min(at + 1, text.length), isMended, source };
  }
}

function findLineEnd(text: string, at: number, newline: string): number {
  const end = text.indexOf(newline, at);
  return end === -1 ? text.length : end;
}

/** Skips byte order marks, which programs leave when they append files to each other, and the rest of a line end. */
export function skipMarks(text: string, start: number, newline: string): number {
  let at = start;
  if (newline === '\r' && text.charCodeAt(at) === 10) at += 1;
  while (text.charCodeAt(at) === 0xfeff) at += 1;
  return at;
}

/** End of a line's text: other line end characters before the line end belong to it. */
export function trimLineEnd(text: string, start: number, end: number, newline: string): number {
  const other = newline === '\n' ? 13 : 10;
  let at = end;
  while (at > start && text.charCodeAt(at - 1) === other) at -= 1;
  return at;
}

/** Offset of the quote that opens the cell at `at`, after blanks; -1 if the cell does not start with one. */
function findOpening(text: string, at: number, { quotes, delimiter }: CsvCut): number {
  if (quotes === null) return -1;
  if (text.startsWith(quotes.open, at)) return at;
  let from = at;
  while (isBlankAt(text, from) && text[from] !== delimiter) from += 1;
  return from > at && text.startsWith(quotes.open, from) ? from : -1;
}

function isBlankAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || code === 9 || code === 0xa0;
}

/** Blanks before a quote are padding if the quotes are valid, and on one line unless every cell is padded. */
function isTrustedPadding(
  found: QuotedCell | 'incomplete' | 'doubt' | null,
  lineEnd: number,
  { isPadded }: CsvCut,
): boolean {
  if (found === 'incomplete') return isPadded;
  return found !== null && found !== 'doubt' && !found.isStray && (isPadded || found.end <= lineEnd);
}

function findPlainEnd(text: string, at: number, cut: CsvCut, lineEnd: number): number {
  const from = findFormulaEnd(text, at, cut, lineEnd);
  // Only the line is searched: the delimiter may be missing from the rest of the text.
  const delimiterAt = text.slice(from, lineEnd).indexOf(cut.delimiter);
  return delimiterAt === -1 ? lineEnd : from + delimiterAt;
}

function readPlain(
  text: string,
  at: number,
  end: number,
  { newline }: CsvCut,
  lineEnd: number,
  isAfterBlank: boolean,
): string {
  const textEnd = end === lineEnd ? trimLineEnd(text, at, end, newline) : end;
  return text.slice(isAfterBlank && text.charCodeAt(at) === 32 ? at + 1 : at, textEnd);
}

interface QuotedCell {
  readonly text: string;
  readonly end: number;
  /** True if a quote inside was neither doubled nor the last one. */
  readonly isStray: boolean;
}

/** A quote closes the cell only before a delimiter, a line end or the end of the text, ignoring blanks. */
function cutQuoted(
  text: string,
  start: number,
  cut: CsvCut,
  isLast: boolean,
  inDoubt: InDoubt,
  lineEnd: number,
): QuotedCell | 'incomplete' | 'doubt' {
  const { close } = cut.quotes ?? DOUBLE_QUOTES;
  const stopsInDoubt = inDoubt !== 'quoted';
  let isStray = false;
  let hasDoubled = false;
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf(close, from);
    const isBeyondLine = lineEnd < text.length && (quote === -1 || lineEnd < quote);
    if (isStray && isBeyondLine && stopsInDoubt) return 'doubt';
    if (quote === -1) return 'incomplete';
    if (cut.hasEscapes && isEscaped(text, quote, start)) {
      from = quote + 1;
      continue;
    }
    if (text.startsWith(close, quote + 1)) {
      hasDoubled = true;
      from = quote + 2;
      continue;
    }
    const end = skipPadding(text, quote + 1, cut);
    const isAtEnd = end >= text.length;
    if (isAtEnd && !isLast) return 'incomplete';
    if (isAtEnd || text.startsWith(cut.delimiter, end) || text[end] === cut.newline) {
      const raw = text.slice(start + 1, quote);
      const undoubled = hasDoubled ? raw.replaceAll(close + close, close) : raw;
      return { text: cut.hasEscapes ? undoubled.replaceAll(`\\${close}`, close) : undoubled, end, isStray };
    }
    isStray = true;
    from = quote + 1;
    if (isBeyondLine && stopsInDoubt) return 'doubt';
  }
}

/** True if an odd number of backslashes is before the quote. */
function isEscaped(text: string, quote: number, start: number): boolean {
  let at = quote;
  while (at > start + 1 && text[at - 1] === '\\') at -= 1;
  return (quote - at) % 2 === 1;
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

/** A cell such as `="00417"`, with which programs keep leading zeros in Excel. */
const FORMULA = /^="((?:[^"]|"")+)"$/;
const FORMULA_START = /="(?:[^"\r\n]|"")+"/y;

function unwrapFormula(cell: string): string {
  if (cell.charCodeAt(0) !== 61 || cell.charCodeAt(1) !== 34) return cell;
  return FORMULA.exec(cell)?.[1]?.replaceAll('""', '"') ?? cell;
}

/** Where to look for the delimiter after the cell at `at`: a delimiter inside `="…"` does not count. */
function findFormulaEnd(
  text: string,
  at: number,
  { delimiter, newline, quotes }: CsvCut,
  lineEnd: number,
): number {
  if (quotes === null || text.charCodeAt(at) !== 61 || text.charCodeAt(at + 1) !== 34) return at;
  FORMULA_START.lastIndex = at;
  const end = FORMULA_START.test(text) ? FORMULA_START.lastIndex : at;
  return text.startsWith(delimiter, end) || end === trimLineEnd(text, end, lineEnd, newline) ? end : at;
}
