import { renameSync, writeFileSync } from 'node:fs';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { resolveJobCode } from '../../src/cli/report-error.js';
import { createList, openJobBench } from '../helpers/job.js';
import { answerPaid } from '../helpers/paid-server.js';
import { createReferenceFolder } from '../helpers/reference-folder.js';

/** Removes answers from the ledger, as another program that prunes or restores it might. */
function loseAnswers(path: string): void {
  const connection = new Libsql(path);
  connection.exec('delete from block');
  connection.close();
}

test('a job that ends with unexpected pending rows exits with 7, and the same command sends them', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(4));
  const { summary, rows } = await bench.run(
    {},
    {
      onEvent({ type }) {
        if (type === 'batch_settled') loseAnswers(`${bench.folder}/ledger.sqlite`);
      },
    },
  );
  expect(rows.map((row) => row.enrichment_status)).toEqual(Array.from({ length: 4 }, () => 'pending'));
  expect(summary).toMatchObject({ stop: 'done', leftRows: 4 });
  expect(resolveJobCode(summary)).toBe(7);
  const again = await bench.run();
  expect(again.summary).toMatchObject({ leftRows: 0, rows: { enriched: 4 } });
  expect(resolveJobCode(again.summary)).toBe(0);
});

test.each([
  ['--limit', { limit: 1 }],
  ['--sample', { sample: 1 }],
  ['an exclusion list', { exclude: 'out', excludeOn: ['company'] }],
])('rows not selected by %s do not cause exit 7', async (_title, options) => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(4));
  const exclude = bench.write('out.csv.list', 'company\nCompany 1\n');
  const { summary } = await bench.run('exclude' in options ? { ...options, exclude } : options);
  expect(summary.leftRows).toBe(0);
  expect(resolveJobCode(summary)).toBe(0);
});

test('a job that stopped at its budget exits with 5', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(4));
  const { summary } = await bench.run({ batchSize: 1, maxCost: 0.05 });
  expect(resolveJobCode(summary)).toBe(5);
});

test('a job fails without an output if its input is replaced by a longer one meanwhile', async () => {
  const bench = await openJobBench(answerPaid);
  const path = bench.write('in.csv', createList(4));
  const job = bench.run(
    {},
    {
      onEvent({ type }) {
        if (type !== 'batch_sent') return;
        writeFileSync(`${path}.new`, createList(9).replaceAll('Company', 'Another'));
        renameSync(`${path}.new`, path);
      },
    },
  );
  await expect(job).rejects.toMatchObject({ kind: 'usage', code: 'INPUT_CHANGED' });
  expect(() => bench.read('out.csv')).toThrow(/ENOENT/);
});

test.each([
  ['before its rows are counted', 'job', {}],
  ['while its rows are counted', 'progress', {}],
  ['while its sampled rows are counted', 'progress', { sample: 2 }],
  ['before its first run, which is free', 'progress', { reference: 'tables' }],
] as const)('a job that is interrupted %s leaves no job and no output', async (_title, moment, options) => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(4));
  bench.write('out.csv', 'of an earlier job\n');
  const tables = createReferenceFolder({ 'a.csv': 'company,answer\nCompany 1,yes\n' });
  const controller = new AbortController();
  const job = bench.run('reference' in options ? { reference: tables, apiUrl: undefined } : options, {
    onEvent({ type }) {
      if (type === moment) controller.abort();
    },
    signal: controller.signal,
  });
  await expect(job).rejects.toMatchObject({ name: 'AbortError' });
  expect(await bench.listJobs()).toEqual([]);
  expect(bench.read('out.csv')).toBe('of an earlier job\n');
  expect(bench.agent.tasks).toEqual([]);
  const again = await bench.run();
  expect(again.summary).toMatchObject({ stop: 'done', rows: { enriched: 4 } });
});

test('an interrupt while rows are counted leaves an earlier job unchanged', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(2));
  await bench.run();
  const [before] = await bench.listJobs();
  const output = bench.read('out.csv');
  bench.write('in.csv', createList(4));
  const controller = new AbortController();
  const job = bench.run(
    {},
    {
      onEvent({ type }) {
        if (type === 'progress') controller.abort();
      },
      signal: controller.signal,
    },
  );
  await expect(job).rejects.toMatchObject({ name: 'AbortError' });
  expect(await bench.listJobs()).toEqual([before]);
  expect(bench.read('out.csv')).toBe(output);
});
