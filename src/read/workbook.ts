import { createUsageError, type RowfillError } from '../errors.js';
import { BUILT_IN_FORMATS } from '../model/file-format.js';
import type { InputLimits } from './input.js';
import type { CellFormat } from './number-format.js';
import { type PartLink, readLinks } from './part-links.js';
import { type RichTexts, readRichTexts } from './rich-values.js';
import { createBrokenError, readElements, readXml, type ZipArchive } from './zip-archive.js';

/** One sheet of a workbook. */
export interface Sheet {
  readonly name: string;
  readonly isHidden: boolean;
  /** Path of its XML part. */
  readonly path: string;
  /** Position in the workbook's list of sheets, from 0; chart sheets count. */
  readonly at: number;
}

/** The parts of a workbook that its sheets share. */
export interface Workbook {
  readonly archive: ZipArchive;
  /** Path of the part that lists the sheets. */
  readonly path: string;
  readonly sheets: readonly Sheet[];
  /** True if dates count from 1904. */
  readonly date1904: boolean;
  /** The number format of each cell style; null for General. */
  readonly formats: readonly (CellFormat | null)[];
  readonly texts: SharedTexts;
  readonly richTexts: RichTexts;
}

/** Reads the parts that all sheets share, or rejects a zip file that is not a workbook. */
export async function readWorkbook(archive: ZipArchive, limits: InputLimits): Promise<Workbook> {
  const path = await findWorkbookPath(archive);
  const links = await readLinks(archive, path);
  const { sheets, date1904 } = await readSheetList(archive, path, links);
  const [formatsPath] = links.filter((link) => link.kind === 'styles');
  const [textsPath] = links.filter((link) => link.kind === 'sharedStrings');
  return {
    archive,
    path,
    sheets,
    date1904,
    formats: formatsPath === undefined ? [] : await readNumberFormats(archive, formatsPath.path),
    texts: await readSharedTexts(archive, textsPath?.path, limits),
    richTexts: await readRichTexts(archive),
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
  const holds = (start: string) => [...paths.keys()].some((path) => path.startsWith(start));
  const refuse = (what: string) =>
    createUsageError(
      'INPUT_IS_SPREADSHEET',
      `${name} is ${what}`,
      'Save the sheet as an Excel workbook (.xlsx) or CSV (UTF-8), and use that file.',
    );
  if (paths.has('xl/workbook.bin')) return refuse('a binary Excel workbook (.xlsb)');
  if (holds('word/')) return refuse('a Word document');
  if (paths.has('content.xml')) return refuse('an OpenDocument file, such as .ods');
  if (holds('index/') || paths.has('index.zip')) return refuse('a Numbers or Pages document');
  if (holds('xl/')) return createBrokenError(name, 'parts of it are missing');
  return createUsageError(
    'INPUT_NOT_TEXT',
    `${name} is a zip archive`,
    'Unpack it and use the table inside.',
  );
}

async function readSheetList(
  archive: ZipArchive,
  path: string,
  links: readonly PartLink[],
): Promise<Pick<Workbook, 'sheets' | 'date1904'>> {
  if (!archive.paths.has(path)) throw createBrokenError(archive.name, `it has no part ${path}`);
  const sheets: Sheet[] = [];
  let date1904 = false;
  let at = -1;
  await readElements(archive, path, {
    open(name, attributes) {
      if (name === 'workbookPr') date1904 = isTrue(attributes.date1904);
      if (name !== 'sheet') return;
      at += 1;
      const id = Object.entries(attributes).find(([key]) => /:id$/i.test(key))?.[1];
      // A chart sheet has no cells.
      const link = links.find((each) => each.id === id && each.kind === 'worksheet');
      if (link === undefined || !archive.paths.has(link.path)) return;
      const isHidden = attributes.state === 'hidden' || attributes.state === 'veryHidden';
      sheets.push({ name: attributes.name ?? '', isHidden, path: link.path, at });
    },
  });
  if (sheets.length === 0) throw createBrokenError(archive.name, 'it has no worksheet');
  return { sheets, date1904 };
}

/** Parses an XML Schema boolean. */
export function isTrue(text: string | undefined): boolean {
  return text === '1' || text === 'true';
}

const MAX_FORMATS = 100_000;

/** Reads the number format of each cell style; null for General. */
async function readNumberFormats(archive: ZipArchive, path: string): Promise<(CellFormat | null)[]> {
  const own = new Map<number, string>();
  const ids: number[] = [];
  let isCellStyle = false;
  await readElements(archive, path, {
    open(name, attributes) {
      if (name === 'cellXfs') isCellStyle = true;
      else if (name === 'numFmt') own.set(Number(attributes.numFmtId), attributes.formatCode ?? '');
      else if (name === 'xf' && isCellStyle && ids.length < MAX_FORMATS)
        ids.push(Number(attributes.numFmtId));
    },
    close(name) {
      if (name === 'cellXfs') isCellStyle = false;
    },
  });
  return ids.map((id) => {
    const format = own.get(id) ?? BUILT_IN_FORMATS.get(id);
    if (format !== undefined) return format === '' || /^general$/i.test(format) ? null : format;
    return id > 0 && id < FIRST_OWN_FORMAT ? id : null;
  });
}

/** Ids below are built in. */
const FIRST_OWN_FORMAT = 164;

const PAGE_BYTES = 1024 * 1024;
/** Overhead per string, in bytes. */
const ENTRY_BYTES = 16;

/** The shared strings of a workbook, by index. */
interface SharedTexts {
  /** Undefined for an invalid index. */
  read(index: number): string | undefined;
}

/**
 * Reads the shared strings of a workbook. They are stored as bytes, which take a fraction of the memory of
 * JavaScript strings.
 */
async function readSharedTexts(
  archive: ZipArchive,
  path: string | undefined,
  limits: InputLimits,
): Promise<SharedTexts> {
  const store = new TextStore();
  if (path === undefined || !archive.paths.has(path)) return store;
  let text = '';
  let isText = false;
  let hasRuns = false;
  // Phonetic guides are not part of the text.
  let isPhonetic = false;
  const part = { name: archive.name, path, openBytes: () => archive.openPart(path) };
  const handler = {
    open(name: string) {
      if (name === 'si') {
        text = '';
        hasRuns = false;
      } else if (name === 'r') {
        // The parts of a rich text replace a plain one that is written before them.
        if (!hasRuns) text = '';
        hasRuns = true;
      } else if (name === 'rPh') isPhonetic = true;
      else if (name === 't') isText = !isPhonetic;
    },
    text(piece: string) {
      if (isText) text += piece;
    },
    close(name: string) {
      if (name === 't') isText = false;
      else if (name === 'rPh') isPhonetic = false;
      else if (name === 'si') store.add(text);
    },
  };
  for await (const _ of readXml(part, handler)) {
    if (text.length > limits.maxRowLength) throw refuseText(archive.name, limits.maxRowLength);
    if (store.bytes + text.length > limits.maxSharedBytes)
      throw refuseTexts(archive.name, limits.maxSharedBytes);
  }
  return store;
}

function refuseText(name: string, maxLength: number) {
  return createUsageError(
    'INPUT_ROW_TOO_LONG',
    `${name} has a cell text of more than ${maxLength} characters`,
    'Check that this is a table: an Excel cell holds up to 32767 characters.',
  );
}

function refuseTexts(name: string, maxBytes: number) {
  return createUsageError(
    'INPUT_WORKBOOK_TOO_LARGE',
    `${name} has more than ${Math.floor(maxBytes / 1024 / 1024)} MB of distinct texts`,
    'Save the sheet as CSV (UTF-8) and use that file: its size is not limited.',
  );
}

class TextStore implements SharedTexts {
  bytes = 0;
  readonly #pages: Buffer[] = [];
  /** Page, start and end of each text. */
  #places = new Uint32Array(3 * 1024);
  #count = 0;
  #used = PAGE_BYTES;

  add(text: string): void {
    const length = Buffer.byteLength(text);
    if (this.#used + length > PAGE_BYTES) {
      this.#pages.push(Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, length)));
      this.#used = 0;
    }
    this.#pages.at(-1)?.write(text, this.#used);
    if (this.#places.length === this.#count * 3) {
      const wider = new Uint32Array(this.#places.length * 2);
      wider.set(this.#places);
      this.#places = wider;
    }
    this.#places.set([this.#pages.length - 1, this.#used, this.#used + length], this.#count * 3);
    this.#count += 1;
    this.#used += length;
    this.bytes += length + ENTRY_BYTES;
  }

  read(index: number): string | undefined {
    if (!(index >= 0 && index < this.#count)) return undefined;
    const at = index * 3;
    return this.#pages[this.#places[at] ?? 0]?.toString('utf8', this.#places[at + 1], this.#places[at + 2]);
  }
}
