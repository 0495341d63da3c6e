import { cpSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { expect, test } from 'vitest';
import { exportJob } from '../../src/export.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createList, readTable } from '../helpers/job.js';
import { openWatchBench, type WatchBench } from '../helpers/watch-bench.js';

async function readPlaces(bench: WatchBench) {
  const ledger = await openLedger(join(bench.folder, '../ledger.sqlite'));
  const jobs = (await ledger.listJobs()).map(({ id, place }) => ({
    id,
    input: place?.input.slice(bench.folder.length + 1).replaceAll(sep, '/'),
    output: place?.output?.slice(bench.folder.length + 1).replaceAll(sep, '/'),
  }));
  await ledger.close();
  return jobs;
}

function createExport(bench: WatchBench, job: string) {
  return { job, ledger: join(bench.folder, '../ledger.sqlite') };
}

test('a job knows the final path of its file and can be exported from there', async () => {
  const bench = await openWatchBench();
  for (const count of [3, 4]) {
    bench.drop('list.csv', createList(count));
    await bench.watch();
  }
  const [second, first] = await readPlaces(bench);
  expect(first).toMatchObject({ input: 'done/list.csv', output: 'done/list.filled.csv' });
  expect(second).toMatchObject({ input: 'done/list-2.csv', output: 'done/list-2.filled.csv' });
  const before = bench.read('done/list-2.filled.csv');
  rmSync(join(bench.folder, 'done/list-2.filled.csv'));
  // Its own output there may be replaced.
  for (let again = 0; again < 2; again += 1) {
    const { output, rows } = await exportJob(createExport(bench, second?.id ?? ''));
    expect(output).toBe(join(bench.folder, 'done/list-2.filled.csv'));
    expect(rows.enriched).toBe(4);
    expect(bench.read('done/list-2.filled.csv')).toBe(before);
  }
  // One changed by the user may not.
  writeFileSync(join(bench.folder, 'done/list.filled.csv'), 'mine\n');
  await expect(exportJob(createExport(bench, first?.id ?? ''))).rejects.toMatchObject({
    code: 'OUTPUT_NOT_OURS',
  });
  const output = join(bench.folder, '../copy.csv');
  await exportJob({ ...createExport(bench, first?.id ?? ''), output });
  expect(bench.read('../copy.csv').split('\n')).toHaveLength(5);
});

test('a job knows its file in failed/, and in done/ after the file was dropped again', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(20));
  await bench.watch({ job: { maxCost: 0.03 } });
  const [failed] = await readPlaces(bench);
  expect(failed).toMatchObject({ input: 'failed/list.csv', output: 'failed/list.filled.csv' });
  const { output } = await exportJob({ ...createExport(bench, failed?.id ?? ''), format: 'csv' });
  const statuses = readTable(bench.read(output.slice(bench.folder.length + 1))).map(
    (row) => row.enrichment_status,
  );
  expect(statuses.filter((status) => status === 'over_budget')).toHaveLength(12);
  renameSync(join(bench.folder, 'failed/list.csv'), join(bench.folder, 'list.csv'));
  await bench.watch();
  expect((await readPlaces(bench))[0]).toMatchObject({
    input: 'done/list.csv',
    output: 'done/list.filled.csv',
  });
});

test('the final path is also recorded if the next watcher moves the file', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  const done = join(bench.folder, 'done');
  const stopped = bench.watch(
    {},
    {
      onEvent(event) {
        if (event.type !== 'job' || event.event.type !== 'written') return;
        replaceFolder(done);
      },
    },
  );
  await expect(stopped).rejects.toMatchObject({ code: 'WATCH_TROUBLE' });
  expect(await readPlaces(bench)).toMatchObject([{ input: undefined, output: undefined }]);
  rmSync(done);
  expect(await bench.watch()).toMatchObject({ done: 1 });
  expect(await readPlaces(bench)).toMatchObject([{ input: 'done/list.csv', output: 'done/list.filled.csv' }]);
  expect(bench.agent.tasks).toHaveLength(1);
});

/** Puts a file in the place of a folder. The watcher may be making the folder again at this moment. */
function replaceFolder(path: string): void {
  for (let tries = 0; !statSync(path, { throwIfNoEntry: false })?.isFile(); tries += 1) {
    if (tries === 1_000) throw new Error(`${path} is made again and again`);
    rmSync(path, { recursive: true, force: true });
    try {
      writeFileSync(path, 'no folder');
    } catch {
      // It is a folder again.
    }
  }
}

test('jobs follow a moved folder, but not a copy of it', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  await bench.watch();
  const moved = join(bench.folder, '../moved');
  renameSync(bench.folder, moved);
  // A different folder at the old path.
  mkdirSync(bench.folder);
  expect(await bench.watch({ folder: moved })).toMatchObject({ done: 0 });
  const ledger = await openLedger(join(bench.folder, '../ledger.sqlite'));
  const readPlaced = async () => (await ledger.listJobs()).map(({ place }) => place);
  const places = [{ input: join(moved, 'done/list.csv'), output: join(moved, 'done/list.filled.csv') }];
  expect(await readPlaced()).toEqual(places);
  const { output } = await exportJob(createExport(bench, (await ledger.listJobs())[0]?.id ?? ''));
  expect(output).toBe(places[0]?.output);

  const copy = join(bench.folder, '../copy');
  cpSync(moved, copy, { recursive: true });
  await bench.watch({ folder: copy });
  expect(await readPlaced()).toEqual(places);
  await ledger.close();
});
