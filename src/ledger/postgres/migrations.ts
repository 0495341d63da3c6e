import type { Client, QueryResult } from 'pg';
import { createUsageError, RowfillError } from '../../errors.js';
import { createExistsError, createMissingError, type LedgerUrl } from '../../model/ledger-url.js';
import { type HeldRow, listLiving } from '../holder.js';
import type { LedgerOptions } from '../ledger.js';
import { ACCOUNT_FUNCTIONS } from './account-functions.js';
import type { Connection } from './connection.js';
import { FUNCTIONS } from './functions.js';
import { readRefusal, selectMissingRights } from './rights.js';
import { ROW_FUNCTIONS } from './row-functions.js';
import { TABLES } from './schema.js';
import { sql, toIdentifier } from './sql.js';
import { UPKEEP_FUNCTIONS } from './upkeep-functions.js';

/** Steps from one format to the next. Released ones are never changed. */
const MIGRATIONS: readonly string[] = [
  `create table format (version int not null); ${TABLES} ${FUNCTIONS} ${ROW_FUNCTIONS} ${ACCOUNT_FUNCTIONS} ${UPKEEP_FUNCTIONS}`,
];

/** All that a ledger has. */
export const CONTENT = MIGRATIONS.join(';\n');

/** Version of the format that this program reads and writes. */
const FORMAT = MIGRATIONS.length;

/**
 * Creates the ledger's schema, or brings it to this program's format. Throws LEDGER_NEWER for a newer one,
 * LEDGER_SERVER_OLD, LEDGER_MISSING if it must exist, and LEDGER_NO_RIGHTS with what the administrator must run if this user may not change it.
 * A user who lacks a right may read, but the first write is refused, so that nothing is spent that cannot be recorded.
 */
export async function migrate(
  connection: Connection,
  { isReadOnly = false, mustExist = false }: Pick<LedgerOptions, 'isReadOnly' | 'mustExist'>,
): Promise<void> {
  const { place } = connection;
  await connection.withClient(async (client) => {
    const refusal = await readServer(client, place);
    const version = await readVersion(client, place);
    if (version === FORMAT) {
      connection.refusal = refusal;
      return;
    }
    if (version > FORMAT) throw createNewerError(place, version);
    if (version === 0 && (isReadOnly || mustExist)) throw createMissingError(place.label);
    if (isReadOnly) throw createOlderError(place, version);
    await migrateTo(client, place);
  });
}

async function migrateTo(client: Client, place: LedgerUrl): Promise<void> {
  await runLocked(client, place, async () => {
    // Another process may have done it during the wait.
    const version = await readVersion(client, place);
    if (version > FORMAT) throw createNewerError(place, version);
    if (version < FORMAT) await client.query(createMigration(place, version));
  });
}

/**
 * Fills a ledger that is new or has no content, completely or not at all. Throws LEDGER_EXISTS if it has some, and
 * LEDGER_IN_USE while a process works with it. `fill` finds the tables without their schema.
 */
export async function createFilled(
  connection: Connection,
  fill: (client: Client) => Promise<void>,
): Promise<void> {
  const { place } = connection;
  await connection.withClient((client) =>
    runLocked(client, place, async () => {
      const version = await readVersion(client, place);
      if (version > FORMAT) throw createNewerError(place, version);
      if (version < FORMAT) await client.query(createMigration(place, version));
      await client.query(`set local search_path = ${toIdentifier(place.schema)}`);
      if (version > 0) await clearEmpty(client, place);
      await fill(client);
    }),
  );
}

/** What was done, asked or billed. A table that is not here has nothing without these, or what a mere opening leaves. */
const FILLED = ['ask', 'job', 'batch', 'block', 'verdict', 'spend', 'pruned_spend', 'folder', 'written'];

/** Keeps others from writing to a ledger without content, and removes what was left by opening it. */
async function clearEmpty(client: Client, place: LedgerUrl): Promise<void> {
  // Each message that writes begins with its holder.
  await client.query('lock table holder in share row exclusive mode');
  const found = await client.query(
    FILLED.map((table) => `(select from ${table} limit 1)`).join(' union all '),
  );
  if (found.rowCount !== 0) throw createExistsError(place.label);
  const { rows } = await client.query<HeldRow>(
    `select pid, started, space, boot, host, renewed_at::float8 as renewed_at,
       extract(epoch from clock_timestamp())::float8 * 1000 as now from holder where epoch = 1`,
  );
  const [process] = listLiving(rows, true);
  if (process !== undefined) {
    throw new RowfillError('busy', 'LEDGER_IN_USE', `${process} works with the ledger at ${place.label}`, {
      hint: 'Wait until it ends, or stop it with Ctrl-C. Then copy the ledger.',
    });
  }
  for (const table of ['lease', 'holder', 'account', 'salt']) await client.query(`delete from ${table}`);
}

/**
 * Lets the server draw higher numbers than those of filled tables. Draws them all, because a role for jobs may not set
 * the next one.
 */
export async function skipNumbers(client: Client, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    await client.query(
      `select count(nextval(pg_get_serial_sequence('${table}', 'number')))
       from generate_series(1, (select max(number) from ${table}))`,
    );
  }
}

/** Runs `work` in a transaction, while no other process changes the format of the ledger. */
async function runLocked(client: Client, place: LedgerUrl, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    const name = `rowfill ${place.schema}`;
    await client.query(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.text);
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw describeRights(error, place);
  }
}

/** The statements that bring a ledger from a format to this program's. */
function createMigration({ schema }: LedgerUrl, version: number): string {
  const name = toIdentifier(schema);
  // Someone who may only use the schema cannot create it, even if it exists.
  const create = version === 0 ? createSchema(name) : '';
  return `${create} set local search_path = ${name}; ${MIGRATIONS.slice(version).join(';\n')};
    delete from format; insert into format values (${FORMAT})`;
}

function createSchema(name: string): string {
  const text = name.slice(1, -1).replaceAll("'", "''").replaceAll('""', '"');
  return `do $do$ begin
    if not exists (select 1 from pg_catalog.pg_namespace where nspname = '${text}') then
      execute format('create schema %I', '${text}');
    end if;
  end $do$;`;
}

/** The format of the ledger; 0 if there is none. */
async function readVersion(client: Client, { schema }: LedgerUrl): Promise<number> {
  // A query of the catalog sees what another process has created, even in this transaction; `to_regclass` may not.
  const { rowCount } = await client.query(
    sql`select 1 from pg_catalog.pg_tables where schemaname = ${schema} and tablename = 'format'`.text,
  );
  if (rowCount === 0) return 0;
  const { rows } = await client.query(`select version from ${toIdentifier(schema)}.format`);
  return Number(rows[0]?.version ?? 0);
}

function createNewerError({ label }: LedgerUrl, version: number): RowfillError {
  return createUsageError(
    'LEDGER_NEWER',
    `The ledger was written by a newer rowfill: ${label} has format ${version}, this rowfill supports format ${FORMAT}`,
    'Update rowfill, or use another ledger.',
  );
}

function createOlderError({ label }: LedgerUrl, version: number): RowfillError {
  return createUsageError(
    'LEDGER_OLD',
    `The ledger was written by an older rowfill: ${label} has format ${version}, this rowfill supports format ${FORMAT}`,
    'Run rowfill ledger create as its owner, to bring it up to date.',
  );
}

/** The oldest major version with all that a ledger uses. */
const LEAST_SERVER = 13;

/** Reads why this user may not write; null if it may. Throws LEDGER_SERVER_OLD. */
async function readServer(client: Client, place: LedgerUrl): Promise<RowfillError | null> {
  const server = "select current_setting('server_version_num')::int as version";
  const results: unknown = await client.query(`${server}; ${selectMissingRights(place, CONTENT).text}`);
  const [facts, rights] = results as readonly QueryResult[];
  const version = Math.floor(Number(facts?.rows[0]?.version) / 10_000);
  if (version >= LEAST_SERVER) return readRefusal(rights?.rows[0], place);
  throw createUsageError(
    'LEDGER_SERVER_OLD',
    `The server of the ledger is PostgreSQL ${version}: ${place.label}`,
    `Use version ${LEAST_SERVER} or later.`,
  );
}

/** Names the statement that the administrator must run. */
function describeRights(error: unknown, { label, schema }: LedgerUrl): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '42501') return error;
  return new RowfillError(
    'usage',
    'LEDGER_NO_RIGHTS',
    `This user may not create or fill the ledger: ${label} (${error.message})`,
    {
      hint: `Let the owner of the ledger run rowfill ledger create, or this command (docs/teams.md). Or ask the administrator of the database to run: CREATE SCHEMA IF NOT EXISTS ${toIdentifier(schema)}; ALTER SCHEMA ${toIdentifier(schema)} OWNER TO <user>;`,
      cause: error,
    },
  );
}
