import { createUsageError, type RowfillError } from '../errors.js';
import type { FaultyRow, ObjectRow } from '../model/row.js';
import type { Warnings } from './input.js';
import { type JsonReading, parseRow } from './jsonl-reader.js';

/** Reads a JSON file that is one list, as a stream: each item is a row. */
export async function* readJsonList(
  pieces: AsyncIterable<string>,
  reading: JsonReading,
  warnings: Warnings,
): AsyncGenerator<readonly (ObjectRow | FaultyRow)[]> {
  const cutter = new ItemCutter(reading);
  let ordinal = 0;
  for await (const piece of pieces) {
    const rows = cutter
      .cut(piece)
      .map(({ text, line }) => parseRow(text, ordinal++, line, reading, warnings));
    for (let start = 0; start < rows.length; start += CHUNK_ROWS) yield rows.slice(start, start + CHUNK_ROWS);
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
  readonly #reading: JsonReading;
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

  constructor(reading: JsonReading) {
    this.#reading = reading;
  }

  cut(piece: string): Item[] {
    const items: Item[] = [];
    this.#text += piece;
    while (this.#at < this.#text.length) {
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
    if (this.#state !== 'after') throw this.#refuse('the list is never closed: the file may be truncated');
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
    if (char === '\n') this.#line += 1;
    if (this.#state === 'before' && char === '[') {
      this.#state = 'inside';
      this.#begin();
    } else if (char.trim() !== '') throw this.#refuse('there is text outside the list');
    else this.#start = this.#at;
  }

  #stepInside(items: Item[]): void {
    MARKS.lastIndex = this.#at;
    const mark = MARKS.exec(this.#text)?.[0];
    this.#at = mark === undefined ? this.#text.length : MARKS.lastIndex;
    if (mark === '\n') this.#line += 1;
    else if (mark === '"') this.#isInString = true;
    else if (mark === '{' || mark === '[') this.#depth += 1;
    else if (mark === ',' && this.#depth === 0) this.#end(items, true);
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
      'A JSON file must be one list of objects, or one object per line.',
    );
  }
}

const MARKS = /["{}[\],\n]/g;
const STRING_MARKS = /"|\\[\s\S]?/g;
