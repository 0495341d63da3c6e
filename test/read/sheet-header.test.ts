import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type InputOptions, openInput } from '../../src/read/open-input.js';
import { readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createRow, createWorkbook } from '../helpers/workbook.js';

type Lines = readonly (readonly string[] | null)[];

/** The rows of a sheet from the first line on; null skips a line. */
function lines(...rows: Lines): string {
  return rows.map((texts, index) => (texts === null ? '' : createRow(index + 1, texts))).join('');
}

async function openSheets(sheets: Readonly<Record<string, string>>, options: Partial<InputOptions> = {}) {
  const path = join(await createTempFolder(), 'list.xlsx');
  await writeFile(path, await createWorkbook(sheets));
  return openInput({ path, ...options });
}

const ACME = ['Acme', 'acme.example'];
const BOLT = ['Bolt', 'bolt.example'];
const CORE = ['Core', 'core.example'];
const NAMES = ['company', 'domain'];

test.each<[string, number, Lines]>([
  [
    'a second table beside the rows',
    1,
    [NAMES, ACME, BOLT, [...CORE, '', 'Region', 'Q1', 'Q2', 'Q3'], [...CORE, '', 'N', '1', '2', '3']],
  ],
  [
    'a second table beside a list of names',
    1,
    [['company'], ['Acme'], ['Bolt'], ['Core', '', 'Region', 'Q1', 'Q2'], ['Dune', '', 'North', 'a', 'b']],
  ],
  [
    'a second table below',
    1,
    [NAMES, ACME, BOLT, null, ['Region', 'Q1', 'Q2', 'Q3', 'Q4'], ['North', 'a', 'b', 'c', 'd']],
  ],
  ['a remark beside a row', 1, [['company'], ['Acme'], ['Bolt', 'checked by Ana'], ['Core']]],
  ['a remark beside the first row', 1, [['company'], ['Acme', 'checked by Ana'], ['Bolt'], ['Core']]],
  [
    'a legend beside the header',
    1,
    [[...NAMES, '', 'green = customer'], ACME, [...BOLT, '', 'red = lost'], CORE],
  ],
  [
    'a header with few names',
    1,
    [NAMES, [...ACME, 'Ana', 'EU', 'x'], [...BOLT, 'Tom', 'UK', 'x'], [...CORE, 'Ida', 'EU', 'x']],
  ],
  [
    'a header with few names, over texts only',
    1,
    [
      ['company', 'city'],
      ['Acme', 'Oslo', 'Ana', 'big', 'old'],
      ['Bolt', 'Bonn', 'Tom', 'small', 'new'],
    ],
  ],
  ['a title', 2, [['Customers 2024'], NAMES, ACME]],
  ['a title of several lines', 5, [['Customers'], ['as of 1 May'], ['by Ana'], null, NAMES, ACME, BOLT]],
  [
    'facts of a report',
    4,
    [
      ['Report', 'Customers'],
      ['By', 'Ana'],
      null,
      ['company', 'domain', 'city', 'note'],
      [...ACME, 'Oslo', 'a'],
    ],
  ],
  [
    'groups of names',
    2,
    [
      ['', '', 'Travel', '', 'Stay'],
      [...NAMES, 'Air', 'Rail', 'Hotel', 'Food'],
      [...ACME, '1', '2', '3', '4'],
    ],
  ],
  [
    'groups of names over years',
    2,
    [
      ['Company', '', 'Revenue'],
      [...NAMES, '2022', '2023', '2024'],
      [...ACME, '1', '2', '3'],
      [...BOLT, '4', '5', '6'],
    ],
  ],
  ['a list of one column', 1, [['company'], ['Acme'], ['Bolt']]],
])('the header is found with %s', async (_what, line, rows) => {
  const input = await openSheets({ List: lines(...rows) });
  expect(input.shape.sheet?.firstLine).toBe(line);
  expect((await readAllRows(input)).length).toBe(rows.slice(line).filter((row) => row !== null).length);
});

test('--header-row names the row of the header', async () => {
  const sheet = lines(['id', 'a'], ['1', 'b'], null, ['company', 'domain'], ACME);
  const input = await openSheets({ List: sheet }, { headerRow: 4 });
  expect(input.columns).toEqual(NAMES);
  expect((await readAllRows(input)).map(showRow)).toEqual([ACME]);
  await expect(openSheets({ List: sheet }, { headerRow: 3 })).rejects.toMatchObject({
    code: 'NO_HEADER_ROW',
    message: expect.stringContaining('row 3 is blank'),
  });
  const long = lines(...Array.from({ length: 50 }, () => ['x']), NAMES, ACME);
  expect((await openSheets({ List: long }, { headerRow: 51 })).columns).toEqual(NAMES);
});

test.each([
  ['Export Summary', lines(['Exported.'], null, ['Sheet', 'Table'], ['Sheet 1', 'Table 1'])],
  ['Info', lines(['Created by', 'Ana'], ['Date', '2024'])],
  ['Sheet1', lines(['Read this first'], ['It is long'], ['', 'and', 'wide'])],
  ['Cover', lines(['Customers'])],
  ['Empty', ''],
])('the sheet %s before the table is passed over', async (name, sheet) => {
  const input = await openSheets({
    [name]: sheet,
    'Sheet 1 - Table 1': lines(['Table 1'], NAMES, ACME, BOLT),
  });
  expect(input.shape.sheet?.name).toBe('Sheet 1 - Table 1');
  expect((await readAllRows(input)).map(showRow)).toEqual([ACME, BOLT]);
  expect(input.notes[0]).toMatchObject({ code: 'SHEET_CHOSEN' });
});

test('a table in a sheet called Info is read if there is no other', async () => {
  const input = await openSheets({ Info: lines(NAMES, ACME), Empty: '' });
  expect(input.shape.sheet?.name).toBe('Info');
});

const TRAVEL = ['Acme', 'acme.example', '10', '20', 'x'];
const STAY = ['Bolt', 'bolt.example', '30', '40', 'y'];

test.each<[string, Lines, string, readonly string[]]>([
  [
    'over some of the columns',
    [['', '', 'Travel'], [...NAMES, 'Air', 'Rail'], TRAVEL.slice(0, 4), STAY.slice(0, 4)],
    '',
    [...NAMES, 'Travel Air', 'Travel Rail'],
  ],
  [
    'over merged columns only',
    [['', '', 'Travel'], [...NAMES, 'Air', 'Rail', 'Notes'], TRAVEL, STAY],
    '<mergeCell ref="C1:D1"/>',
    [...NAMES, 'Travel Air', 'Travel Rail', 'Notes'],
  ],
  [
    'with names merged down beside them',
    [[...NAMES, 'Travel', '', 'Notes'], ['', '', 'Air', 'Rail'], TRAVEL, STAY],
    '<mergeCell ref="A1:A2"/><mergeCell ref="B1:B2"/><mergeCell ref="C1:D1"/><mergeCell ref="E1:E2"/>',
    [...NAMES, 'Travel Air', 'Travel Rail', 'Notes'],
  ],
  [
    'under some of the columns',
    [[...NAMES, 'Travel', ''], ['', '', 'Air', 'Rail'], TRAVEL.slice(0, 4), STAY.slice(0, 4)],
    '',
    [...NAMES, 'Travel Air', 'Travel Rail'],
  ],
])('names in two rows are joined, %s', async (_what, rows, merged, columns) => {
  const path = join(await createTempFolder(), 'list.xlsx');
  const sheet = `${lines(...rows)}</sheetData>${merged === '' ? '' : `<mergeCells>${merged}</mergeCells>`}<x>`;
  const bytes = await createWorkbook({ List: sheet.replace('<x>', '<sheetData>') });
  await writeFile(path, bytes);
  const input = await openInput({ path });
  expect(input.columns).toEqual(columns);
  expect(input.shape.sheet).toMatchObject({ firstLine: 2, above: [] });
  const found = (await readAllRows(input)).map((row) => (row.kind === 'cells' ? row.cells[0] : null));
  expect(found).toEqual(['Acme', 'Bolt']);
  expect(input.notes.find(({ code }) => code === 'HEADER_JOINED')?.message).toContain(
    'names are joined, such as "Travel Air". Only .xlsx output keeps both rows as they are.',
  );
});

test('a title above the header is not joined with its names', async () => {
  const input = await openSheets({ List: lines(['Leads of 2024'], NAMES, ACME, BOLT) });
  expect(input.columns).toEqual(NAMES);
  const groups = lines(['', 'Sites'], NAMES, ACME, BOLT);
  expect((await openSheets({ List: groups }, { headerRow: 2 })).columns).toEqual(NAMES);
});
