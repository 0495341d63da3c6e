import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { init } from '../../src/cli/commands/init.js';
import { readRecipe } from '../../src/recipe/read-recipe.js';
import { createTestHost, type TestHost } from '../helpers/host.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createWorkdir } from '../helpers/workdir.js';

const SAMPLES = join(import.meta.dirname, '../../samples');
const LIST =
  'company,domain,city,headcount,account_owner,last_contact\nAcme,acme.example,,,Ana,2025-03-11\nBolt,bolt.example,,,Tom,\n';

test('the suggested recipe runs unchanged and fills the blank columns', async () => {
  const dir = createWorkdir();
  dir.write('lists/in.csv', LIST);
  dir.write('tables/a.csv', 'company,city,headcount\nAcme,Oslo,12\nBolt,Bonn,40\n');
  const made = await dir.run(['init', 'lists/in.csv', '--reference', 'tables']);
  expect(made).toMatchObject({ status: 0, stdout: '' });
  const path = join('lists', 'in.recipe.yaml');
  expect(made.stderr).toBe(
    `The recipe is in ${path}. Review it, then check what it would send and cost:\n` +
      `  rowfill plan lists/in.csv --recipe ${path}\n` +
      'docs/after-the-first-fill.md says how to add columns, correct values and refresh them later.\n',
  );
  const recipe = dir.read('lists/in.recipe.yaml');
  expect(recipe).toContain('\nquery: For each company, find city and headcount.\n');
  expect(recipe).toContain('\nfields:\n  city: string\n  headcount: integer\n');
  expect(recipe).toContain('never leave this machine: city, headcount, account_owner, last_contact.');
  expect(recipe).toContain('\nsend: [company, domain]\n');
  expect(recipe).toContain('\nagent: {reference: ../tables}\n');
  for (const line of recipe.split('\n')) expect(line.length).toBeLessThan(130);
  const run = await dir.run(['run', 'lists/in.csv', '-r', 'lists/in.recipe.yaml', '-o', '-']);
  expect(run.status).toBe(0);
  expect(run.stdout).toContain('Acme,acme.example,Oslo,12,Ana');
  const plan = await dir.run(['plan', 'lists/in.csv', '-r', 'lists/in.recipe.yaml', '--json']);
  expect(plan.status).toBe(0);
});

test('replaces an existing recipe only with --force', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', LIST);
  dir.write('in.recipe.yaml', 'query: mine\n');
  const refused = await dir.run(['init', 'in.csv']);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toMatch(
    /in\.recipe\.yaml already exists \[RECIPE_EXISTS\]\nwhat to do: Add --force/,
  );
  expect(dir.read('in.recipe.yaml')).toBe('query: mine\n');
  expect((await dir.run(['init', 'in.csv', '--force'])).status).toBe(0);
  expect(dir.read('in.recipe.yaml')).toContain('fields:\n  city: string');
});

test('every option ends up in the recipe', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', LIST);
  const result = await dir.run([
    ...[
      'init',
      'in.csv',
      '-q',
      'Who leads it: name, title',
      '-f',
      'ceo=Who leads it: the head',
      '-f',
      'size:enum(s|l)',
    ],
    ...[
      '--send',
      'domain',
      '--effort',
      'low,high',
      '--max-cost',
      '2.5',
      '--api-url',
      'http://127.0.0.1:4747/a',
    ],
    ...['-o', '-'],
  ]);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  const path = dir.write('made.yaml', result.stdout);
  expect(await readRecipe(path, {})).toMatchObject({
    query: 'Who leads it: name, title',
    send: ['domain'],
    effort: ['low', 'high'],
    maxCost: 2.5,
    apiUrl: 'http://127.0.0.1:4747/a',
    schemaObject: {
      properties: {
        ceo: { type: ['string', 'null'], description: 'Who leads it: the head' },
        size: { type: ['string', 'null'], enum: ['s', 'l', null] },
      },
    },
  });
});

test('writes the path of a schema, relative to the recipe, instead of fields', async () => {
  const dir = createWorkdir();
  cpSync(SAMPLES, join(dir.path, 'samples'), { recursive: true });
  mkdirSync(join(dir.path, 'recipes'));
  const args = [
    'init',
    'samples/companies.csv',
    '-s',
    'samples/companies.schema.json',
    '-o',
    'recipes/a.yaml',
  ];
  expect((await dir.run([...args, '--reference', 'samples/reference'])).status).toBe(0);
  expect(dir.read('recipes/a.yaml')).toContain('\nschema: ../samples/companies.schema.json\n');
  const run = await dir.run(['run', 'samples/companies.csv', '-r', 'recipes/a.yaml', '-o', 'out.csv']);
  expect(run.status).toBe(0);
});

test.each([
  ['a missing file', ['none.csv'], 'none.csv'],
  ['a file without blanks and no field', ['full.csv'], "such as --field 'ceo=Who leads it today'"],
  ['an invalid field', ['in.csv', '-f', 'ceo:strng'], 'Did you mean string?'],
  ['an unknown column', ['in.csv', '--send', 'domian'], 'Did you mean domain?'],
  ['missing tables', ['in.csv', '--reference', 'none'], 'there is no folder or table none'],
  ['an unknown effort', ['in.csv', '--effort', 'hihg'], 'Did you mean high?'],
  ['a missing folder', ['in.csv', '-o', 'none/a.yaml'], 'cannot write none/a.yaml'],
  [
    'two agents',
    ['in.csv', '--reference', 'tables', '--api-url', 'http://127.0.0.1:1'],
    'cannot be used together',
  ],
])('%s gives exit code 2, and no recipe is written', async (_title, args, says) => {
  const dir = createWorkdir();
  dir.write('in.csv', LIST);
  dir.write('full.csv', 'company\nAcme\n');
  dir.write('tables/a.csv', 'company,city\nAcme,Oslo\n');
  const result = await dir.run(['init', ...args]);
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain(says);
  for (const name of ['in.recipe.yaml', 'full.recipe.yaml', 'none/a.yaml']) expect(dir.has(name)).toBe(false);
});

test('on a terminal, asks with suggestions and repeats a question after an invalid answer', async () => {
  const talk = await openTalk();
  talk.answer('ceo:strng');
  talk.answer('ceo=Who leads it, headcount:integer, size:enum(s|l)');
  talk.answer('company, domian');
  talk.answer('');
  talk.answer('');
  talk.answer('');
  talk.answer('five');
  talk.answer('$5');
  expect(await talk.end).toBe(0);
  // Lines are wrapped, where depends on the length of the path.
  const said = talk.host.readStderr().replaceAll('\n', ' ');
  expect(said).toContain('in.csv: 6 columns: company, domain, city (blank), headcount (blank)');
  expect(said).toContain('"strng" is not a valid type');
  expect(said).toContain('has no column domian');
  expect(said).toContain('Did you mean domain?');
  expect(said).toContain('is “five”, which is not an amount in US dollars');
  expect(await readRecipe(talk.recipe, {})).toMatchObject({
    query: 'For each company, find ceo, headcount and size.',
    send: ['company', 'domain'],
    maxCost: 5,
  });
});

test('does not ask for settings given as options', async () => {
  const talk = await openTalk({ field: ['ceo'], send: ['domain'], maxCost: 1 });
  talk.answer('Who leads it?');
  talk.answer('');
  expect(await talk.end).toBe(0);
  expect(await readRecipe(talk.recipe, {})).toMatchObject({
    query: 'Who leads it?',
    send: ['domain'],
    maxCost: 1,
  });
});

test.each(['\u0003', '\u0004'])('quitting with %j leaves no file behind', async (key) => {
  const talk = await openTalk();
  talk.answer('ceo');
  talk.host.stdin.write(key);
  expect(await talk.end).toBe(130);
  expect(talk.host.readStderr()).toContain('Nothing was written.');
  expect(() => readFileSync(talk.recipe)).toThrow('ENOENT');
});

interface Talk {
  readonly host: TestHost;
  readonly recipe: string;
  readonly end: Promise<number>;
  answer(text: string): void;
}

async function openTalk(options: Parameters<typeof init.run>[0]['options'] = {}, list = LIST): Promise<Talk> {
  const folder = await createTempFolder();
  writeFileSync(join(folder, 'in.csv'), list);
  const host = createTestHost({ isTerminal: true });
  const end = init.run({ operands: [join(folder, 'in.csv')], options }, host);
  return {
    host,
    recipe: join(folder, 'in.recipe.yaml'),
    end,
    answer: (text) => void host.stdin.write(`${text}\n`),
  };
}

test('Enter accepts the suggestion, including names with commas', async () => {
  const talk = await openTalk({}, '"Company, legal name","Revenue, EUR"\nAcme,\nBolt,\n');
  for (let question = 0; question < 5; question += 1) talk.answer('');
  expect(await talk.end).toBe(0);
  const recipe = readFileSync(talk.recipe, 'utf8');
  expect(recipe).toContain('send: ["Company, legal name"]');
  expect(recipe).toContain('  Revenue, EUR:');
});

const DEPARTMENTS = 'Physics History Law Medicine Music'.split(' ');

test.each([
  [
    'departments of a university',
    'University,Department,Country,Website,Head',
    (at: number) =>
      `University ${'ABCDEFGH'[Math.floor(at / 5)]},${DEPARTMENTS[at % 5]},Norway,u${Math.floor(at / 5)}.example,`,
    '[Department, Website]',
  ],
  [
    'shops of a chain',
    'chain,domain,shop no,street,opens',
    (at: number) =>
      `Coop,coop.example,${at},${'Elm Oak Ash Fir'.split(' ')[at % 4]} Street ${'ABCDEFGHIJ'[Math.floor(at / 4)]}x,`,
    '[domain, street]',
  ],
  [
    'people by their address only',
    'email,company,domain,headcount',
    (at: number) => `p${at}@c${at % 4}.example,Firm ${'ABCD'[at % 4]}x,c${at % 4}.example,`,
    '[company, domain]',
  ],
  [
    'companies with an exact duplicate',
    'company,domain,city,ceo',
    (at: number) => `Firm ${at % 39},f${at % 39}.example,Oslo,`,
    '[company, domain]',
  ],
])(
  'for %s, suggests to send the columns that identify a row, and no private ones',
  async (_title, header, row, send) => {
    const dir = createWorkdir();
    dir.write('in.csv', `${header}\n${Array.from({ length: 40 }, (_, at) => row(at)).join('\n')}\n`);
    const made = await dir.run(['init', 'in.csv', '-o', '-']);
    expect(made.stdout).toContain(`\nsend: ${send}\n`);
  },
);
