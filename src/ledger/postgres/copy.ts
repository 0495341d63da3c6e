import type { Client } from 'pg';
import { type LedgerUrl, parseLedgerUrl } from '../../model/ledger-url.js';
import { Connection } from './connection.js';
import { createFilled, skipNumbers } from './migrations.js';
import { Sql, sql, toIdentifier } from './sql.js';

const TABLES = [
  ...[
    'ask',
    'ask_version',
    'ask_count',
    'job',
    'job_count',
    'found',
    'holder',
    'salt',
    'account',
    'lease',
    'batch',
  ],
  ...['block', 'row_block', 'verdict', 'spend', 'pruned_spend', 'folder', 'written'],
];
/** Tables whose numbers the server draws. */
const NUMBERED = ['ask', 'ask_version', 'job', 'written'];
/** Rows read at a time: a block may have some 100 KB. */
const FETCHED_ROWS = 200;

/** Writes a complete copy to another schema, on this or another server, or nothing at all. */
export async function copyLedger(place: LedgerUrl, url: string): Promise<void> {
  const from = new Connection(place, {});
  const to = new Connection(parseLedgerUrl(url), {});
  try {
    await from.withClient(async (source) => {
      // One snapshot for all tables.
      await source.query('begin isolation level repeatable read read only');
      try {
        await createFilled(to, (target) => copyTables(source, place.schema, target));
      } finally {
        await source.query('rollback').catch(() => undefined);
      }
    });
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}

async function copyTables(source: Client, schema: string, target: Client): Promise<void> {
  for (const table of TABLES) {
    const from = `${toIdentifier(schema)}.${table}`;
    await source.query(`declare copied cursor for select to_json(t)::text as row from ${from} t`);
    for (;;) {
      const { rows } = await source.query<{ row: string }>(`fetch ${FETCHED_ROWS} from copied`);
      if (rows.length === 0) break;
      const list = `[${rows.map(({ row }) => row).join(',')}]`;
      const all = sql`json_populate_recordset(null::${new Sql(table)}, ${list}::json)`;
      await target.query(`insert into ${table} overriding system value select * from ${all.text}`);
    }
    await source.query('close copied');
  }
  await skipNumbers(target, NUMBERED);
}
