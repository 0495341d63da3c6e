import { type FileHandle, open } from 'node:fs/promises';
import { createDoubles, createWords } from './growing-array.js';

/** Bytes that wait to be written together. */
const HELD_BYTES = 1024 * 1024;
/** Lines that lie closer together than this are read in one go. */
const GAP_BYTES = 32 * 1024;
/** Bytes read at once when all lines are read. */
const SCAN_BYTES = 1024 * 1024;

/**
 * One text a row on disk, found by the row's ordinal; a later text of a row replaces the earlier one. In memory it takes
 * 12 bytes a row.
 */
export class LineFile {
  readonly #file: FileHandle;
  readonly #starts = createDoubles();
  readonly #lengths = createWords();
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Bytes in the file. */
  #written = 0;
  #flushing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Creates the file, readable only by its owner. */
  static async create(path: string): Promise<LineFile> {
    return new LineFile(await open(path, 'wx+', 0o600));
  }

  /** Keeps the text of a row. Returns true if it is time to flush. */
  set(ordinal: number, text: string): boolean {
    const bytes = Buffer.from(text);
    this.#starts.set(ordinal, this.#written + this.#heldBytes);
    this.#lengths.set(ordinal, bytes.length);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    return this.#heldBytes > HELD_BYTES;
  }

  /** Writes what is held. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      // More may be added while these are written.
      const count = this.#held.length;
      if (count === 0) return;
      const bytes = Buffer.concat(this.#held);
      await this.#file.write(bytes, 0, bytes.length, this.#written);
      this.#written += bytes.length;
      this.#heldBytes -= bytes.length;
      this.#held = this.#held.slice(count);
    });
    return this.#flushing;
  }

  /** Reads the texts of rows, in the order of `ordinals`. A row without a text has ''. */
  async read(ordinals: readonly number[]): Promise<string[]> {
    await this.flush();
    const texts = new Map<number, string>();
    const places = [...new Set(ordinals)]
      .map((ordinal) => ({ ordinal, start: this.#starts.get(ordinal), length: this.#lengths.get(ordinal) }))
      .filter(({ length }) => length > 0)
      .sort((a, b) => a.start - b.start);
    for (let from = 0; from < places.length; ) {
      const first = places[from];
      if (first === undefined) break;
      let to = from + 1;
      let end = first.start + first.length;
      for (let next = places[to]; next !== undefined; next = places[to]) {
        if (next.start - end > GAP_BYTES || next.start + next.length - first.start > SCAN_BYTES) break;
        end = Math.max(end, next.start + next.length);
        to += 1;
      }
      const bytes = Buffer.allocUnsafe(end - first.start);
      await this.#file.read(bytes, 0, bytes.length, first.start);
      for (const { ordinal, start, length } of places.slice(from, to)) {
        texts.set(ordinal, bytes.toString('utf8', start - first.start, start - first.start + length));
      }
      from = to;
    }
    return ordinals.map((ordinal) => texts.get(ordinal) ?? '');
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
