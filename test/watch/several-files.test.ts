import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import { systemClock } from '../../src/model/clock.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import type { WatchEvent } from '../../src/watch.js';
import { answerPaid, createPaidGate } from '../helpers/paid-server.js';
import type { Script } from '../helpers/scripted-agent.js';
import { openWatchBench, type WatchBench } from '../helpers/watch-bench.js';

const RUN_MICROS = 25_000;
const NAMES = ['a.csv', 'b.csv', 'c.csv', 'd.csv', 'e.csv'];

/** Drops files whose first four rows are equal in all of them, and whose other four are their own. */
function dropHalfEqual(bench: WatchBench): readonly string[] {
  const rows = [0, 1, 2, 3];
  const shared = rows.map((row) => `Shared ${row}`);
  const own = NAMES.flatMap((name) => rows.map((row) => `${name} ${row}`));
  for (const name of NAMES) {
    const lines = [...shared, ...rows.map((row) => `${name} ${row}`)];
    bench.drop(name, ['company', ...lines, ''].join('\n'));
  }
  return [...shared, ...own].sort();
}

function listCompanies(task: AgentTask): readonly string[] {
  return (task.request.input?.data ?? []).map(({ company }) => String(company));
}

const listSent = (bench: WatchBench): readonly string[] => bench.agent.tasks.flatMap(listCompanies).sort();

/** Counts the runs that are active at the same time. */
function countActive(script: Script): { readonly script: Script; readonly peak: () => number } {
  let active = 0;
  let peak = 0;
  return {
    peak: () => peak,
    async script(task, signal) {
      active += 1;
      peak = Math.max(peak, active);
      try {
        return await script(task, signal);
      } finally {
        active -= 1;
      }
    },
  };
}

test('fills several files at once: equal rows are sent once, and all files share --concurrency', async () => {
  const gate = createPaidGate();
  const counter = countActive(gate.script);
  const bench = await openWatchBench(counter.script);
  const companies = dropHalfEqual(bench);
  const watching = bench.watch({ job: { concurrency: 3, batchSize: 4 } });
  // A file has two runs, so the third belongs to another.
  await gate.reached(3);
  const own = bench.agent.tasks.map((task) => listCompanies(task)[0]?.split(' ')[0]);
  expect(new Set(own.filter((name) => name !== 'Shared')).size).toBeGreaterThan(1);
  await expect.poll(() => bench.told('taken').map(({ file }) => file)).toEqual(NAMES.slice(0, 4));
  expect(bench.told('done')).toEqual([]);
  gate.open();
  expect(await watching).toMatchObject({ stop: 'done', done: NAMES.length, left: [] });
  expect(listSent(bench)).toEqual(companies);
  expect(counter.peak()).toBe(3);
  expect(bench.list('working')).toEqual([]);
  for (const name of NAMES) {
    const output = bench.read(`done/${name.replace('.csv', '.filled.csv')}`);
    expect(output.match(/,enriched,/g)).toHaveLength(8);
  }
});

test('with files 1, each file is done before the next is taken', async () => {
  const bench = await openWatchBench();
  dropHalfEqual(bench);
  expect(await bench.watch({ files: 1 })).toMatchObject({ done: NAMES.length });
  const order = bench.events.flatMap((event) =>
    event.type === 'taken' || event.type === 'done' ? [`${event.type} ${event.file}`] : [],
  );
  expect(order).toEqual(NAMES.flatMap((name) => [`taken ${name}`, `done ${name}`]));
});

test('two watchers of a folder fill several files each, and every row is paid for once', async () => {
  const bench = await openWatchBench();
  const companies = dropHalfEqual(bench);
  const job = { batchSize: 2 };
  const summaries = await Promise.all([bench.watch({ job, files: 2 }), bench.watch({ job, files: 2 })]);
  expect(summaries.map(({ stop }) => stop)).toEqual(['done', 'done']);
  expect(summaries.reduce((sum, { done }) => sum + done, 0)).toBe(NAMES.length);
  expect(listSent(bench)).toEqual(companies);
  expect(bench.server.report().billedMicros).toBe(bench.agent.tasks.length * RUN_MICROS);
});

test('a slow file and a failing one hold back no other', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench((task, signal) =>
    listCompanies(task).includes('Slow') ? gate.script(task, signal) : answerPaid(task, signal),
  );
  bench.drop('a-slow.csv', 'company\nSlow\n');
  bench.drop('b-empty.csv', '');
  for (const name of NAMES) bench.drop(`c-${name}`, `company\n${name}\n`);
  const ended: string[] = [];
  const onEvent = (event: WatchEvent): void => {
    if (event.type !== 'done' && event.type !== 'failed') return;
    ended.push(event.file);
    if (ended.length === NAMES.length + 1) gate.open();
  };
  const summary = await bench.watch({ files: 2 }, { onEvent });
  expect(summary).toMatchObject({ stop: 'done', done: NAMES.length + 1, failed: { usage: 1 } });
  expect(ended.at(-1)).toBe('a-slow.csv');
});

test('a stopped watcher leaves all its files, and the next one collects their runs', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  const companies = dropHalfEqual(bench);
  const stop = new AbortController();
  const options = { job: { batchSize: 4 } };
  const watching = bench.watch({ ...options, once: false }, { signal: stop.signal });
  await gate.reached(5);
  stop.abort();
  expect(await watching).toMatchObject({ stop: 'interrupted', done: 0 });
  const left = bench.told('left').map(({ file, stop: reason }) => `${file} ${reason}`);
  expect(left.sort()).toEqual(NAMES.slice(0, 4).map((name) => `${name} interrupted`));
  expect(bench.list('working')).toEqual(NAMES.slice(0, 4));
  gate.open();
  expect(await bench.watch(options)).toMatchObject({ stop: 'done', done: NAMES.length });
  expect(listSent(bench)).toEqual(companies);
});

test('if the agent refuses one file, no more are taken, and those in work are finished', async () => {
  const faults = [{ fault: 'no_credits' as const, first: 1 }];
  const bench = await openWatchBench(answerPaid, { rehearsal: resolveRehearsal({ faults }) });
  for (const name of NAMES) bench.drop(name, `company\n${name}\n`);
  const summary = await bench.watch({ once: false, files: 2 });
  expect(summary).toMatchObject({ stop: 'refused', problem: { code: 'NO_MORE_CREDITS' } });
  const taken = bench.told('taken');
  const left = bench.told('left');
  expect(left).toHaveLength(1);
  expect(bench.list('working')).toEqual(left.map(({ file }) => file));
  expect(summary.done).toBe(taken.length - 1);
  expect(await bench.watch()).toMatchObject({ stop: 'done', done: NAMES.length - summary.done });
});

test('a file that finds the daily budget reserved goes on when another file leaves some of it', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(async (task, signal) => {
    const result = await gate.script(task, signal);
    const costDollars = { total: 0.005, agentCompute: 0.005, search: 0, emails: 0, phoneNumbers: 0 };
    return { ...result, costDollars };
  });
  for (const name of ['one.csv', 'two.csv', 'three.csv']) {
    bench.drop(name, ['company', ...Array.from({ length: 8 }, (_, row) => `${name} ${row}`), ''].join('\n'));
  }
  // Room for the worst price of two runs, and for the real price of all three.
  const onEvent = (event: WatchEvent): void => {
    if (event.type === 'waiting' && event.problem.code === 'DAY_BUDGET_RESERVED') gate.open();
  };
  const summary = await bench.watch({ job: { yes: false }, maxCostPerDay: 0.06 }, { onEvent });
  expect(summary).toMatchObject({ stop: 'done', done: 3, costMicros: 15_000 });
  expect(bench.told('waiting')).toHaveLength(1);
});

test('files that meet the same used-up daily budget all wait for the next day', async () => {
  const bench = await openWatchBench();
  for (const name of NAMES.slice(0, 3)) {
    bench.drop(name, ['company', ...Array.from({ length: 24 }, (_, row) => `${name} ${row}`), ''].join('\n'));
  }
  const options = { job: { yes: false }, maxCostPerDay: 0.06 };
  expect(await bench.watch(options)).toMatchObject({ stop: 'budget', done: 0 });
  expect(bench.agent.tasks).toHaveLength(2);
  expect(bench.list('working')).toEqual(NAMES.slice(0, 3));
  const tomorrow = { ...systemClock, now: () => Date.now() + 24 * 60 * 60 * 1_000 };
  const next = await bench.watch({ ...options, maxCostPerDay: 1 }, { clock: tomorrow });
  expect(next).toMatchObject({ stop: 'done', done: 3 });
  expect(bench.agent.tasks).toHaveLength(9);
});

test('a job that becomes unusable stops all files with once, and they continue when it is mended', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  const schema = join(bench.folder, '..', 'fields.json');
  const text = '{"type":"object","properties":{"answer":{"type":"string"}}}';
  writeFileSync(schema, text);
  const job = { fields: [], schema };
  bench.drop('a.csv', 'company\nA\n');
  const watching = bench.watch({ job });
  await gate.reached(1);
  rmSync(schema);
  bench.drop('b.csv', 'company\nB\n');
  await expect(watching).rejects.toMatchObject({ code: 'SCHEMA_NOT_FOUND' });
  expect(bench.told('left')).toMatchObject([{ file: 'a.csv', stop: 'interrupted' }]);
  expect(bench.told('stopped')).toMatchObject([{ summary: { stop: 'error' } }]);
  writeFileSync(schema, text);
  gate.open();
  expect(await bench.watch({ job })).toMatchObject({ stop: 'done', done: 2 });
  expect(listSent(bench)).toEqual(['A', 'B']);
});

test('a file that is dropped while one of the same name is in work gets a number', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  bench.drop('list.csv', 'company\nFirst\n');
  const watching = bench.watch();
  await gate.reached(1);
  bench.drop('list.csv', 'company\nSecond\n');
  bench.drop('other.csv', 'company\nOther\n');
  // The other file is sent, so the folder was checked after both drops.
  await gate.reached(2);
  gate.open();
  expect(await watching).toMatchObject({ stop: 'done', done: 3, left: [] });
  expect(bench.list('done')).toEqual([
    ...['list-2.csv', 'list-2.filled.csv', 'list.csv', 'list.filled.csv', 'other.csv', 'other.filled.csv'],
  ]);
  expect(bench.read('done/list-2.filled.csv')).toContain('Second');
});

test('a folder that goes away while files are in work is reported, and all of them are finished later', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  for (const name of NAMES.slice(0, 2)) bench.drop(name, `company\n${name}\n`);
  const away = `${bench.folder}-away`;
  const stop = new AbortController();
  let aheadMs = 0;
  const onEvent = (event: WatchEvent): void => {
    if (event.type === 'waiting') aheadMs += 600_000;
    if (event.type === 'waiting' && event.file === null && existsSync(away)) {
      renameSync(away, bench.folder);
      gate.open();
    }
    if (event.type === 'done' && bench.told('done').length === 2) stop.abort();
  };
  const clock = {
    ...systemClock,
    now: () => Date.now() + aheadMs,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
  };
  const watching = bench.watch({ once: false }, { clock, signal: stop.signal, onEvent });
  await gate.reached(2);
  renameSync(bench.folder, away);
  expect(await watching).toMatchObject({ stop: 'interrupted', done: 2 });
  expect(bench.list('done')).toEqual(['a.csv', 'a.filled.csv', 'b.csv', 'b.filled.csv']);
  expect(bench.agent.tasks).toHaveLength(2);
});

test.each([0, -1, 1.5, 101, Number.NaN])('refuses to fill %s files at once', async (files) => {
  const bench = await openWatchBench();
  bench.drop('a.csv', 'company\nA\n');
  await expect(bench.watch({ files })).rejects.toMatchObject({ code: 'BAD_OPTION' });
  expect(bench.list('.')).toEqual(['a.csv']);
});
