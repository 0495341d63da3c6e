import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { createUsageError } from '../errors.js';

/** The parts of a request that the check needs. */
type HttpCaller = Pick<IncomingMessage, 'url' | 'headersDistinct'>;

/**
 * Checks that a request does not come from a web page of another origin. Returns the reason to refuse it, or
 * null to answer it. In a DNS rebinding attack, the browser sends the attacker's name as Host. So requests to
 * an IP address are always answered, and of names only `localhost` and `names`. For servers without a login;
 * call it before reading the body. With `hasPage`, a browser may open `/` from another site.
 */
export function createCallerCheck(
  names: readonly string[] = [],
  hasPage = false,
): (caller: HttpCaller) => string | null {
  const allowed: ReadonlySet<string> = new Set(['localhost', ...names.map(resolveName)]);
  return ({ url = '', headersDistinct: headers }) => {
    const hosts = headers.host ?? [];
    if (hosts.length > 1) return 'The request has several Host headers.';
    // A target such as http://name/path also names a host, and takes precedence over Host.
    const target = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1];
    const authorities = target === undefined ? hosts : [...hosts, target];
    for (const authority of authorities) {
      const host = parseHost(authority);
      if (host === null || !(isAddress(host) || allowed.has(host)))
        return describeForeignHost(authority, host);
    }
    return checkOrigin(headers, authorities.at(-1), hasPage && isVisit(url, headers));
  };
}

/** True for a browser's request to show the page itself. Other pages cannot read what it answers. */
export function isVisit(url: string, headers: HttpCaller['headersDistinct']): boolean {
  const [mode] = headers['sec-fetch-mode'] ?? [];
  const [destination] = headers['sec-fetch-dest'] ?? [];
  return url === '/' && mode === 'navigate' && destination === 'document';
}

function checkOrigin(
  headers: HttpCaller['headersDistinct'],
  authority: string | undefined,
  isVisited: boolean,
): string | null {
  for (const origin of headers.origin ?? []) {
    if (authority === undefined || !isSameOrigin(origin, authority)) {
      return `Requests from web pages of other origins are refused: ${quote(origin)}.`;
    }
  }
  const sites = headers['sec-fetch-site'] ?? [];
  return !isVisited && sites.some((site) => /cross-site/i.test(site))
    ? 'Requests from other websites are refused.'
    : null;
}

/** Does not compare the scheme, because a proxy in front of the server may have ended TLS. */
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

/** Normalizes the host of an authority: lower case, no trailing dot, IPv6 in brackets. */
function parseHost(authority: string): string | null {
  return parsePlace(authority)?.host ?? null;
}

function parsePlace(authority: string): { readonly host: string; readonly port: string } | null {
  const [, text = '', port = ''] = PLACE.exec(authority) ?? [];
  // The zone of a link-local address is only meaningful on the caller's machine.
  const host = text.replace(/%[^\]]*/, '').replace(/\.$/, '');
  // URL accepts the same address forms as a browser, such as 127.1.
  const url = `http://${host}`;
  if (host === '' || Number(port) > 65_535 || !URL.canParse(url)) return null;
  return { host: new URL(url).hostname, port };
}

/** Host and port, without anything that URL would tolerate: user names, paths, escapes, spaces. */
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
    `the allowed host ${quote(name)} is not a host name`,
    'Give only the name, without scheme, port or path, such as rowfill.internal.',
  );
}
