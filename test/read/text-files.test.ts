import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type InputOptions, openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createFilledRow, readAllRows } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';

async function read(text: string, options: Partial<InputOptions> = {}) {
  const folder = await createTempFolder();
  const path = join(folder, 'in.csv');
  await writeFile(path, text);
  const input = await openInput({ path, ...options });
  const rows = await readAllRows(input);
  return { input, rows, folder };
}

/** The column names and the cells of the rows. */
async function readTable(text: string, options: Partial<InputOptions> = {}) {
  const { input, rows } = await read(text, options);
  const cells = rows.map((row) => (row.kind === 'cells' ? row.cells : []));
  return { columns: input.columns, cells, notes: input.notes.map(({ code }) => code) };
}

/** The lines of the output, without the columns that a job adds. */
async function writeBack(text: string, options: Partial<InputOptions> = {}): Promise<string> {
  const { input, rows, folder } = await read(text, options);
  const { shape, columns } = input;
  const path = join(folder, 'out.csv');
  const fields = [{ name: 'f', schema: { type: 'string' } }];
  const output = await openOutput({ path, shape, columns, fields, overwrite: false, raw: false });
  await output.write(
    rows.map((row) => createFilledRow(row, {}, { status: 'pending', costMicros: 0, runId: null })),
  );
  await output.commit();
  const added =
    /([,;\t|^] ?)(["'“]?)f["'”]?\1\2f_confidence.*|([,;\t|^] ?)(?:["'“]["'”])?\3(?:["'“]["'”])?\3(?:["'“]["'”])?\3["'“]?pending.*/g;
  return (await readFile(path, 'utf8')).replace(added, '');
}

const COMPANIES = [
  ['Acme', 'acme.example'],
  ['Tolmark, Inc.', 'tolmark.example'],
  ['Beta', 'beta.example'],
];
const HEADER = ['company', 'domain'];

test.each([
  [
    'a mark before a later line',
    'company,domain\nAcme,acme.example\n\ufeff"Tolmark, Inc.",tolmark.example\nBeta,beta.example\n',
  ],
  [
    'a mark before each line',
    '\ufeffcompany,domain\n\ufeffAcme,acme.example\n\ufeff"Tolmark, Inc.",tolmark.example\n\ufeffBeta,beta.example\n',
  ],
  [
    'two marks at the start',
    '\ufeff\ufeff"company",domain\nAcme,acme.example\n"Tolmark, Inc.",tolmark.example\nBeta,beta.example\n',
  ],
  [
    'CR CR LF',
    'company,domain\r\r\nAcme,acme.example\r\r\n"Tolmark, Inc.",tolmark.example\r\r\nBeta,"beta.example"\r\r\n',
  ],
  [
    'CR CR LF on some lines',
    'company,domain\r\nAcme,acme.example\r\r\n"Tolmark, Inc.",tolmark.example\nBeta,beta.example\r\n',
  ],
  [
    'CR with a final LF',
    'company,domain\rAcme,acme.example\r"Tolmark, Inc.",tolmark.example\rBeta,beta.example\n',
  ],
  [
    'CR on some lines',
    'company,domain\nAcme,acme.example\r"Tolmark, Inc.",tolmark.example\nBeta,beta.example\n',
  ],
  [
    'CR after the header only',
    'company,domain\rAcme,acme.example\n"Tolmark, Inc.",tolmark.example\nBeta,beta.example\n',
  ],
  [
    'LF on one line of a CR file',
    'company,domain\rAcme,acme.example\n"Tolmark, Inc.",tolmark.example\rBeta,beta.example\r',
  ],
  [
    'Ctrl-Z at the end',
    'company,domain\r\nAcme,acme.example\r\n"Tolmark, Inc.",tolmark.example\r\nBeta,beta.example\r\n\u001a',
  ],
  [
    'control characters on a line',
    'company,domain\nAcme,acme.example\n\u0007\u001a\n"Tolmark, Inc.",tolmark.example\nBeta,beta.example\n',
  ],
  [
    'a blank before quotes',
    'company, domain\nAcme, "acme.example"\n"Tolmark, Inc.", "tolmark.example"\nBeta, "beta.example"\n',
  ],
  [
    'a blank before some quotes',
    'company,domain\nAcme,acme.example\n  "Tolmark, Inc.",tolmark.example\nBeta,\t"beta.example"\n',
  ],
  [
    'a blank after each comma',
    'company, domain\nAcme, acme.example\n"Tolmark, Inc.", tolmark.example\nBeta, beta.example\n',
  ],
  [
    'padded sep=;',
    'sep=;;\ncompany;domain\nAcme;acme.example\nTolmark, Inc.;tolmark.example\nBeta;beta.example\n',
  ],
  [
    'padded sep=,',
    'sep=,,\r\ncompany,domain\r\nAcme,acme.example\r\n"Tolmark, Inc.",tolmark.example\r\nBeta,beta.example\r\n',
  ],
  [
    'sep=; padded with the commas of the file',
    'sep=;,,\ncompany,domain\nAcme,acme.example\n"Tolmark, Inc.",tolmark.example\nBeta,beta.example\n',
  ],
  [
    'single quotes',
    "company,domain\n'Acme','acme.example'\n'Tolmark, Inc.','tolmark.example'\n'Beta','beta.example'\n",
  ],
  [
    'single quotes where needed',
    "company,domain\nAcme,acme.example\n'Tolmark, Inc.',tolmark.example\nBeta,beta.example\n",
  ],
  [
    'curly quotes',
    'company,domain\n“Acme”,acme.example\n“Tolmark, Inc.”,tolmark.example\nBeta,beta.example\n',
  ],
  [
    'equals and quotes',
    'company,domain\n="Acme",acme.example\n="Tolmark, Inc.",tolmark.example\n"=""Beta""",beta.example\n',
  ],
])('a file with %s has all its rows', async (_what, text) => {
  const { columns, cells } = await readTable(text);
  expect(columns).toEqual(HEADER);
  expect(cells).toEqual(COMPANIES);
});

test.each([
  ['company\nAcme\rBeta\rGamma\nDelta\n'],
  ['company\nAcme\rBeta\rGamma\rDelta\r'],
  ['company\rAcme\rBeta\nGamma\rDelta'],
])('line ends of two kinds end the rows of %j', async (text) => {
  const { columns, cells } = await readTable(text);
  expect(columns).toEqual(['company']);
  expect(cells.flat()).toEqual(['Acme', 'Beta', 'Gamma', 'Delta']);
});

test('a carriage return whose pieces are no rows stays in its cell, and is reported', async () => {
  const { cells, notes } = await readTable('company,note\nAcme,line1\rline2\nBeta,x\n');
  expect(cells).toEqual([
    ['Acme', 'line1\rline2'],
    ['Beta', 'x'],
  ]);
  expect(notes).toEqual(['ROW_LINE_BREAK']);
});

test.each([
  ['a comma', '"say \\"hi, there\\", ok"', 'say "hi, there", ok'],
  ['a line break', '"say \\"hi,\nthere\\" ok"', 'say "hi,\nthere" ok'],
  ['nothing else', '"The \\"Best\\" Bakery"', 'The "Best" Bakery'],
  ['quotes at both ends', '"\\"Best\\""', '"Best"'],
])('quotes after backslashes belong to the cell, with %s', async (_what, cell, value) => {
  const { cells } = await readTable(
    `"company","note","domain"\n"Acme",${cell},"a.example"\n"Beta","x","b.example"\n`,
  );
  expect(cells).toEqual([
    ['Acme', value, 'a.example'],
    ['Beta', 'x', 'b.example'],
  ]);
});

test.each(['C:\\dir\\', 'a\\b', '\\'])(
  'a backslash at the end of a cell is only a backslash: %s',
  async (path) => {
    const { cells, notes } = await readTable(`"company","path"\n"Acme","${path}"\n"Beta","x"\n`);
    expect(cells).toEqual([
      ['Acme', path],
      ['Beta', 'x'],
    ]);
    expect(notes).toEqual([]);
  },
);

test.each([
  ['tabs', '\t'],
  ['commas', ','],
  ['semicolons', ';'],
])('quotes that pair up over several rows are read as text and reported, with %s', async (_what, tab) => {
  const lines = [
    'company,domain',
    '"Acme,acme.example',
    'Beta,beta.example',
    'Gamma",gamma.example',
    'Delta,delta.example',
  ];
  const { cells, notes } = await readTable(`${lines.join('\n').replaceAll(',', tab)}\n`);
  expect(cells.map(([company]) => company)).toEqual(['"Acme', 'Beta', 'Gamma"', 'Delta']);
  expect(notes).toEqual(['ROW_QUOTES_OPEN']);
});

test('a quoted cell whose lines could be rows is read as one cell and reported', async () => {
  const text = 'company,address\nAcme,"12 Mill Lane\nLeeds, GB"\nBeta,x\n';
  const { cells, notes } = await readTable(text);
  expect(cells[0]).toEqual(['Acme', '12 Mill Lane\nLeeds, GB']);
  expect(notes).toEqual(['ROW_QUOTES_WIDE']);
  expect((await readTable(text, { quote: 'none' })).cells).toHaveLength(3);
});

test('--quote none reads quotes as text, and a quote character of another kind is used', async () => {
  const text = 'company\tsize\n"Acme\t5"\nBeta"\t6\n';
  expect((await readTable(text, { quote: 'none' })).cells).toEqual([
    ['"Acme', '5"'],
    ['Beta"', '6'],
  ]);
  expect(await writeBack(text, { quote: 'none' })).toBe(text);
  const star = 'company,size\n*Acme, Inc.*,5\n';
  expect((await readTable(star, { quote: '*' })).cells).toEqual([['Acme, Inc.', '5']]);
  expect(await writeBack(star, { quote: '*' })).toBe(star);
  await expect(readTable(star, { quote: 'ab' })).rejects.toMatchObject({ code: 'OPTION_QUOTE' });
});

test('apostrophes in and before words are not quotes', async () => {
  const { cells } = await readTable(
    "company,city\n't Hooft,Utrecht\nMen's Club,'s-Hertogenbosch\n'n Beetje,Men's\n",
  );
  expect(cells.map(([company]) => company)).toEqual(["'t Hooft", "Men's Club", "'n Beetje"]);
});

test.each([
  ['nothing and quotes', '"id","note","memo"\n"1","",\n"2",,""\n"3","x","y"\n'],
  ['quotes in a plain file', 'id,note\n1,""\n2,\n3,x\n'],
  ['nothing in a quoted file', '"id","note"\n"1",""\n"2",\n"3","x"\n'],
  ['equals and quotes', 'id,note\n="00417",a\n="a,b",b\n"=""08""",c\n'],
  ['a blank after each comma', 'id, note\n1, a\n2, "b, c"\n'],
  ['lines above the header', 'Report, 2024\n\n# x\nid,note,city\n1,a,Ulm\n2,b,Bonn\n'],
  ['padded lines above the header', 'Report,,\n,,\nid,note,city\n1,a,Ulm\n2,b,Bonn\n'],
  [
    'a header in two rows',
    ',,Travel,\nCompany,Domain,Air,Rail\nAcme,acme.example,1,2\nBeta,beta.example,3,4\n',
  ],
  ['single quotes', "id,note\n1,'a, b'\n2,'c'\n"],
  ['curly quotes', 'id,note\n1,“a, b”\n2,c\n'],
  ['a title in single quotes', "id,title,year\n1,Low,1977\n2,'Heroes',1977\n"],
  ['a title in curly quotes', 'id,title\n1,“Heroes”\n2,Low\n'],
  ['a title in single quotes, and a header in double ones', '"id","title"\nx,\'Heroes\'\ny,Low\n'],
  ['a title with quotes and a comma', "id,title\n1,'Heroes'\n2,«Low, or not»\n"],
])('cells come back as they were: %s', async (_what, text) => {
  expect(await writeBack(text)).toBe(text);
});

test('="…" is sent and compared as its text', async () => {
  const { cells } = await readTable('id,company\n="00417",Acme\n"=""08""",Beta\n="a""b",Gamma\n=1+1,Delta\n');
  expect(cells.map(([id]) => id)).toEqual(['00417', '08', 'a"b', '=1+1']);
});

test('--delimiter none reads one column, and --delimiter unwraps lines that are quoted as a whole', async () => {
  expect(
    (await readTable('address\n1 Mill Lane, Leeds\n2 Quay, Porto\n', { delimiter: 'none' })).cells,
  ).toEqual([['1 Mill Lane, Leeds'], ['2 Quay, Porto']]);
  const wrapped = '"company,domain"\n"Acme,acme.example"\n"""Tolmark, Inc."",tolmark.example"\n';
  const { columns, cells } = await readTable(wrapped, { delimiter: ',' });
  expect(columns).toEqual(HEADER);
  expect(cells).toEqual([
    ['Acme', 'acme.example'],
    ['Tolmark, Inc.', 'tolmark.example'],
  ]);
});
