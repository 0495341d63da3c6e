import { dirname, join, resolve } from 'node:path';
import { RowfillError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import { resolveLedgerPath } from '../ledger/ledger-path.js';
import { type Environment, readOwnVariable, resolveOwnPath } from '../model/environment.js';
import { isLedgerUrl, parseLedgerUrl } from '../model/ledger-url.js';
import type { OptionTable } from './command.js';
import type { Host } from './host.js';
import { createPasswordError } from './refuse-passwords.js';

/** The option of all commands that use a ledger. */
export const LEDGER_OPTION = {
  ledger: {
    kind: 'text',
    value: 'FILE|URL',
    about: 'Use this ledger: a file, or a PostgreSQL database at postgres://USER@HOST/DATABASE.',
    fallback: 'ROWFILL_LEDGER, else ledger.sqlite in ROWFILL_HOME or in the user’s data folder',
  },
} as const satisfies OptionTable;

/** The ledger from `--ledger`, else from the environment: an absolute path, or a URL that may have a password. */
export function chooseLedger(env: Environment, ledger: string | undefined): string {
  if (ledger !== undefined) return resolveGivenLedger('--ledger', ledger);
  return findOwnLedger(env) ?? resolveLedgerPath(env);
}

/** Same, for commands that only need to avoid its file. Undefined if there can be none. */
export function findLedger(env: Environment): string | undefined {
  try {
    return chooseLedger(env, undefined);
  } catch {
    return undefined;
  }
}

/** The ledger that ROWFILL_LEDGER names; null if it is not set. */
function findOwnLedger(env: Environment): string | null {
  const own = readOwnVariable(env, 'ROWFILL_LEDGER');
  if (own === null) return null;
  if (isLedgerUrl(own)) {
    parseLedgerUrl(own);
    return own;
  }
  const hint = 'Set it to an absolute path, or to the URL of a PostgreSQL database.';
  return resolveOwnPath('ROWFILL_LEDGER', own, 'LEDGER_PATH', hint);
}

/** A ledger that the command line names. Throws LEDGER_PASSWORD for a URL with a password. */
export function resolveGivenLedger(name: string, location: string): string {
  const given = location.trim();
  if (!isLedgerUrl(given)) return resolve(location);
  if (parseLedgerUrl(given).passwords.length === 0) return given;
  throw createPasswordError(name);
}

/** A folder for files that only this user may read: beside the ledger's file, or in ROWFILL_HOME. */
export function chooseOwnFolder(env: Environment, ledger: string): string {
  return dirname(isLedgerUrl(ledger) ? resolveLedgerPath(env) : ledger);
}

/** Folder of the cached pages: in ROWFILL_HOME, whatever the ledger. */
export function choosePageFolder(env: Environment): string {
  return join(dirname(resolveLedgerPath(env)), 'pages');
}

/** Opens a ledger. Throws LEDGER_MISSING if it does not exist. */
export async function openNamedLedger(host: Host, location: string, isReadOnly = false): Promise<Ledger> {
  // Loaded on demand: commands without a ledger read this option too.
  const { openLedger } = await import('../ledger/open-ledger.js');
  const onWait = (message: string): void => host.say(message);
  return openLedger(location, { clock: { now: host.now }, onWait, isReadOnly, mustExist: true });
}

/** Opens the chosen ledger, and creates nothing. Returns null if no option names it, and it does not exist. */
export async function openExistingLedger(
  host: Host,
  ledger: string | undefined,
  isReadOnly = false,
): Promise<Ledger | null> {
  try {
    return await openNamedLedger(host, chooseLedger(host.env, ledger), isReadOnly);
  } catch (error) {
    const isMissing = error instanceof RowfillError && error.code === 'LEDGER_MISSING';
    if (!isMissing || ledger !== undefined) throw error;
    return null;
  }
}
