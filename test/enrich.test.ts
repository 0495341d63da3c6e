import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { EnrichEvent, JobProgress } from '../src/model/events.js';
import { resolveRehearsal } from '../src/server/rehearsal/resolve-rehearsal.js';
import { createList, openJobBench } from './helpers/job.js';
import { answerRows } from './helpers/scripted-agent.js';
import { countStatuses, expectOwnAnswers, script } from './helpers/truthful-agent.js';

test('the second run sends nothing and writes the same bytes', async () => {
  const bench = await openJobBench(
    script(
      (rows) => ({ rows }),
      () => 0.025,
    ),
  );
  bench.write('in.csv', createList(30));
  await bench.run();
  const first = bench.read('out.csv');
  const { summary } = await bench.run();
  expect(bench.read('out.csv')).toBe(first);
  expect(bench.server.report().runs.created).toBe(4);
  expect(summary).toMatchObject({ reused: 30, costNowMicros: 0, costMicros: 100_000, runs: { created: 0 } });
});

test('sends only new or changed rows', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', createList(16));
  await bench.run();
  const lines = createList(16).trimEnd().split('\n');
  bench.write('in.csv', ['company', 'Company 99', ...lines.slice(1).reverse(), 'Company 98', ''].join('\n'));
  const { rows } = await bench.run();
  expectOwnAnswers(rows);
  expect(countStatuses(rows)).toEqual({ enriched: 18 });
  const asked = bench.agent.tasks.slice(2).flatMap((task) => task.request.input?.data ?? []);
  expect(asked.map((record) => record.company)).toEqual(['Company 99', 'Company 98']);
});

test('sends no column outside --send', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', 'company,secret\nAcme,hunter2\n');
  await bench.run({ send: ['company'] });
  expect(JSON.stringify(bench.agent.tasks.map((task) => task.request))).not.toContain('hunter2');
});

test('an interrupted job writes partial results, and the same command collects its runs', async () => {
  const controller = new AbortController();
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const truthful = script(
    (rows) => ({ rows }),
    () => 0.025,
  );
  const bench = await openJobBench(async (task, signal) => {
    const company = String(task.request.input?.data?.[0]?.company);
    if (company === 'Company 9') {
      controller.abort();
      await gate;
    }
    return truthful(task, signal);
  });
  bench.write('in.csv', createList(24));
  const progress: JobProgress[] = [];
  const onEvent = (event: EnrichEvent): void => {
    if (event.type === 'progress') progress.push(event.progress);
  };
  const first = await bench.run({ concurrency: 1 }, { signal: controller.signal, onEvent });
  expect(progress.at(-1)).toMatchObject({ rowsDone: 8, rowsFailed: 0, runsActive: 1 });
  expect(first.summary.stop).toBe('interrupted');
  expect(countStatuses(first.rows)).toEqual({ enriched: 8, pending: 16 });
  open();
  const second = await bench.run({}, { onEvent });
  expect(progress.at(-1)).toMatchObject({ rowsDone: 24, rowsRead: 24, rowsTotal: 24, runsActive: 0 });
  expect(progress.filter(({ rowsDone, rowsRead }) => rowsDone > rowsRead)).toEqual([]);
  expect(second.summary).toMatchObject({ stop: 'done', runs: { created: 1, adopted: 1 }, duplicates: 0 });
  expect(countStatuses(second.rows)).toEqual({ enriched: 24 });
  expect(bench.server.report().runs.created).toBe(3);
  expectOwnAnswers(second.rows);
});

test('a declined job adds nothing to the ledger and leaves an earlier job unchanged', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', createList(3));
  const events: EnrichEvent[] = [];
  const decline = { confirm: async () => false, onEvent: (event: EnrichEvent) => void events.push(event) };
  const declined = expect.objectContaining({ kind: 'usage', code: 'COST_DECLINED' });
  await expect(bench.run({}, decline)).rejects.toEqual(declined);
  expect(await bench.listJobs()).toEqual([]);
  await bench.run();
  const before = await bench.listJobs();
  bench.write('in.csv', createList(4));
  await expect(bench.run({}, decline)).rejects.toEqual(declined);
  expect(await bench.listJobs()).toEqual(before);
  expect(bench.agent.tasks).toHaveLength(1);
});

test('an interrupt during the survey of the input ends the job before the cost question', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', createList(3));
  const confirm = async (): Promise<boolean> => {
    throw new Error('nobody is to be asked');
  };
  const controller = new AbortController();
  const onEvent = (event: EnrichEvent): void => {
    if (event.type === 'job') controller.abort();
  };
  const job = bench.run({}, { confirm, onEvent, signal: controller.signal });
  await expect(job).rejects.toMatchObject({ name: 'AbortError' });
  expect(await bench.listJobs()).toEqual([]);
});

test('progress knows the number of rows to process before the first is sent, and counts no others', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', createList(40));
  const progress: JobProgress[] = [];
  let asked = 0;
  const confirm = async (): Promise<boolean> => {
    asked = progress.length;
    return true;
  };
  const onEvent = (event: EnrichEvent): void => {
    if (event.type === 'progress') progress.push(event.progress);
  };
  const { summary } = await bench.run({ limit: 10 }, { confirm, onEvent });
  expect(progress.slice(0, asked)).toMatchObject([{ rowsRead: 40, rowsTotal: null, rowsDone: 0 }]);
  expect(new Set(progress.slice(asked).map(({ rowsTotal }) => rowsTotal))).toEqual(new Set([10]));
  expect(progress.at(-1)).toMatchObject({ rowsRead: 10, rowsDone: 10 });
  expect(summary.rows).toMatchObject({ enriched: 10, pending: 30 });
});

test('an interrupt before the job starts throws the abort reason and leaves nothing behind', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', createList(3));
  const reason = new Error('closing time');
  await expect(bench.run({}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await bench.listJobs()).toEqual([]);
});

test('adopts a run whose reply was lost instead of paying again', async () => {
  const bench = await openJobBench(
    script(
      (rows) => ({ rows }),
      () => 0.025,
    ),
    { rehearsal: resolveRehearsal({ faults: [{ fault: 'lost_reply', every: 2, max: 2 }] }) },
  );
  bench.write('in.csv', createList(40));
  const { summary, rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ enriched: 40 });
  expect(bench.server.report().runs.created).toBe(5);
  expect(summary.runs.adopted).toBe(2);
});

test('does not reuse the answers of another agent', async () => {
  const rehearsal = await openJobBench(
    script((rows) => ({ rows: rows.map((row) => ({ ...row, fields: { answer: 'play' } })) })),
  );
  const real = await openJobBench(script((rows) => ({ rows })));
  const input = real.write('in.csv', createList(8));
  const ledger = `${real.folder}/ledger.sqlite`;
  await rehearsal.run({ input, ledger });
  const { rows } = await real.run();
  expectOwnAnswers(rows);
  expect(real.server.report().runs.created).toBe(1);
});

test('an input damaged during the job gives an error and no partial output, and keeps its answers', async () => {
  const list = createList(3_000);
  const bench = await openJobBench((task) => {
    bench.write('in.csv', list.replace('Company 2999', '"Company 2999'));
    return answerRows(task);
  });
  bench.write('in.csv', list);
  await expect(bench.run({ limit: 5 })).rejects.toMatchObject({ kind: 'usage' });
  expect(readdirSync(bench.folder).filter((name) => name.includes('out.csv'))).toEqual([]);
  bench.write('in.csv', list);
  const { rows } = await bench.run({ limit: 5 });
  expect(rows).toHaveLength(3_000);
  expect(bench.agent.tasks).toHaveLength(1);
});
