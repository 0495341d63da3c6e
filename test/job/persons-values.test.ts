import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exportJob } from '../../src/export.js';
import { verifyJob } from '../../src/verify.js';
import { openFilled } from '../helpers/filled-file.js';
import { readTable } from '../helpers/job.js';

const SEND = ['company'];
const ADDRESS = {
  type: 'object',
  properties: {
    address: {
      type: 'object',
      properties: { city: { type: 'string' }, zip: { type: 'string' } },
    },
  },
} as const;

test.each(['jsonl', 'xlsx'])(
  'a field that is left out once keeps the agent’s answers in %s',
  async (ending) => {
    const { again, agent, bench, options, path } = await openFilled(4, undefined, ['hq'], {
      ending,
      send: SEND,
    });
    const given = { output: path };
    expect((await again({ ...given, fields: ['hq', 'ceo'] })).cells).toHaveLength(4);
    // Only the new field is reworded or added from here on, so that every cell of hq is the agent’s.
    expect((await again({ ...given, fields: ['ceo'] })).cells).toEqual([]);
    const { cells, notes } = await again({ ...given, fields: ['hq=Head office', 'ceo'] });
    expect(cells.sort()).toEqual([1, 2, 3, 4].map((number) => `Company ${number} hq`));
    expect(notes.join()).not.toContain('a person gave');
    const start = agent.cells.length;
    const fresh = await bench.run({
      ...options,
      input: `${bench.folder}/list.csv`,
      output: `${bench.folder}/fresh.csv`,
      fields: ['hq=Head office'],
    });
    expect(agent.cells.slice(start)).toEqual([]);
    expect(fresh.rows[0]).toMatchObject({ hq: 'hq of Company 1', hq_confidence: 'high' });
  },
);

test('a line that could not be read stays in a filled file that is given back, until somebody corrects it', async () => {
  const { agent, bench, options } = await openFilled(1, undefined, ['hq']);
  const broken = '{"company":"Lost", "notes":"important" oops}';
  const input = bench.write('in.jsonl', `{"company":"A"}\n${broken}\n{"company":"C"}\n`);
  const output = `${bench.folder}/in.filled.jsonl`;
  const read = () =>
    bench
      .read('in.filled.jsonl')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  await bench.run({ ...options, input, output });
  for (const hq of ['Oslo', 'Rome']) {
    writeFileSync(output, bench.read('in.filled.jsonl').replace(/"hq":"[^"]*"/, `"hq":"${hq}"`));
    await bench.run({ ...options, input: output, output });
    expect(read()[0]).toMatchObject({ hq, enrichment: { fields: { hq: { who: 'human' } } } });
    expect(read()[1]).toMatchObject({ hq: null, enrichment: { status: 'failed', line: broken } });
  }
  const start = agent.cells.length;
  const kept = JSON.stringify(broken);
  const mended = kept.replace(' oops', '');
  writeFileSync(
    output,
    bench.read('in.filled.jsonl').replace(kept, () => mended),
  );
  await bench.run({ ...options, input: output, output });
  expect(read()[1]).toMatchObject({ company: 'Lost', notes: 'important', hq: 'hq of Lost' });
  expect(agent.cells.slice(start)).toEqual(['Lost hq']);
});

test.each(['csv', 'jsonl'])('a cell that was in the input stays in its file alone, in %s', async (ending) => {
  const list = 'company,country\nA,Mars\nB,Mars\nC,\n';
  const { again, agent, bench, options, path } = await openFilled(list, undefined, ['country', 'ceo'], {
    ending,
    send: SEND,
  });
  const { cells, notes } = await again({ output: path, fields: ['country', 'ceo', 'hq'] });
  expect(cells.sort()).toEqual(['A hq', 'B hq', 'C hq']);
  expect(notes.join()).not.toContain('a person gave');
  const out = await again({ output: `${bench.folder}/out.csv`, format: 'csv', fields: ['country', 'ceo'] });
  expect(out.table.map(({ country, country_confidence }) => [country, country_confidence])).toEqual([
    ['Mars', ''],
    ['Mars', ''],
    ['country of C', 'high'],
  ]);
  bench.write('ben.csv', 'company,country\nA,\nB,\n');
  const start = agent.cells.length;
  const ben = await bench.run({
    ...options,
    input: `${bench.folder}/ben.csv`,
    output: `${bench.folder}/b.csv`,
  });
  expect(agent.cells.slice(start).sort()).toEqual(['A country', 'B country']);
  expect(ben.rows[0]).toMatchObject({ country: 'country of A', country_confidence: 'high' });
  // Mars stays Anna’s, although the ledger now has an answer.
  expect((await again({ output: path, fields: ['country', 'ceo', 'hq'] })).notes.join()).not.toContain(
    'gave',
  );
  const last = await again({
    output: `${bench.folder}/out.csv`,
    format: 'csv',
    fields: ['country', 'ceo'],
  });
  expect(last.table[0]).toMatchObject({ country: 'Mars', country_confidence: '' });
});

test('an excluded row keeps its own cells and those of a person', async () => {
  const list = 'company,country\nA,Mars\nB,\nC,\n';
  const { again, edit, bench } = await openFilled(list, undefined, ['country', 'ceo'], { send: SEND });
  edit((table) => Object.assign(table[1] ?? {}, { ceo: 'Ann' }) && table);
  const exclude = bench.write('customers.csv', 'company\nA\nB\n');
  const { table, cells } = await again({ exclude, fields: ['country', 'ceo', 'hq'] });
  expect(cells).toEqual(['C hq']);
  expect(table[0]).toMatchObject({ enrichment_status: 'excluded', country: 'Mars' });
  expect(table[1]).toMatchObject({ enrichment_status: 'excluded', ceo: 'Ann', ceo_confidence: 'human' });
  expect((await again({ exclude, fields: ['country', 'ceo', 'hq'] })).table).toEqual(table);
  // Blanked is not cleared, also where the row still names its runs.
  await again({ exclude, fields: ['country', 'ceo'] });
  const back = await again({ fields: ['country', 'ceo'] });
  expect(back.cells).toEqual([]);
  expect(back.table[0]).toMatchObject({ country: 'Mars', ceo: 'ceo of A', ceo_confidence: 'high' });
});

test('filling a column that is sent too changes no row', async () => {
  const list = 'company,city\nA,\nA,Oslo\nB,\n';
  const options = { send: ['company', 'city'] };
  const { again, edit } = await openFilled(list, undefined, ['city', 'ceo'], options);
  expect((await again()).cells).toEqual([]);
  expect((await again({ fields: ['city', 'ceo', 'hq'] })).cells).toEqual(['A hq', 'A hq', 'B hq']);
  edit((table) => Object.assign(table[2] ?? {}, { city: 'Bergen' }) && table);
  const { cells, table } = await again();
  expect(cells).toEqual([]);
  expect(table.map(({ city, city_confidence }) => [city, city_confidence])).toEqual([
    ['city of A', 'high'],
    ['Oslo', ''],
    ['Bergen', 'human'],
  ]);
});

test.each(['csv', 'jsonl'])(
  'of two equal rows, one that is cleared is asked again once, for both, in %s',
  async (ending) => {
    const find = (company: string, field: string, time: number) => `${field} ${time} of ${company}`;
    const { again, bench, path, edit } = await openFilled('company\nA\nA\nB\n', find, ['ceo'], {
      ending,
    });
    if (ending === 'csv') edit((table) => Object.assign(table[0] ?? {}, { ceo: '' }) && table);
    else writeFileSync(path, bench.read('list.filled.jsonl').replace('"ceo 1 of A"', 'null'));
    for (const asked of [['A ceo'], []]) {
      const { cells } = await again({ output: path });
      expect(cells).toEqual(asked);
      const { table } = await again({ output: `${bench.folder}/out.csv`, format: 'csv' });
      expect(table.map(({ ceo, enrichment_status: status }) => [ceo, status])).toEqual([
        ['ceo 2 of A', 'enriched'],
        ['ceo 2 of A', 'enriched'],
        ['ceo 1 of B', 'enriched'],
      ]);
    }
  },
);

test('a cleared cell gets what a person gave in an equal row, and no answer if the values differ', async () => {
  const find = (company: string, field: string, time: number) => `${field} ${time} of ${company}`;
  const { again, edit } = await openFilled('company\nA\nA\nB\nB\nB\n', find, ['ceo'], { send: SEND });
  edit((table) => {
    for (const [index, ceo] of ['', 'Ann', '', 'Bo', 'Bea'].entries())
      Object.assign(table[index] ?? {}, { ceo });
  });
  const { cells, table } = await again({ again: ['cleared'] });
  expect(cells).toEqual(['B ceo']);
  expect(table.map(({ ceo, ceo_confidence }) => [ceo, ceo_confidence])).toEqual([
    ['Ann', 'human'],
    ['Ann', 'human'],
    ['ceo 2 of B', 'high'],
    ['Bo', 'human'],
    ['Bea', 'human'],
  ]);
  expect((await again()).cells).toEqual([]);
});

test.each(['csv', 'jsonl'])('a placeholder where nothing is found stays, in %s', async (ending) => {
  const list = 'company,ceo\nA,N/A\nB,unknown\nC,-\n';
  const find = (company: string) => (company === 'C' ? 'Cleo' : null);
  const { again, bench, path } = await openFilled(list, find, ['ceo'], { ending, send: SEND });
  const first = bench.read(`list.filled.${ending}`);
  await again({ output: path });
  const { table } = await again({ output: `${bench.folder}/out.csv`, format: 'csv' });
  expect(table.map(({ ceo }) => ceo)).toEqual(['N/A', 'unknown', 'Cleo']);
  expect(bench.read(`list.filled.${ending}`).includes('N/A')).toBe(first.includes('N/A'));
});

const MIXED = { code: 'ROWS_MIXED' };
test.each<[string, (table: Record<string, string>[]) => void]>([
  [
    'a typed value in a row with the key of another',
    ([one, , , four]) => {
      Object.assign(one ?? {}, { hq: 'Typed', company: four?.company });
    },
  ],
  [
    'a typed value in one of two rows that were swapped',
    (table) => {
      swap(table);
      Object.assign(table[0] ?? {}, { hq: 'Typed' });
    },
  ],
  [
    'a sort of some columns, without those of citations',
    (table) => {
      const names = table.map(({ company }) => company).reverse();
      for (const [index, row] of table.entries()) {
        row.company = names[index] ?? '';
        for (const field of ['ceo', 'hq']) delete row[`${field}_citations`];
      }
    },
  ],
  [
    'rows of a person that were sorted with few others',
    (table) => {
      for (const row of table.slice(0, 2))
        for (const field of ['ceo', 'hq']) {
          Object.assign(row, {
            [field]: `Own ${row.company}`,
            [`${field}_confidence`]: 'human',
            [`${field}_citations`]: '',
          });
        }
      swap(table, 0, 2);
    },
  ],
])(
  'rows that are mixed with values of a person stop the job, and lose nothing: %s',
  async (_what, change) => {
    const { again, edit, path, agent } = await openFilled(8, (company, field) => `${field} of ${company}`, [
      'ceo',
      'hq',
    ]);
    edit(change);
    const before = readFileSync(path, 'utf8');
    const start = agent.cells.length;
    await expect(again({ output: path })).rejects.toMatchObject(MIXED);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(agent.cells.slice(start)).toEqual([]);
  },
);

function swap(table: Record<string, string>[], one = 0, other = 1): void {
  const [a, b] = [table[one]?.company, table[other]?.company];
  Object.assign(table[one] ?? {}, { company: b });
  Object.assign(table[other] ?? {}, { company: a });
}

test.each([1, 8])('answers of another row are no corrections, in runs of %d', async (batchSize) => {
  const find = (company: string, field: string) => `${field} of ${company}`;
  const { again, edit, path, bench, agent, options } = await openFilled(8, find, ['ceo', 'hq'], {
    batchSize,
  });
  const filled = readFileSync(path, 'utf8');
  edit((table) => {
    const names = table.map(({ company }) => company).reverse();
    for (const [index, row] of table.entries()) row.company = names[index] ?? '';
    Object.assign(table[0] ?? {}, { ceo: '' });
  });
  const before = readFileSync(path, 'utf8');
  await expect(again()).rejects.toMatchObject({ code: 'ROWS_MIXED' });
  expect(readFileSync(path, 'utf8')).toBe(before);
  const asked: string[] = [];
  const confirmDoubt = async ({ code }: { readonly code: string }) => asked.push(code) > 0;
  const { cells, table } = await again({}, { confirmDoubt });
  expect([asked, cells]).toEqual([['ROWS_MIXED'], []]);
  for (const { company, ceo, hq, hq_confidence } of table)
    expect([ceo, hq, hq_confidence]).toEqual([`ceo of ${company}`, `hq of ${company}`, 'high']);
  // Two rows are put right with a word, and another answer that happens to be the same stays a correction.
  writeFileSync(path, filled);
  edit((rows) => {
    Object.assign(rows[0] ?? {}, { company: 'Company 2' });
    Object.assign(rows[1] ?? {}, { company: 'Company 1' });
    Object.assign(rows[4] ?? {}, { hq: 'hq of Company 7' });
  });
  const few = await again();
  expect(few.notes.join()).toContain('2 rows have the answers of other rows');
  expect(few.table[0]).toMatchObject({ company: 'Company 2', hq: 'hq of Company 2', hq_confidence: 'high' });
  expect(few.table[4]).toMatchObject({ hq: 'hq of Company 7', hq_confidence: 'human' });
  const start = agent.cells.length;
  await bench.run({ ...options, input: `${bench.folder}/list.csv`, output: `${bench.folder}/fresh.csv` });
  expect(agent.cells.slice(start)).toEqual([]);
});

test('an object is one value: other parts of the row’s own withhold it, and a cleared part asks again', async () => {
  const list = 'company,address.city,address.zip\nA,Bergen,\nB,Oslo,\nC,,\n';
  const find = (company: string, _field: string, time: number) => ({
    city: 'Oslo',
    zip: `${company}${time}`,
  });
  const { again, edit } = await openFilled(list, find, undefined, {
    send: SEND,
    fields: undefined,
    schemaObject: ADDRESS,
  });
  const first = await again();
  expect(first.cells).toEqual([]);
  const read = (table: typeof first.table) =>
    table.map((row) => [row['address.city'], row['address.zip'], row.address_confidence]);
  expect(read(first.table)).toEqual([
    ['Bergen', '', ''],
    ['Oslo', 'B1', 'high'],
    ['Oslo', 'C1', 'high'],
  ]);
  edit((table) => Object.assign(table[2] ?? {}, { 'address.city': '' }) && table);
  const { cells, table } = await again();
  expect(cells).toEqual(['C address']);
  expect(read(table)[2]).toEqual(['Oslo', 'C2', 'high']);
});

test('columns of the user that have a name of ours are refused, unless their values look like ours', async () => {
  const { bench, options } = await openFilled(1);
  const files = {
    'a.csv': 'company,enrichment_status,enrichment_run_id\nAcme,vip,7\n',
    'b.csv': 'company,ceo,ceo_confidence\nAcme,,0.8\n',
    'c.jsonl': '{"company":"Acme","enrichment":{"status":"vip"}}\n',
    'd.csv': 'company,ceo,ceo_citations\nAcme,,see my notes\n',
  };
  for (const [name, text] of Object.entries(files))
    await expect(bench.run({ ...options, input: bench.write(name, text) })).rejects.toMatchObject({
      code: 'COLUMN_RESERVED',
    });
  const keys = bench.write('e.jsonl', '{"company":"Acme"}\n{"company":"Beta","ceo_citations":"mine"}\n');
  await expect(
    bench.run({ ...options, input: keys, output: `${bench.folder}/keys.csv` }),
  ).rejects.toMatchObject({
    code: 'COLUMN_RESERVED',
  });
  await bench.run({ ...options, input: keys, output: `${bench.folder}/keys.jsonl` });
  expect(bench.read('keys.jsonl')).toContain('"ceo_citations":"mine"');
  const input = bench.write('f.csv', 'company,ceo,ceo_confidence\nAcme,,\nBeta,Bo,High\n');
  const { rows } = await bench.run({ ...options, input, output: `${bench.folder}/e.csv` });
  expect(rows[0]).toMatchObject({ ceo: 'ceo of Acme', ceo_confidence: 'high' });
});
test.each(['csv', 'jsonl'])('export and verify keep what a run kept, in %s', async (ending) => {
  const list = 'id,company,ceo\n1,A,Own\n2,A,\n3,B,\n4,B,\n5,C,\n6,D,\n7,E,\n';
  const { again, edit, bench, options, path } = await openFilled(list, undefined, ['ceo'], {
    ending,
    send: SEND,
  });
  if (ending === 'csv') {
    edit((table) => {
      // Equal rows with different values, and more than half of a column cleared.
      Object.assign(table[2] ?? {}, { ceo: 'Jane' });
      Object.assign(table[3] ?? {}, { ceo: 'Joe' });
    });
  }
  const { summary } = await again();
  const written = readFileSync(path, 'utf8');
  const { ledger } = options;
  await exportJob({ job: summary.jobId, ledger });
  expect(readFileSync(path, 'utf8')).toBe(written);
  const pages = `${bench.folder}/pages`;
  // Nothing is cited, so there is nothing to fetch.
  await verifyJob({ job: summary.jobId, ledger, pages });
  const cells = readFilled(path);
  expect(cells.slice(0, 2)).toEqual(['Own', 'ceo of A']);
  if (ending === 'csv') expect(cells.slice(2, 4)).toEqual(['Jane', 'Joe']);
});

test('export leaves blank what was cleared and is not asked again', async () => {
  const { again, edit, options, path } = await openFilled(4, undefined, ['ceo'], { send: SEND });
  edit((table) => table.map((row, index) => (index < 3 ? { ...row, ceo: '' } : row)));
  const { summary, notes } = await again();
  expect(notes.join()).toContain('MANY_CLEARED');
  const written = readFileSync(path, 'utf8');
  await exportJob({ job: summary.jobId, ledger: options.ledger });
  expect(readFileSync(path, 'utf8')).toBe(written);
  expect(readFilled(path)).toEqual(['', '', '', 'ceo of Company 4']);
});

/** The values of `ceo` in a filled file. */
function readFilled(path: string): unknown[] {
  const text = readFileSync(path, 'utf8');
  if (path.endsWith('.csv')) return readTable(text).map(({ ceo }) => ceo);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).ceo);
}

const TYPED = ['num:number', 'code', 'version', 'day:date', 'time:datetime'];

function findTyped(company: string, field: string, time: number) {
  const row = Number(company.split(' ').at(-1));
  switch (field) {
    case 'num':
      return 1.234 + row + time;
    case 'code':
      return String(1_230 + row + time).padStart(5, '0');
    case 'version':
      return `${row}-${time}`;
    case 'day':
      return `2024-03-0${row}`;
    default:
      return `2024-03-0${row}T10:00:00Z`;
  }
}

test('a single cell that only a re-saved column would explain is a person’s', async () => {
  const { again, edit } = await openFilled(9, findTyped, TYPED, { send: SEND });
  const typed = {
    num: '3,234',
    code: '1232',
    version: '1-Jan',
    day: '1/3/2024',
    time: '2024-03-01T10:00:00+02:00',
  };
  edit((table) => {
    Object.assign(table[0] ?? {}, typed);
    Object.assign(table[1] ?? {}, { day: '3/2/2024', time: '2024-03-02' });
  });
  for (const changes of [{}, { refresh: true }]) {
    const { table } = await again(changes);
    expect(table[0]).toMatchObject(typed);
    for (const name of Object.keys(typed)) expect(table[0]?.[`${name}_confidence`]).toBe('human');
    expect(table[1]).toMatchObject({ day: '3/2/2024', day_confidence: 'human', time: '2024-03-02' });
    expect(table[2]).toMatchObject({ num_confidence: 'high', code_confidence: 'high' });
  }
});

test('a person may correct a value again, also to one that a program would make of the first', async () => {
  const { again, edit } = await openFilled(9, findTyped, TYPED, { send: SEND });
  for (const typed of [
    { code: '0117', day: '2024-04-03' },
    { code: '117', day: '3/4/2024' },
  ]) {
    edit((table) => void Object.assign(table[0] ?? {}, typed));
    for (let time = 0; time < 2; time += 1)
      expect((await again()).table[0]).toMatchObject({ ...typed, code_confidence: 'human' });
  }
  const given = await again({ output: undefined, refresh: true, fields: ['code', 'day:date'] });
  expect(given.table[0]).toMatchObject({ code: '117', day: '3/4/2024', day_confidence: 'human' });
});

test('a small file that a program saved has no corrections, and gets back what was lost', async () => {
  const { again, edit, path } = await openFilled(4, findTyped, TYPED, { send: SEND });
  const filled = readTable(readFileSync(path, 'utf8'));
  const save = (row: Readonly<Record<string, string>>, number: number) => ({
    ...row,
    num: row.num?.replace('.', ',') ?? '',
    code: String(Number(row.code)),
    version: `${number}-Jan`,
    day: `${number}/3/2024`,
    time: `2024-03-0${number}`,
  });
  edit((table) => table.map((row, index) => save(row, index + 1)));
  // Rows that are filled later are written as the file was saved.
  edit((table) => [...table, ...['Company 5', 'Company 6'].map((company) => ({ company }))]);
  for (let time = 0; time < 2; time += 1) {
    const { table, notes } = await again();
    expect(notes.join()).not.toContain('a person gave');
    for (const [index, { code, version, time: at }] of filled.entries()) {
      expect(table[index]).toMatchObject({ code, version, time: at, num_confidence: 'high' });
      // What can be read stays as it was saved.
      expect(table[index]).toMatchObject({ day: `${index + 1}/3/2024`, day_confidence: 'high' });
    }
    expect(table[4]).toMatchObject({ day: '5/3/2024', day_confidence: 'high' });
  }
});
