import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openJobBench } from '../helpers/job.js';
import { script } from '../helpers/truthful-agent.js';

const NAMES = ['name', '2023', '10', '9', 'city'];

test.each(['options', 'schema file'])(
  'columns whose names are numbers keep the order of the %s',
  async (how) => {
    const bench = await openJobBench(script((rows) => ({ rows })));
    bench.write('in.csv', 'company\nAcme\n');
    const properties = NAMES.map((name) => `${JSON.stringify(name)}: {"type": ["string", "null"]}`).join(
      ', ',
    );
    const schema = bench.write('s.json', `\uFEFF{"properties": {${properties}}, "title": "x"}`);
    const asked = how === 'options' ? { fields: NAMES } : { fields: [], schema };
    const { rows } = await bench.run(asked);
    const columns = NAMES.flatMap((name) => [name, `${name}_confidence`, `${name}_citations`]);
    expect(bench.read('out.csv').split('\n')[0]).toMatch(`company,${columns.join(',')},enrichment_status`);
    expect(rows[0]).toMatchObject({ name: 'name of Acme', '9': '9 of Acme' });
    const output = `${bench.folder}/out.jsonl`;
    await bench.run({ ...asked, output });
    const keys = [...readFileSync(output, 'utf8').matchAll(/"([^"]*)":"[^"]* of Acme"/g)].map(
      ([, key]) => key,
    );
    expect(keys).toEqual(NAMES);
  },
);
