import type { Quoting } from '../model/file-format.js';
import { type CsvCut, type CsvRecord, readCsvRecord } from './csv-reader.js';

/** How a table is written down, as far as its beginning shows. */
export interface CsvDialect {
  /** What its rows are cut with; a table of one column is cut with a character that it does not hold. */
  readonly cut: CsvCut;
  /** What the output is written with. */
  readonly delimiter: string;
  readonly newline: '\n' | '\r\n' | '\r';
  readonly quoting: Quoting;
  readonly titlesQuoted: boolean;
  readonly sepLine: boolean;
  /** Cells in the first record. */
  readonly width: number;
  /** True where the first line is one cell and those below it make a table: it is a title, and no header. */
  readonly hasTitleLine: boolean;
}

const DELIMITERS = [',', ';', '\t', '|'];
const UNUSED = '\u001f';
const MAX_RECORDS = 1_000;

/** Reads the dialect out of a sample that starts at the first line; `wish` is the delimiter asked for. */
export function detectDialect(sample: string, isWhole: boolean, wish: string | undefined): CsvDialect {
  const newline = detectNewline(sample);
  const lineEnd = newline === '\r' ? '\r' : '\n';
  const sep = /^"?sep=([^\r\n"])"?\r?(?:\n|\r|$)/i.exec(sample);
  const body = sep === null ? sample : sample.slice(sep[0].length);
  const told = wish ?? sep?.[1];
  const candidates = (told === undefined ? DELIMITERS : [told]).map((delimiter) => {
    const cut: CsvCut = { delimiter, newline: lineEnd };
    // A first line that is longer than the sample is judged by what there is of it.
    const whole = parseRecords(body, cut, isWhole);
    const records = whole.length > 0 ? whole : parseRecords(body, cut, true);
    return { cut, records, ...rateWidths(records) };
  });
  const best = candidates.reduce((a, b) =>
    b.rate > a.rate || (b.rate === a.rate && b.width > a.width) ? b : a,
  );
  const hasTitleLine = candidates.some((candidate) => candidate.titleLineRate > 0.9);
  const isOneColumn = told === undefined && best.width <= 1;
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
  /** Share of the records that are as wide as the first; 0 where the first one is not cut at all. */
  readonly rate: number;
  /** Share of the records below a first line of one cell that are of one greater width: then that line is a title. */
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

/** Judged by the cells that need no quotes: the others have them in every style. */
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
