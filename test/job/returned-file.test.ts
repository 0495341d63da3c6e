import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { plan } from '../../src/plan.js';
import { RUN_MICROS } from '../helpers/cells-agent.js';
import { openFilled, type Table } from '../helpers/filled-file.js';
import { readTable } from '../helpers/job.js';

test('an untouched filled file asks for nothing, and is replaced by the same cells', async () => {
  const { again, path, bench } = await openFilled();
  const before = readTable(readFileSync(path, 'utf8'));
  const { summary, table, cells } = await again();
  expect(cells).toEqual([]);
  expect(summary).toMatchObject({ output: path, costMicros: 0, reused: 16, rows: { enriched: 16 } });
  const withoutCost = (rows: readonly Readonly<Record<string, string>>[]) =>
    rows.map(({ enrichment_cost_usd: _, ...rest }) => rest);
  expect(withoutCost(table)).toEqual(withoutCost(before));
  expect(existsSync(`${bench.folder}/list.filled.filled.csv`)).toBe(false);
  const kept = await again({}, { mayKeepOutput: true });
  expect(kept.notes.join()).toContain('OUTPUT_KEPT');
});

test('a corrected cell is the person’s, a cleared one is asked again, and the bill is that of the cleared ones', async () => {
  const { again, edit } = await openFilled(16, (company, field, time) => `${field} ${time} of ${company}`);
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: 'Ann' });
    Object.assign(table[1] ?? {}, { ceo: '' });
    Object.assign(table[2] ?? {}, { hq: '' });
  });
  const { cells, table, summary, notes } = await again();
  expect(new Set(cells.map((cell) => cell.replace(/ (ceo|hq)$/, '')))).toEqual(
    new Set(['Company 2', 'Company 3']),
  );
  expect(summary).toMatchObject({
    costMicros: RUN_MICROS,
    duplicates: 0,
    reused: 14,
    rows: { enriched: 16 },
  });
  expect(table[0]).toMatchObject({ ceo: 'Ann', ceo_confidence: 'human', ceo_citations: '' });
  expect(table[0]).toMatchObject({ hq: 'hq 1 of Company 1', hq_confidence: 'high' });
  expect(table[1]).toMatchObject({ ceo: 'ceo 2 of Company 2', hq: 'hq 1 of Company 2' });
  expect(table[1]?.enrichment_run_id?.split(' ')).toHaveLength(2);
  expect(notes.join('\n')).toContain(
    'Since the file was filled: 2 cleared cells are asked again; 1 value that a person gave is kept.',
  );
  const refreshed = await again({ refresh: true });
  expect(refreshed.table[0]).toMatchObject({ ceo: 'Ann', ceo_confidence: 'human' });
});

test('a budget that is reached says what is left, although the output has replaced the input', async () => {
  const { again, edit } = await openFilled(2);
  edit((table) => [...table, ...['X', 'Y', 'Z'].map((company) => ({ company }))]);
  const { summary, table } = await again({ batchSize: 1, maxCostNow: (2 * RUN_MICROS) / 1e6 });
  expect(summary).toMatchObject({
    stop: 'budget',
    remaining: { rows: 1, runs: 1 },
    rows: { enriched: 4, over_budget: 1 },
  });
  expect(table.map(({ company }) => company)).toHaveLength(5);
});

test('a corrected cell that is cleared later is asked again', async () => {
  const { again, edit } = await openFilled();
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: 'Ann' });
  });
  await again();
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: ' ' });
  });
  const { cells, table } = await again();
  expect(cells).toEqual(['Company 1 ceo']);
  expect(table[0]).toMatchObject({ ceo: 'ceo of Company 1', ceo_confidence: 'high' });
});

test('a rejected value that the agent gives again stays blank, and only a person brings it back', async () => {
  const { again, edit } = await openFilled();
  edit((table) => {
    Object.assign(table[4] ?? {}, { ceo: '' });
  });
  const first = await again();
  expect(first.cells).toEqual(['Company 5 ceo']);
  expect(first.summary.fields[0]).toEqual({ name: 'ceo', answered: 16, filled: 15, again: 1 });
  expect(first.table[4]).toMatchObject({
    ceo: '',
    enrichment_status: 'partial',
    enrichment_error: 'ceo: the agent gave the rejected value again',
  });
  expect((await again()).cells).toEqual([]);
  edit((table) => {
    Object.assign(table[4] ?? {}, { ceo: 'ceo of Company 5' });
  });
  const back = await again();
  expect(back.cells).toEqual([]);
  expect(back.table[4]).toMatchObject({ ceo: 'ceo of Company 5', ceo_confidence: 'human' });
});

test('a killed command neither rejects what it bought nor forgets what it read', async () => {
  const { again, edit, path, bench, options } = await openFilled(
    8,
    (company, field, time) => `${field} ${time} of ${company}`,
  );
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: 'Ann' });
    Object.assign(table[1] ?? {}, { ceo: '' });
  });
  const given = readFileSync(path, 'utf8');
  await again();
  // As if the file had not been written: the same one is given again.
  writeFileSync(path, given);
  const { cells, table, summary } = await again();
  expect(cells).toEqual([]);
  expect(summary.costMicros).toBe(RUN_MICROS);
  expect(table[0]?.ceo).toBe('Ann');
  expect(table[1]?.ceo).toBe('ceo 2 of Company 2');
  expect((await plan(options)).quote.rows).toBe(0);
  expect(bench.agent.tasks).toHaveLength(2);
});

test('added, removed, sorted and doubled rows are known by their values', async () => {
  const { again, edit } = await openFilled(8);
  edit((table) => [...table.slice(2).reverse(), table[3] ?? {}, { company: 'New', ceo: 'Given', hq: '' }]);
  const { cells, table } = await again();
  expect(cells).toEqual(['New hq']);
  expect(table).toHaveLength(8);
  // As in any input: rowfill has never filled this cell.
  expect(table.at(-1)).toMatchObject({ ceo: 'Given', ceo_confidence: '', hq: 'hq of New' });
});

test('a row whose sent values changed is asked anew, and its old answers are not corrections', async () => {
  const { again, edit, options } = await openFilled(8);
  edit((table) => {
    Object.assign(table[3] ?? {}, { company: 'Acme', hq: 'Oslo' });
  });
  const planned = await plan(options);
  expect(planned.notes.map(({ message }) => message)).toContain(
    '1 row changed in columns that are sent, so it is asked again.',
  );
  expect(planned.quote).toMatchObject({ rows: 1, runs: 1 });
  const { cells, table } = await again();
  expect(cells).toEqual(['Acme ceo']);
  expect(table[3]).toMatchObject({ company: 'Acme', ceo: 'ceo of Acme', hq: 'Oslo', hq_confidence: 'human' });
});

test('a new field asks only for itself, a reworded one for its column, and a field that is not named stays', async () => {
  const { again } = await openFilled(8);
  const added = await again({ fields: ['ceo', 'hq', 'phone'] });
  expect([...new Set(added.cells.map((cell) => cell.split(' ').at(-1)))]).toEqual(['phone']);
  expect(added.summary.costMicros).toBe(RUN_MICROS);
  const reworded = await again({ fields: ['ceo', 'hq=City and country'] });
  expect([...new Set(reworded.cells.map((cell) => cell.split(' ').at(-1)))]).toEqual(['hq']);
  expect(reworded.table[0]).toMatchObject({ phone: 'phone of Company 1', hq: 'hq of Company 1' });
  expect(reworded.table[0]?.hq_confidence).toBe('high');
  expect((await again({ fields: ['ceo', 'hq', 'phone'] })).cells).toEqual([]);
});

test('the same columns are sent as before, unless --send says otherwise', async () => {
  const { bench, agent, path, options } = await openFilled(4);
  bench.write('list.csv', 'company,owner\nA,Ann\nB,Bob\n');
  const input = `${bench.folder}/list.csv`;
  await bench.run({ ...options, input, output: path, send: ['company'] });
  const start = agent.cells.length;
  await bench.run({ ...options, output: path, fields: ['ceo', 'hq', 'phone'] });
  expect(agent.cells.slice(start)).toEqual(['A phone', 'B phone']);
  expect(bench.agent.tasks.at(-1)?.request.input?.data?.[0]).not.toHaveProperty('owner');
});

test('another query or header name is no change of the rows', async () => {
  const { again, edit } = await openFilled('company,site\nA,a.example\nB,b.example\n');
  const queried = await again({ query: 'Look it up.' });
  expect(queried.cells).toHaveLength(4);
  expect(queried.notes.join()).not.toContain('ROWS_CHANGED');
  edit((table) => table.map(({ site = '', ...row }) => ({ website: site, ...row })) as Table);
  const renamed = await again({ query: 'Look it up.', send: ['company', 'website'] });
  expect(renamed.cells).toHaveLength(4);
  expect(renamed.notes.join()).not.toContain('ROWS_CHANGED');
});

test('plan shows what run would ask, and records nothing', async () => {
  const { again, edit, options } = await openFilled(16);
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: 'Ann' });
    Object.assign(table[1] ?? {}, { ceo: '' });
  });
  for (let time = 0; time < 2; time += 1) {
    const planned = await plan(options);
    expect(planned.quote).toMatchObject({ rows: 1, runs: 1, likelyMicros: RUN_MICROS });
    expect(planned.rows).toMatchObject({ ask: 1, reused: 15 });
    expect(planned.fields[0]).toMatchObject({ name: 'ceo', asked: 1, answered: 14, human: 1, kept: 0 });
  }
  const { cells } = await again();
  expect(cells).toEqual(['Company 2 ceo']);
});

test('many cleared cells are asked again only with consent', async () => {
  const { again, edit } = await openFilled(16);
  edit((table) => {
    for (const row of table.slice(0, 12)) row.ceo = '';
  });
  const without = await again();
  expect(without.cells).toEqual([]);
  expect(without.notes.join('\n')).toContain('12 cells of ceo were cleared and stay blank');
  const blank = {
    ceo: '',
    ceo_confidence: '',
    ceo_citations: '',
    hq_confidence: 'high',
    enrichment_status: 'partial',
    enrichment_error: 'ceo: cleared, not requested again',
  };
  expect(without.table.slice(0, 12)).toEqual(without.table.slice(0, 12).map((row) => ({ ...row, ...blank })));
  expect((await again()).notes.join('\n')).toContain('12 cells of ceo were cleared and stay blank');
  const asked: string[] = [];
  const confirmDoubt = async ({ code }: { readonly code: string }) => asked.push(code) > 0;
  const withConsent = await again({}, { confirmDoubt });
  expect(asked).toEqual(['MANY_CLEARED']);
  expect(withConsent.cells).toHaveLength(12);
});

test('two equal rows with different corrections keep both, and the ledger none', async () => {
  const { again, edit } = await openFilled(8);
  edit((table) => [...table, { ...table[0], ceo: 'Ann' }, { ...table[0], ceo: 'Bob' }] as Table);
  const { table, notes, cells } = await again();
  expect(table.slice(-2)).toMatchObject([
    { ceo: 'Ann', ceo_confidence: 'human', ceo_citations: '' },
    { ceo: 'Bob', ceo_confidence: 'human', ceo_citations: '' },
  ]);
  expect(table[0]?.ceo).toBe('ceo of Company 1');
  expect(notes.join('\n')).toContain('Equal rows have different values in ceo');
  expect(cells).toEqual([]);
});

test('a whole column that one change explains is a program’s doing', async () => {
  const { again, edit } = await openFilled(16);
  edit((table) => table.map((row) => ({ ...row, ceo: row.ceo?.toUpperCase() ?? '' })));
  const { table, notes, cells } = await again();
  expect(cells).toEqual([]);
  expect(table[0]).toMatchObject({ ceo: 'ceo of Company 1', ceo_confidence: 'high' });
  expect(notes.join('\n')).toContain('16 cells of ceo differ from the answers only by capital letters');
});

test('--overwrite replaces what persons gave, and says how many', async () => {
  const { again, edit } = await openFilled(8);
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: 'Ann' });
  });
  await again();
  const { table, notes, cells } = await again({ overwrite: true });
  expect(notes.join('\n')).toContain('--overwrite replaces 1 value that a person gave');
  expect(cells).toEqual(['Company 1 ceo']);
  expect(table[0]).toMatchObject({ ceo: 'ceo of Company 1', ceo_confidence: 'high' });
});

test('a file of another ledger is a plain input, and its own columns are not sent', async () => {
  const { again, bench } = await openFilled(8);
  const { cells, notes, summary } = await again({
    ledger: `${bench.folder}/other.sqlite`,
    fields: ['ceo', 'hq', 'phone'],
    output: `${bench.folder}/out.csv`,
  });
  expect([...new Set(cells.map((cell) => cell.split(' ').at(-1)))]).toEqual(['phone']);
  expect(notes.join('\n')).toContain('this ledger does not know its run');
  expect(summary.rows.enriched).toBe(8);
  expect(bench.agent.tasks.at(-1)?.request.input?.data?.[0]).toEqual({
    row_id: expect.any(String),
    company: 'Company 1',
  });
});

const OUTCOMES = ['status', 'error', 'date', 'cost_usd', 'run_id'].map((name) => `enrichment_${name}`);

test.each([
  ['its column of runs', ['enrichment_run_id'], 'list.filled.csv'],
  ['its column of runs, in another place', ['enrichment_run_id'], 'copy.csv'],
  ['all result columns', OUTCOMES, 'list.filled.csv'],
  ['its runs and citations', ['enrichment_run_id', 'ceo_citations', 'hq_citations'], 'list.filled.csv'],
])('a filled file without %s is known by its other evidence', async (_, gone, name) => {
  const find = (company: string, field: string, time: number) => `${field} ${time} of ${company}`;
  const { again, edit, bench, path } = await openFilled(8, find);
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: 'Ann' });
    Object.assign(table[1] ?? {}, { ceo: '' });
    Object.assign(table[2] ?? {}, { company: 'Acme', hq: 'Oslo' });
    Object.assign(table[3] ?? {}, { hq: 'From elsewhere', hq_citations: 'https://other.example/' });
    return table.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([column]) => !gone.includes(column))),
    ) as Table;
  });
  const input = bench.write(name, readFileSync(path, 'utf8'));
  const { cells, table, notes } = await again({ input, output: `${bench.folder}/out.csv` });
  expect([...cells].sort()).toEqual(['Acme ceo', 'Company 2 ceo']);
  expect(table[0]).toMatchObject({ ceo: 'Ann', ceo_confidence: 'human', ceo_citations: '' });
  expect(table[0]).toMatchObject({ hq: 'hq 1 of Company 1', hq_confidence: 'high' });
  expect(table[1]).toMatchObject({ ceo: 'ceo 2 of Company 2', hq: 'hq 1 of Company 2' });
  expect(table[2]).toMatchObject({ ceo: 'ceo 1 of Acme', hq: 'Oslo' });
  const isCited = !gone.includes('hq_citations');
  // Without citations, nothing tells a typed value from the answer to another row.
  expect(table[2]?.hq_confidence).toBe(isCited ? 'human' : '');
  // Sources of nobody’s answer are not shown beside a value.
  expect(table[3]).toMatchObject({
    hq: 'From elsewhere',
    hq_confidence: isCited ? '' : 'human',
    hq_citations: '',
  });
  expect(notes.join()).toContain('SOURCES_UNKNOWN: 1 cell in rows that name no run');
});

test('a correction is recorded although the confidence and citations of its column were deleted', async () => {
  const { again, edit, bench, options } = await openFilled(4);
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: 'Ann' });
    Object.assign(table[2] ?? {}, { company: 'Acme', ceo: 'Bea' });
    return table.map(({ ceo_confidence: _, ceo_citations: __, ...row }) => row) as Table;
  });
  const { cells, table } = await again();
  expect(cells).toEqual(['Acme hq']);
  expect(table[0]).toMatchObject({ ceo: 'Ann', ceo_confidence: 'human', ceo_citations: '' });
  expect(table[2]).toMatchObject({ ceo: 'Bea', ceo_confidence: 'human', hq: 'hq of Acme' });
  expect(table[1]).toMatchObject({ ceo: 'ceo of Company 2', ceo_confidence: 'high' });
  const fresh = { ...options, input: `${bench.folder}/list.csv`, output: `${bench.folder}/fresh.csv` };
  expect((await bench.run(fresh)).rows[0]).toMatchObject({ ceo: 'Ann', ceo_confidence: 'human' });
});

test.each([false, undefined])(
  'a filled file without a header is refused before any cost, with header %s',
  async (header) => {
    const { agent, bench, options } = await openFilled(1);
    const input = bench.write('bare.csv', 'A,a.example\nB,b.example\nC,c.example\n');
    const output = `${bench.folder}/bare.filled.csv`;
    agent.cells.length = 0;
    await bench.run({ ...options, input, output, header: false });
    expect(agent.cells).toHaveLength(6);
    await expect(bench.run({ ...options, input: output, output: undefined, header })).rejects.toMatchObject({
      code: 'FILLED_WITHOUT_HEADER',
      kind: 'usage',
    });
    const other = { ...options, ledger: `${bench.folder}/other.sqlite`, output: `${bench.folder}/out.csv` };
    expect((await bench.run({ ...other, input, header: false })).summary.rows.total).toBe(3);
    expect(agent.cells).toHaveLength(12);
  },
);

test('a filled file that names no run, in another ledger, stays as it is, and the reason is said', async () => {
  const { again, edit, bench } = await openFilled(2);
  edit((table) => table.map(({ enrichment_run_id: _, ...row }) => row) as Table);
  const ledger = `${bench.folder}/other.sqlite`;
  const { cells, notes } = await again({ ledger, output: `${bench.folder}/out.csv` });
  expect(cells).toEqual([]);
  expect(notes.join()).toContain(
    'the file names no run (column enrichment_run_id), was written to no such path',
  );
});

test('a file that changes while the job runs is not replaced', async () => {
  let path = '';
  const find = (company: string, field: string, time: number) => {
    if (time === 2) writeFileSync(path, `${readFileSync(path, 'utf8')}Another,,,,,,,,,,,\n`);
    return `${field} ${time} of ${company}`;
  };
  const opened = await openFilled(8, find);
  path = opened.path;
  opened.edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: '' });
  });
  const { summary, notes } = await opened.again();
  expect(summary.output).toBe(`${opened.bench.folder}/list.filled-2.csv`);
  expect(notes.join('\n')).toContain('OUTPUT_RENAMED');
  expect(readFileSync(path, 'utf8')).toContain('Another');
});

test('a JSON Lines file knows its own values', async () => {
  const { bench, agent, options } = await openFilled(
    8,
    (company, field, time) => `${field} ${time} of ${company}`,
  );
  const path = `${bench.folder}/list.filled.jsonl`;
  await bench.run({ ...options, input: `${bench.folder}/list.csv`, output: path, format: 'jsonl' });
  const start = agent.cells.length;
  const lines = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines[0].enrichment.fields.ceo).toMatchObject({
    as_of: expect.stringMatching(/^20.*Z$/),
    run_id: expect.any(String),
  });
  lines[0].ceo = 'Ann';
  lines[1].ceo = null;
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await bench.run({ ...options, input: path, output: path });
  expect(agent.cells.slice(start)).toEqual(['Company 2 ceo']);
  const after = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(after[0]).toMatchObject({
    ceo: 'Ann',
    enrichment: { fields: { ceo: { who: 'human', confidence: null } } },
  });
  expect(after[1]).toMatchObject({
    ceo: 'ceo 2 of Company 2',
    enrichment: { fields: { ceo: { rejected: ['ceo 1 of Company 2'] } } },
  });
});

test('a column of somebody else with the name of a result column is refused', async () => {
  const { bench, options } = await openFilled(1);
  const input = bench.write('own.csv', 'company,enrichment_status\nAcme,vip\n');
  await expect(bench.run({ ...options, input })).rejects.toMatchObject({ code: 'COLUMN_RESERVED' });
  const output = bench.write('plain.csv', 'company\nAcme\n');
  await expect(bench.run({ ...options, input: output, output })).rejects.toMatchObject({
    code: 'OUTPUT_IS_INPUT',
  });
});

test('--plain writes a copy of the values, and the filled file keeps what it needs to be given back', async () => {
  const { again, edit, path, bench } = await openFilled(4);
  edit((table) => {
    Object.assign(table[0] ?? {}, { ceo: 'Ann' });
  });
  const filled = readFileSync(path, 'utf8');
  const { summary } = await again({ plain: true });
  expect(summary.output).toBe(`${bench.folder}/list.plain.csv`);
  expect(readFileSync(summary.output, 'utf8').split(/\r?\n/).slice(0, 2)).toEqual([
    'company,ceo,hq',
    'Company 1,Ann,hq of Company 1',
  ]);
  expect(readFileSync(path, 'utf8')).toBe(filled);
  const lines = await again({ plain: true, format: 'jsonl' });
  expect(readFileSync(lines.summary.output, 'utf8').split(/\r?\n/)[0]).toBe(
    '{"company":"Company 1","ceo":"Ann","hq":"hq of Company 1"}',
  );
});

test.each(['csv', 'jsonl'])(
  'rows of a file that another ledger filled keep their cells, runs and sources in a joined file, in %s',
  async (ending) => {
    const { again, bench, options, path } = await openFilled(3, undefined, ['ceo', 'hq'], {
      ending,
      send: ['company'],
    });
    const output = `${bench.folder}/other.filled.${ending}`;
    const other = { input: bench.write('other.csv', 'company\nX\nY\n'), output };
    await bench.run({ ...options, ...other, ledger: `${bench.folder}/other.sqlite` });
    const lines = readFileSync(output, 'utf8')
      .split('\n')
      .slice(ending === 'csv' ? 1 : 0);
    const filled = `${readFileSync(path, 'utf8')}${lines.join('\n')}`;
    writeFileSync(path, filled.replace('ceo of X', '9999'));
    const kept = readFileSync(path, 'utf8').split('\n').slice(-3);
    expect(kept).toEqual([expect.stringContaining('9999'), expect.stringContaining('ceo of Y'), '']);
    // Sources and runs by which the next run knows them too, also with another question.
    const listSources = (lines: readonly string[]) =>
      lines.map((line) =>
        [...line.matchAll(/https?:[^"',]+|agent_run_\w+|9999|ceo of Y/g)].map(String).sort(),
      );
    for (const fields of [
      ['ceo', 'hq'],
      ['ceo:enum(a|b)', 'hq'],
      ['ceo', 'hq'],
    ]) {
      const { cells, notes } = await again({ output: path, fields });
      expect(cells.join()).not.toMatch(/[XY] /);
      expect(notes.join()).toMatch(
        /FILLED_ELSEWHERE: 2 rows name runs .*also where somebody changed a value/,
      );
      expect(listSources(readFileSync(path, 'utf8').split('\n').slice(-3))).toEqual(listSources(kept));
    }
  },
);
