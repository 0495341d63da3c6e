import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ExcelJS from 'exceljs';
import { expect, test } from 'vitest';
import type { EnrichEvent } from '../../src/model/events.js';
import type { EnrichOptions } from '../../src/options.js';
import { openInput } from '../../src/read/open-input.js';
import { createCellsAgent } from '../helpers/cells-agent.js';
import { openJobBench, readTable } from '../helpers/job.js';
import { servePaid } from '../helpers/paid-server.js';
import { readAllRows } from '../helpers/rows.js';
import { createRow, createWorkbook, packParts, unpackParts } from '../helpers/workbook.js';
import { createWorkdir, PROGRAM, type Workdir } from '../helpers/workdir.js';

const ASK = ['--reference', 'tables', '-f', 'hq_city', '--send', 'company'];
const HEAD = createRow(1, ['company', 'zip', 'since', 'hq_city']);
const ACME =
  '<row r="2"><c t="inlineStr"><is><t>Acme</t></is></c><c t="inlineStr"><is><t>00501</t></is></c><c><v>1.2E+15</v></c></row>';

async function openDir(): Promise<Workdir> {
  const dir = createWorkdir();
  dir.write('tables/seats.csv', 'company,hq_city\nAcme,Oslo\nBolt,=1+1\n');
  const rows = HEAD + ACME + createRow(3, ['Bolt', '1', 'x']);
  const sheets = { Cover: createRow(1, ['Hello']), Firms: rows, More: rows };
  dir.write('list.xlsx', await createWorkbook(sheets));
  return dir;
}

/** Reads the rows of a workbook as objects. */
async function readSheet(dir: Workdir, name: string): Promise<Record<string, string | undefined>[]> {
  const input = await openInput({ path: join(dir.path, name) });
  return (await readAllRows(input)).map((row) =>
    row.kind === 'cells'
      ? Object.fromEntries(input.columns.map((column, index) => [column, row.cells[index]]))
      : {},
  );
}

test('fills a workbook into a workbook, detecting its format', async () => {
  const dir = await openDir();
  const result = await dir.run(['run', 'list.xlsx', ...ASK]);
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(result.stderr).toContain(
    'Using sheet "Firms"; --sheet chooses another: "Cover", "More". Only .xlsx output keeps the others.',
  );
  expect(result.stderr).toContain('The output is in list.filled.xlsx: 2 rows');
  expect(await readSheet(dir, 'list.filled.xlsx')).toMatchObject([
    {
      company: 'Acme',
      zip: '00501',
      since: '1200000000000000',
      hq_city: 'Oslo',
      enrichment_status: 'enriched',
    },
    { company: 'Bolt', zip: '1', since: 'x', hq_city: '=1+1', enrichment_status: 'enriched' },
  ]);
  const parts = await unpackParts(readFileSync(join(dir.path, 'list.filled.xlsx')));
  expect(parts['xl/worksheets/s1.xml']).toContain('<c><v>1.2E+15</v></c><c r="D2"');
  expect(parts['xl/worksheets/s1.xml']).not.toContain('<f>');
  expect(readdirSync(dir.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('writes a workbook as CSV or JSON Lines if the output has that extension, with formulas escaped', async () => {
  const dir = await openDir();
  expect((await dir.run(['run', 'list.xlsx', ...ASK, '-o', 'out.csv'])).status).toBe(0);
  expect(readTable(dir.read('out.csv'))).toMatchObject([
    { company: 'Acme', zip: '00501', since: '1200000000000000', hq_city: 'Oslo' },
    { company: 'Bolt', hq_city: "'=1+1" },
  ]);
  expect((await dir.run(['run', 'list.xlsx', ...ASK, '--format', 'jsonl'])).status).toBe(0);
  const [line = ''] = dir.read('list.filled.jsonl').split('\n');
  expect(JSON.parse(line)).toMatchObject({ company: 'Acme', zip: '00501', hq_city: 'Oslo' });
});

test('writes a CSV as a workbook if the output has that extension, with unchanged cells', async () => {
  const dir = await openDir();
  dir.write('in.csv', 'company,zip\nAcme,00501\nBolt,12345678901234567890\n');
  expect((await dir.run(['run', 'in.csv', ...ASK, '-o', 'out.xlsx'])).status).toBe(0);
  expect(await readSheet(dir, 'out.xlsx')).toMatchObject([
    { company: 'Acme', zip: '00501', hq_city: 'Oslo' },
    { company: 'Bolt', zip: '12345678901234567890', hq_city: '=1+1' },
  ]);
});

test('reads and writes a workbook on standard input and output', async () => {
  const dir = await openDir();
  const piped = execFileSync(process.execPath, [PROGRAM, 'run', '-', ...ASK, '-o', '-'], {
    cwd: dir.path,
    env: { ...process.env, ROWFILL_HOME: dir.home },
    input: readFileSync(join(dir.path, 'list.xlsx')),
    stdio: 'pipe',
  });
  dir.write('piped.xlsx', piped);
  expect(await readSheet(dir, 'piped.xlsx')).toMatchObject([{ hq_city: 'Oslo' }, { hq_city: '=1+1' }]);
});

test('--sheet selects a sheet by name or number', async () => {
  const dir = await openDir();
  const plan = await dir.run(['plan', 'list.xlsx', ...ASK, '--sheet', 'More', '--json']);
  expect(JSON.parse(plan.stdout)).toMatchObject({ rows: { total: 2 } });
  const result = await dir.run(['run', 'list.xlsx', ...ASK, '--sheet', '3', '-o', 'out.xlsx', '--json']);
  expect(result.stderr).toContain('Using sheet "More";');
  const exported = await dir.run(['export', JSON.parse(result.stdout).job, '-o', 'again.xlsx']);
  expect(exported.status).toBe(0);
  expect(readFileSync(join(dir.path, 'again.xlsx')).equals(readFileSync(join(dir.path, 'out.xlsx')))).toBe(
    true,
  );
});

test('each sheet is a job of its own, which keeps what another one filled', async () => {
  const dir = await openDir();
  const fill = (...args: string[]) => dir.run(['run', ...args, ...ASK]);
  const isFilled = async (name: string) => {
    const parts = await unpackParts(readFileSync(join(dir.path, name)));
    return [1, 2].map((sheet) => parts[`xl/worksheets/s${sheet}.xml`]?.includes('Oslo'));
  };
  expect((await fill('list.xlsx')).stderr).toContain('The output is in list.filled.xlsx');
  const other = await fill('list.xlsx', '--sheet', 'More');
  expect(other.stderr).toContain(
    'list.filled.xlsx is the output of another sheet of this workbook, so the output goes to list.filled-2.xlsx. To fill both sheets in one file, use list.filled.xlsx as the input.',
  );
  expect(await isFilled('list.filled.xlsx')).toEqual([true, false]);
  expect(await isFilled('list.filled-2.xlsx')).toEqual([false, true]);
  const named = await fill('list.xlsx', '--sheet', '3', '-o', 'list.filled.xlsx');
  expect(named).toMatchObject({ status: 2 });
  expect(named.stderr).toContain('OUTPUT_HAS_OTHER_SHEET');
  expect((await fill('list.filled.xlsx', '--sheet', 'More')).stderr).toContain(
    'The output is in list.filled.xlsx',
  );
  expect(await isFilled('list.filled.xlsx')).toEqual([true, true]);
  expect(await fill('list.xlsx', '--sheet', '3', '-o', 'list.filled.xlsx')).toMatchObject({ status: 2 });
  const status = await dir.run(['status']);
  expect(status.stdout).toContain('list.xlsx, sheet "Firms" → ');
  expect(status.stdout).toContain('list.xlsx, sheet "More" → ');
});

test('an unknown sheet gives exit code 2 and lists the sheets', async () => {
  const dir = await openDir();
  for (const command of ['run', 'plan', 'init']) {
    const ask = command === 'init' ? ['--yes'] : ASK;
    const result = await dir.run([command, 'list.xlsx', ...ask, '--sheet', 'Frims']);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('list.xlsx has no sheet "Frims"');
    expect(result.stderr).toContain('It has "Cover", "Firms", "More".');
  }
});

test('init inspects the given sheet and includes it in the suggested command', async () => {
  const dir = await openDir();
  const result = await dir.run(['init', 'list.xlsx', '--yes', '--sheet', 'More']);
  expect(result.status).toBe(0);
  expect(result.stderr).toContain('rowfill plan list.xlsx --sheet More --recipe list.recipe.yaml');
  expect(dir.read('list.recipe.yaml')).toContain('hq_city: string');
});

test('refuses what does not fit into a workbook before starting a run', async () => {
  const dir = await openDir();
  dir.write('in.csv', `company,note\nAcme,${'x'.repeat(40_000)}\n`);
  const { url, agent } = await servePaid();
  const args = [
    'run',
    'in.csv',
    '--api-url',
    url,
    '-f',
    'answer',
    '--send',
    'company',
    '--yes',
    '-o',
    'out.xlsx',
  ];
  const result = await dir.run(args, { env: { EXA_API_KEY: 'key' } });
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('line 2 has a cell of 40000 characters; an Excel cell holds at most 32767');
  expect(dir.has('out.xlsx')).toBe(false);
  expect(agent.tasks).toEqual([]);
});

/** A workbook with a part for macros. */
function createMacroWorkbook(): Promise<Buffer> {
  const links = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const link = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${type}" Target="${target}"/>`;
  const list = [
    link('r0', `${links}/worksheet`, 'worksheets/s0.xml'),
    link('v', 'http://schemas.microsoft.com/office/2006/relationships/vbaProject', 'vbaProject.bin'),
  ];
  const types = [
    '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>',
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/>',
  ];
  const space = 'http://schemas.openxmlformats.org/package/2006';
  return createWorkbook(
    { Firms: HEAD + ACME },
    {
      '[Content_Types].xml': `<Types xmlns="${space}/content-types">${types.join('')}</Types>`,
      'xl/_rels/workbook.xml.rels': `<Relationships xmlns="${space}/relationships">${list.join('')}</Relationships>`,
      'xl/vbaProject.bin': 'Sub Main()',
    },
  );
}

test('fills a workbook with macros into one with macros, or without if the output is named so', async () => {
  const dir = await openDir();
  dir.write('macros.xlsm', await createMacroWorkbook());
  expect((await dir.run(['run', 'macros.xlsm', ...ASK])).status).toBe(0);
  const kept = await unpackParts(readFileSync(join(dir.path, 'macros.filled.xlsm')));
  expect(kept['xl/vbaProject.bin']).toBe('Sub Main()');
  expect(kept['[Content_Types].xml']).toContain('macroEnabled.main+xml');
  const result = await dir.run(['run', 'macros.xlsm', ...ASK, '-o', 'out.xlsx']);
  expect(result.stderr).toContain('Macros are not copied to an .xlsx file');
  const plain = await unpackParts(readFileSync(join(dir.path, 'out.xlsx')));
  expect(Object.keys(plain)).not.toContain('xl/vbaProject.bin');
  expect(plain['[Content_Types].xml']).toContain('spreadsheetml.sheet.main+xml');
  expect(plain['xl/_rels/workbook.xml.rels']).not.toContain('vbaProject');
  dir.write('in.csv', 'company\nAcme\n');
  const refused = await dir.run(['run', 'in.csv', ...ASK, '-o', 'out.xlsm']);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('only a workbook can be written as a workbook with macros');
});

test('watch fills a dropped workbook', async () => {
  const dir = await openDir();
  mkdirSync(join(dir.path, 'drop'));
  dir.write('drop/list.xlsx', readFileSync(join(dir.path, 'list.xlsx')));
  const pace = ['--once', '--settle', '0.1s', '--poll', '0.05s'];
  expect((await dir.run(['watch', 'drop', ...ASK, '--sheet', 'More', ...pace])).status).toBe(0);
  expect(readdirSync(join(dir.path, 'drop/done')).sort()).toEqual(['list.filled.xlsx', 'list.xlsx']);
  expect(await readSheet(dir, 'drop/done/list.filled.xlsx')).toHaveLength(2);
});

test('accepts a workbook as an exclusion list', async () => {
  const dir = await openDir();
  dir.write(
    'customers.xlsx',
    await createWorkbook({ Customers: createRow(1, ['company']) + createRow(2, ['Acme']) }),
  );
  const result = await dir.run([
    'run',
    'list.xlsx',
    ...ASK,
    '--exclude',
    'customers.xlsx',
    '--exclude-on',
    'company',
  ]);
  expect(result.status).toBe(0);
  expect(await readSheet(dir, 'list.filled.xlsx')).toMatchObject([
    { company: 'Acme', enrichment_status: 'excluded' },
    { company: 'Bolt', enrichment_status: 'enriched' },
  ]);
});

test('a formula that was never calculated fails only the rows that would send it, and stays where it is', async () => {
  const dir = await openDir();
  const formula = (place: string) => `<c r="${place}"><f>B2*2</f></c>`;
  const rows =
    createRow(1, ['company', 'zip', 'hq_city', 'double']) +
    `<row r="2"><c r="A2" t="inlineStr"><is><t>Acme</t></is></c>${formula('B2')}<c r="D2"><v>4</v></c></row>` +
    `<row r="3"><c r="A3" t="inlineStr"><is><t>Bolt</t></is></c><c r="B3"><v>5</v></c>${formula('D3')}</row>` +
    `<row r="4"><c r="A4" t="inlineStr"><is><t>Acme</t></is></c><c r="B4"><v>6</v></c>${formula('C4')}</row>`;
  dir.write('sums.xlsx', await createWorkbook({ Firms: rows }));
  const result = await dir.run([
    'run',
    'sums.xlsx',
    '--reference',
    'tables',
    '-f',
    'hq_city',
    '--send',
    'company,zip',
  ]);
  expect(result.status).toBe(6);
  expect(result.stderr).toContain('3 cells have a formula that was never calculated (cells B2, D3, C4)');
  expect(await readSheet(dir, 'sums.filled.xlsx')).toMatchObject([
    {
      enrichment_status: 'failed',
      enrichment_error: expect.stringMatching(/^B2 has a formula that was never/),
    },
    { hq_city: '=1+1', enrichment_status: 'enriched' },
    { hq_city: '', enrichment_status: 'unchanged' },
  ]);
  const parts = await unpackParts(readFileSync(join(dir.path, 'sums.filled.xlsx')));
  expect(parts['xl/worksheets/s0.xml']?.match(/<f>B2\*2<\/f>/g)).toHaveLength(3);
});

/** A workbook that an agent fills cell by cell, and that is given back with changes to its parts. */
async function openBook(
  bytes: Uint8Array,
  fields: string[],
  tell: Parameters<typeof createCellsAgent>[0] = (company, field, time) => `${field} ${time} of ${company}`,
) {
  const agent = createCellsAgent(tell);
  const bench = await openJobBench(agent.script);
  const path = join(bench.folder, 'book.xlsx');
  writeFileSync(path, bytes);
  return {
    path,
    /** Changes the parts of the workbook, as another program would. */
    async edit(change: (parts: Record<string, string>) => void) {
      const parts = { ...(await unpackParts(readFileSync(path))) };
      change(parts);
      writeFileSync(path, await packParts(parts));
    },
    /** Fills the workbook in place. Returns the cells that were asked, the notes, and the new parts. */
    async fill(options: Partial<EnrichOptions> = {}) {
      const start = agent.cells.length;
      const notes: string[] = [];
      const onEvent = (event: EnrichEvent) => event.type === 'note' && notes.push(event.code);
      const output = join(bench.folder, 'filled.xlsx');
      const { summary } = await bench.run({ input: path, output, fields, ...options }, { onEvent });
      renameSync(output, path);
      return {
        summary,
        notes,
        cells: agent.cells.slice(start),
        parts: await unpackParts(readFileSync(path)),
      };
    },
  };
}

test('a filled file that is given back keeps its formulas, computed or not, and asks nothing for them', async () => {
  const text = (place: string, value: string) => `<c r="${place}" t="inlineStr"><is><t>${value}</t></is></c>`;
  const formula = (place: string) => `<c r="${place}" t="str"><f>UPPER("a")</f><v>A</v></c>`;
  const rows = [2, 3, 4, 5].map(
    (line) =>
      `<row r="${line}">${text(`A${line}`, `Firm ${line}`)}${line < 4 ? formula(`C${line}`) : ''}</row>`,
  );
  const given = await createWorkbook({ Firms: createRow(1, ['company', 'city', 'country']) + rows.join('') });
  const { edit, fill } = await openBook(given, ['city', 'country']);
  const formulas = async (...args: Parameters<typeof fill>) => {
    const { cells, parts } = await fill(...args);
    return { cells, formulas: parts['xl/worksheets/s0.xml']?.match(/<c r="C\d"[^>]*><f>/g) ?? [] };
  };
  const first = await formulas();
  expect(first.formulas).toHaveLength(2);
  // The person replaces an answer by a formula too, and a program drops the results.
  await edit((parts) => {
    const xml = parts['xl/worksheets/s0.xml'] ?? '';
    parts['xl/worksheets/s0.xml'] = xml
      .replace(/<c r="C4".*?<\/c>/, formula('C4'))
      .replaceAll(/<c r="(C\d)" t="str">(<f>.*?<\/f>)<v>A<\/v>/g, '<c r="$1">$2');
  });
  const second = await formulas();
  expect(second).toMatchObject({ cells: [], formulas: ['', '', ''].map(() => expect.anything()) });
  expect((await formulas({ overwrite: true })).formulas).toEqual([]);
});

/** Replaces a cell of the first sheet. */
function replaceCell(
  parts: Record<string, string>,
  place: string,
  attributes: string,
  content: string,
): void {
  const xml = parts['xl/worksheets/s0.xml'] ?? '';
  const cell = new RegExp(`<c r="${place}"[^>]*>.*?</c>`);
  expect(xml).toMatch(cell);
  parts['xl/worksheets/s0.xml'] = xml.replace(cell, () => `<c r="${place}" ${attributes}>${content}</c>`);
}

const PAGE = 'https://firm.com/';

test.each([
  ['a boolean, as LibreOffice saves it', 'D2', 't="b"', '<f aca="false">TRUE()</f><v>1</v>'],
  ['a boolean without its saved value', 'D2', '', '<f>TRUE()</f><v/>'],
  ['a boolean without brackets', 'D2', 't="b"', '<f>TRUE</f><v>1</v>'],
  ['an address', 'C2', 't="str"', `<f>HYPERLINK("${PAGE}")</f><v>${PAGE}</v>`],
  ['an address with its text', 'C2', 't="str"', `<f>HYPERLINK("${PAGE}","${PAGE}")</f><v>${PAGE}</v>`],
])(
  'a formula that only states the answer keeps its sources: %s',
  async (_what, place, attributes, content) => {
    const given = await createWorkbook({
      Firms: createRow(1, ['company', 'city', 'site', 'listed']) + createRow(2, ['Acme']),
    });
    const fields = ['city', 'site:url', 'listed:boolean'];
    const { path, edit, fill } = await openBook(given, fields, (_company, field, time) =>
      field === 'city' ? `city ${time}` : field === 'site' ? PAGE : time === 1,
    );
    const read = async () => {
      const input = await openInput({ path });
      const [row] = await readAllRows(input);
      return row?.kind === 'cells'
        ? Object.fromEntries(input.columns.map((name, at) => [name, row.cells[at]]))
        : {};
    };
    await fill();
    const first = await read();
    expect(first).toMatchObject({ site: PAGE, listed: 'TRUE', listed_confidence: 'high' });
    await edit((parts) => replaceCell(parts, place, attributes, content));
    expect((await fill()).cells).toEqual([]);
    expect(await read()).toEqual(first);
    // Another answer replaces it.
    await fill({ refresh: true });
    expect(await read()).toMatchObject({ city: 'city 2', site: PAGE, listed: 'FALSE' });
  },
);

test('a formula that states another value than the answer is a correction', async () => {
  const given = await createWorkbook({ Firms: createRow(1, ['company', 'listed']) + createRow(2, ['Acme']) });
  const { path, edit, fill } = await openBook(given, ['listed:boolean'], () => true);
  await fill();
  await edit((parts) => replaceCell(parts, 'B2', 't="b"', '<f>FALSE()</f><v>0</v>'));
  expect((await fill()).cells).toEqual([]);
  const [row] = await readAllRows(await openInput({ path }));
  expect(row).toMatchObject({
    cells: ['Acme', 'FALSE', 'human', '', ...['', '', '', '', ''].map(() => expect.anything())],
  });
});

/** The sheet of a list with a city that a person gives, one to be cleared, and others. */
const FIVE =
  createRow(1, ['company', 'city']) +
  [2, 3, 4, 5, 6].map((line) => createRow(line, [`Firm ${line}`])).join('');

/** Sets a cell by hand, and clears another. */
function editCities(parts: Record<string, string>): void {
  const xml = parts['xl/worksheets/s0.xml'] ?? '';
  parts['xl/worksheets/s0.xml'] = xml
    .replace(/(<c r="B2"[^>]*>.*?<t[^>]*>)[^<]*/, '$1Mine')
    .replace(/<c r="B3".*?<\/c>/, '')
    .replace(/<row r="5".*?<\/row>/, '');
}

test('cells of an array formula are left out before any cost, and reported', async () => {
  const name = (line: number) => `<c r="A${line}" t="inlineStr"><is><t>Firm ${line}</t></is></c>`;
  const given = await createWorkbook({
    Firms: [
      createRow(1, ['company', 'city']),
      `<row r="2">${name(2)}</row>`,
      `<row r="3">${name(3)}<c r="B3" t="e"><f t="array" ref="B3:B4">X()</f><v>#N/A</v></c></row>`,
      `<row r="4">${name(4)}</row>`,
      `<row r="5">${name(5)}<c r="B5"/></row>`,
    ].join(''),
  });
  const { fill } = await openBook(given, ['city']);
  const first = await fill();
  expect(first.cells).toEqual(['Firm 2 city', 'Firm 5 city']);
  expect(first.notes).toContain('ARRAY_CELLS');
  expect(first.notes).not.toContain('FORMULA_KEPT');
  expect((await fill()).cells).toEqual([]);
  expect((await fill({ overwrite: true, refresh: true })).cells).toHaveLength(2);
});

test('comments of an earlier fill are replaced, but not those that somebody has edited', async () => {
  const { edit, fill } = await openBook(await createWorkbook({ Firms: FIVE }), ['city']);
  const list = ({ 'xl/comments1.xml': xml = '' }: Readonly<Record<string, string>>) =>
    [...xml.matchAll(/<comment ref="(\w+)".*?<t [^>]*>([^<]*)/g)].map(([, place, text]) => [
      place,
      text?.split('\n')[1],
    ]);
  const filled = await fill({ sources: 'comments' });
  expect(list(filled.parts)).toHaveLength(5);
  await edit((parts) => {
    editCities(parts);
    parts['xl/comments1.xml'] =
      parts['xl/comments1.xml']?.replace(/(ref="B4".*?>)Confidence: high/, '$1I checked this') ?? '';
  });
  const again = await fill({ sources: 'comments' });
  expect(list(again.parts)).toEqual([
    ['B4', 'city: https://example.com/city/2'],
    ['B3', 'city: https://example.com/city/0'],
    ['B6', 'city: https://example.com/city/4'],
  ]);
  expect(again.parts['xl/comments1.xml']).toContain('I checked this');
  const shapes = [...(again.parts['xl/drawings/vmlDrawing1.vml'] ?? '').matchAll(/<x:Row>(\d)</g)];
  expect(shapes.map(([, row]) => row).sort()).toEqual(['2', '3', '5']);
  // Asked for in columns, the sources are no longer in comments.
  const moved = await fill({ sources: 'columns' });
  expect(list(moved.parts).map(([place]) => place)).toEqual(['B4']);
});

test('links and comments follow their rows if a program deletes one without moving them', async () => {
  const rows = [2, 3, 4, 5].map((line) => createRow(line, [`Firm ${line}`, 'note']));
  const given = await createWorkbook({ Firms: createRow(1, ['company', 'note']) + rows.join('') });
  const tell = (company: string) => `https://${company.replace(' ', '').toLowerCase()}.example/`;
  const { edit, fill } = await openBook(given, ['site:url'], tell);
  const ask = { send: ['company'] };
  const deleteRow = (parts: Record<string, string>): void => {
    const xml = (parts['xl/worksheets/s0.xml'] ?? '').replace(/<row r="3".*?<\/row>/, '');
    const [all = '', tail = ''] = xml.split(/(?=<\/sheetData>)/);
    parts['xl/worksheets/s0.xml'] =
      all.replaceAll(/(?<= r="[A-Z]*)[45](?=")/g, (line) => String(Number(line) - 1)) + tail;
  };
  const listLinks = (parts: Readonly<Record<string, string>>) => {
    const links = parts['xl/worksheets/_rels/s0.xml.rels'] ?? '';
    const targets = new Map(
      [...links.matchAll(/<Relationship [^>]*>/g)].map(([tag]) =>
        ['Id', 'Target'].map((name) => new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? ''),
      ) as [string, string][],
    );
    const cells = [...(parts['xl/worksheets/s0.xml'] ?? '').matchAll(/<hyperlink ref="(\w+)" r:id="(\w+)"/g)];
    return cells.map(([, place = '', id = '']) => `${place} ${targets.get(id)}`).sort();
  };
  const own = (parts: Record<string, string>): void => {
    const link = '<hyperlink ref="B2" r:id="mine"/><hyperlink ref="B5" r:id="mine"/>';
    parts['xl/worksheets/s0.xml'] =
      parts['xl/worksheets/s0.xml']?.replace(/(<hyperlinks[^>]*>)/, `$1${link}`) ?? '';
    const target =
      '<Relationship Id="mine" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" Target="https://mine.example/" TargetMode="External"/>';
    parts['xl/worksheets/_rels/s0.xml.rels'] =
      parts['xl/worksheets/_rels/s0.xml.rels']?.replace('</Relationships>', `${target}</Relationships>`) ??
      '';
  };
  const first = await fill(ask);
  expect(listLinks(first.parts)).toHaveLength(8);
  await edit((parts) => {
    own(parts);
    deleteRow(parts);
  });
  const { cells, parts } = await fill(ask);
  expect(cells).toEqual([]);
  const pages = new Map(
    [
      ...(parts['xl/worksheets/s0.xml'] ?? '').matchAll(/<c r="([CE]\d)"[^>]*><is><t[^>]*>(https?:[^<]*)</g),
    ].map(([, place, url]) => [place, url]),
  );
  expect(pages.size).toBe(6);
  // The links of the user's column stay where the program left them.
  expect(listLinks(parts)).toEqual(
    [
      ...[...pages].map(([place, url]) => `${place} ${url}`),
      'B2 https://mine.example/',
      'B5 https://mine.example/',
    ].sort(),
  );
  const listComments = ({ 'xl/comments1.xml': xml = '' }: Readonly<Record<string, string>>) =>
    [...xml.matchAll(/<comment ref="(\w+)"/g)].map(([, place]) => place).sort();
  expect(listComments((await fill({ ...ask, sources: 'comments' })).parts)).toEqual(['C2', 'C3', 'C4']);
  await edit(deleteRow);
  expect(listComments((await fill({ ...ask, sources: 'comments' })).parts)).toEqual(['C2', 'C3']);
});

test('the sheet with the sources of an earlier fill is replaced, and has all values', async () => {
  const { edit, fill } = await openBook(await createWorkbook({ Firms: FIVE, Other: '' }), ['city']);
  await fill({ sources: 'sheet' });
  await edit((parts) => {
    editCities(parts);
    parts['xl/workbook.xml'] =
      parts['xl/workbook.xml']?.replace(
        '</sheets>',
        '</sheets><definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="2" hidden="1">Sources!$A$1:$G$6</definedName></definedNames>',
      ) ?? '';
  });
  const { parts } = await fill({ sources: 'sheet' });
  expect(
    [...(parts['xl/workbook.xml'] ?? '').matchAll(/<sheet name="(\w+)/g)].map(([, name]) => name),
  ).toEqual(['Firms', 'Other', 'Sources']);
  expect(parts['xl/workbook.xml']).not.toContain('definedName');
  const sheets = Object.keys(parts).filter((name) => /worksheets\/[^/]*xml$/.test(name));
  expect(sheets).toHaveLength(3);
  const sources = parts[sheets.find((name) => /sheet\d/.test(name)) ?? ''] ?? '';
  const places = [...sources.matchAll(/<c r="A\d"[^>]*>.*?<t[^>]*>([^<]+)</g)].map(([, place]) => place);
  expect(places).toEqual(['Cell in Firms', 'B3', 'B4', 'B6']);
});

test('the sheet with the sources is recognized by its header if a program drops its links', async () => {
  const made = new ExcelJS.Workbook();
  made.addWorksheet('Firms').addRows([['company', 'city'], ['Firm 2'], ['Firm 3']]);
  const { path, edit, fill } = await openBook(new Uint8Array(await made.xlsx.writeBuffer()), ['city']);
  await fill({ sources: 'sheet' });
  const workbook = new ExcelJS.Workbook();
  await workbook.xlsx.readFile(path);
  await workbook.xlsx.writeFile(path);
  const list = ({ 'xl/workbook.xml': xml = '' }: Readonly<Record<string, string>>) =>
    [...xml.matchAll(/<sheet [^>]*name="([\w ]+)/g)].map(([, name]) => name);
  const trip = await unpackParts(readFileSync(path));
  expect(trip['xl/worksheets/sheet2.xml']).not.toContain('location=');
  const again = await fill({ sources: 'sheet' });
  expect(list(again.parts)).toEqual(['Firms', 'Sources']);
  // With another name in its header, it is about another sheet.
  await edit((parts) => {
    for (const [name, xml] of Object.entries(parts))
      parts[name] = xml
        .replace('Cell in Firms', 'Cell in Others')
        .replace(/<hyperlinks>.*<\/hyperlinks>/, '');
  });
  expect(list((await fill({ sources: 'sheet' })).parts)).toEqual(['Firms', 'Sources', 'Sources 2']);
});

test('--plain leaves out bookkeeping in every format, and --sources needs a workbook', async () => {
  const dir = await openDir();
  dir.write('in.csv', 'company\nAcme\n');
  const run = (...args: string[]) =>
    dir.run(['run', ...args, '--reference', 'tables', '-f', 'hq_city', '--send', 'company']);
  expect((await run('in.csv', '--plain', '-o', 'out.csv')).status).toBe(0);
  expect(dir.read('out.csv')).toBe('company,hq_city\nAcme,Oslo\n');
  expect((await run('in.csv', '--plain', '-o', 'out.jsonl')).status).toBe(0);
  expect(dir.read('out.jsonl')).toBe('{"company":"Acme","hq_city":"Oslo"}\n');
  expect((await run('list.xlsx', '--plain', '-o', 'plain.xlsx')).status).toBe(0);
  expect(Object.keys((await readSheet(dir, 'plain.xlsx'))[0] ?? {})).toEqual([
    'company',
    'zip',
    'since',
    'hq_city',
  ]);
  const refused = await run('in.csv', '--sources', 'comments', '-o', 'out.csv');
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('--sources comments needs a workbook as input and as output');
  const wrong = await run('list.xlsx', '--sources', 'notes');
  expect(wrong.stderr).toContain('--sources notes is not one of columns, comments, sheet');
  const noted = await run('list.xlsx', '--sources', 'sheet', '-o', 'noted.xlsx', '--json');
  expect(noted.status).toBe(0);
  const exported = await dir.run(['export', JSON.parse(noted.stdout).job, '-o', 'again.xlsx']);
  expect(exported.status).toBe(0);
  const [first, again] = ['noted.xlsx', 'again.xlsx'].map((name) => readFileSync(join(dir.path, name)));
  expect(again?.equals(first ?? Buffer.alloc(0))).toBe(true);
});
