import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { plan } from '../../src/plan.js';
import { openFilled, type Table } from '../helpers/filled-file.js';

const LIST = ['A', 'B', 'C', 'D', 'E', 'F']
  .map((name, at) => `Company ${name},${name.toLowerCase()}.example,note ${at}`)
  .reduce((text, line) => `${text}${line}\n`, 'company,domain,note\n');
const SEND = { send: ['company', 'domain'] };
const OPEN = { send: undefined };

const dropRuns = (table: Table): Table =>
  table.map(({ enrichment_run_id: _, ...row }) => row as Record<string, string>);

async function openSent() {
  const filled = await openFilled(LIST, undefined, ['ceo', 'hq'], SEND);
  const { bench, path, edit } = filled;
  return {
    ...filled,
    /** A copy of the filled file, changed, at a path that the ledger does not know. */
    copy(change: (table: Table) => unknown, name = 'copy.csv'): string {
      const before = readFileSync(path, 'utf8');
      edit(change);
      const copy = bench.write(name, readFileSync(path, 'utf8'));
      writeFileSync(path, before);
      return copy;
    },
  };
}

test.each([
  ['as it is', (table: Table) => table],
  [
    'with a corrected cell',
    (table: Table) => table.map((row, at) => (at === 0 ? { ...row, ceo: 'Ann' } : row)),
  ],
  ['in another order', (table: Table) => table.toReversed()],
  ['with some rows', (table: Table) => table.slice(2)],
])('a renamed filled file without run ids, %s, sends what it was filled with', async (_, change) => {
  const { again, copy, bench, options } = await openSent();
  const input = copy((table) => change(dropRuns(table)));
  expect((await plan({ ...options, ...OPEN, input })).quote).toMatchObject({ rows: 0, columns: SEND.send });
  const { cells, notes, summary } = await again({ ...OPEN, input });
  expect(cells).toEqual([]);
  expect(bench.agent.tasks).toHaveLength(1);
  expect(summary).toMatchObject({ costMicros: 0, output: input });
  expect(notes.join()).not.toContain('FILLED_ELSEWHERE');
});

test('rows that swapped their inputs get their own answers back, without run ids too', async () => {
  const { again, copy } = await openSent();
  const input = copy((table) => {
    const [one, other] = [table[1], table[4]].map((row) => ({ company: row?.company, domain: row?.domain }));
    Object.assign(table[1] ?? {}, other);
    Object.assign(table[4] ?? {}, one);
    return dropRuns(table);
  });
  const { cells, table } = await again({ ...OPEN, input });
  expect(cells).toEqual([]);
  for (const { company, ceo } of table) expect(ceo).toBe(`ceo of ${company}`);
});

test('of several lists of columns, that of the rows is sent, and not the newest', async () => {
  const { again, copy, bench, options } = await openSent();
  const other = bench.write('other.csv', 'company,domain,note\nOther,o.example,n\n');
  for (const send of [['company'], undefined])
    await bench.run({ ...options, send, input: other, output: `${bench.folder}/other.filled.csv` });
  for (const change of [dropRuns, (table: Table) => table]) {
    const input = copy((table) => change([...table, { company: 'New', domain: 'n.example', note: 'x' }]));
    const { cells, summary } = await again({ ...OPEN, input });
    expect([...cells].sort()).toEqual(change === dropRuns ? ['New ceo', 'New hq'] : []);
    expect(summary.rows).toMatchObject({ enriched: 7 });
    expect(Object.keys(bench.agent.tasks.at(-1)?.request.input?.data?.[0] ?? {}).sort()).toEqual([
      ...['company', 'domain', 'row_id'],
    ]);
  }
});

test('a filled file whose rows were sent with different columns stops before any cost', async () => {
  const { again, copy, bench, options, path } = await openSent();
  const list = bench.write('b.csv', 'company,domain,note\nX,x.example,1\nY,y.example,2\n');
  const output = `${bench.folder}/b.filled.csv`;
  await bench.run({ ...options, send: ['company'], input: list, output });
  const lines = readFileSync(output, 'utf8').split('\n').slice(1).join('\n');
  const filled = readFileSync(path, 'utf8');
  const input = bench.write('both.csv', `${filled}${lines}`);
  const refused = {
    code: 'SENT_DIFFER',
    kind: 'usage',
    message: expect.stringContaining('company,domain (6 rows) and company (2 rows)'),
    hint: expect.stringContaining('--send'),
  };
  await expect(plan({ ...options, ...OPEN, input })).rejects.toMatchObject(refused);
  await expect(again({ ...OPEN, input })).rejects.toMatchObject(refused);
  expect((await again({ ...SEND, input })).cells).toHaveLength(4);
  expect((await again({ ...OPEN, input: copy((table) => table) })).cells).toEqual([]);
});

test('a filled file of a known question that shows none of its answers stops and names --send', async () => {
  const { again, copy } = await openSent();
  const input = copy((table) => dropRuns(table).map((row) => ({ ...row, company: `Not ${row.company}` })));
  await expect(again({ ...OPEN, input })).rejects.toMatchObject({
    code: 'SENT_UNKNOWN',
    kind: 'usage',
    hint: expect.stringContaining('--send'),
  });
  expect((await again({ ...SEND, input })).cells).toEqual([]);
});
