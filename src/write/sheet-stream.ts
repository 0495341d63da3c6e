import { TextDecoder } from 'node:util';

/**
 * Text of a sheet's XML: its bytes in UTF-8, one character each, so that what is not changed is written byte for byte.
 */
export type RawXml = string;

/** A row of a sheet, or what is between two rows. */
export interface RawRow {
  /** Row number; null for XML between rows. */
  readonly line: number | null;
  readonly xml: RawXml;
}

/** A piece of a sheet: what is before its rows, some rows, or what is after them. */
export type SheetPiece =
  | { readonly kind: 'head'; readonly xml: RawXml; readonly prefix: string }
  | { readonly kind: 'rows'; readonly rows: readonly RawRow[] }
  | { readonly kind: 'tail'; readonly xml: RawXml };

/** Encodes text as raw XML. */
export function toRaw(text: string): RawXml {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches what is not ASCII
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** Decodes raw XML. */
export function fromRaw(xml: RawXml): string {
  return Buffer.from(xml, 'latin1').toString('utf8');
}

/**
 * Splits the XML of a sheet into its head (up to the tag `<sheetData>`), its rows and its tail, as a stream. The pieces,
 * joined, are the whole part. Throws if it has no rows.
 */
export async function* readSheetPieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SheetPiece> {
  let splitter: RowSplitter | null = null;
  let rest = '';
  for await (const piece of readRaw(bytes)) {
    rest += piece;
    if (splitter === null) {
      const head = findHead(rest);
      if (head === null) continue;
      yield { kind: 'head', xml: rest.slice(0, head.end), prefix: head.prefix };
      rest = rest.slice(head.end);
      splitter = new RowSplitter(head.prefix);
    }
    if (splitter.isDone) continue;
    const { rows, end } = splitter.split(rest);
    rest = rest.slice(end);
    if (rows.length > 0) yield { kind: 'rows', rows };
  }
  if (splitter?.isDone !== true) throw new Error('the sheet has no rows');
  yield { kind: 'tail', xml: rest };
}

/** Pieces of raw XML. A part in UTF-16 is converted, and no longer names its encoding. */
async function* readRaw(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RawXml> {
  let decoder: TextDecoder | null | undefined;
  for await (const piece of bytes) {
    const isFirst = decoder === undefined;
    decoder ??= isFirst ? createDecoder(piece) : null;
    if (decoder === null || decoder === undefined) {
      yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1');
      continue;
    }
    const text = decoder.decode(piece, { stream: true });
    yield toRaw(isFirst ? text.replace(/^(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']/, '$1') : text);
  }
}

function createDecoder([first, second]: Uint8Array): TextDecoder | null {
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le');
  return first === 0xfe && second === 0xff ? new TextDecoder('utf-16be') : null;
}

const ROWS_START = /<((?:[^\s<>/:"'=!?]+:)?)sheetData(?=[\s>])(?:[^<>"']|"[^"]*"|'[^']*')*>/;

function findHead(xml: RawXml): { readonly end: number; readonly prefix: string } | null {
  const found = ROWS_START.exec(xml);
  return found === null ? null : { end: found.index + found[0].length, prefix: found[1] ?? '' };
}

/** Cuts raw XML into rows. */
class RowSplitter {
  isDone = false;
  readonly #open: string;
  readonly #close: string;
  readonly #end: string;
  /** The number of the last row: one without a number follows it. */
  #line = 0;
  /** Where to look on for the end of a row that is not complete yet. */
  #searchFrom = 0;
  /** The next comment or CDATA section of the text; -1 if there is none. */
  #other = -1;

  constructor(prefix: string) {
    this.#open = `<${prefix}row`;
    this.#close = `</${prefix}row`;
    this.#end = `</${prefix}sheetData`;
  }

  /** The complete rows at the start of a text, and where the rest begins. */
  split(xml: RawXml): { readonly rows: readonly RawRow[]; readonly end: number } {
    const rows: RawRow[] = [];
    let at = 0;
    this.#other = xml.indexOf('<!');
    for (;;) {
      const start = xml.indexOf('<', at);
      if (start < 0 || xml.length - start < this.#end.length) break;
      if (xml.startsWith(this.#end, start)) {
        if (start > at) rows.push({ line: null, xml: xml.slice(at, start) });
        this.isDone = true;
        return { rows, end: start };
      }
      const isRow = xml.startsWith(this.#open, start);
      const end = isRow ? this.#findRowEnd(xml, start) : skipOther(xml, start);
      if (end < 0) break;
      this.#searchFrom = 0;
      if (start > at) rows.push({ line: null, xml: xml.slice(at, start) });
      const row = xml.slice(start, end);
      rows.push({ line: isRow ? this.#readLine(row) : null, xml: row });
      at = end;
    }
    return { rows, end: at };
  }

  #findRowEnd(xml: RawXml, start: number): number {
    const tag = findTagEnd(xml, start);
    if (tag < 0 || xml[tag - 2] === '/') return tag;
    let from = Math.max(tag, start + this.#searchFrom);
    for (;;) {
      const close = xml.indexOf(this.#close, from);
      const other = this.#findOther(xml, from);
      if (other >= 0 && (close < 0 || other < close)) {
        const end = skipOther(xml, other);
        if (end < 0) {
          this.#searchFrom = other - start;
          return -1;
        }
        from = end;
        continue;
      }
      const end = close < 0 ? -1 : xml.indexOf('>', close);
      if (end >= 0) return end + 1;
      // A tag may be cut at the end of the text.
      this.#searchFrom = Math.max(from, xml.length - 100) - start;
      return -1;
    }
  }

  /** The next comment or CDATA section; looked for once in each text, because most have none. */
  #findOther(xml: RawXml, from: number): number {
    if (this.#other >= 0 && this.#other < from) this.#other = xml.indexOf('<!', from);
    return this.#other;
  }

  #readLine(row: RawXml): number {
    const number = /^<[^\s>]+(?:\s[^>]*?)?\sr\s*=\s*["']\s*(\d+)/.exec(row)?.[1];
    this.#line = number === undefined ? this.#line + 1 : Number(number);
    return this.#line;
  }
}

/** Index after a tag, whose attributes may hold `>`; -1 if it is not complete. */
function findTagEnd(xml: RawXml, start: number): number {
  TAG.lastIndex = start;
  return TAG.test(xml) ? TAG.lastIndex : -1;
}

const TAG = /<(?:[^<>"']|"[^"]*"|'[^']*')*>/y;

/** Index after a comment, a CDATA section, an instruction or a foreign tag; -1 if it is not complete. */
function skipOther(xml: RawXml, start: number): number {
  const [open, close] = OTHERS.find(([text]) => xml.startsWith(text, start)) ?? ['<', '>'];
  const end = xml.indexOf(close, start + open.length);
  return end < 0 ? -1 : end + close.length;
}

const OTHERS = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const;
