import { closeSync, openSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import Libsql from 'libsql';
import { createUsageError } from '../errors.js';
import { describeLedgerError, readSqliteCode } from './database-errors.js';
import {
  createFolder,
  createMovedError,
  type Displaced,
  LedgerPlace,
  nameSaved,
  prepareLedgerFile,
} from './ledger-file.js';
import { LogFlusher } from './log-flusher.js';
import { endTurnOf, holdTurn, leaveTurn } from './turn-holders.js';

export type SqlValue = string | number | null | Uint8Array;

/** Where a ledger's content was saved after its files were moved. */
export type SavedLedger =
  | { readonly status: 'restored' }
  | { readonly status: 'copied'; readonly path: string };

/** Another program rarely writes for longer. While the driver waits, this process is blocked. */
const BUSY_TIMEOUT_MS = 2_000;
/** Total time to wait for another writer. */
const LONGEST_WAIT_MS = 120_000;
const RETRY_MS = 50;
/** Space for the write-ahead log and for what a job writes between two disk checks. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;
/** Default schema for a new database: just enough to make the file non-empty. */
const NO_SCHEMA = 'create table made (a); drop table made';
/** SQLite's name for an in-memory database. */
const NO_FILE = ':memory:';
/**
 * Connections, by file, whose log must no longer be written to the file. They are never closed, because
 * closing might write it. SQLite would share their locks and index with all other connections of this
 * process.
 */
const ABANDONED = new Map<string, Libsql.Database>();

/**
 * The ledger's SQLite file, with cached prepared statements and errors that name the file. A commit survives
 * a crash of this process. `flush` makes it survive a crash of the machine, for all concurrent callers at
 * once and without blocking other work.
 */
export class Database {
  readonly path: string;
  /** Real path of the file, resolved once because a link may change later. */
  readonly file: string;
  readonly #connection: Libsql.Database;
  readonly #statements = new Map<string, Libsql.Statement>();
  /** Settles when the transaction of this turn's steps ends; null between turns. */
  #turn: Promise<void> | null = null;
  readonly #flusher: LogFlusher;
  readonly #place: LedgerPlace;
  /** Number of rows changed so far. */
  #changes = 0;
  #rollbacks = 0;
  #fault: { readonly error: unknown } | null = null;
  #isReadOnly = false;
  /** Called once per wait of more than two seconds for another program's write. */
  onWait: (message: string) => void = () => undefined;

  /** Creates the file with `schema` if it does not exist. */
  constructor(path: string, schema = NO_SCHEMA) {
    this.path = path;
    this.file = path === NO_FILE ? path : this.#guard(() => prepareLedgerFile(path, schema));
    if (ABANDONED.has(this.file)) throw createMovedError(path, []);
    this.#connection = this.#guard(() => new Libsql(this.file));
    this.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    this.#useWriteAheadLog();
    // The first read creates the log.
    this.get('select count(*) from sqlite_schema');
    this.#flusher = this.#guard(() => new LogFlusher(this.file, () => this.#turn));
    this.#place = this.#guard(() => new LedgerPlace(this.file, this.#flusher.log ?? -1));
    // NORMAL: commits are atomic and ordered for all processes. `flush` syncs the log, as FULL would do at
    // every commit while blocking everything else. `fullfsync` makes a checkpoint reach the disk on macOS.
    this.exec('pragma synchronous = normal; pragma fullfsync = on');
    // The driver would check references at every write. `check` does it for all at once, and pruning stays
    // fast.
    this.exec('pragma foreign_keys = off');
    // Most pages are written in sequence, so few are worth caching.
    this.exec('pragma wal_autocheckpoint = 4000; pragma cache_size = -8000');
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

  /** Runs `work` as one transaction: all of it happens, or nothing. */
  transact<Result>(work: () => Result): Result {
    endTurnOf(this.file, this);
    this.#refuseAfterFault();
    this.#beginWrite();
    return this.#finish(work);
  }

  /**
   * Runs `work` in the transaction that all steps of this turn of the event loop share, so that many small
   * steps become one commit. If a step fails before writing, nothing happens. If it fails after writing, the
   * whole transaction is rolled back. Because callers already saw the earlier steps succeed, every later step
   * and flush is then refused.
   */
  step<Result>(work: () => Result): Result {
    this.#refuseAfterFault();
    if (this.#turn === null) {
      endTurnOf(this.file, this);
      this.#beginWrite();
      this.#startTurn();
    }
    const before = this.#changes;
    try {
      return work();
    } catch (error) {
      if (this.#changes > before || !this.#connection.inTransaction) this.#giveUpTurn(error);
      throw error;
    }
  }

  /**
   * Resolves once this process may write, without blocking other work. The next steps of the same turn then
   * need not wait. Throws LEDGER_LOCKED after two minutes.
   */
  async ready(signal?: AbortSignal): Promise<void> {
    this.#refuseAfterFault();
    const startMs = performance.now();
    let isTold = false;
    for (;;) {
      if (this.canWrite()) return;
      const waitedMs = performance.now() - startMs;
      // On the last try, let the driver throw the error to report.
      if (waitedMs > LONGEST_WAIT_MS) {
        this.exec('begin immediate');
        return this.#startTurn();
      }
      if (!isTold && waitedMs > BUSY_TIMEOUT_MS) {
        isTold = true;
        this.onWait(this.#describeWait());
      }
      await setTimeout(RETRY_MS, undefined, signal === undefined ? {} : { signal });
    }
  }

  /** Starts a write turn if no other program is writing. Returns false if one is. */
  canWrite(): boolean {
    if (this.#turn !== null) return true;
    endTurnOf(this.file, this);
    this.exec('pragma busy_timeout = 0');
    try {
      if (!this.#tryBegin()) return false;
      this.#startTurn();
      return true;
    } finally {
      this.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  /** Refuses all writes from now on, even at close. Readers then never wait for a writer. */
  refuseWrites(): void {
    this.exec('pragma query_only = on');
    this.#isReadOnly = true;
  }

  /** Runs queries on one snapshot, which includes the steps of this turn. Waits for no writer. */
  read<Result>(work: () => Result): Result {
    if (this.#turn !== null) return work();
    endTurnOf(this.file, this);
    this.exec('begin');
    return this.#finish(work);
  }

  /** Number of rollbacks. If it changed, what was read before may no longer be true. */
  get rollbacks(): number {
    return this.#rollbacks;
  }

  /**
   * Resolves once everything done so far is committed and on disk. Callers during a flush share the next one.
   */
  async flush(): Promise<void> {
    this.#refuseAfterFault();
    if (this.#connection.open) await this.#flusher.flush();
    // A later step of the turn may have rolled back what was to be flushed.
    this.#refuseAfterFault();
  }

  /** Starts a flush. A failure is reported by the next step. */
  flushSoon(): void {
    this.flush().catch((error: unknown) => {
      this.#fault ??= { error };
    });
  }

  /** Throws if the disk is almost full, before anything is spent. */
  checkFreeSpace(minFreeBytes = MIN_FREE_BYTES): void {
    const disk = this.#guard(() => statfsSync(dirname(this.path)));
    const freeBytes = disk.bavail * disk.bsize;
    // Some virtual file systems report 0 for all sizes.
    if (disk.blocks === 0 || freeBytes >= minFreeBytes) return;
    throw createUsageError(
      'LEDGER_FULL',
      `The disk of the ledger is almost full: ${Math.floor(freeBytes / 1024)} KiB free at ${this.path}, but a job needs ${Math.ceil(minFreeBytes / 1024 ** 2)} MiB`,
      'Free some space, or set ROWFILL_HOME to a folder on another disk.',
    );
  }

  /** Runs SQLite's check of the whole file. Returns one line per fault. */
  check(): string[] {
    endTurnOf(this.file, this);
    const lines = this.all<{ quick_check: string }>('pragma quick_check').map((row) => row.quick_check);
    const faults = lines.filter((line) => line !== 'ok');
    // References can only be checked if the pages are intact.
    return faults.length > 0 ? faults : this.#checkReferences();
  }

  /** Returns free pages to the disk. */
  compact(): void {
    endTurnOf(this.file, this);
    const free = this.get<{ freelist_count: number }>('pragma freelist_count')?.freelist_count ?? 0;
    if (free > 0) this.exec('vacuum; pragma wal_checkpoint(truncate)');
  }

  /** Which of the ledger's files is no longer in place; null if both are. */
  findDisplaced(): Displaced | null {
    const displaced = this.#place.findDisplaced();
    if (displaced !== null) return displaced;
    return this.#guard(() => this.#flusher.isWhole()) ? null : 'log';
  }

  /**
   * Saves what only this connection knows after the ledger's files were moved. If only the log is gone,
   * writes it back into the file (`restored`). Otherwise writes a copy of the whole ledger next to it and
   * returns its path.
   */
  save(nowMs: number): SavedLedger {
    this.endTurn();
    if (this.#place.canTakeLog()) {
      this.#takeLog();
      return { status: 'restored' };
    }
    const folder = dirname(this.file);
    const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
    const copy = join(folder, nameSaved(this.file, stamp));
    return this.#guard(() => {
      createFolder(folder);
      // Create the file first, because SQLite would make it readable for others.
      closeSync(openSync(copy, 'wx', 0o600));
      try {
        this.#connection.exec(`vacuum into '${copy.replaceAll("'", "''")}'`);
      } catch (error) {
        rmSync(copy, { force: true });
        throw error;
      }
      return { status: 'copied', path: copy };
    });
  }

  close(): void {
    if (!this.#connection.open || ABANDONED.get(this.file) === this.#connection) return;
    let isAbandoned = false;
    try {
      endTurnOf(this.file, this);
      this.#statements.clear();
      const displaced = this.findDisplaced();
      // Another program may use the file with its own log, and ours would overwrite its pages.
      isAbandoned = displaced === 'log' && !this.#place.canTakeLog();
      // The driver closes the file only once its statements are collected, so merge the log here.
      if (!isAbandoned && displaced !== 'file' && !this.#isReadOnly) this.#takeLog();
    } finally {
      if (isAbandoned) ABANDONED.set(this.file, this.#connection);
      else this.#connection.close();
      this.#flusher.close();
    }
  }

  /** Commits the steps of this turn so far. */
  endTurn(): void {
    if (this.#turn === null) return;
    try {
      this.exec('commit');
      this.#turn = null;
      leaveTurn(this.file);
    } catch (error) {
      this.#giveUpTurn(error);
      throw error;
    }
  }

  #takeLog(): void {
    this.exec('pragma wal_checkpoint(truncate)');
    this.#place.rebase();
  }

  #giveUpTurn(error: unknown): void {
    this.#fault ??= { error };
    this.#turn = null;
    leaveTurn(this.file);
    this.#rollBack();
  }

  #refuseAfterFault(): void {
    if (this.#fault !== null) throw this.#fault.error;
  }

  #rollBack(): void {
    this.#rollbacks += 1;
    // A full disk has already caused a rollback; a second one would hide the first error.
    if (this.#connection.inTransaction) this.exec('rollback');
  }

  #startTurn(): void {
    holdTurn(this.file, this);
    this.#turn = setImmediate().then(() => this.endTurn());
    // Callers that must know that it was committed call `flush`. Others get the error with their next step.
    this.#turn.catch(() => undefined);
  }

  /** Waits for another writer, blocking this process, for callers that could not use `ready`. */
  #beginWrite(): void {
    if (this.#tryBegin()) return;
    this.onWait(this.#describeWait());
    this.exec(`pragma busy_timeout = ${LONGEST_WAIT_MS - BUSY_TIMEOUT_MS}`);
    try {
      this.exec('begin immediate');
    } finally {
      this.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  /** Returns false if another program is still writing. */
  #tryBegin(): boolean {
    try {
      this.#connection.exec('begin immediate');
      return true;
    } catch (error) {
      if (readSqliteCode(error) === 'SQLITE_BUSY') return false;
      throw describeLedgerError(error, this.path);
    }
  }

  #describeWait(): string {
    return `Another program is writing to the ledger at ${this.path}. Waiting up to ${LONGEST_WAIT_MS / 60_000} minutes for it`;
  }

  #finish<Result>(work: () => Result): Result {
    try {
      const result = work();
      this.exec('commit');
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #prepare(sql: string): Libsql.Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #checkReferences(): string[] {
    const broken = this.all<{ table: string; parent: string }>('pragma foreign_key_check');
    return broken.map(({ table, parent }) => `a row of ${table} refers to a missing row of ${parent}`);
  }

  #useWriteAheadLog(): void {
    const mode = this.get<{ journal_mode: string }>('pragma journal_mode = wal')?.journal_mode;
    if (mode === 'wal') return;
    throw createUsageError(
      'LEDGER_NO_LOCKS',
      `The folder of the ledger does not support a write-ahead log, as on some network drives: ${this.path}`,
      'Set ROWFILL_HOME to a folder on a local disk.',
    );
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw describeLedgerError(error, this.path);
    }
  }
}
