import { type RawRow, type RawXml, readSheetPieces, type SheetPiece } from './sheet-stream.js';

/** Reads a sheet piece by piece: its head, then row after row, then its tail. */
export class RowFeed {
  prefix = '';
  tail: RawXml = '';
  readonly #pieces: AsyncGenerator<SheetPiece>;
  #rows: readonly RawRow[] = [];
  #next = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#pieces = readSheetPieces(bytes);
  }

  async readHead(): Promise<{ readonly head: RawXml; readonly prefix: string }> {
    const { value } = await this.#pieces.next();
    if (value?.kind !== 'head') throw new Error('the sheet has no rows');
    this.prefix = value.prefix;
    return { head: value.xml, prefix: value.prefix };
  }

  /** The next row, if it was read already. */
  takeNow(): RawRow | undefined {
    const row = this.#rows[this.#next];
    if (row !== undefined) this.#next += 1;
    return row;
  }

  /** The next row, or null after the last one. */
  async take(): Promise<RawRow | null> {
    for (;;) {
      const row = this.takeNow();
      if (row !== undefined) return row;
      const { value, done } = await this.#pieces.next();
      if (done === true || value === undefined) return null;
      if (value.kind === 'tail') this.tail = value.xml;
      else if (value.kind === 'rows') {
        this.#rows = value.rows;
        this.#next = 0;
      }
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return(undefined);
  }
}
