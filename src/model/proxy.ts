import { createUsageError } from '../errors.js';

/**
 * Supported proxy schemes, with undici's name for each. For SOCKS, it always resolves host names at the
 * proxy.
 */
const SCHEMES: Readonly<Record<string, string>> = {
  http: 'http',
  https: 'https',
  socks: 'socks5',
  socks5: 'socks5',
  socks5h: 'socks5',
};

/** The proxy that the environment sets for an origin, or null. Lower-case variables win, as in curl. */
export function resolveProxy(
  origin: string,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  const scheme = origin.startsWith('https:') ? 'https' : 'http';
  const name = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`, 'all_proxy', 'ALL_PROXY'].find(
    (candidate) => (env[candidate] ?? '').trim() !== '',
  );
  if (name === undefined || isExempt(new URL(origin), env.no_proxy ?? env.NO_PROXY ?? '')) return null;
  const value = (env[name] ?? '').trim();
  const [, given, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(value) ?? [null, 'http', value];
  const known = SCHEMES[(given ?? '').toLowerCase()];
  if (known === undefined) {
    throw createUsageError(
      'INVALID_PROXY',
      `${name} uses the proxy scheme ${given}, which is not supported`,
      `Set it to http://host:port, https://host:port or socks5://host:port, or unset it.`,
    );
  }
  const uri = `${known}://${rest}`;
  if (URL.canParse(uri) && new URL(uri).hostname !== '') return uri;
  // The value may contain a password, so do not print it.
  throw createUsageError(
    'INVALID_PROXY',
    `${name} is not a valid URL`,
    'Set it to http://host:port, or unset it. In a password, write @ as %40, / as %2F and # as %23.',
  );
}

/** True if NO_PROXY covers an origin: its host or a parent domain, with or without a port, or `*` for all. */
function isExempt({ protocol, hostname, port }: URL, noProxy: string): boolean {
  const ownPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  return noProxy
    .toLowerCase()
    .split(/[,\s]+/)
    .some((entry) => {
      if (entry === '*') return true;
      const [, host = entry, wantedPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
      if (wantedPort !== undefined && wantedPort !== ownPort) return false;
      const name = host.replace(/^\*?\./, '').replace(/\.$/, '');
      const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
      return name !== '' && (bare === name.replace(/^\[|\]$/g, '') || bare.endsWith(`.${name}`));
    });
}

/** A proxy as undici's options name its parts. */
interface ProxyAddress {
  readonly uri: string;
  /** For an HTTP proxy. */
  readonly token?: string;
  /** For a SOCKS proxy. */
  readonly username?: string;
  readonly password?: string;
}

/** Splits a proxy address from its user and password, because undici fails on a password with a bare %. */
export function splitCredentials(proxy: string): ProxyAddress {
  const url = new URL(proxy);
  const [username, password] = [decodePart(url.username), decodePart(url.password)];
  if (username === '') return { uri: proxy };
  url.username = '';
  url.password = '';
  if (url.protocol === 'socks5:') return { uri: url.href, username, password };
  return {
    uri: url.href,
    token: `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`,
  };
}

/** Decodes a user or password. A bare % is kept: many people do not escape it. */
function decodePart(text: string): string {
  try {
    return decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    return text;
  }
}
