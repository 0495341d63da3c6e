import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAsk } from '../../src/model/ask.js';
import { createQuestion } from '../../src/model/question.js';
import { type Input, type InputOptions, openInput } from '../../src/read/open-input.js';
import { openOutput } from '../../src/write/open-output.js';
import { createFilledRow, readAllRows, showRow } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import {
  createRow,
  createWorkbook,
  dropFile,
  type Parts,
  packParts,
  unpackParts,
} from '../helpers/workbook.js';

const LINKS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

interface SheetText {
  readonly rows: string;
  /** XML after the rows. */
  readonly tail?: string;
  /** Relationships of the sheet. */
  readonly links?: string;
  readonly parts?: Parts;
  readonly prefix?: string;
}

async function openSheet(
  { rows, tail = '', links = '', parts = {}, prefix = '' }: SheetText,
  options: Partial<InputOptions> = {},
): Promise<Input> {
  const path = join(await createTempFolder(), 'list.xlsx');
  const root = prefix === '' ? 'xmlns="m"' : `xmlns:${prefix.slice(0, -1)}="m"`;
  const sheet = `<${prefix}worksheet ${root} xmlns:r="${LINKS}"><${prefix}sheetData>${rows}</${prefix}sheetData>${tail}</${prefix}worksheet>`;
  await writeFile(
    path,
    await createWorkbook(
      { List: '' },
      {
        'xl/worksheets/s0.xml': sheet,
        'xl/worksheets/_rels/s0.xml.rels': `<Relationships>${links}</Relationships>`,
        ...parts,
      },
    ),
  );
  return openInput({ path, ...options });
}

function createLink(id: string, address: string): string {
  return `<Relationship Id="${id}" Type="${LINKS}/hyperlink" Target="${address}" TargetMode="External"/>`;
}

async function read(...given: Parameters<typeof openSheet>): Promise<unknown[]> {
  return (await readAllRows(await openSheet(...given))).map(showRow);
}

async function writeBack(input: Input): Promise<Parts> {
  const path = join(await createTempFolder(), 'out.xlsx');
  const { columns } = input;
  const shape = dropFile(input.shape);
  const output = await openOutput({ path, shape, columns, fields: [], overwrite: false, raw: false });
  await output.write((await readAllRows(input)).map((row) => createFilledRow(row)));
  await output.commit();
  return unpackParts(await readFile(path));
}

/** The records of the rows as they are sent. */
async function readSent(input: Input): Promise<unknown[]> {
  const ask = createAsk({
    agent: 'x',
    query: 'q',
    system: null,
    schema: {},
    fields: [{ name: 'ceo', schema: {} }],
    send: input.columns,
    efforts: ['low'],
    escalateBelow: null,
  });
  return (await readAllRows(input)).map((row) => {
    const question = createQuestion(row, ask, false);
    return question.status === 'question' ? question.record : question.status;
  });
}

test('cells merged down a column have the value of the first', async () => {
  const rows = [
    createRow(1, ['company', 'contact', 'city']),
    createRow(2, ['Acme', 'Ana', 'Oslo']),
    createRow(3, ['', 'Ida', '']),
    createRow(4, ['', 'Tom', 'Rome']),
    createRow(5, ['Bolt', 'Eva', 'Bonn']),
    createRow(6, ['', 'Max', '']),
  ].join('');
  const tail =
    '<mergeCells><mergeCell ref="C2:C3"/><mergeCell ref="A2:A4"/><mergeCell ref="A5:B5"/></mergeCells>';
  const input = await openSheet({ rows, tail });
  expect((await readAllRows(input)).map(showRow)).toEqual([
    ['Acme', 'Ana', 'Oslo'],
    ['Acme', 'Ida', 'Oslo'],
    ['Acme', 'Tom', 'Rome'],
    ['Bolt', 'Eva', 'Bonn'],
    ['', 'Max'],
  ]);
  expect(input.notes).toMatchObject([
    { code: 'MERGED_CELLS', message: expect.stringContaining('all have its value') },
  ]);
});

test('merged cells keep the kind and format of their value, and a row of nothing else stays blank', async () => {
  const rows = [
    createRow(1, ['since', 'contact']),
    '<row r="2"><c r="A2"><v>1954</v></c><c r="B2" t="inlineStr"><is><t>Ana</t></is></c></row>',
    createRow(3, ['', '']),
    createRow(4, ['', 'Ida']),
    createRow(5, ['', 'Tom']),
  ].join('');
  const tail = '<x:mergeCells><x:mergeCell ref="A2:A4"/></x:mergeCells>';
  const input = await openSheet({ rows: rows.replace(/<(\/?)(\w)/g, '<$1x:$2'), tail, prefix: 'x:' });
  expect((await readAllRows(input)).map(showRow)).toEqual([
    ['1954', 'Ana'],
    ['1954', 'Ida'],
    ['', 'Tom'],
  ]);
  expect((await writeBack(input))['xl/worksheets/sheet1.xml']?.match(/<v>1954<\/v>/g)).toHaveLength(2);
});

test('a name merged down beside names merged across is part of the header', async () => {
  const rows = [
    createRow(1, ['company', 'sales', '']),
    createRow(2, ['', '2023', '2024']),
    '<row r="3"><c t="inlineStr"><is><t>Acme</t></is></c><c><v>1</v></c><c><v>2</v></c></row>',
  ].join('');
  const tail = '<mergeCells><mergeCell ref="A1:A2"/><mergeCell ref="B1:C1"/></mergeCells>';
  const input = await openSheet({ rows, tail });
  expect(input.columns).toEqual(['company', 'sales 2023', 'sales 2024']);
  expect((await readAllRows(input)).map(showRow)).toEqual([['Acme', '1', '2']]);
});

const SITES = [
  createRow(1, ['company', 'website', 'mail', 'note']),
  createRow(2, ['Acme', 'Website', 'write', 'click here']),
  createRow(3, ['Bolt', 'https://bolt.example', 'b@bolt.example', 'plain']),
  createRow(4, ['Core', '', '', '']),
].join('');
const SITE_LINKS = [
  createLink('r1', 'https://acme.example/'),
  createLink('r2', 'mailto:a@acme.example?subject=x'),
  createLink('r3', 'https://bolt.example/home'),
  createLink('r4', 'javascript:alert(1)'),
].join('');
const SITE_TAIL = [
  '<hyperlinks>',
  '<hyperlink ref="A2" r:id="r1"/><hyperlink ref="B2" r:id="r1" display="Website"/>',
  '<hyperlink ref="C2" r:id="r2"/><hyperlink ref="D2" r:id="r1"/><hyperlink ref="B3" r:id="r3"/>',
  '<hyperlink ref="A3" r:id="r4"/><hyperlink ref="D3" location="Other!A1"/><hyperlink ref="B4" r:id="r1"/>',
  '</hyperlinks>',
].join('');

test('the address of a link is sent if the text is no address', async () => {
  const input = await openSheet({ rows: SITES, links: SITE_LINKS, tail: SITE_TAIL });
  expect(await readSent(input)).toEqual([
    {
      company: 'Acme',
      company_link: 'https://acme.example/',
      website: 'https://acme.example/',
      mail: 'a@acme.example',
      note: 'https://acme.example/',
    },
    { company: 'Bolt', website: 'https://bolt.example', mail: 'b@bolt.example', note: 'plain' },
    { company: 'Core' },
  ]);
  expect(input.notes).toMatchObject([
    { code: 'LINKS', message: expect.stringContaining('2 rows have links') },
  ]);
});

test('texts and links come back as they were', async () => {
  const parts = await writeBack(await openSheet({ rows: SITES, links: SITE_LINKS, tail: SITE_TAIL }));
  const sheet = parts['xl/worksheets/sheet1.xml'] ?? '';
  for (const text of ['Acme', 'Website', 'write', 'click here', 'https://bolt.example'])
    expect(sheet).toContain(`<t xml:space="preserve">${text}</t>`);
  expect(sheet.match(/ref="\w+"/g)).toEqual(['A2', 'B2', 'C2', 'D2', 'B3'].map((place) => `ref="${place}"`));
  const links = parts['xl/worksheets/_rels/sheet1.xml.rels'] ?? '';
  expect(links).toContain('Target="mailto:a@acme.example?subject=x" TargetMode="External"');
  expect(links).not.toContain('javascript');
});

test('the address of a HYPERLINK formula is a link', async () => {
  const rows = [
    createRow(1, ['company', 'website']),
    '<row r="2"><c t="inlineStr"><is><t>Acme</t></is></c><c t="str"><f>HYPERLINK("https://acme.example","Site")</f><v>Site</v></c></row>',
    '<row r="3"><c t="inlineStr"><is><t>Bolt</t></is></c><c t="str"><f>HYPERLINK(C3,"Site")</f><v>Site</v></c></row>',
  ].join('');
  expect(await read({ rows })).toEqual([
    ['Acme', 'https://acme.example'],
    ['Bolt', 'Site'],
  ]);
});

const HIDDEN = [
  createRow(1, ['company']),
  createRow(2, ['Acme']),
  createRow(3, ['Bolt']).replace('<row', '<row hidden="1"'),
  createRow(4, ['Core']).replace('<row', '<row hidden="true"'),
].join('');

test('hidden rows are a doubt until an option settles it', async () => {
  const read = async (options: Partial<InputOptions>) => {
    const input = await openSheet({ rows: HIDDEN }, options);
    const rows = await readAllRows(input);
    return { skips: rows.map(({ skip }) => skip), doubts: input.doubts, notes: input.notes };
  };
  const note = { code: 'HIDDEN_ROWS', message: expect.stringContaining('2 hidden rows (rows 3, 4)') };
  expect(await read({})).toMatchObject({
    skips: [undefined, undefined, undefined],
    doubts: [
      {
        code: 'HIDDEN_ROWS',
        message: 'the sheet has 2 hidden rows (rows 3, 4)',
        hint: expect.stringContaining('--hidden-rows skip'),
      },
    ],
    notes: [note],
  });
  expect(await read({ hiddenRows: 'fill' })).toMatchObject({
    skips: [undefined, undefined, undefined],
    doubts: [],
  });
  expect(await read({ hiddenRows: 'skip' })).toMatchObject({
    skips: [undefined, 'a hidden row', 'a hidden row'],
    doubts: [],
    notes: [{ ...note, message: expect.stringContaining('(rows 3, 4). Hidden rows are not sent.') }],
  });
});

/** Rows of texts and numbers from line 2 on; a formula starts with `=` and ends with its value. */
function createTable(header: readonly string[], ...rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row, index) => {
    const texts = row.map((value) => {
      if (value === '') return '<c/>';
      if (typeof value === 'number') return `<c><v>${value}</v></c>`;
      const [formula = '', result = ''] = value.startsWith('=') ? value.slice(1).split('→') : [];
      if (formula === '') return `<c t="inlineStr"><is><t>${value}</t></is></c>`;
      return `<c><f>${formula}</f>${result === '' ? '' : `<v>${result}</v>`}</c>`;
    });
    return `<row r="${index + 2}">${texts.join('')}</row>`;
  });
  return createRow(1, header) + cells.join('');
}

const AMOUNTS = ['company', 'domain', 'sales', 'staff'];
const ROWS = [
  ['Acme', 'acme.example', 10.1, 3],
  ['Bolt', 'bolt.example', 20.2, 4],
] as const;

test.each<[string, readonly (string | number)[]]>([
  ['a word and sums', ['Total', '', 30.3, 7]],
  ['sums only', ['', '', 30.3, 7]],
  ['one sum', ['Summe:', '', '', 7]],
  ['a formula', ['Gesamt', '', '=SUM(C2:C3)→31', '']],
  ['a formula of a table', ['', '', '=SUBTOTAL(109,[sales])→0', '']],
  ['a formula that was never calculated', ['Total', '', '=SUM(C2:C3)', '']],
  ['only such formulas, and two results', ['', '', '=SUBTOTAL(9,C2:C3)', '=SUM(D2:D3)→7']],
])('a last row with %s is a totals row', async (_what, last) => {
  const rows = await readAllRows(await openSheet({ rows: createTable(AMOUNTS, ...ROWS, last) }));
  expect(rows.map(({ skip }) => skip)).toEqual([undefined, undefined, 'a totals row']);
});

test.each<[string, readonly string[], readonly (readonly (string | number)[])[]]>([
  ['a word alone', AMOUNTS, [...ROWS, ['Total', '', '', '']]],
  ['a company called Total', AMOUNTS, [...ROWS, ['Total', 'total.example', 30.3, 7]]],
  ['another number', AMOUNTS, [...ROWS, ['Total', '', 30.4, 7]]],
  ['a sum of its row without a value', AMOUNTS, [...ROWS, ['Total', '', '=SUM(A4:D4)', '']]],
  ['a sum of its row', AMOUNTS, [...ROWS, ['', '', '=SUM(A4:D4)→9', '']]],
  ['numbers in a table of numbers', ['id'], [[1], [2], [3]]],
  ['a name beside the sum', AMOUNTS, [...ROWS, ['Dune', '', 30.3, 7]]],
  ['rows after it', AMOUNTS, [...ROWS, ['Total', '', 30.3, 7], ['Dune', 'dune.example', 1, 1]]],
])('%s makes no totals row', async (_what, header, table) => {
  const rows = await readAllRows(await openSheet({ rows: createTable(header, ...table) }));
  expect(rows).toHaveLength(table.length);
  expect(rows.map(({ skip }) => skip).filter(Boolean)).toEqual([]);
});

test("a table's own totals row and the header again are skipped, and rows below it are not of the list", async () => {
  const table = { 'xl/tables/t1.xml': '<table ref="A1:D5" totalsRowCount="1"/>' };
  const links = `<Relationship Id="t1" Type="${LINKS}/table" Target="../tables/t1.xml"/>`;
  const tail = '<tableParts count="1"><tablePart r:id="t1"/></tableParts>';
  const rows = createTable(
    AMOUNTS,
    ...ROWS,
    AMOUNTS,
    ['Average', '', 15, 3.5],
    ['Dune', 'dune.example', 1, 1],
  );
  const input = await openSheet({ rows, tail, links, parts: table });
  expect((await readAllRows(input)).map(({ skip }) => skip)).toEqual([
    undefined,
    undefined,
    'a repeated header',
    'a totals row',
  ]);
  expect(input.notes.map(({ code }) => code)).toContain('ROWS_BELOW_TABLE');
});

test('names above an Excel table are those of the list, or a title', async () => {
  const links = `<Relationship Id="t1" Type="${LINKS}/table" Target="../tables/t1.xml"/>`;
  const tail = '<tableParts count="1"><tablePart r:id="t1"/></tableParts>';
  const open = (ref: string, rows: string) =>
    openSheet({ rows, tail, links, parts: { 'xl/tables/t1.xml': `<table displayName="T" ref="${ref}"/>` } });
  const rows = createRow(3, ['Acme', 'Oslo']) + createRow(4, ['Bolt', 'Rome']);
  const bare = await open('A3:B4', createRow(2, ['company', 'city']) + rows);
  expect(bare.columns).toEqual(['company', 'city']);
  expect(await readAllRows(bare)).toHaveLength(2);
  const titled = await open(
    'A3:A5',
    createRow(1, ['Our list']) +
      ['name', 'Acme', 'Bolt'].map((text, index) => createRow(3 + index, [text])).join(''),
  );
  expect(titled.columns).toEqual(['name']);
  expect(await readAllRows(titled)).toHaveLength(2);
});

test('a sheet without rows is empty', async () => {
  await expect(openSheet({ rows: '' })).rejects.toMatchObject({ code: 'INPUT_EMPTY' });
});

test('a footer and lines of dashes are skipped, and totals above a footer', async () => {
  const rows = createTable(
    AMOUNTS,
    ['----', '-----', '----', '----'],
    ...ROWS,
    ['Total', '', 30.3, 7],
    ['Source: the register'],
    ['Prepared by Ann'],
    ['(2 rows)'],
  );
  const input = await openSheet({ rows });
  expect((await readAllRows(input)).map(({ skip }) => skip)).toEqual([
    'a line of dashes',
    undefined,
    undefined,
    'a totals row',
    'a footer',
    'a footer',
    'a footer',
  ]);
  expect(input.notes).toMatchObject([{ code: 'ROW_SKIPPED', message: expect.stringContaining('5 lines') }]);
  // A formula that says what it adds up is enough, also above a row.
  const between = await openSheet({
    rows: createTable(AMOUNTS, ...ROWS, ['Total', '', '=SUM(C2:C3)', ''], ['Dune']),
  });
  expect((await readAllRows(between)).map(({ skip = '' }) => skip)).toEqual(['', '', 'a totals row', '']);
});

test.each<[string, (string | number)[]]>([
  ['a word and a saved result', ['Total', '', '=SUM(C3:C4)→30.3', '']],
  ['a formula that was never calculated', ['Total', '', '=SUM(C3:C4)', '']],
  ['a plain number', ['Total', '', 30.3, '']],
  ['no word', ['', '', 30.3, 7]],
])(
  'lines that an earlier job skipped are skipped in its workbook, too: totals with %s',
  async (_what, totals) => {
    const dashes = ['----', '-----', '----', '----'];
    const input = await openSheet({
      rows: createTable(AMOUNTS, dashes, ...ROWS, AMOUNTS, totals, ['Source: the register']),
    });
    const rows = await readAllRows(input);
    const reasons = ['a repeated header', 'a totals row', 'a footer'];
    expect(rows.map(({ skip = '' }) => skip)).toEqual(['a line of dashes', '', '', ...reasons]);
    const path = join(await createTempFolder(), 'out.xlsx');
    const { shape, columns } = input;
    const output = await openOutput({
      path,
      shape,
      columns,
      fields: [{ name: 'ceo', schema: {} }],
      overwrite: false,
      raw: false,
    });
    await output.write(
      rows.map((row) =>
        createFilledRow(row, {}, row.skip === undefined ? {} : { status: 'skipped', error: row.skip }),
      ),
    );
    await output.commit();
    const readBack = async () => (await readAllRows(await openInput({ path }))).map(({ skip = '' }) => skip);
    expect(await readBack()).toEqual(['a line of dashes', '', '', ...reasons]);
    // Without this row, the sum is no longer that of its column.
    const parts = { ...(await unpackParts(await readFile(path))) };
    const sheet = 'xl/worksheets/s0.xml';
    parts[sheet] = (parts[sheet] ?? '').replace(/<row r="3".*?<\/row>/s, '');
    await writeFile(path, await packParts(parts));
    expect(await readBack()).toEqual(['a line of dashes', '', ...reasons]);
  },
);

test('a sheet without a header is a doubt that an option settles', async () => {
  const rows = [
    createRow(1, ['Acme GmbH', 'acme.example', 'Berlin']),
    createRow(2, ['Bolt AG', 'bolt.example', 'Bonn']),
    createRow(3, ['Core KG', 'core.example', 'Jena']),
  ].join('');
  const read = async (options: Partial<InputOptions>) => (await openSheet({ rows }, options)).doubts;
  expect(await read({})).toMatchObject([
    {
      code: 'HEADER_LOOKS_LIKE_DATA',
      message: expect.stringContaining('row 1 is used as the header'),
      hint: expect.stringContaining('--header-row 1'),
    },
  ]);
  expect(await read({ headerRow: 1 })).toEqual([]);
  expect(await read({ header: false })).toEqual([]);
});
