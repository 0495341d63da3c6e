import { createRequire } from 'node:module';
import { domainToASCII } from 'node:url';
import type { parse } from 'tldts';
import { type ColumnKind, resolveColumnKind } from './column-kind.js';
import { findCompanyName } from './company-name.js';
import { formatCanonicalJson, type JsonValue } from './json.js';
import { normalizePersonName, normalizePhone, normalizeText } from './normalize.js';
import {
  isMailProvider,
  isOrdinaryPath,
  isProfileSection,
  resolveHostAlias,
  resolveSiteKind,
  type SiteKind,
} from './shared-sites.js';

const MAX_ADDRESS_CHARACTERS = 2_048;

/**
 * Key that is equal for two values that name the same thing, such as `domain:acme.com` for
 * `https://www.acme.com/about`. Null for a value that names nothing: blank, a placeholder such as `n/a`, a
 * word such as `Freelancer` for a company, or the domain of a mail provider. For a cell with several addresses, the key of the first.
 */
export function createEntityKey(column: string, value: JsonValue): string | null {
  return normalizeEntityKey(resolveColumnKind(column), value);
}

/** Same, for callers that already know the column's kind. */
export function normalizeEntityKey(columnKind: ColumnKind, value: JsonValue): string | null {
  return listEntityKeys(columnKind, value)[0] ?? null;
}

/** The keys of all that a value names: a cell may have several addresses, and a JSON list several values. */
export function listEntityKeys(columnKind: ColumnKind, value: JsonValue): string[] {
  if (columnKind === 'text' && typeof value === 'object' && value !== null)
    return [createKey('text', null, formatCanonicalJson(value))];
  if (typeof value === 'string') return isPlaceholder(value) ? [] : listTextKeys(columnKind, value);
  const keys = listTexts(value).flatMap((text) => listTextKeys(columnKind, text));
  return keys.length < 2 ? keys : [...new Set(keys)];
}

function listTextKeys(columnKind: ColumnKind, text: string): string[] {
  switch (resolveValueKind(columnKind, text)) {
    case 'domain':
      return [...new Set(listDomainKeys(text).flatMap(({ key }) => key ?? []))];
    case 'url':
      return listLinks(text).map((link) => createLinkKey(link, parseSite(link)));
    case 'email': {
      const emails = listEmails(text);
      return emails.length === 0
        ? [createKey('email', null, text)]
        : [...new Set(emails)].map((email) => `email:${email}`);
    }
    case 'phone':
      return [createKey('phone', normalizePhone(text), text)];
    case 'company': {
      const name = findCompanyName(text);
      return name === null ? [] : [createKey('company', name, text)];
    }
    case 'person':
      return [createKey('person', normalizePersonName(text), text)];
    case 'text':
      return [createKey('text', null, text)];
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

/** True for a host below a public suffix of the domain name system, such as `.com` or `.co.uk`. */
export function hasPublicSuffix(host: string): boolean {
  return loadDomains().parse(host).isIcann === true;
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
  const ascii = host === undefined || PLAIN_HOST.test(host) ? (host ?? '') : domainToASCII(host);
  return local === undefined || ascii === '' ? null : `${local}@${ascii}`;
}

/** A host that is in ASCII already, as nearly all are: the conversion takes longer than all else here. */
const PLAIN_HOST = /^(?!.*xn--)[a-z\d-]+(?:\.[a-z\d-]+)*\.[a-z]{2,}$/;

/** True for text that marks a missing value: blank, a dash, `n/a`, `unknown`. */
export function isPlaceholder(text: string): boolean {
  const plain = text.trim();
  return plain.length < 40 && PLACEHOLDER.test(plain);
}

const PLACEHOLDER =
  /^(?:[-–—?./_\s]*|#?n[./]a\.?|null|nil|none|unknown|undefined|tbd|not (?:available|applicable|known|found))$/i;

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

/** The keys of a web address. */
interface DomainKeys {
  /** The domain; on a site of many owners the page; null for a mail provider. */
  readonly key: string | null;
  /** The page, unless its path is one that every company's site may have. */
  readonly page: string | null;
  /** The domain without its ending, which a company's domains in several countries share. */
  readonly label: string | null;
}

/** Lists the keys of each web address in a value. */
export function listDomainKeys(value: JsonValue): DomainKeys[] {
  if (typeof value === 'string' && !SEPARATOR.test(value))
    return isPlaceholder(value) ? [] : [createDomainKeys(value)];
  return listTexts(value).flatMap(listWebAddresses).map(createDomainKeys);
}

function createDomainKeys(text: string): DomainKeys {
  const site = parseSite(text);
  if (site === null) {
    const key = createKey('domain', null, text);
    return { key, page: key, label: null };
  }
  const { domain, url } = site;
  if (site.kind !== 'own') {
    const key = createLinkKey(text, site);
    return { key, page: key, label: null };
  }
  const isBare = url === null || isOrdinaryPath(url.pathname);
  const key = isBare ? `domain:${domain}` : createLinkKey(text, site);
  if (isMailProvider(domain))
    return isBare ? { key: null, page: null, label: null } : { key, page: key, label: null };
  return { key: `domain:${domain}`, page: key, label: `label:${domain.slice(0, domain.indexOf('.'))}` };
}

interface Site {
  readonly domain: string;
  readonly kind: SiteKind;
  readonly url: URL | null;
}

function parseSite(text: string): Site | null {
  const found = normalizeDomain(text);
  if (found === null) return null;
  const domain = resolveHostAlias(found);
  // To parse a URL takes longer than all else here, and most addresses have no path.
  const [, bare] = BARE_ADDRESS.exec(text) ?? [];
  const url = bare === undefined ? openUrl(text) : null;
  const host = resolveHostAlias(dropWww(bare?.toLowerCase() ?? url?.hostname ?? domain));
  return { domain, url, kind: resolveSiteKind(host, domain) };
}

const BARE_ADDRESS = /^\s*(?:https?:\/\/)?([a-z\d.-]+[a-z\d])\/?\s*$/i;

function dropWww(host: string): string {
  return host.replace(/^(?:www\d?|m|mobile|amp)\./, '');
}

/** Links are compared with their path, but without parameters that do not change the page. */
function createLinkKey(text: string, site: Site | null): string {
  const url = site?.url ?? openUrl(text);
  if (url === null || url.hostname === '') return createKey('url', null, text);
  const host = resolveHostAlias(dropWww(url.hostname));
  if (site?.kind === 'by-subdomain') return `url:${host}`;
  if (site?.kind === 'by-path') return createProfileKey(url, site.domain, host);
  for (const name of [...url.searchParams.keys()])
    if (VISIT_PARAMETER.test(name)) url.searchParams.delete(name);
  url.searchParams.sort();
  const path = url.pathname.replace(/\/+$/, '').toLowerCase() + url.search;
  return path === '' && normalizeDomain(host) === host ? `domain:${host}` : `url:${host}${path}`;
}

/** The key of a page on a site of many owners: without its language, its sections and most of its parameters. */
function createProfileKey(url: URL, domain: string, host: string): string {
  const parts = url.pathname.toLowerCase().split('/').filter(Boolean);
  while (parts.length > 1 && isProfileSection(parts.at(-1) ?? '')) parts.pop();
  if (host.endsWith('.apple.com') && /^[a-z]{2}$/.test(parts[0] ?? '')) parts.shift();
  const kept = [...url.searchParams].filter(([name]) => OWNER_PARAMETER.test(name)).sort();
  const query = kept.length === 0 ? '' : `?${new URLSearchParams(kept)}`;
  // A page such as linkedin.com/about is about the site itself.
  const isOfSite = parts.length === 0 || (parts.length === 1 && isOrdinaryPath(url.pathname));
  if (isOfSite && query === '' && !LANGUAGE_ONLY.test(parts[0] ?? '')) return `domain:${domain}`;
  // The articles of a Wikipedia are in its language; other sites show the same page in each.
  const main = domain === 'wikipedia.org' ? host : host.replace(LANGUAGE_HOST, '');
  return `url:${main}/${parts.join('/')}${query}`;
}

const LANGUAGE_ONLY = /^[a-z]{2}(?:[-_][a-z]{2,4})?$/;
const LANGUAGE_HOST = /^[a-z]{2}(?:-[a-z]{2})?\.(?=[^.]+\.[^.]+)/;
const OWNER_PARAMETER = /^(?:id|v|q|cid|list|user|place_id|query_place_id|profile_id|seller|store)$/i;
const VISIT_PARAMETER =
  /^(?:utm_\w+|fbclid|gclid|dclid|msclkid|yclid|mc_cid|mc_eid|igshid|igsh|si|ref|ref_|ref_src|trk|hl|lang|locale|originalSubdomain)$/i;

function openUrl(text: string): URL | null {
  const plain = cleanAddress(text);
  const full = /^[a-z][a-z+.-]*:\/\//i.test(plain) ? plain : `https://${plain.replace(/^\/\//, '')}`;
  return full.length < MAX_ADDRESS_CHARACTERS && URL.canParse(full) ? new URL(full) : null;
}

function listTexts(value: JsonValue): string[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value.flatMap(listTexts);
  const text = typeof value === 'object' ? formatCanonicalJson(value) : String(value);
  return isPlaceholder(text) ? [] : [text];
}

/** Lists the web addresses in a cell, without remarks. The whole cell if it has none. */
function listWebAddresses(text: string): string[] {
  if (text.length > MAX_ADDRESS_CHARACTERS || !SEPARATOR.test(text)) return [text];
  const tokens = listTokens(text.replace(REMARK, ' '));
  const addresses = tokens.filter((token) => normalizeDomain(token) !== null);
  const isPlain = tokens.every((token) => addresses.includes(token) || CONJUNCTION.test(token));
  const found = isPlain ? addresses : addresses.filter(isKnownAddress);
  return found.length === 0 ? [text] : found;
}

function listEmails(text: string): string[] {
  if (text.length > MAX_ADDRESS_CHARACTERS) return [];
  const whole = text.indexOf('@') === text.lastIndexOf('@') ? normalizeEmail(text) : null;
  return whole !== null ? [whole] : listTokens(text).flatMap((token) => normalizeEmail(token) ?? []);
}

function listLinks(text: string): string[] {
  return text.length > MAX_ADDRESS_CHARACTERS
    ? [text]
    : text
        .replace(REMARK, ' ')
        .trim()
        .split(/[\s,;|]+(?=(?:https?:\/\/|www\.)\S)/i);
}

function listTokens(text: string): string[] {
  return text
    .split(/[\s,;|<>]+/)
    .map((token) => token.replace(/^[("'[]+|[)"'\].:]+$/g, ''))
    .filter(Boolean);
}

const SEPARATOR = /[\s,;|<>]/;
/** Text in brackets beside an address. A link may have brackets of its own. */
const REMARK = /(?<=^|\s)[([{][^()[\]{}]*[)\]}](?=\s|$|[,;|])/g;
const CONJUNCTION = /^(?:and|or|und|oder|et|ou|y|o|e|[&/+–—·•-])$/i;

/** True for text that is a web address even within a sentence. */
function isKnownAddress(text: string): boolean {
  if (/^(?:https?:\/\/|www\.)/i.test(text)) return true;
  const { isIcann, isPrivate } = loadDomains().parse(text, { allowPrivateDomains: true });
  return isIcann === true || isPrivate === true;
}

function createKey(kind: string, key: string | null, text: string): string {
  return key === null || key === '' ? `text:${normalizeText(text)}` : `${kind}:${key}`;
}

const require = createRequire(import.meta.url);

/** Loaded when a domain is first compared, because its list of domains is large. */
function loadDomains(): { readonly parse: typeof parse } {
  return require('tldts');
}
