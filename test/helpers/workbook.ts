import { BlobReader, BlobWriter, TextReader, TextWriter, ZipReader, ZipWriter } from '@zip.js/zip.js';
import type { FileShape } from '../../src/model/file-format.js';

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const LINKS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';

/** Parts of a workbook by path, in writing order. */
export type Parts = Readonly<Record<string, string>>;

/** A workbook with this XML in the `sheetData` of its sheets. `others` adds or replaces parts. */
export function createWorkbook(
  sheets: Readonly<Record<string, string>>,
  others: Parts = {},
): Promise<Buffer> {
  const names = Object.keys(sheets);
  const links = names.map((_, index) => createLink(`r${index}`, 'worksheet', `worksheets/s${index}.xml`));
  const texts = createLink('texts', 'sharedStrings', 'sharedStrings.xml');
  const list = names.map((name, index) => `<sheet name="${name}" sheetId="${index + 1}" r:id="r${index}"/>`);
  return packParts({
    '[Content_Types].xml': `<Types xmlns="${PACKAGE}/content-types"/>`,
    '_rels/.rels': createLinks([createLink('r', 'officeDocument', 'xl/workbook.xml')]),
    'xl/workbook.xml': `<workbook xmlns="${MAIN}" xmlns:r="${LINKS}"><sheets>${list.join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': createLinks([...links, texts]),
    ...Object.fromEntries(
      names.map((name, index) => [
        `xl/worksheets/s${index}.xml`,
        `<worksheet xmlns="${MAIN}"><sheetData>${sheets[name]}</sheetData></worksheet>`,
      ]),
    ),
    ...others,
  });
}

/** The shape without its file: the output is then a new workbook with one sheet of values. */
export function dropFile({ sheet, ...shape }: FileShape): FileShape {
  return sheet === undefined ? shape : { ...shape, sheet: { ...sheet, file: undefined } };
}

/** A row of texts. */
export function createRow(line: number, texts: readonly string[]): string {
  const cells = texts.map((text) => `<c t="inlineStr"><is><t>${text}</t></is></c>`);
  return `<row r="${line}">${cells.join('')}</row>`;
}

function createLink(id: string, kind: string, target: string): string {
  return `<Relationship Id="${id}" Type="${LINKS}/${kind}" Target="${target}"/>`;
}

function createLinks(links: readonly string[]): string {
  return `<Relationships xmlns="${PACKAGE}/relationships">${links.join('')}</Relationships>`;
}

export async function packParts(parts: Parts): Promise<Buffer> {
  const zip = new ZipWriter(new BlobWriter());
  for (const [path, text] of Object.entries(parts)) await zip.add(path, new TextReader(text));
  return Buffer.from(await (await zip.close()).arrayBuffer());
}

/** Reads all parts of a workbook as text. */
export async function unpackParts(bytes: Uint8Array): Promise<Parts> {
  const zip = new ZipReader(new BlobReader(new Blob([new Uint8Array(bytes)])));
  const parts: Record<string, string> = {};
  for (const entry of await zip.getEntries()) {
    if (!entry.directory) parts[entry.filename] = await entry.getData(new TextWriter());
  }
  return parts;
}
