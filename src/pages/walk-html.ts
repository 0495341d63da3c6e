import { Parser } from 'htmlparser2';
import { findAssignedJson, flattenJson } from './flatten-json.js';
import { classifyElement, type ElementKind, isHidden } from './html-elements.js';
import type { BlockRole, DataItem, PageLink, Region, TextBlock } from './page-text.js';
import { TableTracker } from './table-tracker.js';

const MAX_TEXT = 3_000_000;
const MAX_BLOCKS = 100_000;
const MAX_BLOCK = 20_000;
const MAX_LINKS = 20_000;
const MAX_DATA = 30_000;
/** Nesting beyond which elements no longer make groups. */
const MAX_DEPTH = 512;
/** Nesting at which reading stops: unclosed tags of ordinary pages stay below it. */
const STOP_DEPTH = 5_000;
const PIECE = 16 * 1024;

/** The text of an HTML or XML document by its blocks. */
export interface WalkedPage {
  readonly title: string;
  readonly language: string;
  readonly blocks: TextBlock[];
  readonly groups: { parent: number; first: number; last: number }[];
  readonly data: DataItem[];
  readonly links: PageLink[];
  readonly isCut: boolean;
  /** Signs of a login form, a script-only page or a bot check. */
  readonly marks: PageMarks;
}

export interface PageMarks {
  hasPassword: boolean;
  hasScript: boolean;
  /** True for an element of a known bot check. */
  hasChallenge: boolean;
}

/** Walks through a document and collects its text, tables, links and data. Runs no script and loads nothing. */
export function walkHtml(html: string, url: string, isXml = false): WalkedPage {
  const walker = new HtmlWalker(url, isXml);
  const parser = new Parser(
    {
      onopentag: (name, attributes) => walker.open(name, attributes),
      ontext: (text) => walker.addText(text),
      onclosetag: (name) => walker.close(name),
    },
    { decodeEntities: true, xmlMode: isXml, recognizeSelfClosing: isXml, lowerCaseTags: true },
  );
  for (let at = 0; at < html.length && !walker.isFull; at += PIECE) parser.write(html.slice(at, at + PIECE));
  parser.end();
  return walker.finish();
}

interface OpenElement {
  readonly name: string;
  readonly kind: ElementKind;
  readonly region: Region;
  readonly role: BlockRole;
  readonly level: number;
  readonly group: number;
  readonly isHidden: boolean;
  readonly isStruck: boolean;
  readonly className: string;
}

type Attributes = Readonly<Record<string, string>>;

class HtmlWalker {
  isFull = false;
  readonly #url: string;
  readonly #isXml: boolean;
  #base: string;
  readonly #stack: OpenElement[] = [];
  readonly #page: WalkedPage & { title: string; language: string };
  readonly #tables = new TableTracker();
  readonly #headings: number[] = [];
  #text = '';
  #struck: [number, number][] = [];
  #raw: { kind: 'json-ld' | 'json' | 'script' | 'title'; text: string } | null = null;
  #total = 0;
  #depth = 0;
  /** The last inline element closed without text since: two in a row are often a label and its value. */
  #closedInline: OpenElement | null = null;
  /** True if the inline element that begins has another class than the one of its kind before it. */
  #isStyledApart = false;
  #openLink: { url: string; text: string; at: number } | null = null;

  constructor(url: string, isXml: boolean) {
    this.#url = url;
    this.#base = url;
    this.#isXml = isXml;
    const marks = { hasPassword: false, hasScript: false, hasChallenge: false };
    this.#page = {
      title: '',
      language: '',
      blocks: [],
      groups: [],
      data: [],
      links: [],
      isCut: false,
      marks,
    };
  }

  open(name: string, attributes: Attributes): void {
    this.#depth += 1;
    if (this.#depth > STOP_DEPTH) this.isFull = true;
    if (this.isFull) return;
    const parent = this.#stack.at(-1);
    const kind = classifyElement(name, attributes, this.#isXml);
    const hidden = parent?.isHidden === true || kind.isSkipped || isHidden(name, attributes);
    this.#readRaw(name, attributes);
    if (kind.isBlock) this.#flush();
    const isNew = kind.isBlock && !hidden && this.#stack.length < MAX_DEPTH;
    const element: OpenElement = {
      name,
      kind,
      region:
        kind.region === null || (kind.region === 'header' && this.#isInside('main'))
          ? (parent?.region ?? 'main')
          : kind.region,
      role:
        kind.role ??
        (kind.isBlock && parent?.role !== undefined && INHERITED.has(parent.role)
          ? parent.role
          : kind.isBlock
            ? 'text'
            : (parent?.role ?? 'text')),
      level: kind.level || (kind.isBlock ? 0 : (parent?.level ?? 0)),
      group: isNew
        ? this.#page.groups.push({ parent: parent?.group ?? -1, first: -1, last: -1 }) - 1
        : (parent?.group ?? -1),
      isHidden: hidden,
      isStruck: parent?.isStruck === true || kind.isStruck,
      className: attributes.class ?? '',
    };
    this.#stack.push(element);
    this.#readMarks(name, attributes);
    if (hidden) return;
    this.#tables.open(kind.table, attributes);
    if (!kind.isBlock) this.#separateInline(element);
    this.#readAttributes(name, attributes);
  }

  addText(text: string): void {
    if (this.isFull) return;
    if (this.#raw !== null) {
      this.#raw.text += text;
      return;
    }
    const top = this.#stack.at(-1);
    if (top?.isHidden === true) return;
    const isApart = this.#isStyledApart && /^\p{L}{2}/u.test(text) && /[\p{L}\p{N}%]{2}$/u.test(this.#text);
    if (this.#closedInline !== null && this.#text !== '' && (isApart || needsSpace(this.#text, text)))
      this.#text += ' ';
    this.#closedInline = null;
    this.#isStyledApart = false;
    this.#total += text.length;
    if (this.#total > MAX_TEXT) this.isFull = true;
    const start = this.#text.length;
    this.#text += text;
    if (top?.isStruck === true) this.#struck.push([start, this.#text.length]);
    // A long text without tags, such as a log file, becomes several blocks.
    if (this.#text.length > MAX_BLOCK) this.#flush();
  }

  close(name: string): void {
    this.#depth -= 1;
    if (this.isFull && this.#depth > 0) return;
    const top = this.#stack.at(-1);
    if (top === undefined || top.name !== name) return;
    if (this.#raw !== null && (name === 'script' || name === 'title')) this.#takeRaw();
    if (name === 'a') this.#endLink();
    if (top.kind.isBlock) this.#flush();
    else this.#closedInline = top;
    if (!top.isHidden) this.#tables.close(top.kind.table);
    this.#stack.pop();
  }

  finish(): WalkedPage {
    this.#flush();
    const page = this.#page;
    const last = page.blocks.length - 1;
    const title =
      page.title !== '' ? page.title : (page.data.find(({ path }) => path[0] === 'og:title')?.value ?? '');
    const clamp = <Each extends { readonly block: number }>(each: Each): Each =>
      each.block > last ? { ...each, block: last } : each;
    return { ...page, title, data: page.data.map(clamp), links: page.links.map(clamp), isCut: this.isFull };
  }

  #isInside(region: string): boolean {
    return this.#stack.some(({ name }) => name === region || name === 'article');
  }

  /** Scripts with data, and the title, are read as raw text. */
  #readRaw(name: string, { type, id }: Attributes): void {
    if (name === 'title' && this.#page.title === '' && !this.#stack.some((each) => each.name === 'svg')) {
      this.#raw = { kind: 'title', text: '' };
    } else if (name === 'script') {
      this.#page.marks.hasScript = true;
      const isData = /json/i.test(type ?? '') || /^__\w+__$/.test(id ?? '');
      const kind = /ld\+json/i.test(type ?? '') ? 'json-ld' : isData ? 'json' : 'script';
      this.#raw = { kind, text: '' };
    }
  }

  #takeRaw(): void {
    const { kind, text } = this.#raw ?? { kind: 'title', text: '' };
    this.#raw = null;
    if (kind === 'title') {
      (this.#page as { title: string }).title = cleanText(text).trim().slice(0, 1_000);
      return;
    }
    const json = kind === 'script' ? findAssignedJson(text) : text;
    const room = MAX_DATA - this.#page.data.length;
    if (json !== null && room > 0)
      this.#page.data.push(...flattenJson(json, kind === 'json-ld' ? 'json-ld' : 'json', room));
  }

  #readMarks(name: string, attributes: Attributes): void {
    const { marks } = this.#page;
    if (name === 'input' && attributes.type?.toLowerCase() === 'password') marks.hasPassword = true;
    if (CHALLENGE.test(`${attributes.id ?? ''} ${attributes.class ?? ''} ${attributes.src ?? ''}`))
      marks.hasChallenge = true;
    if (name === 'html' && this.#page.language === '') {
      const tag = attributes.lang ?? attributes['xml:lang'] ?? '';
      (this.#page as { language: string }).language = (
        /^[a-z]{2,3}(?![a-z])/i.exec(tag)?.[0].toLowerCase() ?? ''
      ).replace(/^n[no]$/, 'nb');
    }
    if (name === 'base' && attributes.href !== undefined && URL.canParse(attributes.href, this.#url))
      this.#base = new URL(attributes.href, this.#url).href;
  }

  /** Elements side by side without white space are drawn apart if they are links, or a label and its value. */
  #separateInline({ name, className }: OpenElement): void {
    const before = this.#closedInline;
    if (before === null || this.#text === '' || /\s$/.test(this.#text)) return;
    this.#isStyledApart = name === before.name && className !== before.className;
    // "<strong>412</strong><span>employees": a figure and its label. A single letter is the start of a word.
    const isOther = name !== before.name && /^(?:span|strong|b|em|small|label)$/.test(name);
    if (name === 'a' || name === 'img' || (isOther && /[\p{L}\p{N}%]{2}$/u.test(this.#text)))
      this.#text += ' ';
  }

  #readAttributes(name: string, attributes: Attributes): void {
    if (name === 'br') this.#text += '\n';
    if (name === 'sup' && /\d$/.test(this.#text)) this.#text += ' ';
    if (name === 'a' || name === 'area' || name === 'link') this.#readLink(name, attributes);
    for (const [source, key, value] of listAttributeData(name, attributes)) {
      const text = cleanText(value).trim();
      if (text === '' || this.#page.data.length >= MAX_DATA) continue;
      const isHead = name === 'meta' || name === 'link';
      this.#page.data.push({
        source,
        path: [key],
        value: text.slice(0, 2_000),
        owner: '',
        beside: '',
        block: isHead ? -1 : this.#page.blocks.length,
      });
    }
  }

  #readLink(name: string, { href, rel, 'data-cfemail': hidden }: Attributes): void {
    if (name === 'link' && !/\b(?:canonical|me)\b/i.test(rel ?? '')) return;
    const secret = hidden ?? /email-protection#([\da-f]{8,400})/i.exec(href ?? '')?.[1];
    const target = secret === undefined ? href : `mailto:${decodeProtectedEmail(secret)}`;
    if (target === undefined || target.length > 4_000) return;
    const trimmed = target.trim();
    if (!/^(?:mailto|tel|callto|sms|whatsapp):/i.test(trimmed) && !URL.canParse(trimmed, this.#base)) return;
    const url = /^[a-z]+:(?!\/\/)/i.test(trimmed) ? trimmed : new URL(trimmed, this.#base).href;
    if (/^(?:javascript|data|about|blob):/i.test(url)) return;
    if (name === 'a') this.#openLink = { url, text: '', at: this.#text.length };
    else this.#addLink(url, '');
  }

  #endLink(): void {
    if (this.#openLink === null) return;
    this.#addLink(this.#openLink.url, cleanText(this.#text.slice(this.#openLink.at)).trim().slice(0, 300));
    this.#openLink = null;
  }

  #addLink(url: string, text: string): void {
    if (this.#page.links.length >= MAX_LINKS) return;
    const region = this.#stack.at(-1)?.region ?? 'main';
    this.#page.links.push({ url, text, region, block: this.#page.blocks.length });
  }

  /** Ends the current block. */
  #flush(): void {
    this.#closedInline = null;
    const raw = this.#text;
    if (raw === '') return;
    this.#text = '';
    const struck = this.#struck;
    this.#struck = [];
    if (this.#openLink !== null) this.#openLink.at = 0;
    const { text, map } = cleanSpaces(raw, struck.length > 0);
    if (text === '') return;
    const top = this.#stack.at(-1);
    const { blocks, groups } = this.#page;
    if (blocks.length >= MAX_BLOCKS) {
      this.isFull = true;
      return;
    }
    const index = blocks.length;
    const level = top?.role === 'heading' ? top.level : 0;
    while (level > 0 && this.#headings.length >= level) this.#headings.pop();
    const region = top?.region ?? 'main';
    // A heading of the main text says nothing about a footer or a side box.
    const heading = this.#headings.findLast((each) => each !== -1 && blocks[each]?.region === region) ?? -1;
    if (level > 0) {
      while (this.#headings.length < level - 1) this.#headings.push(-1);
      this.#headings.push(index);
    }
    blocks.push({
      text,
      region,
      role: top?.role ?? 'text',
      heading,
      level,
      group: top?.group ?? -1,
      cell: this.#tables.current(),
      page: null,
      struck: struck.map(([from, to]) => [map[from] ?? 0, map[to] ?? text.length] as const),
    });
    for (let group = top?.group ?? -1; group >= 0; ) {
      const each = groups[group];
      if (each === undefined) break;
      if (each.first < 0) each.first = index;
      each.last = index;
      group = each.parent;
    }
  }
}

/** Roles that the blocks inside an element have as well. */
const INHERITED: ReadonlySet<BlockRole> = new Set(['item', 'cell', 'term', 'detail', 'heading', 'caption']);

const CHALLENGE =
  /\b(?:cf-turnstile|challenge-platform|cf-challenge|g-recaptcha|h-captcha|hcaptcha|px-captcha|datadome|captcha-delivery|_Incapsula_)/i;

function needsSpace(before: string, after: string): boolean {
  const [left, right] = [before.at(-1) ?? '', after.charAt(0)];
  return (
    (/\p{L}/u.test(left) && /\p{Nd}/u.test(right)) ||
    (/[\p{Ll}\p{Nd})]/u.test(left) && /\p{Lu}/u.test(right)) ||
    // "Raised" and "€28M".
    (/\p{L}/u.test(left) && /[$€£¥]/.test(right)) ||
    // "260" and "employees".
    (/\p{Nd}/u.test(left) && /^\p{Ll}{3}/u.test(after)) ||
    // "VAT" and "B23456781" or "Number".
    (/(?:^|\s)\p{Lu}{2,}$/u.test(before.slice(-12)) && /^\p{Lu}[\p{Ll}\p{Nd}]/u.test(after))
  );
}

/** Values in attributes: [source, key, value]. */
function listAttributeData(
  name: string,
  attributes: Attributes,
): readonly (readonly [DataItem['source'], string, string])[] {
  const { content, alt, title, datetime, value } = attributes;
  const key = attributes.property ?? attributes.name ?? attributes.itemprop;
  if (name === 'meta')
    return content !== undefined && key !== undefined && !DULL_META.test(key) ? [['meta', key, content]] : [];
  const found: [DataItem['source'], string, string][] = [];
  if (attributes.itemprop !== undefined && content !== undefined)
    found.push(['attribute', attributes.itemprop, content]);
  if (datetime !== undefined) found.push(['time', attributes.itemprop ?? 'datetime', datetime]);
  if (alt !== undefined) found.push(['alt', 'alt', alt]);
  if (title !== undefined && name !== 'iframe') found.push(['attribute', 'title', title]);
  if (attributes['aria-label'] !== undefined)
    found.push(['attribute', 'aria-label', attributes['aria-label']]);
  if (
    name === 'input' &&
    value !== undefined &&
    !/^(?:hidden|password|submit|button|checkbox|radio|image|reset)$/i.test(attributes.type ?? '')
  )
    found.push(['attribute', key ?? 'value', value]);
  for (const each of COUNTERS) {
    const count = attributes[each];
    if (count !== undefined && /^[\d.,\s]{1,20}$/.test(count)) found.push(['attribute', each, count]);
  }
  return found;
}

/** Counters that a script counts up start at 0 in the text. */
const COUNTERS = [
  'data-count',
  'data-target',
  'data-to',
  'data-end',
  'data-value',
  'data-number',
  'data-counter',
];

const DULL_META =
  /^(?:viewport|theme-color|robots|googlebot|generator|referrer|csrf|msapplication|apple-|format-detection|og:(?:image|locale|type|video)|twitter:(?:card|image)|google|fb:|next-head|color-scheme|handheld|mobile)/i;

/** Cloudflare hides addresses by XOR with their first byte. */
function decodeProtectedEmail(hex: string): string {
  const bytes = Buffer.from(hex.slice(0, 400), 'hex');
  return Buffer.from(bytes.subarray(1).map((byte) => byte ^ (bytes[0] ?? 0))).toString('utf8');
}

/** Characters that are not drawn: soft hyphens, joiners, direction marks. */
const INVISIBLE = /\p{Cf}|[\u115f\u1160\u17b4\u17b5]|\u034f/gu;

function cleanText(text: string): string {
  return text.replace(INVISIBLE, '').replace(/[\s\u00a0]+/g, ' ');
}

/** Collapses white space. A line break of the page stays one. `map` has the new position of each old one. */
function cleanSpaces(raw: string, needsMap: boolean): { text: string; map: readonly number[] } {
  if (!needsMap) {
    const text = raw
      .replace(INVISIBLE, '')
      // In this order, because a run of spaces before no line break is searched again from each of them.
      .replace(/[^\S\n ][^\S\n]*| [^\S\n]+/g, ' ')
      .replace(/ ?\n ?/g, '\n');
    return { text: text.replace(/\n+/g, '\n').trim(), map: [] };
  }
  const map: number[] = [];
  let text = '';
  for (const char of raw) {
    for (let unit = 0; unit < char.length; unit += 1) map.push(text.length);
    if (/\s/.test(char)) {
      if (text !== '' && !/\s$/.test(text)) text += char === '\n' ? '\n' : ' ';
    } else if (char.replace(INVISIBLE, '') !== '') text += char;
  }
  map.push(text.length);
  return { text: text.trimEnd(), map };
}
