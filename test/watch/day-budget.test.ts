import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { systemClock } from '../../src/model/clock.js';
import { ID_FILE, openFolders, readFolderId } from '../../src/watch/folders.js';
import { watchFolder } from '../../src/watch.js';
import { createList, openJobBench } from '../helpers/job.js';
import { answerPaid, createPaidGate } from '../helpers/paid-server.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { openWatchBench } from '../helpers/watch-bench.js';

const RUN_MICROS = 25_000;
const tomorrow = { ...systemClock, now: () => Date.now() + 24 * 60 * 60 * 1_000 };

test('two watchers of a folder fill two files at once and together keep its daily budget', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  for (const name of ['one.csv', 'two.csv']) bench.drop(name, createList(40));
  // One file each, or the first watcher may take both. Two different jobs, since only one process at a time works on a job.
  const watch = (query: string, maxCostPerDay: number, hooks = {}) =>
    bench.watch({ job: { query, yes: false, concurrency: 1 }, files: 1, maxCostPerDay }, hooks);
  const watching = [watch('Who leads it?', 0.11), watch('Where is it?', 0.11)];
  // Both have active runs before any has ended, so neither waits for the other.
  await gate.reached(2);
  gate.open();
  const summaries = await Promise.all(watching);
  expect(summaries.map(({ stop }) => stop)).toEqual(['budget', 'budget']);
  expect(bench.agent.tasks).toHaveLength(4);
  expect(bench.list('working')).toEqual(['one.csv', 'two.csv']);
});

test('moving a folder or removing its hidden file does not reset its daily budget', async () => {
  const bench = await openWatchBench();
  const options = { job: { yes: false }, maxCostPerDay: 0.06 };
  bench.drop('one.csv', createList(16));
  expect(await bench.watch(options)).toMatchObject({ done: 1, costMicros: 2 * RUN_MICROS });
  const moved = `${bench.folder}-moved`;
  renameSync(bench.folder, moved);
  mkdirSync(bench.folder);
  writeFileSync(join(moved, 'two.csv'), createList(24));
  expect(await bench.watch({ ...options, folder: moved })).toMatchObject({ stop: 'budget', done: 0 });
  rmSync(join(moved, ID_FILE));
  expect(await bench.watch({ ...options, folder: moved })).toMatchObject({ stop: 'budget', done: 0 });
  expect(existsSync(join(moved, ID_FILE))).toBe(true);
  expect(bench.agent.tasks).toHaveLength(2);
  // The new folder at the old path has spent nothing.
  bench.drop('three.csv', createList(40).replaceAll('Company', 'Other'));
  expect(await bench.watch(options)).toMatchObject({ stop: 'budget' });
  expect(bench.agent.tasks).toHaveLength(4);
});

test('ignores a folder or invalid text in place of the id file', async () => {
  const folder = await createTempFolder();
  const ledger = join(folder, 'ledger.sqlite');
  const root = join(folder, 'drop');
  mkdirSync(root);
  const folders = await openFolders(root);
  const id = await readFolderId(folders, ledger);
  const path = join(root, ID_FILE);
  expect(readFileSync(path, 'utf8').trim()).toBe(id);
  for (const words of ['', id.slice(1), `${id}x`, 'x'.repeat(10_000)]) {
    writeFileSync(path, words);
    expect(await readFolderId(folders, ledger)).toBe(id);
    expect(readFileSync(path, 'utf8').trim()).toBe(id);
  }
  rmSync(path);
  mkdirSync(path);
  expect(await readFolderId(folders, ledger)).toBe(id);
  // A read-only folder is recognized by device and inode.
  rmSync(path, { recursive: true });
  chmodSync(root, 0o555);
  expect(await readFolderId(folders, ledger)).toBe(id);
  chmodSync(root, 0o755);
});

test('the daily budget of a ledger covers jobs and folders; a watcher waits, and all say which budget is used up', async () => {
  const bench = await openWatchBench();
  const ledger = join(bench.folder, '../ledger.sqlite');
  const job = { ledger, ledgerMaxCostPerDay: 0.11 };
  bench.drop('one.csv', createList(16));
  expect(await bench.watch({ job })).toMatchObject({ done: 1, costMicros: 2 * RUN_MICROS });
  const jobs = await openJobBench(answerPaid);
  jobs.write('in.csv', createList(40).replaceAll('Company', 'Other'));
  const first = await jobs.run({ ...job, concurrency: 1 });
  expect(first.summary).toMatchObject({
    stop: 'budget',
    costMicros: 2 * RUN_MICROS,
    budget: { scope: 'ledger_day', capMicros: 110_000, usedMicros: 100_000 },
    rows: { over_budget: 24 },
  });
  // The folder's budget is not used up, but the ledger's is.
  bench.drop('two.csv', createList(24));
  const today = await bench.watch({ job: { ...job, yes: false }, maxCostPerDay: 5 });
  expect(today).toMatchObject({
    stop: 'budget',
    problem: { code: 'DAY_BUDGET_REACHED', message: expect.stringContaining('ROWFILL_MAX_COST_PER_DAY') },
  });
  expect(bench.list('working')).toEqual(['two.csv']);
  // Pruning does not restore the budget.
  const opened = await openLedger(ledger);
  await opened.prune({ asksBeforeMs: Date.now() + 60_000 });
  await opened.close();
  expect(await bench.watch({ job })).toMatchObject({ stop: 'budget' });
  expect(await bench.watch({ job }, { clock: tomorrow })).toMatchObject({ stop: 'done', done: 1 });
});

test('a free job needs no budget; an invalid amount is refused before anything is touched', async () => {
  const bench = await openWatchBench();
  bench.drop('one.csv', createList(3));
  for (const ledgerMaxCostPerDay of [-1, Number.NaN, 2e6]) {
    await expect(bench.watch({ job: { ledgerMaxCostPerDay } })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('ledgerMaxCostPerDay'),
    });
  }
  expect(bench.list('.')).toEqual(['one.csv']);
  const reference = await createTempFolder();
  writeFileSync(join(reference, 'facts.csv'), 'company,answer\nCompany 0,yes\n');
  const job = { apiUrl: undefined, reference, ledgerMaxCostPerDay: 0 };
  await watchFolder({
    folder: bench.folder,
    ...{ once: true, settleMs: 20, pollMs: 5 },
    job: { fields: ['answer'], ledger: join(bench.folder, '../ledger.sqlite'), ...job },
  });
  expect(bench.list('done')).toContain('one.csv');
});
