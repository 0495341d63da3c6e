import { closeSync, fdatasync, fstatSync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { describeLedgerError } from './database-errors.js';

/** The first four bytes of a write-ahead log, but for the last bit. */
const LOG_MAGIC = 0x377f0682;

const syncToDisk = promisify(fdatasync);

/** Brings the write-ahead log of a ledger to the disk, for all who wait at once and beside the other work. */
export class LogFlusher {
  readonly #path: string;
  /** Resolves once nothing is left uncommitted; null where nothing is. */
  readonly #readUncommitted: () => Promise<void> | null;
  /** Opened once: the path may lead to another log later. Null once it is closed. */
  #log: number | null;
  #flushing: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(path: string, readUncommitted: () => Promise<void> | null) {
    this.#path = path;
    this.#readUncommitted = readUncommitted;
    this.#log = openSync(`${path}-wal`, 'r+');
  }

  /** Descriptor of the log; null once it is closed. */
  get log(): number | null {
    return this.#log;
  }

  /**
   * False if the log was cut off in place: SQLite goes on after where it ended, and leaves a hole before that. A checkpoint
   * cuts it off too, but then SQLite begins with a new header.
   */
  isWhole(): boolean {
    if (this.#log === null || fstatSync(this.#log).size === 0) return true;
    const start = Buffer.alloc(4);
    readSync(this.#log, start, 0, 4, 0);
    return (start.readUInt32BE() & ~1) === LOG_MAGIC;
  }

  /** Resolves once everything done so far is committed and on the disk. Those who ask while one flush runs share the next. */
  flush(): Promise<void> {
    this.#next ??= this.#flushNext();
    return this.#next;
  }

  /** A flush that is under way ends on its own descriptor first. */
  close(): void {
    void Promise.allSettled([this.#flushing, this.#next]).then(() => {
      if (this.#log !== null) closeSync(this.#log);
      this.#log = null;
    });
  }

  async #flushNext(): Promise<void> {
    try {
      // What joins while this waits is covered too, so it has to be committed as well.
      for (;;) {
        const before = this.#readUncommitted() ?? this.#flushing?.catch(() => undefined) ?? null;
        if (before === null) break;
        await before;
      }
    } finally {
      this.#next = null;
    }
    this.#flushing = this.#syncLog().finally(() => {
      this.#flushing = null;
    });
    await this.#flushing;
  }

  /** A checkpoint brings to the disk what it takes out of the log, so the log is all that is left to bring there. */
  async #syncLog(): Promise<void> {
    try {
      if (this.#log !== null) await syncToDisk(this.#log);
    } catch (error) {
      throw describeLedgerError(error, this.#path);
    }
  }
}
