import { createRequire } from 'node:module';
import { domainToASCII } from 'node:url';
import type { parse } from 'tldts';
import { type ColumnKind, resolveColumnKind } from './column-kind.js';
import { normalizeCompanyName } from './company-name.js';
import { formatCanonicalJson, type JsonValue } from './json.js';
import { normalizePersonName, normalizePhone, normalizeText } from './normalize.js';

const MAX_ADDRESS_CHARACTERS = 2_048;

/**
 * Key that is equal for two values that name the same thing, such as `domain:acme.com` for
 * `https://www.acme.com/about`. Null for a value that names nothing: blank, a placeholder such as `n/a`, or
 * the domain of a mail provider.
 */
export function createEntityKey(column: string, value: JsonValue): string | null {
  return normalizeEntityKey(resolveColumnKind(column), value);
}

/** Same, for callers that already know the column's kind. */
export function normalizeEntityKey(columnKind: ColumnKind, value: JsonValue): string | null {
  const text = value === null ? '' : typeof value === 'object' ? formatCanonicalJson(value) : String(value);
  if (isPlaceholder(text)) return null;
  switch (resolveValueKind(columnKind, text)) {
    case 'domain':
      return createDomainKey(text);
    case 'url':
      return createLinkKey(text);
    case 'email':
      return createKey('email', normalizeEmail(text), text);
    case 'phone':
      return createKey('phone', normalizePhone(text), text);
    case 'company':
      return createKey('company', normalizeCompanyName(text), text);
    case 'person':
      return createKey('person', normalizePersonName(text), text);
    case 'text':
      return createKey('text', null, text);
  }
}

/**
 * The registrable domain of a domain, URL or email address, in ASCII: `https://www.shop.acme.co.uk:8080/x`
 * gives `acme.co.uk`. A site on a shared suffix keeps its own name (`acme.github.io`). Null if there is no
 * domain, as in an IP address.
 */
export function normalizeDomain(text: string): string | null {
  if (text.length > MAX_ADDRESS_CHARACTERS) return null;
  const plain = cleanAddress(text);
  if (plain === '' || /\s/.test(plain)) return null;
  const { domain, hostname, publicSuffix, isIp, isPrivate } = loadDomains().parse(plain, {
    allowPrivateDomains: true,
  });
  const name = domain ?? (isPrivate === true ? hostname : null);
  if (
    name === null ||
    isIp === true ||
    !/^\p{L}[\p{L}\p{M}\p{N}-]+$/u.test(publicSuffix?.split('.').at(-1) ?? '')
  )
    return null;
  return isAscii(name) ? name : domainToASCII(name) || null;
}

/**
 * Normalizes an email address for comparison: bare, lower case, host in ASCII. Null if it is not an email
 * address.
 */
export function normalizeEmail(text: string): string | null {
  if (text.length > MAX_ADDRESS_CHARACTERS) return null;
  const plain = cleanAddress(text).toLowerCase();
  const bare = (/<([^<>]+)>\s*$/.exec(plain)?.[1] ?? plain).replace(/^mailto:/, '').replace(/\?.*$/, '');
  const [, local, host] = /^([^\s@<>,;"]+)@([^\s@<>,;"/]+\.[^\s@<>,;"/]+)$/.exec(bare) ?? [];
  const ascii = host === undefined ? '' : domainToASCII(host);
  return local === undefined || ascii === '' ? null : `${local}@${ascii}`;
}

/** True for text that marks a missing value: blank, a dash, `n/a`, `unknown`. */
export function isPlaceholder(text: string): boolean {
  const plain = text.trim();
  return plain.length < 40 && PLACEHOLDER.test(plain);
}

const PLACEHOLDER =
  /^(?:[-–—?./_\s]*|#?n[./]a\.?|null|nil|none|unknown|undefined|tbd|not (?:available|applicable|known|found))$/i;

/** True for the domain of a public mail provider, which does not identify a company. */
export function isMailProvider(domain: string): boolean {
  return MAIL_DOMAINS.has(domain) || MAIL_NAMES.has(domain.slice(0, domain.indexOf('.')));
}

/** True for a host shared by many owners: a link there identifies its page, not its host. */
export function isSharedHost(domain: string): boolean {
  return SHARED_HOSTS.has(domain);
}

const MAIL_NAMES = new Set(
  'gmail googlemail hotmail outlook live msn icloud gmx protonmail ymail rocketmail tutanota'.split(' '),
);
const MAIL_DOMAINS = new Set(
  'me.com mac.com web.de proton.me pm.me qq.com 163.com 126.com mail.ru mail.com fastmail.com hushmail.com hey.com naver.com hanmail.net t-online.de freenet.de wanadoo.fr laposte.net libero.it bluewin.ch rediffmail.com'.split(
    ' ',
  ),
);
const SHARED_HOSTS = new Set(
  'linkedin.com facebook.com instagram.com twitter.com x.com threads.net youtube.com tiktok.com xing.com crunchbase.com github.com gitlab.com wikipedia.org wikidata.org google.com goo.gl bit.ly linktr.ee etsy.com pinterest.com'.split(
    ' ',
  ),
);
/** Hosts that give each site its own subdomain. */
const SITE_HOSTS = new Set('medium.com substack.com tumblr.com wordpress.com etsy.com'.split(' '));

function cleanAddress(text: string): string {
  return isAscii(text)
    ? text.trim()
    : text
        .normalize('NFKC')
        .replace(/\p{Cf}/gu, '')
        .trim();
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches all of ASCII
  return /^[\x00-\x7f]*$/.test(text);
}

function resolveValueKind(kind: ColumnKind, text: string): ColumnKind {
  if (kind !== 'text' || text.length > MAX_ADDRESS_CHARACTERS) return kind;
  if (normalizeEmail(text) !== null) return 'email';
  return /^\s*https?:\/\/\S+\s*$/i.test(text) ? 'url' : 'text';
}

function createDomainKey(text: string): string | null {
  const domain = normalizeDomain(text);
  if (domain === null) return createKey('domain', null, text);
  if (SITE_HOSTS.has(domain) || (isSharedHost(domain) && hasPath(text))) return createLinkKey(text);
  return isMailProvider(domain) ? null : `domain:${domain}`;
}

function hasPath(text: string): boolean {
  const path = openUrl(text)?.pathname ?? '/';
  return path !== '/';
}

// Links are compared with their path, but without tracking parameters.
function createLinkKey(text: string): string {
  const url = openUrl(text);
  if (url === null || url.hostname === '') return createKey('url', null, text);
  const host = url.hostname.replace(/^(?:www|m|mobile)\./, '').replace(/^[a-z]{2}\.(linkedin\.com)$/, '$1');
  for (const name of [...url.searchParams.keys()])
    if (VISIT_PARAMETER.test(name)) url.searchParams.delete(name);
  url.searchParams.sort();
  const path = url.pathname.replace(/\/+$/, '').toLowerCase() + url.search;
  return path === '' && normalizeDomain(host) === host ? `domain:${host}` : `url:${host}${path}`;
}

const VISIT_PARAMETER = /^(?:utm_\w+|fbclid|gclid|msclkid|mc_cid|mc_eid|ref|trk|originalSubdomain)$/;

function openUrl(text: string): URL | null {
  const plain = text.normalize('NFKC').trim();
  const full = /^[a-z][a-z+.-]*:\/\//i.test(plain) ? plain : `https://${plain}`;
  return full.length < MAX_ADDRESS_CHARACTERS && URL.canParse(full) ? new URL(full) : null;
}

function createKey(kind: string, key: string | null, text: string): string {
  return key === null || key === '' ? `text:${normalizeText(text)}` : `${kind}:${key}`;
}

const require = createRequire(import.meta.url);

/** Loaded when a domain is first compared, because its list of domains is large. */
function loadDomains(): { readonly parse: typeof parse } {
  return require('tldts');
}
