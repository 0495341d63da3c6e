import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createMissingError, isLedgerUrl } from '../model/ledger-url.js';
import { releaseFiles } from '../model/release-files.js';
import type { Ledger, LedgerOptions } from './ledger.js';
import { describeLedgerError } from './sqlite/database-errors.js';
import { openSqliteLedger } from './sqlite/sqlite-ledger.js';

/**
 * Opens the ledger at a path or URL. Creates it if there is none, unless it must exist: then throws LEDGER_MISSING. A
 * new folder and file are accessible only by their owner.
 */
export async function openLedger(location: string, options: LedgerOptions = {}): Promise<Ledger> {
  if (isLedgerUrl(location)) {
    // Loaded on demand: most ledgers are files, and the driver is optional.
    const { openPostgresLedger } = await import('./postgres/postgres-ledger.js');
    // A ledger on a server has the server's time.
    const { clock: _clock, ...own } = options;
    return openPostgresLedger(location, own);
  }
  if (options.mustExist === true && !existsSync(location)) throw createMissingError(location);
  try {
    return openSqliteLedger(location, options);
  } catch (error) {
    // A person may want to move or delete the refused file while this process still runs.
    await releaseFiles();
    throw error;
  }
}

/** Creates a trial ledger in a folder and deletes it. Rejects with what keeps a ledger from being there. */
export async function tryLedgerFolder(folder: string): Promise<void> {
  const trial = await mkdtemp(join(folder, '.rowfill-doctor-')).catch((error: unknown) => {
    throw describeLedgerError(error, folder);
  });
  try {
    await (await openLedger(join(trial, 'ledger.sqlite'))).close();
  } finally {
    await rm(trial, { recursive: true, force: true, maxRetries: 3 });
  }
}
