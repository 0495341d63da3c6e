import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { releaseFiles } from '../model/release-files.js';
import type { Ledger, LedgerOptions } from './ledger.js';
import { describeLedgerError } from './sqlite/database-errors.js';
import { openSqliteLedger } from './sqlite/sqlite-ledger.js';

/** Opens the ledger. Creates it if there is none, with folder and file accessible only by their owner. */
export async function openLedger(path: string, options: LedgerOptions = {}): Promise<Ledger> {
  try {
    return openSqliteLedger(path, options);
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
