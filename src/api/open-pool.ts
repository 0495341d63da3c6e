import { rootCertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { resolveProxy, splitCredentials } from '../model/proxy.js';
import { loadPool, loadUndici } from '../model/undici-parts.js';
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
