/** A tag of an XML text, by its position in it. */
export interface XmlTag {
  /** Name without its prefix. */
  readonly name: string;
  /** Prefix with its colon, such as `x:`; empty without one. */
  readonly prefix: string;
  readonly kind: 'open' | 'close' | 'empty';
  /** Number of elements around it. */
  readonly depth: number;
  /** Index of `<`. */
  readonly start: number;
  /** Index after `>`. */
  readonly end: number;
  /** The tag as written. */
  readonly text: string;
}

const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<!|<(\/?)((?:[^\s<>/:"'=]+:)?)([^\s<>/:"'=]+)(?:[^<>"']|"[^"]*"|'[^']*')*?(\/?)>/g;

/** Lists the tags of a well-formed XML text, or of a piece of it, in order. Throws if it has a DOCTYPE. */
export function* listTags(xml: string, from = 0): Generator<XmlTag> {
  const token = new RegExp(TOKEN);
  token.lastIndex = from;
  let depth = 0;
  for (let found = token.exec(xml); found !== null; found = token.exec(xml)) {
    const [text, slash, prefix = '', name, end] = found;
    if (text === '<!') throw new Error('an XML part has a DOCTYPE');
    if (name === undefined) continue;
    const kind = slash === '/' ? 'close' : end === '/' ? 'empty' : 'open';
    if (kind === 'close') depth -= 1;
    yield { name, prefix, kind, depth, start: found.index, end: token.lastIndex, text };
    if (kind === 'open') depth += 1;
  }
}

/** An element of an XML text, by its position in it. */
export interface XmlElement {
  /** Its first tag. */
  readonly tag: XmlTag;
  readonly start: number;
  /** Index after the element. */
  readonly end: number;
  /** Index before its closing tag; the end of the tag for an empty element. */
  readonly innerEnd: number;
}

/** Lists the elements at a depth, in order; 0 is the root. */
export function listElements(xml: string, depth: number, from = 0): XmlElement[] {
  const elements: XmlElement[] = [];
  let open: XmlTag | null = null;
  for (const tag of listTags(xml, from)) {
    if (tag.depth !== depth) continue;
    const { start, end } = tag;
    if (tag.kind === 'empty') elements.push({ tag, start, end, innerEnd: end });
    else if (tag.kind === 'open') open = tag;
    else if (open !== null) elements.push({ tag: open, start: open.start, end, innerEnd: start });
  }
  return elements;
}

const ATTRIBUTE = /([^\s<>/"'=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** Reads the attributes of a tag, by their name with its prefix. */
export function readAttributes(tag: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', double, single] of tag.matchAll(ATTRIBUTE))
    attributes[name] = decodeEntities(double ?? single ?? '');
  return attributes;
}

/** Sets or adds attributes of a tag, and removes those that are null. The others stay as they are. */
export function setAttributes(tag: string, changes: Readonly<Record<string, string | null>>): string {
  const left = new Map(Object.entries(changes));
  const changed = tag.replace(/(\s+)([^\s<>/"'=]+)(\s*=\s*)("[^"]*"|'[^']*')/g, (whole, ...parts) => {
    const [space, name, equals] = parts as string[];
    if (name === undefined || !left.has(name)) return whole;
    const value = left.get(name);
    left.delete(name);
    return value == null ? '' : `${space}${name}${equals}"${escapeAttribute(value)}"`;
  });
  const added = [...left].flatMap(([name, value]) =>
    value === null ? [] : [` ${name}="${escapeAttribute(value)}"`],
  );
  return changed.replace(/\s*(\/?)>$/, (end) => added.join('') + end);
}

/** A piece of a text to be replaced. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits that do not overlap. Of edits at one place, those given first come first. */
export function applyEdits(xml: string, edits: readonly Edit[]): string {
  let out = '';
  let at = 0;
  for (const { start, end, text } of [...edits].sort((a, b) => a.start - b.start)) {
    out += xml.slice(at, start) + text;
    at = end;
  }
  return out + xml.slice(at);
}

/** The edit that adds text at the end of an element; an empty element is opened for it. */
export function appendTo(xml: string, { tag, innerEnd }: XmlElement, text: string): Edit {
  if (tag.kind !== 'empty') return { start: innerEnd, end: innerEnd, text };
  const opened = xml.slice(tag.start, tag.end).replace(/\s*\/>$/, '>');
  return { start: tag.start, end: tag.end, text: `${opened}${text}</${tag.prefix}${tag.name}>` };
}

export function escapeAttribute(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Decodes the entities that every XML text has. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
