import { createUsageError, type RowfillError } from '../errors.js';
import type { FaultyRow, ObjectRow } from '../model/row.js';
import type { Warnings } from './input.js';
import type { JsonLayout } from './json-layout.js';
import { type JsonReading, parseRow } from './jsonl-reader.js';

/** Where the items are: in a list that starts at a position, or one after another. */
type Items = Exclude<JsonLayout, { readonly kind: 'lines' }>;

/** Reads the items of a JSON file as a stream: each is a row. */
export async function* readJsonItems(
  pieces: AsyncIterable<string>,
  items: Items,
  reading: JsonReading,
  warnings: Warnings,
): AsyncGenerator<readonly (ObjectRow | FaultyRow)[]> {
  const cutter = new ItemCutter(items, reading);
  let ordinal = 0;
  for await (const piece of pieces) {
    const rows = cutter
      .cut(piece)
      .map(({ text, line }) => parseRow(text, ordinal++, line, reading, warnings));
    for (let start = 0; start < rows.length; start += CHUNK_ROWS) yield rows.slice(start, start + CHUNK_ROWS);
    if (cutter.isDone) break;
  }
  cutter.finish();
  if (cutter.trailingCommaLine !== null) warnings.add('TRAILING_COMMA', cutter.trailingCommaLine);
}

const CHUNK_ROWS = 1_000;

interface Item {
  readonly text: string;
  readonly line: number;
}

/** Splits a list into items without parsing them, at commas outside strings and brackets. */
class ItemCutter {
  /** Line of a comma after the last item, or null. */
  trailingCommaLine: number | null = null;
  readonly #items: Items;
  readonly #reading: JsonReading;
  /** Characters to pass over before the list. */
  #skip: number;
  #text = '';
  #at = 0;
  #start = 0;
  #line = 1;
  #startLine = 1;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #state: 'before' | 'inside' | 'after' = 'before';
  #hasComma = false;

  constructor(items: Items, reading: JsonReading) {
    this.#items = items;
    this.#reading = reading;
    this.#skip = items.kind === 'list' ? items.start : 0;
  }

  /** True after a list inside a document: the text that follows it belongs to the document. */
  get isDone(): boolean {
    return this.#state === 'after' && this.#isEnclosed;
  }

  get #isEnclosed(): boolean {
    return this.#items.kind === 'list' && this.#items.envelope !== null;
  }

  cut(piece: string): Item[] {
    const items: Item[] = [];
    this.#text += this.#skipHead(piece);
    while (this.#at < this.#text.length && !this.isDone) {
      if (this.#isInString) this.#skipString();
      else if (this.#state === 'inside') this.#stepInside(items);
      else this.#stepOutside();
    }
    if (this.#text.length - this.#start > this.#reading.maxRowLength) this.#refuseLength();
    this.#text = this.#text.slice(this.#start);
    this.#at -= this.#start;
    this.#start = 0;
    return items;
  }

  finish(): void {
    const isClosed = this.#items.kind === 'list' ? this.#state === 'after' : this.#state === 'before';
    const what = this.#items.kind === 'list' ? 'the list' : 'an object';
    if (!isClosed) throw this.#refuse(`${what} is never closed: the file may be truncated`);
  }

  #skipHead(piece: string): string {
    if (this.#skip === 0) return piece;
    const head = piece.slice(0, this.#skip);
    this.#skip -= head.length;
    this.#line += head.split('\n').length - 1;
    return piece.slice(head.length);
  }

  /** A backslash at the end of a chunk escapes the first character of the next one. */
  #skipString(): void {
    STRING_MARKS.lastIndex = this.#at + (this.#isEscaped ? 1 : 0);
    const mark = STRING_MARKS.exec(this.#text)?.[0];
    this.#isInString = mark !== '"';
    this.#isEscaped = mark === '\\';
    this.#at = mark === undefined ? this.#text.length : STRING_MARKS.lastIndex;
  }

  #stepOutside(): void {
    const char = this.#text.charAt(this.#at);
    this.#at += 1;
    if (char === '\n' || (char === '\r' && this.#text.charAt(this.#at) !== '\n')) this.#line += 1;
    if (this.#state === 'before' && char === (this.#items.kind === 'list' ? '[' : '{')) {
      this.#state = 'inside';
      this.#begin();
    } else if (!BETWEEN.test(char)) throw this.#refuse(this.#describeOutside());
    else this.#start = this.#at;
  }

  #describeOutside(): string {
    return this.#items.kind === 'list'
      ? 'there is text outside the list'
      : 'there is text between the objects';
  }

  #stepInside(items: Item[]): void {
    MARKS.lastIndex = this.#at;
    const mark = MARKS.exec(this.#text)?.[0];
    this.#at = mark === undefined ? this.#text.length : MARKS.lastIndex;
    if (mark === '\n') this.#line += 1;
    else if (mark === '"') this.#isInString = true;
    else if (mark === '{' || mark === '[') this.#depth += 1;
    else if (mark === ',' && this.#depth === 0 && this.#items.kind === 'list') this.#end(items, true);
    else if (mark === '}' && this.#depth === 0 && this.#items.kind === 'values') this.#endValue(items);
    else if (mark === ']' && this.#depth === 0) {
      this.#end(items, false);
      this.#state = 'after';
    } else if (mark === '}' || mark === ']') this.#depth = Math.max(0, this.#depth - 1);
  }

  /**
   * A trailing comma is ignored; a comma with nothing before it gives an empty item, which is not an object.
   */
  #end(items: Item[], hasComma: boolean): void {
    const text = this.#text.slice(this.#start, this.#at - 1);
    const trimmed = text.trim();
    if (trimmed !== '' || hasComma) {
      const lead = text.slice(0, text.length - text.trimStart().length);
      items.push({ text: trimmed, line: this.#startLine + lead.split('\n').length - 1 });
    } else if (this.#hasComma) {
      if (this.#reading.strict) throw this.#refuse('there is a comma before the end of the list');
      this.trailingCommaLine = this.#line;
    }
    this.#hasComma = hasComma;
    this.#begin();
  }

  /** The text of an object starts after its opening bracket. */
  #endValue(items: Item[]): void {
    items.push({ text: `{${this.#text.slice(this.#start, this.#at)}`, line: this.#startLine });
    this.#state = 'before';
    this.#begin();
  }

  #begin(): void {
    this.#start = this.#at;
    this.#startLine = this.#line;
  }

  #refuseLength(): never {
    throw this.#refuse(`an item is longer than ${this.#reading.maxRowLength} characters`);
  }

  #refuse(why: string): RowfillError {
    const message = `${this.#reading.name}, line ${this.#line}: ${why}`;
    return createUsageError(
      'INPUT_NOT_JSON',
      message,
      'A JSON file must be one list of objects, an object with such a list, or objects one after another.',
    );
  }
}

// White space, the separator of JSON text sequences, a byte order mark, the end mark of DOS.
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters
const BETWEEN = /[\s\u001a\u001e\ufeff]/;
const MARKS = /["{}[\],\n]/g;
const STRING_MARKS = /"|\\[\s\S]?/g;
