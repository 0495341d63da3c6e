import type { Client } from 'pg';
import { createUsageError, RowfillError } from '../../errors.js';
import type { Connection } from './connection.js';
import { FUNCTIONS } from './functions.js';
import type { PostgresPlace } from './place.js';
import { TABLES } from './schema.js';
import { sql, toIdentifier } from './sql.js';
import { UPKEEP_FUNCTIONS } from './upkeep-functions.js';

/** Steps from one format to the next. Released ones are never changed. */
const MIGRATIONS: readonly string[] = [
  `create table format (version int not null); ${TABLES} ${FUNCTIONS} ${UPKEEP_FUNCTIONS}`,
];

/** Version of the format that this program reads and writes. */
const FORMAT = MIGRATIONS.length;

/**
 * Creates the ledger's schema, or brings it to this program's format. Throws LEDGER_NEWER for a newer one, and
 * LEDGER_NO_RIGHTS with what the administrator must run if this user may not change it.
 */
export async function migrate(connection: Connection, isReadOnly: boolean): Promise<void> {
  const { place } = connection;
  await connection.withClient(async (client) => {
    const version = await readVersion(client, place);
    if (version === FORMAT) return;
    if (version > FORMAT) throw createNewerError(place, version);
    if (isReadOnly) throw createMissingError(place, version);
    await migrateTo(client, place);
  });
}

async function migrateTo(client: Client, place: PostgresPlace): Promise<void> {
  await runLocked(client, place, async () => {
    // Another process may have done it during the wait.
    const version = await readVersion(client, place);
    if (version > FORMAT) throw createNewerError(place, version);
    if (version < FORMAT) await client.query(createMigration(place, version));
  });
}

/**
 * Creates a ledger and fills it, completely or not at all. Throws LEDGER_EXISTS if there is one. `fill` finds the tables
 * without their schema.
 */
export async function createFilled(
  connection: Connection,
  fill: (client: Client) => Promise<void>,
): Promise<void> {
  const { place } = connection;
  await connection.withClient((client) =>
    runLocked(client, place, async () => {
      if ((await readVersion(client, place)) > 0) {
        throw createUsageError(
          'LEDGER_EXISTS',
          `There is a ledger at ${place.shown}`,
          'Choose another schema.',
        );
      }
      await client.query(createMigration(place, 0));
      await fill(client);
    }),
  );
}

/** Runs `work` in a transaction, while no other process changes the format of the ledger. */
async function runLocked(client: Client, place: PostgresPlace, work: () => Promise<void>): Promise<void> {
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
function createMigration({ schema }: PostgresPlace, version: number): string {
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
async function readVersion(client: Client, { schema }: PostgresPlace): Promise<number> {
  // A query of the catalog sees what another process has created, even in this transaction; `to_regclass` may not.
  const { rowCount } = await client.query(
    sql`select 1 from pg_catalog.pg_tables where schemaname = ${schema} and tablename = 'format'`.text,
  );
  if (rowCount === 0) return 0;
  const { rows } = await client.query(`select version from ${toIdentifier(schema)}.format`);
  return Number(rows[0]?.version ?? 0);
}

function createNewerError({ shown }: PostgresPlace, version: number): RowfillError {
  return createUsageError(
    'LEDGER_NEWER',
    `The ledger was written by a newer rowfill: ${shown} has format ${version}, this rowfill supports format ${FORMAT}`,
    'Update rowfill, or use another ledger.',
  );
}

function createMissingError({ shown }: PostgresPlace, version: number): RowfillError {
  return version === 0
    ? createUsageError('LEDGER_MISSING', `There is no ledger at ${shown}`, 'Check the URL and its schema.')
    : createUsageError(
        'LEDGER_OLD',
        `The ledger was written by an older rowfill: ${shown} has format ${version}, this rowfill supports format ${FORMAT}`,
        'Run a command that writes to it, such as rowfill run, to bring it up to date.',
      );
}

/** Names the statement that the administrator must run. */
function describeRights(error: unknown, { shown, schema }: PostgresPlace): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '42501') return error;
  return new RowfillError(
    'usage',
    'LEDGER_NO_RIGHTS',
    `This user may not create the ledger: ${shown} (${error.message})`,
    {
      hint: `Ask the administrator of the database to run: CREATE SCHEMA IF NOT EXISTS ${toIdentifier(schema)}; ALTER SCHEMA ${toIdentifier(schema)} OWNER TO <user>;`,
      cause: error,
    },
  );
}
