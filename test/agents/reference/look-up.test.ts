import { expect, test } from 'vitest';
import { createReferenceAgent } from '../../../src/agents/reference/reference-agent.js';
import { readTable } from '../../helpers/job.js';
import { createWorkdir } from '../../helpers/workdir.js';

const TABLES = ['run', 'in.csv', '--send', 'company'];

function createFiles() {
  const dir = createWorkdir();
  dir.write('in.csv', 'company,note\nAcme,a\nBolt,b\n');
  dir.write('tables/seats.csv', 'company,hq city,headcount\nAcme,Oslo,5\nBolt,Bonn,6\n');
  dir.write('tables/more.csv', 'company,country\nAcme,NO\n');
  return dir;
}

test('lists the fields that no table has a column for, by name, synonym and nested property', async () => {
  const dir = createFiles();
  const agent = await createReferenceAgent(`${dir.path}/tables`);
  expect(agent.columns).toEqual(['company', 'country', 'hq city', 'headcount']);
  const string = { type: 'string' };
  const address = { type: 'object', properties: { country: string, zip: string } };
  const site = { type: 'object', properties: { zip: string } };
  const properties = { HqCity: string, employees: { type: 'integer' }, address, site, Ort: string };
  expect(agent.listGaps({ type: 'object', properties })).toEqual(['site', 'Ort']);
});

test('says before and after a job that no table has a column for a field, and which columns there are', async () => {
  const dir = createFiles();
  const { stderr, status } = await dir.run([
    ...TABLES,
    '-f',
    'Ort',
    '-f',
    'country',
    '--reference',
    'tables',
  ]);
  expect(status).toBe(0);
  const columns =
    'The columns are company, country, hq city, headcount. To name one, add --look-up Ort=COLUMN.';
  const lines = stderr.split('\n');
  expect(lines[0]).toBe(`Ort will stay blank: no reference table has a column for it. ${columns}`);
  expect(lines).toContain(
    `Ort stayed blank in every row: no reference table has a column for it. ${columns}`,
  );
  expect(
    (await dir.run(['plan', ...TABLES.slice(1), '-f', 'Ort', '--reference', 'tables'])).stdout,
  ).toContain('Note: Ort will stay blank');
});

test('--look-up names the column for a field, and rows are looked up again when it changes', async () => {
  const dir = createFiles();
  const args = [...TABLES, '-f', 'Ort', '--reference', 'tables', '-o', 'out.csv'];
  await dir.run(args);
  const { stderr } = await dir.run([...args, '--look-up', 'Ort=HQ City']);
  expect(stderr).not.toContain('stay blank');
  expect(readTable(dir.read('out.csv')).map(({ Ort }) => Ort)).toEqual(['Oslo', 'Bonn']);
  await dir.run([...args, '--look-up', 'Ort=country']);
  expect(readTable(dir.read('out.csv')).map(({ Ort }) => Ort)).toEqual(['NO', '']);
});

test('a recipe maps fields with look_up, and an option on the command line wins', async () => {
  const dir = createFiles();
  dir.write('r.yaml', 'fields: [Ort]\nagent: {reference: tables}\nlook_up: {Ort: hq city}\n');
  const fill = async (...more: string[]) => {
    expect(await dir.run([...TABLES, '-r', 'r.yaml', '-o', 'out.csv', ...more])).toMatchObject({ status: 0 });
    return readTable(dir.read('out.csv')).map(({ Ort }) => Ort);
  };
  expect(await fill()).toEqual(['Oslo', 'Bonn']);
  expect(await fill('--look-up', 'Ort=country')).toEqual(['NO', '']);
});

test.each([
  [['--reference', 'tables', '--look-up', 'Ort=citty'], 'which no reference table has [UNKNOWN_COLUMN]'],
  [['--reference', 'tables', '--look-up', 'Ort'], '--look-up is “Ort” [BAD_OPTION]'],
  [['--api-url', 'http://127.0.0.1:1', '--look-up', 'Ort=x'], 'but there are none [BAD_OPTION]'],
])('refuses %j', async (words, message) => {
  const dir = createFiles();
  const { status, stderr } = await dir.run([...TABLES, '-f', 'Ort', ...words]);
  expect(stderr).toContain(message);
  expect(status).toBe(2);
});

test('--reference takes a single table, alone or in a recipe', async () => {
  const dir = createFiles();
  const args = [...TABLES, '-f', 'hq_city', '-f', 'country'];
  const { stderr } = await dir.run([...args, '--reference', 'tables/seats.csv', '-o', 'out.csv']);
  expect(stderr).toContain('country will stay blank');
  expect(readTable(dir.read('out.csv')).map(({ hq_city }) => hq_city)).toEqual(['Oslo', 'Bonn']);
  dir.write('r.yaml', 'fields: [hq_city]\nagent: {reference: tables/seats.csv}\n');
  expect(await dir.run([...TABLES, '-r', 'r.yaml', '-o', 'out.csv'])).toMatchObject({ status: 0 });
  const refused = await dir.run([...args, '--reference', 'tables/seats.csv', '-o', 'tables/seats.csv']);
  expect(refused.stderr).toContain('[OUTPUT_IS_INPUT]');
  const other = await dir.run([...args, '--reference', 'in.csv.bak']);
  expect(other.stderr).toContain('or of one .csv, .tsv, .jsonl, .ndjson, .json file');
});
