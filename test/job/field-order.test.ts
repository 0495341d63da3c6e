import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createSchema } from '../../src/model/field.js';
import type { EnrichOptions } from '../../src/options.js';
import { readRecipe } from '../../src/recipe/read-recipe.js';
import { type JobBench, openJobBench } from '../helpers/job.js';
import { openRawAgent } from '../helpers/raw-agent.js';
import { script } from '../helpers/truthful-agent.js';

const NAMES = ['name', '2023', '10', '9', 'city'];

type Asked = Partial<EnrichOptions>;

/** Ways to name the columns to fill. */
const WAYS: Readonly<Record<string, (bench: JobBench) => Asked | Promise<Asked>>> = {
  options: () => ({ fields: NAMES }),
  'schema file': (bench) => {
    const properties = NAMES.map((name) => `${JSON.stringify(name)}: {"type": ["string", "null"]}`);
    const text = `\uFEFF{"properties": {${properties.join(', ')}}, "title": "x"}`;
    return { fields: [], schema: bench.write('s.json', text) };
  },
  // A JavaScript object has lost the order of its keys, but not that of its list.
  'schema object that requires all of them': () => ({
    fields: [],
    schemaObject: createSchema(NAMES.map((name) => ({ name, schema: { type: ['string', 'null'] } }))),
  }),
  'recipe in YAML': (bench) => readFields(bench, NAMES.map((name) => `  ${name}: string\n`).join('')),
  'recipe in JSON': (bench) => {
    const fields = NAMES.map((name) => `${JSON.stringify(name)}: {"type": "string"}`);
    return readFields(bench, `  {${fields.join(', ')}}\n`);
  },
};

async function readFields(bench: JobBench, fields: string): Promise<Asked> {
  const { origins: _, ...options } = await readRecipe(bench.write('job.yaml', `fields:\n${fields}`), {});
  return { fields: [], ...options };
}

test.each(Object.keys(WAYS))('columns whose names are numbers keep the order of the %s', async (way) => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', 'company\nAcme\n');
  const asked = (await WAYS[way]?.(bench)) ?? {};
  const { rows } = await bench.run(asked);
  const columns = NAMES.flatMap((name) => [name, `${name}_confidence`, `${name}_citations`]);
  expect(bench.read('out.csv').split('\n')[0]).toMatch(`company,${columns.join(',')},enrichment_status`);
  expect(rows[0]).toMatchObject({ name: 'name of Acme', '9': '9 of Acme' });
  const output = `${bench.folder}/out.jsonl`;
  await bench.run({ ...asked, output });
  const keys = [...readFileSync(output, 'utf8').matchAll(/"([^"]*)":"[^"]* of Acme"/g)].map(([, key]) => key);
  expect(keys).toEqual(NAMES);
});

test.each([
  ['jsonl', '{"company":"Acme","2024":"x","10":"y","2":"z"}\n{"1":"v","company":"Bolt","0":"w"}\n'],
  ['json', '[{"company":"Acme","2024":"x","10":"y","2":"z"},\n{"1":"v","company":"Bolt","0":"w"}]'],
])('keys of a .%s input that are numbers become columns in the order of the file', async (format, text) => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const input = bench.write(`in.${format}`, text);
  await bench.run({ input, send: ['company'], format: 'csv' });
  const [head, first, second] = bench.read('out.csv').split('\n');
  expect(head).toMatch(/^company,2024,10,2,1,0,answer,/);
  expect(first).toMatch(/^Acme,x,y,z,,,about Acme,/);
  expect(second).toMatch(/^Bolt,,,,v,w,about Bolt,/);
});

test('a schema object whose names are words keeps the order of its keys', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', 'company\nAcme\n');
  const properties = { b: { type: ['string', 'null'] }, a: { type: ['string', 'null'] } };
  await bench.run({ fields: [], schemaObject: { type: 'object', properties, required: ['a', 'b'] } });
  expect(bench.read('out.csv')).toMatch(/^company,b,.*,a,/);
});

test.each([
  ['csv', 'company,2024,10,9\nAcme,x,y,z\n'],
  ['jsonl', '{"company":"Acme","2024":"x","10":"y","9":"z"}\n'],
])('a .%s row and its fields are sent in the order of the file and of the options', async (format, text) => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const agent = await openRawAgent();
  await bench.run({
    input: bench.write(`in.${format}`, text),
    apiUrl: agent.url,
    fields: ['name', '12', '5'],
  });
  const body = agent.server.requests.find(({ method }) => method === 'POST')?.body ?? '';
  expect(body).toContain('{"company":"Acme","2024":"x","10":"y","9":"z","row_id":');
  expect(body).toMatch(/"properties":\{"name":\{[^}]*\},"12":\{[^}]*\},"5":\{/);
  expect(JSON.parse(body)).toMatchObject({ input: { data: [{ company: 'Acme', 10: 'y' }] } });
});
