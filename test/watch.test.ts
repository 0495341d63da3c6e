import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveWatchCode } from '../src/cli/report-error.js';
import { createStatusRecord, createWatchStatus, followWatch } from '../src/cli/watch-status.js';
import { openLedger } from '../src/ledger/open-ledger.js';
import { systemClock } from '../src/model/clock.js';
import { resolveRehearsal } from '../src/server/rehearsal/resolve-rehearsal.js';
import { ID_FILE } from '../src/watch/folders.js';
import type { WatchEvent, WatchInspector } from '../src/watch.js';
import { createList, readTable } from './helpers/job.js';
import {
  createTestAsk,
  createTestBatch,
  createTestJob,
  createTestRun,
  reserveTestBatch,
} from './helpers/ledger-samples.js';
import { answerPaid, createPaidGate } from './helpers/paid-server.js';
import { openWatchBench } from './helpers/watch-bench.js';

const RUN_MICROS = 25_000;
const NO_FAILURES = { usage: 0, budget: 0, unreachable: 0, defect: 0, nothing_found: 0 };

/** A clock that is a day ahead. */
const tomorrow = { ...systemClock, now: () => Date.now() + 24 * 60 * 60 * 1_000 };

test('moves each file to done with its output or to failed with a reason, in order of arrival', async () => {
  const bench = await openWatchBench();
  bench.drop('empty.csv', '');
  utimesSync(bench.drop('list.csv', createList(3)), 1, 1);
  const summary = await bench.watch();
  expect(summary).toEqual({
    ...{ stop: 'done', problem: null, done: 1, failed: { ...NO_FAILURES, usage: 1 } },
    ...{ rowsFailed: 0, costMicros: RUN_MICROS, left: [] },
  });
  expect(bench.list('.')).toEqual(['done', 'failed', 'working']);
  expect(bench.list('working')).toEqual([]);
  expect(bench.list('done')).toEqual(['list.csv', 'list.filled.csv']);
  expect(bench.list('failed')).toEqual(['empty.csv', 'empty.csv.error.txt']);
  expect(bench.read('done/list.csv')).toBe(createList(3));
  const rows = readTable(bench.read('done/list.filled.csv'));
  expect(rows.map((row) => row.enrichment_status)).toEqual(['enriched', 'enriched', 'enriched']);
  expect(bench.told('taken').map((event) => event.file)).toEqual(['list.csv', 'empty.csv']);
});

test('a report that cannot be written fails no file, and the log says why', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  // The page of the report is made by the build, and is not next to the source.
  expect(await bench.watch({ report: true })).toMatchObject({ stop: 'done', done: 1, problem: null });
  expect(bench.list('done')).toEqual(['list.csv', 'list.filled.csv']);
  expect(bench.told('job').map(({ event }) => event)).toContainEqual({
    type: 'note',
    code: 'REPORT_NOT_WRITTEN',
    message: expect.stringContaining('The report list.report.html was not written'),
  });
});

test('the same content costs nothing again, and the same name overwrites nothing', async () => {
  const bench = await openWatchBench();
  for (const content of [createList(3), createList(3), createList(4)]) {
    bench.drop('list.csv', content);
    await bench.watch({ job: { citationsFile: 'anywhere.jsonl' } });
  }
  expect(bench.told('done').map(({ file, output, summary }) => [file, output, summary.costMicros])).toEqual([
    ['list.csv', 'done/list.filled.csv', RUN_MICROS],
    ['list-2.csv', 'done/list-2.filled.csv', 0],
    ['list-3.csv', 'done/list-3.filled.csv', RUN_MICROS],
  ]);
  expect(bench.read('done/list-2.filled.csv').split('\n')).toHaveLength(5);
  expect(bench.list('done').filter((name) => name.includes('citations'))).toHaveLength(3);
});

test('the budget applies to each drop of a file, and answered rows are not paid for twice', async () => {
  const bench = await openWatchBench();
  const job = { yes: false, maxCost: 0.06 };
  bench.drop('list.csv', createList(40));
  expect(await bench.watch({ job })).toMatchObject({
    done: 0,
    failed: { budget: 1 },
    costMicros: 2 * RUN_MICROS,
  });
  expect(bench.list('failed')).toEqual(['list.csv', 'list.csv.error.txt', 'list.filled.csv']);
  expect(bench.read('failed/list.csv.error.txt')).toContain('16 of 40 rows are answered, for $0.05');
  expect(bench.read('failed/list.filled.csv')).toContain('over_budget');
  for (let again = 0; again < 2; again += 1) {
    bench.drop('list.csv', createList(40));
    await bench.watch({ job });
  }
  expect(bench.list('done')).toEqual(['list.csv', 'list.filled.csv']);
  expect(bench.list('failed')).toEqual([]);
  expect(bench.agent.tasks).toHaveLength(5);
});

test('with the daily budget used up, a file waits for the next day and then continues', async () => {
  const bench = await openWatchBench();
  const options = { job: { yes: false }, maxCostPerDay: 0.06 };
  bench.drop('list.csv', createList(40));
  const today = await bench.watch(options);
  expect(today).toMatchObject({ stop: 'budget', problem: { code: 'DAY_BUDGET_REACHED' }, done: 0 });
  expect(bench.list('working')).toEqual(['list.csv']);
  // Nothing is left of today's budget.
  await bench.watch(options);
  expect(bench.agent.tasks).toHaveLength(2);
  const next = await bench.watch({ ...options, maxCostPerDay: 1 }, { clock: tomorrow });
  expect(next).toMatchObject({ stop: 'done', done: 1, costMicros: 5 * RUN_MICROS });
  expect(bench.agent.tasks).toHaveLength(5);
  expect(bench.told('taken').map((event) => event.resumed)).toEqual([false, true, true]);
});

test('warns once when little of the daily budget is left, separately from the file’s budget', async () => {
  const bench = await openWatchBench();
  const notes = () =>
    bench
      .told('job')
      .flatMap(({ file, event }) =>
        event.type === 'note' && event.code === 'BUDGET_NEARLY_SPENT' ? [`${file}: ${event.message}`] : [],
      );
  const job = { yes: false, maxCost: 10, concurrency: 1 };
  const options = { job, maxCostPerDay: 0.15 };
  bench.drop('one.csv', createList(16));
  await bench.watch(options);
  expect(notes()).toEqual([]);
  bench.drop('two.csv', createList(32).replaceAll('Company', 'Firm'));
  await bench.watch(options);
  expect(notes()).toEqual(['two.csv: $0.025 is left of the $0.15 daily budget for the files of this folder']);
  await bench.watch({ ...options, job: { ...job, maxCost: 0.05 }, maxCostPerDay: 100 }, { clock: tomorrow });
  bench.drop('three.csv', createList(16).replaceAll('Company', 'House'));
  await bench.watch({ job: { ...job, maxCost: 0.05 }, maxCostPerDay: 100 });
  expect(notes().slice(1)).toEqual(['three.csv: $0.05 of the $0.05 budget of this job is spent']);
});

test('pruning the answers of finished files does not restore the daily budget', async () => {
  const bench = await openWatchBench();
  const options = { job: { yes: false }, maxCostPerDay: 0.06 };
  bench.drop('one.csv', createList(16));
  expect(await bench.watch(options)).toMatchObject({ done: 1, costMicros: 2 * RUN_MICROS });
  const ledger = await openLedger(join(bench.folder, '../ledger.sqlite'));
  expect(await ledger.prune({ asksBeforeMs: Date.now() + 60_000 })).toMatchObject({ jobs: 1, answers: 16 });
  await ledger.close();
  bench.drop('two.csv', createList(16));
  expect(await bench.watch(options)).toMatchObject({ done: 0, stop: 'budget' });
  expect(bench.agent.tasks).toHaveLength(2);
});

test('checks the daily budget before each run start while filling a file', async () => {
  const bench = await openWatchBench(async (task, signal) => {
    if (bench.agent.tasks.length === 1) {
      // Like another file of this folder whose run ends now.
      const ledger = await openLedger(join(bench.folder, '../ledger.sqlite'));
      const input = join(bench.folder, 'working/other.csv/1/other.csv');
      const folder = bench.read(ID_FILE).trim();
      const job = await ledger.openJob(createTestJob(createTestAsk(), input, { folder }));
      const batch = createTestBatch(job, ['Acme'], { reserveMicros: 1 });
      await reserveTestBatch(ledger, batch);
      const run = createTestRun('run of another file', 60_000);
      await ledger.settleBatches([{ batch, run, answers: [], failures: [] }]);
      await ledger.close();
    }
    return answerPaid(task, signal);
  });
  bench.drop('list.csv', createList(40));
  const options = { job: { yes: false, concurrency: 1 }, maxCostPerDay: 0.1 };
  const today = await bench.watch(options);
  expect(today).toMatchObject({ stop: 'budget', problem: { code: 'DAY_BUDGET_REACHED' }, done: 0 });
  // At first there was budget for four runs.
  expect(bench.agent.tasks).toHaveLength(1);
  expect(await bench.watch(options)).toMatchObject({ stop: 'budget' });
  expect(bench.agent.tasks).toHaveLength(1);
});

test('a file fails if the daily budget is too small for a single run', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  const summary = await bench.watch({ job: { yes: false }, maxCostPerDay: 0.01 });
  expect(summary).toMatchObject({ stop: 'done', failed: { budget: 1 } });
  expect(bench.agent.tasks).toHaveLength(0);
});

test('touches no file if the cost is not confirmed', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  await expect(bench.watch({ job: { yes: false } })).rejects.toMatchObject({ code: 'COST_NOT_CONFIRMED' });
  expect(bench.list('.')).toEqual(['list.csv']);
});

test('a job that cannot fill any file is an error of the watcher, before the first file and later', async () => {
  const bench = await openWatchBench();
  const schema = bench.drop(
    'answer.schema.json',
    '{"type":"object","properties":{"answer":{"type":"string"}}}',
  );
  bench.drop('list.csv', createList(3));
  await expect(bench.watch({ job: { fields: [], schema: `${schema}x` } })).rejects.toMatchObject({
    code: 'SCHEMA_NOT_FOUND',
  });
  expect(bench.list('.')).toEqual(['answer.schema.json', 'list.csv']);
  const broken = bench.watch(
    { job: { fields: [], schema } },
    { onEvent: (event) => event.type === 'taken' && rmSync(schema) },
  );
  await expect(broken).rejects.toMatchObject({ code: 'SCHEMA_NOT_FOUND' });
  expect(bench.told('ignored')).toMatchObject([{ file: 'answer.schema.json' }]);
  expect([bench.list('failed'), bench.list('working')]).toEqual([[], ['list.csv']]);
});

test('an agent that refuses stops the watcher; the file stays and continues once the agent accepts', async () => {
  const faults = [{ fault: 'no_credits' as const, first: 1 }];
  const bench = await openWatchBench(answerPaid, { rehearsal: resolveRehearsal({ faults }) });
  bench.drop('list.csv', createList(3));
  bench.drop('next.csv', createList(3));
  const refused = await bench.watch({ once: false, files: 1 });
  expect(refused).toMatchObject({ stop: 'refused', problem: { code: 'NO_MORE_CREDITS' } });
  expect([bench.list('working'), bench.list('.')]).toEqual([
    ['list.csv'],
    ['done', 'failed', 'next.csv', 'working'],
  ]);
  expect(await bench.watch()).toMatchObject({ stop: 'done', done: 2 });
});

test('with an unreachable agent, the file stays for next time with once, else it is retried', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  const nobody = { job: { apiUrl: 'http://127.0.0.1:9' } };
  const stop = new AbortController();
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(0, signal),
  };
  const onEvent = (event: WatchEvent): void => {
    if (event.type === 'waiting') stop.abort();
  };
  expect(await bench.watch(nobody)).toMatchObject({
    stop: 'unreachable',
    problem: { code: expect.any(String) },
  });
  expect(bench.list('working')).toEqual(['list.csv']);
  const hooks = { clock, signal: stop.signal, onEvent };
  expect(await bench.watch({ ...nobody, once: false }, hooks)).toMatchObject({ stop: 'interrupted' });
  expect(bench.list('working')).toEqual(['list.csv']);
  expect(await bench.watch()).toMatchObject({ stop: 'done', done: 1 });
});

test('the backlog counts the current file and complete waiting files, and nothing that is not a drop', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  const inspectors: WatchInspector[] = [];
  bench.drop('list.csv', createList(3));
  const watching = bench.watch({}, { onStart: (inspector) => inspectors.push(inspector) });
  await gate.reached(1);
  const [inspector] = inspectors;
  const count = () => inspector?.countBacklog();
  expect(await count()).toBe(1);
  for (const name of ['two.csv', 'three.csv', 'notes.txt', 'four.csv.part']) bench.drop(name, createList(3));
  mkdirSync(join(bench.folder, 'working/mine/deep'), { recursive: true });
  await expect.poll(count).toBe(3);
  gate.open();
  expect(await watching).toMatchObject({ done: 3 });
  expect(await count()).toBe(0);
  rmSync(bench.folder, { recursive: true });
  await expect(count()).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the cost of the day is the amount billed, across restarts and however the runs ended', async () => {
  const bench = await openWatchBench((task, signal) => {
    if (bench.agent.tasks.length === 2) throw new Error('broken');
    return answerPaid(task, signal);
  });
  let status = createWatchStatus(Date.now());
  const onEvent = (event: WatchEvent): void => {
    status = followWatch(status, event, Date.now());
  };
  const read = () => Number(createStatusRecord(status, 0, Date.now()).cost_today_usd) * 1_000_000;
  bench.drop('list.csv', createList(40));
  bench.drop('other.csv', createList(40).replaceAll('Company', 'Firm'));
  const stop = new AbortController();
  const stopAtFirst = (event: WatchEvent): void => {
    onEvent(event);
    if (event.type === 'job' && event.event.type === 'batch_settled') stop.abort();
  };
  await bench.watch({ job: { concurrency: 1 } }, { signal: stop.signal, onEvent: stopAtFirst });
  const before = read();
  expect(before).toBeGreaterThanOrEqual(RUN_MICROS);
  const summary = await bench.watch({}, { onEvent });
  expect(read()).toBe(summary.costMicros);
  expect(read()).toBe(bench.server.report().billedMicros);
});

test('a stopped watcher leaves its file, and the next one collects the active run', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  bench.drop('list.csv', createList(3));
  const stop = new AbortController();
  const watching = bench.watch({ once: false }, { signal: stop.signal });
  await gate.reached(1);
  stop.abort();
  expect(await watching).toMatchObject({ stop: 'interrupted', done: 0 });
  expect(bench.told('left')).toMatchObject([{ file: 'list.csv', stop: 'interrupted' }]);
  gate.open();
  expect(await bench.watch()).toMatchObject({ stop: 'done', done: 1 });
  expect(bench.agent.tasks).toHaveLength(1);
});

test('a file changed after it was taken is filled again, sending only its new rows', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  bench.drop('list.csv', createList(8));
  const watching = bench.watch();
  await gate.reached(1);
  const [room = ''] = readdirSync(join(bench.folder, 'working/list.csv')).filter(
    (name) => !name.includes('.'),
  );
  appendFileSync(join(bench.folder, 'working/list.csv', room, 'list.csv'), 'Latecomer\n');
  gate.open();
  expect(await watching).toMatchObject({ stop: 'done', done: 1 });
  expect(bench.told('waiting')).toMatchObject([{ file: 'list.csv', problem: { code: 'INPUT_CHANGED' } }]);
  const asked = bench.agent.tasks.map((task) => task.request.input?.data?.map((record) => record.company));
  expect(asked.at(-1)).toEqual(['Latecomer']);
  expect(asked).toHaveLength(2);
  expect(readTable(bench.read('done/list.filled.csv')).at(-1)).toMatchObject({ company: 'Latecomer' });
});

test('two watchers share a folder, and each file is filled and paid for once', async () => {
  const bench = await openWatchBench();
  const names = Array.from({ length: 12 }, (_, index) => `list-${index}.csv`);
  for (const name of names) bench.drop(name, `company\nCompany of ${name}\n`);
  const summaries = await Promise.all([bench.watch(), bench.watch(), bench.watch()]);
  expect(summaries.reduce((sum, summary) => sum + summary.done, 0)).toBe(12);
  expect(bench.list('done').filter((name) => !name.includes('filled'))).toEqual(names.sort());
  expect(bench.list('failed')).toEqual([]);
  expect(bench.agent.tasks).toHaveLength(12);
});

test('with a schedule, new files wait for the next time, and started ones continue', async () => {
  const bench = await openWatchBench();
  bench.drop('begun.csv', createList(3));
  const stopped = new AbortController();
  await bench.watch(
    {},
    { onEvent: (event) => event.type === 'taken' && stopped.abort(), signal: stopped.signal },
  );
  expect(bench.list('working')).toEqual(['begun.csv']);

  bench.drop('list.csv', createList(4));
  const start = new Date(2026, 4, 7, 5, 0).getTime();
  let nowMs = start;
  const stop = new AbortController();
  const order: unknown[] = [];
  const note = (event: WatchEvent): void => {
    if (event.type === 'done') order.push(event.file);
    if (event.type !== 'watching') return;
    order.push(event.nextAtMs);
    if (order.length === 4) stop.abort();
  };
  const clock = {
    ...systemClock,
    now: () => nowMs,
    async sleep(delayMs: number): Promise<void> {
      nowMs += delayMs;
      await systemClock.sleep(1);
    },
  };
  const options = { once: false, schedule: '0 6 * * *' };
  await bench.watch(options, { clock, onEvent: note, signal: stop.signal });
  const six = new Date(2026, 4, 7, 6, 0).getTime();
  expect(order).toEqual(['begun.csv', six, 'list.csv', six + 24 * 60 * 60 * 1_000]);
});

test('with once, a slow folder is not mistaken for an empty one', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  let nowMs = Date.now();
  // Every check takes longer than the settle time.
  const clock = {
    ...systemClock,
    now() {
      nowMs += 1_000;
      return nowMs;
    },
  };
  expect(await bench.watch({}, { clock })).toMatchObject({ stop: 'done', done: 1 });
});

test('refuses contradicting options', async () => {
  const bench = await openWatchBench();
  for (const options of [{ schedule: '0 6 * * *' }, { maxCostPerDay: -1 }, { maxCostPerDay: Number.NaN }]) {
    await expect(bench.watch(options)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  }
});

test('reports foreign files in working/ once, leaves them there and continues', async () => {
  const bench = await openWatchBench();
  await bench.watch();
  mkdirSync(join(bench.folder, 'working/mine.csv/notes'), { recursive: true });
  writeFileSync(join(bench.folder, 'working/mine.csv/notes/note.txt'), 'mine');
  writeFileSync(join(bench.folder, 'working/a-file.csv'), 'mine');
  mkdirSync(join(bench.folder, 'working/a.csv/0a1b2c3d'), { recursive: true });
  writeFileSync(join(bench.folder, 'working/a.csv/0a1b2c3d/a.csv'), createList(2));
  writeFileSync(join(bench.folder, 'working/a.csv/0a1b2c3d.ending.json'), '{}');
  bench.drop('list.csv', createList(3));
  expect(await bench.watch()).toMatchObject({ stop: 'done', done: 1, left: ['a.csv'] });
  expect(bench.list('done')).toEqual(['list.csv', 'list.filled.csv']);
  expect(bench.read('working/mine.csv/notes/note.txt')).toBe('mine');
  expect(bench.read('working/a.csv/0a1b2c3d/a.csv')).toBe(createList(2));
  expect(bench.told('ignored').map(({ file }) => file)).toEqual([
    'working/a-file.csv',
    'working/a.csv',
    'working/mine.csv',
  ]);
});

test('never replaces a result in done/, whatever format the next watcher writes', async () => {
  const bench = await openWatchBench();
  const job = { format: 'csv' } as const;
  bench.drop('list.csv', createList(3));
  bench.drop('list.jsonl', '{"company":"Other"}\n');
  await bench.watch({ job });
  const first = bench.read('done/list.filled.csv');
  bench.drop('list.jsonl', '{"company":"Third"}\n');
  await bench.watch({ job });
  expect(bench.read('done/list.filled.csv')).toBe(first);
  expect(bench.list('done')).toEqual([
    ...['list-2.filled.csv', 'list-2.jsonl', 'list-3.filled.csv', 'list-3.jsonl'],
    ...['list.csv', 'list.filled.csv'],
  ]);
});

test('recreates folders that vanish; pays for nothing while done/ is not writable', async () => {
  const bench = await openWatchBench();
  const stop = new AbortController();
  const done = join(bench.folder, 'done');
  const problems: unknown[] = [];
  const onEvent = (event: WatchEvent): void => {
    if (event.type === 'watching' && problems.length === 0) {
      rmSync(done, { recursive: true });
      rmSync(join(bench.folder, 'failed'), { recursive: true });
      writeFileSync(done, 'a file in the way');
      bench.drop('list.csv', createList(3));
    }
    if (event.type === 'waiting') {
      problems.push(event.problem.code, bench.agent.tasks.length);
      rmSync(done);
    }
    if (event.type === 'done') stop.abort();
  };
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
  };
  await bench.watch({ once: false }, { clock, signal: stop.signal, onEvent });
  expect(problems).toEqual(['EEXIST', 0]);
  expect(bench.list('done')).toEqual(['list.csv', 'list.filled.csv']);
  expect(bench.list('failed')).toEqual([]);
});

test('a watched folder that was away is watched again, and the status says so even if nothing is dropped', async () => {
  const bench = await openWatchBench();
  const stop = new AbortController();
  const away = `${bench.folder}-away`;
  let status = createWatchStatus(0);
  const states: unknown[] = [];
  const onEvent = (event: WatchEvent): void => {
    status = followWatch(status, event, 0);
    states.push(createStatusRecord(status, 0, 0).status);
    if (states.length === 1) renameSync(bench.folder, away);
    if (event.type === 'waiting') renameSync(away, bench.folder);
    if (event.type === 'watching' && states.length > 1) stop.abort();
  };
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
  };
  await bench.watch({ once: false }, { clock, signal: stop.signal, onEvent });
  expect(states).toEqual(['ok', 'trouble', 'ok', 'ok']);
  expect(bench.told('watching')).toHaveLength(2);
});

test('a watcher that starts while its folder is away waits for it, and ends at once if it is stopped', async () => {
  const bench = await openWatchBench();
  const away = `${bench.folder}-away`;
  renameSync(bench.folder, away);
  const stop = new AbortController();
  const kinds: string[] = [];
  const onEvent = (event: WatchEvent): void => {
    kinds.push(event.type === 'waiting' ? `waiting ${event.problem.code}` : event.type);
    if (event.type === 'waiting' && kinds.length === 2) renameSync(away, bench.folder);
    if (event.type === 'watching') stop.abort();
  };
  const clock = {
    ...systemClock,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
  };
  await bench.watch({ once: false }, { clock, signal: stop.signal, onEvent });
  expect(kinds).toEqual(['waiting WATCH_NO_FOLDER', 'waiting WATCH_NO_FOLDER', 'watching', 'stopped']);

  renameSync(bench.folder, away);
  const stopAtOnce = new AbortController();
  const summary = await bench.watch(
    { once: false },
    { signal: stopAtOnce.signal, onEvent: ({ type }) => type === 'waiting' && stopAtOnce.abort() },
  );
  expect(summary).toMatchObject({ stop: 'interrupted', problem: null });
  await expect(bench.watch({ once: true })).rejects.toMatchObject({ code: 'WATCH_NO_FOLDER' });
  renameSync(away, bench.folder);
});

test('a file whose folder is away when it should be moved is finished once the folder is back', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  const stop = new AbortController();
  const away = `${bench.folder}-away`;
  let aheadMs = 0;
  const onEvent = (event: WatchEvent): void => {
    const isWritten = event.type === 'job' && event.event.type === 'written';
    if (isWritten && aheadMs === 0) renameSync(bench.folder, away);
    if (event.type === 'waiting' && event.file === null) renameSync(away, bench.folder);
    if (event.type === 'waiting') aheadMs += 60_000;
    if (event.type === 'done') stop.abort();
  };
  const clock = {
    ...systemClock,
    now: () => Date.now() + aheadMs,
    sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
  };
  await bench.watch({ once: false }, { clock, signal: stop.signal, onEvent });
  expect(bench.list('done')).toEqual(['list.csv', 'list.filled.csv']);
  expect(bench.agent.tasks).toHaveLength(1);
});

test('a file that somebody removes from working/ is not a failure, and leaves nothing there', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createList(3));
  const working = join(bench.folder, 'working');
  const onEvent = (event: WatchEvent): void => {
    if (event.type !== 'taken') return;
    for (const path of readdirSync(working, { recursive: true, encoding: 'utf8' }))
      if (basename(path) === 'list.csv' && path !== 'list.csv') rmSync(join(working, path));
  };
  const summary = await bench.watch({}, { onEvent });
  expect(summary).toMatchObject({ stop: 'done', done: 0, failed: { usage: 0 }, left: [] });
  expect(bench.list('failed')).toEqual([]);
  await bench.watch();
  expect(bench.list('working')).toEqual([]);
});

test('a file that is still being written does not block others', async () => {
  const gate = createPaidGate();
  const bench = await openWatchBench(gate.script);
  bench.drop('slow.csv', createList(8));
  const watching = bench.watch();
  await gate.reached(1);
  const [room = ''] = readdirSync(join(bench.folder, 'working/slow.csv')).filter(
    (name) => !name.includes('.'),
  );
  appendFileSync(join(bench.folder, 'working/slow.csv', room, 'slow.csv'), 'Latecomer\n');
  bench.drop('other.csv', 'company\nOther\n');
  gate.open();
  expect(await watching).toMatchObject({ stop: 'done', done: 2, left: [] });
  expect(bench.told('waiting')).toMatchObject([{ file: 'slow.csv', problem: { code: 'INPUT_CHANGED' } }]);
});

test('refuses reference tables in the watched folder before moving anything', async () => {
  const bench = await openWatchBench();
  bench.drop('table.csv', 'company,answer\nAcme,1\n');
  const job = { reference: bench.folder, apiUrl: undefined };
  await expect(bench.watch({ job })).rejects.toMatchObject({ code: 'WATCH_REFERENCE' });
  expect(bench.list('.')).toContain('table.csv');
});

test('with once, reports a file held by a watcher on another machine as left', async () => {
  const bench = await openWatchBench();
  await bench.watch();
  const folder = join(bench.folder, 'working/list.csv');
  mkdirSync(join(folder, '0a1b2c3d'), { recursive: true });
  writeFileSync(join(folder, '0a1b2c3d/list.csv'), createList(2));
  const holder = { pid: 1, host: 'elsewhere', space: 'another' };
  writeFileSync(join(folder, '0a1b2c3d.claim-1.json'), JSON.stringify({ ...holder, token: 'x', names: [] }));
  expect(await bench.watch()).toMatchObject({ stop: 'done', done: 0, left: ['list.csv'] });
  expect(resolveWatchCode((bench.told('stopped').at(-1) ?? bench.told('stopped')[0])?.summary as never)).toBe(
    7,
  );
});
