import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TextReader, Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import ExcelJS from 'exceljs';

/** A small workbook with the columns company and city, of which some cities are blank. */
export interface CorpusWorkbook {
  readonly name: string;
  make(): Promise<Buffer>;
}

const FILES = join(import.meta.dirname, '../files/workbooks');

/** All workbooks: files made by openpyxl, LibreOffice and Gnumeric, and those made here by exceljs and by hand. */
export function listCorpus(): CorpusWorkbook[] {
  const files = readdirSync(FILES).filter((name) => name.endsWith('.xlsx'));
  return [
    ...files.sort().map((name) => ({ name, make: async () => readFileSync(join(FILES, name)) })),
    ...Object.entries(EXCELJS).map(([name, build]) => ({
      name: `exceljs ${name}`,
      make: () => makeWithExcelJs(build),
    })),
    ...Object.entries(HAND_MADE).map(([name, make]) => ({ name: `by hand: ${name}`, make })),
  ];
}

type Build = (sheet: ExcelJS.Worksheet, workbook: ExcelJS.Workbook) => void;

async function makeWithExcelJs(build: Build): Promise<Buffer> {
  const workbook = new ExcelJS.Workbook();
  const sheet = workbook.addWorksheet('Leads');
  sheet.addRows([
    ['company', 'city', 'seats', 'since'],
    ['Acme', null, 5, new Date('2020-01-02')],
    ['Bolt', 'Paris', 6, new Date('2021-01-02')],
    ['Çelik & Söhne', '', 7, null],
    ['Dune', 'n/a', 8, new Date('2022-01-02')],
  ]);
  build(sheet, workbook);
  return Buffer.from(await workbook.xlsx.writeBuffer());
}

const EXCELJS: Readonly<Record<string, Build>> = {
  plain: () => {},
  'shared formulas': (sheet) => {
    sheet.getCell('E1').value = 'double';
    sheet.fillFormula('E2:E5', 'C2*2', [10, 12, 14, 16]);
  },
  'rich text': (sheet) => {
    sheet.getCell('A2').value = { richText: [{ text: 'Ac' }, { font: { bold: true }, text: 'me ' }] };
    sheet.getCell('A3').note = { texts: [{ font: { bold: true }, text: 'VIP' }] };
  },
  'a picture': (sheet, workbook) => {
    const png =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    const image = workbook.addImage({ base64: png, extension: 'png' });
    sheet.addImage(image, 'F2:G4');
  },
  'a table with totals': (sheet) => {
    sheet.spliceRows(1, 5);
    sheet.addTable({
      name: 'Leads',
      ref: 'A1',
      headerRow: true,
      totalsRow: true,
      columns: [
        { name: 'company', totalsRowLabel: 'Total' },
        { name: 'city' },
        { name: 'seats', totalsRowFunction: 'sum' },
      ],
      rows: [
        ['Acme', '', 5],
        ['Bolt', 'Paris', 6],
      ],
    });
  },
  'widths, groups and hidden rows': (sheet) => {
    sheet.getColumn(1).width = 40;
    sheet.getColumn(3).hidden = true;
    sheet.getColumn(4).outlineLevel = 1;
    sheet.getRow(3).hidden = true;
    sheet.getRow(4).outlineLevel = 1;
    sheet.getRow(5).height = 40;
  },
  'page setup and headers': (sheet) => {
    sheet.pageSetup.printArea = 'A1:D5';
    sheet.pageSetup.printTitlesRow = '1:1';
    sheet.headerFooter.oddFooter = 'Page &P';
    sheet.autoFilter = 'A1:D5';
  },
  'validation and conditions': (sheet) => {
    for (const line of [2, 3, 4, 5])
      sheet.getCell(`B${line}`).dataValidation = {
        type: 'list',
        allowBlank: true,
        formulae: ['"Paris,Rome"'],
      };
    const style = { fill: { type: 'pattern', pattern: 'solid', bgColor: { argb: 'FFFF0000' } } } as const;
    sheet.addConditionalFormatting({
      ref: 'C2:C5',
      rules: [{ type: 'cellIs', operator: 'greaterThan', formulae: [6], priority: 1, style }],
    });
  },
  'many sheets': (sheet, workbook) => {
    for (const name of ['Rates', "It's", 'Ünïcode']) workbook.addWorksheet(name).getCell('B2').value = name;
    workbook.definedNames.add('Leads!$C$2:$C$5', 'Seats');
    sheet.views = [{ state: 'frozen', xSplit: 1, ySplit: 1 }];
  },
  'merged cells and borders': (sheet) => {
    sheet.mergeCells('C4:C5');
    const side = { style: 'thin' } as const;
    for (const cell of ['A1', 'B1', 'C1', 'D1']) sheet.getCell(cell).border = { top: side, bottom: side };
    sheet.getRow(1).font = { bold: true };
  },
  protection: (sheet) => {
    sheet.getCell('B2').protection = { locked: false };
    void sheet.protect('', { selectLockedCells: true });
  },
  links: (sheet) => {
    sheet.getCell('A2').value = { text: 'Acme', hyperlink: 'https://acme.example/?a=1&b=2' };
    sheet.getCell('B3').value = { text: 'Paris', hyperlink: 'https://paris.example/' };
  },
};

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const LINKS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const STRICT = 'http://purl.oclc.org/ooxml/spreadsheetml/main';
const STRICT_LINKS = 'http://purl.oclc.org/ooxml/officeDocument/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const TYPES = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n';

interface HandMade {
  /** Content of `sheetData`. */
  readonly rows?: string;
  readonly head?: string;
  readonly tail?: string;
  readonly prefix?: string;
  readonly isStrict?: boolean;
  readonly others?: Readonly<Record<string, string | Uint8Array>>;
  /** Links of the workbook besides its sheet. */
  readonly links?: string;
  readonly types?: string;
  readonly sheetLinks?: string;
  readonly sheetTarget?: string;
  readonly zip?: Record<string, unknown>;
  readonly isWide?: boolean;
}

const HEADER =
  '<c r="A1" t="inlineStr"><is><t>company</t></is></c><c r="B1" t="inlineStr"><is><t>city</t></is></c>';
const ROWS = `<row r="1">${HEADER}</row><row r="2"><c r="A2" t="inlineStr"><is><t>Acme</t></is></c></row><row r="3"><c r="A3" t="inlineStr"><is><t>Bolt</t></is></c><c r="B3" t="inlineStr"><is><t>Paris</t></is></c></row>`;

async function packByHand(made: HandMade): Promise<Buffer> {
  const { rows = ROWS, head = '', tail = '', prefix = '', isStrict = false, others = {} } = made;
  const [main, links] = isStrict ? [STRICT, STRICT_LINKS] : [MAIN, LINKS];
  const p = prefix;
  const name = p === '' ? 'xmlns' : `xmlns:${p.slice(0, -1)}`;
  const tags = (xml: string) => (p === '' ? xml : xml.replace(/<(\/?)(?![?!])/g, `<$1${p}`));
  const sheet = `${XML}<${p}worksheet ${name}="${main}" xmlns:r="${links}">${tags(head)}<${p}sheetData>${tags(rows)}</${p}sheetData>${tags(tail)}</${p}worksheet>`;
  const link = (id: string, kind: string, target: string) =>
    `<Relationship Id="${id}" Type="${links}/${kind}" Target="${target}"/>`;
  const parts: Record<string, string | Uint8Array> = {
    '[Content_Types].xml': `${XML}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${TYPES}.worksheet+xml"/>${made.types ?? ''}</Types>`,
    '_rels/.rels': `${XML}<Relationships xmlns="${PACKAGE}/relationships">${link('rId1', 'officeDocument', 'xl/workbook.xml')}</Relationships>`,
    'xl/workbook.xml': `${XML}<${p}workbook ${name}="${main}" xmlns:r="${links}"><${p}sheets><${p}sheet name="Leads" sheetId="7" r:id="rId1"/></${p}sheets></${p}workbook>`,
    'xl/_rels/workbook.xml.rels': `${XML}<Relationships xmlns="${PACKAGE}/relationships">${link('rId1', 'worksheet', made.sheetTarget ?? 'worksheets/sheet1.xml')}${made.links ?? ''}</Relationships>`,
    'xl/worksheets/sheet1.xml': made.isWide === true ? toWide(sheet) : sheet,
    ...(made.sheetLinks === undefined
      ? {}
      : {
          'xl/worksheets/_rels/sheet1.xml.rels': `<Relationships xmlns="${PACKAGE}/relationships">${made.sheetLinks}</Relationships>`,
        }),
    ...others,
  };
  const zip = new ZipWriter(new Uint8ArrayWriter(), made.zip);
  for (const [path, part] of Object.entries(parts))
    await zip.add(path, typeof part === 'string' ? new TextReader(part) : new Uint8ArrayReader(part));
  return Buffer.from(await zip.close());
}

function toWide(xml: string): Uint8Array {
  return Buffer.from(`\ufeff${xml.replace('encoding="UTF-8"', 'encoding="UTF-16"')}`, 'utf16le');
}

const STRINGS = `<Relationship Id="rIdT" Type="${LINKS}/sharedStrings" Target="sharedStrings.xml"/>`;
const STRINGS_TYPE = `<Override PartName="/xl/sharedStrings.xml" ContentType="${TYPES}.sharedStrings+xml"/>`;
const CHAIN = `<Relationship Id="rIdC" Type="${LINKS}/calcChain" Target="calcChain.xml"/>`;
const CHAIN_TYPE = `<Override PartName="/xl/calcChain.xml" ContentType="${TYPES}.calcChain+xml"/>`;

const HAND_MADE: Readonly<Record<string, () => Promise<Buffer>>> = {
  'without styles': () => packByHand({}),
  strict: () =>
    packByHand({
      isStrict: true,
      rows: `${ROWS}<row r="4"><c r="A4" t="inlineStr"><is><t>Core</t></is></c><c r="C4" t="d"><v>2024-03-01</v></c></row>`,
    }),
  'other prefixes': () => packByHand({ prefix: 'x:' }),
  'a part in UTF-16': () => packByHand({ isWide: true, rows: ROWS.replace('Acme', 'Acmé 漢') }),
  'data descriptors': () => packByHand({ zip: { dataDescriptor: true } }),
  'zip64 everywhere': () => packByHand({ zip: { zip64: true } }),
  'stored, not compressed': () => packByHand({ zip: { level: 0 } }),
  'phonetic runs and rich texts': () =>
    packByHand({
      rows: ROWS.replace(
        '<row r="2"><c r="A2" t="inlineStr"><is><t>Acme</t></is></c>',
        '<row r="2"><c r="A2" t="s"><v>0</v></c>',
      ),
      links: STRINGS,
      types: STRINGS_TYPE,
      others: {
        'xl/sharedStrings.xml': `<sst xmlns="${MAIN}" count="1" uniqueCount="1"><si><r><t xml:space="preserve">東 </t></r><r><rPr><b/></rPr><t>京</t></r><rPh sb="0" eb="1"><t>トウ</t></rPh><phoneticPr fontId="0"/></si></sst>`,
      },
    }),
  'rows and cells without numbers': () => packByHand({ rows: ROWS.replace(/ r="[A-Z]*\d+"/g, '') }),
  'comments, CDATA and white space': () =>
    packByHand({
      rows: `\n <!-- </row><row r="9"> -->\n${ROWS.replaceAll('><c ', '>\n  <c ').replace('<t>Acme</t>', '<t><![CDATA[A</row>&me]]></t>')}\n`,
    }),
  'formulas in the column to fill': () =>
    packByHand({
      rows: `<row r="1">${HEADER}</row><row r="2"><c r="A2" t="inlineStr"><is><t>Acme</t></is></c><c r="B2" t="e"><f t="shared" ref="B2:B4" si="0">LOOKUP(A2,Cities!A$1:B$9)&amp;"A2"</f><v>#N/A</v></c></row><row r="3"><c r="A3" t="inlineStr"><is><t>Bolt</t></is></c><c r="B3" t="str"><f t="shared" si="0"/><v>Paris</v></c></row><row r="4"><c r="A4" t="inlineStr"><is><t>Core</t></is></c><c r="B4" t="e"><f t="shared" si="0"/><v>#N/A</v></c></row>`,
      links: CHAIN,
      types: CHAIN_TYPE,
      others: {
        'xl/calcChain.xml': `<calcChain xmlns="${MAIN}"><c r="B2" i="7"/><c r="B3"/><c r="B4"/></calcChain>`,
      },
    }),
  'columns for the whole width, and a style beyond': () =>
    packByHand({
      head: '<dimension ref="A1:B3"/><cols><col min="1" max="1" width="20" customWidth="1"/><col min="2" max="16384" width="9"/></cols>',
      rows: ROWS.replace(
        '</is></c></row><row r="3">',
        '</is></c><c r="B2"/><c r="F2"/></row><row r="3" spans="1:2">',
      ),
    }),
  'an extension list and an unusual folder': () =>
    packByHand({
      tail: `<pageMargins left="1" right="1" top="1" bottom="1" header="1" footer="1"/><extLst><ext uri="{A}"/></extLst>`,
      sheetTarget: '/xl/worksheets/sheet1.xml',
      others: {
        'custom/item1.bin': Buffer.from([0, 1, 2, 255]),
        'docProps/thumb.jpeg': Buffer.from('not a picture'),
      },
      types:
        '<Default Extension="bin" ContentType="application/octet-stream"/><Default Extension="jpeg" ContentType="image/jpeg"/>',
    }),
};
