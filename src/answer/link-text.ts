import { trimLink } from '../model/web-link.js';
import { unwrapText } from './spellings.js';

const BARE_HOST =
  /^(?:\/\/)?[\p{L}\d-]+(?:\.[\p{L}\d-]+)*\.(?=[\d-]*\p{L})[\p{L}\d-]+(?::\d+)?(?:[/?#].*)?$/u;

/** Repairs a URL: marks around it, a missing scheme, unescaped letters. Null if that fails. */
export function parseUrl(text: string): string | null {
  const bare = extractLink(text);
  if (bare === null || /\s/.test(bare)) return null;
  // Without a letter in its last part, it is a number or an IP address, not a host name.
  const isBare = BARE_HOST.test(bare);
  const full = isBare ? `https://${bare.replace(/^\/\//, '')}` : bare;
  if (!/^https?:\/\//i.test(full) || !URL.canParse(full)) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: looks for characters beyond ASCII
  const isPlain = /^[\u0000-\u007f]*$/.test(full);
  return isPlain ? full : new URL(full).href;
}

/** The link in `[text](link)`, `<link>`, `URL: link`, without closing marks. Null for two links. */
function extractLink(text: string): string | null {
  const [, label = '', target] =
    /^\[([^\]]*)\]\(\s*<?([^\s<>]+?)>?(?:\s+"[^"]*")?\s*\)[.,;]?$/.exec(text) ?? [];
  if (target !== undefined) {
    // A label that is another link has two readings.
    const labelled = /^(?:https?:\/\/|www\.)\S+$/i.test(label.trim()) ? trimLink(label.trim()) : null;
    return labelled === null || isSameLink(labelled, target) ? trimLink(target) : null;
  }
  const plain = text
    .replace(/^(?:url|uri|link|website|web|site|homepage|source)\s*[:=]\s*(?!\/\/)/i, '')
    .replace(/^[\p{L} ]{2,20}:\s+(?=https?:\/\/\S+$)/iu, '')
    .replace(/^<(?:url:)?([^<>\s]+)>[.,;]?$/i, '$1');
  return trimLink(unwrapText(plain) === trimLink(plain) ? plain : trimLink(plain));
}

function isSameLink(one: string, other: string): boolean {
  const bare = (link: string): string => link.toLowerCase().replace(/^https?:\/\/|\/$/g, '');
  return bare(one) === bare(other);
}

/** The address in `mailto:a@b`, `Name <a@b>`, `<a@b>`, `Email: a@b`. Null for two of them. */
export function parseEmail(text: string): string | null {
  const [, angled] = /^[^<>@]*<\s*([^<>\s]+)\s*>$/.exec(text) ?? [];
  const [, label, target] = /^\[([^\]]*)\]\(mailto:([^\s()?]+)(?:\?[^()]*)?\)$/i.exec(text) ?? [];
  if (label?.includes('@') === true && label.trim().toLowerCase() !== target?.toLowerCase()) return null;
  const plain = unwrapText(target ?? angled ?? text)
    .replace(/^(?:e-?mail|mail)\s*[:=]\s*(?=\S)/i, '')
    .replace(/^mailto:([^?]*)(?:\?.*)?$/i, (_whole, address: string) => address.replace('%40', '@'))
    .replace(/^[<(]([^<>()\s]+)[>)]$/, '$1')
    .trim();
  return count(plain, '@') === 1 && !/[\s,;<>()]/.test(plain) ? plain.replace(/\.$/, '') : null;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
