const WORDS_A_KEY = 4;
/** Tables by the first 8 bits of a key. */
const TABLES = 256;
const FIRST_CAPACITY = 16;
const MAX_LOAD = 0.75;
const GROWTH = 1.5;

/**
 * Set of row keys seen so far. Stores each 128-bit hash as bits in 21 to 32 bytes; a Set of strings would take more than
 * a hundred. Its tables grow one at a time, so that it never takes twice that.
 */
export class KeySet {
  readonly #tables = Array.from({ length: TABLES }, () => new KeyTable());

  /** Adds a key of 32 hex digits. Returns false if it was already there. */
  add(key: string): boolean {
    const [a, b, c, d] = [parseWord(key, 0), parseWord(key, 1), parseWord(key, 2), parseWord(key, 3)];
    if (key.length !== 32 || Number.isNaN(a + b + c + d)) throw new RangeError(`${key} is not a row key`);
    return this.#tables[a >>> 24]?.add(a, b, c, d) === true;
  }
}

class KeyTable {
  /** Four words per slot. A slot of zeros is free, because no hash is zero. */
  #slots = new Uint32Array(FIRST_CAPACITY * WORDS_A_KEY);
  #size = 0;

  add(a: number, b: number, c: number, d: number): boolean {
    const capacity = this.#slots.length / WORDS_A_KEY;
    if (this.#size >= capacity * MAX_LOAD) this.#grow(Math.ceil(capacity * GROWTH));
    if (!addWords(this.#slots, a, b, c, d)) return false;
    this.#size += 1;
    return true;
  }

  #grow(capacity: number): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(capacity * WORDS_A_KEY);
    for (let at = 0; at < old.length; at += WORDS_A_KEY) {
      const [a = 0, b = 0, c = 0, d = 0] = [old[at], old[at + 1], old[at + 2], old[at + 3]];
      if ((a | b | c | d) !== 0) addWords(this.#slots, a, b, c, d);
    }
  }
}

/** The value of each hex digit, by character code; 16 for any other character. */
const DIGITS = new Uint8Array(256).fill(16);
for (let digit = 0; digit < 16; digit += 1) DIGITS[digit.toString(16).charCodeAt(0)] = digit;

/** Eight digits of a key as a number; NaN if one is none. */
function parseWord(key: string, index: number): number {
  let word = 0;
  for (let at = index * 8; at < index * 8 + 8; at += 1) {
    const digit = DIGITS[key.charCodeAt(at)] ?? 16;
    if (digit > 15) return Number.NaN;
    word = word * 16 + digit;
  }
  return word;
}

/**
 * Stores a key at the slot given by its first word, or in the next free slot. Returns false if it is already
 * there.
 */
function addWords(slots: Uint32Array, a: number, b: number, c: number, d: number): boolean {
  for (let at = (a * WORDS_A_KEY) % slots.length; ; at = (at + WORDS_A_KEY) % slots.length) {
    const isSame = slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d;
    if (isSame) return false;
    if (((slots[at] ?? 0) | (slots[at + 1] ?? 0) | (slots[at + 2] ?? 0) | (slots[at + 3] ?? 0)) !== 0)
      continue;
    slots[at] = a;
    slots[at + 1] = b;
    slots[at + 2] = c;
    slots[at + 3] = d;
    return true;
  }
}
