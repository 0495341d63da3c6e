import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import SheetJs from '@e965/xlsx';
import ExcelJs from 'exceljs';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/model/json.js';
import { openInput } from '../../src/read/open-input.js';
import { createCellsAgent } from '../helpers/cells-agent.js';
import { createList, type JobBench, openJobBench, readTable } from '../helpers/job.js';
import { readAllRows } from '../helpers/rows.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

/** Programs that take long to start or to read a workbook. */
const IS_SLOW = chooseCount(1, 0) === 1;
const ROWS = 100;
/** Ten types, so a thousand cells. */
const FIELDS = [
  'name',
  'code',
  'phone:phone',
  'staff:integer',
  'share:number',
  'founded:date',
  'seen:datetime',
  'public:boolean',
  'site:url',
  'size:enum(Small|Large)',
];

/** A value of each type for a row and a time; none is the same for another time. */
function createValue(company: string, field: string, time: number): JsonValue {
  const row = Number(company.split(' ').at(-1)) + 200 * (time - 1);
  switch (field) {
    case 'name':
      return [`Müller & Söhne ${row}`, `=SUM(${row})`, `  Łódź, "${row}" `, `-${row} Ltd`][row % 4] ?? '';
    case 'code':
      return String(row).padStart(5, '0');
    case 'phone':
      return `+49 30 ${String(1_234_000 + row)}`;
    case 'staff':
      return row * 1_234;
    case 'share':
      return row / 8 + 0.5;
    case 'founded':
      return new Date(Date.UTC(1960, 0, 1 + row * 17)).toISOString().slice(0, 10);
    case 'seen':
      return new Date(Date.UTC(2020, 0, 1, 9, row)).toISOString();
    case 'public':
      return (row + time) % 2 === 0;
    case 'site':
      return `https://Example-${row}.com/about`;
    default:
      return (row + time) % 2 === 0 ? 'Small' : 'Large';
  }
}

type Rows = Record<string, string>[];

/** Writes a table as a program of another country would. */
function renderLocal(rows: Rows, locale: 'de' | 'us'): string {
  const isGerman = locale === 'de';
  const rendered = rows.map((row) => {
    const [year = '', month = '', day = ''] = (row.founded ?? '').split('-');
    const number = (text = ''): string =>
      text === ''
        ? ''
        : Number(text).toLocaleString(isGerman ? 'de-DE' : 'en-US', { maximumFractionDigits: 20 });
    return {
      ...row,
      code: String(row.code === '' ? '' : Number(row.code)),
      staff: number(row.staff),
      share: number(row.share),
      founded:
        year === '' ? '' : isGerman ? `${day}.${month}.${year}` : `${Number(month)}/${Number(day)}/${year}`,
      seen: (row.seen ?? '').replace('T', ' ').replace(/:00\.000Z$/, ''),
      public: isGerman
        ? row.public === 'true'
          ? 'WAHR'
          : row.public && 'FALSCH'
        : (row.public ?? '').toUpperCase(),
    };
  });
  const text = Papa.unparse(rendered, { delimiter: isGerman ? ';' : ',', newline: '\r\n' });
  return `\ufeff${text}\r\n`;
}

/** Numbers as floats and blanks as NaN, as a data frame writes them. */
function renderFrame(rows: Rows): string {
  return `${Papa.unparse(
    rows.map((row) => ({
      ...Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, cell === '' ? 'NaN' : cell])),
      staff: row.staff === '' ? 'NaN' : `${row.staff}.0`,
      code: row.code === '' ? 'NaN' : `${Number(row.code)}.0`,
      public: row.public === '' ? 'NaN' : row.public === 'true' ? 'True' : 'False',
    })),
  )}\n`;
}

interface Filled {
  readonly bench: JobBench;
  readonly cells: string[];
  readonly path: string;
  again(): Promise<{ readonly cells: readonly string[]; readonly notes: readonly string[] }>;
}

async function openFilled(ending: 'csv' | 'xlsx'): Promise<Filled> {
  const agent = createCellsAgent(createValue);
  const bench = await openJobBench(agent.script);
  const path = `${bench.folder}/list.filled.${ending}`;
  const shared = {
    fields: FIELDS,
    batchSize: 50,
    ledger: `${bench.folder}/ledger.sqlite`,
    send: ['company'],
  };
  bench.write('in.csv', createList(ROWS));
  await bench.run({ ...shared, output: path });
  return {
    bench,
    cells: agent.cells,
    path,
    async again() {
      const notes: string[] = [];
      const start = agent.cells.length;
      await bench.run(
        // Rows of their own runs are asked for their own blanks only.
        { ...shared, batchSize: 1, input: path, output: path, blank: ['+NaN'] },
        { onEvent: (event) => event.type === 'note' && notes.push(`${event.code} ${event.message}`) },
      );
      return {
        cells: agent.cells.slice(start),
        notes: notes.filter((note) => note.startsWith('FILE_RETURNED')),
      };
    },
  };
}

const NAMES = FIELDS.map((field) => field.split(':')[0] ?? '');

/** Corrects 20 cells and clears 20 others, spread over all columns. Returns the cleared ones. */
function changeCells(change: (row: number, column: string, value: string) => void): string[] {
  const cleared: string[] = [];
  for (let index = 0; index < 20; index += 1) {
    const column = NAMES[index % NAMES.length] ?? '';
    change(
      index * 2,
      column,
      column === 'public' || column === 'size' ? 'other' : String(createValue('x 9999', column, 1)),
    );
    change(index * 2 + 41, column, '');
    cleared.push(`Company ${index * 2 + 42} ${column}`);
  }
  return cleared.sort();
}

const CHANGED =
  'FILE_RETURNED Since the file was filled: 20 cleared cells are asked again; 20 values that a person gave are kept.';

test.each([
  ['a German locale', (rows: Rows) => renderLocal(rows, 'de')],
  ['a US locale', (rows: Rows) => renderLocal(rows, 'us')],
  ['a data frame', renderFrame],
])(
  'after a trip through %s, no unchanged cell counts as a correction, and all real corrections are found',
  async (_, render) => {
    const { path, again } = await openFilled('csv');
    const rows = readTable(readFileSync(path, 'utf8'));
    writeFileSync(path, render(rows));
    expect(await again()).toEqual({ cells: [], notes: [] });
    const changed = readTable(readFileSync(path, 'utf8').replace(/^\ufeff/, ''));
    const cleared = changeCells((row, column, value) => {
      const own = changed[row];
      if (own !== undefined) own[column] = value;
    });
    writeFileSync(path, Papa.unparse(changed));
    const { cells, notes } = await again();
    expect([...cells].sort()).toEqual(cleared);
    expect(notes).toEqual([CHANGED]);
  },
);

async function editWithExcelJs(path: string, edit: (sheet: ExcelJs.Worksheet) => void): Promise<void> {
  const workbook = new ExcelJs.Workbook();
  await workbook.xlsx.readFile(path);
  const sheet = workbook.worksheets[0];
  if (sheet !== undefined) edit(sheet);
  await workbook.xlsx.writeFile(path);
}

/** Changes the cells of a workbook by row and column name. */
async function changeWorkbook(path: string): Promise<string[]> {
  let cleared: string[] = [];
  await editWithExcelJs(path, (sheet) => {
    const titles = (sheet.getRow(1).values as unknown[]).map(String);
    cleared = changeCells((row, column, value) => {
      sheet.getRow(row + 2).getCell(titles.indexOf(column)).value = value === '' ? null : value;
    });
  });
  return cleared;
}

async function convertWithLibreOffice(path: string): Promise<void> {
  const folder = join(dirname(path), 'converted');
  mkdirSync(folder, { recursive: true });
  execFileSync('soffice', [
    `-env:UserInstallation=file://${dirname(path)}/profile`,
    ...['--headless', '--convert-to', 'xlsx', '--outdir', folder, path],
  ]);
  writeFileSync(path, readFileSync(join(folder, 'list.filled.xlsx')));
}

test('the same after a workbook went through exceljs', () =>
  checkTrip((path) => editWithExcelJs(path, () => {})));

test.skipIf(!IS_SLOW)('the same after a workbook went through SheetJS', SLOW, () =>
  checkTrip(async (path) => {
    const workbook = SheetJs.read(readFileSync(path), { cellDates: true });
    writeFileSync(path, SheetJs.write(workbook, { type: 'buffer', bookType: 'xlsx' }));
  }),
);

test.skipIf(!IS_SLOW || !existsSync('/usr/bin/soffice'))(
  'the same after a workbook went through LibreOffice',
  SLOW,
  () => checkTrip(convertWithLibreOffice),
);

async function checkTrip(save: (path: string) => Promise<void>): Promise<void> {
  const { path, again } = await openFilled('xlsx');
  const sources = await readSources(path);
  await save(path);
  expect(await again()).toEqual({ cells: [], notes: [] });
  expect(await readSources(path)).toEqual(sources);
  const cleared = await changeWorkbook(path);
  await save(path);
  const { cells, notes } = await again();
  expect([...cells].sort()).toEqual(cleared);
  expect(notes).toEqual([CHANGED]);
}

/** What a workbook has beside its values. */
async function readSources(path: string): Promise<string[][]> {
  const input = await openInput({ path });
  const places = input.columns.flatMap((name, at) =>
    /_(?:confidence|citations|run_id)$/.test(name) ? [at] : [],
  );
  const rows = await readAllRows(input);
  return rows.map((row) => (row.kind === 'cells' ? places.map((at) => row.cells[at] ?? '') : []));
}
