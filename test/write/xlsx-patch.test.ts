import ExcelJS from 'exceljs';
import { expect, test } from 'vitest';
import { OUTCOME_COLUMNS } from '../../src/model/output-columns.js';
import { fillWorkbook, findNodes, parseXml, readParts } from '../helpers/patched-workbook.js';
import { listRepairs } from '../helpers/repair-rules.js';
import { createRow, createWorkbook } from '../helpers/workbook.js';

const CITY = {
  schema: { type: 'string' },
  values: (ordinal: number) => ['Berlin', 'Rome', 'Oslo'][ordinal] ?? null,
};

/** A workbook of two sheets with a table, formulas, a note, a drop-down, a conditional format and a frozen header. */
async function createLeads(): Promise<Buffer> {
  const workbook = new ExcelJS.Workbook();
  const sheet = workbook.addWorksheet('Leads', { views: [{ state: 'frozen', ySplit: 1 }] });
  sheet.addTable({
    name: 'Leads',
    ref: 'A1',
    headerRow: true,
    style: { theme: 'TableStyleMedium2', showRowStripes: true },
    columns: ['Company', 'City', 'Seats', 'Price'].map((name) => ({ name, filterButton: true })),
    rows: [
      ['Acme', null, 5, 10.5],
      ['Bolt', 'Paris', 6, 11],
      ['Cog', '-', 7, 12],
    ],
  });
  for (const line of [2, 3, 4])
    sheet.getCell(`D${line}`).value = { formula: `C${line}*2`, result: line } as ExcelJS.CellFormulaValue;
  sheet.getCell('A2').note = 'met at the fair';
  sheet.getCell('B3').dataValidation = { type: 'list', allowBlank: true, formulae: ['"Paris,Rome"'] };
  sheet.addConditionalFormatting({
    ref: 'C2:C4',
    rules: [
      {
        type: 'cellIs',
        operator: 'greaterThan',
        formulae: [5],
        priority: 1,
        style: { font: { bold: true } },
      },
    ],
  });
  sheet.getColumn(1).width = 30;
  workbook.addWorksheet('Other').getCell('A1').value = 'untouched';
  return Buffer.from(await workbook.xlsx.writeBuffer());
}

test('every part that has no new cells or columns is the same, byte for byte', async () => {
  const given = await createLeads();
  const { bytes } = await fillWorkbook(given, { City: CITY });
  const [before, after] = [await readParts(given), await readParts(bytes)];
  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  const changed = [...before].filter(([name, part]) => after.get(name)?.equals(part) !== true);
  expect(changed.map(([name]) => name).sort()).toEqual([
    'xl/styles.xml',
    'xl/tables/table1.xml',
    'xl/workbook.xml',
    'xl/worksheets/sheet1.xml',
  ]);
});

test('blank cells are filled, the new columns belong to the table, and all else is there', async () => {
  const { bytes } = await fillWorkbook(await createLeads(), { City: CITY });
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load(bytes.buffer as ArrayBuffer);
  const sheet = workbook.getWorksheet('Leads');
  expect(sheet?.getColumn(2).values).toEqual([undefined, 'City', 'Berlin', 'Paris', 'Oslo']);
  expect(sheet?.getCell('D2').value).toMatchObject({ formula: 'C2*2', result: 2 });
  expect(sheet?.getCell('A2').note).toBe('met at the fair');
  expect(sheet?.getCell('B3').dataValidation.type).toBe('list');
  expect(sheet?.views[0]).toMatchObject({ state: 'frozen', ySplit: 1 });
  expect(sheet?.getColumn(1).width).toBe(30);
  const parts = await readParts(bytes);
  const table = parseXml(parts.get('xl/tables/table1.xml') ?? Buffer.alloc(0));
  expect(table.attributes.ref).toBe('A1:K4');
  expect(findNodes(table, 'tableColumn').map(({ attributes }) => attributes.name)).toEqual([
    ...['Company', 'City', 'Seats', 'Price', 'City_confidence', 'City_citations'],
    ...[
      'enrichment_status',
      'enrichment_error',
      'enrichment_date',
      'enrichment_cost_usd',
      'enrichment_run_id',
    ],
  ]);
  expect(workbook.getWorksheet('Other')?.getCell('A1').value).toBe('untouched');
});

const MOMENT = { type: 'string', format: 'date-time' };

test('new cells have the style of their kind: dates, money, links and text that looks like a formula', async () => {
  const given = await createLeads();
  const { bytes } = await fillWorkbook(
    given,
    {
      founded: { schema: { type: 'string', format: 'date' }, values: () => '1999-05-01' },
      no_day: { schema: { type: 'string', format: 'date' }, values: () => '1999-02-30' },
      opened: { schema: MOMENT, values: () => '1999-05-01T14:30:15.250Z' },
      closed: { schema: MOMENT, values: () => '1999-05-01T14:30:15+02:00' },
      revenue_usd: { schema: { type: 'number' }, values: () => 1234.5 },
      site: { schema: { type: 'string' }, values: () => 'https://acme.example/a&b' },
      note: { schema: { type: 'string' }, values: () => '=1+1' },
    },
    { foundAtMs: Date.UTC(2026, 3, 1, 23) },
  );
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load(bytes.buffer as ArrayBuffer);
  const sheet = workbook.getWorksheet('Leads');
  const find = (title: string) => {
    const titles = (sheet?.getRow(1).values ?? []) as string[];
    const column = titles.indexOf(title);
    return sheet?.getRow(2).getCell(column);
  };
  expect(find('founded')?.value).toEqual(new Date('1999-05-01'));
  expect(find('enrichment_date')?.value).toEqual(new Date('2026-04-01'));
  expect(find('no_day')?.value).toBe('1999-02-30');
  expect({ value: find('opened')?.value, numFmt: find('opened')?.numFmt }).toEqual({
    value: new Date('1999-05-01T14:30:15.250Z'),
    numFmt: 'm/d/yy "h":mm',
  });
  // Excel has no time zones, so another offset would be lost.
  expect(find('closed')?.value).toBe('1999-05-01T14:30:15+02:00');
  expect(find('revenue_usd')).toMatchObject({ value: 1234.5, numFmt: '#,##0.00' });
  expect(find('site')).toMatchObject({
    text: 'https://acme.example/a&b',
    hyperlink: 'https://acme.example/a&b',
  });
  expect(find('note')?.value).toBe('=1+1');
  const levels = ['founded', 'enrichment_status', 'enrichment_run_id'].map((title) => find(title)?.col);
  expect(levels.map((column) => sheet?.getColumn(Number(column)).outlineLevel ?? 0)).toEqual([0, 1, 1]);
  const xml = (await readParts(bytes)).get('xl/worksheets/sheet1.xml')?.toString() ?? '';
  expect(xml).not.toMatch(/<f>=?1\+1/);
});

test('rows without a filled cell stay as they were: titles, blank rows and rows without numbers', async () => {
  const rows = `<row r="1">${'<c r="A1" t="inlineStr"><is><t>Our leads</t></is></c>'}</row>\n <!-- <row r="9"> -->`;
  const blank = '<row r="4" ht="30" customHeight="1"/><row><c s="0"/></row>';
  const given = await createWorkbook({
    Firms:
      rows +
      createRow(3, ['company', 'City']) +
      blank +
      createRow(6, ['Acme', '']) +
      createRow(7, ['Bolt', 'x']),
  });
  const { bytes } = await fillWorkbook(given, { City: CITY });
  const xml = (await readParts(bytes)).get('xl/worksheets/s0.xml')?.toString() ?? '';
  expect(xml).toContain(rows);
  expect(xml).toContain(blank);
  expect(xml).toContain('<c r="B6" t="inlineStr"><is><t xml:space="preserve">Berlin</t></is></c>');
  expect(xml).toContain('<c t="inlineStr"><is><t>x</t></is></c>');
});

test('new columns come behind everything in the rows of the table, and nothing is overwritten', async () => {
  const note = '<c r="H3" t="inlineStr"><is><t>mine</t></is></c>';
  const given = await createWorkbook({
    Firms:
      createRow(1, ['company', 'City']) +
      createRow(2, ['Acme', '']) +
      `<row r="3" spans="1:8"><c r="A3" t="inlineStr"><is><t>Bolt</t></is></c><c r="G3" s="0"/>${note}<c r="J3"/></row>`,
  });
  const { bytes } = await fillWorkbook(given, { City: CITY });
  const xml = (await readParts(bytes)).get('xl/worksheets/s0.xml')?.toString() ?? '';
  expect(xml).toContain(note);
  expect(xml).toContain('<c r="I1" t="inlineStr"><is><t xml:space="preserve">City_confidence');
  expect(xml).toContain('<row r="3" spans="1:15">');
  expect(xml.match(/ r="J3"/g)).toHaveLength(1);
});

/** A sheet with two Excel tables, each with its header at a place, and with these rows. */
async function createTables(tables: Readonly<Record<string, readonly [place: string, rows: unknown[][]]>>) {
  const workbook = new ExcelJS.Workbook();
  const sheet = workbook.addWorksheet('Leads');
  for (const [name, [ref, [titles = [], ...rows]]] of Object.entries(tables))
    sheet.addTable({
      name,
      ref,
      headerRow: true,
      columns: titles.map((title) => ({ name: String(title) })),
      rows,
    });
  return { sheet, save: async () => Buffer.from(await workbook.xlsx.writeBuffer()) };
}

/** The ranges of the tables of a workbook, by name. */
async function listTables(bytes: Buffer) {
  const parts = [...(await readParts(bytes))].filter(([name]) => name.startsWith('xl/tables/'));
  const tables = parts.map(([, part]) => parseXml(part).attributes);
  return Object.fromEntries(tables.map(({ displayName = '', ref }) => [displayName, ref]));
}

const LEADS = [
  ['company', 'City'],
  ['Acme', null],
  ['Bolt', null],
];

test('the rows below an Excel table are not of the list, and neither is another table', async () => {
  const others = [
    ['supplier', 'phone', 'fax'],
    ['Supplier 1', '+47 1', null],
  ];
  const { sheet, save } = await createTables({ Leads: ['A1', LEADS], Suppliers: ['A6', others] });
  sheet.getCell('A5').value = 'remark';
  const { bytes, rows, input } = await fillWorkbook(await save(), { City: CITY });
  expect(rows.map(({ line }) => line)).toEqual([2, 3]);
  expect(input.notes).toMatchObject([
    { code: 'ROWS_BELOW_TABLE', fact: expect.stringMatching(/^3 rows .* \(rows 5, 6, 7\)/) },
  ]);
  expect(await listTables(bytes)).toEqual({ Leads: 'A1:B3', Suppliers: 'A6:C7' });
  const after = new ExcelJS.Workbook();
  await after.xlsx.load(bytes.buffer as ArrayBuffer);
  expect(after.worksheets[0]?.getRow(7).values).toEqual([undefined, 'Supplier 1', '+47 1']);
});

test('a table beside the list stays as it is, and the list is known when it is given back', async () => {
  const { sheet, save } = await createTables({
    Leads: ['A1', LEADS],
    Regions: [
      'D1',
      [
        ['region', 'target'],
        ['North', 5],
      ],
    ],
  });
  sheet.getCell('D3').value = 'beside';
  const given = await save();
  const { bytes, input } = await fillWorkbook(given, { City: CITY });
  expect(input.columns).toEqual(['company', 'City']);
  expect(input.notes).toMatchObject([
    {
      code: 'OTHER_COLUMNS',
      fact: 'The list is the Excel table Leads (A1:B3), without columns D, E beside it.',
    },
  ]);
  expect(await listTables(bytes)).toEqual({ Leads: 'A1:B3', Regions: 'D1:E2' });
  const after = new ExcelJS.Workbook();
  await after.xlsx.load(bytes.buffer as ArrayBuffer);
  expect(after.worksheets[0]?.getRow(1).getCell(6).value).toBe('City_confidence');
  const again = await fillWorkbook(bytes, { City: CITY });
  expect(again.input.columns.filter((name) => !name.startsWith('column_'))).toEqual([
    ...['company', 'City', 'City_confidence', 'City_citations'],
    ...OUTCOME_COLUMNS,
  ]);
  expect(await listTables(again.bytes)).toEqual({ Leads: 'A1:B3', Regions: 'D1:E2' });
});

test('Excel tables beside and below a list without one are not of it', async () => {
  const { sheet, save } = await createTables({
    Regions: [
      'D1',
      [
        ['region', 'target'],
        ['North', 5],
        ['South', 6],
      ],
    ],
    Suppliers: [
      'A6',
      [
        ['supplier', 'phone'],
        ['Supplier 1', '+47 1'],
      ],
    ],
  });
  LEADS.forEach((row, index) => {
    sheet.getCell(`A${index + 1}`).value = row[0] ?? null;
    sheet.getCell(`B${index + 1}`).value = row[1] ?? null;
  });
  const { bytes, input, rows } = await fillWorkbook(await save(), { City: CITY });
  expect(input.columns).toEqual(['company', 'City']);
  expect(rows.map(({ line }) => line)).toEqual([2, 3]);
  expect(input.notes).toMatchObject([
    {
      code: 'OTHER_TABLES',
      fact: 'These Excel tables are not part of the list: Regions (D1:E3), Suppliers (A6:B7).',
    },
  ]);
  expect(await listTables(bytes)).toEqual({ Regions: 'D1:E3', Suppliers: 'A6:B7' });
});

test('merged blank cells that get different values are split, and others stay merged', async () => {
  const workbook = new ExcelJS.Workbook();
  const sheet = workbook.addWorksheet('Leads');
  sheet.addRows([
    ['company', 'zip', 'City', 'country'],
    ...['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].map((name) => [name]),
  ]);
  sheet.getCell('C8').value = 'Bonn';
  for (const range of ['C2:C4', 'C5:D5', 'A6:B6', 'C6:C7', 'C8:C9']) sheet.mergeCells(range);
  const values = ['Berlin', 'Rome', null, 'Oslo', 'Paris', 'Paris', 'x', 'x'];
  const { bytes, notes } = await fillWorkbook(Buffer.from(await workbook.xlsx.writeBuffer()), {
    City: { ...CITY, values: (ordinal) => values[ordinal] ?? null },
    country: { ...CITY, values: () => 'Land' },
  });
  expect(notes).toEqual(['CELLS_UNMERGED']);
  const xml = (await readParts(bytes)).get('xl/worksheets/sheet1.xml')?.toString() ?? '';
  const merged = findNodes(parseXml(Buffer.from(xml)), 'mergeCells')[0];
  expect(merged?.attributes.count).toBe('3');
  expect(findNodes(merged as never, 'mergeCell').map(({ attributes }) => attributes.ref)).toEqual([
    'A6:B6',
    'C6:C7',
    'C8:C9',
  ]);
  const after = new ExcelJS.Workbook();
  await after.xlsx.load(bytes.buffer as ArrayBuffer);
  const shown = after.worksheets[0]?.getColumn(3).values;
  expect(shown).toEqual([
    undefined,
    'City',
    'Berlin',
    'Rome',
    undefined,
    'Oslo',
    'Paris',
    'Paris',
    'Bonn',
    'Bonn',
  ]);
});

const CITED = {
  City: { ...CITY, urls: ['https://a.example/x?y=1&z=2', 'https://b.example/'] },
  ceo: { schema: { type: 'string' }, values: () => 'Ann <Lee>', urls: ['https://c.example/'] },
};

test('sources become comments on the new values, and a comment that was there is kept', async () => {
  const given = await createLeads();
  const { bytes } = await fillWorkbook(given, CITED, { output: { sources: 'comments' } });
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load(bytes.buffer as ArrayBuffer);
  const sheet = workbook.getWorksheet('Leads');
  const showNote = (place: string) => {
    const { note } = sheet?.getCell(place) ?? {};
    return typeof note === 'string' ? note : note?.texts?.map(({ text }) => text).join('');
  };
  expect(showNote('A2')).toBe('met at the fair');
  expect(showNote('B2')).toMatch(
    /^Confidence: high\nhttps:\/\/a\.example\/x\?y=1&z=2\nhttps:\/\/b\.example\/\nrowfill [\da-f]{8}$/,
  );
  expect(showNote('B3')).toBeUndefined();
  expect(sheet?.getRow(1).values).toEqual([
    ...[undefined, 'Company', 'City', 'Seats', 'Price', 'City_confidence', 'ceo', 'ceo_confidence'],
    ...OUTCOME_COLUMNS,
  ]);
  expect(showNote('F4')).toMatch(/^Confidence: high\nhttps:\/\/c\.example\/\nrowfill [\da-f]{8}$/);
  const [before, after] = [await readParts(given), await readParts(bytes)];
  const known = listRepairs(before);
  expect(listRepairs(after).filter((fault) => !known.includes(fault))).toEqual([]);
  const drawing = after.get('xl/drawings/vmlDrawing1.vml')?.toString() ?? '';
  expect(drawing.match(/<v:shape /g)).toHaveLength(1 + 5);
});

test('a sheet without comments gets them too', async () => {
  const given = await createWorkbook({
    Firms: createRow(1, ['company', 'City']) + createRow(2, ['Acme', '']),
  });
  const { bytes } = await fillWorkbook(given, CITED, { output: { sources: 'comments' } });
  const parts = await readParts(bytes);
  expect(listRepairs(parts).filter((fault) => /comment|drawing|rowfill/.test(fault))).toEqual([]);
  expect(parts.get('xl/comments1.xml')?.toString()).toContain('<comment ref="B2" authorId="0">');
  expect(parts.get('xl/worksheets/s0.xml')?.toString()).toMatch(
    /<legacyDrawing [^>]*r:id="rowfillDrawing"\/><\/worksheet>$/,
  );
});

test('sources become a sheet of their own, with links to the cells and to the pages', async () => {
  const given = await createLeads();
  const { bytes } = await fillWorkbook(given, CITED, { output: { sources: 'sheet' } });
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load(bytes.buffer as ArrayBuffer);
  expect(workbook.worksheets.map(({ name }) => name)).toEqual(['Leads', 'Other', 'Sources']);
  const sheet = workbook.getWorksheet('Sources');
  const values = (sheet?.getSheetValues() ?? []) as ExcelJS.CellValue[][];
  const rows = values.slice(1, 5).map((row) => row.slice(1, 7));
  const show = (value: ExcelJS.CellValue | undefined) =>
    typeof value === 'object' && value !== null && 'hyperlink' in value ? value.hyperlink : value;
  expect(rows.map((row) => row.map(show))).toEqual([
    ['Cell in Leads', 'Row', 'Column', 'Value', 'Confidence', 'Source'],
    ['B2', 'Acme', 'City', 'Berlin', 'high', 'https://a.example/x?y=1&z=2'],
    ['B2', 'Acme', 'City', 'Berlin', 'high', 'https://b.example/'],
    ['F2', 'Acme', 'ceo', 'Ann <Lee>', 'high', 'https://c.example/'],
  ]);
  const known = listRepairs(await readParts(given));
  expect(listRepairs(await readParts(bytes)).filter((fault) => !known.includes(fault))).toEqual([]);
  const xml = (await readParts(bytes)).get('xl/worksheets/sheet3.xml')?.toString();
  expect(xml).toContain(`<hyperlink ref="A2" location="'Leads'!B2" display="B2"/>`);
  // Filled by somebody else, the new sheet has a name of its own.
  const again = await fillWorkbook(bytes, CITED, {
    input: { sheet: 'Leads' },
    output: { sources: 'sheet', overwrite: true },
  });
  const names = findNodes(
    parseXml((await readParts(again.bytes)).get('xl/workbook.xml') ?? Buffer.alloc(0)),
    'sheet',
  );
  expect(names.map(({ attributes }) => attributes.name)).toEqual(['Leads', 'Other', 'Sources', 'Sources 2']);
  expect(listRepairs(await readParts(again.bytes)).filter((fault) => !known.includes(fault))).toEqual([]);
});

test('a plain workbook has one sheet of values, without bookkeeping', async () => {
  const { bytes } = await fillWorkbook(await createLeads(), CITED, { output: { plain: true } });
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load(bytes.buffer as ArrayBuffer);
  expect(workbook.worksheets.map(({ name }) => name)).toEqual(['Leads']);
  const values = workbook.worksheets[0]?.getSheetValues() as ExcelJS.CellValue[][];
  expect(values[1]).toEqual([undefined, 'Company', 'City', 'Seats', 'Price', 'ceo']);
  expect(values[2]).toEqual([undefined, 'Acme', 'Berlin', 5, 2, 'Ann <Lee>']);
});

test('a workbook that cannot be patched is refused with a way out', async () => {
  const types = '<!DOCTYPE x [<!ENTITY a "b">]><Types/>';
  const rows = createRow(1, ['company', 'City']) + createRow(2, ['Acme', '']);
  const given = await createWorkbook({ Firms: rows }, { '[Content_Types].xml': types });
  await expect(fillWorkbook(given, { City: CITY })).rejects.toMatchObject({
    code: 'OUTPUT_NOT_PATCHED',
    message: expect.stringContaining('cannot be written back whole: an XML part has a DOCTYPE'),
  });
});

test('parts with names that lead out of a folder are left out, and the last of two equal parts counts', async () => {
  const rows = createRow(1, ['company', 'City']) + createRow(2, ['Acme', '']);
  const given = await createWorkbook({ Firms: rows }, { '../evil.txt': 'x', 'xl/kept.bin': 'y' });
  const parts = await readParts((await fillWorkbook(given, { City: CITY })).bytes);
  expect([...parts.keys()]).not.toContain('../evil.txt');
  expect(parts.get('xl/kept.bin')?.toString()).toBe('y');
  const twice = Buffer.from(
    (await createWorkbook({ Firms: rows }, { 'xl/kept.bin': 'old', 'xl/kepu.bin': 'new' }))
      .toString('latin1')
      .replaceAll('kepu.bin', 'kept.bin'),
    'latin1',
  );
  const once = await readParts((await fillWorkbook(twice, { City: CITY })).bytes);
  expect(once.get('xl/kept.bin')?.toString()).toBe('new');
});

test('a remark that is merged over the whole sheet does not push the new columns away', async () => {
  const rows = createRow(1, ['company', 'City']) + createRow(2, ['Acme', '']) + createRow(3, ['Bolt', '']);
  const merge =
    '</sheetData><mergeCells><mergeCell ref="A9:XFD9"/><mergeCell ref="A7:D7"/></mergeCells><sheetData>';
  const given = await createWorkbook({ Firms: rows + merge }, { 'xl/styles.xml': '<styleSheet/>' });
  const { bytes } = await fillWorkbook(given, { City: CITY });
  const xml = (await readParts(bytes)).get('xl/worksheets/s0.xml')?.toString() ?? '';
  expect(xml).toContain('<c r="E1" t="inlineStr"><is><t xml:space="preserve">City_confidence');
});

test('a blank cell in the range of an array formula or a data table stays blank, others are filled', async () => {
  const name = (line: number) => `<c r="A${line}" t="inlineStr"><is><t>Firm ${line}</t></is></c>`;
  const given = await createWorkbook({
    Firms: [
      createRow(1, ['company', 'City', 'Size']),
      `<row r="2">${name(2)}<c r="B2"/></row>`,
      `<row r="3">${name(3)}<c r="B3"><f t="array" ref="B3:C4">1</f><v></v></c><c r="C3"><v>1</v></c></row>`,
      `<row r="4">${name(4)}<c r="B4"/><c r="C4"><v>1</v></c></row>`,
      `<row r="5">${name(5)}<c r="C5"><f ref='B5:C5' t = 'dataTable'/><v>1</v></c></row>`,
      `<row r="6">${name(6)}</row>`,
    ].join(''),
  });
  const { bytes, notes } = await fillWorkbook(given, { City: { ...CITY, values: () => 'Berlin' } });
  const xml = (await readParts(bytes)).get('xl/worksheets/s0.xml')?.toString() ?? '';
  expect(xml.match(/ r="B\d" t="inlineStr"/g)).toEqual([' r="B2" t="inlineStr"', ' r="B6" t="inlineStr"']);
  expect(xml).toContain('<c r="B4"/>');
  expect(notes).toEqual(['FORMULA_KEPT']);
});
