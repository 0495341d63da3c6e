import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { enrich } from '../../src/enrich.js';
import { exportJob } from '../../src/export.js';
import type { EnrichOptions } from '../../src/options.js';
import { readTable } from '../helpers/job.js';
import { createReferenceFolder } from '../helpers/reference-folder.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const INPUT = 'company,city\nAcme Inc.,\nBolt,\n';
const TOWNS = 'company,city\nAcme,Oslo\n';

/** One folder that holds the input, the tables that answer and the results. */
async function createOneFolder() {
  const folder = createReferenceFolder({ 'in.csv': INPUT, 'towns.csv': TOWNS });
  const path = (name: string): string => join(folder, name);
  const ledger = join(await createTempFolder(), 'ledger.sqlite');
  const options = { input: path('in.csv'), fields: ['city'], reference: folder, ledger };
  const read = (name: string): string => readFileSync(path(name), 'utf8');
  return {
    path,
    read,
    ledger,
    run: (more: Partial<EnrichOptions> = {}) => enrich({ ...options, ...more }),
    readCities: (name: string) =>
      readTable(read(name)).map((row) => [row.city, row.city_citations?.replaceAll(`file://${folder}/`, '')]),
  };
}

test('in one folder with the tables, neither the input nor a result of the job is taken for a table', async () => {
  const { path, run, readCities } = await createOneFolder();
  const citationsFile = path('citations.jsonl');
  await run({ citationsFile });
  const found = [
    ['Oslo', 'towns.csv#row=2'],
    ['', ''],
  ];
  expect(readCities('in.filled.csv')).toEqual(found);
  expect(await run({ citationsFile })).toMatchObject({ reused: 2, runs: { created: 0 } });
  expect(readCities('in.filled.csv')).toEqual(found);
  writeFileSync(path('towns.csv'), 'company,city\nAcme,Trondheim\n');
  await run({ citationsFile });
  expect(readCities('in.filled.csv')[0]).toEqual(['Trondheim', 'towns.csv#row=2']);
});

test.each(['CSV', 'JSONL', 'JSON'])(
  'an earlier result beside the tables, as %s, is replaced',
  async (format) => {
    const { path, run, read } = await createOneFolder();
    const output = path(`out.${format.toLowerCase()}`);
    await run({ output });
    const first = read(`out.${format.toLowerCase()}`);
    await run({ output });
    expect(read(`out.${format.toLowerCase()}`)).toBe(first);
  },
);

test('a table that answers is not replaced by a result, under whatever name', async () => {
  const { path, run, read } = await createOneFolder();
  for (const name of ['towns.csv', './towns.csv']) {
    for (const option of ['output', 'citationsFile']) {
      const error = await run({ [option]: path(name) }).catch((caught) => caught);
      expect(error).toMatchObject({ code: 'OUTPUT_IS_INPUT', kind: 'usage' });
      expect(error.message).toContain('a table of --reference');
    }
  }
  expect(read('towns.csv')).toBe(TOWNS);
});

test('export puts no result in the place of the input', async () => {
  const { path, run, read, ledger } = await createOneFolder();
  const { jobId } = await run();
  await expect(exportJob({ job: jobId, ledger, citationsFile: path('in.csv') })).rejects.toMatchObject({
    code: 'OUTPUT_IS_INPUT',
  });
  expect(read('in.csv')).toBe(INPUT);
});

test('two results may go to one pipe or device', async () => {
  const { run } = await createOneFolder();
  if (!statSync('/dev/null', { throwIfNoEntry: false })?.isCharacterDevice()) return;
  const summary = await run({ output: '/dev/null', citationsFile: '/dev/null' });
  expect(summary.stop).toBe('done');
});
