import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createList, readTable } from '../helpers/job.js';
import { servePaid } from '../helpers/paid-server.js';
import { createResult, type Script } from '../helpers/scripted-agent.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

/** Fills a list of four companies, of which the tables know three. */
async function fillList(dir: Workdir): Promise<void> {
  dir.write('in.csv', 'company,note\nAcme,"a, b"\nBolt,\nNobody,\nCorp,x\n');
  dir.write('tables/seats.csv', 'company,hq,ceo\nAcme,Oslo,Ann\nBolt,Bonn,Bob\nCorp,Rome,Cy\n');
  await fill(dir, 'in.csv', '-f', 'ceo', '--send', 'company');
}

async function fill(dir: Workdir, input: string, ...more: readonly string[]): Promise<void> {
  const args = ['run', input, '--reference', 'tables', '-f', 'hq', '--yes', '--quiet', ...more];
  expect(await dir.run(args)).toMatchObject({ status: 0 });
}

async function diffAsJson(dir: Workdir, ...args: readonly string[]) {
  const result = await dir.run(['diff', ...args, '--json']);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  return JSON.parse(result.stdout);
}

const NONE = { changed: 0, added: 0, removed: 0, confirmed: 0 };

test('diff of a first run lists every value as new, and of a run with nothing to do none', async () => {
  const dir = createWorkdir();
  await fillList(dir);
  const first = await diffAsJson(dir, 'in.csv');
  expect(first).toMatchObject({ rows: 4, changed_rows: 3 });
  expect(first.fields).toEqual({ hq: { ...NONE, added: 3 }, ceo: { ...NONE, added: 3 } });
  expect(first.cells[0]).toMatchObject({
    ...{ line: 2, row: 'Acme', field: 'hq', before: null, after: 'Oslo', effort: 'low' },
    run_id: readTable(dir.read('in.filled.csv'))[0]?.enrichment_run_id,
  });
  await fill(dir, 'in.csv', '-f', 'ceo', '--send', 'company');
  expect(await diffAsJson(dir, 'in.csv')).toMatchObject({ cells: [], changed_rows: 0 });
  expect((await diffAsJson(dir, 'in.csv', '--since', '1h')).cells).toEqual(first.cells);
  expect((await dir.run(['diff', 'in.csv'])).stdout).toContain('values changed in 0 of 4 rows.\n');
});

test('diff shows corrected, cleared and reworded cells, and those that were found again', async () => {
  const dir = createWorkdir();
  await fillList(dir);
  const edited = dir
    .read('in.filled.csv')
    .replace('Oslo', 'Bergen')
    .replace('Bob', '')
    .replace('Rome', 'ROME');
  dir.write('in.filled.csv', edited);
  await fill(dir, 'in.filled.csv', '-f', 'ceo');
  const back = await diffAsJson(dir, 'in.filled.csv');
  expect(back.cells).toMatchObject([
    {
      line: 2,
      field: 'hq',
      before: 'Oslo',
      after: 'Bergen',
      confidence: 'human',
      effort: null,
      run_id: null,
    },
    // The tables have the same value again, which was rejected.
    { line: 3, field: 'ceo', before: 'Bob', after: null },
    // Only its case, but a person meant it.
    { line: 5, field: 'hq', before: 'Rome', after: 'ROME', confidence: 'human' },
  ]);
  expect(back.fields).toEqual({ hq: { ...NONE, changed: 2 }, ceo: { ...NONE, removed: 1 } });
  await fill(dir, 'in.filled.csv', '-f', 'ceo=Name of the head');
  const reworded = await diffAsJson(dir, 'in.filled.csv');
  expect(reworded.fields).toEqual({ hq: NONE, ceo: { ...NONE, added: 1, confirmed: 2 } });
  await fill(dir, 'in.filled.csv', '-f', 'ceo=Name of the head', '--refresh');
  const refreshed = await diffAsJson(dir, 'in.filled.csv');
  expect(refreshed).toMatchObject({ cells: [], fields: { hq: { ...NONE, confirmed: 1 } } });
});

test('diff finds the rows of a filled file that sends a column which it also fills', async () => {
  const dir = createWorkdir();
  dir.write('tables/seats.csv', 'company,hq,ceo\nAcme,Oslo,Ann\nBolt,Bonn,Bob\n');
  dir.write('both.csv', 'company,hq\nAcme,\nBolt,Bonn\nNobody,\n');
  const ask = ['-f', 'ceo', '--send', 'company,hq'];
  await fill(dir, 'both.csv', ...ask);
  dir.write('both.filled.csv', dir.read('both.filled.csv').replace('Ann', 'Anna'));
  await fill(dir, 'both.filled.csv', ...ask);
  const back = await diffAsJson(dir, 'both.filled.csv');
  expect(back.rows).toBe(3);
  expect(back.cells).toMatchObject([{ line: 2, field: 'ceo', before: 'Ann', after: 'Anna' }]);
});

test('diff of a refresh has the values before and after, as a table, in a file, and since a time', async () => {
  const dir = createWorkdir();
  let time = 0;
  const script: Script = (task) => {
    time += 1;
    const data = task.request.input?.data ?? [];
    const rows = data.map(({ row_id, company }) => ({
      row_id: String(row_id),
      fields: { answer: company === 'Company 2' ? 'the same' : `=answer ${time}` },
    }));
    const costDollars = { total: 0.025, agentCompute: 0.025, search: 0, emails: 0, phoneNumbers: 0 };
    return { ...createResult({ rows }), costDollars };
  };
  const { url } = await servePaid(script);
  dir.write('in.csv', createList(3));
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes', '--quiet'];
  for (const more of [[], ['--refresh']])
    expect(await dir.run([...args, ...more])).toMatchObject({ status: 0 });
  const shown = await dir.run(['diff', 'in.csv']);
  expect(shown.stdout).toContain('  answer: 2 changed, 0 new, 0 gone, 1 found again\n');
  expect(shown.stdout).toMatch(/Company 3 +answer +=answer 1 +=answer 2 /);
  expect(await dir.run(['diff', 'in.csv', '-o', 'cells.csv'])).toMatchObject({
    status: 0,
    stderr: 'The changed cells are in cells.csv.\n',
  });
  // Nothing that a spreadsheet would run.
  expect(readTable(dir.read('cells.csv'))).toMatchObject([
    { row: 'Company 1', before: "'=answer 1", after: "'=answer 2" },
    { row: 'Company 3', before: "'=answer 1", after: "'=answer 2" },
  ]);
  expect((await diffAsJson(dir, 'in.csv', '--since', '2999-01-01')).cells).toEqual([]);
});

test('diff of two outputs matches rows in any order by what was sent, across formats', async () => {
  const dir = createWorkdir();
  await fillList(dir);
  expect(await dir.run(['export', 'in.csv', '-o', 'a.jsonl'])).toMatchObject({ status: 2 });
  const [job] = JSON.parse((await dir.run(['status', '--json'])).stdout).jobs;
  expect(await dir.run(['export', job.job, '-o', 'a.jsonl'])).toMatchObject({ status: 0 });
  const [title, ...lines] = dir.read('in.filled.csv').trimEnd().split('\n');
  const changed = lines
    .toReversed()
    .filter((line) => !line.startsWith('Nobody'))
    .map((line) => line.replace('Rome', 'ROMA').replace('Bonn', '').replace('Ann', ' ann '));
  dir.write('b.csv', `${[title, ...changed, 'Zed,,Paris'].join('\n')}\n`);
  const result = await diffAsJson(dir, 'a.jsonl', 'b.csv');
  expect(result).toMatchObject({ on: ['company'], rows: { matched: 3, only_a: 1, only_b: 1 } });
  const counts = { same: 0, changed: 0, blank: 0, only_a: 0, only_b: 0 };
  expect(result.columns).toEqual({
    hq: { ...counts, same: 1, changed: 1, only_a: 1 },
    ceo: { ...counts, same: 3 },
  });
  expect(result.cells).toMatchObject([
    { row: 'Bolt', column: 'hq', a: 'Bonn', b: null, line_b: 3 },
    { row: 'Corp', column: 'hq', a: 'Rome', b: 'ROMA', confidence_a: 'medium', confidence_b: 'medium' },
  ]);
  const ofJob = await dir.run(['diff', job.job, 'b.csv']);
  expect(ofJob.stdout).toContain('  hq: 1 same, 1 changed, 1 only in A, 0 only in B, 0 blank\n');
});

test('diff knows a table and a JSON file with the same answers of every type', async () => {
  const dir = createWorkdir();
  const answers = {
    name: '=Acme',
    staff: 1200,
    is_public: true,
    tags: ['a', 'b, c'],
    seat: { city: 'Oslo', zip: '0150' },
  };
  const { url } = await servePaid((task) => {
    const rows = (task.request.input?.data ?? []).map(({ row_id }) => ({
      row_id: String(row_id),
      fields: answers,
    }));
    return createResult({ rows });
  });
  const text = { type: 'string' };
  const schema = {
    type: 'object',
    properties: {
      name: text,
      staff: { type: 'integer' },
      is_public: { type: 'boolean' },
      tags: { type: 'array', items: text },
      seat: { type: 'object', properties: { city: text, zip: text } },
    },
  };
  dir.write('schema.json', JSON.stringify(schema));
  dir.write('in.csv', createList(3));
  const args = ['run', 'in.csv', '--schema', 'schema.json', '--api-url', url, '--yes', '--quiet'];
  for (const output of ['out.csv', 'out.jsonl', 'out.xlsx'])
    expect(await dir.run([...args, '-o', output])).toMatchObject({ status: 0 });
  const counts = { same: 3, changed: 0, blank: 0, only_a: 0, only_b: 0 };
  for (const other of ['out.jsonl', 'out.xlsx']) {
    const { cells, columns, only_in_one_file } = await diffAsJson(dir, 'out.csv', other);
    expect({ cells, columns, only_in_one_file }).toEqual({
      cells: [],
      columns: {
        ...{ name: counts, staff: counts, is_public: counts, tags: counts },
        ...{ 'seat.city': counts, 'seat.zip': counts },
      },
      only_in_one_file: [],
    });
  }
});

test('diff of two plain files agrees with a simple count, whatever their order and repeated keys', async () => {
  const dir = createWorkdir();
  const row = fc.record({
    id: fc.constantFrom('a', 'B', 'c', 'é'),
    value: fc.constantFrom('', '1', '2', 'x,"y'),
  });
  const rows = fc.array(row, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(rows, rows, async (a, b) => {
      dir.write('a.csv', writeTable(a));
      dir.write('b.csv', writeTable(b));
      const result = await diffAsJson(dir, 'a.csv', 'b.csv', '--on', 'id');
      const left = [...b];
      const counts = { same: 0, changed: 0, blank: 0, only_a: 0, only_b: 0 };
      for (const { id, value } of a) {
        const at = left.findIndex((each) => each.id === id);
        if (at < 0) continue;
        const [other] = left.splice(at, 1);
        if (value === '') counts[other?.value === '' ? 'blank' : 'only_b'] += 1;
        else if (other?.value === '') counts.only_a += 1;
        else counts[other?.value === value ? 'same' : 'changed'] += 1;
      }
      const matched = b.length - left.length;
      expect(result.rows).toEqual({ matched, only_a: a.length - matched, only_b: left.length });
      expect(result.columns.value).toEqual(counts);
      expect(result.cells).toHaveLength(counts.changed + counts.only_a + counts.only_b);
    }),
    { numRuns: 12 },
  );
});

function writeTable(rows: readonly { readonly id: string; readonly value: string }[]): string {
  const lines = rows.map(({ id, value }) => `${id},"${value.replaceAll('"', '""')}",z`);
  return ['id,value,more', ...lines, ''].join('\n');
}

test('diff -o writes to standard output too, and a file that is as private as the files it is about', async () => {
  const dir = createWorkdir();
  await fillList(dir);
  const header = 'line_a,line_b,row,column,a,b,confidence_a,confidence_b,run_id_a,run_id_b';
  dir.write('other.csv', dir.read('in.filled.csv').replace('Oslo', 'Bergen'));
  const args = ['diff', 'in.filled.csv', 'other.csv'];
  const { stdout, stderr } = await dir.run([...args, '-o', '-']);
  expect(stdout.split('\n').map((line) => line.slice(0, 30))).toEqual([
    header.slice(0, 30),
    expect.stringContaining('Acme,hq,Oslo,Bergen'),
    '',
  ]);
  expect(stderr).toContain('hq: 2 same, 1 changed');
  expect((await dir.run([...args, '-o', '-', '--json'])).stderr).toContain('[TWO_OUTPUTS]');
  expect(dir.has('-')).toBe(false);
  if (process.platform === 'win32') return;
  chmodSync(join(dir.path, 'other.csv'), 0o600);
  await dir.run([...args, '-o', 'd.csv']);
  expect(statSync(join(dir.path, 'd.csv')).mode & 0o777).toBe(0o600);
  chmodSync(join(dir.path, 'in.csv'), 0o600);
  await dir.run(['diff', 'in.csv', '-o', 'job.csv']);
  expect(statSync(join(dir.path, 'job.csv')).mode & 0o777).toBe(0o600);
});

test('diff refuses what it cannot compare, and leaves the files as they are', async () => {
  const dir = createWorkdir();
  await fillList(dir);
  const before = [dir.read('in.csv'), dir.read('in.filled.csv')];
  const refused: readonly (readonly [args: readonly string[], code: string])[] = [
    [['in.csv', 'in.csv'], 'NOTHING_TO_MATCH'],
    [['in.csv', 'in.filled.csv'], 'NOTHING_TO_COMPARE'],
    [['in.csv', 'in.csv', '--on', 'name'], 'UNKNOWN_COLUMN'],
    [['in.filled.csv', 'in.filled.csv', '-o', 'in.filled.csv'], 'OUTPUT_IS_INPUT'],
    [['in.csv', '-o', 'in.csv'], 'OUTPUT_IS_INPUT'],
    [['in.csv', '-o', 'in.filled.csv'], 'OUTPUT_IS_RESULT'],
    [['in.csv', '--on', 'company'], 'BAD_OPTION'],
    [['in.csv', 'in.csv', '--since', '1d'], 'BAD_OPTION'],
    [['in.csv', '--since', 'May'], 'BAD_OPTION'],
    [['j_nobody'], 'JOB_UNKNOWN'],
  ];
  for (const [args, code] of refused) {
    const result = await dir.run(['diff', ...args]);
    expect(result, args.join(' ')).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain(`[${code}]`);
  }
  expect([dir.read('in.csv'), dir.read('in.filled.csv')]).toEqual(before);
});
