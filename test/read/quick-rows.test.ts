import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowfillError } from '../../src/errors.js';
import type { SheetLine } from '../../src/model/file-format.js';
import { openSource } from '../../src/read/bytes.js';
import { INPUT_LIMITS, Warnings } from '../../src/read/input.js';
import type { SheetExtras } from '../../src/read/sheet-extras.js';
import { readSheetLines, SHEET_NOTES } from '../../src/read/sheet-reader.js';
import { readWorkbook, type Workbook } from '../../src/read/workbook.js';
import { openZip } from '../../src/read/zip-archive.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createWorkbook } from '../helpers/workbook.js';

/** Cells as programs write them, and as hardly any does; some are not XML. */
const CELLS = [
  '<c r="A2" t="s"><v>0</v></c>',
  '<c r="B2" s="1"><v>0.29</v></c>',
  '<c r="B2" t="n" s="1"><v>-12</v></c>',
  '<c r="C2" s="1" t="inlineStr"><is><t>A &amp; B &lt;c&gt;</t></is></c>',
  '<c r="C2" t="inlineStr"><is><t xml:space="preserve"> x </t></is></c>',
  '<c r="D2"><f>B2*2</f><v>24</v></c>',
  '<c r="D2"><f t="shared" ref="D2:D9" si="0">SUM(B2:B9)</f><v>24</v></c>',
  '<c r="D2"><f t="shared" si="0"/><v>1e3</v></c>',
  '<c r="D2" t="str"><f>HYPERLINK(&quot;https://a.example&quot;,&quot;a&quot;)</f><v>a</v></c>',
  '<c r="D2"><f>A2</f></c>',
  '<c r="E2" s="2"/>',
  '<c r="E2"></c>',
  '<c r="ZZ2"><v>7</v></c>',
  '<c r="A2" t="b"><v>1</v></c>',
  '<c r="A2" t="e"><v>#N/A</v></c>',
  '<c r="A2" t="d"><v>2024-03-01</v></c>',
  ' <c r="A2"><v>1</v></c>\n',
  // Rare, or not valid.
  "<c r='A2'><v>1</v></c>",
  '<c><v>3</v></c>',
  '<c s="1" r="B2"><v>4</v></c>',
  '<c r="B2" cm="1"><v>5</v></c>',
  '<c r="B2" s="1" s="2"><v>5</v></c>',
  '<c r="B2" t="n" t="b"><v>1</v></c>',
  '<c r="B2" t="x"><v>5</v></c>',
  '<c r="b2"><v>5</v></c>',
  '<c r="B"><v>5</v></c>',
  '<c r="ABCD2"><v>5</v></c>',
  '<c r="B2"><v>5</v><v>6</v></c>',
  '<c r="B2"><v> 5 </v></c>',
  '<c r="B2"><v/></c>',
  '<c r="B2"><v>&#53;</v></c>',
  '<c r="B2" t="str"><v>&euro;</v></c>',
  '<c r="B2" t="str"><v>a ]]> b</v></c>',
  '<c r="B2" t="str"><v><![CDATA[</row>]]></v></c>',
  '<c r="B2" t="inlineStr"><is><r><t>rich</t></r><r><t> text</t></r></is></c>',
  '<c r="B2" t="inlineStr"><is><t>a</t><rPh sb="0" eb="1"><t>b</t></rPh></is></c>',
  '<c r="B2"><f a="1" a="2">A2</f><v>5</v></c>',
  '<c r="B2"><extLst/><v>5</v></c>',
  '<c r="B2"><v>5</v></c',
  '<c r="B2"><v>5</w></c>',
  '<c r="B2" t="str"><v>\u0001</v></c>',
  '<c r="B2" t="str"><v>Zürich 😀</v></c>',
  '<!-- <c r="C2"><v>1</v></c> -->',
];
const ROW_STARTS = [
  '<row r="2">',
  '<row r="3" spans="1:5" ht="15" customHeight="1">',
  '<row r="4" hidden="1">',
  '<row r="5" r="6">',
  '<row>',
  '<row  r="7" >',
  "<row r='8'>",
  '<row r="0">',
  '<x:row r="9">',
];
const BETWEEN = [
  '',
  '',
  '',
  '\n',
  '  ',
  '<row r="20"/>',
  '<row r="21" ht="3"/>',
  '<!-- <row r="2"></row> -->',
  '<other/>',
  'x',
];
const ENDS = ['</row>', '</row>', '</row>', '</row>', '</row >', '', '/>'];

const row = fc
  .tuple(
    fc.constantFrom(...ROW_STARTS),
    fc.array(fc.constantFrom(...CELLS), { maxLength: 4 }),
    fc.constantFrom(...ENDS),
    fc.constantFrom(...BETWEEN),
  )
  .map(([start, cells, end, between]) => start + cells.join('') + end + between);

/** Mostly usual rows, so that rare ones stand between them. */
const usual = fc
  .array(fc.constantFrom(...CELLS.slice(0, 17)), { minLength: 1, maxLength: 4 })
  .map((cells) => `<row r="2">${cells.join('')}</row>`);

/** Reads the rows of a sheet in pieces of this size. */
async function readSheet(workbook: Workbook, xml: string, pieceBytes: number) {
  const bytes = Buffer.from(`<?xml version="1.0"?><worksheet><sheetData>${xml}</sheetData></worksheet>`);
  const warnings = new Warnings();
  const archive = {
    ...workbook.archive,
    async *openPart() {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
    },
  };
  const sheet = { name: 'List', isHidden: false, path: 'xl/worksheets/s0.xml', at: 0 };
  const lines: SheetLine[] = [];
  try {
    const chunks = readSheetLines(
      { ...workbook, archive },
      { sheet, extras: NO_EXTRAS },
      INPUT_LIMITS,
      warnings,
    );
    for await (const chunk of chunks) lines.push(...chunk);
    return { lines, warnings: warnings.read(SHEET_NOTES, 'row') };
  } catch (error) {
    if (!(error instanceof RowfillError)) throw error;
    return { error: error.message };
  }
}

const NO_EXTRAS: SheetExtras = {
  mergedColumns: [],
  mergedAcross: new Map(),
  links: new Map(),
  tables: [],
};

async function openWorkbook(): Promise<Workbook> {
  const path = join(await createTempFolder(), 'list.xlsx');
  const styles =
    '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="2"/><xf numFmtId="14"/></cellXfs></styleSheet>';
  const texts = '<sst><si><t>shared</t></si></sst>';
  const parts = { 'xl/sharedStrings.xml': texts, 'xl/styles.xml': styles };
  await writeFile(path, await createWorkbook({ List: '' }, parts));
  return readWorkbook(await openZip(await openSource({ path }), INPUT_LIMITS), INPUT_LIMITS);
}

test(
  'rows that are read quickly are the same as those that a parser reads, or give the same error',
  SLOW,
  async () => {
    const workbook = await openWorkbook();
    const rows = fc.array(fc.oneof({ arbitrary: usual, weight: 3 }, { arbitrary: row, weight: 1 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 200 }), async (list, pieceBytes) => {
        const xml = list.join('');
        // After a comment, the parser reads the whole sheet.
        const parsed = await readSheet(workbook, `<!-- -->${xml}`, 4_096);
        expect(await readSheet(workbook, xml, pieceBytes)).toEqual(parsed);
      }),
      { numRuns: chooseCount(5_000, 500) },
    );
  },
);

test.each(CELLS)('%j is read like a parser reads it', async (cell) => {
  const workbook = await openWorkbook();
  const usualRow = '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" s="1"><v>0.29</v></c></row>';
  const xml = `${usualRow}<row r="3" ht="15">${cell.replaceAll('2"', '3"')}</row>${usualRow.replaceAll('2"', '4"')}`;
  const parsed = await readSheet(workbook, `<!-- -->${xml}`, 4_096);
  for (const pieceBytes of [1, 7, 4_096]) expect(await readSheet(workbook, xml, pieceBytes)).toEqual(parsed);
});
