import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isVisit } from '../server/check-caller.js';

/** Sent with every response. The page needs no inline script or style, no frame, no form, and nothing from elsewhere. */
export const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** 192 random bits as text. */
export function createToken(): string {
  return randomBytes(24).toString('base64url');
}

export interface Denial {
  readonly status: 401 | 403;
  readonly code: 'DENIED' | 'KEY_NEEDED';
  readonly reason: string;
}

type Caller = Pick<IncomingMessage, 'url' | 'headers' | 'headersDistinct'>;

/**
 * Decides who may call a server on loopback that other web pages and other users of this machine can reach, too. `hosts`
 * are the names and ports in its own address. Host must be one of them, because another site could point its own name
 * here (DNS rebinding). Origin and Sec-Fetch-Site reveal requests from other sites or ports. Every call needs the
 * token, which no other page or user has. There are no cookies, which browsers would send by themselves.
 *
 * For other machines, `hosts` is null: the check of all our servers has compared Host and Origin by then, and the token
 * is a key that a person enters.
 */
export function createGuard(hosts: (() => readonly string[]) | null, token: string) {
  const secret = Buffer.from(token);
  return ({ url = '', headers, headersDistinct }: Caller): Denial | null => {
    const host = headers.host ?? '';
    if (hosts?.().includes(host.toLowerCase()) === false)
      return deny(403, 'This server does not answer to that host.');
    const { origin } = headers;
    if (
      origin !== undefined &&
      hosts?.().includes(origin.replace(/^https?:\/\//, '').toLowerCase()) === false
    )
      return deny(403, 'Requests from other origins are refused.');
    const isApi = /^\/api(?:[/?]|$)/.test(url);
    const site = headers['sec-fetch-site'];
    // The local file that opens the page in the browser counts as another site.
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isVisit(url, headersDistinct))
      return deny(403, 'Requests from other sites are refused.');
    if (!isApi) return null;
    const given = Buffer.from(/^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '');
    const isKnown = given.length === secret.length && timingSafeEqual(given, secret);
    if (isKnown) return null;
    return hosts === null
      ? { status: 401, code: 'KEY_NEEDED', reason: 'The key is missing or wrong.' }
      : deny(401, 'The token is missing or wrong. Open the address that rowfill printed.');
  };
}

function deny(status: Denial['status'], reason: string): Denial {
  return { status, code: 'DENIED', reason };
}
