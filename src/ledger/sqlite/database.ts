import { closeSync, openSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type Libsql from 'libsql';
import { createUsageError, describeSystemError, RowfillError } from '../../errors.js';
import { createExistsError } from '../../model/ledger-url.js';
import { releaseFiles } from '../../model/release-files.js';
import { openDatabase } from '../../model/sqlite-driver.js';
import type { SavedLedger } from '../ledger.js';
import { describeLedgerError, readSqliteCode } from './database-errors.js';
import {
  createFolder,
  createMovedError,
  type Displaced,
  LedgerPlace,
  moveUnlessTaken,
  nameNew,
  nameSaved,
  prepareLedgerFile,
  protectLedgerFile,
  removeDatabase,
  syncFile,
} from './ledger-file.js';
import { LogFlusher } from './log-flusher.js';

export type SqlValue = string | number | null | Uint8Array;

/** Total time to wait for another writer. */
const LONGEST_WAIT_MS = 120_000;
/** A writer that has waited this long says so. */
const TELL_AFTER_MS = 2_000;
/** Retries start at a random time within this, so that many waiting processes do not retry together. */
const RETRY_MS = 8;
/** Space for the write-ahead log and for what a job writes between two disk checks. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;
/** SQLite's name for an in-memory database. */
const NO_FILE = ':memory:';
/**
 * Connections, by file, whose log must no longer be written to the file. They are never closed, because closing might
 * write it. SQLite would share their locks and index with all other connections of this process.
 */
const ABANDONED = new Map<string, Libsql.Database>();

/** A piece of work that waits for its transaction. */
interface Operation {
  readonly isWrite: boolean;
  /** Ids of the asks that it reads. */
  readonly askIds: readonly string[];
  readonly work: () => unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The results of a committed transaction, to hand out once it is on disk. */
interface Answers {
  readonly settle: () => void;
  readonly reject: (error: unknown) => void;
  readonly isChanged: boolean;
}

const NO_ASKS: readonly string[] = [];
const NO_ANSWERS: Answers = { settle: () => undefined, reject: () => undefined, isChanged: false };

/**
 * The ledger's SQLite file, with cached prepared statements and errors that name the file. Work that is submitted in
 * one turn of the event loop becomes one transaction, and one flush to disk. A transaction begins and ends in the same
 * turn, so this process never holds a lock while it waits.
 */
export class Database {
  readonly path: string;
  /** Real path of the file, resolved once because a link may change later. */
  readonly file: string;
  readonly #connection: Libsql.Database;
  readonly #statements = new Map<string, Libsql.Statement>();
  readonly #flusher: LogFlusher;
  readonly #place: LedgerPlace;
  #queue: Operation[] = [];
  #isScheduled = false;
  /** Number of rows changed so far. */
  #changes = 0;
  #dataVersion = -1;
  #foreignWrites = 0;
  #fault: { readonly error: unknown } | null = null;
  /** True if a statement of the transaction failed. */
  #hasFailed = false;
  #isClosed = false;
  #isReadOnly = false;
  /** Called once per wait of more than two seconds for another program's write. */
  onWait: (message: string) => void = () => undefined;
  /** Called before a transaction with the asks that it reads. Returns null if they are ready. */
  prepare: (askIds: readonly string[]) => Promise<void> | null = () => null;
  /** Called at the start of a transaction if other connections have written since the last one. */
  onForeignWrite: () => void = () => undefined;
  /** Called at the end of a transaction that writes, before the commit. */
  beforeCommit: () => void = () => undefined;
  /** Called after a rollback: what was read or computed before may no longer be true. */
  onRollback: () => void = () => undefined;

  /** Creates the file with `schema` if it does not exist. `check` may refuse one that does, and leaves it as it is. */
  constructor(path: string, schema: string, check: (database: Database) => void = () => undefined) {
    this.path = path;
    this.file = path === NO_FILE ? path : this.#guard(() => prepareLedgerFile(path, schema));
    if (ABANDONED.has(this.file)) throw createMovedError(path, []);
    this.#connection = this.#guard(() => openDatabase(this.file));
    try {
      this.exec('pragma busy_timeout = 2000');
      check(this);
      // Only now: a file that is not a ledger keeps its permissions.
      this.#guard(() => protectLedgerFile(this.file));
      this.#useWriteAheadLog();
    } catch (error) {
      this.#statements.clear();
      this.#connection.close();
      throw error;
    }
    // The first read creates the log.
    this.get('select count(*) from sqlite_schema');
    this.#flusher = this.#guard(() => new LogFlusher(this.file));
    this.#place = this.#guard(() => new LedgerPlace(this.file, this.#flusher.log ?? -1));
    // NORMAL: commits are atomic and ordered for all processes. The flusher syncs the log, as FULL would do at every
    // commit while blocking everything else. `fullfsync` makes a checkpoint reach the disk on macOS.
    this.exec('pragma synchronous = normal; pragma fullfsync = on');
    // Most pages are written in sequence, so few are worth caching.
    this.exec('pragma wal_autocheckpoint = 4000; pragma cache_size = -8000');
    // From here on, wait for other programs without blocking this process.
    this.exec('pragma busy_timeout = 0');
  }

  /** Runs statements without parameters. */
  exec(sql: string): void {
    this.#guard(() => this.#connection.exec(sql));
  }

  /** Runs a statement. Returns the number of changed rows. */
  run(sql: string, ...values: readonly SqlValue[]): number {
    const { changes } = this.#guard(() => this.#prepare(sql).run(values));
    this.#changes += changes;
    return changes;
  }

  /** All rows of a query as objects by column name. `Row` is trusted, because the tables are strict. */
  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[] {
    return this.#guard(() => this.#prepare(sql).all(values) as Row[]);
  }

  /** The first row of a query. */
  get<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    // Not the driver's own get(), which leaves the statement and its read transaction open.
    return this.all<Row>(sql, ...values)[0];
  }

  /**
   * Runs `work` in the write transaction of this turn of the event loop, in the order of the calls, and resolves once it
   * is on disk. If `work` throws before it has changed anything, only its own call is rejected. If a statement fails or
   * it throws later, the whole transaction is rolled back, and every later write is refused.
   */
  write<Result>(work: () => Result, askIds = NO_ASKS): Promise<Result> {
    return this.#submit(true, work, askIds);
  }

  /** Runs queries on one snapshot, which includes everything submitted before. */
  read<Result>(work: () => Result, askIds = NO_ASKS): Promise<Result> {
    return this.#submit(false, work, askIds);
  }

  /**
   * Runs `work` in a write transaction now, blocking this process, even after a failed write. Returns false if another
   * program is writing.
   */
  tryWrite(work: () => void): boolean {
    if (!this.#tryBegin()) return false;
    const parts = { isWrite: true, askIds: NO_ASKS, resolve: () => undefined, reject: rethrow };
    this.#finish(true, () => this.#runOperations([{ ...parts, work }]));
    return true;
  }

  /** Number of times that other connections were found to have written. */
  get foreignWrites(): number {
    return this.#foreignWrites;
  }

  /** Refuses all writes from now on, even at close. Readers then never wait for a writer. */
  refuseWrites(): void {
    this.exec('pragma query_only = on');
    this.#isReadOnly = true;
  }

  /** Throws if the disk is almost full, before anything is spent. */
  checkFreeSpace(minFreeBytes = MIN_FREE_BYTES): void {
    const disk = this.#guard(() => statfsSync(dirname(this.path)));
    const freeBytes = disk.bavail * disk.bsize;
    // Some virtual file systems report 0 for all sizes.
    if (disk.blocks === 0 || freeBytes >= minFreeBytes) return;
    throw createUsageError(
      'LEDGER_FULL',
      `The disk of the ledger is almost full: ${Math.floor(freeBytes / 1024)} KiB free at ${this.path}, at least ${minFreeBytes / 1024 / 1024} MiB needed`,
      'Free some space, or choose a ledger on another disk with --ledger.',
    );
  }

  /** Runs SQLite's check of the whole file. Returns one line per fault. */
  check(): string[] {
    const lines = this.all<{ quick_check: string }>('pragma quick_check').map((row) => row.quick_check);
    return lines.filter((line) => line !== 'ok');
  }

  /** Returns free pages to the disk, unless another program is writing. They are then used again. */
  compact(): void {
    const free = this.get<{ freelist_count: number }>('pragma freelist_count')?.freelist_count ?? 0;
    if (free === 0) return;
    try {
      this.exec('vacuum; pragma wal_checkpoint(truncate)');
    } catch (error) {
      if (!isLocked(error)) throw error;
    }
  }

  /** Writes a complete copy to a new file that only its owner can read. The file is there once all of it is. */
  copyTo(path: string): void {
    this.#guard(() => {
      let temporary: string;
      try {
        createFolder(dirname(path));
        temporary = nameNew(path);
        // Create the file first, because SQLite would make it readable for others.
        closeSync(openSync(temporary, 'wx', 0o600));
      } catch (error) {
        throw createUsageError(
          'LEDGER_NOT_WRITABLE',
          `The copy cannot be written: ${path} (${describeSystemError(error)})`,
          'Choose another path.',
          error,
        );
      }
      try {
        this.#connection.exec(`vacuum into '${temporary.replaceAll("'", "''")}'`);
        syncFile(temporary);
        if (!moveUnlessTaken(temporary, path)) throw createExistsError(path);
        syncFile(dirname(path));
      } finally {
        removeDatabase(temporary);
      }
    });
  }

  /** Which of the ledger's files is no longer in place; null if both are. */
  findDisplaced(): Displaced | null {
    const displaced = this.#place.findDisplaced();
    if (displaced !== null) return displaced;
    return this.#guard(() => this.#flusher.isWhole()) ? null : 'log';
  }

  /**
   * Saves what only this connection knows after the ledger's files were moved. If only the log is gone, writes it back
   * into the file (`restored`). Otherwise writes a copy of the whole ledger next to it and returns its path.
   */
  save(nowMs: number): SavedLedger {
    if (this.#place.canTakeLog()) {
      this.#takeLog();
      return { status: 'restored' };
    }
    const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
    const path = join(dirname(this.file), nameSaved(this.file, stamp));
    this.copyTo(path);
    return { status: 'copied', path };
  }

  /** Finishes what was submitted, and closes the file. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const last = this.read(() => undefined).catch(() => undefined);
    this.#isClosed = true;
    await last;
    let isAbandoned = false;
    try {
      this.#statements.clear();
      const displaced = this.findDisplaced();
      // Another program may use the file with its own log, and ours would overwrite its pages.
      isAbandoned = displaced === 'log' && !this.#place.canTakeLog();
      // The driver closes the file only once its statements are collected, so merge the log here.
      if (!isAbandoned && displaced !== 'file' && !this.#isReadOnly) this.#takeLog();
    } finally {
      if (isAbandoned) ABANDONED.set(this.file, this.#connection);
      else this.#connection.close();
      await this.#flusher.close();
      await releaseFiles();
    }
  }

  #submit<Result>(isWrite: boolean, work: () => Result, askIds: readonly string[]): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#isClosed) throw new RowfillError('defect', 'LEDGER_CLOSED', `${this.path} is closed`);
      if (isWrite) this.#refuseAfterFault();
      this.#queue.push({ isWrite, askIds, work, resolve: resolve as (result: unknown) => void, reject });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => this.#runQueue());
    });
  }

  /** Runs what was submitted up to now in one transaction, once no other program is writing. */
  async #runQueue(): Promise<void> {
    const startMs = performance.now();
    let isTold = false;
    for (;;) {
      const preparing = this.prepare(this.#queue.flatMap(({ askIds }) => askIds));
      if (preparing !== null) {
        await preparing;
        continue;
      }
      const isWrite = this.#queue.some((operation) => operation.isWrite);
      const isLast = performance.now() - startMs > LONGEST_WAIT_MS;
      const group = this.#tryQueue(isWrite, isLast);
      if (group !== null) return this.#answer(group);
      if (isWrite && !isTold && performance.now() - startMs > TELL_AFTER_MS) {
        isTold = true;
        this.onWait(
          `Another program is writing to the ledger at ${this.path}. Waiting up to ${LONGEST_WAIT_MS / 60_000} minutes for it`,
        );
      }
      await setTimeout(1 + Math.random() * RETRY_MS);
    }
  }

  /**
   * Runs the queue in one transaction, in this turn of the event loop. Returns null if another program is writing, or
   * repairs the log after a crash; on the last try, fails with the driver's error.
   */
  #tryQueue(isWrite: boolean, isLast: boolean): Answers | null {
    let operations: readonly Operation[] = this.#queue;
    const before = this.#changes;
    try {
      this.exec(isWrite ? 'begin immediate' : 'begin');
      this.#queue = [];
      this.#isScheduled = false;
      const settle = this.#finish(isWrite, () => this.#runOperations(operations));
      // Without the operations, whose work holds all that it has written.
      const rejections = operations.map(({ reject }) => reject);
      return { settle, reject: (error) => rejectAll(rejections, error), isChanged: this.#changes > before };
    } catch (error) {
      if (isLocked(error) && !isLast && (!isWrite || this.#queue === operations)) {
        this.#isScheduled = true;
        if (this.#queue !== operations) this.#queue = [...operations, ...this.#queue];
        return null;
      }
      if (this.#queue === operations) operations = this.#queue.splice(0);
      this.#isScheduled = false;
      for (const { reject } of operations) reject(error);
      return NO_ANSWERS;
    }
  }

  async #answer({ settle, reject, isChanged }: Answers): Promise<void> {
    try {
      if (isChanged) await this.#flusher.flush();
      settle();
    } catch (error) {
      this.#fault ??= { error };
      reject(error);
    }
  }

  /** Runs operations inside an open transaction. Returns a function that resolves their promises. */
  #runOperations(operations: readonly Operation[]): () => void {
    this.#noticeForeignWrite();
    const answers: (() => void)[] = [];
    for (const { work, resolve, reject } of operations) {
      const before = this.#changes;
      try {
        const result = work();
        answers.push(() => resolve(result));
      } catch (error) {
        if (this.#changes > before || this.#hasFailed) throw error;
        answers.push(() => reject(error));
      }
    }
    if (operations.some(({ isWrite }) => isWrite)) this.beforeCommit();
    return () => {
      for (const answer of answers) answer();
    };
  }

  /** Commits what `work` did. If a write fails, it is rolled back, and all later writes are refused. */
  #finish<Result>(isWrite: boolean, work: () => Result): Result {
    this.#hasFailed = false;
    try {
      const result = work();
      this.exec('commit');
      return result;
    } catch (error) {
      // A full disk has already caused a rollback; a second one would hide the first error.
      if (this.#connection.inTransaction) this.exec('rollback');
      if (isWrite) this.#fault ??= { error };
      this.onRollback();
      throw error;
    }
  }

  #noticeForeignWrite(): void {
    const version = this.get<{ data_version: number }>('pragma data_version')?.data_version ?? 0;
    if (version === this.#dataVersion) return;
    this.#dataVersion = version;
    this.#foreignWrites += 1;
    this.onForeignWrite();
  }

  #refuseAfterFault(): void {
    if (this.#fault !== null) throw this.#fault.error;
  }

  /** Returns false if another program is still writing. */
  #tryBegin(): boolean {
    try {
      // Not a prepared statement: after SQLITE_BUSY the driver would leave it in progress, and no commit would succeed.
      this.#connection.exec('begin immediate');
      return true;
    } catch (error) {
      if (readSqliteCode(error) === 'SQLITE_BUSY') return false;
      throw describeLedgerError(error, this.path);
    }
  }

  #takeLog(): void {
    this.exec('pragma wal_checkpoint(truncate)');
    this.#place.rebase();
  }

  #prepare(sql: string): Libsql.Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #useWriteAheadLog(): void {
    const mode = this.get<{ journal_mode: string }>('pragma journal_mode = wal')?.journal_mode;
    if (mode === 'wal') return;
    throw createUsageError(
      'LEDGER_NO_LOCKS',
      `The folder of the ledger does not support a write-ahead log, as on some network drives: ${this.path}`,
      'Choose a ledger on a local disk with --ledger.',
    );
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      this.#hasFailed = true;
      throw describeLedgerError(error, this.path);
    }
  }
}

function rejectAll(rejections: readonly ((error: unknown) => void)[], error: unknown): void {
  for (const reject of rejections) reject(error);
}

function isLocked(error: unknown): boolean {
  return error instanceof RowfillError && error.code === 'LEDGER_LOCKED';
}

function rethrow(error: unknown): never {
  throw error;
}
