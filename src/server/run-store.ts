import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type Database from 'libsql';
import { createUsageError, describeSystemError, RowfillError } from '../errors.js';
import type { RunStatus } from '../model/run.js';
import { openDatabase } from '../model/sqlite-driver.js';
import { findWindowsNameFault } from '../model/windows-name.js';
import type { Contract } from './contract.js';
import type { RunPageRequest, RunStore, StoredEvent, StoredRun } from './store-contract.js';

const SCHEMA_VERSION = 1;
const LOCK_WAIT_MS = 500;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, team_id TEXT NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS runs_by_team ON runs (team_id, id);
  CREATE INDEX IF NOT EXISTS runs_by_status ON runs (status);
  CREATE TABLE IF NOT EXISTS events (
    run_id TEXT NOT NULL, id INTEGER NOT NULL, event TEXT NOT NULL, data TEXT, created_at TEXT NOT NULL,
    PRIMARY KEY (run_id, id)
  ) STRICT, WITHOUT ROWID;
`;

/** Stores runs and events in a SQLite file, so that they survive a restart. */
export class SqliteRunStore implements RunStore {
  readonly #database: Database.Database;
  /** Null once the store is closed: they would keep its file open. */
  #statements: Statements | null;

  constructor(path: string, contract: Contract) {
    const fault = process.platform === 'win32' ? findWindowsNameFault(path) : null;
    if (fault !== null)
      throw createUsageError('CANNOT_OPEN_STORE', `The run store ${path} ${fault}`, 'Use another name.');
    try {
      // Create the file first, so that only its owner can read it.
      closeSync(openSync(path, 'a', 0o600));
      // Use an absolute path, so that SQLite does not interpret it as a URI or a keyword.
      this.#database = openDatabase(resolve(path), { timeout: LOCK_WAIT_MS });
      refuseForeign(this.#database);
      // Exclusive, because two servers on one file would run the same runs twice.
      this.#database.exec('PRAGMA locking_mode = EXCLUSIVE');
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      this.#database.exec(SCHEMA);
      this.#statements = prepareStatements(this.#database);
    } catch (error) {
      if (error instanceof RowfillError && error.code === 'SQLITE_MISSING') throw error;
      throw createUsageError(
        'CANNOT_OPEN_STORE',
        `The run store ${path} cannot be opened: ${describeSystemError(error)}`,
        'Use a new file or one made by this command. It must be writable and not open in another server.',
        error,
      );
    }
    this.#checkMeta(path, 'version', String(SCHEMA_VERSION));
    this.#checkMeta(path, 'contract', contract);
  }

  get #prepared(): Statements {
    if (this.#statements === null) throw new Error('the run store is closed');
    return this.#statements;
  }

  add(run: StoredRun, events: readonly StoredEvent[]): void {
    this.#transact(() => {
      this.#prepared.addRun.run(run.id, run.teamId, run.status, run.text);
      for (const event of events) this.#addEvent(run.id, event);
    });
  }

  change(run: StoredRun, event: StoredEvent): void {
    this.#transact(() => {
      this.#prepared.changeRun.run(run.status, run.text, run.id);
      this.#addEvent(run.id, event);
    });
  }

  find(teamId: string, id: string): StoredRun | null {
    const row = this.#prepared.findRun.get(id, teamId);
    return row === undefined ? null : toRun(row);
  }

  list(teamId: string, page: RunPageRequest): readonly StoredRun[] {
    // Every id starts with a letter, so it sorts before the tilde.
    return this.#prepared.listRuns.all(teamId, page.before ?? '~', page.limit).map(toRun);
  }

  listEvents(id: string, after: number, limit: number): readonly StoredEvent[] {
    return this.#prepared.listEvents.all(id, after, limit).map(toEvent);
  }

  remove(teamId: string, id: string): boolean {
    return this.#transact(() => {
      if (this.#prepared.removeRun.run(id, teamId).changes === 0) return false;
      this.#prepared.removeEvents.run(id);
      return true;
    });
  }

  listActive(): readonly StoredRun[] {
    return this.#prepared.listActive.all().map(toRun);
  }

  close(): void {
    if (!this.#database.open) return;
    try {
      // The driver keeps its file handle until its statements are collected, so release the lock here.
      this.#database.exec('PRAGMA journal_mode = DELETE');
      this.#database.exec('PRAGMA locking_mode = NORMAL');
      this.#database.prepare('SELECT count(*) FROM meta').get();
    } catch {
      // On a full disk the log stays beside the file. The next start reads it, so nothing is lost.
    }
    this.#statements = null;
    this.#database.close();
  }

  #addEvent(runId: string, event: StoredEvent): void {
    this.#prepared.addEvent.run(runId, event.id, event.event, event.data, event.createdAt);
  }

  #transact<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        this.#database.exec('ROLLBACK');
      } catch {
        // On a full disk, SQLite has rolled back already. The first error says why.
      }
      throw error;
    }
  }

  #checkMeta(path: string, key: string, value: string): void {
    this.#database.prepare('INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)').run(key, value);
    const row = this.#database.prepare('SELECT value FROM meta WHERE key = ?').get(key);
    const found = getText(row, 'value');
    if (found === value) return;
    this.close();
    throw createUsageError(
      'STORE_MISMATCH',
      `The run store ${path} was made with ${key} ${found}; this server uses ${value}.`,
      `Serve it with ${key} ${found}, or use another file.`,
    );
  }
}

/** Tables of a store; an empty file has none yet. */
const TABLES: readonly unknown[] = ['meta', 'runs', 'events'];

/** Throws if the database belongs to another program, before writing anything. */
function refuseForeign(database: Database.Database): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const foreign = tables.map((row) => getText(row, 'name')).find((name) => !TABLES.includes(name));
  if (foreign === undefined) return;
  database.close();
  throw new Error(`it belongs to another program; it has a table ${foreign}`);
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: Database.Database) {
  const prepare = (sql: string) => database.prepare<(string | number | null)[]>(sql);
  return {
    addRun: prepare('INSERT INTO runs (id, team_id, status, text) VALUES (?, ?, ?, ?)'),
    changeRun: prepare('UPDATE runs SET status = ?, text = ? WHERE id = ?'),
    findRun: prepare('SELECT id, team_id, status, text FROM runs WHERE id = ? AND team_id = ?'),
    listRuns: prepare(
      'SELECT id, team_id, status, text FROM runs WHERE team_id = ? AND id < ? ORDER BY id DESC LIMIT ?',
    ),
    listActive: prepare(
      `SELECT id, team_id, status, text FROM runs WHERE status IN ('queued', 'running') ORDER BY id`,
    ),
    removeRun: prepare('DELETE FROM runs WHERE id = ? AND team_id = ?'),
    addEvent: prepare('INSERT INTO events (run_id, id, event, data, created_at) VALUES (?, ?, ?, ?, ?)'),
    listEvents: prepare(
      'SELECT id, event, data, created_at FROM events WHERE run_id = ? AND id > ? ORDER BY id LIMIT ?',
    ),
    removeEvents: prepare('DELETE FROM events WHERE run_id = ?'),
  };
}

function toRun(row: unknown): StoredRun {
  return {
    id: getText(row, 'id'),
    teamId: getText(row, 'team_id'),
    // Safe: only this class writes the column, from a StoredRun.
    status: getText(row, 'status') as RunStatus,
    text: getText(row, 'text'),
  };
}

function toEvent(row: unknown): StoredEvent {
  const data = getColumn(row, 'data');
  return {
    id: Number(getColumn(row, 'id')),
    event: getText(row, 'event'),
    data: typeof data === 'string' ? data : null,
    createdAt: getText(row, 'created_at'),
  };
}

function getText(row: unknown, column: string): string {
  return String(getColumn(row, column));
}

function getColumn(row: unknown, column: string): unknown {
  return typeof row === 'object' && row !== null ? Reflect.get(row, column) : undefined;
}
