import { createHash, randomBytes } from 'node:crypto';
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
import { createUsageError, type RowfillError } from '../../errors.js';
import { type FileId, isSameFileId, readFileId } from '../../model/file-id.js';
import { openDatabase } from '../../model/sqlite-driver.js';
import { findWindowsNameFault } from '../../model/windows-name.js';
import { type Holder, readHolder } from '../holder.js';
import { findLiveness } from '../liveness.js';
import { describeLedgerError } from './database-errors.js';

/**
 * Finds a ledger's file and returns its real path. If there is none, creates it with `schema`, readable only
 * by its owner; SQLite gives its side files the same mode. Throws LEDGER_EMPTY for an empty file, and
 * LEDGER_LOST if there was a ledger here that can be restored.
 */
export function prepareLedgerFile(path: string, schema: string): string {
  createFolder(dirname(path));
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    const fault = process.platform === 'win32' ? findWindowsNameFault(path) : null;
    if (fault !== null)
      throw createUsageError('LEDGER_NOT_WRITABLE', `The ledger ${path} ${fault}`, 'Use another name.');
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw createBrokenLinkError(path);
    refuseLost(path);
    createWhole(path, schema);
  } else if (stats.isFile() && stats.size === 0) {
    throw createEmptyError(path);
  }
  return realpathSync(path);
}

/** Takes an open ledger and its side files, which have its mode, from all users but its owner. */
export function protectLedgerFile(file: string): void {
  if (process.platform === 'win32') return;
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && (stats.mode & 0o077) !== 0) chmodSync(path, 0o600);
  }
}

/**
 * Creates a folder and its parents. Node's recursive mkdir hangs where no folder can be created, such as
 * below /proc.
 */
export function createFolder(folder: string): void {
  if (existsSync(folder)) return;
  createFolder(dirname(folder));
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    // Another process may have created it first.
    if (!existsSync(folder)) throw error;
  }
}

/** File name of the copy that is saved next to a moved ledger. */
export function nameSaved(file: string, stamp: string): string {
  return `${savedPrefix(file)}${stamp}-${process.pid}.sqlite`;
}

function savedPrefix(file: string): string {
  return `${basename(file, '.sqlite')}-saved-`;
}

/**
 * Throws LEDGER_LOST if a lost ledger can be restored. With a new ledger, every answer would be paid for
 * again, and SQLite would apply the lost ledger's log to it.
 */
function refuseLost(path: string): void {
  const saved = readdirSync(dirname(path)).filter((name) => name.startsWith(savedPrefix(path)));
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  const hasLog = log !== undefined && log.size > 0;
  // Another process may have created the ledger and its log in the meantime.
  if ((!hasLog && saved.length === 0) || existsSync(path)) return;
  const newest = saved.sort().at(-1);
  throw newest === undefined
    ? createLostError(
        `The ledger is gone, but its log is still there: ${path}-wal`,
        `Restore ${path}. To start a new ledger, delete ${path}-wal and ${path}-shm; rows that were already paid for will be paid for again.`,
      )
    : createLostError(
        `The ledger is gone, but a copy of it was saved: ${join(dirname(path), newest)}`,
        `Stop every rowfill, delete ${path}-wal and ${path}-shm if they exist, and rename the copy to ${path}. To start a new ledger, move the copy to another folder; rows that were already paid for will be paid for again.`,
      );
}

function createLostError(message: string, hint: string): RowfillError {
  return createUsageError('LEDGER_LOST', message, hint);
}

const LEFTOVER_AGE_MS = 60 * 60 * 1_000;
/** Error codes of file systems without hard links. */
const NO_LINKS: ReadonlySet<unknown> = new Set([
  'EPERM',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EINVAL',
  'EXDEV',
]);

/**
 * Creates a new ledger under a temporary name and moves it into place, so that no process sees an incomplete
 * one.
 */
function createWhole(path: string, schema: string): void {
  const temporary = nameNew(path);
  closeSync(openSync(temporary, 'wx', 0o600));
  try {
    const connection = openDatabase(temporary);
    try {
      // Avoid prepared statements, because the driver closes the file only once they are collected.
      connection.exec(`pragma synchronous = off; begin; ${schema}\n; commit; pragma journal_mode = wal`);
    } finally {
      connection.close();
    }
    syncFile(temporary);
    moveUnlessTaken(temporary, path);
    syncFile(dirname(path));
  } finally {
    removeDatabase(temporary);
  }
}

/**
 * Name of a file next to a ledger's place that will become the ledger. It says which process makes it, so that what a
 * killed one has left is removed at once, and never the work of a living one.
 */
export function nameNew(path: string): string {
  const prefix = `.${basename(path)}.new-`;
  const self = readHolder();
  removeLeftovers(dirname(path), prefix, self);
  const random = randomBytes(6).toString('hex');
  return join(dirname(path), `${prefix}${[nameSpace(self), self.pid, self.started, random].join('-')}`);
}

/** A short name for the machine and PID namespace of a process. */
function nameSpace({ space, boot, host }: Holder): string {
  return createHash('sha256').update([space, boot, host].join('\n')).digest('hex').slice(0, 8);
}

/** Removes a database that is not open, with its side files. */
export function removeDatabase(path: string): void {
  // On Windows, a virus scanner may have them open for a moment. Only `recursive` tries again.
  for (const suffix of ['', '-wal', '-shm', '-journal'])
    rmSync(path + suffix, { force: true, recursive: true, maxRetries: 5 });
}

/**
 * Gives a file its place. Returns false if another process was first: if two create a ledger at the same time, both use
 * the first.
 */
export function moveUnlessTaken(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.has(code)) throw error;
    if (existsSync(to)) return false;
    renameSync(from, to);
    return true;
  }
}

/** Removes files that a killed process left behind: one that cannot be looked for counts as killed after an hour. */
function removeLeftovers(folder: string, prefix: string, self: Holder): void {
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix));
  const changedAt = (name: string): number =>
    statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for (const name of names) {
    const file = name.replace(/-(?:wal|shm|journal)$/, '');
    const [, space, pid = '', started = ''] = /^(\w+)-(\d+)-(\w*)-\w+$/.exec(file.slice(prefix.length)) ?? [];
    const liveness =
      space === nameSpace(self) ? findLiveness({ pid: Number(pid), started }, self) : ('unknown' as const);
    if (liveness === 'alive') continue;
    // While a copy is written, only its log may change.
    const newest = Math.max(...names.filter((each) => each.startsWith(file)).map(changedAt));
    if (liveness === 'gone' || Date.now() - newest > LEFTOVER_AGE_MS)
      rmSync(join(folder, name), { force: true });
  }
}

/** Syncs a file or folder to disk, if the system can. */
export function syncFile(path: string): void {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    fsyncSync(file);
  } catch {
    // Windows cannot open a folder. A disk that cannot be synced fails at the first flush, before anything is
    // spent.
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** What has changed since the ledger was opened: its file, or only its write-ahead log. */
export type Displaced = 'file' | 'log';

/** Tracks whether the files of an open ledger are still the ones at its path. */
export class LedgerPlace {
  /** Real path of the ledger, resolved once because a link may change later. */
  readonly file: string;
  readonly #fileId: FileId;
  readonly #logId: FileId;
  /** Size and mtime of the file when it was last found in place. A checkpoint changes them. */
  #seen: BigIntStats;

  /** `log` is an open descriptor of the write-ahead log. */
  constructor(file: string, log: number) {
    this.file = file;
    const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) throw createMovedError(file, []);
    this.#fileId = readFileId(stats);
    this.#seen = stats;
    this.#logId = readFileId(fstatSync(log, { bigint: true }));
  }

  /**
   * Compares device and inode of both files with those that were opened. Null if they are the same and the
   * file is not empty.
   */
  findDisplaced(): Displaced | null {
    const stats = this.#stat(this.file);
    // SQLite never leaves an empty file, so another program has truncated it.
    if (!isSame(stats, this.#fileId) || stats.size === 0n) return 'file';
    if (!isSame(this.#stat(`${this.file}-wal`), this.#logId)) return 'log';
    this.#seen = stats;
    return null;
  }

  /**
   * True if only the log was removed and no other program has used the file since it was last found in place.
   * The open log can then be written to the file; call `rebase` afterwards.
   */
  canTakeLog(): boolean {
    const stats = this.#stat(this.file);
    if (!isSame(stats, this.#fileId) || this.#stat(`${this.file}-wal`) !== undefined) return false;
    return stats.size === this.#seen.size && stats.mtimeNs === this.#seen.mtimeNs;
  }

  /** Makes the file's current state the baseline of `canTakeLog`. */
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

function isSame(stats: BigIntStats | undefined, id: FileId): stats is BigIntStats {
  return stats !== undefined && isSameFileId(readFileId(stats), id);
}

/** Error for a ledger whose file is no longer the one that was opened. `runs` are shown in the message. */
export function createMovedError(path: string, runs: readonly string[]): RowfillError {
  const lost = runs.length === 0 ? '' : `. Runs that may be missing there: ${runs.join(', ')}`;
  return createUsageError(
    'LEDGER_MOVED',
    `The ledger was moved, replaced or deleted while it was in use: ${path}${lost}`,
    'Stop whatever changes the file (a cleanup, a restore, a sync tool) and restore the ledger before you start again; without it the same rows are paid for again.',
  );
}

function createEmptyError(path: string): RowfillError {
  return createUsageError(
    'LEDGER_EMPTY',
    `The ledger is an empty file: ${path}`,
    'rowfill never leaves an empty ledger, so its content was lost. Restore a copy. To start a new ledger, delete the file and the files next to it that end in -wal and -shm; rows that were already paid for will be paid for again.',
  );
}

function createBrokenLinkError(path: string): RowfillError {
  return createUsageError(
    'LEDGER_LINK_BROKEN',
    `The ledger is a link to a file that does not exist: ${path}`,
    'Mount the disk or restore the file that the link points to. To start a new ledger, delete the link, or choose another ledger with --ledger.',
  );
}
