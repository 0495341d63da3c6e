import { closeSync, fdatasync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { describeLedgerError } from './database-errors.js';

/** First four bytes of a write-ahead log, without the last bit. */
const LOG_MAGIC = 0x377f0682;

const syncToDisk = promisify(fdatasync);

/** Syncs the write-ahead log of a ledger to disk, once for all concurrent callers and without blocking other work. */
export class LogFlusher {
  readonly #path: string;
  /** Opened once, because the path may lead to another log later. Null once closed. */
  #log: number | null;
  #flushing: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
    this.#log = openSync(`${path}-wal`, 'r+');
  }

  /** Descriptor of the log; null once closed. */
  get log(): number | null {
    return this.#log;
  }

  /**
   * False if another program truncated the log: SQLite continues at the old end and leaves a hole. A checkpoint
   * truncates it too, but then SQLite writes a new header.
   */
  isWhole(): boolean {
    const start = Buffer.alloc(4);
    // One call: between two, another process may empty the log by a checkpoint.
    if (this.#log === null || readSync(this.#log, start, 0, 4, 0) === 0) return true;
    return (start.readUInt32BE() & ~1) === LOG_MAGIC;
  }

  /** Resolves once everything committed so far is on disk. Callers during a flush share the next one. */
  flush(): Promise<void> {
    this.#next ??= this.#flushNext();
    return this.#next;
  }

  /** Closes the log once running flushes have finished. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#flushing, this.#next]);
    if (this.#log !== null) closeSync(this.#log);
    this.#log = null;
  }

  async #flushNext(): Promise<void> {
    await this.#flushing?.catch(() => undefined);
    this.#next = null;
    this.#flushing = this.#sync();
    await this.#flushing;
  }

  /** A checkpoint syncs what it moves out of the log, so only the log is left to sync. */
  async #sync(): Promise<void> {
    try {
      if (this.#log !== null) await syncToDisk(this.#log);
    } catch (error) {
      throw describeLedgerError(error, this.#path);
    }
  }
}
