import { appendFileSync, copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exportJob } from '../../src/export.js';
import type { EnrichEvent } from '../../src/model/events.js';
import { mergeRecipe, readRecipe } from '../../src/recipe/read-recipe.js';
import { createList, type JobBench, openJobBench } from '../helpers/job.js';
import { answerRows } from '../helpers/scripted-agent.js';

/** Runs a job without --output. */
async function runUnnamed(bench: JobBench, options = {}) {
  const notes: string[] = [];
  const onEvent = (event: EnrichEvent) => {
    if (event.type === 'note' && event.code === 'OUTPUT_RENAMED') notes.push(event.message);
  };
  const usual = join(bench.folder, 'in.filled.csv');
  // The bench reads the file set as `output`, so create it first.
  if (!existsSync(join(bench.folder, 'out.csv'))) bench.write('out.csv', '');
  const { summary } = await bench.run({ output: undefined, ...options }, { onEvent });
  return { usual, output: summary.output.slice(bench.folder.length + 1), notes, summary };
}

async function openBench() {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(3));
  return bench;
}

test('the same command replaces its own output, even after rows were added to the input', async () => {
  const bench = await openBench();
  expect(await runUnnamed(bench)).toMatchObject({ output: 'in.filled.csv', notes: [] });
  bench.write('in.csv', createList(4));
  expect(await runUnnamed(bench)).toMatchObject({ output: 'in.filled.csv', notes: [] });
  expect(bench.read('in.filled.csv')).toContain('Company 4');
});

test('keeps a default output of another job, which -o can replace', async () => {
  const bench = await openBench();
  await runUnnamed(bench);
  const first = bench.read('in.filled.csv');
  const second = await runUnnamed(bench, { query: 'Something else.' });
  expect(second.output).toBe('in.filled-2.csv');
  expect(second.notes).toEqual([
    `${second.usual} is the output of another job, so the output goes to ${join(bench.folder, 'in.filled-2.csv')}. To replace it, use --output ${second.usual}.`,
  ]);
  expect(bench.read('in.filled.csv')).toBe(first);
  expect(await runUnnamed(bench, { query: 'A third thing.' })).toMatchObject({ output: 'in.filled-3.csv' });
  // Each continues with its own output, even once the usual path is free.
  expect(await runUnnamed(bench, { query: 'Something else.' })).toMatchObject({ output: 'in.filled-2.csv' });
  rmSync(join(bench.folder, 'in.filled.csv'));
  expect(await runUnnamed(bench, { query: 'Something else.' })).toMatchObject({ output: 'in.filled-2.csv' });
  expect(await runUnnamed(bench)).toMatchObject({ output: 'in.filled.csv' });
  const named = await bench.run({ output: second.usual, query: 'Something else.' });
  expect(named.summary.output).toBe(second.usual);
});

const FOREIGN: readonly (readonly [string, (bench: JobBench) => void, string])[] = [
  ['a table of the user', (bench) => bench.write('in.filled.csv', 'company,ceo\nA,B\n'), 'did not write'],
  ['a text', (bench) => bench.write('in.filled.csv', 'notes'), 'did not write'],
  [
    'an output whose ledger is gone',
    (bench) => bench.write('in.filled.csv', 'company,enrichment_status,enrichment_run_id\nA,enriched,r\n'),
    'is the output of another job',
  ],
];

test.each(FOREIGN)('keeps %s at the default output path', async (_what, make, reason) => {
  const bench = await openBench();
  make(bench);
  const before = bench.read('in.filled.csv');
  const { output, notes } = await runUnnamed(bench);
  expect(output).toBe('in.filled-2.csv');
  expect(notes[0]).toContain(reason);
  expect(bench.read('in.filled.csv')).toBe(before);
});

test('does not replace an output that the user changed', async () => {
  const bench = await openBench();
  await runUnnamed(bench);
  appendFileSync(join(bench.folder, 'in.filled.csv'), 'mine\n');
  const { output, notes } = await runUnnamed(bench);
  expect(output).toBe('in.filled-2.csv');
  expect(notes[0]).toContain('was changed since rowfill wrote it');
  expect(bench.read('in.filled.csv')).toMatch(/mine\n$/);
});

test('replaces an empty file', async () => {
  const bench = await openBench();
  bench.write('in.filled.csv', '');
  expect(await runUnnamed(bench)).toMatchObject({ output: 'in.filled.csv' });
});

test('keeps a foreign file created at the usual path while the job runs', async () => {
  const bench = await openBench();
  bench.write('out.csv', '');
  const onEvent = (event: EnrichEvent) => {
    if (event.type === 'progress') bench.write('in.filled.csv', 'company\nmine\n');
  };
  const { summary } = await bench.run({ output: undefined }, { onEvent });
  expect(summary.output).toBe(join(bench.folder, 'in.filled-2.csv'));
  expect(bench.read('in.filled.csv')).toBe('company\nmine\n');
});

test('also recognizes and numbers compressed outputs', async () => {
  const bench = await openBench();
  const { gzipSync } = await import('node:zlib');
  writeFileSync(join(bench.folder, 'in.csv.gz'), gzipSync(createList(2)));
  const input = join(bench.folder, 'in.csv.gz');
  expect(await runUnnamed(bench, { input })).toMatchObject({ output: 'in.filled.csv.gz' });
  expect(await runUnnamed(bench, { input })).toMatchObject({ output: 'in.filled.csv.gz' });
  expect(await runUnnamed(bench, { input, query: 'Else.' })).toMatchObject({ output: 'in.filled-2.csv.gz' });
});

test('a citations file from a recipe does not replace a foreign file; one from the command line does', async () => {
  const bench = await openBench();
  const recipe = bench.write('r.yaml', 'fields: [answer]\noutput: {citations_file: customers.csv}\n');
  bench.write('customers.csv', 'company\nMine\n');
  const run = async (more = {}) => {
    const { fields: _fields, ...given } = { fields: undefined, input: join(bench.folder, 'in.csv'), ...more };
    return bench.run({ fields: undefined, ...mergeRecipe(given, await readRecipe(recipe, {})) });
  };
  await expect(run()).rejects.toMatchObject({
    code: 'OUTPUT_NOT_OURS',
    message: expect.stringMatching(
      /r\.yaml:2:10 names .*customers\.csv, which is a file that rowfill did not write/,
    ),
  });
  expect(bench.agent.tasks).toHaveLength(0);
  expect(bench.read('customers.csv')).toBe('company\nMine\n');
  await run({ citationsFile: join(bench.folder, 'customers.csv') });
  expect(bench.read('customers.csv')).not.toContain('Mine');
  // From now on, rowfill wrote the file.
  await run();
  copyFileSync(join(bench.folder, 'out.csv'), join(bench.folder, 'customers.csv'));
  await expect(run()).rejects.toMatchObject({ code: 'OUTPUT_NOT_OURS' });
});

test('export replaces the output of its job only if it is unchanged', async () => {
  const bench = await openBench();
  const { summary } = await runUnnamed(bench);
  const job = summary.jobId;
  const ledger = join(bench.folder, 'ledger.sqlite');
  expect(await exportJob({ job, ledger })).toMatchObject({ rows: { total: 3 } });
  appendFileSync(join(bench.folder, 'in.filled.csv'), 'mine\n');
  await expect(exportJob({ job, ledger })).rejects.toMatchObject({ code: 'OUTPUT_NOT_OURS' });
  expect(bench.read('in.filled.csv')).toMatch(/mine\n$/);
  await exportJob({ job, ledger, output: join(bench.folder, 'in.filled.csv') });
  expect(bench.read('in.filled.csv')).not.toContain('mine');
});
