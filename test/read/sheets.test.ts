import { rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { OUTCOME_COLUMNS } from '../../src/model/output-columns.js';
import { type InputOptions, openInput } from '../../src/read/open-input.js';
import { readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createRow, createWorkbook } from '../helpers/workbook.js';

async function openSheets(sheets: Readonly<Record<string, string>>, options: Partial<InputOptions> = {}) {
  const path = join(await createTempFolder(), 'list.xlsx');
  await writeFile(path, await createWorkbook(sheets));
  return openInput({ path, ...options });
}

/** The rows of a sheet from the first line on; null skips a line. */
function lines(...rows: readonly (readonly string[] | null)[]): string {
  return rows.map((texts, index) => (texts === null ? '' : createRow(index + 1, texts))).join('');
}

/** The rows of a sheet, each so many lines further down. */
function moveDown(rows: string, count: number): string {
  return rows.replace(/(<row r=")(\d+)/g, (_, start, line) => `${start}${Number(line) + count}`);
}

const FIELDS = ['city', 'city_confidence', 'city_citations'];
const PEOPLE = lines(['name'], ['Ada'], ['Grace']);
const FIRMS = lines(['firm', 'city'], ['Acme', 'Oslo']);

test('the first sheet with a table is read, and a warning lists the others', async () => {
  const input = await openSheets({ Cover: '', Intro: lines(['Read me']), People: PEOPLE, Firms: FIRMS });
  expect((await readAllRows(input)).map(showRow)).toEqual([['Ada'], ['Grace']]);
  expect(input.notes).toEqual([
    {
      code: 'SHEET_CHOSEN',
      message:
        'Using sheet "People"; --sheet chooses another: "Cover", "Intro", "Firms". Only .xlsx output keeps the others.',
      fact: 'Using sheet "People"; --sheet chooses another: "Cover", "Intro", "Firms".',
    },
  ]);
});

/** A filled sheet in which only the first row was sent. */
const PARTLY_FILLED = lines(
  ['firm', ...FIELDS, ...OUTCOME_COLUMNS],
  ['Acme', 'Oslo', 'high', 'https://a.com', 'enriched', '', '2026-01-01', '0.01', 'run_1'],
  ['Bolt'],
  ['Core'],
  ['Dart'],
);
const UNREADABLE = '<row r="1"><c r="ZZZZ1"/></row>';
const PIVOT = lines(['enrichment_status', 'rows'], ['enriched', '1'], ['skipped', '3']);

test.each([
  ['before another table', { Filled: PARTLY_FILLED, People: PEOPLE }],
  ['after another table', { People: PEOPLE, Filled: PARTLY_FILLED }],
  ['after a table of its statuses', { Pivot: PIVOT, Filled: PARTLY_FILLED }],
  ['in a sheet named like one about the workbook', { People: PEOPLE, Summary: PARTLY_FILLED }],
  ['below a title', { People: PEOPLE, Filled: `${lines(['Our firms'])}${moveDown(PARTLY_FILLED, 2)}` }],
  ['after a sheet that cannot be read', { Chart: UNREADABLE, Filled: PARTLY_FILLED }],
])('the sheet that rowfill has filled is read, %s', async (_where, sheets) => {
  const input = await openSheets(sheets);
  const rows = (await readAllRows(input)).map(showRow);
  expect(rows).toEqual(['Acme', 'Bolt', 'Core', 'Dart'].map((name) => expect.arrayContaining([name])));
});

test('another sheet than the filled one is read if it is named', async () => {
  const input = await openSheets({ People: PEOPLE, Filled: PARTLY_FILLED }, { sheet: 'People' });
  expect((await readAllRows(input)).map(showRow)).toEqual([['Ada'], ['Grace']]);
});

test('a sheet that cannot be read does not matter if another is read', async () => {
  const input = await openSheets({ People: PEOPLE, Chart: UNREADABLE });
  expect((await readAllRows(input)).map(showRow)).toEqual([['Ada'], ['Grace']]);
});

test('a shared string cell without an index is blank', async () => {
  const others = { 'xl/sharedStrings.xml': '<sst><si><t>name</t></si></sst>' };
  const row =
    '<row r="2"><c r="A2" t="inlineStr"><is><t>Ada</t></is></c><c r="B2" t="s"/><c r="C2" t="s"><v></v></c><c r="D2" t="s"><v>0</v></c></row>';
  const path = join(await createTempFolder(), 'list.xlsx');
  await writeFile(
    path,
    await createWorkbook({ People: `${lines(['name', 'city', 'zip', 'note'])}${row}` }, others),
  );
  const input = await openInput({ path });
  expect((await readAllRows(input)).map(showRow)).toEqual([['Ada', '', '', 'name']]);
});

test.each([
  ['its name', 'Firms', ['Acme', 'Oslo']],
  ['its name in another case', ' firms ', ['Acme', 'Oslo']],
  ['its number', '3', ['Acme', 'Oslo']],
  ['a numeric name', '2', ['Ada']],
])('a sheet is chosen by %s', async (_what, sheet, first) => {
  const input = await openSheets({ '2': PEOPLE, Empty: '', Firms: FIRMS }, { sheet });
  expect(showRow((await readAllRows(input))[0] ?? expect.fail())).toEqual(first);
});

test('a missing sheet is rejected with the names of the existing ones', async () => {
  await expect(openSheets({ People: PEOPLE, Firms: FIRMS }, { sheet: 'Fimrs' })).rejects.toMatchObject({
    code: 'UNKNOWN_SHEET',
    message: expect.stringContaining('has no sheet "Fimrs"'),
    hint: 'It has "People", "Firms".',
  });
  await expect(openSheets({ People: PEOPLE }, { sheet: '2' })).rejects.toMatchObject({
    code: 'UNKNOWN_SHEET',
  });
});

test('a chosen sheet without a table is rejected, even if another one has a table', async () => {
  const sheets = { Empty: '', People: PEOPLE };
  await expect(openSheets(sheets, { sheet: 'Empty' })).rejects.toMatchObject({ code: 'INPUT_EMPTY' });
});

test.each([
  ['blank lines', lines(null, null, ['a', 'b'], ['1', '2']), ['a', 'b'], [3]],
  ['a title', lines(['List of 2024'], ['a', 'b'], ['1', '2']), ['a', 'b'], [2]],
  [
    'two cells of a report',
    lines(['Report', '2024'], null, ['a', 'b', 'c', 'd'], ['1']),
    ['a', 'b', 'c', 'd'],
    [3],
  ],
  [
    'nothing, though the rows are mostly holes',
    lines(['a', 'b', 'c', 'd'], ['1'], ['2']),
    ['a', 'b', 'c', 'd'],
    [1],
  ],
  ['nothing, though a row is longer', lines(['a', 'b'], ['1', '2', 'x'], ['3']), ['a', 'b'], [1]],
  ['nothing, in a table of one column', lines(['a'], ['1'], ['2']), ['a'], [1]],
])('the header is found below %s', async (_what, sheet, titles, [line]) => {
  const input = await openSheets({ List: sheet });
  expect(input.shape).toMatchObject({ titles, sheet: { firstLine: line } });
  expect((await readAllRows(input))[0]?.line).toBe(sheet.includes('"4"') && line === 3 ? 4 : (line ?? 0) + 1);
});

test('without a header every row is data, and the first rows determine the columns', async () => {
  const input = await openSheets({ List: lines(['Acme'], ['Bolt', 'Oslo'], ['Core']) }, { header: false });
  expect(input.columns).toEqual(['column_1', 'column_2']);
  expect((await readAllRows(input)).map(showRow)).toEqual([['Acme'], ['Bolt', 'Oslo'], ['Core']]);
});

test('a row wider than the header is rejected in strict mode', async () => {
  const sheet = lines(['a', 'b'], ['1', '2', '3']);
  const input = await openSheets({ List: sheet }, { strict: true });
  await expect(readAllRows(input)).rejects.toMatchObject({
    code: 'INPUT_NOT_STRICT',
    message: expect.stringContaining('row 2: more cells than the header'),
  });
});

test('a workbook on standard input is saved, so it can be read twice', async () => {
  const stdin = Readable.from([await createWorkbook({ People: PEOPLE })]);
  const input = await openInput({ path: '-', stdin });
  expect((await readAllRows(input)).map(showRow)).toEqual([['Ada'], ['Grace']]);
  expect((await readAllRows(input)).map(showRow)).toEqual([['Ada'], ['Grace']]);
  await input.close();
});

test('a workbook saved again while it is being read is rejected', async () => {
  const path = join(await createTempFolder(), 'list.xlsx');
  await writeFile(path, await createWorkbook({ People: PEOPLE }));
  const input = await openInput({ path });
  await writeFile(path, await createWorkbook({ People: `${PEOPLE}${createRow(4, ['Hedy'])}` }));
  await utimes(path, new Date(), new Date(Date.now() + 10_000));
  await expect(readAllRows(input)).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
  await rm(path);
  await expect(readAllRows(input)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
});

test('column names are made unique as in any table', async () => {
  const input = await openSheets({ List: lines(['name', ' name ', '', 'x'], ['1', '2', '3', '4']) });
  expect(input.columns).toEqual(['name', 'name_2', 'column_3', 'x']);
  expect(input.shape.titles).toEqual(['name', ' name ', '', 'x']);
  expect(input.notes.map(({ code }) => code)).toEqual(['COLUMNS_NAMED']);
});
