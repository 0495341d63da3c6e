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

/**
 * True for a ledger on a server, false for the path of a file. Throws LEDGER_URL for all else that looks like a URL: as
 * a path it would be a new ledger, and everything would be paid for again.
 */
export function isLedgerUrl(location: string): boolean {
  if (/^postgres(?:ql)?:\/\//i.test(location)) return true;
  if (location.trim() === '') {
    const hint = `Name the path of a file, or a URL such as ${EXAMPLE}.`;
    throw createUsageError('LEDGER_URL', 'the path of the ledger is empty', hint);
  }
  if (PATH.test(location) || !URL_SIGNS.some((sign) => sign.test(location))) return false;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase();
  throw createUsageError(
    'LEDGER_URL',
    scheme === undefined
      ? 'the ledger looks like a URL, but is not the URL of a PostgreSQL database'
      : `a ledger cannot be at a ${scheme}:// URL`,
    `Use the path of a file, or a URL such as ${EXAMPLE}, without quotes around it. If it is a path, start it with ./ or /.`,
  );
}

/** The start of what can only be a path. */
const PATH = /^(?:\.{0,2}[/\\](?![/\\])|[a-z]:[/\\])/i;

/** What a URL has even if it is mistyped, quoted, or copied with more than itself. */
const URL_SIGNS: readonly RegExp[] = [
  /:\/\/|:.*@/s,
  /^[a-z][a-z0-9+.-]+:[/\\]/i,
  /^postgres(?:ql)?(?:\s*[:;]|\/\/)/i,
  /^\s*["'`“”„‘’«<]/,
  // As libpq writes it.
  /(?:^|\s)(?:host|hostaddr|user|password|dbname|service)\s*=/i,
];

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
  const names = [...parameters.keys()];
  // A password with one of these characters ends up in any of these places.
  const isOdd = names.some((name) => !/^[a-z_]+$/i.test(name));
  if (url.hash !== '' || /[/@].|:/.test(url.pathname.slice(1)) || isOdd) throw createMalformed();
  checkParameters(names);
  const schema = parameters.get('schema') ?? DEFAULT_SCHEMA;
  if (!/^(?!pg_|information_schema$)[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw createUsageError(
      'LEDGER_URL',
      `the schema of the ledger is ${JSON.stringify(schema)}`,
      'Use up to 63 lower-case letters, digits and underscores. It must start with a letter, and not with pg_, and not be information_schema.',
    );
  }
  for (const port of [url.port, parameters.get('port') ?? ''])
    if (port !== '' && !isPort(port)) throw createPortError();
  checkTls(parameters);
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
    // A % that encodes nothing. The driver would stumble over it.
    decodeURIComponent(text);
    if (hostless === null) return new URL(text);
    const [, scheme = '', user = '', password = '', rest = ''] = hostless;
    const url = new URL(scheme + rest);
    if (user !== '') url.searchParams.set('user', decodeURIComponent(user));
    if (password !== '') url.searchParams.set('password', decodeURIComponent(password));
    return url;
  } catch {
    const port = PORT.exec(text)?.[1] ?? '';
    throw port === '' || isPort(port) ? createMalformed() : createPortError();
  }
}

/** The port of a URL: after the last @, or after the only name. */
const PORT = /^[a-z]+:\/\/(?:.*@|(?!.*@))(?:\[[^\]]*\]|[^/?#@:[]*):([^/?#@]*)(?=[/?]|$)/is;

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536;
}

function createPortError(): RowfillError {
  return createUsageError(
    'LEDGER_URL',
    'the port in the URL of the ledger is not a number from 1 to 65535',
    `Write it like postgres://rowfill@db.example.com:5432/rowfill. ${ENCODE}`,
  );
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
  return isLedgerUrl(location)
    ? createUsageError(
        'LEDGER_EXISTS',
        `The ledger at ${describeLedger(location)} has content already`,
        'Choose another schema: add ?schema=NAME to the URL.',
      )
    : createUsageError(
        'LEDGER_EXISTS',
        `${location} exists already`,
        'Choose another path, or move the file away.',
      );
}

function createMalformed(): RowfillError {
  return createUsageError(
    'LEDGER_URL',
    'the URL of the ledger is malformed',
    `Write it like ${EXAMPLE}. ${ENCODE}`,
  );
}

const ENCODE =
  'In a user name or a password, write / as %2F, @ as %40, # as %23, ? as %3F, : as %3A, and % as %25.';

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

function checkParameters(names: readonly string[]): void {
  const unknown = names.find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw createUnknown(unknown);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice === undefined) return;
  throw createUsageError('LEDGER_URL', `the URL of the ledger has ${twice} twice`, 'Give it once.');
}

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

/** What the driver takes for `sslmode`. It would take another word for a mode that the person did not choose. */
const TLS_MODES: readonly string[] = [
  'verify-full',
  'verify-ca',
  'require',
  'prefer',
  'no-verify',
  'disable',
];

function checkTls(parameters: URLSearchParams): void {
  const [mode, ssl] = [parameters.get('sslmode'), parameters.get('ssl')];
  if (mode !== null) checkTlsMode('sslmode in the URL of the ledger', mode);
  if (ssl === null || ['true', '1', '0', 'no-verify'].includes(ssl)) return;
  throw createUsageError(
    'LEDGER_URL',
    'ssl in the URL of the ledger has a value that is not known',
    'Write sslmode=verify-full, or sslmode=disable to use no TLS.',
  );
}

/** Throws LEDGER_URL for a TLS mode that is not known. Does not quote it, since it may have a part of a password. */
export function checkTlsMode(name: string, mode: string): void {
  if (TLS_MODES.includes(mode)) return;
  const [near] = suggestSimilar(mode.toLowerCase().replaceAll('_', '-'), TLS_MODES);
  throw createUsageError(
    'LEDGER_URL',
    `${name} is not a mode that is known`,
    `${near === undefined ? '' : `Did you mean ${near}? `}The modes are ${TLS_MODES.join(', ')}.`,
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
