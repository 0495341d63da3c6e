import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openFilled, type Table } from '../helpers/filled-file.js';

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
