import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowfillError } from '../../src/errors.js';
import { isJsonObject } from '../../src/model/json.js';
import { compileSchema } from '../../src/model/schema.js';
import { openRecipeSchema } from '../../src/recipe/check-recipe.js';
import { parseRecipe } from '../../src/recipe/parse-recipe.js';
import { mergeRecipe, type RecipeOptions, readRecipe } from '../../src/recipe/read-recipe.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const WHOLE = `
query: |
  For each company, find who leads it today
  and how many people it employs.
system: Prefer the company's own site and filings.
fields:
  ceo: string
  headcount: {type: integer, minimum: 1, description: Employees worldwide}
  size: enum(small|large) = Roughly
  opened: {type: date, description: First day}
  "2024 (€: m)": number
send: [company, domain]
exclude: {file: customers.csv, on: [domain]}
effort: [low, high]
escalate_below: medium
batch: 8
concurrency: 20
starts_per_second: 0.5
budget: 5.00
keep_going: true
prices: {low: 0.03}
agent: {reference: "\${TABLES}/reference"}
output: {format: jsonl, citations_file: out/citations.jsonl, overwrite: true, raw: false, bom: true}
`;

test('every key becomes its option, with paths relative to the recipe', async () => {
  const { folder, options } = await read(WHOLE);
  const { schemaObject, origins, ...rest } = options;
  expect(rest).toEqual({
    query: 'For each company, find who leads it today\nand how many people it employs.\n',
    system: "Prefer the company's own site and filings.",
    send: ['company', 'domain'],
    exclude: join(folder, 'customers.csv'),
    excludeOn: ['domain'],
    effort: ['low', 'high'],
    escalateBelow: 'medium',
    batchSize: 8,
    concurrency: 20,
    startsPerSecond: 0.5,
    maxCost: 5,
    keepGoing: true,
    prices: { low: 0.03 },
    reference: join(folder, 'tables/reference'),
    format: 'jsonl',
    citationsFile: join(folder, 'out/citations.jsonl'),
    overwrite: true,
    raw: false,
    bom: true,
  });
  expect(schemaObject).toEqual({
    type: 'object',
    properties: {
      ceo: { type: ['string', 'null'] },
      headcount: { type: ['integer', 'null'], minimum: 1, description: 'Employees worldwide' },
      size: { type: ['string', 'null'], enum: ['small', 'large', null], description: 'Roughly' },
      opened: { type: ['string', 'null'], format: 'date', description: 'First day' },
      '2024 (€: m)': { type: ['number', 'null'] },
    },
    required: ['ceo', 'headcount', 'size', 'opened', '2024 (€: m)'],
    additionalProperties: false,
  });
  expect(Object.keys(schemaObject?.properties ?? {})).toEqual(schemaObject?.required);
  expect(origins?.['send/1']).toBe(`${join(folder, 'a.recipe.yaml')}:12:17`);
});

test('fields can be a list in the form of --field', async () => {
  const { options } = await read('fields: [ceo, "founded:integer=Year", "=x"]').catch((error: unknown) => ({
    options: error,
  }));
  expect(options).toMatchObject({ message: expect.stringContaining('it has no name') });
  const good = await read('fields: [ceo, "founded:integer=Year"]');
  expect(good.options.schemaObject?.properties).toEqual({
    ceo: { type: ['string', 'null'] },
    founded: { type: ['integer', 'null'], description: 'Year' },
  });
});

test('the same recipe in JSON gives the same options', async () => {
  const yaml = await read(WHOLE);
  const value = parseRecipe(WHOLE, 'a').value;
  const json = await read(JSON.stringify(value, null, '\t'), 'a.recipe.json', yaml.folder);
  const { origins: _, ...same } = json.options;
  const { origins: __, ...expected } = yaml.options;
  expect(same).toEqual(expected);
});

test('resolves anchors', async () => {
  const { options } = await read('send: &key [domain]\nexclude: {file: customers.csv, on: *key}');
  expect(options).toMatchObject({ send: ['domain'], excludeOn: ['domain'] });
});

test('keeps absolute paths; a recipe in the current folder needs no folder name', async () => {
  const { folder, options } = await read(`exclude: {file: "\${HERE}/customers.csv"}`);
  expect(options.exclude).toBe(join(folder, 'customers.csv'));
});

const RECIPE: RecipeOptions = {
  query: 'of the recipe',
  schemaObject: { type: 'object', properties: { ceo: {} } },
  effort: ['low', 'high'],
  escalateBelow: 'medium',
  reference: 'tables',
  format: 'jsonl',
  maxCost: 5,
  origins: { query: 'r:1:1', 'send/0': 'r:2:1', send: 'r:2:1' },
};

test('an explicit option wins and leaves the rest of the recipe unchanged', () => {
  const merged = mergeRecipe({ input: 'in.csv', query: 'of the command', batchSize: undefined }, RECIPE);
  expect(merged).toEqual({
    ...RECIPE,
    input: 'in.csv',
    query: 'of the command',
    origins: { 'send/0': 'r:2:1', send: 'r:2:1' },
  });
});

test.each([
  ['another way to define the fields', { fields: ['city'] }, ['schemaObject']],
  ['another agent', { apiUrl: 'http://127.0.0.1:1' }, ['reference']],
  ['a single effort', { effort: ['high'] }, ['escalateBelow']],
  ['an output file', { output: 'out.csv' }, ['format']],
])('%s replaces that of the recipe', (_title, given, gone) => {
  const merged = mergeRecipe({ input: 'in.csv', ...given }, RECIPE);
  const { origins: _, ...expected } = { ...RECIPE, input: 'in.csv', ...given };
  for (const name of gone) Reflect.deleteProperty(expected, name);
  const { origins: __, ...rest } = merged;
  expect(rest).toEqual(expected);
});

test('the published schema has a description and a valid example for every key', () => {
  const schema = openRecipeSchema();
  const { value } = parseRecipe(WHOLE, 'a');
  expect(schema.validate(value)).toEqual([]);
  const properties: readonly [string, unknown][] = Object.entries(
    readObject(readObject(schemaText()).properties),
  );
  for (const [key, rule] of properties.filter(([name]) => name !== '$schema')) {
    const { description, examples } = readObject(rule);
    expect(description).toEqual(expect.any(String));
    const [example] = Array.isArray(examples) ? examples : [];
    expect(schema.validate({ [key]: example }), key).toEqual([]);
  }
  // It must parse on its own, as in an editor.
  expect(compileSchema(readObject(schemaText()) as never).draft).toBe('draft-07');
});

test('any text gives either a recipe or an error with a position', SLOW, async () => {
  const folder = await createTempFolder();
  const path = join(folder, 'a.yaml');
  const piece = fc.constantFrom(
    'query',
    'fields',
    'send',
    'agent',
    'url',
    'type',
    ':',
    ': ',
    '\n',
    '\n  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '&a',
    '*a',
    '#',
    '|',
    '>',
    '?',
    '!',
    '%',
    '@',
    '`',
    '~',
    '0',
    '.inf',
    '\t',
    '__proto__',
    'constructor',
    'é',
    '---',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 24 }), async (pieces) => {
      writeFileSync(path, pieces.join(''));
      try {
        await readRecipe(path, {});
      } catch (error) {
        if (!(error instanceof RowfillError)) throw error;
        expect(error.message).toMatch(/a\.yaml:\d+:\d+: |a\.yaml has \d+ faults:/);
        expect(error.hint).not.toBe('');
      }
    }),
    { numRuns: chooseCount(400, 40) },
  );
});

async function read(
  text: string,
  name = 'a.recipe.yaml',
  into?: string,
): Promise<{ folder: string; options: RecipeOptions }> {
  const folder = into ?? (await createTempFolder());
  mkdirSync(join(folder, 'tables/reference'), { recursive: true });
  writeFileSync(join(folder, 'customers.csv'), 'domain\nacme.example\n');
  writeFileSync(join(folder, name), text);
  return { folder, options: await readRecipe(join(folder, name), { TABLES: 'tables', HERE: folder }) };
}

function schemaText(): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../src/recipe/recipe.schema.json'), 'utf8'));
}

function readObject(value: unknown): Record<string, unknown> {
  if (!isJsonObject(value)) throw new Error('no object');
  return value;
}

test('the ledger is a path from the recipe, or a URL without a password', async () => {
  const ledgerOf = async (value: string) =>
    (await read(`fields: {a: string}\nledger: ${value}\n`)).options.ledger;
  const { folder, options } = await read('fields: {a: string}\nledger: team.sqlite\n');
  expect(options.ledger).toBe(join(folder, 'team.sqlite'));
  const url = 'postgres://rowfill@db.example.com/rowfill?schema=team';
  expect(await ledgerOf(url)).toBe(url);
  for (const wrong of ['postgres://me:s3cretword@db/x', 'postgres://db/x?password=s3cretword']) {
    const error: unknown = await ledgerOf(wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RowfillError);
    expect(String(error)).toContain('the URL has a password');
    expect(JSON.stringify([String(error), error])).not.toContain('s3cretword');
  }
  await expect(ledgerOf('mysql://db/x')).rejects.toThrow(/cannot be at a mysql:\/\/ URL/);
  await expect(ledgerOf('postgres://me:s3/cret@db/x')).rejects.toThrow(/malformed/);
});
