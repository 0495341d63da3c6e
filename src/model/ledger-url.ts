import { createUsageError, type RowfillError } from '../errors.js';
import { suggestSimilar } from './format.js';

/** A ledger on a PostgreSQL server, from its URL. */
export interface LedgerUrl {
  /** What the driver gets. May have a password, so it is never shown. */
  readonly driverUrl: string;
  /** Schema of the ledger's tables: needs no quotes in SQL. */
  readonly schema: string;
  /** The URL as messages show it: without password, and without the settings of the connection. */
  readonly label: string;
  /** What must never be shown, decoded. */
  readonly passwords: readonly string[];
}

const DEFAULT_SCHEMA = 'rowfill';
const EXAMPLE = 'postgres://rowfill@db.example.com/rowfill';

/** True for a ledger on a server, false for the path of a file. Throws LEDGER_URL for a URL of another kind. */
export function isLedgerUrl(location: string): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase();
  if (scheme === undefined) return false;
  if (scheme === 'postgres' || scheme === 'postgresql') return true;
  throw createUsageError(
    'LEDGER_URL',
    `a ledger cannot be at a ${scheme}:// URL`,
    `Use the path of a file, or a URL such as ${EXAMPLE}.`,
  );
}

/** A ledger's location as messages show it: a path as it is, a URL without its secrets. */
export function describeLedger(location: string): string {
  return isLedgerUrl(location) ? parseLedgerUrl(location).label : location;
}

/**
 * Parses the URL of a ledger. The schema is its parameter `schema`; all else is the driver's. Throws LEDGER_URL, whose
 * message never quotes the URL, because a malformed one may have a password anywhere.
 */
export function parseLedgerUrl(text: string): LedgerUrl {
  const url = parseUrl(text);
  const parameters = url.searchParams;
  const odd = [...parameters.keys()].find((name) => !/^[a-z_]+$/i.test(name));
  // A password with one of these characters ends up in any of these places.
  if (url.hash !== '' || /[/@].|:/.test(url.pathname.slice(1)) || odd !== undefined) throw createMalformed();
  const schema = parameters.get('schema') ?? DEFAULT_SCHEMA;
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw createUsageError(
      'LEDGER_URL',
      `the schema of the ledger is ${JSON.stringify(schema)}`,
      'Use up to 63 lower-case letters, digits and underscores. It must start with a letter, and not with pg_.',
    );
  }
  const unknown = [...parameters.keys()].find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw createUnknown(unknown);
  parameters.delete('schema');
  useStrictTls(parameters);
  return {
    driverUrl: url.href,
    schema,
    label: createLabel(url, schema),
    passwords: listPasswords(url),
  };
}

/** Parses a URL. Without a host, as for a Unix socket, the user becomes a parameter, since a URL has no other place. */
function parseUrl(text: string): URL {
  const hostless = /^(postgres(?:ql)?:\/\/)([^/?#@:]*)(?::([^/?#@]*))?@(?=[/?]|$)(.*)$/i.exec(text);
  try {
    if (hostless === null) return new URL(text);
    const [, scheme = '', user = '', password = '', rest = ''] = hostless;
    const url = new URL(scheme + rest);
    if (user !== '') url.searchParams.set('user', decodeURIComponent(user));
    if (password !== '') url.searchParams.set('password', decodeURIComponent(password));
    return url;
  } catch {
    throw createMalformed();
  }
}

/** There is no ledger at a path, or in the schema of a URL. */
export function createMissingError(location: string): RowfillError {
  return isLedgerUrl(location)
    ? createUsageError(
        'LEDGER_MISSING',
        `There is no ledger at ${describeLedger(location)}`,
        'Check the database and the schema in the URL. The first job creates the ledger.',
      )
    : createUsageError('LEDGER_MISSING', `There is no ledger at ${location}`, 'Check the path.');
}

/** There is something in the way of a copy. */
export function createExistsError(location: string): RowfillError {
  return createUsageError(
    'LEDGER_EXISTS',
    `${describeLedger(location)} exists already`,
    isLedgerUrl(location)
      ? 'Choose another schema: add ?schema=NAME to the URL.'
      : 'Choose another path, or move the file away.',
  );
}

function createMalformed(): RowfillError {
  return createUsageError(
    'LEDGER_URL',
    'the URL of the ledger is malformed',
    `Write it like ${EXAMPLE}. In a user name or a password, write / as %2F, @ as %40, # as %23, ? as %3F, : as %3A, and % as %25.`,
  );
}

/** What the URL may say, besides its parts: ours, and what the driver `pg` reads. */
const READ = [
  ...['schema', 'host', 'port', 'user', 'password', 'options', 'replication', 'client_encoding', 'binary'],
  ...['application_name', 'fallback_application_name'],
  ...['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'sslnegotiation', 'uselibpqcompat'],
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'query_timeout'],
  ...['connectionTimeoutMillis', 'keepAlive', 'keepAliveInitialDelayMillis', 'enableChannelBinding'],
];

/** Parameters of libpq that the driver leaves out, in the URLs of other programs. None says where the server is. */
const LEFT_OUT = [
  ...['connect_timeout', 'tcp_user_timeout', 'target_session_attrs', 'channel_binding', 'gssencmode'],
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count'],
  ...['sslcompression', 'sslsni', 'sslpassword', 'ssl_min_protocol_version'],
];

const KNOWN = [...READ, ...LEFT_OUT];

/** Does not quote the name: it may be a part of a password. */
function createUnknown(name: string): RowfillError {
  const [near] = suggestSimilar(name, READ);
  return createUsageError(
    'LEDGER_URL',
    'the URL of the ledger has a parameter that is not known',
    near === undefined
      ? `Remove it. Parameters are ${READ.slice(0, 5).join(', ')}, sslmode and others of the driver pg; the database is the path, as in ${EXAMPLE}. In a password, write ? as %3F and & as %26.`
      : `Did you mean ${near}?`,
  );
}

/** The driver checks the certificate for each of these, but warns that its next version will not. */
function useStrictTls(parameters: URLSearchParams): void {
  if (parameters.get('uselibpqcompat') === 'true') return;
  if (/^(?:prefer|require|verify-ca)$/.test(parameters.get('sslmode') ?? ''))
    parameters.set('sslmode', 'verify-full');
}

function listPasswords(url: URL): string[] {
  const given = [...url.searchParams].filter(([name]) => /password/i.test(name)).map(([, value]) => value);
  return [decodeURIComponent(url.password), ...given].filter((password) => password !== '');
}

/** Where a server is, if the URL itself does not say it. */
const SHOWN = ['host', 'port', 'user'];

function createLabel(url: URL, schema: string): string {
  const label = new URL(url);
  label.password = '';
  label.search = '';
  for (const name of SHOWN) {
    const value = url.searchParams.get(name);
    if (value !== null) label.searchParams.set(name, value);
  }
  if (schema !== DEFAULT_SCHEMA) label.searchParams.set('schema', schema);
  const [place = '', query] = label.href.split('?');
  // A socket's folder is easier to read like this, and still the same URL.
  return query === undefined ? place : `${place}?${query.replaceAll('%2F', '/')}`;
}
