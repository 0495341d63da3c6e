import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../src/server/start-server.js';
import { ScriptedAgent } from '../helpers/scripted-agent.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const SAMPLES = join(import.meta.dirname, '../../samples');
const COMPANIES = [
  ...['--reference', 'samples/reference', '--schema', 'samples/companies.schema.json'],
  ...['--query', 'Where is each company based, since when, and where are its shares traded?'],
  ...['--send', 'company,domain', '--exclude', 'samples/customers.csv', '--exclude-on', 'domain'],
];

test('the companies recipe gives the same result as the options', async () => {
  const dir = createSamples();
  const args = ['run', 'samples/companies.csv', '-o'];
  const byRecipe = await dir.run([...args, 'a.csv', '--recipe', 'samples/companies.recipe.yaml']);
  const byOptions = await dir.run([...args, 'b.csv', ...COMPANIES, '--refresh']);
  expect([byRecipe.status, byOptions.status]).toEqual([0, 0]);
  // The same ask, so it continues the same job.
  expect(byOptions.stderr).not.toContain('changed since');
  const withoutRuns = (text: string): string => text.replace(/agent_run_\w+/g, 'run');
  expect(withoutRuns(dir.read('a.csv'))).toBe(withoutRuns(dir.read('b.csv')));
});

test('the people recipe works from its own folder', async () => {
  const dir = createSamples();
  const result = await dir.run(['run', 'samples/people.jsonl', '-r', 'samples/people.recipe.yaml', '--json']);
  expect(result.status).toBe(0);
  expect(JSON.parse(result.stdout)).toMatchObject({
    rows: { total: 30, enriched: 22, partial: 5, not_found: 3 },
  });
});

test('plan accepts a recipe, including settings that have no option', async () => {
  const dir = createSamples();
  const result = await dir.run([
    'plan',
    'samples/companies.csv',
    '-r',
    'samples/companies.recipe.yaml',
    '--json',
  ]);
  expect(result.status).toBe(0);
  const plan = JSON.parse(result.stdout);
  expect(plan.columns.map(({ name }: { name: string }) => name)).toEqual(['company', 'domain']);
  expect(plan.rows.excluded).toBe(5);
});

test('an option overrides the recipe', async () => {
  const dir = createInputs(
    'query: Find it\nfields: [city]\nsend: [company]\nagent: {reference: none-of-it}\n',
  );
  dir.write('none-of-it/a.csv', 'company,city,country\nAcme,Bonn,Germany\n');
  const args = ['run', 'in.csv', '-r', 'a.recipe.yaml', '-f', 'country', '--reference', 'tables'];
  const result = await dir.run([...args, '-o', '-']);
  expect(result.status).toBe(0);
  expect(result.stdout).toMatch(/^company,domain,country,country_confidence/);
  expect(result.stdout).toContain('Norway');
});

test('reports an unknown column with its place in the recipe', async () => {
  const dir = createInputs('fields: [city]\nsend:\n  - company\n  - domian\nagent: {reference: tables}\n');
  const result = await dir.run(['run', 'in.csv', '-r', 'a.recipe.yaml']);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('error: a.recipe.yaml:4:5 names domian, which the input does not have');
  expect(result.stderr).toContain('what to do: Did you mean domain?');
  dir.write('x.csv', 'domain\nacme.example\n');
  dir.write(
    'b.yaml',
    'fields: [city]\nexclude:\n  file: x.csv\n  on: [dmoain]\nagent: {reference: tables}\n',
  );
  const other = await dir.run(['run', 'in.csv', '-r', 'b.yaml']);
  expect(other.stderr).toContain('error: b.yaml:4:8 names dmoain');
});

test('a faulty recipe gives exit code 2 with place and hint, and changes no files', async () => {
  const dir = createInputs('query: Find it\nfields: [city]\nagnet: {reference: tables}\n');
  for (const command of ['run', 'plan']) {
    const result = await dir.run([command, 'in.csv', '--recipe', 'a.recipe.yaml']);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toBe(
      'error: a.recipe.yaml:3:1: a recipe has no key “agnet” [BAD_RECIPE]\nwhat to do: Did you mean agent?\n',
    );
  }
  expect(dir.has('in.filled.csv')).toBe(false);
});

test('refuses a key in a recipe and does not show it', async () => {
  const dir = createInputs('fields: [city]\nagent: {reference: tables}\napi_key: sk-hush-0123456789\n');
  const result = await dir.run(['run', 'in.csv', '-r', 'a.recipe.yaml']);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain(
    'a.recipe.yaml:3:1: api_key looks like an API key, which must not be in a file',
  );
  expect(result.stderr).not.toContain('sk-hush');
});

test('a budget in the recipe confirms the cost and caps it', async () => {
  const agent = new ScriptedAgent();
  const server = await startServer({ agent });
  onTestFinished(() => server.close());
  const dir = createInputs(
    `fields: [answer]\nsend: [company]\nbudget: 0.01\nagent: {url: "\${ROWFILL_AGENT}"}\n`,
  );
  const result = await dir.run(['run', 'in.csv', '-r', 'a.recipe.yaml'], {
    env: { ROWFILL_AGENT: server.url, EXA_API_KEY: 'some-key' },
  });
  expect(result.stderr).toContain('The budget is reached: 1 row not sent');
  expect(result.status).toBe(5);
  expect(agent.tasks).toHaveLength(0);
});

test('a format in the recipe sets the output’s extension, unless --output is given', async () => {
  const dir = createInputs('fields: [city]\nagent: {reference: tables}\noutput: {format: jsonl}\n');
  expect((await dir.run(['run', 'in.csv', '-r', 'a.recipe.yaml'])).status).toBe(0);
  expect(JSON.parse(dir.read('in.filled.jsonl'))).toMatchObject({ company: 'Acme', city: 'Oslo' });
  expect((await dir.run(['run', 'in.csv', '-r', 'a.recipe.yaml', '-o', 'out.csv'])).status).toBe(0);
  expect(dir.read('out.csv')).toMatch(/^company,domain,city,/);
});

function createSamples(): Workdir {
  const dir = createWorkdir();
  cpSync(SAMPLES, join(dir.path, 'samples'), { recursive: true });
  return dir;
}

function createInputs(recipe: string): Workdir {
  const dir = createWorkdir();
  dir.write('in.csv', 'company,domain\nAcme,acme.example\n');
  dir.write('tables/a.csv', 'company,city,country\nAcme,Oslo,Norway\n');
  dir.write('a.recipe.yaml', recipe);
  return dir;
}
