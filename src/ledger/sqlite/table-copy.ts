import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { createExistsError, createMissingError } from '../../model/ledger-url.js';
import { releaseFiles } from '../../model/release-files.js';
import { openDatabase } from '../../model/sqlite-driver.js';
import { type CopiedRecord, type CopiedValue, type CopySource, type Fill, PART } from '../copied-tables.js';
import { type HeldRow, listLiving } from '../holder.js';
import { describeLedgerError } from './database-errors.js';
import { createFolder, moveUnlessTaken, nameNew, removeDatabase, syncFile } from './ledger-file.js';
import { openSqliteLedger } from './sqlite-ledger.js';

/** Opens a ledger file to copy it. Its format is checked first. */
export async function openSqliteSource(path: string): Promise<CopySource> {
  if (!existsSync(path)) throw createMissingError(path);
  const ledger = openSqliteLedger(path, { isReadOnly: true });
  const connection = openDatabase(path);
  const all = (sql: string, ...values: CopiedValue[]): CopiedRecord[] => {
    try {
      return (connection.prepare(sql).all(...values) as CopiedRecord[]).map(toRecord);
    } catch (error) {
      throw describeLedgerError(error, path);
    }
  };
  // Everything is read as of the first query.
  connection.exec('begin');
  return {
    async readUse() {
      const [open] = all('select count(*) as count from batch');
      const held = all(
        `select distinct pid, started, space, boot, host, renewed_at, ${Date.now()} as now from holder
         where epoch = 1 and number in (select holder from lease)`,
      );
      return { openRuns: Number(open?.count), processes: listLiving(held as unknown as HeldRow[], false) };
    },
    async *readTable({ name, columns, number }) {
      const select = `select ${columns.join(', ')} from ${name}`;
      if (number === null) {
        yield all(select);
        return;
      }
      let last: CopiedValue = -1;
      for (;;) {
        const part = all(`${select} where ${number} > ? order by ${number} limit ${PART}`, last);
        const end = part.at(-1)?.[number];
        if (end === undefined) return;
        last = end;
        yield part;
      }
    },
    async close() {
      connection.close();
      await ledger.close();
    },
  };
}

/** The driver returns some blobs as bare buffers. */
function toRecord(row: CopiedRecord): CopiedRecord {
  const values = Object.entries(row).map(([name, value]): [string, CopiedValue] => [
    name,
    value instanceof ArrayBuffer ? new Uint8Array(value) : value,
  ]);
  return Object.fromEntries(values);
}

/** Creates a ledger file under a temporary name, fills it, and gives it its place. Throws LEDGER_EXISTS. */
export async function fillSqliteLedger(path: string, fill: Fill): Promise<void> {
  if (existsSync(path)) throw createExistsError(path);
  createFolder(dirname(path));
  const temporary = nameNew(path);
  try {
    await openSqliteLedger(temporary, {}).close();
    const connection = openDatabase(temporary);
    try {
      connection.exec('pragma synchronous = off; begin');
      await fill(async ({ name, columns }, records) => {
        const insert = connection.prepare(
          `insert into ${name} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
        );
        for (const record of records) insert.run(...columns.map((column) => record[column] ?? null));
      });
      connection.exec('commit; pragma wal_checkpoint(truncate)');
    } finally {
      connection.close();
      await releaseFiles();
    }
    syncFile(temporary);
    if (!moveUnlessTaken(temporary, path)) throw createExistsError(path);
    syncFile(dirname(path));
  } catch (error) {
    throw describeLedgerError(error, path);
  } finally {
    removeDatabase(temporary);
  }
}
