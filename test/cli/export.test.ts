import { expect, test } from 'vitest';
import { readTable } from '../helpers/job.js';
import { hasTerminal, openTerminal } from '../helpers/terminal.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

/** Runs a job with two rows answered and one not found. Returns its id. */
async function fillList(dir: Workdir): Promise<string> {
  dir.write('in.csv', 'company,note\nAcme,"a, b"\nBolt,\nNobody,\n');
  dir.write('tables/seats.csv', 'company,hq_city\nAcme,Oslo\nBolt,Bonn\n');
  const result = await dir.run([
    'run',
    'in.csv',
    '--reference',
    'tables',
    '-f',
    'hq_city',
    '--send',
    'company',
    '--json',
  ]);
  return JSON.parse(result.stdout).job;
}

test('export rewrites the identical file without sending anything', async () => {
  const dir = createWorkdir();
  const job = await fillList(dir);
  const result = await dir.run(['export', job, '-o', 'again.csv']);
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(result.stderr).toBe('The output is in again.csv: 3 rows, 2 enriched, 1 not_found.\n');
  expect(dir.read('again.csv')).toBe(dir.read('in.filled.csv'));
});

test('export uses the format of the extension', async () => {
  const dir = createWorkdir();
  const job = await fillList(dir);
  expect((await dir.run(['export', job, '-o', 'again.jsonl'])).status).toBe(0);
  const objects = dir
    .read('again.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(objects.map(({ company, hq_city }) => [company, hq_city])).toEqual([
    ['Acme', 'Oslo'],
    ['Bolt', 'Bonn'],
    ['Nobody', null],
  ]);
  expect(objects[0].enrichment).toMatchObject({ status: 'enriched', cost_usd: 0 });
});

test('export to a table has a column for each key, even one that appears late', async () => {
  const dir = createWorkdir();
  const rows = Array.from({ length: 1_100 }, (_, index) => ({ company: `Company ${index}` }));
  const lines = [...rows, { company: 'Acme', note: 'the last' }].map((row) => JSON.stringify(row));
  dir.write('in.jsonl', `${lines.join('\n')}\n`);
  dir.write('tables/seats.csv', 'company,hq_city\nAcme,Oslo\n');
  const args = ['run', 'in.jsonl', '--reference', 'tables', '-f', 'hq_city', '--send', 'company', '--json'];
  const { job } = JSON.parse((await dir.run(args)).stdout);
  expect((await dir.run(['export', job, '-o', 'again.csv'])).status).toBe(0);
  expect(readTable(dir.read('again.csv')).at(-1)).toMatchObject({ note: 'the last', hq_city: 'Oslo' });
});

test('export writes to standard output, and accepts the start of a job id', async () => {
  const dir = createWorkdir();
  const job = await fillList(dir);
  const result = await dir.run(['export', job.slice(0, 6), '-o', '-']);
  expect(result.status).toBe(0);
  expect(readTable(result.stdout).map((row) => row.hq_city)).toEqual(['Oslo', 'Bonn', '']);
  expect(result.stderr).toContain('Written to standard output: 3 rows');
});

test.each([
  [['j_none', '-o', 'a.csv'], 'j_none'],
  [['JOB', '-o', 'a.csv', '--format', 'xml'], '--format is “xml”'],
  [['JOB', '-o', 'none/a.csv'], 'none'],
  [['JOB', '-o', 'in.csv'], 'in.csv'],
])('refuses export %j', async (words, message) => {
  const dir = createWorkdir();
  const job = await fillList(dir);
  const result = await dir.run(['export', ...words.map((word) => (word === 'JOB' ? job : word))]);
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain(message);
  expect(dir.has('a.csv')).toBe(false);
});

test('refuses to export a job whose input was moved, and takes its new place from --input', async () => {
  const dir = createWorkdir();
  const job = await fillList(dir);
  const before = dir.read('in.filled.csv');
  dir.write('moved/list.csv', dir.read('in.csv'));
  dir.remove('in.csv');
  const refused = await dir.run(['export', job, '-o', 'again.csv']);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('in.csv, does not exist [INPUT_NOT_FOUND]');
  expect(refused.stderr).toContain('--input FILE');
  expect(await dir.run(['export', job, '--input', 'moved/list.csv'])).toMatchObject({ status: 0 });
  expect(dir.read('in.filled.csv')).toBe(before);
});

test('exports a job that read standard input from a file with the same rows', async () => {
  const dir = createWorkdir();
  dir.write('tables/seats.csv', 'company,hq_city\nAcme,Oslo\n');
  const stdin = 'company\nAcme\n';
  await dir.run(['run', '-', '--reference', 'tables', '-f', 'hq_city', '-o', 'out.csv'], { stdin });
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  const refused = await dir.run(['export', jobs[0].job, '-o', 'again.csv']);
  expect(refused.stderr).toContain('[INPUT_NOT_KEPT]');
  dir.write('rows.csv', stdin);
  const words = ['export', jobs[0].job, '--input', 'rows.csv', '-o', 'again.csv'];
  expect(await dir.run(words)).toMatchObject({ status: 0 });
  expect(dir.read('again.csv')).toBe(dir.read('out.csv'));
});

test.skipIf(!hasTerminal)(
  'on a terminal, export offers --bom for a CSV that Excel would show wrong',
  async () => {
    const dir = createWorkdir();
    dir.write('tables/a.csv', 'company,city\nAcme,Zürich\n');
    dir.write('in.csv', 'company\nAcme\n');
    const { stdout } = await dir.run(['run', 'in.csv', '--reference', 'tables', '-f', 'city', '--json']);
    const { job } = JSON.parse(stdout);
    const show = async (...words: string[]) =>
      (await openTerminal(dir, ['export', job, '-o', 'x.csv', ...words], {}).end()).text.replace(/\s+/g, ' ');
    expect(await show()).toContain('If you open it in Excel, add --bom and run the same command again.');
    expect(await show('--bom')).not.toContain('--bom');
    expect((await dir.run(['export', job, '-o', 'x.csv'])).stderr).not.toContain('--bom');
  },
);
