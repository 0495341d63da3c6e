import { hashText } from '../model/ask.js';

/** The normalized value in each key column; null if blank. */
export type Keys = readonly (string | null)[];

/** The hashes of keys, two numbers each; two zeros for a blank. */
type KeyWords = readonly number[];

/** Finds records by their keys in chosen columns. */
export interface KeyIndex {
  /** Returns the first record with these keys, or null. */
  find(words: KeyWords): number | null;
  /** Returns the first record with the same keys as an indexed one. */
  findSame(record: number): number;
}

const WORDS_A_KEY = 2;
const NONE = -1;

/**
 * The records of an exclusion list, numbered in list order. Stores a 64-bit hash per key column, the line,
 * and the JSON that may be sent to the agent. Equal records are stored once. Memory per record: 30 bytes, 8
 * bytes per key column and the JSON, plus about 12 bytes per index. A record with several addresses is followed by
 * a copy for each of them.
 */
export class ExclusionStore {
  readonly #columns: number;
  /** The hashes of all records in sequence; two zeros mean blank. */
  readonly #words = new NumberList();
  readonly #lines = new NumberList();
  /** Number of equal records for each. */
  readonly #counts = new NumberList();
  /** Start of each record's JSON. */
  readonly #starts = new NumberList();
  readonly #lengths = new NumberList();
  readonly #texts = new TextArena();
  readonly #known = new RecordTable();

  constructor(columns: number) {
    this.#columns = columns;
  }

  get size(): number {
    return this.#lines.length;
  }

  /** Bytes of JSON. */
  get textBytes(): number {
    return this.#texts.length;
  }

  /** Adds a record, or counts it if an equal one exists; returns its number. */
  add(keys: Keys, line: number, text: string): number {
    const words = hashKeys(keys);
    const bytes = Buffer.from(text);
    const isSame = (record: number): boolean =>
      words.every((word, index) => this.#words.get(record * words.length + index) === word) &&
      this.#readBytes(record).equals(bytes);
    const mix = mixWords([...words, sumBytes(bytes)]);
    const equal = this.#known.find(mix, isSame);
    if (equal !== NONE) return this.repeat(equal);
    this.#known.add(mix, this.size);
    return this.#push(words, line, this.#texts.add(bytes), bytes.length, 1);
  }

  /** Adds a record with several combinations of keys; returns its number. */
  addVariants(variants: readonly Keys[], line: number, text: string): number {
    const record = this.size;
    const bytes = Buffer.from(text);
    const start = this.#texts.add(bytes);
    for (const [index, keys] of variants.entries())
      this.#push(hashKeys(keys), line, start, bytes.length, index === 0 ? 1 : 0);
    return record;
  }

  #push(words: KeyWords, line: number, start: number, length: number, count: number): number {
    const record = this.size;
    for (const word of words) this.#words.push(word);
    this.#lines.push(line);
    this.#starts.push(start);
    this.#lengths.push(length);
    this.#counts.push(count);
    return record;
  }

  /** Returns the record that a copy belongs to; a record itself is unchanged. */
  findOwner(record: number): number {
    let owner = record;
    while (owner > 0 && this.#counts.get(owner) === 0) owner -= 1;
    return owner;
  }

  /** Counts another equal record. */
  repeat(record: number): number {
    this.#counts.set(record, this.#counts.get(record) + 1);
    return record;
  }

  /** Number of equal records; 0 for a copy. */
  readCount(record: number): number {
    return this.#counts.get(record);
  }

  readLine(record: number): number {
    return this.#lines.get(record);
  }

  readText(record: number): string {
    return this.#readBytes(record).toString();
  }

  isFilled(record: number, column: number): boolean {
    const at = (record * this.#columns + column) * WORDS_A_KEY;
    return this.#words.get(at) !== 0 || this.#words.get(at + 1) !== 0;
  }

  /** Indexes records by their keys in chosen columns. */
  createIndex(records: Iterable<number>, columns: readonly boolean[]): KeyIndex {
    const index = new WordIndex(this.#words, this.#columns, columns);
    for (const record of records) if (index.findSame(record) === NONE) index.add(record);
    return {
      find(words) {
        const record = index.find(words);
        return record === NONE ? null : record;
      },
      findSame: (record) => index.findSame(record),
    };
  }

  /** Returns a function that lists all records with a key in one column, in list order. */
  createGroups(column: number): (key: string) => Iterable<number> {
    const columns = Array.from({ length: this.#columns }, (_, each) => each === column);
    const index = new WordIndex(this.#words, this.#columns, columns);
    const next = new Int32Array(this.size);
    const last = new Int32Array(this.size);
    for (let record = 0; record < this.size; record += 1) {
      next[record] = NONE;
      if (!this.isFilled(record, column)) continue;
      const first = index.findSame(record);
      if (first === NONE) index.add(record);
      else next[last[first] ?? first] = record;
      last[first === NONE ? record : first] = record;
    }
    return (key) => this.#listGroup(index.find(hashKeys(columns.map((isKey) => (isKey ? key : null)))), next);
  }

  *#listGroup(first: number, next: Int32Array): Generator<number> {
    for (let record = first; record !== NONE; record = next[record] ?? NONE) yield this.findOwner(record);
  }

  #readBytes(record: number): Buffer {
    return this.#texts.read(this.#starts.get(record), this.#lengths.get(record));
  }
}

/** Hashes keys. A key that repeats the one before, as a page often does its domain, is hashed once. */
export function hashKeys(keys: Keys): number[] {
  const words: number[] = [];
  for (const [index, key] of keys.entries()) {
    if (key === null) words.push(0, 0);
    else if (key === keys[index - 1]) words.push(words.at(-2) ?? 0, words.at(-1) ?? 0);
    else words.push(...hashKey(key));
  }
  return words;
}

/** Two words of a hash, never both zero. */
function hashKey(key: string): number[] {
  const digits = hashText(key, 16);
  return [Number.parseInt(digits.slice(0, 8), 16), Number.parseInt(digits.slice(8), 16) || 1];
}

/** A cheap checksum; matching records are then compared byte by byte. */
function sumBytes(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum >>> 0;
}

/** Combines the words to one for the hash table. */
function mixWords(words: KeyWords): number {
  let mix = 0;
  for (const word of words) mix = mixWord(mix, word);
  return mix;
}

function mixWord(mix: number, word: number): number {
  return (Math.imul(mix ^ word, 0x9e3779b1) ^ (mix >>> 15)) >>> 0;
}

/** Finds records by some of their words. Reads them in place: lists have millions of records. */
class WordIndex {
  readonly #words: NumberList;
  readonly #width: number;
  /** Positions of the words of the chosen columns among those of a record. */
  readonly #positions: readonly number[];
  readonly #table = new RecordTable();

  constructor(words: NumberList, columns: number, chosen: readonly boolean[]) {
    this.#words = words;
    this.#width = columns * WORDS_A_KEY;
    this.#positions = chosen.flatMap((isChosen, column) => (isChosen ? [column * 2, column * 2 + 1] : []));
  }

  add(record: number): void {
    this.#table.add(this.#mixRecord(record), record);
  }

  /** Returns the first record with these words, or `NONE`. */
  find(words: KeyWords): number {
    let mix = 0;
    for (const position of this.#positions) mix = mixWord(mix, words[position] ?? 0);
    return this.#table.find(mix, (record) => {
      const start = record * this.#width;
      for (const position of this.#positions)
        if (this.#words.get(start + position) !== words[position]) return false;
      return true;
    });
  }

  /** Returns the first record with the words of another, or `NONE`. */
  findSame(other: number): number {
    const otherStart = other * this.#width;
    return this.#table.find(this.#mixRecord(other), (record) => {
      const start = record * this.#width;
      for (const position of this.#positions)
        if (this.#words.get(start + position) !== this.#words.get(otherStart + position)) return false;
      return true;
    });
  }

  #mixRecord(record: number): number {
    const start = record * this.#width;
    let mix = 0;
    for (const position of this.#positions) mix = mixWord(mix, this.#words.get(start + position));
    return mix;
  }
}

const CHUNK_BITS = 16;
const CHUNK_LENGTH = 1 << CHUNK_BITS;

/** A growable list of integers below 2^32 that is never copied. */
class NumberList {
  readonly #chunks: Uint32Array[] = [];
  length = 0;

  get(index: number): number {
    return this.#chunks[index >>> CHUNK_BITS]?.[index & (CHUNK_LENGTH - 1)] ?? 0;
  }

  /** Replaces an existing number. */
  set(index: number, value: number): void {
    const chunk = this.#chunks[index >>> CHUNK_BITS];
    if (chunk !== undefined) chunk[index & (CHUNK_LENGTH - 1)] = value;
  }

  push(value: number): void {
    const at = this.length & (CHUNK_LENGTH - 1);
    const chunk = at === 0 ? new Uint32Array(CHUNK_LENGTH) : this.#chunks.at(-1);
    if (chunk === undefined) return;
    if (at === 0) this.#chunks.push(chunk);
    chunk[at] = value;
    this.length += 1;
  }
}

const BLOCK_BYTES = 1024 * 1024;

/** Stores the bytes of many short texts. Each is within one block, so its position is a number below 2^32. */
class TextArena {
  readonly #blocks: Buffer[] = [];
  #used = BLOCK_BYTES;
  length = 0;

  /** Returns the position of the text. */
  add(bytes: Buffer): number {
    this.length += bytes.length;
    if (bytes.length > BLOCK_BYTES) {
      this.#blocks.push(bytes);
      this.#used = BLOCK_BYTES;
      return (this.#blocks.length - 1) * BLOCK_BYTES;
    }
    if (this.#used + bytes.length > BLOCK_BYTES) {
      this.#blocks.push(Buffer.alloc(BLOCK_BYTES));
      this.#used = 0;
    }
    const block = this.#blocks.length - 1;
    const start = this.#used;
    this.#blocks[block]?.set(bytes, start);
    this.#used += bytes.length;
    return block * BLOCK_BYTES + start;
  }

  read(place: number, length: number): Buffer {
    const start = place % BLOCK_BYTES;
    return (this.#blocks[Math.floor(place / BLOCK_BYTES)] ?? Buffer.alloc(0)).subarray(start, start + length);
  }
}

const FIRST_SLOTS = 1 << 10;
const MAX_LOAD = 0.75;

/** Hash table of records with open addressing: two 32-bit numbers per slot. */
class RecordTable {
  /** Word, then record + 1; 0 as the second number marks a free slot. */
  #slots = new Uint32Array(FIRST_SLOTS * 2);
  #size = 0;

  /** Returns the first record with that word that `isSame` accepts. */
  find(word: number, isSame: (record: number) => boolean): number {
    const mask = this.#slots.length / 2 - 1;
    for (let slot = word & mask; ; slot = (slot + 1) & mask) {
      const record = (this.#slots[slot * 2 + 1] ?? 0) - 1;
      if (record === NONE) return NONE;
      if (this.#slots[slot * 2] === word && isSame(record)) return record;
    }
  }

  add(word: number, record: number): void {
    if (this.#size >= (this.#slots.length / 2) * MAX_LOAD) this.#grow();
    this.#put(word, record);
    this.#size += 1;
  }

  #put(word: number, record: number): void {
    const mask = this.#slots.length / 2 - 1;
    let slot = word & mask;
    while (this.#slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot * 2] = word;
    this.#slots[slot * 2 + 1] = record + 1;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const [word = 0, record = 0] = [old[at], old[at + 1]];
      if (record !== 0) this.#put(word, record - 1);
    }
  }
}
