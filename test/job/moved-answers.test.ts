import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openFilled, type Table } from '../helpers/filled-file.js';
import { readTable } from '../helpers/job.js';

const FIELDS = ['city', 'year', 'ceo'];
const find = (company: string, field: string) => `${field} of ${company}`;

type Cite = (company: string, field: string) => readonly string[];
const SOURCES: readonly [string, Cite][] = [
  ['files', (company) => [`file:///lists/t.csv#${company}`]],
  ['other schemes', (company) => [`ftp://example.com/${company}/a b.txt`]],
  [
    'a page of their own beside a shared one',
    (company) => ['https://example.com/', `https://a.com/${company}`],
  ],
];

/** Gives some rows of a table the cells of others: `to[i]` gets those of `from[i]`. */
function move(
  table: Table,
  columns: readonly string[],
  to: readonly number[],
  from: readonly number[],
): void {
  const old = structuredClone(table);
  for (const [index, row] of to.entries())
    for (const column of columns)
      Object.assign(table[row] ?? {}, { [column]: old[from[index] ?? 0]?.[column] ?? '' });
}

function expectOwn(table: readonly Readonly<Record<string, string>>[], confidence = 'high'): void {
  for (const row of table)
    for (const field of FIELDS)
      expect([row[field], row[`${field}_confidence`]]).toEqual([`${field} of ${row.company}`, confidence]);
}

test.each(SOURCES)(
  'rows of one run that were swapped get their answers back if they cite %s',
  async (_what, cite) => {
    const { again, edit } = await openFilled(8, find, FIELDS, { cite });
    edit((table) => move(table, ['company'], [0, 5], [5, 0]));
    const { cells, notes, table } = await again();
    expect(cells).toEqual([]);
    expect(notes.join()).toContain('2 rows have the answers of other rows');
    expectOwn(table);
  },
);

test.each(SOURCES)('the same in JSON Lines if they cite %s', async (_what, cite) => {
  const { again, path, bench } = await openFilled(8, find, FIELDS, { cite, ending: 'jsonl' });
  const lines = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  [lines[0].company, lines[5].company] = [lines[5].company, lines[0].company];
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  expect((await again({ output: path })).notes.join()).toContain('2 rows have the answers of other rows');
  const { table } = await again({ output: `${bench.folder}/out.csv`, format: 'csv' });
  expectOwn(table);
});

const MIXED = { code: 'ROWS_MIXED' };
const ALL = FIELDS.flatMap((field) => listBeside(field));
const ROWS = Array.from({ length: 12 }, (_, index) => index);
const NEXT = ROWS.map((index) => (index + 5) % 12);
const ofCompany: Cite = (company) => [`https://example.com/${company}`];
/** A page that says something about every company. */
const ofAll: Cite = () => ['https://example.com/list'];

/** A column with its confidence and citations. */
function listBeside(field: string): string[] {
  return [field, `${field}_confidence`, `${field}_citations`];
}

test.each<[string, readonly string[], Cite]>([
  ['all columns', ALL, ofCompany],
  ['all columns, of rows that cite the same page', ALL, ofAll],
  ['one column', listBeside('year'), ofCompany],
  ['one column, of rows that cite the same page', listBeside('year'), ofAll],
  ['the values of one column', ['year'], ofCompany],
  ['the values of all columns', FIELDS, ofCompany],
])('answers that were moved without their runs are no corrections: %s', async (_what, columns, cite) => {
  // Company 1 has no year, so that a blank moves too.
  const none = (company: string, field: string) =>
    company === 'Company 1' && field === 'year' ? null : find(company, field);
  const { again, edit, path, agent } = await openFilled(12, none, FIELDS, { cite, batchSize: 4 });
  edit((table) => move(table, columns, ROWS, NEXT));
  const before = readFileSync(path, 'utf8');
  const start = agent.cells.length;
  await expect(again()).rejects.toMatchObject(MIXED);
  expect(readFileSync(path, 'utf8')).toBe(before);
  const { table } = await again({ overwrite: true });
  expect(agent.cells.slice(start)).toEqual([]);
  expectOwn(table.slice(1));
  expect(table[0]).toMatchObject({ city: 'city of Company 1', year: '', ceo: 'ceo of Company 1' });
});

const COUNTRIES = ['US', 'DE', 'FR', 'DE', 'DE', 'US', 'FR', 'US', 'DE', 'FR', 'FR', 'DE', 'US', 'US'];
const sort = (cells: readonly string[]) => cells.toSorted();

test.each<[string, readonly string[], (cells: readonly string[]) => readonly string[]]>([
  ['three countries', COUNTRIES, sort],
  ['three countries, downwards', COUNTRIES, (cells) => sort(cells).toReversed()],
  [
    'three countries and blanks',
    COUNTRIES.with(2, '').with(7, ''),
    (cells) => [...sort(cells).slice(2), '', ''],
  ],
  ['two countries', COUNTRIES.map((cell) => (cell === 'FR' ? 'US' : cell)), sort],
  ['three countries that slipped by a row', COUNTRIES, ([first = '', ...others]) => [...others, first]],
])(
  'values of a column of few values that was sorted alone stop the job: %s',
  async (_what, values, change) => {
    const get = (company: string) => values[Number(company.split(' ')[1]) - 1] || null;
    const { again, edit, agent } = await openFilled(14, get, ['country'], { cite: ofCompany });
    edit((table) => {
      for (const [row, country] of change(values).entries()) Object.assign(table[row] ?? {}, { country });
    });
    const start = agent.cells.length;
    await expect(again()).rejects.toMatchObject(MIXED);
    const { table } = await again({ overwrite: true });
    expect(agent.cells.slice(start)).toEqual([]);
    expect(table.map(({ country }) => country)).toEqual(values);
  },
);

test.each<[string, readonly [number, number], readonly string[]]>([
  ['two rows', [2, 9], ALL],
  ['a row where nothing was found', [0, 9], ALL],
  ['two cells of a column', [2, 9], listBeside('city')],
])(
  'each row gets its own back if these were swapped without their runs: %s',
  async (_what, rows, columns) => {
    const none = (company: string, field: string) => (company === 'Company 1' ? null : find(company, field));
    const { again, edit } = await openFilled(12, none, FIELDS, { cite: ofCompany, batchSize: 4 });
    edit((table) => move(table, columns, rows, rows.toReversed()));
    const { cells, notes, table } = await again();
    expect(cells).toEqual([]);
    expect(notes.join()).toMatch(/have the answers of other rows.*They get their own answers back/);
    expectOwn(table.slice(1));
    expect(table[0]).toMatchObject({ city: '', year: '', ceo: '', enrichment_status: 'not_found' });
  },
);

test('rows of one run that cite the same page and were swapped stop the job', async () => {
  const { again, edit, agent } = await openFilled(8, find, FIELDS, { cite: ofAll });
  edit((table) => move(table, ['company'], [0, 3, 5], [3, 5, 0]));
  const start = agent.cells.length;
  await expect(again()).rejects.toMatchObject({ ...MIXED, hint: expect.stringContaining('write human in') });
  expectOwn((await again({ overwrite: true })).table);
  expect(agent.cells.slice(start)).toEqual([]);
});

const CITIES = ['Oslo', 'Bergen', 'Rome', 'Lyon'];
const byCity = (one: Table[number], other: Table[number]): number =>
  (one.city ?? '').localeCompare(other.city ?? '');
/** A city of four, its country, and a year of its own for each company. */
function findCity(company: string, field: string): string {
  const number = Number(company.split(' ')[1]);
  if (field === 'year') return String(1900 + number);
  return `${field === 'ceo' ? 'Head of ' : ''}${CITIES[number % 4]}`;
}

test.each<[string, (table: Table) => void, number]>([
  [
    'two cities of others',
    ([one, two]) => {
      Object.assign(one ?? {}, { city: 'Oslo' });
      Object.assign(two ?? {}, { city: 'Lyon' });
    },
    2,
  ],
  [
    'the city and the head of another row',
    ([one]) => Object.assign(one ?? {}, { city: 'Oslo', ceo: 'Head of Oslo' }),
    2,
  ],
  [
    'all that another row has, which was corrected too',
    ([one, two]) => {
      Object.assign(one ?? {}, { city: 'Rome', ceo: 'Head of Rome', year: '1902' });
      Object.assign(two ?? {}, { city: 'Nice' });
    },
    4,
  ],
  ['two years that were the wrong way round', (table) => move(table, ['year'], [0, 1], [1, 0]), 2],
  [
    'many cities of a column that has few',
    (table) => {
      for (const row of table.slice(0, 12))
        Object.assign(row, { city: row.city === 'Oslo' ? 'Rome' : 'Oslo' });
    },
    12,
  ],
  [
    'four cities of two that were confused',
    (table) => {
      for (const row of table.slice(1, 9).filter(({ city }) => city === 'Oslo' || city === 'Rome'))
        Object.assign(row, { city: row.city === 'Oslo' ? 'Rome' : 'Oslo' });
    },
    4,
  ],
  [
    'a city of each kind that became the next one',
    (table) => move(table, ['city'], [0, 1, 2, 3], [1, 2, 3, 0]),
    4,
  ],
  [
    'six cities of three kinds in a circle',
    (table) => move(table, ['city'], [0, 1, 2, 4, 5, 6], [1, 2, 0, 5, 6, 4]),
    6,
  ],
  [
    'cities of two kinds that were confused, in rows that were then sorted by city',
    (table) => {
      move(table, ['city'], [0, 1, 4, 5], [1, 0, 5, 4]);
      table.sort(byCity);
    },
    4,
  ],
  [
    'cities of four kinds that were confused, in rows that were then sorted by city',
    (table) => {
      move(table, ['city'], [0, 1, 2, 3, 4, 6], [1, 2, 3, 0, 6, 4]);
      table.sort(byCity);
    },
    6,
  ],
  [
    'many years, if the file says that a person gave them',
    (table) => {
      move(table, ['year'], ROWS, NEXT);
      for (const row of table.slice(0, 12)) Object.assign(row, { year_confidence: 'human' });
    },
    12,
  ],
])('values that are alike by chance stay corrections: %s', async (_what, change, count) => {
  const { again, edit, path } = await openFilled(20, findCity, FIELDS, { cite: ofCompany, batchSize: 5 });
  edit(change);
  const typed = readTable(readFileSync(path, 'utf8'));
  const { cells, notes, table } = await again();
  expect(cells).toEqual([]);
  expect(notes.join()).toContain(`${count} values that a person gave are kept`);
  for (const field of FIELDS) expect(table.map((row) => row[field])).toEqual(typed.map((row) => row[field]));
});

test.each<[string, (row: Record<string, string>) => void]>([
  ['a corrected value', (row) => Object.assign(row, { city: 'Nice' })],
  ['a value where nothing was found', (row) => Object.assign(row, { year: '1999' })],
])('with --overwrite, %s is said to be replaced, not kept', async (_what, change) => {
  const none = (company: string, field: string) => (field === 'year' ? null : find(company, field));
  const { again, edit, path } = await openFilled(8, none, FIELDS, { cite: ofCompany });
  const before = readTable(readFileSync(path, 'utf8'));
  edit(([one]) => change(one ?? {}));
  const { notes, table } = await again({ overwrite: true });
  expect(notes.join()).toContain('--overwrite replaces 1 value that a person gave.');
  expect(notes.join()).not.toContain('kept');
  expect(table[0]).toMatchObject({ city: before[0]?.city, year: '' });
});
