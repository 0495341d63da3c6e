import type { FilledRow } from '../model/answer.js';
import { type FileShape, hasHeader, type TextFormat } from '../model/file-format.js';
import { createCellLayout } from './cells.js';
import type { OutputOptions, RowFormatter } from './output.js';

/** Writes a CSV in the input's format: delimiter, line ends, quotes, and the lines above the header. */
export function createCsvFormatter(options: OutputOptions): RowFormatter {
  const shape = resolveTableShape(options);
  const layout = createCellLayout(options);
  const formatCell = createCellFormatter(shape, createQuoteRule(shape));
  const formatTitle = createCellFormatter(shape, () => shape.titlesQuoted);
  const between = shape.isPadded === true ? `${shape.delimiter} ` : shape.delimiter;
  const end = shape.newline;
  const sepLine = shape.sepLine ? `sep=${shape.delimiter}${end}` : '';
  const header = hasHeader(options.shape) ? layout.titles.map(formatTitle).join(between) + end : '';
  const isSameTable = shape.delimiter === options.shape.delimiter && options.shape.format === 'csv';
  const formatKept = (
    cells: readonly string[],
    kept: (index: number, cell: string) => string | null,
  ): string => cells.map((cell, index) => kept(index, cell) ?? formatCell(cell)).join(between) + end;
  const formatLines = isUsual(shape)
    ? createLineFormatter(shape, formatCell)
    : (lines: string[][]) => lines.map((cells) => cells.map(formatCell).join(between) + end).join('');
  /** Lines that are not as the input had them are formatted together. */
  const format = (rows: readonly FilledRow[]): string => {
    let text = '';
    let lines: string[][] = [];
    for (const filled of rows) {
      const cells = layout.fill(filled);
      const kept = isSameTable ? findSource(filled) : null;
      if (kept === null) lines.push(cells);
      else {
        text += formatLines(lines) + formatKept(cells, kept);
        lines = [];
      }
    }
    return text + formatLines(lines);
  };
  return {
    head: sepLine + (shape.above ?? '') + header,
    format,
    tail: '',
  };
}

/** True for cells in straight quotes without blanks between them. */
function isUsual({ quotes, isPadded }: TableShape): boolean {
  return isPadded !== true && (quotes === undefined || quotes?.open === '"');
}

/** Formats lines in the usual quotes. Most lines need none and are only joined, several times as fast. */
function createLineFormatter(
  { delimiter, newline, quoting }: TableShape,
  formatCell: (cell: string) => string,
): (lines: string[][]) => string {
  const between = toPattern(delimiter);
  const special = new RegExp(`["\\r\\n\\ufeff]|(?:^|${between}) | (?:${between}|$)`);
  return (lines) => {
    let text = '';
    for (const cells of lines) {
      const line = cells.join(delimiter);
      const isPlain = quoting === 'needed' && !special.test(line) && !holdsText(cells, delimiter);
      text += (isPlain ? line : cells.map(formatCell).join(delimiter)) + newline;
    }
    return text;
  };
}

function holdsText(cells: readonly string[], text: string): boolean {
  for (const cell of cells) if (cell.includes(text)) return true;
  return false;
}

/** Finds how an unchanged input cell is written in the file, for cells that would be written otherwise. */
function findSource({ row }: FilledRow): ((index: number, cell: string) => string | null) | null {
  if (row.kind !== 'cells' || row.source === undefined) return null;
  const { source, cells } = row;
  return (index, cell) => (cell === cells[index] ? (source[index] ?? null) : null);
}

type TableShape = Pick<
  FileShape,
  'delimiter' | 'newline' | 'quoting' | 'quotes' | 'titlesQuoted' | 'sepLine' | 'isPadded' | 'above'
>;

/** The input's format, but with tabs if the file name ends in .tsv or .tab. */
function resolveTableShape({ shape, path }: OutputOptions): TableShape {
  const isTsv = /\.(?:tsv|tab)(?:\.gz)?$/i.test(path);
  return isTsv ? { ...shape, delimiter: '\t', sepLine: false, isPadded: false } : shape;
}

/** Quotes cells where the text needs it, or where the input would quote it. */
function createCellFormatter(
  { delimiter, quotes }: TableShape,
  isQuoted: (cell: string) => boolean,
): (cell: string) => string {
  const { open, close } = quotes ?? { open: '"', close: '"' };
  // Quotes that are text, such as apostrophes, only matter at the start of a cell.
  const inside = quotes === null || open !== '"' ? '' : '"';
  const atStart = quotes === null || open === '"' ? '' : `|^\\s*${toPattern(open)}`;
  const needsQuotes = new RegExp(`[\\r\\n\\ufeff${toPattern(delimiter)}${inside}]|^ | $${atStart}`);
  return (cell) =>
    needsQuotes.test(cell) || isQuoted(cell) ? open + cell.replaceAll(close, close + close) + close : cell;
}

function toPattern(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function createQuoteRule({ quoting }: TableShape): (cell: string) => boolean {
  switch (quoting) {
    case 'needed':
      return () => false;
    case 'all':
      return () => true;
    case 'filled':
      return (cell) => cell !== '';
    case 'text':
      return (cell) => cell !== '' && !/^-?\d+(?:[.,]\d+)?$/.test(cell);
  }
}

interface TextEncoding {
  /** The byte order mark, or an empty string. */
  readonly mark: string;
  encode(text: string): Buffer;
}

/**
 * UTF-8 or UTF-16 like the input. Older encodings cannot represent every answer, so they become UTF-8 with a
 * mark.
 */
export function createEncoder(format: TextFormat, { shape, bom }: OutputOptions): TextEncoding {
  const isSame = format === shape.format;
  const isWide = isSame && shape.encoding.startsWith('utf-16');
  const isLegacy = format === 'csv' && shape.encoding !== 'utf-8' && !isWide;
  const hasMark = bom ?? (isLegacy || (isSame && shape.bom));
  return { mark: hasMark ? '\ufeff' : '', encode: isWide ? encodeWide(shape.encoding) : encodeUtf8 };
}

function encodeUtf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

function encodeWide(encoding: string): (text: string) => Buffer {
  return (text) => {
    const bytes = Buffer.from(text, 'utf16le');
    return encoding === 'utf-16be' ? bytes.swap16() : bytes;
  };
}
