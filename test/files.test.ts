import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openJobBench } from './helpers/job.js';
import { script } from './helpers/truthful-agent.js';
import { createRow, createWorkbook } from './helpers/workbook.js';

test('a dotted name sends only that value of a nested object', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write(
    'in.jsonl',
    '{"company":"Company 1","address":{"city":"Bonn","street":"secret"},"id":12345678901234567890}\n',
  );
  const output = join(bench.folder, 'out.jsonl');
  const send = ['company', 'address.city', 'id'];
  await bench.run({ input: join(bench.folder, 'in.jsonl'), output, send });
  expect(bench.agent.tasks.map((task) => task.request.input?.data)).toEqual([
    [
      {
        row_id: expect.any(String),
        company: 'Company 1',
        'address.city': 'Bonn',
        id: '12345678901234567890',
      },
    ],
  ]);
  expect(bench.read('out.jsonl')).toContain('"street":"secret"},"id":12345678901234567890,"answer":');
});

test('refuses an unknown dotted name; in a table it can only be a column name', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.jsonl', '{"company":"Company 1","address":{"city":"Bonn"}}\n');
  bench.write('in.csv', 'company,address\nCompany 1,Bonn\n');
  const sheet = createRow(1, ['company', 'address']) + createRow(2, ['Company 1', 'Bonn']);
  writeFileSync(join(bench.folder, 'in.xlsx'), await createWorkbook({ Firms: sheet }));
  const refused = { code: 'UNKNOWN_COLUMN' };
  const input = join(bench.folder, 'in.jsonl');
  await expect(bench.run({ input, send: ['adress.city'] })).rejects.toMatchObject(refused);
  await expect(bench.run({ send: ['address.city'] })).rejects.toMatchObject(refused);
  const workbook = join(bench.folder, 'in.xlsx');
  await expect(bench.run({ input: workbook, send: ['address.city'] })).rejects.toMatchObject(refused);
});

test('reports that no row is readable, even if a column is named', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.json', '[{"company":NaN}]');
  const input = join(bench.folder, 'in.json');
  await expect(bench.run({ input, send: ['company'] })).rejects.toMatchObject({
    code: 'INPUT_NOT_OBJECTS',
    message: expect.stringContaining('NaN is not a JSON value'),
  });
});
