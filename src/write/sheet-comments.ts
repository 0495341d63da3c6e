import { hashText } from '../model/ask.js';
import { formatColumn, parseColumn } from '../model/workbook-file.js';
import { clipText, escapeText } from './sheet-xml.js';
import {
  appendTo,
  applyEdits,
  decodeEntities,
  listElements,
  readAttributes,
  type XmlElement,
} from './xml-text.js';

/** Comments are kept in memory until the end, and spreadsheet programs get slow with more. */
const MAX_COMMENTS = 20_000;

const AUTHOR = 'rowfill';

/** The last line of our comments: a hash of their text, to know them again, and whether somebody has edited them. */
const MARK = /\s*rowfill ([\da-f]{8})\s*$/;

function createMark(text: string): string {
  // Programs change white space, and the letters that XML cannot hold.
  return hashText(text.replace(/_x[\da-f]{4}_|[^\p{L}\p{N}\p{P}\p{S}]+/giu, ''), 8);
}

/** True for a comment as rowfill wrote it; false for one that somebody has edited. */
function isOwnComment(text: string): boolean {
  const mark = MARK.exec(text);
  return mark !== null && createMark(text.slice(0, mark.index)) === mark[1];
}

function readComment(xml: string, { start, end }: XmlElement): string {
  const texts = xml.slice(start, end).matchAll(/<(?:[^\s<>/:]+:)?t(?:\s[^>]*)?>([^<]*)</g);
  return decodeEntities([...texts].map(([, text]) => text ?? '').join(''));
}

/** Comments on the cells of a sheet, added to those that it has. Those of an earlier fill are replaced. */
export class SheetComments {
  /** Number of comments that did not fit. */
  omitted = 0;
  /** Cells with a comment of somebody else. */
  readonly #taken = new Set<string>();
  /** Our comments of an earlier fill, by their cell. */
  readonly #own = new Map<string, XmlElement>();
  readonly #dropped = new Set<string>();
  readonly #added = new Map<string, string>();
  readonly #part: string | null;
  readonly #drawing: string | null;
  readonly #space: string;

  /** `part` and `drawing` are those that the sheet has; null without them. `space` is the namespace of sheets. */
  constructor(part: string | null, drawing: string | null, space: string) {
    this.#space = space;
    this.#part = part;
    this.#drawing = drawing;
    for (const element of part === null ? [] : listElements(part, 2)) {
      const place = readAttributes(element.tag.text).ref;
      if (part === null || place === undefined) continue;
      if (isOwnComment(readComment(part, element))) this.#own.set(place, element);
      else this.#taken.add(place);
    }
  }

  /** True if an earlier fill has left comments. */
  get hasOwn(): boolean {
    return this.#own.size > 0;
  }

  /** The cells with our comments of an earlier fill. */
  listOwn(): readonly string[] {
    return [...this.#own.keys()];
  }

  /** Removes our comment on a cell, if it has one. */
  drop(place: string): void {
    if (this.#own.has(place)) this.#dropped.add(place);
  }

  /** Comments on a cell such as `B2`. A comment of somebody else is kept. */
  add(place: string, text: string): void {
    if (this.#taken.has(place)) return;
    this.drop(place);
    if (this.#added.size >= MAX_COMMENTS) this.omitted += 1;
    else this.#added.set(place, text);
  }

  /** The part with the texts. */
  formatPart(): string {
    const xml =
      this.#part ??
      `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns="${this.#space}"><authors></authors><commentList></commentList></comments>`;
    if (this.#added.size + this.#dropped.size === 0) return xml;
    const [authors, list] = ['authors', 'commentList'].map((name) =>
      listElements(xml, 1).find(({ tag }) => tag.name === name),
    );
    if (authors === undefined || list === undefined) return xml;
    const p = list.tag.prefix;
    const names = listElements(xml, 2)
      .filter(({ tag, start }) => tag.name === 'author' && start < list.start)
      .map(({ tag, innerEnd }) => xml.slice(tag.end, innerEnd));
    const known = names.indexOf(AUTHOR);
    const author = known < 0 ? names.length : known;
    const comments = [...this.#added].map(
      ([place, text]) =>
        `<${p}comment ref="${place}" authorId="${author}"><${p}text><${p}r><${p}t xml:space="preserve">${escapeText(formatText(text))}</${p}t></${p}r></${p}text></${p}comment>`,
    );
    const gone = [...this.#own].filter(([place]) => this.#dropped.has(place));
    return applyEdits(xml, [
      ...(known < 0 && comments.length > 0
        ? [appendTo(xml, authors, `<${p}author>${AUTHOR}</${p}author>`)]
        : []),
      ...gone.map(([, { start, end }]) => ({ start, end, text: '' })),
      ...(comments.length > 0 ? [appendTo(xml, list, comments.join(''))] : []),
    ]);
  }

  /** The drawing with the boxes of the comments, without which programs do not show them. */
  formatDrawing(): string {
    const given = this.#drawing ?? `${DRAWING_HEAD}</xml>`;
    if (this.#added.size + this.#dropped.size === 0) return given;
    const boxed = new Set<string>();
    // The drawing is not always well-formed XML.
    const xml = given.replace(SHAPE, (shape) => {
      const row = /<(?:\w+:)?Row>\s*(\d+)\s*</.exec(shape)?.[1];
      const column = /<(?:\w+:)?Column>\s*(\d+)\s*</.exec(shape)?.[1];
      const place = formatColumn(Number(column)) + (Number(row) + 1);
      if (!this.#dropped.has(place)) return shape;
      if (!this.#added.has(place)) return '';
      boxed.add(place);
      return shape;
    });
    const shapes = [...this.#added.keys()].filter((place) => !boxed.has(place)).map(formatShape);
    if (shapes.length === 0) return xml;
    const end = xml.lastIndexOf('</xml>');
    return end < 0 ? xml : xml.slice(0, end) + SHAPE_TYPE + shapes.join('') + xml.slice(end);
  }
}

function readLine(place: string): number {
  return Number(/\d+$/.exec(place)?.[0]);
}

function formatText(text: string): string {
  const clipped = clipText(text, MARK_LENGTH);
  return `${clipped}\nrowfill ${createMark(clipped)}`;
}

const MARK_LENGTH = '\nrowfill 00000000'.length;

const SHAPE = /<v:shape[\s>][\s\S]*?<\/v:shape>/g;

const DRAWING_HEAD =
  '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">' +
  '<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>';

const SHAPE_TYPE =
  '<v:shapetype xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" id="_rowfill_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">' +
  '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>';

/** Columns and rows that a box covers. */
const BOX = { columns: 4, rows: 7 };

function formatShape(place: string, index: number): string {
  const column = parseColumn(place);
  const row = readLine(place) - 1;
  const anchor = [column + 1, 15, row, 2, column + 1 + BOX.columns, 15, row + BOX.rows, 4].join(', ');
  return (
    `<v:shape xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel" id="_rowfill_s${index + 1}" type="#_rowfill_t202" style="position:absolute;width:260pt;height:100pt;z-index:${index + 1};visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">` +
    '<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>' +
    `<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>${anchor}</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>${row}</x:Row><x:Column>${column}</x:Column></x:ClientData></v:shape>`
  );
}
