import type { SheetShape } from '../model/shape.js';
import { escapeText } from './sheet-text.js';

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const LINKS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const TYPES = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
const MAX_NAME_LENGTH = 31;

export const SHEET_PATH = 'xl/worksheets/sheet1.xml';
export const STYLES_PATH = 'xl/styles.xml';

/** The parts of a workbook that say where its one sheet and its styles are. */
export function createWorkbookParts(sheet: SheetShape | undefined): readonly (readonly [string, string])[] {
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

/** A name that Excel takes: short, and without the signs that have a meaning in formulas. */
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
