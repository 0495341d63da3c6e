import ExcelJS from 'exceljs';
import fc from 'fast-check';
import readSheets from 'read-excel-file/node';
import { expect, test } from 'vitest';
import { parseColumn } from '../../src/model/workbook-file.js';
import { openInput } from '../../src/read/open-input.js';
import { slideFormula } from '../../src/write/shared-formulas.js';
import { compareParts } from '../helpers/compare-workbooks.js';
import { fillWorkbook, readParts } from '../helpers/patched-workbook.js';
import { listRepairs } from '../helpers/repair-rules.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { listCorpus } from '../helpers/workbook-corpus.js';

const CORPUS = listCorpus();
const FIELDS = {
  city: {
    schema: { type: 'string' },
    values: (ordinal: number) => `City ${ordinal}`,
    urls: ['https://x.example/a'],
  },
  'new site': { schema: { type: 'string' }, values: () => 'https://y.example/?a=1&b=2' },
  'new revenue': { schema: { type: 'number' }, values: () => 1234.5 },
  'new founded': { schema: { type: 'string', format: 'date' }, values: () => '1999-05-01' },
};

test('the corpus has at least 40 workbooks of four programs and more by hand', () => {
  expect(CORPUS.length).toBeGreaterThanOrEqual(40);
  for (const maker of ['openpyxl-', 'libreoffice-', 'gnumeric-', 'exceljs ', 'by hand: '])
    expect(CORPUS.filter(({ name }) => name.startsWith(maker)).length).toBeGreaterThanOrEqual(7);
});

/** Names of the cells that a reader gives, with their values as text. */
type Cells = ReadonlyMap<string, string>;

/** The cells of the first sheets, as exceljs reads them. */
async function readWithExcelJs(bytes: Buffer): Promise<Map<string, Cells>> {
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.load(Uint8Array.from(bytes).buffer);
  return new Map(
    workbook.worksheets.map((sheet) => {
      const cells = new Map<string, string>();
      sheet.eachRow((row) => {
        row.eachCell((cell) => {
          if (cell.value !== null) cells.set(cell.address, JSON.stringify(cell.value));
        });
      });
      return [sheet.name, cells];
    }),
  );
}

/** The cells of all sheets, as read-excel-file reads them. */
async function readWithReadExcelFile(bytes: Buffer): Promise<Map<string, Cells>> {
  const sheets = await readSheets(bytes);
  return new Map(
    sheets.map(({ sheet, data }) => {
      const cells = data.flatMap((row, line) =>
        row.flatMap((value, column) =>
          value === null ? [] : [[`${column},${line + 1}`, JSON.stringify(value)] as const],
        ),
      );
      return [sheet, new Map(cells)];
    }),
  );
}

/** Workbooks that a reader cannot read, before they are filled as little as afterwards. */
const UNREADABLE: Readonly<Record<string, readonly string[]>> = {
  exceljs: [
    'openpyxl-chart.xlsx',
    'openpyxl-chart-sheet.xlsx',
    'openpyxl-comments.xlsx',
    'openpyxl-table.xlsx',
    'by hand: other prefixes',
    'by hand: a part in UTF-16',
    'by hand: rows and cells without numbers',
  ],
  'read-excel-file': [
    'openpyxl-chart-sheet.xlsx',
    'by hand: a part in UTF-16',
    'by hand: zip64 everywhere',
    'by hand: rows and cells without numbers',
  ],
};
const READERS = { exceljs: readWithExcelJs, 'read-excel-file': readWithReadExcelFile };

function toKey(place: string): string {
  return place.includes(',') ? place : `${parseColumn(place)},${/\d+$/.exec(place)?.[0]}`;
}

test.each(CORPUS)('$name comes back whole', async ({ name, make }) => {
  const given = await make();
  const { path, bytes, input, rows } = await fillWorkbook(given, FIELDS);
  const file = input.shape.sheet?.file;
  const sheetName = file?.parts.get(file.sheetPath) ?? '';
  const city = input.columns.indexOf('city');
  expect(city).toBeGreaterThan(0);
  const isBlank = (text: string | undefined) =>
    text === undefined || /^(?:N\/A|n\/a|-|#N\/A|)$/.test(text.trim());
  const open = rows.flatMap((row) =>
    row.kind === 'cells' && row.skip === undefined && isBlank(row.cells[city]) ? [row] : [],
  );
  expect(open.length).toBeGreaterThan(0);
  const filled = new Set(open.map(({ line }) => `${city},${line}`));

  const [before, after] = [await readParts(given), await readParts(bytes)];
  const start = (await openInput({ path })).columns.indexOf('city_confidence');
  expect(start).toBeGreaterThan(city);
  const moved = new Set(name.includes('formulas in the column') ? ['1,3'] : []);
  compareParts(before, after, { sheet: sheetName, filled, start, moved });

  const known = listRepairs(before);
  expect(listRepairs(after).filter((fault) => !known.includes(fault))).toEqual([]);

  for (const [reader, read] of Object.entries(READERS)) {
    if (UNREADABLE[reader]?.includes(name)) {
      await expect(read(given)).rejects.toThrow();
      continue;
    }
    const [old, now] = [await read(given), await read(bytes)];
    expect([...now.keys()]).toEqual([...old.keys()]);
    for (const [sheet, cells] of old)
      for (const [place, value] of cells)
        if (sheet !== input.shape.sheet?.name || !(filled.has(toKey(place)) || moved.has(toKey(place))))
          expect(now.get(sheet)?.get(place), `${sheet} ${place}`).toBe(value);
    const own = new Map(
      [...(now.get(input.shape.sheet?.name ?? '') ?? [])].map(([place, value]) => [toKey(place), value]),
    );
    for (const { line, ordinal } of open) {
      expect(own.get(`${city},${line}`)).toBe(`"City ${ordinal}"`);
      const values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((at) => own.get(`${start + at},${line}`) ?? '');
      expect(values[0]).toBe('"high"');
      expect(values[2]).toContain('https://y.example/?a=1&b=2');
      expect(values.some((value) => value.includes('1234.5'))).toBe(true);
      expect(values.some((value) => value.includes('1999-05-01'))).toBe(true);
    }
  }
});

const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', '_x0041_', '&', '<', '"', "'", '=', ' ', '\n'),
    fc.constantFrom('é', '😀', '漢'),
  ),
  maxLength: 6,
});
const anyValue = fc.oneof(
  anyText,
  fc.integer({ min: -1_000_000, max: 1_000_000 }),
  fc.boolean(),
  fc.date({ min: new Date('1950-01-01'), max: new Date('2050-01-01'), noInvalidDate: true }),
  fc.constantFrom<ExcelJS.CellValue>(
    { formula: 'A2&"x"', result: 'x' },
    { text: 'site', hyperlink: 'https://a.example/' },
    null,
  ),
);

test('any workbook is equal afterwards, but for its filled cells and new columns', SLOW, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        rows: fc.array(
          fc.record({
            city: fc.constantFrom(null, 'Rome', '-'),
            others: fc.array(anyValue, { maxLength: 4 }),
          }),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        gap: fc.integer({ min: 0, max: 2 }),
        styled: fc.array(fc.constantFrom('A2', 'B3', 'D4', 'F2', 'H3')),
        other: fc.array(fc.array(anyValue, { maxLength: 3 }), { maxLength: 3 }),
      }),
      async ({ rows, gap, styled, other }) => {
        const workbook = new ExcelJS.Workbook();
        const sheet = workbook.addWorksheet('Leads');
        sheet.addRow(['company', 'city', 'seats', 'note', 'more', 'rest']);
        rows.forEach(({ city, others }, at) => {
          sheet.getRow(2 + at * (gap + 1)).values = [`Firm ${at}`, city, ...others];
        });
        for (const place of styled) sheet.getCell(place).font = { bold: true };
        workbook.addWorksheet('Other').addRows(other);
        const given = Buffer.from(await workbook.xlsx.writeBuffer());
        const { bytes, rows: read } = await fillWorkbook(
          given,
          { city: FIELDS.city },
          { input: { sheet: 'Leads' } },
        );
        const [old, now] = [await readWithExcelJs(given), await readWithExcelJs(bytes)];
        const filled = new Map<string, string>();
        for (const row of read) {
          const isOpen = row.skip === undefined && row.kind === 'cells' && /^-?$/.test(row.cells[1] ?? '');
          if (isOpen) filled.set(`B${row.line}`, JSON.stringify(`City ${row.ordinal}`));
        }
        const expected = new Map([...(old.get('Leads') ?? []), ...filled]);
        const kept = [...(now.get('Leads') ?? [])].filter(([place]) => parseColumn(place) < 6);
        expect(new Map(kept)).toEqual(expected);
        expect(now.get('Other')).toEqual(old.get('Other'));
        const known = listRepairs(await readParts(given));
        expect(listRepairs(await readParts(bytes)).filter((fault) => !known.includes(fault))).toEqual([]);
      },
    ),
    { numRuns: chooseCount(100, 12) },
  );
});

test.each([
  ['A1+$B$2*C$3-$D4', 1, 2, 'B3+$B$2*D$3-$D6'],
  ['SUM(A:A,$B:C,1:1,$2:3)', 1, 1, 'SUM(B:B,$B:D,2:2,$2:4)'],
  ['LOG10(A1)&"A1"&\'A1\'!A1&Q1!A1', 0, 1, 'LOG10(A2)&"A1"&\'A1\'!A2&Q1!A2'],
  ['Leads[[#This Row],[A1]]+tax_2024+A1', 0, 1, 'Leads[[#This Row],[A1]]+tax_2024+A2'],
  ['A1', -1, 0, '#REF!'],
  ['VLOOKUP(A2,Rates!A$1:B$9,2,FALSE)', 0, 3, 'VLOOKUP(A5,Rates!A$1:B$9,2,FALSE)'],
])('the formula %s is filled %i columns and %i rows on as %4$s', (text, columns, lines, moved) => {
  expect(slideFormula(text, columns, lines)).toBe(moved);
});

test('the rules of Excel are broken by a workbook with faults of every kind', async () => {
  const given = await readParts(
    (await CORPUS.find(({ name }) => name === 'openpyxl-table.xlsx')?.make()) ?? Buffer.alloc(0),
  );
  const listFaults = (part: string, from: string | RegExp, to: string): string[] => {
    const text = given.get(part)?.toString() ?? '';
    expect(text.replace(from, to)).not.toBe(text);
    return listRepairs(new Map([...given, [part, Buffer.from(text.replace(from, to))]]));
  };
  const sheet = 'xl/worksheets/sheet1.xml';
  const table = 'xl/tables/table1.xml';
  expect(listRepairs(given)).toEqual([]);
  expect(listFaults(sheet, /<row r="3"/, '<row r="2"').join()).toContain('row 2 after 2');
  expect(listFaults(sheet, /(<pageMargins[^>]*>)(<tableParts.*<\/tableParts>)/, '$2$1').join()).toContain(
    'comes after',
  );
  expect(listFaults(sheet, 's="1"', 's="99"').join()).toContain('style 99');
  expect(listFaults(sheet, 'r="B2"', 'r="A2"').join()).toContain('out of order');
  expect(listFaults(table, 'ref="A1:D7"', 'ref="A1:E7"').join()).toContain('width');
  expect(listFaults(table, 'name="city"', 'name="town"').join()).toContain('column town is city');
  expect(listFaults(table, 'id="2"', 'id="1"').join()).toContain('comes twice');
  expect(listFaults('xl/styles.xml', /<cellXfs count="\d+"/, '<cellXfs count="77"').join()).toContain(
    'count of cellXfs',
  );
  expect(listFaults('[Content_Types].xml', '/xl/styles.xml', '/xl/style.xml').join()).toContain(
    'type of missing',
  );
  expect(listFaults('xl/_rels/workbook.xml.rels', 'styles.xml', 'nothing.xml').join()).toContain(
    'is missing',
  );
});
