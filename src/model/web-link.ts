import { escapeToken, isJsonObject, type JsonObject, type JsonValue } from './json.js';
import type { SchemaIndex } from './schema-index.js';

/** Name of the format that stands for `uri` where a field is a web address. No schema of a user has it. */
export const WEB_LINK = 'rowfill-web-link';

/**
 * Copy of a schema in which each text of format `uri` must be a web address. A schema with a `pattern` of its
 * own, or without `type: string`, keeps the standard's meaning, which includes `mailto:` and `javascript:`.
 */
export function requireWebLinks({ root, places }: SchemaIndex): JsonObject {
  const visit = (value: JsonValue, pointer: string): JsonValue => {
    if (Array.isArray(value)) return value.map((item, index) => visit(item, `${pointer}/${index}`));
    if (!isJsonObject(value)) return value;
    const members = Object.entries(value).map(([key, inner]): [string, JsonValue] => [
      key,
      visit(inner, `${pointer}/${escapeToken(key)}`),
    ]);
    const copy: JsonObject = Object.fromEntries(members);
    return places.has(pointer) && isLinkSchema(value) ? { ...copy, format: WEB_LINK } : copy;
  };
  const isNeeded = [...places.values()].some(({ schema }) => isLinkSchema(schema));
  const copy = isNeeded ? visit(root, '') : root;
  return isJsonObject(copy) ? copy : root;
}

function isLinkSchema({ type, format, pattern }: JsonObject): boolean {
  const types = [type ?? []].flat().filter((each) => each !== 'null');
  return format === 'uri' && pattern === undefined && types.length === 1 && types[0] === 'string';
}

/** A host with a dot and a last part that can be one, an IP address, or this machine. */
const HOST =
  /^(?:localhost|\[[\da-f:.]+\]|\d{1,3}(?:\.\d{1,3}){3}|(?:[^\s.]+\.)+(?:[a-z]{2,}|xn--[a-z\d-]+)\.?)$/i;

/** Fast path for nearly all links, because parsing a URL is slow. */
const PLAIN_LINK =
  /^https?:\/\/(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z]{2,24}(?::\d{1,4})?(?:[/?#](?:[\w/.~?=&+-]*[\w/=])?)?$/i;

/** Characters that a URL may have. */
const URL_TEXT = /^https?:\/\/(?:%[\da-f]{2}|[!#$&-;=?-[\]_a-z~])+$/i;

/** True for an http or https address with a host that can exist, without user names and stray marks. */
export function isWebLink(text: string): boolean {
  if (PLAIN_LINK.test(text)) return true;
  if (!URL_TEXT.test(text) || trimLink(text) !== text || !URL.canParse(text)) return false;
  const { hostname, username, password } = new URL(text);
  return username === '' && password === '' && HOST.test(hostname);
}

/** A full stop that belongs to an abbreviation at the end of a path: `/wiki/Acme_Inc.` */
const ABBREVIATION = /\/.*[._-](?:inc|ltd|co|corp|bros|jr|sr|st|llc|no|vol|etc|\p{L})\.$/iu;

/** Removes marks that stick to the end or start of a link, such as `).` after a sentence in brackets. */
export function trimLink(text: string): string {
  let link = text.trim();
  for (let before = ''; before !== link; ) {
    before = link;
    link = link.replace(/^["'“‘«<*`]+/, '').replace(/(?:["'”’»>`,;|\\]|\*\*|\*(?<=[^/]\*))+$/, '');
    for (const [open, close] of ['()', '[]', '{}'].map((pair) => [pair[0] ?? '', pair[1] ?? ''] as const)) {
      if (link.startsWith(open) && link.endsWith(close)) link = link.slice(1, -1);
      if (link.endsWith(close) && count(link, close) > count(link, open)) link = link.slice(0, -1);
      if (link.startsWith(open) && count(link, open) > count(link, close)) link = link.slice(1);
    }
    if (/\.$/.test(link) && !ABBREVIATION.test(link)) link = link.slice(0, -1);
  }
  return link;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
