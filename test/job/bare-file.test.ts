import { readFileSync, writeFileSync } from 'node:fs';
import SheetJs from '@e965/xlsx';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { plan } from '../../src/plan.js';
import { openFilled, type Table } from '../helpers/filled-file.js';
import { readTable } from '../helpers/job.js';

// Filled files that lost all columns `enrichment_*`, and their path.

const LIST = ['A', 'B', 'C', 'D', 'E', 'F']
  .map((name) => `Company ${name},${name.toLowerCase()}.example,note\n`)
  .reduce((text, line) => text + line, 'company,domain,note\n');

async function openBare() {
  const find = (company: string, field: string, time: number) => `${field} ${time} of ${company}`;
  const filled = await openFilled(LIST, find, ['ceo', 'hq'], { send: ['company', 'domain'] });
  const table = readTable(readFileSync(filled.path, 'utf8'));
  return {
    ...filled,
    open: { send: undefined, output: `${filled.bench.folder}/out.csv` },
    /** Writes the filled rows, changed and without some columns, to a new path. */
    copy(change: (table: Table) => unknown, gone = /^enrichment_/, ending = 'csv'): string {
      const rows = structuredClone(table);
      const changed = (change(rows) ?? rows) as Table;
      const bare = changed.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([column]) => !gone.test(column))),
      );
      const path = `${filled.bench.folder}/copy.${ending}`;
      writeFileSync(path, format(bare, ending));
      return path;
    },
  };
}

function format(table: readonly object[], ending: string): string | Uint8Array {
  if (ending === 'jsonl') return table.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (ending === 'csv') return `${Papa.unparse([...table])}\n`;
  const book = SheetJs.utils.book_new();
  SheetJs.utils.book_append_sheet(book, SheetJs.utils.json_to_sheet([...table]), 'List');
  return SheetJs.write(book, { type: 'buffer', bookType: 'xlsx' });
}

test.each([
  ['csv', /^enrichment_/],
  ['csv', /^enrichment_|_confidence$/],
  ['csv', /^enrichment_|_citations$/],
  ['xlsx', /^enrichment_/],
  ['xlsx', /^enrichment_|_confidence$/],
  ['jsonl', /^enrichment_/],
  ['jsonl', /^enrichment_|_confidence$/],
  ['jsonl', /^enrichment_|_citations$/],
])(
  'a renamed filled file, as %s without %s, keeps corrections and asks only for what was cleared',
  async (ending, gone) => {
    const { again, bench, copy, open, options } = await openBare();
    const input = copy(
      (table) => {
        Object.assign(table[1] ?? {}, { ceo: 'Ann' });
        Object.assign(table[3] ?? {}, { hq: '' });
      },
      gone,
      ending,
    );
    const quote = (await plan({ ...options, ...open, input })).quote;
    expect(quote).toMatchObject({ rows: 1, columns: ['company', 'domain'] });
    const { cells, table } = await again({ ...open, input });
    expect(cells).toEqual(['Company D hq']);
    expect(table[0]).toMatchObject({ ceo: 'ceo 1 of Company A', ceo_confidence: 'high' });
    expect(table[1]).toMatchObject({ ceo: 'Ann', ceo_confidence: 'human', ceo_citations: '' });
    expect(table[3]).toMatchObject({ hq: 'hq 2 of Company D', ceo: 'ceo 1 of Company D' });
    const fresh = { ...options, input: `${bench.folder}/list.csv`, output: `${bench.folder}/fresh.csv` };
    expect((await bench.run(fresh)).rows[1]).toMatchObject({ ceo: 'Ann', ceo_confidence: 'human' });
  },
);

test.each(['csv', 'jsonl'])(
  'a filled file that lost all columns but its values is known by its path, as %s',
  async (ending) => {
    const find = (company: string, field: string) =>
      company === 'Company B' && field === 'hq' ? null : `${field} of ${company}`;
    const send = ['company', 'domain'];
    const { again, options, path } = await openFilled(LIST, find, ['ceo', 'hq'], { send, ending });
    const text = readFileSync(path, 'utf8');
    const rows =
      ending === 'csv'
        ? readTable(text)
        : text
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line));
    const bare = rows.map(({ company, domain, note, ceo, hq }) => ({ company, domain, note, ceo, hq }));
    Object.assign(bare[0] ?? {}, { ceo: 'Ann' });
    Object.assign(bare[2] ?? {}, { ceo: '' });
    writeFileSync(path, format([...bare, { ...bare[0], company: 'New', ceo: '', hq: '' }], ending));
    expect((await plan({ ...options, send: undefined })).quote).toMatchObject({ rows: 1, columns: send });
    const { cells } = await again({ send: undefined, output: path });
    expect(cells).toEqual(['New ceo', 'New hq']);
    expect(readFileSync(path, 'utf8')).toContain('Ann');
    expect((await again({ send: undefined, output: path })).cells).toEqual([]);
  },
);

test.each([undefined, ['company', 'domain']])(
  'a renamed filled file with a status, but no run, confidence or citations, is known by its values, sending %j',
  async (send) => {
    const { again, copy, open } = await openBare();
    const input = copy((table) => {
      Object.assign(table[0] ?? {}, { ceo: 'Ann' });
      Object.assign(table[1] ?? {}, { hq: '' });
    }, /run_id$|cost|error|_confidence$|_citations$/);
    const { cells, notes, table } = await again({ ...open, send, input });
    expect(cells).toEqual([]);
    expect(notes.join()).not.toContain('FILLED_ELSEWHERE');
    expect(table[0]).toMatchObject({ ceo: 'Ann', ceo_confidence: '' });
    expect(table[1]).toMatchObject({
      hq: 'hq 1 of Company B',
      ceo: 'ceo 1 of Company B',
      ceo_confidence: 'high',
    });
  },
);

test('another list at the path of a filled file is a plain file', async () => {
  const { options, path } = await openFilled(LIST, undefined, ['ceo'], { send: ['company'] });
  writeFileSync(path, LIST);
  const { quote } = await plan({ ...options, send: undefined });
  expect(quote).toMatchObject({ columns: ['company', 'domain', 'note'] });
});

test('a table saved as JSON has its confidence and citations in `enrichment` from then on', async () => {
  const { again, copy, open } = await openBare();
  const input = copy(
    (table) => {
      Object.assign(table[1] ?? {}, { ceo: 'Ann', ceo_verdict: 'found', note: '5' });
    },
    undefined,
    'jsonl',
  );
  const first = await again({ ...open, output: undefined, input });
  expect(first.summary).toMatchObject({ costMicros: 0, output: input });
  const row = JSON.parse(readFileSync(input, 'utf8').split('\n')[1] ?? '');
  expect(row).toMatchObject({
    ceo: 'Ann',
    ceo_confidence: null,
    ceo_citations: null,
    ceo_verdict: null,
    note: '5',
    enrichment: { fields: { ceo: { who: 'human' }, hq: { confidence: 'high' } } },
  });
  expect((await again({ ...open, output: undefined, input })).cells).toEqual([]);
});

test('a filled file of which every value was changed is known by what its rows cite', async () => {
  const { again, copy, open } = await openBare();
  const input = copy((table) => {
    for (const [at, row] of table.entries()) Object.assign(row, { ceo: `Ann ${at}`, hq: `Oslo ${at}` });
  });
  const { cells, table } = await again({ ...open, input });
  expect(cells).toEqual([]);
  expect(table[0]).toMatchObject({ ceo: 'Ann 0', ceo_confidence: 'human', ceo_citations: '' });
});

test('a filled file of a known question that shows none of its answers stops before any cost', async () => {
  const { again, copy, open, options } = await openBare();
  const input = copy((table) => {
    for (const row of table) row.company = `Not ${row.company}`;
  });
  const refused = { code: 'SENT_UNKNOWN', kind: 'usage', hint: expect.stringContaining('--send') };
  await expect(plan({ ...options, ...open, input })).rejects.toMatchObject(refused);
  await expect(again({ ...open, input })).rejects.toMatchObject(refused);
  const { cells, notes } = await again({ ...open, send: ['company', 'domain'], input });
  expect(cells).toEqual([]);
  expect(notes.join()).toContain('FILLED_ELSEWHERE');
});

test.each(['another ledger', 'another query'])(
  'with %s, the filled cells of a renamed file are kept, and rowfill says so',
  async (kind) => {
    const { again, bench, copy, open } = await openBare();
    const input = copy((table) => {
      Object.assign(table[2] ?? {}, { hq: '' });
    });
    const other =
      kind === 'another query' ? { query: 'Another' } : { ledger: `${bench.folder}/other.sqlite` };
    const { cells, notes, table } = await again({ ...open, ...other, input });
    expect(cells).toEqual(['Company C hq']);
    expect(notes.join()).toContain('copy.csv has confidence and citations');
    expect(table[0]).toMatchObject({ ceo: 'ceo 1 of Company A', ceo_confidence: 'high' });
    expect(Object.keys(bench.agent.tasks.at(-1)?.request.input?.data?.[0] ?? {}).sort()).toEqual([
      ...['company', 'domain', 'note', 'row_id'],
    ]);
  },
);

test.each([
  [
    'columns of its own',
    'company,risk,risk_confidence\nX,low,0.8\nY,high,0.9\n',
    ['company', 'risk', 'risk_confidence'],
  ],
  ['only such columns', 'risk,risk_confidence\nlow,0.8\nhigh,0.9\n', ['risk', 'risk_confidence']],
  ['confidences beside a field', 'company,ceo,ceo_confidence\nX,,\nY,Bo,High\n', ['company']],
  ['a template’s columns', 'company,ceo,ceo_confidence,ceo_citations\nX,,,\nY,,,\n', ['company']],
])('a list with %s that shows no answer of the ledger is a plain file', async (_, text, columns) => {
  const { again, bench, open, options } = await openBare();
  const input = bench.write('own.csv', text);
  expect((await plan({ ...options, ...open, input })).quote).toMatchObject({ columns });
  const { table, notes } = await again({ ...open, input });
  expect(table.map(({ ceo }) => ceo)).toEqual([expect.stringContaining('ceo'), expect.stringMatching(/./)]);
  expect(table[0]).toMatchObject(
    Object.fromEntries(Object.entries(readTable(text)[0] ?? {}).filter(([, value]) => value !== '')),
  );
  expect(notes.join()).not.toContain('FILLED_ELSEWHERE');
});
