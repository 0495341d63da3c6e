import { createUsageError, RowfillError } from '../errors.js';
import { formatNumber } from '../model/format.js';
import { describeLedger, isLedgerUrl } from '../model/ledger-url.js';
import { COPIED_TABLES, type CopySource, type Fill } from './copied-tables.js';
import { fillSqliteLedger, openSqliteSource } from './sqlite/table-copy.js';

/**
 * Copies a whole ledger to a new one in the other store: all of it is there afterwards, or nothing. Throws
 * LEDGER_MISSING, LEDGER_EXISTS, LEDGER_HAS_RUNS while a run is open, and LEDGER_IN_USE while a process works on a job:
 * else both ledgers would collect the run, or start it again.
 */
export async function copyBetween(from: string, to: string): Promise<void> {
  const source = await openSource(from);
  try {
    await refuseUsed(source, from);
    await fillLedger(to, async (write) => {
      for (const table of COPIED_TABLES)
        for await (const records of source.readTable(table)) await write(table, records);
    });
  } finally {
    await source.close();
  }
}

async function openSource(location: string): Promise<CopySource> {
  if (!isLedgerUrl(location)) return openSqliteSource(location);
  const { openPostgresSource } = await import('./postgres/table-copy.js');
  return openPostgresSource(location);
}

async function fillLedger(location: string, fill: Fill): Promise<void> {
  if (!isLedgerUrl(location)) return fillSqliteLedger(location, fill);
  const { fillPostgresLedger } = await import('./postgres/table-copy.js');
  await fillPostgresLedger(location, fill);
}

async function refuseUsed(source: CopySource, location: string): Promise<void> {
  const { openRuns, processes } = await source.readUse();
  if (processes.length > 0) {
    const [verb, them] =
      processes.length === 1 ? ['works', 'it ends, or stop it'] : ['work', 'they end, or stop them'];
    throw new RowfillError(
      'busy',
      'LEDGER_IN_USE',
      `${processes.join(', ')} ${verb} with the ledger at ${describeLedger(location)}`,
      {
        hint: `Wait until ${them} with Ctrl-C. Then copy the ledger. A worker that waits for batches counts, too.`,
      },
    );
  }
  if (openRuns === 0) return;
  throw createUsageError(
    'LEDGER_HAS_RUNS',
    `${formatNumber(openRuns, 'run')} may still be billed to the ledger at ${describeLedger(location)}`,
    'With two ledgers, a run could be started twice. `rowfill status` shows the jobs: run each again to collect its runs, or cancel it. Then copy the ledger.',
  );
}
