import { createRequire } from 'node:module';
import { rootCertificates } from 'node:tls';
import type undici from 'undici';
import type { Dispatcher } from 'undici';
import { createUsageError } from '../errors.js';
import type { BaseUrl } from './base-url.js';

export interface PoolOptions {
  readonly connectMs: number;
  /** Most connections open at once; null for as many as there are requests. Each waiting run holds one. */
  readonly connections: number | null;
  /** PEM certificates to trust besides the usual ones. */
  readonly ca: readonly string[];
  /** Where the proxy variables are read from. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Opens the one pool of connections to the API, through a proxy where the environment names one. */
export function openPool(base: BaseUrl, options: PoolOptions): Dispatcher {
  const trust = options.ca.length === 0 ? {} : { ca: [...rootCertificates, ...options.ca] };
  const connect = { ...trust, timeout: options.connectMs };
  const settings = {
    connect,
    connections: options.connections,
    autoSelectFamily: true,
    // The 250 ms that Node gives each address are not enough for a far one.
    autoSelectFamilyAttemptTimeout: 1_000,
  };
  const proxy = base.isLoopback ? null : resolveProxy(base.origin, options.env);
  if (proxy === null) return new (loadPool())(base.origin, settings);
  const proxied = { ...settings, ...splitCredentials(proxy), requestTls: connect };
  // With TLS options, undici would speak TLS to a SOCKS proxy, which does not.
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

/** The address of a proxy, and apart from it its user and password: undici stops at a password with a bare %. */
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

/** A user or password, escaped or as it is: many give a % without escaping it. */
function decodePart(text: string): string {
  try {
    return decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    return text;
  }
}

const require = createRequire(import.meta.url);

/** A pool by its own file: the entry point of undici loads fetch, WebSocket and caches besides, for twice the time. */
function loadPool(): typeof undici.Pool {
  try {
    return require('undici/lib/dispatcher/pool.js');
  } catch {
    // Another release may keep its files elsewhere.
    return loadUndici().Pool;
  }
}

function loadUndici(): typeof undici {
  return require('undici');
}

/** Schemes of proxies that can be used, and the name that undici has for them: it resolves names at the far end of SOCKS anyway. */
const SCHEMES: Readonly<Record<string, string>> = {
  http: 'http',
  https: 'https',
  socks: 'socks5',
  socks5: 'socks5',
  socks5h: 'socks5',
};

/** The proxy that the environment names for an origin, small letters first as curl reads it; null for none. */
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
      `The variable ${name} names a proxy of the kind ${given}, which is not supported`,
      `Give it as http://host:port, https://host:port or socks5://host:port, or unset it.`,
    );
  }
  const uri = `${known}://${rest}`;
  if (URL.canParse(uri) && new URL(uri).hostname !== '') return uri;
  // The value may hold a password, so it is not repeated.
  throw createUsageError(
    'INVALID_PROXY',
    `The variable ${name} does not hold a URL`,
    'Give it as http://host:port, or unset it. In a password, write @ as %40, / as %2F and # as %23.',
  );
}

/** True if NO_PROXY names an origin: its host or a domain above it, with or without a port, or `*` for all. */
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
