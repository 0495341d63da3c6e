import { createRequire } from 'node:module';
import { rootCertificates } from 'node:tls';
import type undici from 'undici';
import type { Dispatcher } from 'undici';
import { createUsageError } from '../errors.js';
import type { BaseUrl } from './base-url.js';

export interface PoolOptions {
  readonly connectMs: number;
  /** Maximum open connections; null for no limit. Each waiting run holds one. */
  readonly connections: number | null;
  /** Additional PEM certificates to trust. */
  readonly ca: readonly string[];
  /** Environment to read the proxy variables from. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Opens the connection pool for the API, through a proxy if the environment sets one. */
export function openPool(base: BaseUrl, options: PoolOptions): Dispatcher {
  const trust = options.ca.length === 0 ? {} : { ca: [...rootCertificates, ...options.ca] };
  const connect = { ...trust, timeout: options.connectMs };
  const settings = {
    connect,
    connections: options.connections,
    autoSelectFamily: true,
    // Node's 250 ms per address is too short for a distant host.
    autoSelectFamilyAttemptTimeout: 1_000,
  };
  const proxy = base.isLoopback ? null : resolveProxy(base.origin, options.env);
  if (proxy === null) return new (loadPool())(base.origin, settings);
  const proxied = { ...settings, ...splitCredentials(proxy), requestTls: connect };
  // With TLS options, undici would use TLS with a SOCKS proxy, which does not support it.
  return new (loadUndici().ProxyAgent)(
    proxy.startsWith('socks') ? proxied : { ...proxied, proxyTls: connect },
  );
}

interface ProxyAddress {
  readonly uri: string;
  /** For an HTTP proxy. */
  readonly token?: string;
  /** For a SOCKS proxy. */
  readonly username?: string;
  readonly password?: string;
}

/** Splits a proxy address from its user and password, because undici fails on a password with a bare %. */
function splitCredentials(proxy: string): ProxyAddress {
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

const require = createRequire(import.meta.url);

/**
 * Loads only the pool: undici's entry point also loads fetch, WebSocket and caches, which takes twice as
 * long.
 */
function loadPool(): typeof undici.Pool {
  try {
    return require('undici/lib/dispatcher/pool.js');
  } catch {
    // Other releases may have another file layout.
    return loadUndici().Pool;
  }
}

function loadUndici(): typeof undici {
  return require('undici');
}

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
export function resolveProxy(origin: string, env: PoolOptions['env']): string | null {
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
