import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createUsageError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import { resolveLedgerPath } from '../ledger/ledger-path.js';
import type { OptionTable } from './command.js';
import type { Environment, Host } from './host.js';

/** The option of all commands that use a ledger. */
export const LEDGER_OPTION = {
  ledger: {
    kind: 'text',
    value: 'FILE',
    about: 'Use this ledger file.',
    fallback: 'ledger.sqlite in ROWFILL_HOME, or in the user’s data folder',
  },
} as const satisfies OptionTable;

/** Path of the ledger from `--ledger`, else from the environment. */
export function chooseLedger(env: Environment, ledger: string | undefined): string {
  return ledger === undefined ? resolveLedgerPath(env) : resolve(ledger);
}

/** Folder of the cached pages: in ROWFILL_HOME, whatever the ledger. */
export function choosePageFolder(env: Environment): string {
  return join(dirname(resolveLedgerPath(env)), 'pages');
}

/** Opens a ledger file. Throws LEDGER_MISSING if it does not exist. */
export async function openLedgerFile(host: Host, path: string, isReadOnly = false): Promise<Ledger> {
  if (!existsSync(path)) {
    throw createUsageError('LEDGER_MISSING', `There is no ledger at ${path}`, 'Check the path.');
  }
  // Loaded on demand: commands without a ledger read this option too.
  const { openLedger } = await import('../ledger/open-ledger.js');
  const onWait = (message: string): void => host.say(message);
  return openLedger(path, { clock: { now: host.now }, onWait, isReadOnly });
}

/** Opens the chosen ledger, and creates nothing. Returns null if the default one does not exist. */
export async function openExistingLedger(
  host: Host,
  ledger: string | undefined,
  isReadOnly = false,
): Promise<Ledger | null> {
  const path = chooseLedger(host.env, ledger);
  return ledger === undefined && !existsSync(path) ? null : openLedgerFile(host, path, isReadOnly);
}
