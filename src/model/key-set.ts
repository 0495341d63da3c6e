const WORDS_A_KEY = 4;
const FIRST_CAPACITY = 1 << 10;
const MAX_LOAD = 0.75;

/**
 * The row keys that were met so far. A key is a hash of 128 bits, so it is kept as these bits and found by them: 20 to
 * 45 bytes a key, where a Set of strings takes more than a hundred.
 */
export class KeySet {
  /** Four words a slot; a slot of zeros is free, for no hash is zero. */
  #slots = new Uint32Array(FIRST_CAPACITY * WORDS_A_KEY);
  #size = 0;

  /** Adds a key of 32 hexadecimal digits; false if it was there. */
  add(key: string): boolean {
    const [a, b, c, d] = [parseWord(key, 0), parseWord(key, 1), parseWord(key, 2), parseWord(key, 3)];
    if (key.length !== 32 || Number.isNaN(a + b + c + d)) throw new RangeError(`${key} is no row key`);
    if (this.#size >= (this.#slots.length / WORDS_A_KEY) * MAX_LOAD) this.#grow();
    if (!addWords(this.#slots, a, b, c, d)) return false;
    this.#size += 1;
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS_A_KEY) {
      const [a = 0, b = 0, c = 0, d = 0] = [old[at], old[at + 1], old[at + 2], old[at + 3]];
      if ((a | b | c | d) !== 0) addWords(this.#slots, a, b, c, d);
    }
  }
}

function parseWord(key: string, index: number): number {
  return Number.parseInt(key.slice(index * 8, index * 8 + 8), 16);
}

/** Puts a key where its first word says, or into the next free slot; false if it stands there already. */
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
