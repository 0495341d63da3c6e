import { normalizePhone } from '../model/normalize.js';
import { resolveHostAlias, resolveSiteKind } from '../model/shared-sites.js';
import { findWords, foldWords } from './fold-text.js';
import type { Hit, PageIndex } from './page-index.js';

/** Looks for a web address among link targets, data and text. */
export function findUrl(index: PageIndex, value: string): Hit[] {
  const wanted = readAddress(value);
  if (wanted === null) return [];
  const hits: Hit[] = [];
  for (const link of index.page.links) {
    const how = compareAddresses(wanted, readAddress(link.url));
    const segment = index.segments[Math.max(0, link.block)];
    if (how !== null && segment !== undefined)
      hits.push({ segment, ...locate(segment.text, link.text), how, doubt: null, link });
  }
  const words = foldWords(`${wanted.host}${wanted.path}`);
  for (const segment of index.segments) {
    const how =
      segment.data === null || /\s/.test(segment.text)
        ? null
        : compareAddresses(wanted, readAddress(segment.text));
    if (how !== null) hits.push({ segment, start: 0, end: segment.text.length, how, doubt: null });
    else
      for (const [start, end] of findWords(index.fold(segment, 'plain'), words)) {
        const before = segment.text.slice(Math.max(0, start - 5), start);
        const isInside =
          (/[\w-]\.$/.test(before) && !/www\.$/i.test(before)) ||
          /[-_\w]$/.test(before) ||
          /^[-_\w@]/.test(segment.text.slice(end, end + 1));
        if (!isInside && !before.endsWith('@')) hits.push({ segment, start, end, how: 'exact', doubt: null });
      }
  }
  return hits;
}

/** True if a page is at an address, or on its host if the address has no path. */
export function isAtAddress(url: string, value: string): boolean {
  const wanted = readAddress(value);
  return wanted !== null && compareAddresses(wanted, readAddress(url)) !== null;
}

interface Address {
  readonly host: string;
  readonly path: string;
}

function readAddress(text: string): Address | null {
  const full = /^https?:\/\//i.test(text)
    ? text
    : /^[\w-]+(?:\.[\w-]+)+(?:[/?#]|$)/.test(text)
      ? `http://${text}`
      : null;
  if (full === null || !URL.canParse(full)) return null;
  const { hostname, pathname, search } = new URL(full);
  let host = hostname.replace(/^www\d?\./, '').replace(/\.$/, '');
  const site = host.split('.').slice(-2).join('.');
  // "de.linkedin.com" and "m.facebook.com" are the same site in another language or form.
  if (resolveSiteKind(site, site) === 'by-path') host = host.replace(/^(?:[a-z]{2}|m|mobile|web)\./, '');
  const query = /[?&](?:id|p|v|page_id|q)=[^&]+/.exec(search)?.[0] ?? '';
  let path = pathname.replace(/\/(?:index|default|home)\.(?:html?|php|aspx?)$/i, '').replace(/\/+$/, '');
  try {
    path = decodeURIComponent(path);
  } catch {
    // Not valid percent-encoding: compared as it is.
  }
  return { host: resolveHostAlias(host), path: (path + query).toLowerCase() };
}

function compareAddresses(wanted: Address, found: Address | null): Hit['how'] | null {
  if (found === null || wanted.host !== found.host) return null;
  if (wanted.path === found.path) return 'exact';
  return wanted.path === '' || (/^\/[a-z]{2}(?:-[a-z]{2})?$/.test(wanted.path) && found.path === '')
    ? 'alias'
    : null;
}

const EMAIL =
  /([\w.+'-]{1,64})\s{0,2}(?:@|＠|[[({<]\s?(?:at|ät|arobase|arroba|a t|@)\s?[\])}>]|\s(?:at|AT)\s|\(a\))\s{0,2}([\w-]{1,63}(?:\s{0,2}(?:\.|[[({<]\s?(?:dot|punkt|point|punto|ponto)\s?[\])}>]|\s(?:dot|DOT|punkt)\s)\s{0,2}[\w-]{1,63}){1,5})/giu;

/** Looks for an e-mail address in links, data and text, also where "@" is written "[at]". */
export function findEmail(index: PageIndex, value: string): Hit[] {
  const wanted = value.trim().toLowerCase();
  const hits: Hit[] = [];
  for (const link of index.page.links) {
    const target = /^mailto:([^?]*)/i.exec(link.url)?.[1];
    const segment = index.segments[Math.max(0, link.block)];
    if (
      target !== undefined &&
      segment !== undefined &&
      decodeAddress(target)
        .split(/[,;]/)
        .some((each) => each.trim().toLowerCase() === wanted)
    )
      hits.push({ segment, ...locate(segment.text, link.text), how: 'exact', doubt: null, link });
  }
  for (const segment of index.segments) {
    if (!/@|＠|\bat\b|ät|arroba|arobase|\(a\)/i.test(segment.text)) continue;
    for (const match of segment.text.matchAll(EMAIL)) {
      const host = (match[2] ?? '')
        .replace(/\s*(?:[[({<]\s?(?:dot|punkt|point|punto|ponto)\s?[\])}>]|\s(?:dot|punkt)\s)\s*/gi, '.')
        .replace(/\s/g, '')
        .toLowerCase();
      const found = `${(match[1] ?? '').toLowerCase()}@${host}`;
      const isSame =
        found === wanted || found.startsWith(`${wanted}.`)
          ? !/^\.[a-z]/.test(found.slice(wanted.length))
          : false;
      if (isSame || found.replace(/^[^\w]+/, '') === wanted)
        hits.push({
          segment,
          start: match.index,
          end: match.index + match[0].length,
          how: match[0].includes('@') ? 'exact' : 'alias',
          doubt: null,
        });
    }
  }
  return hits;
}

function decodeAddress(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Looks for a phone number by its digits, with or without country code. */
export function findPhone(index: PageIndex, value: string): Hit[] {
  const wanted = readPhone(value);
  if (wanted === null) return [];
  const hits: Hit[] = [];
  for (const link of index.page.links) {
    const target =
      /^(?:tel|callto|sms|whatsapp):(.*)/i.exec(link.url)?.[1] ??
      /^https?:\/\/(?:wa\.me|api\.whatsapp\.com\/send\/?\?phone=)\/?(\+?\d+)/i.exec(link.url)?.[1];
    const segment = index.segments[Math.max(0, link.block)];
    if (
      target !== undefined &&
      segment !== undefined &&
      isSamePhone(wanted, readPhone(decodeAddress(target)))
    )
      hits.push({ segment, ...locate(segment.text, link.text), how: 'exact', doubt: null, link });
  }
  for (const segment of index.segments) {
    for (const match of segment.text.matchAll(
      /(?<![\d\p{L}])[+(]{0,2}\d[\d\s().\u2010-\u2013/·-]{4,28}\d(?!\d)/gu,
    )) {
      for (const [start, end] of listPhoneSpans(match)) {
        if (isSamePhone(wanted, readPhone(segment.text.slice(start, end))))
          hits.push({ segment, start, end, how: 'exact', doubt: null });
      }
    }
  }
  return hits;
}

/** The whole match, and its parts between slashes and full stops: several numbers may be in a row. */
function listPhoneSpans(match: RegExpExecArray): [number, number][] {
  const spans: [number, number][] = [[match.index, match.index + match[0].length]];
  for (const part of match[0].matchAll(/(?:[^/·.]|\.(?!\s))+/g))
    spans.push([match.index + part.index, match.index + part.index + part[0].length]);
  return spans;
}

interface Phone {
  readonly digits: string;
  readonly isInternational: boolean;
}

function readPhone(text: string): Phone | null {
  const plain = text
    .replace(/[\u2010-\u2015·]/g, '-')
    .replace(/^tel:/i, '')
    .replace(/;.*$/, '')
    .trim();
  const digits = normalizePhone(
    plain.replace(/\(\+?(\d+)\)/, (all, inner: string) =>
      inner === '0' ? all : plain.startsWith('(+') ? `+${inner}` : inner,
    ),
  );
  return digits === null ? null : { digits, isInternational: /^\(?\+|^00/.test(plain) };
}

function isSamePhone(wanted: Phone, found: Phone | null): boolean {
  if (found === null) return false;
  if (wanted.digits === found.digits) return true;
  const [long, short] = wanted.digits.length >= found.digits.length ? [wanted, found] : [found, wanted];
  if (short.isInternational) return false;
  // A national number lacks the country code, and may begin with 0 instead.
  const national = short.digits.replace(/^0/, '');
  const code = long.digits.slice(0, -national.length);
  const isCode = /^\d{1,3}$/.test(code) || (/^0?\d{1,3}0$/.test(code) && code.length <= 4);
  return (
    national.length >= 6 &&
    long.digits.endsWith(national) &&
    isCode &&
    (long.isInternational || code === '0' || code === '1')
  );
}

/** Where the text of a link is in its block; the whole block for a link without text. */
function locate(text: string, link: string): { start: number; end: number } {
  const start = link === '' ? -1 : text.indexOf(link);
  return start === -1 ? { start: 0, end: text.length } : { start, end: start + link.length };
}
