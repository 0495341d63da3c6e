import Papa from 'papaparse';
import { type FileShape, hasHeader, type TextFormat } from '../model/file-format.js';
import { createCellLayout } from './cells.js';
import type { OutputOptions, RowFormatter } from './output.js';

/** Writes a CSV in the input's format: delimiter, line ends and quotes. */
export function createCsvFormatter(options: OutputOptions): RowFormatter {
  const shape = resolveTableShape(options);
  const layout = createCellLayout(options);
  const base = { delimiter: shape.delimiter, newline: shape.newline };
  const quotes = resolveQuotes(shape);
  const end = shape.newline;
  const formatCells = (cells: string[]) => Papa.unparse([cells], { ...base, quotes });
  const formatLine = quotes === false ? createPlainFormatter(shape.delimiter, formatCells) : formatCells;
  const sepLine = shape.sepLine ? `sep=${shape.delimiter}${end}` : '';
  const header = hasHeader(options.shape)
    ? Papa.unparse([layout.titles], { ...base, quotes: shape.titlesQuoted }) + end
    : '';
  return {
    head: sepLine + header,
    format: (rows) => rows.map((row) => formatLine(layout.fill(row)) + end).join(''),
    tail: '',
  };
}

/** Fast path: most lines need no quotes and are only joined, several times as fast with the same result. */
function createPlainFormatter(
  delimiter: string,
  formatCells: (cells: string[]) => string,
): (cells: string[]) => string {
  const delimiterCode = delimiter.charCodeAt(0).toString(16).padStart(4, '0');
  const special = new RegExp(`["\\r\\n\\ufeff\\u${delimiterCode}]|^ | $`);
  return (cells) => (cells.some((cell) => special.test(cell)) ? formatCells(cells) : cells.join(delimiter));
}

type TableShape = Pick<FileShape, 'delimiter' | 'newline' | 'quoting' | 'titlesQuoted' | 'sepLine'>;

/** The input's format, but with tabs if the file name ends in .tsv or .tab. */
function resolveTableShape({ shape, path }: OutputOptions): TableShape {
  const isTsv = /\.(?:tsv|tab)(?:\.gz)?$/i.test(path);
  return isTsv ? { ...shape, delimiter: '\t', sepLine: false } : shape;
}

function resolveQuotes({ quoting }: TableShape): boolean | ((value: unknown) => boolean) {
  switch (quoting) {
    case 'needed':
      return false;
    case 'all':
      return true;
    case 'filled':
      return (value) => value !== '';
    case 'text':
      return (value) => value !== '' && !/^-?\d+(?:[.,]\d+)?$/.test(String(value));
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
