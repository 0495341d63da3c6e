import { hasHeader, type SheetShape } from '../model/file-format.js';
import type { ByteSink } from './byte-sink.js';
import { createCellLayout } from './cells.js';
import type { Output, OutputOptions } from './output.js';
import { SheetLinks } from './sheet-links.js';
import {
  computeWidths,
  createSheetCells,
  escapeText,
  formatHeader,
  formatRow,
  formatSheetHead,
  formatSheetTail,
  MAX_CELL_LENGTH,
  SheetStyles,
} from './sheet-xml.js';
import { patchLinks } from './workbook-parts.js';
import { openZipSink, type ZipPart } from './zip-sink.js';

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

/** Writes an Excel workbook with one sheet, as a stream. */
export function openXlsxOutput(options: OutputOptions, sink: ByteSink): Output {
  const { sheet } = options.shape;
  const zip = openZipSink(sink);
  const styles = new SheetStyles();
  // Text cells never run as formulas, so no apostrophe is needed.
  const layout = createCellLayout({ ...options, raw: true });
  const readCells = createSheetCells(layout, options.columns, sheet?.date1904);
  const headerLine = hasHeader(options.shape) ? (sheet?.firstLine ?? 1) : null;
  let line = headerLine ?? (sheet?.firstLine ?? 1) - 1;
  const clippedLines: number[] = [];
  let part: ZipPart | null = null;
  // Write nothing until the first row or the end.
  const links = new SheetLinks();
  const openSheet = async (first: readonly ReturnType<typeof readCells>[]): Promise<ZipPart> => {
    for (const [path, text] of createWorkbookParts(sheet)) await zip.addPart(path, XML + text);
    part = zip.openPart(SHEET_PATH);
    const header = headerLine === null ? '' : formatHeader(layout.titles, headerLine);
    await part.write(
      Buffer.from(
        XML +
          formatSheetHead(headerLine, computeWidths(layout.titles, first)) +
          formatAbove(sheet, styles) +
          header,
      ),
    );
    return part;
  };
  return {
    needsBom: false,
    write: async (rows) => {
      if (rows.length === 0) return;
      const filled = rows.map(readCells);
      const open = part ?? (await openSheet(filled));
      let text = '';
      for (const cells of filled) {
        line += 1;
        if (cells.some((cell) => cell.text.length > MAX_CELL_LENGTH)) clippedLines.push(line);
        text += formatRow(cells, line, styles, links);
      }
      await open.write(Buffer.from(text));
    },
    commit: async () => {
      const open = part ?? (await openSheet([]));
      await open.write(Buffer.from(formatSheetTail(links)));
      await open.close();
      const addresses = links.listAddresses();
      if (addresses.length > 0) {
        const added = addresses.map(({ id, url }) => ({
          id,
          kind: 'hyperlink',
          target: url,
          isExternal: true,
        }));
        await zip.addPart(LINKS_PATH, patchLinks(null, added, LINKS));
      }
      await zip.addPart(STYLES_PATH, XML + styles.format());
      await zip.close();
      const digest = await sink.commit();
      if (clippedLines.length > 0) options.onNote?.(describeClipped(clippedLines));
      return digest;
    },
    abort: async () => {
      await part?.abort();
      await sink.abort();
    },
  };
}

export function describeClipped(lines: readonly number[]) {
  const rows = lines.length === 1 ? '1 row has' : `${lines.length} rows have`;
  const message = `${rows} cells longer than Excel's limit of ${MAX_CELL_LENGTH} characters (first in output row ${lines[0]}). They are cut and end in …; use CSV output to keep the full text.`;
  return { code: 'CELLS_CLIPPED', message };
}

function formatAbove(sheet: SheetShape | undefined, styles: SheetStyles): string {
  const rows = (sheet?.above ?? []).map(({ line, cells, stored }) => {
    const above = cells.map((text, at) => ({ text, stored: stored[at] ?? null }));
    return formatRow(above, line, styles);
  });
  return rows.join('');
}

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const LINKS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const TYPES = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
const MAX_NAME_LENGTH = 31;

const SHEET_PATH = 'xl/worksheets/sheet1.xml';
const STYLES_PATH = 'xl/styles.xml';
const LINKS_PATH = 'xl/worksheets/_rels/sheet1.xml.rels';

/** The parts of a workbook that link its sheet and styles. */
function createWorkbookParts(sheet: SheetShape | undefined): readonly (readonly [string, string])[] {
  const name = escapeText(createSheetName(sheet?.name ?? ''));
  const date1904 = sheet?.date1904 === true ? ' date1904="1"' : '';
  return [
    [
      '[Content_Types].xml',
      `<Types xmlns="${PACKAGE}/content-types">` +
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
        '<Default Extension="xml" ContentType="application/xml"/>' +
        `<Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/>` +
        `<Override PartName="/${SHEET_PATH}" ContentType="${TYPES}.worksheet+xml"/>` +
        `<Override PartName="/${STYLES_PATH}" ContentType="${TYPES}.styles+xml"/></Types>`,
    ],
    ['_rels/.rels', formatLinks([['officeDocument', 'xl/workbook.xml']])],
    [
      'xl/workbook.xml',
      `<workbook xmlns="${MAIN}" xmlns:r="${LINKS}"><workbookPr${date1904}/>` +
        `<sheets><sheet name="${name}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      formatLinks([
        ['worksheet', 'worksheets/sheet1.xml'],
        ['styles', 'styles.xml'],
      ]),
    ],
  ];
}

/** Makes a valid Excel sheet name: short, and without characters that are reserved in formulas. */
function createSheetName(name: string): string {
  const plain = name
    .replace(/[[\]:*?/\\\p{Cc}]/gu, '_')
    .slice(0, MAX_NAME_LENGTH)
    .replace(/^'|'$/g, '_');
  return plain.trim() === '' ? 'Sheet1' : plain;
}

function formatLinks(links: readonly (readonly [kind: string, target: string])[]): string {
  const lines = links.map(
    ([kind, target], index) =>
      `<Relationship Id="rId${index + 1}" Type="${LINKS}/${kind}" Target="${target}"/>`,
  );
  return `<Relationships xmlns="${PACKAGE}/relationships">${lines.join('')}</Relationships>`;
}
