import { accessSync, constants, statSync } from 'node:fs';
import { createUsageError, describeSystemError, RowfillError } from '../../errors.js';

/** SQLite's error code, if the driver reports one, else empty. */
export function readSqliteCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const code = 'code' in error ? String(error.code) : '';
  const rawCode = 'rawCode' in error ? Number(error.rawCode) : Number.NaN;
  // The driver names only some extended codes; the low byte of the number is the primary code.
  if (code.startsWith('UNKNOWN_SQLITE_ERROR') || code === '') {
    const opening = OPENING.exec(error.message);
    return FAMILIES[(opening ? Number(opening[1]) : rawCode) & 0xff] ?? code;
  }
  return code;
}

/** The driver's words for a file that it cannot open. They say only SQLite's error code. */
const OPENING = /Unable to open connection to local database .*: (\d+)/s;

const FAMILIES: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  23: 'SQLITE_AUTH',
  26: 'SQLITE_NOTADB',
};

/** Why a file cannot be used. Of a file that SQLite cannot open, the file system knows the reason. */
function describeReason(error: Error, path: string): string {
  if (!OPENING.test(error.message)) return describeSystemError(error);
  try {
    if (statSync(path).isDirectory()) return 'it is a folder';
    accessSync(path, constants.R_OK | constants.W_OK);
    return 'SQLite cannot open it';
  } catch (reason) {
    return describeSystemError(reason);
  }
}

const MOVE = 'Choose a ledger in a folder on a local disk that you may write to, with --ledger.';

/** Converts an error of the driver or the file system to one that names the ledger and says what to do. */
export function describeLedgerError(error: unknown, path: string): unknown {
  if (error instanceof RowfillError || !(error instanceof Error)) return error;
  // Reading the stack makes text of it. Until then it keeps the failed statement, and so the file open.
  void error.stack;
  const found = readSqliteCode(error);
  // Without room for the shared memory file, SQLite reports an I/O error instead of a full disk.
  const code = found === 'SQLITE_IOERR_SHMSIZE' ? 'SQLITE_FULL' : found;
  const usage = (name: string, message: string, hint: string) =>
    createUsageError(name, `${message}: ${path} (${describeReason(error, path)})`, hint, error);
  if (/^SQLITE_IOERR_(LOCK|SHM|UNLOCK|RDLOCK|CHECKRESERVEDLOCK)/.test(code) || code === 'SQLITE_PROTOCOL') {
    return usage(
      'LEDGER_NO_LOCKS',
      'The folder of the ledger does not support file locks, as on some network drives',
      MOVE,
    );
  }
  switch (code.split('_', 2).join('_')) {
    case 'SQLITE_NOTADB':
      return usage(
        'LEDGER_NOT_A_DATABASE',
        'The ledger is not a SQLite database',
        'Move the file away, or choose another ledger with --ledger.',
      );
    case 'SQLITE_CORRUPT':
      return usage(
        'LEDGER_DAMAGED',
        'The ledger is damaged',
        'Keep a copy: `sqlite3 ledger.sqlite .recover` may recover data from it. Then move it away, or choose another ledger with --ledger.',
      );
    case 'SQLITE_FULL':
    case 'ENOSPC':
    case 'EDQUOT':
      return usage(
        'LEDGER_FULL',
        'The disk of the ledger is full',
        'Free some space and run the same command again to continue.',
      );
    case 'SQLITE_IOERR':
    case 'EIO':
    case 'EINVAL':
    case 'ESTALE':
      return usage(
        'LEDGER_NOT_WRITABLE',
        'The ledger could not be read or written',
        'Check the disk (space, quota, health) and run the same command again to continue.',
      );
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return usage(
        'LEDGER_LOCKED',
        'Another program has locked the ledger',
        'Close any program that has the file open (a database browser, a backup) and run the same command again.',
      );
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_PERM':
    case 'SQLITE_AUTH':
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ENOENT':
    case 'EISDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return usage('LEDGER_NOT_WRITABLE', 'The ledger cannot be opened for writing', MOVE);
    default:
      return error;
  }
}
