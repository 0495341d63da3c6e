import { createLeaseLostError, createUsageError, RowfillError } from '../../errors.js';
import type { LedgerUrl } from '../../model/ledger-url.js';
import { createGrants } from './rights.js';

/** A table or function exists already, or lacks a column: the schema is that of another program. */
const OTHER: ReadonlySet<string> = new Set(['42P07', '42723', '42703']);
/** Another message has won: a deadlock, a conflict of concurrent changes, or a row that both add. */
const CONFLICTS: ReadonlySet<string> = new Set(['40P01', '40001', '23505']);
/** Raised by \`refuse_lost\`. */
const TAKEN_OVER = 'RF002';
/** The message waited too long for a lock, or was cancelled: by an administrator, or after the user's statement_timeout. */
const LOCKED: ReadonlySet<string> = new Set(['55P03', '57014']);
/** Faults of TLS. Trying again does not help. */
const TLS =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_|ERR_SSL_|EPROTO)/;
/** A certificate or a key that this machine cannot use. */
const TLS_FILE = /^ERR_(?:OSSL|CRYPTO)_/;
/**
 * The server is shutting down, starting, ended the session or a transaction after a time, or has no connection or memory
 * left. Class 08 are errors of the connection.
 */
const AWAY = /^(?:57P0[1-5]|25P0[34]|53[23]00|08...)$/;
/** Faults of the server's system, such as of its disk. */
const BROKEN = /^58/;
/** A function, table or schema does not exist, or this user may not see it. */
const UNSEEN: ReadonlySet<string> = new Set(['42883', '42P01', '3F000']);

/** True for an error after which the message can be sent again: nothing was done, or it is unknown whether. */
export function isRepeatable(error: unknown): boolean {
  return isLost(error) || isLocked(error) || CONFLICTS.has(readCode(error));
}

export function isLocked(error: unknown): boolean {
  return LOCKED.has(readCode(error));
}

/** True if the connection failed, so that it is unknown whether the message was done. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof RowfillError) return false;
  const code = readCode(error);
  if (isOfTls(error) || isOfFile(error)) return false;
  // Codes of the system and of Node, except for wrong arguments. The driver's own errors of a connection have no code.
  return (
    AWAY.test(code) ||
    /^E(?!RR_(?:INVALID|OUT_OF|SOCKET_BAD))[A-Z_]+$/.test(code) ||
    (code === '' && /connection|timeout/i.test(error.message))
  );
}

/** True if the server refuses to write, as a standby does, or a primary that is being replaced. */
export function isReadOnlyServer(error: unknown): boolean {
  return readCode(error) === '25006';
}

function isOfTls(error: Error): boolean {
  const code = readCode(error);
  return TLS.test(code) || (code === '' && /SSL connection|certificate/i.test(error.message));
}

/** True for a file that the URL names, such as a certificate, and not for a socket. */
function isOfFile(error: Error): boolean {
  const code = readCode(error);
  if (TLS_FILE.test(code) || code === 'EISDIR') return true;
  return 'path' in error && !('syscall' in error && error.syscall === 'connect');
}

/** Converts an error of the driver to one that names the ledger and says what to do. */
export function describePostgresError(error: unknown, { label, schema }: LedgerUrl): unknown {
  if (error instanceof RowfillError || !(error instanceof Error)) return error;
  const code = readCode(error);
  if (code === TAKEN_OVER) return createLeaseLostError();
  const usage = (name: string, message: string, hint: string): RowfillError =>
    createUsageError(name, `${message}: ${label} (${describeCause(error)})`, hint, error);
  if (isLocked(error) || CONFLICTS.has(code)) {
    return usage(
      'LEDGER_LOCKED',
      code === '57014' ? 'The server cancels what rowfill asks' : 'Another program has locked the ledger',
      'End the program or session that holds a lock on its tables, and run the same command again. A statement_timeout of the user must be longer than a second.',
    );
  }
  const unreachable = (message: string, hint: string): RowfillError =>
    new RowfillError('unreachable', 'LEDGER_UNREACHABLE', `${message}: ${label} (${describeCause(error)})`, {
      hint: `${hint} Run the same command again to continue.`,
      cause: error,
    });
  if (BROKEN.test(code))
    return unreachable('The server of the ledger has a fault of its own', 'Look at its log.');
  if (isLost(error)) {
    return unreachable(
      'The server of the ledger cannot be reached',
      'Check host, port and network, and that the server runs.',
    );
  }
  if (isOfTls(error)) return describeTls(error, usage);
  if (isOfFile(error))
    return usage(
      'LEDGER_TLS',
      'A certificate or key in the URL of the ledger cannot be read',
      'Check the paths in sslrootcert, sslcert and sslkey. The files are in PEM format, and the key belongs to sslcert.',
    );
  // The driver's own error, without a code.
  if (/client password must be a/.test(error.message)) {
    const message = `The server of the ledger wants a password, and there is none: ${label}`;
    return createUsageError('LEDGER_LOGIN', message, PASSWORD, error);
  }
  // PostgreSQL says that something does not exist to a user who has no right to its schema.
  if (UNSEEN.has(code)) {
    return usage(
      'LEDGER_NO_RIGHTS',
      `This user may not use the schema ${schema}, or it is gone`,
      `Ask the administrator of the database to run rowfill ledger create, and for: ${createGrants(schema)}`,
    );
  }
  if (OTHER.has(code)) {
    return usage(
      'LEDGER_NOT_A_LEDGER',
      `The schema ${schema} has tables that are not those of a ledger of this rowfill`,
      'Name another schema in the URL: ?schema=NAME.',
    );
  }
  switch (code) {
    case '28P01':
    case '28000':
      return usage(
        'LEDGER_LOGIN',
        'The server of the ledger refuses this user',
        `Check the user in the URL. ${PASSWORD}`,
      );
    case '3D000':
      return usage(
        'LEDGER_NO_DATABASE',
        'The server does not have the database of the ledger',
        'Check its name in the URL, or create it with: create database NAME',
      );
    case '42501':
      return usage(
        'LEDGER_NO_RIGHTS',
        'This user may not use the ledger',
        `Ask the administrator of the database for: ${createGrants(schema)}`,
      );
    case '53100':
    case '54000':
      return usage(
        'LEDGER_FULL',
        'The disk of the server is full',
        'Free some space and run the same command again to continue.',
      );
    case '25006':
      return usage(
        'LEDGER_NOT_WRITABLE',
        'The server of the ledger only allows reading',
        'Use the URL of the primary server.',
      );
    case 'XX001':
    case 'XX002':
      return usage('LEDGER_DAMAGED', 'The ledger is damaged', 'Restore a backup of the database.');
    default:
      return error;
  }
}

const PASSWORD =
  'The password comes from ROWFILL_LEDGER (the whole URL), PGPASSWORD, or a password file (~/.pgpass), which only its owner may read (chmod 600).';

/** Converts an error of opening a connection that has no name yet: the driver or the server refuses a setting. */
export function describeOpeningError(error: unknown, place: LedgerUrl): unknown {
  if (!(error instanceof Error) || error instanceof RowfillError || isRepeatable(error)) return error;
  if (describePostgresError(error, place) !== error) return error;
  return createUsageError(
    'LEDGER_URL',
    `A setting of the connection to the ledger is not accepted: ${place.label} (${error.message})`,
    'Correct it in the URL of the ledger, or in the variable that it comes from, such as PGPORT or PGOPTIONS.',
    error,
  );
}

function describeTls(
  error: Error,
  usage: (name: string, message: string, hint: string) => RowfillError,
): RowfillError {
  return /does not support SSL/.test(error.message)
    ? usage('LEDGER_TLS', 'The server of the ledger does not use TLS', 'Leave sslmode out of the URL.')
    : usage(
        'LEDGER_TLS',
        'The certificate of the ledger’s server is not trusted',
        'Name the certificate of its authority in the URL: sslrootcert=FILE. The host in the URL must be the one in the certificate.',
      );
}

/** An error of several addresses has its texts in its parts. */
function describeCause(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message;
  return error.errors
    .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
    .join('; ');
}

/** The code of an error of the driver or the system; empty if it has none. */
export function readCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
