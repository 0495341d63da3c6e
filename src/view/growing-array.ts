type TypedArray = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** A typed array that grows: one number a row, for millions of rows. Missing numbers are 0. */
export class GrowingArray<T extends TypedArray> {
  #items: T;
  readonly #make: (length: number) => T;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#items = make(1024);
  }

  get(index: number): number {
    return this.#items[index] ?? 0;
  }

  set(index: number, value: number): void {
    if (index >= this.#items.length) {
      const items = this.#make(Math.max(index + 1, this.#items.length * 2));
      items.set(this.#items);
      this.#items = items;
    }
    this.#items[index] = value;
  }
}

export const createBytes = () => new GrowingArray((length) => new Uint8Array(length));
export const createShorts = () => new GrowingArray((length) => new Uint16Array(length));
export const createWords = () => new GrowingArray((length) => new Uint32Array(length));
export const createDoubles = () => new GrowingArray((length) => new Float64Array(length));
