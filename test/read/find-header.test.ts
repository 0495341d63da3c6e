import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type InputOptions, openInput } from '../../src/read/open-input.js';
import { readAllRows } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';

async function readTable(text: string, options: Partial<InputOptions> = {}) {
  const path = join(await createTempFolder(), 'in.csv');
  await writeFile(path, text);
  const input = await openInput({ path, name: 'in.csv', ...options });
  const rows = await readAllRows(input);
  return {
    columns: input.columns,
    above: input.shape.above,
    lines: rows.map(({ line }) => line),
    cells: rows.map((row) => (row.kind === 'cells' ? row.cells : [])),
    skipped: rows.map(({ skip }) => skip ?? ''),
    notes: input.notes.map(({ code }) => code),
    doubts: input.doubts,
    codes: input.doubts.map(({ code }) => code),
  };
}

const TABLE = 'company,domain,city\nAcme,acme.example,Ulm\nBeta,beta.example,Bonn\n';

test.each([
  ['a title', 'Customers 2024\n'],
  ['a title and a blank line', 'Customers 2024\n\n'],
  ['a padded title', 'Customers 2024,,\n,,\n'],
  ['a title and a date', 'Customers\n2024-01-31\n'],
  ['names with values', 'Report:,Customers,\nDate:,2024-01-31,\n,,\n'],
  ['comments', '# Exported by Ana, 2024\n# from CRM, v2, beta, x\n'],
  ['text with commas', 'Exported by Ana, Berlin\nAll rights reserved, see terms\n'],
  ['text with as many cells as the table', 'Exported by Ana, from CRM, on Monday\n'],
  ['a quoted title', '"Customers, 2024"\n'],
])('the header is found below %s', async (_what, above) => {
  const { columns, cells, notes, codes, lines, ...read } = await readTable(above + TABLE);
  expect(columns).toEqual(['company', 'domain', 'city']);
  expect(cells).toHaveLength(2);
  expect(read.above).toBe(above);
  expect(notes).toEqual(['ROWS_ABOVE_HEADER']);
  expect(codes).toEqual([]);
  const line = above.split('\n').length;
  expect(lines).toEqual([line + 1, line + 2]);
});

test('the separator is not guessed from comments above the table', async () => {
  const comments = Array.from({ length: 12 }, (_, index) => `# note ${index}, more\n`).join('');
  const { columns, cells } = await readTable(
    `${comments}company;domain\nAcme;acme.example\nBeta;beta.example\n`,
  );
  expect(columns).toEqual(['company', 'domain']);
  expect(cells).toHaveLength(2);
  const prose = Array.from({ length: 8 }, (_, index) => `Line ${index}, of a letter\n`).join('');
  expect((await readTable(`${prose}\na\tb\tc\n1\t2\t3\n4\t5\t6\n7\t8\t9\n`)).columns).toEqual([
    'a',
    'b',
    'c',
  ]);
});

test.each([
  [
    'a header with few names',
    'company,domain,,,\nAcme,acme.example,x,y,z\nBeta,beta.example,u,v,w\n',
    ['company', 'domain', 'column_3', 'column_4', 'column_5'],
  ],
  ['a header with one name', 'company,\nAcme,Berlin\nBeta,Ulm\n', ['company', 'column_2']],
  ['names of one column, rows of several words', 'Ort\nBad Homburg\nUlm\nNeu Isenburg\n', ['Ort']],
  ['years as names', 'country,2019,2020\nFR,1,2\nDE,3,4\n', ['country', '2019', '2020']],
  [
    'rows that fill only some columns',
    'company,domain,ceo,city\nAcme,,,\nBeta,,,\n',
    ['company', 'domain', 'ceo', 'city'],
  ],
])('the first line is the header of %s', async (_what, text, columns) => {
  const read = await readTable(text);
  expect(read.columns).toEqual(columns);
  expect(read.cells).toHaveLength(text.split('\n').length - 2);
  expect(read.codes).toEqual([]);
});

test.each([
  [',,Travel,\nCompany,Domain,Air,Rail\n', ['Company', 'Domain', 'Travel Air', 'Travel Rail']],
  ['Company,Domain,Travel,\n,,Air,Rail\n', ['Company', 'Domain', 'Travel Air', 'Travel Rail']],
  [
    'Company,,Travel,\nName,Domain,Air,Rail\n',
    ['Company Name', 'Company Domain', 'Travel Air', 'Travel Rail'],
  ],
  ['Company,Domain,Revenue,Weight\n,,EUR,kg\n', ['Company', 'Domain', 'Revenue EUR', 'Weight kg']],
  ['Region,Domain,Sales,\n,,2023,2024\n', ['Region', 'Domain', 'Sales 2023', 'Sales 2024']],
])('names in two rows are joined: %j', async (header, columns) => {
  const text = `${header}Acme,acme.example,1,2\nBeta,beta.example,3,4\n`;
  const read = await readTable(text);
  expect(read.columns).toEqual(columns);
  expect(read.lines).toEqual([3, 4]);
  expect(read.notes).toEqual(['HEADER_JOINED']);
  expect((await readTable(text, { headerRow: 2 })).notes).not.toContain('HEADER_JOINED');
});

test.each([
  ['company,domain,note\n,acme.example,\nBeta,beta.example,x\n'],
  ['company,city,\n,Ulm,x\nBeta,Bonn,y\nGamma,Kiel,z\n'],
])('a first row with blanks is not a second row of names: %j', async (text) => {
  const read = await readTable(text);
  expect(read.lines[0]).toBe(2);
  expect(read.notes).not.toContain('HEADER_JOINED');
});

test('--header-row takes the line as it is, and leaves no doubt', async () => {
  const text = 'Acme GmbH,acme.de\nBeta AG,beta.de\nGamma KG,gamma.de\n';
  expect((await readTable(text)).codes).toEqual(['HEADER_LOOKS_LIKE_DATA']);
  expect(await readTable(text, { headerRow: 1 })).toMatchObject({
    columns: ['Acme GmbH', 'acme.de'],
    codes: [],
    notes: [],
  });
  expect(await readTable(text, { headerRow: 2 })).toMatchObject({
    columns: ['Beta AG', 'beta.de'],
    lines: [3],
  });
  expect(await readTable(text, { header: false })).toMatchObject({
    columns: ['column_1', 'column_2'],
    codes: [],
    lines: [1, 2, 3],
  });
  await expect(readTable(text, { headerRow: 9 })).rejects.toMatchObject({ code: 'NO_HEADER_ROW' });
  await expect(readTable(text, { headerRow: 3 })).rejects.toMatchObject({ code: 'INPUT_NO_ROWS' });
  const semicolons = `a,b,c\n1,2,3\n\ncompany;domain\nAcme;acme.example\n`;
  expect(await readTable(semicolons, { headerRow: 4 })).toMatchObject({
    columns: ['company', 'domain'],
    lines: [5],
  });
});

test.each([
  ['domains', 'Acme GmbH,acme.de,Berlin\nBeta AG,beta.de,Hamburg\nGamma KG,gamma.de,Ulm\n'],
  ['one column of domains', 'acme.de\nbeta.de\ngamma.de\n'],
  ['legal forms', 'Acme GmbH\nBeta AG\nGamma Inc\n'],
  ['numbers', 'Acme,12345\nBeta,23456\nGamma,345\n'],
  ['dates', 'Acme,2024-01-31\nBeta,2024-02-28\n'],
  ['addresses', 'Acme,12 Mill Lane Leeds\nBeta,4 Quay Road Porto\nGamma,9 Glass Street Jena\n'],
  ['codes of the same length', 'A-100,Acme\nB-200,Beta\nC-300,Gamma\n'],
  ['country codes', 'Acme,DE\nBeta,FR\nGamma,GB\n'],
  ['e-mail addresses', 'Ana,ana@acme.example\nBo,bo@beta.example\n'],
  ['a value that comes again', 'Acme,Software\nBeta,Retail\nGamma,Software\n'],
  ['years of foundation', 'Acme,1954\nBeta,1987\nGamma,2001\n'],
])('a list without a header is a doubt: %s', async (_what, text) => {
  const { codes, doubts, columns } = await readTable(text);
  expect(codes).toEqual(['HEADER_LOOKS_LIKE_DATA']);
  expect(doubts[0]?.hint).toBe(
    'If the file has no header, use --no-header. If this is the header, use --header-row 1.',
  );
  expect(columns[0]).toBe(text.split(/[,\n]/)[0]);
});

test.each([
  'company,domain\nAcme GmbH,acme.de\n',
  'ID,Firma\nDE,Acme\nFR,Beta\n',
  'Client Company,Web\nAcme Inc,acme.example\n',
  'name,size\nAcme,large\nBeta,small\n',
  'Bezeichnung,Ort\nAcme,Ulm\nBeta,Bonn\n',
  'company,address.city,hq.geo.lat\nAcme,Bonn,50.7\n',
  'company,2023-12-31,2024-12-31\nAcme,5,6\nBeta,7,8\n',
  '1,2,3\n4,5,6\n7,8,9\n',
  'company\nAcme\ncompany\nBeta\n',
])('%j has a header without a doubt', async (text) => {
  expect((await readTable(text)).codes).toEqual([]);
});

test.each([
  [
    'R, with row numbers',
    '"company","domain"\n"1","Acme","acme.example"\n"2","Beta","beta.example"\n',
    ['column_1', 'company', 'domain'],
  ],
  [
    'R, with row names',
    'company,domain\nx,Acme,acme.example\ny,Beta,beta.example\n',
    ['column_1', 'company', 'domain'],
  ],
  [
    'a tab-separated file of R',
    'company\tcity\n1\tAcme\tUlm\n2\tBeta\tBonn\n3\tGamma\tKiel\n',
    ['column_1', 'company', 'city'],
  ],
  [
    'two names in one',
    'companycity,domain\nAcme,Ulm,acme.example\nBeta,Bonn,beta.example\n',
    ['column_1', 'companycity', 'domain'],
  ],
  [
    'a last column without a name',
    'company,city\nAcme,Ulm,x\nBeta,Bonn,y\n',
    ['company', 'city', 'column_3'],
  ],
])('a header one name short is a doubt: %s', async (_what, text, columns) => {
  const read = await readTable(text);
  expect(read.codes).toEqual(['HEADER_TOO_SHORT']);
  expect(read.columns).toEqual(columns);
  expect((await readTable(text, { headerRow: 1 })).columns).toEqual(columns);
  expect((await readTable(text, { headerRow: 1 })).codes).toEqual([]);
});

test.each([
  ['carets', 'company^domain\nAcme^acme.example\nBeta^beta.example\n', '^'],
  ['tildes', 'company~domain~city\nAcme~acme.example~Ulm\nBeta~beta.example~Bonn\n', '~'],
  ['colons', 'company:domain\nAcme:acme.example\nBeta:beta.example\n', ':'],
  ['lines quoted as a whole', '"company,domain"\n"Acme,acme.example"\n"Beta,beta.example"\n', ','],
  [
    'rows with commas below one name',
    'address\n12 Mill Lane, Leeds, GB\n4 Quay Road, Porto, PT\n9 Glass Street, Jena, DE\n',
    ',',
  ],
  [
    'rows with semicolons below one name',
    'companies\nAcme;acme.example\nBeta;beta.example\nGamma;gamma.example\n',
    ';',
  ],
])('a single column whose cells all have another separator is a doubt: %s', async (_what, text, mark) => {
  const { codes, doubts, columns } = await readTable(text);
  expect(codes).toEqual(['ONE_COLUMN']);
  expect(columns).toHaveLength(1);
  expect(doubts[0]?.hint).toBe(
    `If that separates the columns, use --delimiter '${mark}'. If it is one column, use --delimiter none.`,
  );
  expect((await readTable(text, { delimiter: mark, header: false })).columns.length).toBeGreaterThan(1);
  expect((await readTable(text, { delimiter: 'none' })).codes).toEqual([]);
});

test.each([
  'name\n"Smith, John"\nDoe, Jane\nRoe, Al\n',
  'url\nhttps://a.example/x\nhttps://b.example/y\n',
  'company\nAcme, Inc.\nBeta\n',
])('a column of texts is no doubt: %j', async (text) => {
  expect(await readTable(text)).toMatchObject({ codes: [], columns: [text.split('\n')[0]] });
});

test.each([
  ['the header again', 'company,domain\n', 'a repeated header'],
  ['the header again in quotes', '"company","domain"\n', 'a repeated header'],
  ['the header with a mark', '\ufeffcompany,domain\n', 'a repeated header'],
  ['dashes', '-------,------\n', 'a line of dashes'],
  ['a line of equals signs', '=======,======\n', 'a line of dashes'],
  ['dashes of a database', '--------+--------------\n', 'a line of dashes'],
])('%s between the rows is skipped', async (_what, line, reason) => {
  const { cells, skipped, notes } = await readTable(
    `company,domain\nAcme,acme.example\n${line}Beta,beta.example\n`,
  );
  expect(cells).toHaveLength(3);
  expect(skipped).toEqual(['', reason, '']);
  expect(notes).toEqual(['ROW_SKIPPED']);
});

test.each([
  ['(2 rows affected)\n', 1],
  ['\n(2 rows affected)\n\nCompletion time: 2026-02-01\n', 2],
  ['2 rows in set (0.00 sec)\n', 1],
  ['(2 rows)\n\n', 1],
  [
    '\n\n"Account list"\n"Copyright (c) 2026 Example CRM"\n"Generated By:  Ilse Maarn  01.02.2026 10:00"\n"Example Org"\n',
    4,
  ],
  ['\n-----\nTotal: 2 companies\n', 2],
  ['\nSource: own research\n', 1],
  ['\nData from database: World Figures\nLast Updated: 02/01/2026\n', 2],
  ['\nNote: figures are estimates,\n', 1],
])('a footer is skipped: %j', async (footer, count) => {
  const { skipped } = await readTable(`company,domain\nAcme,acme.example\nBeta,beta.example\n${footer}`);
  expect(skipped).toEqual(['', '', ...Array.from({ length: count }, () => 'a footer')]);
});

test.each([
  ['a row after a blank line', 'company,domain\nAcme,acme.example\n\nBeta,beta.example\n'],
  ['a company alone on its line', 'company,domain\nAcme,acme.example\n\nBeta\n'],
  ['rows with one cell', 'company,ceo,city\nAcme,,\n\nBeta,,\nTotal Group,,\n'],
  ['a dash for unknown', 'company,ceo\nAcme,-\n-,--\n'],
  ['a company named like a remark', 'company,ceo\nSource Ltd,\nNote & Sons,\n'],
  ['a row that is like the header in part', 'company,city\ncompany,Ulm\nBeta,Bonn\n'],
])('a row is not skipped: %s', async (_what, text) => {
  expect((await readTable(text)).skipped.every((reason) => reason === '')).toBe(true);
});

test('lines that an earlier job skipped are skipped in its output, too', async () => {
  const text = [
    'company,domain,enrichment_status,enrichment_error',
    'Acme,acme.example,enriched,',
    'company,domain,skipped,a repeated header',
    'Beta,beta.example,skipped,another reason',
    '(2 rows affected),,skipped,a footer',
    '',
  ].join('\n');
  expect((await readTable(text)).skipped).toEqual(['', 'a repeated header', '', 'a footer']);
});

test('columns set apart by blanks are a doubt, and single blanks are not', async () => {
  const { codes, doubts } = await readTable('company   domain\nAcme      a.example\nBeta      b.example\n');
  expect(codes).toEqual(['ONE_COLUMN']);
  expect(doubts[0]?.hint).toBe(
    'If they separate the columns, save it with commas or tabs. If it is one column, use --delimiter none.',
  );
  expect((await readTable('full name\nAna Lund\nBo Moe\n')).codes).toEqual([]);
});

test('long lists with one cell a row are read whole, with their footer skipped', async () => {
  const names = Array.from({ length: 500 }, (_, index) => `Company ${index}`);
  const { cells, skipped } = await readTable(
    `company,ceo\n${names.map((name) => `${name},\n`).join('')}\nSource: CRM\n`,
  );
  expect(cells.slice(0, 500).map(([name]) => name)).toEqual(names);
  expect(skipped.filter((reason) => reason !== '')).toEqual(['a footer']);
});

test.each([
  ['a word and a sum', 'Total,30.5,', true],
  ['a sum alone', ',30.5,', true],
  ['a German word', 'Summe,"30,5",', true],
  ['another number', 'Total,31,', false],
  ['a word alone', 'Total,,', false],
  ['a sum beside a text', 'Acme,30.5,', false],
])(
  'the last row is a totals row only if a number is the sum of its column: %s',
  async (_what, last, isTotals) => {
    const { skipped } = await readTable(`company,amount,city\nAcme,10,Ulm\nBeta,20.5,Bonn\n${last}\n`);
    expect(skipped).toEqual(['', '', isTotals ? 'a totals row' : '']);
  },
);

test('a totals row is found above a footer, with thousands separators', async () => {
  const text =
    'company,amount,city\nAcme,"$1,000.00",Ulm\nBeta,"$2,000.50",Bonn\nGrand total,"$3,000.50",\n\nSource: CRM\n';
  expect((await readTable(text)).skipped).toEqual(['', '', 'a totals row', 'a footer']);
});

const word = fc.constantFrom(
  'Acme',
  'Beta',
  'Müller & Söhne',
  'Inc.',
  'Tolmark, Ltd',
  'two words',
  'The "Best"',
  'a\nb',
  "O'Neil",
  '',
);
const cell = fc.oneof(
  { weight: 3, arbitrary: word },
  { weight: 1, arbitrary: fc.constantFrom('12', '1,5', '2024-01-31', 'x.example', 'DE') },
);
const name = fc.constantFrom('company', 'domain', 'Ort', 'x', 'Umsatz', 'notes', 'Feld A');

test('no row of a valid table is lost, whatever its header is like', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .integer({ min: 1, max: 5 })
        .chain((width) =>
          fc.tuple(
            fc.array(name, { minLength: width, maxLength: width }),
            fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
          ),
        ),
      fc.constantFrom(',', ';', '\t'),
      async ([titles, table], delimiter) => {
        const rows = table.filter((row) => row.some((text) => text !== ''));
        fc.pre(rows.length > 0);
        const quote = (text: string) => (/[",;\t\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
        const text = [titles, ...rows].map((row) => `${row.map(quote).join(delimiter)}\n`).join('');
        const { cells, skipped } = await readTable(text);
        expect(cells).toEqual(rows);
        expect(skipped.every((reason) => reason === '')).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
