/** Set of row positions, as one bit each: a file may have millions of rows. */
export class OrdinalSet {
  #words = new Uint32Array(32);

  add(ordinal: number): void {
    const at = ordinal >>> 5;
    if (at >= this.#words.length) {
      const old = this.#words;
      this.#words = new Uint32Array(Math.max(at + 1, old.length * 2));
      this.#words.set(old);
    }
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (ordinal & 31));
  }

  has(ordinal: number): boolean {
    return (((this.#words[ordinal >>> 5] ?? 0) >>> (ordinal & 31)) & 1) === 1;
  }
}
