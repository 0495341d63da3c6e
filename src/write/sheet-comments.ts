import { parseColumn } from '../model/workbook-file.js';
import { clipText, escapeText } from './sheet-xml.js';
import { appendTo, applyEdits, listElements, readAttributes } from './xml-text.js';

/** Comments are kept in memory until the end, and spreadsheet programs get slow with more. */
const MAX_COMMENTS = 20_000;

const AUTHOR = 'rowfill';

/** Comments on the cells of a sheet, added to those that it has. */
export class SheetComments {
  /** Number of comments that did not fit. */
  omitted = 0;
  readonly #taken: ReadonlySet<string>;
  readonly #added = new Map<string, string>();
  readonly #part: string | null;
  readonly #drawing: string | null;
  readonly #space: string;

  /** `part` and `drawing` are those that the sheet has; null without them. `space` is the namespace of sheets. */
  constructor(part: string | null, drawing: string | null, space: string) {
    this.#space = space;
    this.#part = part;
    this.#drawing = drawing;
    const places = (part === null ? [] : listElements(part, 2)).map(
      ({ tag }) => readAttributes(tag.text).ref,
    );
    this.#taken = new Set(places.filter((place) => place !== undefined));
  }

  /** Comments on a cell such as `B2`. A comment that is there already is kept. */
  add(place: string, text: string): void {
    if (this.#taken.has(place)) return;
    if (this.#added.size >= MAX_COMMENTS) this.omitted += 1;
    else this.#added.set(place, text);
  }

  /** The part with the texts. */
  formatPart(): string {
    const xml =
      this.#part ??
      `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns="${this.#space}"><authors></authors><commentList></commentList></comments>`;
    if (this.#added.size === 0) return xml;
    const [authors, list] = ['authors', 'commentList'].map((name) =>
      listElements(xml, 1).find(({ tag }) => tag.name === name),
    );
    if (authors === undefined || list === undefined) return xml;
    const p = list.tag.prefix;
    const author = listElements(xml, 2).filter(
      ({ tag, start }) => tag.name === 'author' && start < list.start,
    ).length;
    const comments = [...this.#added].map(
      ([place, text]) =>
        `<${p}comment ref="${place}" authorId="${author}"><${p}text><${p}r><${p}t xml:space="preserve">${escapeText(clipText(text))}</${p}t></${p}r></${p}text></${p}comment>`,
    );
    return applyEdits(xml, [
      appendTo(xml, authors, `<${p}author>${AUTHOR}</${p}author>`),
      appendTo(xml, list, comments.join('')),
    ]);
  }

  /** The drawing with the boxes of the comments, without which programs do not show them. */
  formatDrawing(): string {
    const xml = this.#drawing ?? `${DRAWING_HEAD}</xml>`;
    if (this.#added.size === 0) return xml;
    const shapes = [...this.#added.keys()].map(formatShape);
    // The drawing is not always well-formed XML.
    const end = xml.lastIndexOf('</xml>');
    return end < 0 ? xml : xml.slice(0, end) + SHAPE_TYPE + shapes.join('') + xml.slice(end);
  }
}

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
  const row = Number(/\d+$/.exec(place)?.[0]) - 1;
  const anchor = [column + 1, 15, row, 2, column + 1 + BOX.columns, 15, row + BOX.rows, 4].join(', ');
  return (
    `<v:shape xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel" id="_rowfill_s${index + 1}" type="#_rowfill_t202" style="position:absolute;width:260pt;height:100pt;z-index:${index + 1};visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">` +
    '<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>' +
    `<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>${anchor}</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>${row}</x:Row><x:Column>${column}</x:Column></x:ClientData></v:shape>`
  );
}
