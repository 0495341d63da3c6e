import { expect, test } from 'vitest';
import { openJobBench } from '../helpers/job.js';
import { answerRows, createResult } from '../helpers/scripted-agent.js';

test('separates failed rows that the same command cannot help from those that it retries', async () => {
  const bench = await openJobBench((task) => {
    const records = task.request.input?.data ?? [];
    if (records.some(({ company }) => company === 'Down')) throw new Error('the agent broke');
    return createResult({
      rows: records.map(({ row_id }) => ({ row_id: row_id ?? null, fields: { staff: 'many' } })),
    });
  });
  bench.write('in.csv', 'company,note\nMisfit,a\nDown,b\n,c\n');
  const job = { fields: ['staff:integer'], send: ['company'], batchSize: 1 };
  const { summary } = await bench.run(job);
  expect(summary.rows).toMatchObject({ failed: 3 });
  expect(summary.failures).toEqual({ unsendable: 1, unfit: 1 });
});

test('counts how often each field was filled in answered rows, and shows the first filled rows with every field', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', 'note,company,answer\nx,Acme,\ny,Bolt,known\nz,Corp,\n');
  const { summary } = await bench.run({ send: ['company'] });
  expect(summary.fields).toEqual([{ name: 'answer', answered: 2, filled: 2 }]);
  expect(summary.examples).toEqual([
    [
      ['company', 'Acme'],
      ['answer', expect.stringMatching(/^answer to /)],
    ],
    [
      ['company', 'Corp'],
      ['answer', expect.stringMatching(/^answer to /)],
    ],
  ]);
});

test.each([
  ['company\nAcme\n', {}, false],
  ['company\nMüller\n', {}, true],
  ['company\nMüller\n', { bom: true }, false],
  ['\ufeffcompany\nMüller\n', {}, false],
  ['{"company":"Müller"}\n', { format: 'jsonl' as const }, false],
])('the output of %j with %j needs a byte order mark for Excel: %s', async (content, options, needsBom) => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', content);
  const { summary } = await bench.run(options);
  expect(summary.needsBom).toBe(needsBom);
});
