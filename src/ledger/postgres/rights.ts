import { createUsageError, type RowfillError } from '../../errors.js';
import { formatList, formatNumber } from '../../model/format.js';
import type { LedgerUrl } from '../../model/ledger-url.js';
import { type Sql, sql, textArray, toIdentifier } from './sql.js';

/** What a user may not do in a ledger. */
interface MissingRights {
  readonly user: string;
  /** The role that created its tables, and will create those of later versions. */
  readonly owner: string;
  /** Tables that the user may not read or not write. */
  readonly tables: readonly string[];
  /** Functions that the user may not call. */
  readonly functions: readonly string[];
}

/** Selects the rights that this user lacks on what `migrations` create: one row of `MissingRights`; none without a ledger. */
export function selectMissingRights({ schema }: LedgerUrl, migrations: string): Sql {
  // By name, because the schema may have tables of other programs.
  const listCreated = (kind: string): Sql =>
    textArray(
      [...migrations.matchAll(new RegExp(`\\bcreate ${kind} (\\w+)`, 'g'))].map(([, name = '']) => name),
    );
  return sql`select current_user::text as user, pg_get_userbyid(format.relowner)::text as owner,
      array(select relname::text from pg_catalog.pg_class
        where relnamespace = place.oid and relkind = 'r' and relname = any(${listCreated('table')})
          and not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
            and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete')) order by 1) as tables,
      array(select proname::text from pg_catalog.pg_proc
        where pronamespace = place.oid and proname = any(${listCreated('function')})
          and not has_function_privilege(oid, 'execute') order by 1) as functions
    from pg_catalog.pg_namespace place join pg_catalog.pg_class format on format.relnamespace = place.oid
    where place.nspname = ${schema} and format.relname = 'format'`;
}

/** Error for the row of `selectMissingRights`. Null if nothing is missing. */
export function readRefusal(row: object | undefined, { label, schema }: LedgerUrl): RowfillError | null {
  if (row === undefined) return null;
  const rights = row as MissingRights;
  const { user, tables, functions } = rights;
  const parts: string[] = [];
  if (tables.length > 0) parts.push(`${formatNumber(tables.length, 'table')} (${listSome(tables)})`);
  if (functions.length > 0)
    parts.push(`${formatNumber(functions.length, 'function')} (${listSome(functions)})`);
  if (parts.length === 0) return null;
  return createUsageError(
    'LEDGER_NO_RIGHTS',
    `The role ${user} lacks rights on ${parts.join(' and ')} of the ledger ${label}`,
    `Let the owner of the ledger run: ${createGrants(schema, rights)}`,
  );
}

/** Names at most this many. */
const MAX_NAMED = 6;

function listSome(names: readonly string[]): string {
  return formatList(names.length > MAX_NAMED ? [...names.slice(0, MAX_NAMED), '…'] : names);
}

/** What a user needs who may not create tables, also for the tables of later versions. */
export function createGrants(schema: string, rights?: MissingRights): string {
  const name = toIdentifier(schema);
  const user = rights === undefined ? '<user>' : toIdentifier(rights.user);
  const owner = rights === undefined ? '<owner>' : toIdentifier(rights.owner);
  const grant = (what: string, all: string): string =>
    `GRANT ${what} ON ALL ${all} IN SCHEMA ${name} TO ${user}; ` +
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA ${name} GRANT ${what} ON ${all} TO ${user};`;
  return [
    `GRANT USAGE ON SCHEMA ${name} TO ${user};`,
    grant('SELECT, INSERT, UPDATE, DELETE', 'TABLES'),
    ...((rights?.functions.length ?? 0) > 0 ? [grant('EXECUTE', 'FUNCTIONS')] : []),
  ].join(' ');
}
