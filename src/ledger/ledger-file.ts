import { randomBytes } from 'node:crypto';
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Libsql from 'libsql';
import { createUsageError, type RowfillError } from '../errors.js';
import { describeLedgerError } from './database-errors.js';

/**
 * Finds the file of a ledger and returns its real path. Where there is none, makes it whole with `schema` in it, readable
 * by its owner only; SQLite gives its side files the same mode. Throws LEDGER_EMPTY for a file of 0 bytes, and
 * LEDGER_LOST if there was a ledger here that could be brought back.
 */
export function prepareLedgerFile(path: string, schema: string): string {
  createFolder(dirname(path));
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw createBrokenLinkError(path);
    refuseLost(path);
    createWhole(path, schema);
  } else if (stats.isFile() && stats.size === 0) {
    throw createEmptyError(path);
  } else if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    chmodSync(path, 0o600);
  }
  return realpathSync(path);
}

/** Makes a folder and those above it. Node's own way never ends where no folder can be made, as below /proc. */
export function createFolder(folder: string): void {
  if (existsSync(folder)) return;
  createFolder(dirname(folder));
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  }
}

/** The name of a copy that is saved beside a ledger which was moved. */
export function nameSaved(file: string, stamp: string): string {
  return `${savedPrefix(file)}${stamp}-${process.pid}.sqlite`;
}

function savedPrefix(file: string): string {
  return `${basename(file, '.sqlite')}-saved-`;
}

/** A new ledger would have every answer paid for again, and SQLite would apply the log of the lost one to it. */
function refuseLost(path: string): void {
  const saved = readdirSync(dirname(path)).filter((name) => name.startsWith(savedPrefix(path)));
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  const hasLog = log !== undefined && log.size > 0;
  // Another process may have made the ledger since, log and all.
  if ((!hasLog && saved.length === 0) || existsSync(path)) return;
  const newest = saved.sort().at(-1);
  throw newest === undefined
    ? createLostError(
        `The ledger is gone, but its log is still there: ${path}-wal`,
        `Bring ${path} back. To begin a new ledger, delete ${path}-wal and ${path}-shm; rows that were paid for are then paid for again.`,
      )
    : createLostError(
        `The ledger is gone, but a copy of it was saved: ${join(dirname(path), newest)}`,
        `With no rowfill running, delete ${path}-wal and ${path}-shm if they exist, and rename the copy to ${path}. To begin a new ledger, move the copy to another folder; rows that were paid for are then paid for again.`,
      );
}

function createLostError(message: string, hint: string): RowfillError {
  return createUsageError('LEDGER_LOST', message, hint);
}

const LEFTOVER_AGE_MS = 60 * 60 * 1_000;
/** Errors of file systems that have no hard links. */
const NO_LINKS: ReadonlySet<unknown> = new Set([
  'EPERM',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EINVAL',
  'EXDEV',
]);

/** Writes a new ledger beside its place and moves it there whole, so that no process ever sees half of one. */
function createWhole(path: string, schema: string): void {
  const prefix = `.${basename(path)}.new-`;
  removeLeftovers(dirname(path), prefix);
  const temporary = join(dirname(path), prefix + randomBytes(6).toString('hex'));
  closeSync(openSync(temporary, 'wx', 0o600));
  try {
    const connection = new Libsql(temporary);
    try {
      // No prepared statement: the driver closes the file only once those are collected.
      connection.exec(`pragma synchronous = off; begin; ${schema}\n; commit; pragma journal_mode = wal`);
    } finally {
      connection.close();
    }
    syncFile(temporary);
    moveUnlessTaken(temporary, path);
    syncFile(dirname(path));
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(temporary + suffix, { force: true });
  }
}

/** If two processes make a ledger at the same time, both use the one that comes first. */
function moveUnlessTaken(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') return;
    if (!NO_LINKS.has(code)) throw error;
    if (!existsSync(to)) renameSync(from, to);
  }
}

/** Removes what a killed process left behind. */
function removeLeftovers(folder: string, prefix: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix)) continue;
    const stats = statSync(join(folder, name), { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > LEFTOVER_AGE_MS)
      rmSync(join(folder, name), { force: true });
  }
}

function syncFile(path: string): void {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    fsyncSync(file);
  } catch {
    // Windows cannot open a folder; a disk that cannot be synced fails at the first flush, before anything is spent.
  } finally {
    if (file !== null) closeSync(file);
  }
}

type Identity = Pick<BigIntStats, 'dev' | 'ino'>;

/** What is no longer as it was when the ledger was opened: its file, or only its write-ahead log. */
export type Displaced = 'file' | 'log';

/** Knows the files of an open ledger, and whether they are still the ones that its path leads to. */
export class LedgerPlace {
  /** Real path of the ledger, found once: a link may be changed later. */
  readonly file: string;
  readonly #fileId: Identity;
  readonly #logId: Identity;
  /** Size and time of the file when it was last found in place; a checkpoint changes them. */
  #seen: BigIntStats;

  /** `log` is an open descriptor of the write-ahead log. */
  constructor(file: string, log: number) {
    this.file = file;
    const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) throw createMovedError(file, []);
    this.#fileId = stats;
    this.#seen = stats;
    this.#logId = fstatSync(log, { bigint: true });
  }

  /** Compares device and inode of both files with those that were opened; null if they are the same, and the file is not empty. */
  findDisplaced(): Displaced | null {
    const stats = this.#stat(this.file);
    // SQLite never leaves an empty file, so another program has emptied it.
    if (!isSame(stats, this.#fileId) || stats.size === 0n) return 'file';
    if (!isSame(this.#stat(`${this.file}-wal`), this.#logId)) return 'log';
    this.#seen = stats;
    return null;
  }

  /**
   * True if only the log was taken away and no other program has used the file since it was last found in place: then
   * the open log can still be written into the file. After that, `rebase` must be called.
   */
  canTakeLog(): boolean {
    const stats = this.#stat(this.file);
    if (!isSame(stats, this.#fileId) || this.#stat(`${this.file}-wal`) !== undefined) return false;
    return stats.size === this.#seen.size && stats.mtimeNs === this.#seen.mtimeNs;
  }

  /** Takes the file as it is now for what `canTakeLog` compares with. */
  rebase(): void {
    this.#seen = this.#stat(this.file) ?? this.#seen;
  }

  #stat(path: string): BigIntStats | undefined {
    try {
      return statSync(path, { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      throw describeLedgerError(error, this.file);
    }
  }
}

function isSame(stats: BigIntStats | undefined, id: Identity): stats is BigIntStats {
  return stats !== undefined && stats.dev === id.dev && stats.ino === id.ino;
}

/** The error for a ledger whose file is not the one that was opened any more. `runs` is text for the message. */
export function createMovedError(path: string, runs: readonly string[]): RowfillError {
  const lost = runs.length === 0 ? '' : `. Runs that may be missing there: ${runs.join(', ')}`;
  return createUsageError(
    'LEDGER_MOVED',
    `The ledger was moved, replaced or deleted while it was in use: ${path}${lost}`,
    'Stop what changes the file (a clean-up, a restore, a sync tool) and bring the ledger back before the next start; without it the same rows are paid for again.',
  );
}

function createEmptyError(path: string): RowfillError {
  return createUsageError(
    'LEDGER_EMPTY',
    `The ledger is an empty file: ${path}`,
    'rowfill never leaves an empty ledger, so its content was lost: bring back a copy. To begin a new ledger, delete the file and those beside it that end in -wal and -shm; rows that were paid for are then paid for again.',
  );
}

function createBrokenLinkError(path: string): RowfillError {
  return createUsageError(
    'LEDGER_LINK_BROKEN',
    `The ledger is a link to a file that does not exist: ${path}`,
    'Mount the disk or bring back the file that it leads to. To begin a new ledger, delete the link, or set ROWFILL_HOME to the folder that it should be in.',
  );
}
