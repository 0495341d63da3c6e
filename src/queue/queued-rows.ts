import { createUsageError, RowfillError } from '../errors.js';
import { Connection } from '../ledger/postgres/connection.js';
import { Sql, sql, toIdentifier } from '../ledger/postgres/sql.js';
import { isLedgerUrl, parseLedgerUrl } from '../model/ledger-url.js';
import { resolvePlace, WORK } from './open-queue.js';

/**
 * Deletes the rows of `job` from the queue of a ledger, and those of jobs that the ledger no longer has. Does nothing if
 * there is no queue. Needs no pg-boss, because a machine without workers may not have it. Throws QUEUE_NO_RIGHTS.
 */
export async function removeQueuedRows(location: string, job: string | null): Promise<void> {
  if (!isLedgerUrl(location)) return;
  const { schema } = resolvePlace(location);
  const connection = new Connection(parseLedgerUrl(location), {});
  try {
    const hasQueue = await connection.read(
      [
        sql`select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
          where nspname = ${schema} and relname = 'job'`,
      ],
      ([rows = []]) => rows.length > 0,
    );
    if (!hasQueue) return;
    const statement = sql`delete from ${new Sql(toIdentifier(schema))}.job entry
      where starts_with(entry.name, ${WORK}) and (entry.data->>'job' = ${job}
        or not exists (select from job own where own.id = entry.data->>'job'))`;
    await connection.write([statement], () => undefined);
  } catch (error) {
    if (!(error instanceof RowfillError) || error.code !== 'LEDGER_NO_RIGHTS') throw error;
    throw createUsageError(
      'QUEUE_NO_RIGHTS',
      'Rows of deleted jobs may be in the queue of the workers, and this database user may not delete them',
      `Run the same command as a user who may write in the schema ${schema}.`,
      error,
    );
  } finally {
    await connection.close();
  }
}
