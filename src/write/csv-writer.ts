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
  const format = (lines: string[][]) =>
    lines.length === 0 ? '' : Papa.unparse(lines, { ...base, quotes }) + end;
  const formatLines = quotes === false ? createPlainFormatter(shape.delimiter, end, format) : format;
  const sepLine = shape.sepLine ? `sep=${shape.delimiter}${end}` : '';
  const header = hasHeader(options.shape)
    ? Papa.unparse([layout.titles], { ...base, quotes: shape.titlesQuoted }) + end
    : '';
  return {
    head: sepLine + header,
    format: (rows) => formatLines(rows.map((row) => layout.fill(row))),
    tail: '',
  };
}

/** Fast path: lines that need no quotes are only joined, several times as fast with the same result. */
function createPlainFormatter(
  delimiter: string,
  end: string,
  format: (lines: string[][]) => string,
): (lines: string[][]) => string {
  const delimiterCode = delimiter.charCodeAt(0).toString(16).padStart(4, '0');
  const special = new RegExp(`["\\r\\n\\ufeff\\u${delimiterCode}]|^ | $`);
  const isPlain = (cells: readonly string[]): boolean => !cells.some((cell) => special.test(cell));
  return (lines) => {
    let text = '';
    let start = 0;
    // Lines that need quotes are formatted together.
    for (let at = 0; at < lines.length; at += 1) {
      const cells = lines[at] ?? [];
      if (!isPlain(cells)) continue;
      text += `${format(lines.slice(start, at))}${cells.join(delimiter)}${end}`;
      start = at + 1;
    }
    return text + format(lines.slice(start));
  };
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
