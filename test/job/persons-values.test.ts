import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openFilled } from '../helpers/filled-file.js';

const SEND = ['company'];

test.each(['csv', 'jsonl', 'xlsx'])(
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

test.each(['csv', 'jsonl', 'xlsx'])(
  'a cell that was in the input stays in its file alone, in %s',
  async (ending) => {
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
  },
);

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
  'of two equal rows, one that is cleared leaves the other as it is, in %s',
  async (ending) => {
    const { again, bench, path, edit } = await openFilled('company\nA\nA\nB\n', undefined, ['ceo'], {
      ending,
    });
    if (ending === 'csv') edit((table) => Object.assign(table[0] ?? {}, { ceo: '' }) && table);
    else writeFileSync(path, bench.read('list.filled.jsonl').replace('"ceo of A"', 'null'));
    for (let time = 0; time < 2; time += 1) {
      const { cells, notes } = await again({ output: path });
      expect(cells).toEqual([]);
      expect(notes.join()).toContain('Equal rows have different values in ceo');
      const { table } = await again({ output: `${bench.folder}/out.csv`, format: 'csv' });
      expect(table.map(({ ceo, ceo_confidence }) => [ceo, ceo_confidence])).toEqual([
        ['', ''],
        ['ceo of A', 'high'],
        ['ceo of B', 'high'],
      ]);
    }
  },
);

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
