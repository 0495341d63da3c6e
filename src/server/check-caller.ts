import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { createUsageError } from '../errors.js';

/** What the check looks at: the target of a request and its headers. */
export type HttpCaller = Pick<IncomingMessage, 'url' | 'headersDistinct'>;

/**
 * Checks that no web page elsewhere sent a request. Returns the reason to refuse it, or null to answer it.
 * A browser that was tricked by DNS rebinding sends the attacker's name as Host. So an IP address is always answered,
 * and of names only `localhost` and `names`. For servers without a login of their own; use it before a body is read.
 */
export function createCallerCheck(names: readonly string[] = []): (caller: HttpCaller) => string | null {
  const allowed: ReadonlySet<string> = new Set(['localhost', ...names.map(resolveName)]);
  return ({ url = '', headersDistinct: headers }) => {
    const hosts = headers.host ?? [];
    if (hosts.length > 1) return 'The request has several Host headers.';
    // A target such as http://name/path says where to as well, and comes before Host.
    const target = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1];
    const authorities = target === undefined ? hosts : [...hosts, target];
    for (const authority of authorities) {
      const host = parseHost(authority);
      if (host === null || !(isAddress(host) || allowed.has(host)))
        return describeForeignHost(authority, host);
    }
    return checkOrigin(headers, authorities.at(-1));
  };
}

function checkOrigin(headers: HttpCaller['headersDistinct'], authority: string | undefined): string | null {
  for (const origin of headers.origin ?? []) {
    if (authority === undefined || !isSameOrigin(origin, authority)) {
      return `Requests from web pages of other origins are refused: ${quote(origin)}.`;
    }
  }
  const sites = headers['sec-fetch-site'] ?? [];
  return sites.some((site) => /cross-site/i.test(site)) ? 'Requests from other web sites are refused.' : null;
}

/** The scheme is not compared: a proxy in front of the server may have ended TLS. */
function isSameOrigin(origin: string, authority: string): boolean {
  const [, scheme = '', place = ''] = /^(https?):\/\/(.*)$/i.exec(origin) ?? [];
  const [from, to] = [parsePlace(place), parsePlace(authority)];
  const usualPort = scheme.toLowerCase() === 'https' ? '443' : '80';
  return (
    from !== null &&
    to !== null &&
    from.host === to.host &&
    (from.port || usualPort) === (to.port || usualPort)
  );
}

/** The host of an authority in its usual spelling: lower case, no dot at its end, an IPv6 address in brackets. */
function parseHost(authority: string): string | null {
  return parsePlace(authority)?.host ?? null;
}

function parsePlace(authority: string): { readonly host: string; readonly port: string } | null {
  const [, text = '', port = ''] = PLACE.exec(authority) ?? [];
  // The zone of a link-local address means something on the caller's machine only.
  const host = text.replace(/%[^\]]*/, '').replace(/\.$/, '');
  // URL knows what a browser takes for an address, such as 127.1.
  const url = `http://${host}`;
  if (host === '' || Number(port) > 65_535 || !URL.canParse(url)) return null;
  return { host: new URL(url).hostname, port };
}

/** Host and port without anything that URL would forgive: user names, paths, escapes, spaces. */
const PLACE = /^(\[[0-9a-f:.]+(?:%[\w.~-]+)?\]|[\w.-]+)(?::(\d{0,5}))?$/i;

function isAddress(host: string): boolean {
  return isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

function describeForeignHost(authority: string, host: string | null): string {
  const advice = host === null ? '' : `, or start it with --allow-host ${quote(host)}`;
  return `This server does not answer to the host ${quote(authority)}. Use its IP address or localhost${advice}.`;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function resolveName(name: string): string {
  const url = `http://${name}`;
  const ascii = /^[^\s/?#@:\\%*]+$/.test(name) && URL.canParse(url) ? new URL(url).hostname : name;
  const place = parsePlace(ascii);
  if (place !== null && place.port === '') return place.host;
  throw createUsageError(
    'BAD_ALLOWED_HOST',
    `--allow-host: ${quote(name)} is not a host name`,
    'Give the name alone, without scheme, port or path, such as --allow-host rowfill.internal.',
  );
}
