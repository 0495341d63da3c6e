import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RecipeError, readRecipe } from '../../src/recipe/read-recipe.js';
import { ON_WINDOWS } from '../helpers/platform.js';
import { createTempFolder } from '../helpers/temp-folder.js';

interface Mistake {
  readonly title: string;
  readonly recipe: string | readonly string[];
  /** Line and column of the fault. */
  readonly at: string;
  readonly says: string | RegExp;
  readonly remedy: string | RegExp;
  readonly code?: string;
  /** The recipe is a .json file. */
  readonly json?: boolean;
}

const NOT_YAML = 'RECIPE_NOT_YAML';
const KEY = 'sk-live-0123456789abcdef';
const ENV = { TABLES: 'tables', EXA_API_KEY: KEY };

const MISTAKES: readonly Mistake[] = [
  {
    title: 'a misspelled key',
    recipe: 'quer: Find it',
    at: '1:1',
    says: 'a recipe has no key “quer”',
    remedy: 'Did you mean query?',
  },
  {
    title: 'an alias inside its own anchor',
    recipe: ['query: Find it', 'fields: &all', '  ceo: *all'],
    at: '3:8',
    says: '*all refers to a part that contains it',
    remedy: 'Write it out',
  },
  {
    title: 'an alias deep inside its own anchor',
    recipe: [
      'query: Find it',
      'fields:',
      '  a: &a',
      '    type: object',
      '    properties: {b: {items: [*a]}}',
    ],
    at: '5:30',
    says: '*a refers to a part that contains it',
    remedy: 'Write it out',
  },
  {
    title: 'a list that contains itself',
    recipe: ['query: Find it', 'send: &s [company, *s]'],
    at: '2:20',
    says: '*s refers to a part that contains it',
    remedy: 'Write it out',
  },
  {
    title: 'a key with the name of an option',
    recipe: ['query: Find it', 'max_cost: 5'],
    at: '2:1',
    says: '“max_cost”',
    remedy: 'Did you mean budget?',
  },
  {
    title: 'a key at the wrong level',
    recipe: ['query: Find it', 'reference: ./tables'],
    at: '2:1',
    says: '“reference”',
    remedy: 'agent: {reference: ./tables}',
  },
  {
    title: 'an unknown key',
    recipe: 'zzz: 1',
    at: '1:1',
    says: '“zzz”',
    remedy: /The keys are .*query, system, fields/,
  },
  {
    title: 'a misspelled nested key',
    recipe: ['output:', '  formt: csv'],
    at: '2:3',
    says: 'output has no key “formt”',
    remedy: 'Did you mean format?',
  },
  {
    title: 'an input in the recipe',
    recipe: 'input: companies.csv',
    at: '1:1',
    says: '“input”',
    remedy: 'on the command line',
  },
  {
    title: 'an API key',
    recipe: ['query: Find it', 'agent:', '  url: http://127.0.0.1:1', '  api_key: hush-hush'],
    at: '4:3',
    says: 'must not be in a file',
    remedy: 'EXA_API_KEY',
    code: 'KEY_IN_RECIPE',
  },
  {
    title: 'the actual API key inside a text',
    recipe: ['query: Find it', `system: "Use ${KEY}."`],
    at: '2:14',
    says: "the agent's API key",
    remedy: 'EXA_API_KEY in the environment',
    code: 'KEY_IN_RECIPE',
  },
  {
    title: 'an API key through a variable',
    recipe: ['agent:', `  url: https://agent.example/\${EXA_API_KEY}`],
    at: '2:8',
    says: 'must not be here',
    remedy: 'reads EXA_API_KEY from the environment',
    code: 'KEY_IN_RECIPE',
  },
  ...['GITHUB_PAT', 'DATABASE_URL', 'JWT', 'HOME', 'XROWFILL_HOST', 'rowfill_host'].map((name) => ({
    title: `${name} in a URL`,
    recipe: ['agent:', `  url: https://agent.example/\${${name}}`],
    at: '2:8',
    says: `${name}} is not allowed in a URL`,
    remedy: `ROWFILL_${name}`,
    code: 'RECIPE_VARIABLE_FOREIGN',
  })),
  {
    title: 'a server key through a variable',
    recipe: ['agent:', `  url: https://agent.example/\${ROWFILL_SERVE_KEY}`],
    at: '2:8',
    says: 'must not be here',
    remedy: 'reads EXA_API_KEY from the environment',
    code: 'KEY_IN_RECIPE',
  },
  {
    title: 'a password in a URL',
    recipe: ['agent:', '  url: https://me:hush-hush@agent.example'],
    at: '2:8',
    says: 'more than a host and a path',
    remedy: 'Remove user name, password',
  },
  {
    title: 'an invalid URL',
    recipe: 'agent: {url: agent.example}',
    at: '1:14',
    says: 'not an http or https URL',
    remedy: 'http://127.0.0.1:4747',
  },
  {
    title: 'two agents',
    recipe: ['agent:', '  reference: tables', '  url: http://127.0.0.1:1'],
    at: '2:3',
    says: 'agent has reference and url',
    remedy: 'agent: {reference: ./reference}',
  },
  {
    title: 'an agent of an unknown kind',
    recipe: 'agent: hosted',
    at: '1:8',
    says: 'agent is the text “hosted”, but must be an object',
    remedy: 'agent: {reference: ./reference}',
  },
  {
    title: 'a variable that is not set',
    recipe: ['query: Find it', 'agent:', `  reference: \${TABELS}/x`],
    at: '3:14',
    says: 'TABELS is not set',
    remedy: 'did you mean TABLES?',
    code: 'RECIPE_VARIABLE_UNSET',
  },
  {
    title: 'a variable with a default value',
    recipe: ['agent:', `  reference: \${TABLES:-x}`],
    at: '2:14',
    says: 'is not an environment variable',
    remedy: /without spaces or default values/,
  },
  {
    title: 'a variable in the query',
    recipe: `query: Who leads \${company}?`,
    at: '1:8',
    says: /\$\{company\} is not replaced in text/,
    remedy: 'write the column name without braces',
  },
  {
    title: 'a ~ for the home folder',
    recipe: 'schema: ~/s.json',
    at: '1:9',
    says: '~ is not expanded',
    remedy: ON_WINDOWS ? /\$\{USERPROFILE\}\/s\.json/ : /\$\{HOME\}\/s\.json/,
  },
  {
    title: 'a missing schema',
    recipe: ['query: Find it', 'schema: none.json'],
    at: '2:9',
    says: /there is no file .*none\.json/,
    remedy: 'relative to the folder of the recipe',
    code: 'RECIPE_FILE_MISSING',
  },
  {
    title: 'a missing folder of tables',
    recipe: 'agent: {reference: none}',
    at: '1:20',
    says: /there is no folder .*none/,
    remedy: 'relative to the folder of the recipe',
    code: 'RECIPE_FILE_MISSING',
  },
  {
    title: 'an exclusion list that is a folder',
    recipe: 'exclude: {file: tables}',
    at: '1:17',
    says: /tables is not a file/,
    remedy: 'Correct the path',
    code: 'RECIPE_FILE_MISSING',
  },
  {
    title: 'an exclusion list without its keys',
    recipe: 'exclude: customers.csv',
    at: '1:10',
    says: 'exclude is the text “customers.csv”',
    remedy: 'exclude: {file: customers.csv, on: [domain]}',
  },
  {
    title: 'an exclusion list without a file',
    recipe: ['query: Find it', 'exclude:', '  on: [domain]'],
    at: '2:1',
    says: 'exclude has no file',
    remedy: 'exclude: {file: customers.csv, on: [domain]}',
  },
  {
    title: 'an empty query',
    recipe: 'query: "  "',
    at: '1:8',
    says: 'query is empty',
    remedy: 'For each company',
  },
  {
    title: 'a key without a value',
    recipe: ['query:', 'send: [company]'],
    at: '1:1',
    says: 'query has no value',
    remedy: 'For each company',
  },
  {
    title: 'text instead of a list',
    recipe: 'send: company',
    at: '1:7',
    says: 'send is the text “company”, but must be a list',
    remedy: 'send: [company, domain]',
  },
  {
    title: 'a column sent twice',
    recipe: ['send:', '  - company', '  - domain', '  - company'],
    at: '4:5',
    says: 'send has a duplicate',
    remedy: 'List each entry once.',
  },
  {
    title: 'a column that is a number',
    recipe: 'send: [company, 2024]',
    at: '1:17',
    says: 'entry 2 of send is 2024, but must be text',
    remedy: 'send: [company, domain]',
  },
  {
    title: 'an unknown effort',
    recipe: ['query: Find it', 'effort: hihg'],
    at: '2:9',
    says: '"hihg"',
    remedy: 'Did you mean high?',
  },
  {
    title: 'an unknown effort in a list',
    recipe: 'effort: [low, huge]',
    at: '1:15',
    says: '"huge"',
    remedy: 'The levels are minimal, low',
  },
  {
    title: 'an empty list of efforts',
    recipe: 'effort: []',
    at: '1:9',
    says: 'effort is empty',
    remedy: 'effort: [low, high]',
  },
  {
    title: 'escalate_below with one effort',
    recipe: ['effort: low', 'escalate_below: medium'],
    at: '2:1',
    says: 'needs a second effort',
    remedy: 'effort: [low, high]',
  },
  {
    title: 'an unknown confidence',
    recipe: ['effort: [low, high]', 'escalate_below: hgih'],
    at: '2:17',
    says: 'must be medium or high',
    remedy: 'Did you mean high?',
  },
  {
    title: 'a batch of 0',
    recipe: 'batch: 0',
    at: '1:8',
    says: 'batch is 0, but must be from 1 to 500',
    remedy: 'batch: 8',
  },
  {
    title: 'a number in words',
    recipe: 'batch: eight',
    at: '1:8',
    says: 'batch is the text “eight”, but must be a whole number',
    remedy: 'batch: 8',
  },
  {
    title: 'a fraction of a run',
    recipe: 'concurrency: 2.5',
    at: '1:14',
    says: 'must be a whole number',
    remedy: 'concurrency: 20',
  },
  {
    title: 'a budget with a currency sign',
    recipe: 'budget: $5',
    at: '1:9',
    says: 'budget is the text “$5”, but must be a number',
    remedy: 'budget: 5',
  },
  {
    title: 'a negative budget',
    recipe: 'budget: -1',
    at: '1:9',
    says: 'budget is -1, but must be from 0 to 1000000',
    remedy: 'budget: 5',
  },
  {
    title: 'an infinite budget',
    recipe: 'budget: .inf',
    at: '1:9',
    says: '.inf is not a supported number',
    remedy: 'Write digits',
  },
  {
    title: 'a budget in hexadecimal',
    recipe: 'budget: 0x10',
    at: '1:9',
    says: '0x10 is not a decimal number',
    remedy: 'If it means 16, write that',
  },
  {
    title: 'a price in octal',
    recipe: ['prices:', '  low: 0o17'],
    at: '2:8',
    says: '0o17 is not a decimal number',
    remedy: 'If it means 15, write that',
  },
  {
    title: 'a huge budget',
    recipe: 'budget: 1e15',
    at: '1:9',
    says: 'budget is 1000000000000000, but must be from 0 to 1000000',
    remedy: 'budget: 5',
  },
  {
    title: 'an invalid price',
    recipe: ['prices:', '  low: cheap'],
    at: '2:8',
    says: 'prices.low is the text “cheap”',
    remedy: 'prices: {low: 0.03}',
  },
  {
    title: 'an unknown format',
    recipe: 'output: {format: cvs}',
    at: '1:18',
    says: 'must be csv or jsonl or json',
    remedy: 'Did you mean csv?',
  },
  {
    title: 'yes instead of true',
    recipe: ['output:', '  overwrite: yes'],
    at: '2:14',
    says: 'must be true or false',
    remedy: 'overwrite: true',
  },
  {
    title: 'fields and a schema',
    recipe: ['fields: {ceo: string}', 'schema: s.json'],
    at: '2:1',
    says: 'cannot be used together',
    remedy: 'Keep one of the two.',
  },
  {
    title: 'no fields',
    recipe: 'fields: {}',
    at: '1:9',
    says: 'fields is empty',
    remedy: 'fields: {ceo: string',
  },
  {
    title: 'a field without a type',
    recipe: ['fields:', '  ceo:', '  city: string'],
    at: '2:3',
    says: 'fields.ceo has no value',
    remedy: 'fields: {ceo: string',
  },
  {
    title: 'a field of an unknown type',
    recipe: ['fields:', '  ceo: strng'],
    at: '2:8',
    says: '"strng" is not a valid type',
    remedy: 'Did you mean string?',
  },
  {
    title: 'a field whose schema has an unknown type',
    recipe: ['fields:', '  staff:', '    type: intger'],
    at: '3:11',
    says: '"intger" is not a valid type',
    remedy: 'Did you mean integer?',
  },
  {
    title: 'a field whose schema has no type',
    recipe: ['fields:', '  ceo:', '    description: Who leads it'],
    at: '2:3',
    says: 'the field has no type',
    remedy: 'type: string',
  },
  {
    title: 'a misspelled keyword',
    recipe: ['fields:', '  staff: {type: integer, minimun: 1}'],
    at: '2:26',
    says: 'minimun is not a keyword of JSON Schema',
    remedy: 'Did you mean minimum?',
  },
  {
    title: 'a keyword with a wrong value',
    recipe: ['fields:', '  staff:', '    type: integer', '    minimum: one'],
    at: '4:14',
    says: 'not a valid JSON Schema: must be number',
    remedy: 'Correct',
  },
  {
    title: 'a field with the name of a result column',
    recipe: ['fields:', '  ceo: string', '  enrichment_status: string'],
    at: '3:3',
    says: '"enrichment_status" cannot be filled',
    remedy: 'unique name',
  },
  {
    title: 'a field that another field already adds',
    recipe: 'fields: [ceo, ceo_citations]',
    at: '1:15',
    says: '"ceo" already adds a column of that name',
    remedy: 'unique name',
  },
  {
    title: 'a duplicate field in a list',
    recipe: 'fields: ["ceo", "ceo:integer"]',
    at: '1:17',
    says: 'it is listed twice',
    remedy: 'unique name',
  },
  {
    title: 'a duplicate key',
    recipe: ['query: Find it', 'batch: 8', 'query: Find that'],
    at: '3:1',
    says: 'used twice',
    remedy: 'Keep one of the two.',
    code: NOT_YAML,
  },
  {
    title: 'a colon in a text',
    recipe: 'query: Find this: the head',
    at: '1:8',
    says: 'a colon and a space',
    remedy: 'double quotes',
    code: NOT_YAML,
  },
  {
    title: 'a tab before a key',
    recipe: ['output:', '\tformat: csv'],
    at: '2:1',
    says: 'a tab',
    remedy: 'Indent with spaces.',
    code: NOT_YAML,
  },
  {
    title: 'an unclosed list',
    recipe: ['send: [company, domain', 'batch: 8'],
    at: '2:1',
    says: /\]/,
    remedy: 'Correct the YAML here.',
    code: NOT_YAML,
  },
  {
    title: 'a badly indented key',
    recipe: ['output:', '    bom: true', '  raw: true'],
    at: '3:1',
    says: 'same column',
    remedy: 'Correct the YAML here.',
    code: NOT_YAML,
  },
  {
    title: 'a reserved YAML character',
    recipe: 'query: @home',
    at: '1:8',
    says: 'YAML reserves',
    remedy: 'double quotes',
    code: NOT_YAML,
  },
  {
    title: 'a * without an anchor',
    recipe: 'query: *all',
    at: '1:8',
    says: 'refers to an anchor that does not exist',
    remedy: 'double quotes',
  },
  {
    title: 'a tag',
    recipe: 'query: !find it',
    at: '1:8',
    says: 'a tag (!) is unknown',
    remedy: 'double quotes',
    code: NOT_YAML,
  },
  {
    title: 'two documents',
    recipe: ['query: Find it', '---', 'query: Find that'],
    at: '2:1',
    says: 'a second document',
    remedy: 'delete the line ---',
    code: NOT_YAML,
  },
  {
    title: 'only text',
    recipe: 'query:Find it',
    at: '1:1',
    says: 'a recipe must be a list of keys and values',
    remedy: 'Start with: query:',
  },
  {
    title: 'an empty recipe',
    recipe: '# nothing yet\n',
    at: '1:1',
    says: 'a recipe must be a list of keys and values',
    remedy: 'Start with: query:',
  },
  {
    title: 'a key that is a list',
    recipe: '[a, b]: c',
    at: '1:1',
    says: 'a key is not a plain word',
    remedy: 'Write key: value.',
  },
  {
    title: 'a misspelled key in JSON',
    recipe: ['{', '\t"query": "Find it",', '\t"bacth": 8', '}'],
    at: '3:2',
    says: '“bacth”',
    remedy: 'Did you mean batch?',
    json: true,
  },
  {
    title: 'truncated JSON',
    recipe: ['{', '  "query": "Find it",', '  "send": ["company"'],
    at: '3:21',
    says: 'is not valid YAML',
    remedy: 'Correct',
    code: NOT_YAML,
    json: true,
  },
];

test.each(MISTAKES)('reports $title with line, column and hint', async (mistake) => {
  const path = await writeRecipe(mistake);
  const error = await readError(path);
  expect(error.faults.map(({ line, column }) => `${line}:${column}`)).toEqual([mistake.at]);
  expect(error.message.startsWith(`${path}:${mistake.at}: `)).toBe(true);
  expect(error.message).toMatch(mistake.says);
  expect(error.hint).toMatch(mistake.remedy);
  expect(error).toMatchObject({ kind: 'usage', code: mistake.code ?? 'BAD_RECIPE' });
  expect(`${error.message} ${error.hint}`).not.toMatch(/hush-hush|sk-live/);
});

test('reports all faults of a recipe at once, in line order, each with its hint', async () => {
  const recipe = ['quer: Find it', 'batch: 0', 'output: {format: cvs}'];
  const error = await readError(await writeRecipe({ recipe }));
  expect(error.faults.map(({ line, column }) => [line, column])).toEqual([
    [1, 1],
    [2, 8],
    [3, 18],
  ]);
  const lines = error.message.split('\n');
  expect(lines[0]).toMatch(/ has 3 faults:$/);
  expect(lines[1]).toMatch(/:1:1: a recipe has no key “quer”\. Did you mean query\?$/);
  expect(lines[3]).toMatch(/:3:18: output\.format is the text “cvs”.*Did you mean csv\?$/);
});

test.each([
  ['a missing recipe', 'none.yaml', 'RECIPE_NOT_FOUND'],
  ['a folder given as a recipe', 'tables', 'RECIPE_NOT_TEXT'],
  ['a spreadsheet given as a recipe', 'zip.yaml', 'RECIPE_NOT_TEXT'],
  ['a recipe in another encoding', 'latin.yaml', 'RECIPE_NOT_TEXT'],
])('reports %s', async (_title, name, code) => {
  const folder = await createTempFolder();
  mkdirSync(join(folder, 'tables'));
  writeFileSync(join(folder, 'zip.yaml'), Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0]));
  writeFileSync(join(folder, 'latin.yaml'), Buffer.from('query: Zürich', 'latin1'));
  const error: unknown = await readRecipe(join(folder, name), {}).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: 'usage', code });
  expect(String(error)).toContain(join(folder, name));
});

async function writeRecipe({ recipe, json }: Pick<Mistake, 'recipe' | 'json'>): Promise<string> {
  const folder = await createTempFolder();
  mkdirSync(join(folder, 'tables'));
  writeFileSync(join(folder, 's.json'), '{"type":"object","properties":{"ceo":{"type":"string"}}}');
  const path = join(folder, json === true ? 'a.recipe.json' : 'a.recipe.yaml');
  writeFileSync(path, typeof recipe === 'string' ? recipe : recipe.join('\n'));
  return path;
}

async function readError(path: string): Promise<RecipeError> {
  const error: unknown = await readRecipe(path, ENV).catch((thrown: unknown) => thrown);
  if (error instanceof RecipeError) return error;
  throw new Error(`the recipe was read: ${JSON.stringify(error)}`);
}
