import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Doubt } from '../../src/model/events.js';
import type { EnrichOptions } from '../../src/options.js';
import { openJobBench } from '../helpers/job.js';
import { answerRows } from '../helpers/scripted-agent.js';
import { createRow, createWorkbook } from '../helpers/workbook.js';

const HIDDEN = [
  createRow(1, ['company', 'answer']),
  createRow(2, ['Company 1']),
  createRow(3, ['Company 2']).replace('<row', '<row hidden="1"'),
].join('');

async function openBench() {
  const bench = await openJobBench(answerRows);
  const input = bench.write('in.xlsx', '');
  await writeFile(input, await createWorkbook({ List: HIDDEN }));
  const run = (options: Partial<EnrichOptions>, confirmDoubt?: (doubt: Doubt) => Promise<boolean>) =>
    bench.run({ input, ...options }, confirmDoubt === undefined ? {} : { confirmDoubt });
  return { bench, input, run };
}

test('hidden rows stop a paid job before anything is sent if there is no one to ask', async () => {
  const { bench, run } = await openBench();
  await expect(run({ yes: true })).rejects.toMatchObject({
    kind: 'usage',
    code: 'HIDDEN_ROWS',
    message: 'the sheet has 1 hidden row (row 3)',
    hint: expect.stringMatching(
      /--hidden-rows skip\. At worst, all rows cost \$0\.\d+, and the rows that are not hidden \$0\.\d+\.$/,
    ),
  });
  expect(bench.agent.tasks).toEqual([]);
});

test('hidden rows are filled if the user agrees, or if an option says so', async () => {
  const { run } = await openBench();
  const asked: string[] = [];
  const agree = async ({ code }: Doubt): Promise<boolean> => asked.push(code) > 0;
  const { rows } = await run({}, agree);
  expect(rows.map((row) => row.enrichment_status)).toEqual(['enriched', 'enriched']);
  expect(asked).toEqual(['HIDDEN_ROWS']);
  const filled = await (await openBench()).run({ hiddenRows: 'fill' });
  expect(filled.rows.map((row) => row.enrichment_status)).toEqual(['enriched', 'enriched']);
});

test('hidden rows that are left alone cost nothing and are in the output', async () => {
  const { bench, run } = await openBench();
  const { rows, summary } = await run({ hiddenRows: 'skip' });
  expect(rows.map((row) => [row.enrichment_status, row.enrichment_error])).toEqual([
    ['enriched', ''],
    ['skipped', 'a hidden row'],
  ]);
  expect(summary.rows).toMatchObject({ enriched: 1, skipped: 1, failed: 0 });
  expect(bench.agent.tasks.flatMap(({ request }) => request.input?.data ?? [])).toHaveLength(1);
  await expect(run({ hiddenRows: 'all' })).rejects.toMatchObject({ code: 'BAD_OPTION' });
});

test('a list without a header stops a paid job, because its first customer would be asked', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', 'company,domain\nAcme GmbH,acme.example\nDune AG,dune.example\n');
  const exclude = bench.write('list.xlsx', '');
  const rows = [
    createRow(1, ['Acme GmbH', 'acme.example']),
    createRow(2, ['Bolt AG', 'bolt.example']),
    createRow(3, ['Core KG', 'core.example']),
  ];
  await writeFile(exclude, await createWorkbook({ List: rows.join('') }));
  const options = { exclude, excludeOn: ['domain=acme.example'], yes: true };
  await expect(bench.run(options)).rejects.toMatchObject({
    code: 'HEADER_LOOKS_LIKE_DATA',
    message: expect.stringContaining('list.xlsx: row 1 is used as the header'),
    hint: expect.stringContaining('Correct the file'),
  });
  expect(bench.agent.tasks).toEqual([]);
});
