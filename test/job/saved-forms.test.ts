import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/model/json.js';
import { openFilled, type Table } from '../helpers/filled-file.js';

/** A filled file of companies 1, 2, … with the values of each in turn. */
function openValues(
  fields: readonly string[],
  values: readonly (readonly JsonValue[])[],
  { ending = 'csv', rows = values.length } = {},
) {
  const names = fields.map((field) => field.split(':')[0] ?? '');
  const find = (company: string, field: string, time: number): JsonValue => {
    const own = values[Number(company.split(' ').at(-1)) - 1]?.[names.indexOf(field)] ?? null;
    return Array.isArray(own) ? (own[time - 1] ?? null) : own;
  };
  return openFilled(rows, find, [...fields], { ending, send: ['company'] });
}

function set(column: string, cells: Readonly<Record<number, string>>): (table: Table) => void {
  return (table) => {
    for (const [row, cell] of Object.entries(cells))
      Object.assign(table[Number(row)] ?? {}, { [column]: cell });
  };
}

test.each([
  ['a number with another point', 'rating:number', [48, 5, 42, 3], { 0: '4.8', 1: '0.5', 2: '4.2' }],
  ['a number with a comma', 'rating:number', [48, 45, 3], { 0: '4,8' }],
  ['an integer that is none any more', 'staff:integer', [48, 45, 1200], { 0: '4.80', 2: '12.00' }],
  ['a longer number', 'revenue:number', [12345, 45, 1.5], { 0: '1234.5' }],
  ['the only number of thousands', 'revenue:number', [1234, 45, 12], { 0: '1.234' }],
  ['thousands beside decimals', 'revenue:number', [1234, 5678, 1.5, 2.5], { 0: '1.234', 1: '5.678' }],
  ['versions', 'version', ['112', '42', 'beta', '3'], { 0: '1.12', 1: '4-2' }],
  ['digits in other groups', 'at', ['192.168.1.11', '1.11.2024', 'x'], { 0: '192.168.11.1', 1: '11.1.2024' }],
  ['a year in a code', 'code', ['2024', '1999', '0117', 'x'], { 0: '20-24' }],
  ['the only zero at the start', 'code', ['2024', '1999', '0117', 'x'], { 2: '117' }],
  ['post codes', 'zip', ['01271', '01272', '01273', '04001'], { 0: '01-271', 1: '01 271', 2: '0.1271' }],
  ['the only code with a mark', 'code', ['2-20', '42', '7'], { 0: '220' }],
  ['a text with a date', 'news', ['2024-03-04: buys Beta', 'x', 'y'], { 0: '2024-03-04: buys Gamma' }],
  ['another day by its month’s name', 'day', ['2024-06-23', '2024-03-04'], { 0: '23 juillet 2024' }],
  ['the only version with a zero', 'version', ['2.10', '1.3', 'x'], { 0: '2.1' }],
  ['an apostrophe', 'city', ['s-Hertogenbosch', 'Utrecht'], { 0: "'s-Hertogenbosch" }],
  ['letter case of a name', 'tool', ['node.js', 'vue.js', 'go', 'c'], { 0: 'Node.js' }],
  ['names in capitals', 'name', ['Acme', 'Nasa', 'Ibm', 'Siemens'], { 1: 'NASA', 2: 'IBM' }],
  ['names of another language', 'name', ['王小伟', '李娜', 'x'], { 0: '张伟', 1: '王芳' }],
  ['accents', 'name', ['Müller', 'Dvořák', 'Žižek', 'Li'], { 0: 'Muller' }],
  ['question marks', 'name', ['王伟', '李娜'], { 0: '??' }],
  [
    'shorter texts',
    'about',
    ['Makes pumps for ships and trains', 'Sells shoes and old pumps', 'Writes books about old ships'],
    { 0: 'Makes pumps for ships', 2: 'Writes books about old' },
  ],
  ['rounded numbers', 'ratio:number', [3.24159, 2.31828, 1.51421], { 0: '3.24' }],
  [
    'zeros at the end of versions',
    'version',
    ['4.1', '4.2', '4.3', '4.4', '4.5'],
    { 0: '4.10', 1: '4.20', 2: '4.30', 3: '4.40' },
  ],
  ['the only two prices with two decimals', 'price', ['2.1', '3.5', '12'], { 0: '2.10', 1: '3.50' }],
  [
    'months that became days',
    'month',
    ['2019-03', '2020-05', '2018', '2018'],
    { 0: '2019-03-01', 1: '01.05.2020' },
  ],
  ['a month in full words', 'month', ['2019-03', '2020-05', '2018'], { 0: 'March 2019', 1: 'May 2020' }],
  ['dates in another notation', 'on', ['3/14/2024', '3/15/2024', 'x'], { 0: '2024-03-14', 1: '2024-03-15' }],
  ['dates without a year', 'due', ['3/4', '3/5', 'x'], { 0: '3/4/2024', 1: '3/5/2024' }],
  [
    'phone numbers without their sign',
    'phone',
    ['+1 212 5550100', '+1 212 5550110', 'x'],
    { 0: '1 212 5550100', 1: '12125550110' },
  ],
  ['times of day', 'opens', ['9:00', '18:30', 'x'], { 0: '09:00', 1: '6:30 PM' }],
  ['bands', 'size', ['0-50', '0-10', '51-200', '51-200'], { 0: '50', 1: '10' }],
  [
    'zeros at the start of all codes',
    'zip',
    ['1067', '2345', '3456'],
    { 0: '01067', 1: '02345', 2: '03456' },
  ],
  [
    'zeros at the start of many codes',
    'zip',
    ['1067', '2345', '3456', '4567', '5678', 'x'],
    { 0: '01067', 1: '02345', 2: '03456', 3: '04567', 4: '05678' },
  ],
  [
    'letter case of all names with points',
    'tool',
    ['next.js', 'vue.js', 'nuxt.js', 'node.js', 'C'],
    { 0: 'Next.js', 1: 'Vue.js', 2: 'Nuxt.js', 3: 'Node.js' },
  ],
  ['letter case of a path', 'path', ['docs/readme', 'src/main', 'lib/a'], { 1: 'src/Main' }],
] as const)('%s is what a person typed, in the file and in the ledger', async (_, field, values, typed) => {
  const { again, edit, bench } = await openValues(
    [field],
    values.map((value) => [value]),
  );
  const name = field.split(':')[0] ?? '';
  edit(set(name, typed));
  const output = `${bench.folder}/fresh.csv`;
  await again();
  const fresh = await again({ input: `${bench.folder}/list.csv`, output });
  const { table, cells } = await again({ refresh: true });
  expect(cells.length).toBe(values.length - Object.keys(typed).length);
  for (const [row, value] of values.entries()) {
    const cell = (typed as Readonly<Record<number, string>>)[row];
    const confidence = cell === undefined ? 'high' : 'human';
    expect(table[row]).toMatchObject({ [name]: cell ?? String(value), [`${name}_confidence`]: confidence });
    expect(fresh.table[row]?.[name]).toBe(
      cell === undefined
        ? String(value)
        : field.includes(':')
          ? String(Number(cell.replace(',', '.')))
          : cell,
    );
  }
});

test('a number of a JSON Lines file that a person changed is the person’s', async () => {
  const { again, path } = await openValues(['rating:number'], [[5], [42], [1234], [3]], { ending: 'jsonl' });
  const text = readFileSync(path, 'utf8');
  const typed = text.replace('"rating":5', '"rating":0.5').replace('"rating":1234', '"rating":1.234');
  writeFileSync(path, typed);
  const { cells, notes } = await again();
  expect([cells, notes]).toEqual([
    [],
    ['FILE_RETURNED: Since the file was filled: 2 values that a person gave are kept.'],
  ]);
  const rows = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map(({ rating }) => rating)).toEqual([0.5, 42, 1.234, 3]);
  expect(rows.map(({ enrichment }) => enrichment.fields.rating.who ?? 'agent')).toEqual([
    ...['human', 'agent'],
    ...['human', 'agent'],
  ]);
});

test('a single cell is a program’s if other cells show that a program saved the file', async () => {
  const values = [
    ['0117', '2.10', '2024-03-14', '2024-04-05'],
    ['2024', '3.4', '2024-03-15', null],
    ['x', '3.5', '2024-03-04', null],
  ];
  const { again, edit } = await openValues(['code', 'version', 'day:date', 'sold:date'], values);
  edit((table) => {
    set('code', { 0: '117' })(table);
    set('version', { 0: '2.1' })(table);
    set('day', { 0: '14/03/2024', 1: '15/03/2024', 2: '04/03/2024' })(table);
    set('sold', { 0: '05/04/2024' })(table);
  });
  const { table, notes } = await again();
  expect(notes.join()).not.toContain('a person gave');
  expect(table[0]).toMatchObject({
    code: '0117',
    version: '2.10',
    day: '14/03/2024',
    day_confidence: 'high',
    sold: '05/04/2024',
    sold_confidence: 'high',
  });
  expect(table[2]).toMatchObject({ day: '04/03/2024', day_confidence: 'high' });
});

test.each<[string, readonly JsonValue[], readonly string[]]>([
  ['value', ['0-10'], ['10']],
  ['value', ['0-50'], ['50']],
  ['value', ['0.5.1'], ['5.1']],
  ['value', ['2.1'], ['2.10']],
  ['value', ['12'], ['12.0']],
  ['value', ['007'], ['0007']],
  ['value', ['next.js'], ['Next.js']],
  ['value', ['example.com'], ['EXAMPLE.COM']],
  ['value', ['1-10'], ['10/1/2024']],
  ['value', ['2019-03'], ['2019-03-01']],
  ['value', ['9:00'], ['09:00']],
  ['value', ['+1 5550100'], ['15550100']],
  ['value', ['2024-04-05T14:30:00Z'], ['2024-04-05']],
  ['value:number', [1234], ['1.234']],
  ['value:date', ['2024-04-05'], ['5/4/2024']],
  ['value:date', ['2024-04-05', '2024-07-06'], ['5/4/2024', '6/7/2024']],
  ['value:date', ['2024-01-05', '2024-04-07'], ['01.05.2024', '04.07.2024']],
  ['value:date', ['2024-04-05', '2024-05-05'], ['5/4/2024', '5/5/2024']],
])('beside saved dates, %s %j shown as %j is what a person typed', async (field, values, typed) => {
  const days = Array.from({ length: 6 }, (_, row) => `2024-03-${14 + row}`);
  const { again, edit } = await openValues(
    [field, 'founded:date'],
    days.map((day, row) => [values[row] ?? (field === 'value' ? 'x' : null), day]),
  );
  edit((table) => {
    for (const row of table) row.founded = putMonthFirst(row.founded ?? '');
    set('value', { ...typed })(table);
  });
  const { table } = await again();
  expect(table[0]).toMatchObject({ value: typed[0], value_confidence: 'human', founded_confidence: 'high' });
  expect(table[1]?.value).toBe(typed[1] ?? (field === 'value' ? 'x' : ''));
});

test('a text that means another value in its column is replaced by a refresh', async () => {
  const values = [
    [
      ['2024-03-04', '2024-04-03'],
      [1.5, 15],
      [1.234, 1234],
      ['2024-03-04: sells Beta', '2024-03-04: buys Beta'],
    ],
    ['2020-03-14', 7.25, 2.5, 'x'],
    ['2021-12-25', 9, 3.5, 'y'],
  ];
  const { again, edit } = await openValues(['day:date', 'rating:number', 'revenue:number', 'news'], values);
  edit((table) => {
    set('day', { 0: '04/03/2024', 1: '14/03/2020', 2: '25/12/2021' })(table);
    set('rating', { 0: '1,5', 1: '7,25' })(table);
    set('revenue', { 0: '1.234', 1: '2.5', 2: '3.5' })(table);
  });
  const same = await again();
  expect(same.table[0]).toMatchObject({ day: '04/03/2024', rating: '1,5', revenue: '1.234' });
  const { table, notes } = await again({ refresh: true });
  expect(notes.join()).not.toContain('a person gave');
  // 3 April, as the other days are shown.
  expect(table[0]).toMatchObject({
    day: '03/04/2024',
    rating: '15',
    revenue: '1234',
    news: '2024-03-04: buys Beta',
    day_confidence: 'high',
  });
  expect(table[1]).toMatchObject({ day: '14/03/2020', rating: '7,25' });
});

test('new answers are written as their column was saved, so that the others stay answers', async () => {
  const twice = <Value>(value: Value, other: Value, row: number) => (row % 3 === 0 ? [value, other] : value);
  const values = Array.from({ length: 12 }, (_, index) => index + 1).map((row) => [
    twice(`2024-${String(row).padStart(2, '0')}-08`, '2023-01-05', row),
    twice(1.234 + row, 2.5 + row, row),
    twice(1000 + row, row === 6 ? 1.006 : 5_000_000 + row, row),
  ]);
  const { again, edit, bench } = await openValues(['day:date', 'ratio:number', 'staff:number'], values);
  edit((table) => {
    for (const row of table) {
      const [year, month, day] = (row.day ?? '').split('-').map(Number);
      row.day = `${month}/${day}/${year}`;
      row.ratio = row.ratio?.replace('.', ',') ?? '';
      row.staff = row.staff?.replace(/^(\d)/, '$1.') ?? '';
    }
  });
  for (const changes of [{ refresh: true }, {}, {}]) {
    const { table, notes } = await again(changes);
    expect(notes.join()).not.toContain('a person gave');
    expect(table[0]).toMatchObject({
      day: '1/8/2024',
      ratio: '2,234',
      staff: '1.001',
      day_confidence: 'high',
    });
    expect(table[2]).toMatchObject({ day: '1/5/2023', ratio: '5,5', staff: '5.000.003' });
    // 1.006 would be 1006 in this column.
    expect(table[5]?.staff).toBe('1,006');
  }
  const fresh = await again({ input: `${bench.folder}/list.csv`, output: `${bench.folder}/fresh.csv` });
  expect(fresh.table[0]).toMatchObject({ day: '2024-01-08', ratio: '2.234', staff: '1001' });
  expect(fresh.table[2]).toMatchObject({ day: '2023-01-05', ratio: '5.5', staff: '5000003' });
});

test.each([false, true])(
  'rows that show each other’s numbers get their own back, with overwrite %s',
  async (overwrite) => {
    const values = [
      [1234.5, 1.234, '112'],
      [12345, 1234, '1.12'],
      [500.5, 7.5, '9'],
      [42, 12, 'x'],
    ];
    const { again, edit } = await openValues(['revenue:number', 'ratio:number', 'code'], values);
    edit((table) => {
      const [one, two] = [table[0]?.company, table[1]?.company];
      Object.assign(table[0] ?? {}, { company: two });
      Object.assign(table[1] ?? {}, { company: one });
    });
    const { table } = await again({ overwrite });
    const shown = table.map(({ company, revenue, ratio, code }) => [company, revenue, ratio, code]);
    expect(shown.slice(0, 2)).toEqual([
      ['Company 2', '12345', '1234', '1.12'],
      ['Company 1', '1234.5', '1.234', '112'],
    ]);
  },
);

test('--overwrite replaces a typed number that only looks like the answer', async () => {
  const { again, edit } = await openValues(['revenue:number'], [[12345], [1234], [500.5], [42]]);
  edit(set('revenue', { 0: '1234.5', 1: '1.234' }));
  const { table } = await again({ overwrite: true });
  expect(table.map(({ revenue }) => revenue)).toEqual(['12345', '1234', '500.5', '42']);
});

/** Writes numbers as a German program does. */
function saveGerman(column: string): (table: Table) => void {
  return (table) => {
    for (const row of table) {
      const [whole = '', decimals] = (row[column] ?? '').split('.');
      const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, '.');
      row[column] = decimals === undefined ? grouped : `${grouped},${decimals}`;
    }
  };
}

const TYPED = [
  [
    'a plain column',
    [10.5, 20.5, 30.5, 40.5],
    false,
    ['2.000.000', '0,125', '1.234,567'],
    [2e6, 0.125, 1234.567],
  ],
  ['a plain column', [10.5, 20.5, 30.5, 40.5], false, ['1.500', '1,250', '1,250.75'], [1.5, 1250, 1250.75]],
  [
    'a German column',
    [10.5, 20.5, 30.5, 1044.75],
    true,
    ['1.500', '1,250', '1.234,567'],
    [1500, 1.25, 1234.567],
  ],
  [
    'a German column',
    [12, 1.25, 2, 4500.5, 7.5, 8.5, 9.5],
    true,
    ['12.000', '1.250', '2.000'],
    [12000, 1250, 2000],
  ],
  [
    'a German column of integers',
    [12, 13, 2, 4500, 2500, 3500],
    true,
    ['12.000', '1.300', '2.000'],
    [12000, 1300, 2000],
  ],
  ['a German column', [12, 2500, 3500, 4500, 7500], true, ['12.000', '5.500', '6.500'], [12000, 5500, 6500]],
  [
    'a German column without groups',
    [10.5, 20.5, 30.5, 44.75],
    true,
    ['1.500', '1,250', '0,5'],
    [1500, 1.25, 0.5],
  ],
] as const;

test.each(TYPED)('in %s of %j, a typed number keeps its meaning and its text', async (...parts) => {
  const [place, values, isGerman, typed, meant] = parts;
  const { again, edit, bench } = await openValues(
    [place.endsWith('integers') ? 'revenue:integer' : 'revenue:number'],
    values.map((value) => [value]),
  );
  edit((table) => {
    if (isGerman) saveGerman('revenue')(table);
    set('revenue', { ...typed })(table);
  });
  for (const changes of [{}, {}, { refresh: true }, {}]) {
    const { table } = await again(changes);
    expect(table.slice(0, 3).map(({ revenue }) => revenue)).toEqual(typed);
    expect(table.map((row) => row.revenue_confidence)).toEqual([
      ...typed.map(() => 'human'),
      ...values.slice(3).map(() => 'high'),
    ]);
  }
  const fresh = await again({ input: `${bench.folder}/list.csv`, output: `${bench.folder}/fresh.csv` });
  expect(fresh.table.map(({ revenue }) => Number(revenue))).toEqual([...meant, ...values.slice(3)]);
});

test.each([
  [3029.259, '3.029,259'],
  [3174.594, '3174,594'],
  [0.125, '0,125'],
])('the only decimals of a German column, %d as %s, are still the answer', async (value, text) => {
  const { again, edit } = await openValues(['revenue:number'], [[value], [583], [44], [45]]);
  edit(set('revenue', { 0: text }));
  const { table, notes } = await again();
  expect(notes.join()).not.toContain('a person gave');
  expect(table[0]).toMatchObject({ revenue: text, revenue_confidence: 'high' });
});

const DAYS = [
  '2024-03-04',
  '1955-07-23',
  '2021-12-25',
  '2020-02-03',
  '2019-06-07',
  '2018-11-12',
  '2017-01-31',
];

/** Writes dates as a program does that puts the month first. */
function saveMonthFirst(table: Table): void {
  for (const row of table) {
    const [year, month, day] = (row.day ?? '').split('-').map(Number);
    if (year !== undefined && month !== undefined) row.day = `${month}/${day}/${String(year).slice(2)}`;
  }
}

test.each([
  ['blank rows', ''],
  ['rows with dates as rowfill writes them', '2024-05-06'],
])('dates saved with the month first stay answers beside %s, also after a refresh', async (_, cell) => {
  const all = [...DAYS, '2024-05-06', '2024-05-06'].map((day) => [day]);
  const { again, edit } = await openValues(['day:date'], all, { rows: DAYS.length });
  const append = (table: Table): void => {
    const blank = Object.fromEntries(Object.keys(table[0] ?? {}).map((title) => [title, '']));
    for (const number of [8, 9]) table.push({ ...blank, company: `Company ${number}` });
  };
  edit((table) => {
    saveMonthFirst(table);
    append(table);
  });
  await again();
  if (cell !== '') edit(set('day', { 7: cell, 8: cell }));
  for (const changes of [{ refresh: true }, {}, {}]) {
    const { table, notes } = await again(changes);
    expect(notes.join()).not.toContain('a person gave');
    expect(table.map(({ day }) => day)).toEqual([
      ...['3/4/24', '7/23/55', '12/25/21', '2/3/20', '6/7/19', '11/12/18', '1/31/17'],
      ...(cell === '' ? ['5/6/24', '5/6/24'] : [cell, cell]),
    ]);
  }
});

test('a single date in the other order is a person’s among dates as rowfill writes them', async () => {
  const { again, edit } = await openValues(
    ['day:date'],
    DAYS.map((day) => [day]),
  );
  edit(set('day', { 0: '3/4/2024' }));
  const { table } = await again();
  expect(table[0]).toMatchObject({ day: '3/4/2024', day_confidence: 'human' });
});

test('answers to another question are written as the file was saved', async () => {
  const values = [
    [
      ['2024-03-04', '2023-01-05'],
      [2066.5, 5100.5],
      [1200, 1_234_567],
    ],
    ...DAYS.slice(1).map((day, row) => [day, 4133.5 + row, 2200 + row]),
  ];
  const { again, edit } = await openValues(['day:date', 'revenue:number', 'staff:integer'], values);
  edit((table) => {
    saveMonthFirst(table);
    saveGerman('revenue')(table);
    saveGerman('staff')(table);
  });
  for (const changes of [{}, {}]) {
    const { table, notes } = await again({ query: 'Find other facts.', ...changes });
    expect(notes.join()).not.toContain('a person gave');
    expect(table[0]).toMatchObject({ day: '1/5/23', revenue: '5.100,5', staff: '1.234.567' });
    expect(table[1]).toMatchObject({ day: '7/23/55', revenue: '4.133,5', staff: '2.200' });
  }
});

type Text = (value: string) => string;
const dropZeros: Text = (value) => String(Number(value));
/** Excel leaves dates before 1900 as they are. */
const putMonthFirst: Text = (value) => {
  const [year = 0, month, day] = value.split('-').map(Number);
  return year < 1900 ? value : `${month}/${day}/${year}`;
};
const replaceAll =
  (texts: Readonly<Record<string, string>>): Text =>
  (value) =>
    texts[value] ?? value;

const NAMES = ['王小伟', '李娜', 'Łukasz', 'Žižek', 'Müller', 'Ōe Kenzaburō', 'Dvořák', 'Nguyễn'];
const toAnsi: Text = (value) => value.replace(/[^ -ÿŽž]/g, '?');
const readAs =
  (encoding: string): Text =>
  (value) =>
    new TextDecoder(encoding).decode(new TextEncoder().encode(value));
const removeAccents: Text = (value) => value.normalize('NFD').replace(/[\u0300-\u036f]/g, '');
const RATIOS = [3.24159, 1000.1234, 2.31828, 42.5, 1_234_567.891, 7];
const round =
  (locale: string, options: Intl.NumberFormatOptions): Text =>
  (value) =>
    Number(value).toLocaleString(locale, options);

/** What a program did to a column, and what a person then typed into some of its cells. */
const SAVED: readonly [
  string,
  string,
  readonly (string | number)[],
  Text,
  Readonly<Record<number, string>>,
][] = [
  [
    'bands as months and years',
    'size',
    ['1-10', '11-50', '51-200', '11-50', '1-10', '11-50'],
    replaceAll({ '1-10': '10-Jan', '11-50': 'Nov-50' }),
    { 4: '10-99' },
  ],
  [
    'bands as whole dates',
    'size',
    ['1-10', '11-50', '51-200', '10-49'],
    replaceAll({ '1-10': '2026-01-10', '11-50': '1950-11-01', '10-49': '1949-10-01' }),
    {},
  ],
  [
    'months of a year',
    'month',
    ['2024-03', '2023-12', '10/2022', '2024-01'],
    replaceAll({ '2024-03': 'Mar-24', '2023-12': 'Dez 23', '10/2022': 'Okt 22', '2024-01': 'janv-24' }),
    {},
  ],
  [
    'versions of three numbers',
    'version',
    ['1.2.3', '10.11.12', '1.20.3', '4.5.6'],
    replaceAll({ '1.2.3': '01.02.2003', '10.11.12': '10.11.2012', '4.5.6': '2006-05-04' }),
    {},
  ],
  [
    'a single ratio',
    'ratio',
    ['3/4', '1/2', 'all', '2/3'],
    replaceAll({ '3/4': '03. Apr', '1/2': '1-févr' }),
    {},
  ],
  [
    'texts that look like numbers',
    'price',
    ['2.10', '1,234', '12.50', '1E5', 'free', '3.75'],
    replaceAll({ '2.10': '2.1', '1,234': '1234', '12.50': '12.5', '1E5': '100000' }),
    { 5: '3.7' },
  ],
  [
    'ids of which a program kept 15 digits',
    'id',
    ['1234567890123456', '9876543210987654', '1111222233334440', '5555666677778888'],
    (value) => `${value.slice(0, 15)}0`,
    { 3: '5555666677778889' },
  ],
  [
    'codes of which one was repaired',
    'zip',
    ['01067', '02345', '03456', '04567', '05678', '06789'],
    dropZeros,
    { 0: '01067' },
  ],
  [
    'codes of which two were repaired and one replaced',
    'zip',
    ['01067', '02345', '03456', '04567', '05678', '06789', '07890'],
    dropZeros,
    { 0: '01067', 3: '04567', 5: '99999' },
  ],
  [
    'dates of which one was replaced in the other order',
    'day:date',
    ['2004-03-05', '1976-04-01', '1998-09-04', '1994-07-05', '2001-02-03', '2002-08-09'],
    putMonthFirst,
    { 2: '4/9/1998' },
  ],
  [
    'dates of which three are before 1900',
    'day:date',
    [
      '1876-02-14',
      '1899-12-31',
      '1850-01-02',
      '1823-05-06',
      '1888-07-08',
      '2004-03-05',
      '1976-04-01',
      '1998-09-14',
      '1994-07-05',
    ],
    putMonthFirst,
    {},
  ],
  [
    'dates of which only two are clear',
    'day:date',
    ['1876-02-04', '1850-01-02', '1823-05-06', '2004-03-05', '1976-04-01'],
    putMonthFirst,
    {},
  ],
  [
    'dates of which one was repaired',
    'day:date',
    ['2004-03-05', '1976-04-01', '1998-09-04', '1994-07-05', '2001-02-03'],
    putMonthFirst,
    { 1: '1976-04-01' },
  ],
  ['names of another encoding', 'name', NAMES, toAnsi, {}],
  ['names of another encoding beside a correction', 'name', NAMES, toAnsi, { 4: 'Møller', 6: 'Novák' }],
  ['UTF-8 that was read as another encoding', 'name', NAMES, readAs('windows-1252'), { 4: 'Møller' }],
  ['names in capitals', 'name', NAMES, (value) => value.toUpperCase(), {}],
  [
    'names in capitals beside corrections',
    'name',
    NAMES,
    (value) => value.toUpperCase(),
    { 4: 'Møller', 6: 'NOVÁK' },
  ],
  [
    'numbers that were rounded without zeros',
    'ratio:number',
    [3.30159, 42.004, 2.71234, 5.25],
    (value) => String(Number(Number(value).toFixed(2))),
    {},
  ],
  ['names in small letters', 'name', NAMES, (value) => value.toLowerCase(), {}],
  ['names without accents', 'name', ['Žižek', 'Müller', 'Dvořák', 'Li'], removeAccents, {}],
  ['rounded numbers', 'ratio:number', RATIOS, (value) => Number(value).toFixed(2), {}],
  ['German rounded numbers', 'ratio:number', RATIOS, round('de', { maximumFractionDigits: 2 }), {}],
  [
    'rounded amounts',
    'ratio:number',
    RATIOS,
    round('en-US', { style: 'currency', currency: 'USD', maximumFractionDigits: 0 }),
    {},
  ],
  [
    'rounded percentages',
    'ratio:number',
    [0.12345, 0.5, 0.98765, 0.43219],
    round('de', { style: 'percent', maximumFractionDigits: 1 }),
    {},
  ],
  [
    'cut texts',
    'about',
    [
      'Makes pumps for ships and trains',
      'Sells shoes',
      'Writes books about old ships',
      'Makes pumps for car, rail',
    ],
    (value) => value.slice(0, 20),
    {},
  ],
];

test.each(SAVED)('%s stay answers', async (_, field, values, save, typed) => {
  const name = field.split(':')[0] ?? '';
  const { again, edit } = await openValues(
    [field],
    values.map((value) => [value]),
  );
  edit((table) => {
    for (const row of table) row[name] = save(row[name] ?? '');
    set(name, typed)(table);
  });
  for (let time = 0; time < 2; time += 1) {
    const { table, cells } = await again();
    expect(cells).toEqual([]);
    expect(table.map((row) => row[`${name}_confidence`])).toEqual(
      values.map((value, row) => ((typed[row] ?? value) === value ? 'high' : 'human')),
    );
  }
});

const PLAIN_NAMES = [...'ABCDEFGHIJKL'].map((letter) => `${letter}lba Group`);

const LONG_NAMES = PLAIN_NAMES.map((name, index) => `${name} of Companie${'s'.repeat(index)}`);

/** Cells that a person made alike, in a column where a program has changed nothing. */
const UNIFIED: readonly (readonly [
  what: string,
  field: string,
  values: readonly (string | number)[],
  typed: Record<number, string>,
])[] = [
  ['codes in capitals', 'country', ['US', 'US', 'US', 'US', 'US', 'US', 'fr', 'uk'], { 6: 'FR', 7: 'UK' }],
  ['codes in small letters', 'country', ['us', 'us', 'us', 'us', 'FR', 'UK'], { 4: 'fr', 5: 'uk' }],
  ['both of two codes in capitals', 'country', ['fr', 'uk'], { 0: 'FR', 1: 'UK' }],
  [
    'names without accents',
    'name',
    [...PLAIN_NAMES, 'Zoë', 'José', 'Ján'],
    { 12: 'Zoe', 13: 'Jose', 14: 'Jan' },
  ],
  ['rounded prices', 'price:number', [1, 2, 3, 4, 5, 6, 19.99, 24.95], { 6: '20', 7: '25' }],
  ['single blanks', 'name', [...PLAIN_NAMES, 'Acme  Ltd', 'Beta  Ltd'], { 12: 'Acme Ltd', 13: 'Beta Ltd' }],
  [
    'names without their legal form',
    'name',
    [...PLAIN_NAMES, ...LONG_NAMES.map((name) => `${name} Inc.`)],
    Object.fromEntries(LONG_NAMES.map((name, index) => [index + 12, name])),
  ],
];

test.each(UNIFIED)('%s that a person typed stay', async (_, field, values, typed) => {
  const name = field.split(':')[0] ?? '';
  const { again, edit } = await openValues(
    [field],
    values.map((value) => [value]),
  );
  edit(set(name, typed));
  const { table } = await again();
  expect(table.map((row) => [row[name], row[`${name}_confidence`]])).toEqual(
    values.map((value, row) => [typed[row] ?? String(value), typed[row] === undefined ? 'high' : 'human']),
  );
});

test('cells that a person marks as human stay, also if a program could have made them of the answers', async () => {
  const { again, edit } = await openValues(
    ['name', 'zip'],
    ['Fr', 'Uk', 'De', 'At'].map((value, index) => [value, `0${index}067`]),
  );
  edit((table) => {
    for (const row of table) Object.assign(row, { name: row.name?.toUpperCase(), zip: row.zip?.slice(1) });
    Object.assign(table[1] ?? {}, { name_confidence: 'human', zip_confidence: 'human' });
  });
  const { table } = await again();
  expect(table.map((row) => [row.name, row.name_confidence, row.zip, row.zip_confidence])).toEqual([
    ['Fr', 'high', '00067', 'high'],
    ['UK', 'human', '1067', 'human'],
    ['De', 'high', '02067', 'high'],
    ['At', 'high', '03067', 'high'],
  ]);
});

test('one exact number in scientific notation does not hide that the others were rounded', async () => {
  const values = [[1_000_000_000_000], [123_456_789_012], [987_654_321_098], [555_555_555_555]];
  const { again, edit } = await openValues(['revenue:number'], values);
  edit(set('revenue', { 0: '1E+12', 1: '1.23457E+11', 2: '9.87654E+11', 3: '5.55556E+11' }));
  const { table } = await again();
  expect(table.map((row) => [row.revenue, row.revenue_confidence])).toEqual([
    ['1E+12', 'high'],
    ...values.slice(1).map(([value]) => [String(value), 'high']),
  ]);
});

test('a single decimal comma does not change what commas between thousands mean', async () => {
  const { again, edit } = await openValues(['revenue:number'], [[1234], [5678], [2.5]]);
  edit(set('revenue', { 0: '1,234', 1: '5,678', 2: '2,5' }));
  const { table } = await again();
  expect(table.map((row) => row.revenue_confidence)).toEqual(['high', 'high', 'high']);
});
