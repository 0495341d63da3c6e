import type { Quoting } from '../model/file-format.js';
import { type CsvCut, type CsvRecord, readCsvRecord } from './csv-reader.js';

/** How a CSV file is written, as detected from its start. */
interface CsvDialect {
  /** How to split rows. A one-column table uses a delimiter that does not occur in it. */
  readonly cut: CsvCut;
  /** Delimiter for the output. */
  readonly delimiter: string;
  readonly newline: '\n' | '\r\n' | '\r';
  readonly quoting: Quoting;
  readonly titlesQuoted: boolean;
  readonly sepLine: boolean;
  /** Cells in the first record. */
  readonly width: number;
  /**
   * True if the first line has one cell and the lines below are a wider table: then it is a title, not a
   * header.
   */
  readonly hasTitleLine: boolean;
}

const DELIMITERS = [',', ';', '\t', '|'];
const UNUSED = '\u001f';
const MAX_RECORDS = 1_000;

/** Detects the dialect from a sample that starts at the first line; `wish` is the delimiter set by the user. */
export function detectDialect(sample: string, isWhole: boolean, wish: string | undefined): CsvDialect {
  const newline = detectNewline(sample);
  const lineEnd = newline === '\r' ? '\r' : '\n';
  const sep = /^"?sep=([^\r\n"])"?\r?(?:\n|\r|$)/i.exec(sample);
  const body = sep === null ? sample : sample.slice(sep[0].length);
  const given = wish ?? sep?.[1];
  const candidates = (given === undefined ? DELIMITERS : [given]).map((delimiter) => {
    const cut: CsvCut = { delimiter, newline: lineEnd };
    // If the first line is longer than the sample, use the part we have.
    const whole = parseRecords(body, cut, isWhole);
    const records = whole.length > 0 ? whole : parseRecords(body, cut, true);
    return { cut, records, ...rateWidths(records) };
  });
  const best = candidates.reduce((a, b) =>
    b.rate > a.rate || (b.rate === a.rate && b.width > a.width) ? b : a,
  );
  const hasTitleLine = candidates.some((candidate) => candidate.titleLineRate > 0.9);
  const isOneColumn = given === undefined && best.width <= 1;
  return {
    cut: isOneColumn ? { delimiter: UNUSED, newline: lineEnd } : best.cut,
    delimiter: isOneColumn ? ',' : best.cut.delimiter,
    newline,
    ...detectQuoting(best.records, best.cut.delimiter),
    sepLine: sep !== null,
    width: best.width,
    hasTitleLine: best.width <= 1 && hasTitleLine,
  };
}

function detectNewline(sample: string): '\n' | '\r\n' | '\r' {
  const bare = sample.replace(/"[^"]*"/g, '""');
  const feeds = bare.split('\n').length - 1;
  const pairs = bare.split('\r\n').length - 1;
  if (feeds === 0) return /\r(?!$)/.test(bare) || bare.endsWith('\r') ? '\r' : '\n';
  return pairs * 2 > feeds ? '\r\n' : '\n';
}

function parseRecords(text: string, cut: CsvCut, isWhole: boolean): CsvRecord[] {
  const records: CsvRecord[] = [];
  let at = 0;
  while (at < text.length && records.length < MAX_RECORDS) {
    const found = readCsvRecord(text, at, cut, isWhole, records[0]?.cells.length ?? 0);
    if (found.status === 'incomplete') break;
    const { record } = found;
    if (record.cells.length > 1 || record.cells[0]?.trim() !== '') records.push(record);
    at = record.end;
  }
  return records;
}

interface Rating {
  readonly width: number;
  /** Share of the records that are as wide as the first; 0 if the first has one cell. */
  readonly rate: number;
  /**
   * Share of the records below a one-cell first line that share one greater width; if high, that line is a
   * title.
   */
  readonly titleLineRate: number;
}

function rateWidths(records: readonly CsvRecord[]): Rating {
  const width = records[0]?.cells.length ?? 0;
  const below = records.slice(1).map((record) => record.cells.length);
  const second = below[0] ?? 0;
  const share = (wanted: number) =>
    below.filter((cells) => cells === wanted).length / Math.max(1, below.length);
  return {
    width,
    rate: width > 1 ? (1 + share(width) * below.length) / (1 + below.length) : 0,
    titleLineRate: width === 1 && second > 2 && below.length > 2 ? share(second) : 0,
  };
}

/** Uses only cells that need no quotes, since the others are always quoted. */
function detectQuoting(
  records: readonly CsvRecord[],
  delimiter: string,
): { quoting: Quoting; titlesQuoted: boolean } {
  const [titles, ...rows] = records;
  const seen = { text: new Set<boolean>(), number: new Set<boolean>(), empty: new Set<boolean>() };
  for (const row of rows) {
    for (const [index, cell] of row.cells.entries()) {
      if (cell.includes(delimiter) || /["\r\n]|^\s|\s$/.test(cell)) continue;
      const kind = cell === '' ? seen.empty : /^-?\d+(?:[.,]\d+)?$/.test(cell) ? seen.number : seen.text;
      kind.add(row.quoted[index] === true);
    }
  }
  const titlesQuoted = titles?.quoted.every((isQuoted) => isQuoted) === true;
  if (!seen.text.has(true) || seen.text.has(false)) return { quoting: 'needed', titlesQuoted };
  if (seen.number.has(false)) return { quoting: seen.number.has(true) ? 'needed' : 'text', titlesQuoted };
  return { quoting: seen.empty.has(false) ? 'filled' : 'all', titlesQuoted };
}
