import { createUsageError, RowfillError } from '../../errors.js';
import type { PostgresPlace } from './place.js';

/** The other message has won: a deadlock, or a conflict of concurrent changes. */
const CONFLICTS: ReadonlySet<string> = new Set(['40P01', '40001']);
/** The message waited too long for a lock. */
const LOCKED = '55P03';
/** The server is shutting down, starting, or has no connection left. Class 08 are errors of the connection. */
const AWAY = /^(?:57P0[1-3]|53300|08...)$/;

/** True for an error after which the message can be sent again: nothing was done, or it is unknown whether. */
export function isRepeatable(error: unknown): boolean {
  return isLost(error) || isLocked(error) || CONFLICTS.has(readCode(error));
}

export function isLocked(error: unknown): boolean {
  return readCode(error) === LOCKED;
}

/** True if the connection failed, so that it is unknown whether the message was done. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof RowfillError) return false;
  const code = readCode(error);
  // The driver's own errors of a connection have no code.
  return (
    AWAY.test(code) || /^E[A-Z_]+$/.test(code) || (code === '' && /connection|timeout/i.test(error.message))
  );
}

/** Converts an error of the driver to one that names the ledger and says what to do. */
export function describePostgresError(error: unknown, { shown, schema }: PostgresPlace): unknown {
  if (error instanceof RowfillError || !(error instanceof Error)) return error;
  const code = readCode(error);
  const usage = (name: string, message: string, hint: string): RowfillError =>
    createUsageError(name, `${message}: ${shown} (${error.message})`, hint, error);
  if (isLocked(error) || CONFLICTS.has(code)) {
    return usage(
      'LEDGER_LOCKED',
      'Another program has locked the ledger',
      'End the program or session that holds a lock on its tables, and run the same command again.',
    );
  }
  if (isLost(error)) {
    return usage(
      'LEDGER_UNREACHABLE',
      'The server of the ledger cannot be reached',
      'Check host, port and network. Run the same command again to continue.',
    );
  }
  switch (code) {
    case '28P01':
    case '28000':
      return usage(
        'LEDGER_LOGIN',
        'The server of the ledger refuses this user',
        'Check the user, and its password in PGPASSWORD or the password file.',
      );
    case '3D000':
      return usage(
        'LEDGER_MISSING',
        'The database of the ledger does not exist',
        'Check its name, or create it.',
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

/** What a user needs that may not create tables. */
export function createGrants(schema: string): string {
  const name = `"${schema.replaceAll('"', '""')}"`;
  return (
    `GRANT USAGE ON SCHEMA ${name} TO <user>; ` +
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${name} TO <user>;`
  );
}

function readCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
