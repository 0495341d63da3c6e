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

/** Where the content of a ledger is after its files were moved. */
export type SavedLedger =
  | { readonly status: 'restored' }
  | { readonly status: 'copied'; readonly path: string };

/** Longer than this another program rarely writes. While the driver waits, nothing else goes on in this process. */
const BUSY_TIMEOUT_MS = 2_000;
/** How long a writer is waited for in all. */
const LONGEST_WAIT_MS = 120_000;
const LOOK_AGAIN_MS = 50;
/** Room for the write-ahead log and what a job writes between two looks at the disk. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;
/** What a database is made with if its maker gives no schema: enough for its file not to be empty. */
const NO_SCHEMA = 'create table made (a); drop table made';
/** SQLite's name for a database without a file. */
const NO_FILE = ':memory:';
/**
 * Connections, by file, whose log may not be written into the file any more, which closing them might do. SQLite would
 * share their locks and index with every other connection of this process.
 */
const ABANDONED = new Map<string, Libsql.Database>();

/**
 * The SQLite file under the ledger: prepared statements made once, errors that name the file. A commit outlives this
 * process; `flush` makes it outlive the machine, for all who wait at once and beside the other work.
 */
export class Database {
  readonly path: string;
  /** Real path of the file, found once: a link may be changed later. */
  readonly file: string;
  readonly #connection: Libsql.Database;
  readonly #statements = new Map<string, Libsql.Statement>();
  /** The end of the transaction that the steps of this turn share; null between turns. */
  #turn: Promise<void> | null = null;
  readonly #flusher: LogFlusher;
  readonly #place: LedgerPlace;
  /** Rows changed so far. */
  #changes = 0;
  #rollbacks = 0;
  #fault: { readonly error: unknown } | null = null;
  #isReadOnly = false;
  /** Called once for each wait of more than two seconds for another program that writes. */
  onWait: (message: string) => void = () => undefined;

  /** Makes the file with `schema` if there is none. */
  constructor(path: string, schema = NO_SCHEMA) {
    this.path = path;
    this.file = path === NO_FILE ? path : this.#guard(() => prepareLedgerFile(path, schema));
    if (ABANDONED.has(this.file)) throw createMovedError(path, []);
    this.#connection = this.#guard(() => new Libsql(this.file));
    this.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    this.#useWriteAheadLog();
    // The log is made by the first read.
    this.get('select count(*) from sqlite_schema');
    this.#flusher = this.#guard(() => new LogFlusher(this.file, () => this.#turn));
    this.#place = this.#guard(() => new LedgerPlace(this.file, this.#flusher.log ?? -1));
    // NORMAL: a commit is whole, and in its place, for every process; `flush` puts the log on the disk, as FULL would do
    // at each commit while everything else stands still. `fullfsync` makes a checkpoint reach the disk on macOS.
    this.exec('pragma synchronous = normal; pragma fullfsync = on');
    // The driver checks references at every write; `check` does it for all at once, and pruning stays fast.
    this.exec('pragma foreign_keys = off');
    // Most pages are written one after the other, so few are worth keeping at hand.
    this.exec('pragma wal_autocheckpoint = 4000; pragma cache_size = -8000');
  }

  /** Runs statements that take no values. */
  exec(sql: string): void {
    this.#guard(() => this.#connection.exec(sql));
  }

  /** Runs a statement and returns how many rows it changed. */
  run(sql: string, ...values: readonly SqlValue[]): number {
    const { changes } = this.#guard(() => this.#prepare(sql).run(values));
    this.#changes += changes;
    return changes;
  }

  /** All rows of a query as objects by column name; `Row` is vouched for by the strict tables it reads. */
  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[] {
    return this.#guard(() => this.#prepare(sql).all(values) as Row[]);
  }

  /** The first row of a query. */
  get<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    // Not the driver's own get(): it leaves the statement open, and with it a read transaction.
    return this.all<Row>(sql, ...values)[0];
  }

  /** Runs `work` as one transaction: all of it has happened when this returns, or none of it. */
  transact<Result>(work: () => Result): Result {
    endTurnOf(this.file, this);
    this.#refuseAfterFault();
    this.#beginWrite();
    return this.#finish(work);
  }

  /**
   * Runs `work` in the transaction that all steps of this turn of the event loop share, so that the small ones of many
   * runs are one commit. A step that fails before it has written anything is as if it had not been tried. One that fails
   * later takes those before it in the same turn with it; since these were believed, every step and flush after it is
   * refused.
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
   * Resolves once this process may write, and other work goes on meanwhile: the next steps of the same turn wait for
   * nobody. Throws LEDGER_LOCKED after two minutes.
   */
  async ready(signal?: AbortSignal): Promise<void> {
    this.#refuseAfterFault();
    const startMs = performance.now();
    let isTold = false;
    for (;;) {
      if (this.canWrite()) return;
      const waitedMs = performance.now() - startMs;
      // The last time, the driver throws what is to be said.
      if (waitedMs > LONGEST_WAIT_MS) {
        this.exec('begin immediate');
        return this.#startTurn();
      }
      if (!isTold && waitedMs > BUSY_TIMEOUT_MS) {
        isTold = true;
        this.onWait(this.#describeWait());
      }
      await setTimeout(LOOK_AGAIN_MS, undefined, signal === undefined ? {} : { signal });
    }
  }

  /** Begins the turn of this process if no other program is writing; false if one is. */
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

  /** From here on nothing is written, not even by closing it: a look at the ledger waits for no writer. */
  refuseWrites(): void {
    this.exec('pragma query_only = on');
    this.#isReadOnly = true;
  }

  /** Runs queries that all see the same moment, the steps of this turn among it, and waits for no writer. */
  read<Result>(work: () => Result): Result {
    if (this.#turn !== null) return work();
    endTurnOf(this.file, this);
    this.exec('begin');
    return this.#finish(work);
  }

  /** How often something was rolled back: what was read before that may never have been. */
  get rollbacks(): number {
    return this.#rollbacks;
  }

  /** Resolves once everything done so far is committed and on the disk. Those who ask while one flush runs share the next. */
  async flush(): Promise<void> {
    this.#refuseAfterFault();
    if (this.#connection.open) await this.#flusher.flush();
    // What was to be flushed may have gone with a later step of its turn.
    this.#refuseAfterFault();
  }

  /** Begins to bring the commits to the disk; a failure is told by the step after it. */
  flushSoon(): void {
    this.flush().catch((error: unknown) => {
      this.#fault ??= { error };
    });
  }

  /** Refuses a disk that is almost full, before anything is spent. */
  checkFreeSpace(minFreeBytes = MIN_FREE_BYTES): void {
    const disk = this.#guard(() => statfsSync(dirname(this.path)));
    const freeBytes = disk.bavail * disk.bsize;
    // Some virtual file systems know no sizes and say 0 for everything.
    if (disk.blocks === 0 || freeBytes >= minFreeBytes) return;
    throw createUsageError(
      'LEDGER_FULL',
      `The disk of the ledger is almost full: ${Math.floor(freeBytes / 1024)} KiB free at ${this.path}`,
      'Free some space, or set ROWFILL_HOME to a folder on another disk.',
    );
  }

  /** SQLite's own check of the whole file: what is wrong with it, one line each. */
  check(): string[] {
    endTurnOf(this.file, this);
    const lines = this.all<{ quick_check: string }>('pragma quick_check').map((row) => row.quick_check);
    const faults = lines.filter((line) => line !== 'ok');
    // References can only be followed where the pages are whole.
    return faults.length > 0 ? faults : this.#checkReferences();
  }

  /** Gives the pages that are free back to the disk: the file becomes as small as what it holds. */
  compact(): void {
    endTurnOf(this.file, this);
    const free = this.get<{ freelist_count: number }>('pragma freelist_count')?.freelist_count ?? 0;
    if (free > 0) this.exec('vacuum; pragma wal_checkpoint(truncate)');
  }

  /** What is no longer in its place of the ledger's files; null if both are. */
  findDisplaced(): Displaced | null {
    const displaced = this.#place.findDisplaced();
    if (displaced !== null) return displaced;
    return this.#guard(() => this.#flusher.isWhole()) ? null : 'log';
  }

  /**
   * Saves what only this connection knows of a ledger that is no longer in its place. Without its log, the file takes it
   * in again (`restored`); otherwise a copy of the whole ledger is written beside it, whose path is returned.
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
      // Made first, since SQLite would let others read it.
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
      // Another program may use the file with a log of its own, and ours would overwrite pages of it.
      isAbandoned = displaced === 'log' && !this.#place.canTakeLog();
      // The driver closes the file only when its statements are collected, so the log is folded in here.
      if (!isAbandoned && displaced !== 'file' && !this.#isReadOnly) this.#takeLog();
    } finally {
      if (isAbandoned) ABANDONED.set(this.file, this.#connection);
      else this.#connection.close();
      this.#flusher.close();
    }
  }

  /** Commits what the steps of this turn have done so far. */
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
    // A full disk has rolled back by itself; a second rollback would hide the first error.
    if (this.#connection.inTransaction) this.exec('rollback');
  }

  #startTurn(): void {
    holdTurn(this.file, this);
    this.#turn = setImmediate().then(() => this.endTurn());
    // Whoever needs to know that it was committed flushes; everybody else is told by the step after it.
    this.#turn.catch(() => undefined);
  }

  /** Waits for another writer, standing still: for those that could not wait with `ready`. */
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

  /** False if another program is still writing. */
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
    return `Another program is writing to the ledger at ${this.path}; waiting up to ${LONGEST_WAIT_MS / 60_000} minutes for it`;
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
    return broken.map(({ table, parent }) => `a row of ${table} refers to no row of ${parent}`);
  }

  #useWriteAheadLog(): void {
    const mode = this.get<{ journal_mode: string }>('pragma journal_mode = wal')?.journal_mode;
    if (mode === 'wal') return;
    throw createUsageError(
      'LEDGER_NO_LOCKS',
      `The folder of the ledger cannot hold a write-ahead log, as on some network drives: ${this.path}`,
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
