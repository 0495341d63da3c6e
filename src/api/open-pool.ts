import { createRequire } from 'node:module';
import { rootCertificates } from 'node:tls';
import type undici from 'undici';
import type { Dispatcher } from 'undici';
import { createUsageError } from '../errors.js';
import type { BaseUrl } from './resolve-base-url.js';

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
  return new (loadUndici().EnvHttpProxyAgent)({
    ...settings,
    httpProxy: proxy,
    httpsProxy: proxy,
    noProxy: options.env.no_proxy ?? options.env.NO_PROXY ?? '',
    requestTls: connect,
    proxyTls: connect,
  });
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

/** The proxy that the environment names for an origin, small letters first as curl reads it; null for none. */
export function resolveProxy(origin: string, env: PoolOptions['env']): string | null {
  const scheme = origin.startsWith('https:') ? 'https' : 'http';
  const name = [`${scheme}_proxy`, `${scheme.toUpperCase()}_PROXY`, 'all_proxy', 'ALL_PROXY'].find(
    (candidate) => (env[candidate] ?? '') !== '',
  );
  if (name === undefined) return null;
  const value = env[name] ?? '';
  const uri = value.includes('://') ? value : `http://${value}`;
  if (URL.canParse(uri)) return uri;
  // The value may hold a password, so it is not repeated.
  throw createUsageError(
    'INVALID_PROXY',
    `The variable ${name} holds no URL`,
    'Give it as http://host:port, or unset it.',
  );
}
