/** Partitions of the keys by their first 12 bits, so that each stays short and grows by itself. */
const PARTITIONS = 4_096;
/** Entries that a partition starts with. */
const FIRST_ENTRIES = 4;

const HEX = new Uint8Array(128);
for (let digit = 0; digit < 16; digit += 1) HEX[digit.toString(16).charCodeAt(0)] = digit;

/**
 * Finds the blocks of a row key. Takes about nine bytes a key: 32 bits of the key and the number of a block, sorted in
 * partitions. Two keys rarely share these bits, so a block that is found must still be searched for the key.
 */
export class KeyIndex {
  /** Pairs of (bits of the key, block), sorted by the bits; pairs of one key in the order in which they were added. */
  readonly #partitions: (Uint32Array | undefined)[] = new Array(PARTITIONS);
  readonly #lengths = new Uint32Array(PARTITIONS);

  /** Adds a key of 32 hex digits. Returns true if it may have been there before. */
  add(key: string, block: number): boolean {
    const partition = partitionOf(key);
    const bits = bitsOf(key);
    const length = this.#lengths[partition] ?? 0;
    const pairs = this.#makeRoom(partition, length);
    const place = findEnd(pairs, length, bits);
    pairs.copyWithin(2 * place + 2, 2 * place, 2 * length);
    pairs[2 * place] = bits;
    pairs[2 * place + 1] = block;
    this.#lengths[partition] = length + 1;
    return place > 0 && pairs[2 * place - 2] === bits;
  }

  /** Blocks that may have the key, in the order in which they were added. */
  find(key: string): readonly number[] {
    const partition = partitionOf(key);
    const pairs = this.#partitions[partition];
    if (pairs === undefined) return NONE;
    const bits = bitsOf(key);
    const end = findEnd(pairs, this.#lengths[partition] ?? 0, bits);
    let start = end;
    while (start > 0 && pairs[2 * start - 2] === bits) start -= 1;
    if (start === end) return NONE;
    const found = [pairs[2 * start + 1] ?? 0];
    for (let place = start + 1; place < end; place += 1) found.push(pairs[2 * place + 1] ?? 0);
    return found;
  }

  #makeRoom(partition: number, length: number): Uint32Array {
    const known = this.#partitions[partition];
    if (known !== undefined && 2 * length < known.length) return known;
    const larger = new Uint32Array(2 * Math.max(FIRST_ENTRIES, Math.ceil(length * 1.2) + 1));
    if (known !== undefined) larger.set(known);
    this.#partitions[partition] = larger;
    return larger;
  }
}

const NONE: readonly number[] = [];

/** Number of pairs whose bits are at most `bits`. */
function findEnd(pairs: Uint32Array, length: number, bits: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pairs[2 * middle] ?? 0) <= bits) low = middle + 1;
    else high = middle;
  }
  return low;
}

function partitionOf(key: string): number {
  return (digit(key, 0) << 8) | (digit(key, 1) << 4) | digit(key, 2);
}

function bitsOf(key: string): number {
  let bits = 0;
  for (let index = 3; index < 11; index += 1) bits = (bits << 4) | digit(key, index);
  return bits >>> 0;
}

function digit(key: string, index: number): number {
  return HEX[key.charCodeAt(index)] ?? 0;
}
