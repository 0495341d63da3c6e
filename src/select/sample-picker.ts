import { hashText } from '../model/ask.js';

/** Picks a fixed number of rows evenly from a file of unknown length: those whose hashed ordinals are smallest. */
export class SamplePicker {
  private readonly size: number;
  private picked: { readonly ordinal: number; readonly rank: string }[] = [];

  constructor(size: number) {
    this.size = size;
  }

  add(ordinal: number): void {
    this.picked.push({ ordinal, rank: hashText(`sample ${ordinal}`, 16) });
    // Thinned out now and then, so that memory follows the size of the sample.
    if (this.picked.length >= 2 * this.size + 1_000) this.thin();
  }

  readPicked(): ReadonlySet<number> {
    this.thin();
    return new Set(this.picked.map((entry) => entry.ordinal));
  }

  private thin(): void {
    this.picked = this.picked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, this.size);
  }
}
