import { createUsageError, type RowfillError } from '../errors.js';
import type { InputLimits } from './limits.js';
import { readNumberFormats } from './number-formats.js';
import { readSharedTexts, type SharedTexts } from './shared-texts.js';
import { readXml } from './xml-reader.js';
import { createBrokenError, type ZipArchive } from './zip-archive.js';

/** One sheet of a workbook. */
export interface Sheet {
  readonly name: string;
  readonly isHidden: boolean;
  /** Path of its part. */
  readonly path: string;
}

/** What a workbook says beside the cells of its sheets. */
export interface Workbook {
  readonly archive: ZipArchive;
  readonly sheets: readonly Sheet[];
  /** True where days are counted from 1904. */
  readonly date1904: boolean;
  readonly hasMacros: boolean;
  /** The number format of each cell style; null for none. */
  readonly formats: readonly (string | null)[];
  readonly texts: SharedTexts;
}

/** Reads what all sheets of a workbook share, or refuses a zip file that is something else. */
export async function readWorkbook(archive: ZipArchive, limits: InputLimits): Promise<Workbook> {
  const path = await findWorkbookPath(archive);
  const links = await readLinks(archive, path);
  const { sheets, date1904 } = await readSheetList(archive, path, links);
  const [formatsPath] = links.filter((link) => link.kind === 'styles');
  const [textsPath] = links.filter((link) => link.kind === 'sharedStrings');
  return {
    archive,
    sheets,
    date1904,
    hasMacros: links.some((link) => link.kind === 'vbaProject'),
    formats: formatsPath === undefined ? [] : await readNumberFormats(archive, formatsPath.path),
    texts: await readSharedTexts(archive, textsPath?.path, limits),
  };
}

async function findWorkbookPath(archive: ZipArchive): Promise<string> {
  if (!archive.paths.has('[content_types].xml')) throw refuseZip(archive);
  const links = await readLinks(archive, '');
  const path = links.find((link) => link.kind === 'officeDocument')?.path;
  if (path?.endsWith('.xml') === true && !/^(?:word|ppt|visio)\//.test(path)) return path;
  throw refuseZip(archive);
}

function refuseZip({ name, paths }: ZipArchive): RowfillError {
  const holds = (start: string) => [...paths].some((path) => path.startsWith(start));
  const refuse = (what: string) =>
    createUsageError(
      'INPUT_IS_SPREADSHEET',
      `${name} is ${what}`,
      'Save the sheet as an Excel workbook (.xlsx) or as CSV (UTF-8), and give that file.',
    );
  if (paths.has('xl/workbook.bin')) return refuse('a binary workbook of Excel (.xlsb)');
  if (holds('word/')) return refuse('a document of Word');
  if (paths.has('content.xml')) return refuse('a document of OpenDocument, such as .ods');
  if (holds('index/') || paths.has('index.zip')) return refuse('a document of Numbers or Pages');
  if (holds('xl/')) return createBrokenError(name, 'parts of it are missing');
  return createUsageError(
    'INPUT_NOT_TEXT',
    `${name} is a zip archive`,
    'Unpack it, and give the table in it.',
  );
}

/** What a part says that it belongs to: `xl/_rels/workbook.xml.rels` for `xl/workbook.xml`. */
interface Link {
  readonly id: string;
  readonly kind: string;
  readonly path: string;
}

async function readLinks(archive: ZipArchive, path: string): Promise<Link[]> {
  const slash = path.lastIndexOf('/') + 1;
  const place = `${path.slice(0, slash)}_rels/${path.slice(slash)}.rels`;
  const links: Link[] = [];
  if (!archive.paths.has(place)) return links;
  await readElements(archive, place, (name, attributes) => {
    const { Id: id = '', Type: type = '', Target: target = '', TargetMode: mode } = attributes;
    if (name !== 'Relationship' || mode === 'External') return;
    links.push({ id, kind: type.slice(type.lastIndexOf('/') + 1), path: resolvePart(path, target) });
  });
  return links;
}

/** A path as it is seen from a part, or from the top where it begins with a slash. */
function resolvePart(from: string, target: string): string {
  const parts = target.startsWith('/') ? [] : from.split('/').slice(0, -1);
  for (const part of target.replaceAll('\\', '/').split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/').toLowerCase();
}

async function readSheetList(
  archive: ZipArchive,
  path: string,
  links: readonly Link[],
): Promise<Pick<Workbook, 'sheets' | 'date1904'>> {
  const sheets: Sheet[] = [];
  let date1904 = false;
  await readElements(archive, path, (name, attributes) => {
    if (name === 'workbookPr') date1904 = isTrue(attributes.date1904);
    if (name !== 'sheet') return;
    const id = Object.entries(attributes).find(([key]) => /:id$/i.test(key))?.[1];
    // A chart can be a sheet too, and has no cells.
    const link = links.find((each) => each.id === id && each.kind === 'worksheet');
    if (link === undefined || !archive.paths.has(link.path)) return;
    const isHidden = attributes.state === 'hidden' || attributes.state === 'veryHidden';
    sheets.push({ name: attributes.name ?? '', isHidden, path: link.path });
  });
  if (sheets.length === 0) throw createBrokenError(archive.name, 'it has no sheet with cells');
  return { sheets, date1904 };
}

/** How XML schemas write a boolean. */
export function isTrue(text: string | undefined): boolean {
  return text === '1' || text === 'true';
}

async function readElements(
  archive: ZipArchive,
  path: string,
  open: (name: string, attributes: Readonly<Record<string, string>>) => void,
): Promise<void> {
  const part = { name: archive.name, path, openBytes: () => archive.openSmallPart(path) };
  for await (const _ of readXml(part, { open, close: () => {}, text: () => {} }));
}
