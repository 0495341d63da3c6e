import { domainToASCII } from 'node:url';
import { parse } from 'tldts';
import { type ColumnKind, resolveColumnKind } from './column-kind.js';
import { normaliseCompanyName } from './company-name.js';
import { formatCanonicalJson, type JsonValue } from './json.js';
import { normalisePersonName, normalisePhone, normaliseText } from './plain-text.js';

const MAX_ADDRESS_CHARACTERS = 2_048;

/**
 * The key by which two values of a column name the same thing, such as `domain:acme.com` for `https://www.acme.com/about`;
 * null for a value that names nothing: blank, a placeholder such as `n/a`, or a domain that belongs to a mail provider.
 */
export function createEntityKey(column: string, value: JsonValue): string | null {
  return readEntityKey(resolveColumnKind(column), value);
}

/** The same for a column whose kind is known already, as it is to whoever compares many values of it. */
export function readEntityKey(columnKind: ColumnKind, value: JsonValue): string | null {
  const text = value === null ? '' : typeof value === 'object' ? formatCanonicalJson(value) : String(value);
  if (isPlaceholder(text)) return null;
  switch (resolveValueKind(columnKind, text)) {
    case 'domain':
      return createDomainKey(text);
    case 'url':
      return createLinkKey(text);
    case 'email':
      return createKey('email', normaliseEmail(text), text);
    case 'phone':
      return createKey('phone', normalisePhone(text), text);
    case 'company':
      return createKey('company', normaliseCompanyName(text), text);
    case 'person':
      return createKey('person', normalisePersonName(text), text);
    case 'text':
      return createKey('text', null, text);
  }
}

/**
 * The registrable domain in a domain, URL or e-mail address, in ASCII: `https://www.shop.acme.co.uk:8080/x` gives `acme.co.uk`.
 * A site below a shared suffix keeps its own name (`acme.github.io`); null where there is no domain, as in an IP address.
 */
export function normaliseDomain(text: string): string | null {
  if (text.length > MAX_ADDRESS_CHARACTERS) return null;
  const plain = cleanAddress(text);
  if (plain === '' || /\s/.test(plain)) return null;
  const { domain, hostname, publicSuffix, isIp, isPrivate } = parse(plain, { allowPrivateDomains: true });
  const name = domain ?? (isPrivate === true ? hostname : null);
  if (
    name === null ||
    isIp === true ||
    !/^\p{L}[\p{L}\p{M}\p{N}-]+$/u.test(publicSuffix?.split('.').at(-1) ?? '')
  )
    return null;
  return isAscii(name) ? name : domainToASCII(name) || null;
}

/** An e-mail address folded for comparing: bare, lower case, its host in ASCII; null for what is no e-mail address. */
export function normaliseEmail(text: string): string | null {
  if (text.length > MAX_ADDRESS_CHARACTERS) return null;
  const plain = cleanAddress(text).toLowerCase();
  const bare = (/<([^<>]+)>\s*$/.exec(plain)?.[1] ?? plain).replace(/^mailto:/, '').replace(/\?.*$/, '');
  const [, local, host] = /^([^\s@<>,;"]+)@([^\s@<>,;"/]+\.[^\s@<>,;"/]+)$/.exec(bare) ?? [];
  const ascii = host === undefined ? '' : domainToASCII(host);
  return local === undefined || ascii === '' ? null : `${local}@${ascii}`;
}

/** True for text that stands where a value is missing: blank, a dash, `n/a`, `unknown`. */
export function isPlaceholder(text: string): boolean {
  const plain = text.trim();
  return plain.length < 40 && PLACEHOLDER.test(plain);
}

const PLACEHOLDER =
  /^(?:[-–—?./_\s]*|#?n[./]a\.?|null|nil|none|unknown|undefined|tbd|not (?:available|applicable|known|found))$/i;

/** True for a domain whose mail addresses belong to people everywhere, so that it names no company. */
export function isMailProvider(domain: string): boolean {
  return MAIL_DOMAINS.has(domain) || MAIL_NAMES.has(domain.slice(0, domain.indexOf('.')));
}

/** True for a domain whose pages belong to many: a link there names its page, not its host. */
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
/** Hosts that give each site a name below their own. */
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
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  return /^[\x00-\x7f]*$/.test(text);
}

function resolveValueKind(kind: ColumnKind, text: string): ColumnKind {
  if (kind !== 'text' || text.length > MAX_ADDRESS_CHARACTERS) return kind;
  if (normaliseEmail(text) !== null) return 'email';
  return /^\s*https?:\/\/\S+\s*$/i.test(text) ? 'url' : 'text';
}

function createDomainKey(text: string): string | null {
  const domain = normaliseDomain(text);
  if (domain === null) return createKey('domain', null, text);
  if (SITE_HOSTS.has(domain) || (isSharedHost(domain) && hasPath(text))) return createLinkKey(text);
  return isMailProvider(domain) ? null : `domain:${domain}`;
}

function hasPath(text: string): boolean {
  const path = openUrl(text)?.pathname ?? '/';
  return path !== '/';
}

// A link is compared by its path too, and without what only counts the visit.
function createLinkKey(text: string): string {
  const url = openUrl(text);
  if (url === null || url.hostname === '') return createKey('url', null, text);
  const host = url.hostname.replace(/^(?:www|m|mobile)\./, '').replace(/^[a-z]{2}\.(linkedin\.com)$/, '$1');
  for (const name of [...url.searchParams.keys()])
    if (VISIT_PARAMETER.test(name)) url.searchParams.delete(name);
  url.searchParams.sort();
  const path = url.pathname.replace(/\/+$/, '').toLowerCase() + url.search;
  return path === '' && normaliseDomain(host) === host ? `domain:${host}` : `url:${host}${path}`;
}

const VISIT_PARAMETER = /^(?:utm_\w+|fbclid|gclid|msclkid|mc_cid|mc_eid|ref|trk|originalSubdomain)$/;

function openUrl(text: string): URL | null {
  const plain = text.normalize('NFKC').trim();
  const full = /^[a-z][a-z+.-]*:\/\//i.test(plain) ? plain : `https://${plain}`;
  return full.length < MAX_ADDRESS_CHARACTERS && URL.canParse(full) ? new URL(full) : null;
}

function createKey(kind: string, key: string | null, text: string): string {
  return key === null || key === '' ? `text:${normaliseText(text)}` : `${kind}:${key}`;
}
