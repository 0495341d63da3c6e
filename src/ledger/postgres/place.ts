import { createUsageError } from '../../errors.js';

/** Where a ledger on a server is. */
export interface PostgresPlace {
  /** For the driver: the URL without the parameter `schema`. */
  readonly url: string;
  readonly schema: string;
  /** The URL without its password, for messages. */
  readonly shown: string;
}

const DEFAULT_SCHEMA = 'rowfill';
/** PostgreSQL cuts longer names. */
const MAX_SCHEMA_BYTES = 63;

/** True for the URL of a ledger on a server. */
export function isPostgresUrl(place: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(place);
}

/** Splits the URL of a ledger. Throws a usage error, which never has the password. */
export function parsePostgresUrl(place: string): PostgresPlace {
  const url = readUrl(place);
  const schema = url.searchParams.get('schema') ?? DEFAULT_SCHEMA;
  if (schema === '' || Buffer.byteLength(schema) > MAX_SCHEMA_BYTES || /\0|^pg_/.test(schema)) {
    throw createUsageError(
      'LEDGER_URL',
      `The URL of the ledger has an invalid schema: ${JSON.stringify(schema)}`,
      `Use a name of up to ${MAX_SCHEMA_BYTES} bytes that does not start with pg_, such as ?schema=${DEFAULT_SCHEMA}.`,
    );
  }
  const shown = new URL(url);
  shown.password = '';
  shown.searchParams.delete('password');
  url.searchParams.delete('schema');
  return { url: url.href, schema, shown: shown.href };
}

function readUrl(place: string): URL {
  try {
    return new URL(place);
  } catch {
    throw createUsageError(
      'LEDGER_URL',
      'The URL of the ledger is invalid',
      'Write it like postgres://user@host:5432/database?schema=rowfill.',
    );
  }
}
