import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createFilledRow, readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createRow, createWorkbook, dropFile, type Parts, unpackParts } from '../helpers/workbook.js';

/** Opens a sheet with one column of these cells, each in a row of its own. */
async function openCells(cells: readonly string[], parts: Parts = {}) {
  const path = join(await createTempFolder(), 'list.xlsx');
  const rows = cells.map(
    (cell, index) => `<row r="${index + 2}">${cell}<c t="inlineStr"><is><t>x</t></is></c></row>`,
  );
  await writeFile(path, await createWorkbook({ List: createRow(1, ['value', 'x']) + rows.join('') }, parts));
  return openInput({ path });
}

async function readCells(cells: readonly string[], parts?: Parts): Promise<unknown[]> {
  const rows = await readAllRows(await openCells(cells, parts));
  return rows.map((row) => (row.kind === 'cells' ? row.cells[0] : null));
}

/** Parts for a workbook whose style 1 is the format with this id, and this code if it is an own one. */
function createStyles(id: number, code?: string): Parts {
  const own =
    code === undefined ? '' : `<numFmts><numFmt numFmtId="${id}" formatCode="${escapeXml(code)}"/></numFmts>`;
  return {
    'xl/_rels/workbook.xml.rels': [
      '<Relationships>',
      '<Relationship Id="r0" Type="x/worksheet" Target="worksheets/s0.xml"/>',
      '<Relationship Id="st" Type="x/styles" Target="styles.xml"/>',
      '</Relationships>',
    ].join(''),
    'xl/styles.xml': `<styleSheet>${own}<cellXfs><xf numFmtId="0"/><xf numFmtId="${id}"/></cellXfs></styleSheet>`,
  };
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

const OWN = 164;

async function readNumber(value: string, format: string | number): Promise<unknown> {
  const styles = typeof format === 'number' ? createStyles(format) : createStyles(OWN, format);
  return (await readCells([`<c s="1"><v>${value}</v></c>`], styles))[0];
}

test.each([
  ['00000', '417', '00417'],
  ['00000;@', '417', '00417'],
  ['00000;-00000', '-417', '-00417'],
  ['[$-407]00000', '417', '00417'],
  ['000-00-0000', '12345678', '012-34-5678'],
  ['"C-"00000', '417', 'C-00417'],
  ['00000_)', '417', '00417'],
  ['[<=99999]00000;00000\\-0000', '2110', '02110'],
  ['[<=99999]00000;00000\\-0000', '21100042', '02110-0042'],
  ['0#" "##" "##" "##" "##', '123456789', '01 23 45 67 89'],
  ['0000\\.00\\.00', '1010121', '0101.01.21'],
  ['00000;;', '417', '00417'],
  ['[Red]000', '7', '007'],
  ['000 000 000 000', '12345678901', '012 345 678 901'],
])('the format %s shows %s as %s', async (format, value, text) => {
  expect(await readNumber(value, format)).toBe(text);
});

test.each([
  ['0.00', '5', '5'],
  ['#,##0', '1234', '1234'],
  ['0%', '0.125', '0.125'],
  ['00%', '0.125', '0.125'],
  ['0.00E+00', '1234', '1234'],
  ['00000', '417.25', '417.25'],
  ['00000', '12345678901234567890', '12345678901234567890'],
  ['General;General', '417', '417'],
  ['Standard', '1234', '1234'],
  ['Estándar', '1234', '1234'],
  ['GENERAL', '1234', '1234'],
  ['0.00 USD', '1234', '1234'],
  ['#,##0 SEK', '1234', '1234'],
  ['0.0 hrs', '1234', '1234'],
  ['# ##0 zł', '1234', '1234'],
  ['0.0,,"M"', '1234567', '1234567'],
  ['# ?/?', '0.5', '0.5'],
  [';;;', '1234', '1234'],
])('the format %s leaves the number %s as %s', async (format, value, text) => {
  expect(await readNumber(value, format)).toBe(text);
});

test.each([
  ['[=0]"";dd/mm/yyyy', '45368', '2024-03-17'],
  ['"";dd/mm/yyyy', '45368', '2024-03-17'],
  ['yyyy-mm-dd;;', '45368', '2024-03-17'],
  ['[>45000]dd/mm/yyyy;General', '45368', '2024-03-17'],
  ['[>45000]dd/mm/yyyy;General', '100', '100'],
  ['0;yyyy-mm-dd', '45368', '45368'],
  ['TT.MM.JJJJ', '45368', '2024-03-17'],
  ['TT.MM.JJJJ hh:mm', '45368.5', '2024-03-17T12:00:00'],
  ['jj/mm/aaaa', '45368', '2024-03-17'],
  ['mm:ss.00', '0.5', '12:00:00'],
  ['[h]" h"', '1.5', '36:00:00'],
])('the format %s makes %s the date or time %s', async (format, value, text) => {
  expect(await readNumber(value, format)).toBe(text);
});

test.each([27, 30, 31, 32, 33, 36, 50, 55, 58, 71, 77, 81])(
  'under the local date format %i, the value tells whether it is a day, a time or both',
  async (id) => {
    expect(await readNumber('45368', id)).toBe('2024-03-17');
    expect(await readNumber('45368.25', id)).toBe('2024-03-17T06:00:00');
    expect(await readNumber('0.25', id)).toBe('06:00:00');
  },
);

test.each([5, 8, 41, 44, 59, 67])('the local number format %i leaves numbers as they are', async (id) => {
  expect(await readNumber('1234.5', id)).toBe('1234.5');
});

async function writeBack(cells: readonly string[], parts: Parts): Promise<Parts> {
  const input = await openCells(cells, parts);
  const path = join(await createTempFolder(), 'out.xlsx');
  const { columns } = input;
  const shape = dropFile(input.shape);
  const output = await openOutput({ path, shape, columns, fields: [], overwrite: false, raw: false });
  await output.write((await readAllRows(input)).map((row) => createFilledRow(row)));
  await output.commit();
  const { readFile } = await import('node:fs/promises');
  return unpackParts(await readFile(path));
}

test.each([27, 36, 58, 81, 5, 44])('the built-in format %i comes back as it was', async (id) => {
  const parts = await writeBack(['<c s="1"><v>45368</v></c>'], createStyles(id));
  expect(parts['xl/styles.xml']).toContain(`<xf numFmtId="${id}"`);
  expect(parts['xl/worksheets/sheet1.xml']).toMatch(/<c r="A2" s="2"><v>45368<\/v><\/c>/);
});

test('a number with shown zeros comes back as the number with its format', async () => {
  const parts = await writeBack(['<c s="1"><v>417</v></c>'], createStyles(OWN, '00000'));
  expect(parts['xl/styles.xml']).toContain('formatCode="00000"');
  expect(parts['xl/worksheets/sheet1.xml']).toMatch(/<c r="A2" s="2"><v>417<\/v><\/c>/);
});

test.each([
  ['2024-03-17', '2024-03-17', '45368'],
  ['2024-03-17T00:00:00', '2024-03-17', '45368'],
  ['2024-03-17T13:45:30.000Z', '2024-03-17T13:45:30', '45368.57326388889'],
  ['13:45:30', '13:45:30', '0.5732638888888889'],
  ['1899-12-31T13:45:30', '13:45:30', '0.5732638888888889'],
  ['1900-01-01', '1900-01-01', '1'],
])('the ISO cell %s is the moment %s, and comes back as a number', async (value, text, raw) => {
  const cells = [`<c t="d"><v>${value}</v></c>`];
  expect(await readCells(cells)).toEqual([text]);
  expect((await writeBack(cells, {}))['xl/worksheets/sheet1.xml']).toContain(`<v>${raw}</v>`);
});

test('an ISO cell takes the format of its style, and one that is no moment stays text', async () => {
  const styles = createStyles(OWN, 'yyyy\\-mm\\-dd\\ hh:mm');
  const values = ['2024-03-17', '2024-02-31', 'soon', '25:00:00', ''];
  const cells = values.map((value) => `<c s="1" t="d"><v>${value}</v></c>`);
  expect(await readCells(cells, styles)).toEqual(['2024-03-17T00:00:00', ...values.slice(1)]);
  expect((await writeBack(cells, styles))['xl/styles.xml']).toContain('formatCode="yyyy\\-mm\\-dd\\ hh:mm"');
});

test('booleans are read in any case, and another word stays text', async () => {
  const words = ['1', '0', 'true', 'FALSE', 'True', ' true ', 'yes', 'no', ''];
  const cells = words.map((word) => `<c t="b"><v>${word}</v></c>`);
  const expected = ['TRUE', 'FALSE', 'TRUE', 'FALSE', 'TRUE', 'TRUE', 'yes', 'no', ''];
  expect(await readCells(cells)).toEqual(expected);
  const written = (await writeBack(cells, {}))['xl/worksheets/sheet1.xml'] ?? '';
  expect(
    written
      .match(/t="b"><v>(\d)/g)
      ?.map((text) => text.at(-1))
      .join(''),
  ).toBe('101011');
});

test('one of two texts of a cell is read', async () => {
  const cells = [
    '<c t="inlineStr"><v>0</v><is><t>in place</t></is></c>',
    '<c t="str"><v>value</v><is><t>in place</t></is></c>',
    '<c><is><t>in place</t></is></c>',
    '<c t="inlineStr"><is><t>plain</t><r><t>rich </t></r><r><t>text</t></r></is></c>',
    '<c t="inlineStr"><v>kept</v></c>',
  ];
  expect(await readCells(cells)).toEqual(['in place', 'value', 'in place', 'rich text', 'kept']);
});

test('a plain shared text before a rich one is not read twice', async () => {
  const texts = '<sst><si><t>Acme</t><r><t>Ac</t></r><r><t>me</t></r></si><si><t>plain</t></si></sst>';
  const cells = ['<c t="s"><v>0</v></c>', '<c t="s"><v>1</v></c>'];
  expect(await readCells(cells, { 'xl/sharedStrings.xml': texts })).toEqual(['Acme', 'plain']);
});

test.each([
  ['no part', {}],
  ['an empty part', { 'xl/sharedStrings.xml': '<sst/>' }],
  ['a part with too few texts', { 'xl/sharedStrings.xml': '<sst><si><t>a</t></si></sst>' }],
])('a workbook with %s of shared texts is broken', async (_what, parts: Parts) => {
  const input = await openCells(
    ['<c t="inlineStr"><is><t>a</t></is></c>', '<c t="s"><v>7</v></c>'],
    parts,
  ).catch((error: unknown) => error);
  expect(input).toMatchObject({
    code: 'INPUT_WORKBOOK_BROKEN',
    message: expect.stringContaining('its shared text 7 is missing'),
  });
});

const STRUCTURES =
  '<rvStructures><s t="_localImage"><k n="id" t="i"/></s><s t="_linkedentity2"><k n="%Id" t="s"/><k n="_DisplayString" t="s"/></s></rvStructures>';
const VALUES =
  '<rvData><rv s="0"><v>3</v></rv><rv s="1"><v>id1</v><v>Oslo</v></rv><rv s="1"><v>id2</v><v>Bonn</v></rv></rvData>';
const METADATA = [
  '<metadata><metadataTypes><metadataType name="XLDAPR"/><metadataType name="XLRICHVALUE"/></metadataTypes>',
  '<futureMetadata name="XLRICHVALUE"><bk><x:rvb i="2"/></bk><bk><x:rvb i="1"/></bk><bk><x:rvb i="0"/></bk></futureMetadata>',
  '<valueMetadata><bk><rc t="2" v="0"/></bk><bk><rc t="2" v="1"/></bk><bk><rc t="2" v="2"/></bk></valueMetadata></metadata>',
].join('');

test('a cell of a linked data type has the text that it shows', async () => {
  const cells = [1, 2, 3, 9].map((index) => `<c t="e" vm="${index}"><v>#VALUE!</v></c>`);
  const parts = {
    'xl/richData/rdrichvaluestructure.xml': STRUCTURES,
    'xl/richData/rdrichvalue.xml': VALUES,
  };
  expect(await readCells(cells, { ...parts, 'xl/metadata.xml': METADATA })).toEqual([
    'Bonn',
    'Oslo',
    '#VALUE!',
    '#VALUE!',
  ]);
  const bare = { 'xl/richData/rdrichvalue.xml': '<rvData><rv s="0"><v>Acme</v></rv></rvData>' };
  expect(await readCells(cells.slice(0, 2), bare)).toEqual(['Acme', '#VALUE!']);
  expect(await readCells(cells.slice(0, 1))).toEqual(['#VALUE!']);
});

test('rows show their cells', async () => {
  expect((await readAllRows(await openCells(['<c><v>1</v></c>']))).map(showRow)).toEqual([['1', 'x']]);
});
