import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatColumn } from '../model/workbook-file.js';
import { SheetLinks } from './sheet-links.js';
import { clipText, escapeText } from './sheet-xml.js';
import { escapeAttribute } from './xml-text.js';
import type { ZipPart } from './zip-sink.js';

/** A value with one of its sources. */
export interface SourceRow {
  /** The cell with the value, such as `C2`. */
  readonly place: string;
  /** What the row is about. */
  readonly row: string;
  /** Title of the value's column. */
  readonly column: string;
  readonly value: string;
  readonly confidence: string;
  readonly source: string;
  readonly title: string;
}

/** Titles of its columns. The first one tells it from the sources of other sheets, in programs that drop links too. */
export function listSourceTitles(sheet: string): readonly string[] {
  return [`Cell in ${sheet}`, 'Row', 'Column', 'Value', 'Confidence', 'Source', 'Title'];
}

/** Number of its columns. */
export const SOURCES_WIDTH = 7;
const WIDTHS = [16, 24, 20, 30, 12, 50, 40];
const MAX_ROWS = 1_048_576;
/** Links to cells and links to pages share Excel's limit of 65,530. */
const MAX_CELL_LINKS = 32_000;

/** Collects the sources of a workbook for a sheet of their own, in a temporary file. */
export class SourcesSheet {
  /** Number of sources beyond the last row of a sheet. */
  omitted = 0;
  readonly #titles: readonly string[];
  readonly #sheet: string;
  readonly #links: SheetLinks;
  readonly #cellLinks: string[] = [];
  readonly #linkStyle: number;
  #headerStyle = 0;
  #folder: string | null = null;
  #file: WriteStream | null = null;
  #line = 1;
  #text = '';

  /** `sheet` is the name of the sheet with the values, `linkStyle` the style of links. */
  constructor(sheet: string, linkStyle: number) {
    this.#titles = listSourceTitles(sheet);
    this.#sheet = `'${sheet.replaceAll("'", "''")}'`;
    this.#linkStyle = linkStyle;
    this.#links = new SheetLinks(MAX_CELL_LINKS, 'rId');
  }

  /** The header looks like that of the sheet with the values. */
  setHeaderStyle(style: number): void {
    this.#headerStyle = style;
  }

  add(row: SourceRow): void {
    if (this.#line >= MAX_ROWS) {
      this.omitted += 1;
      return;
    }
    this.#line += 1;
    const line = this.#line;
    if (this.#cellLinks.length < MAX_CELL_LINKS) {
      const location = escapeAttribute(`${this.#sheet}!${row.place}`);
      this.#cellLinks.push(`<hyperlink ref="A${line}" location="${location}" display="${row.place}"/>`);
    }
    const isLink = this.#links.add(`F${line}`, row.source);
    const texts = [row.place, row.row, row.column, row.value, row.confidence, row.source, row.title];
    const cells = texts.map((text, at) => {
      const isStyled = at === 0 || (at === 5 && isLink);
      return formatCell(text, formatColumn(at) + line, isStyled ? this.#linkStyle : 0);
    });
    this.#text += `<row r="${line}">${cells.join('')}</row>`;
  }

  /** Writes what was collected to the temporary file. */
  async flush(): Promise<void> {
    if (this.#text === '') return;
    this.#folder ??= await mkdtemp(join(tmpdir(), 'rowfill-sources-'));
    this.#file ??= createWriteStream(join(this.#folder, 'rows.xml'));
    const text = this.#text;
    this.#text = '';
    const file = this.#file;
    await new Promise<void>((resolve, reject) =>
      file.write(text, (error) => (error ? reject(error) : resolve())),
    );
  }

  /** Writes the sheet's part. */
  async write(part: ZipPart, spaces: { readonly main: string; readonly links: string }): Promise<void> {
    await this.flush();
    const cols = WIDTHS.map(
      (width, at) => `<col min="${at + 1}" max="${at + 1}" width="${width}" customWidth="1"/>`,
    );
    const header = this.#titles.map((title, at) =>
      formatCell(title, `${formatColumn(at)}1`, this.#headerStyle),
    );
    const pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>';
    await part.write(
      Buffer.from(
        `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="${spaces.main}" xmlns:r="${spaces.links}"><sheetViews><sheetView workbookViewId="0">${pane}</sheetView></sheetViews><cols>${cols.join('')}</cols><sheetData><row r="1">${header.join('')}</row>`,
      ),
    );
    if (this.#file !== null && this.#folder !== null) {
      const file = this.#file;
      await new Promise<void>((resolve) => file.end(() => resolve()));
      for await (const piece of createReadStream(join(this.#folder, 'rows.xml'))) await part.write(piece);
    }
    const links = this.#cellLinks.join('') + this.#links.formatLinks();
    const list = links === '' ? '' : `<hyperlinks>${links}</hyperlinks>`;
    const filter = `<autoFilter ref="A1:${formatColumn(SOURCES_WIDTH - 1)}${this.#line}"/>`;
    await part.write(Buffer.from(`</sheetData>${filter}${list}</worksheet>`));
    await part.close();
  }

  /** The addresses of its links, with their ids. */
  listAddresses(): ReturnType<SheetLinks['listAddresses']> {
    return this.#links.listAddresses();
  }

  /** Deletes the temporary file. */
  async close(): Promise<void> {
    this.#file?.destroy();
    if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true });
  }
}

function formatCell(text: string, place: string, style: number): string {
  if (text === '') return '';
  const inner = escapeText(clipText(text));
  return `<c r="${place}"${style === 0 ? '' : ` s="${style}"`} t="inlineStr"><is><t xml:space="preserve">${inner}</t></is></c>`;
}
