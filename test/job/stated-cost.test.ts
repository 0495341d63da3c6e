import { expect, onTestFinished, test } from 'vitest';
import type { Quote } from '../../src/model/prices.js';
import { createList, openJobBench } from '../helpers/job.js';
import { createRunJson, openRawServer, sendJson } from '../helpers/raw-server.js';
import type { Script } from '../helpers/scripted-agent.js';
import { type Bend, countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

const LOW = (): number => 0.025;

function quoteHook(quotes: Quote[]): { confirm: (quote: Quote) => Promise<boolean> } {
  return {
    async confirm(quote) {
      quotes.push(quote);
      return true;
    },
  };
}

const foreign: Bend = (rows) => ({ rows: rows.map((row) => ({ ...row, row_id: `x${row.row_id}` })) });

const useless: readonly [string, Script][] = [
  ['with only foreign row ids', script(foreign, LOW)],
  ['without rows', script(() => ({ rows: [] }), LOW)],
  ['without a list', script(() => ({ note: 'sorry' }), LOW)],
];

for (const [name, agent] of useless) {
  test(`runs ${name} never cost more than stated, and the failed rows say why`, async () => {
    const bench = await openJobBench(agent);
    bench.write('in.csv', createList(40));
    const quotes: Quote[] = [];
    const { summary, rows } = await bench.run({}, quoteHook(quotes));
    expect(quotes).toMatchObject([{ runs: 5, worstMicros: 250_000, likelyMicros: 125_000 }]);
    expect(bench.server.report().billedMicros).toBe(250_000);
    expect(summary).toMatchObject({ stop: 'done', costMicros: 250_000 });
    expect(countStatuses(rows)).toEqual({ failed: 40 });
    for (const row of rows) {
      expect(row.enrichment_error).toMatch(/; not sent again: that could cost more than the worst case/);
    }
    // The next command states the cost and asks before it sends them again.
    await expect(bench.run({}, { confirm: async () => false })).rejects.toMatchObject({
      code: 'COST_DECLINED',
    });
    expect(bench.server.report().billedMicros).toBe(250_000);
  });
}

test('runs that disappear never cost more than stated', async () => {
  let created = 0;
  const server = await openRawServer(({ method, url }, response) => {
    if (method === 'POST') {
      created += 1;
      const active = { status: 'running', stopReason: null, completedAt: null };
      return sendJson(response, 200, createRunJson(`agent_run_${created}`, active));
    }
    if (/runs\/agent_run/.test(url)) {
      return sendJson(response, 404, {
        error: { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'gone' },
      });
    }
    return sendJson(response, 200, { object: 'list', data: [], hasMore: false, nextCursor: null });
  });
  onTestFinished(() => server.close());
  const bench = await openJobBench(script(foreign));
  bench.write('in.csv', createList(16));
  const { summary } = await bench.run({ apiUrl: server.url });
  expect(summary.costMicros).toBeLessThanOrEqual(100_000);
  expect(created).toBeLessThanOrEqual(4);
}, 60_000);

test('failing repairs of some rows do not prevent first attempts of others', async () => {
  const isBad = (row: { readonly fields: object }): boolean =>
    /Company ([1-9]|1\d)$/.test(JSON.stringify(row.fields).slice(0, -2));
  const bench = await openJobBench(script((rows) => ({ rows: rows.filter((row) => !isBad(row)) }), LOW));
  bench.write('in.csv', createList(80));
  const { summary, rows } = await bench.run({ concurrency: 1 });
  expect(countStatuses(rows)).toEqual({ enriched: 61, failed: 19 });
  expect(rows.slice(19).every((row) => row.enrichment_status === 'enriched')).toBe(true);
  expect(summary.costMicros).toBeLessThanOrEqual(500_000);
  expectOwnAnswers(rows);
});

test('a row missing from its first answer is retried, even if it is the only one', async () => {
  for (const count of [1, 8, 40]) {
    const bench = await openJobBench(
      script((rows, _task, run) => ({ rows: run === 1 ? rows.slice(1) : rows }), LOW),
    );
    bench.write('in.csv', createList(count));
    const { rows } = await bench.run();
    expect(countStatuses(rows)).toEqual({ enriched: count });
  }
});

test('the cost of unbilled failed runs is available for smaller repairs', async () => {
  const bench = await openJobBench(
    script(
      (rows) => ({ rows: rows.length > 1 ? [] : rows }),
      (task) => ((task.request.input?.data ?? []).length > 1 ? 0 : 0.003),
    ),
  );
  bench.write('in.csv', createList(8));
  const { rows } = await bench.run({ concurrency: 1 });
  expect(countStatuses(rows)).toEqual({ enriched: 8 });
});

const PRICES: Readonly<Record<string, number>> = { low: 0.025, high: 0.5 };
const NAMES = ['a', 'b', 'c', 'd'];

/** Below `high`, leaves other fields null in each row of a batch: a, b, a and b, c, … */
const leaveHoles: Bend = (rows, task) => ({
  rows: rows.map((row, index) => {
    const open = NAMES.filter((_name, bit) => ((index + 1) >> bit) % 2 === 1);
    const nulls = Object.fromEntries(open.map((name) => [name, null]));
    return task.request.effort === 'low' ? { ...row, fields: { ...row.fields, ...nulls } } : row;
  }),
});

test.each([1, 8, 9, 40])(
  'the stated cost covers %i rows with different missing fields at every level',
  async (count) => {
    const bench = await openJobBench(script(leaveHoles, (task) => PRICES[task.request.effort ?? ''] ?? 0));
    bench.write('in.csv', createList(count));
    const quotes: Quote[] = [];
    const { summary, rows } = await bench.run({ fields: NAMES, effort: ['low', 'high'] }, quoteHook(quotes));
    const batches = Math.ceil(count / 8);
    expect(countStatuses(rows)).toEqual({ enriched: count });
    expect(summary.steps.map(({ runs }) => runs)).toEqual([batches, batches]);
    expect(summary.costMicros).toBe(batches * 525_000);
    expect(quotes[0]?.worstMicros).toBe(2 * batches * 525_000);
  },
);

test('a value that was found is not replaced by a retry for the missing fields of another row', async () => {
  const bench = await openJobBench(
    script((rows, task, run) => {
      const values = rows.map((row) => ({
        ...row,
        fields: Object.fromEntries(
          Object.keys(row.fields).map((name) => [name, String(task.request.effort)]),
        ),
      }));
      return leaveHoles(values, task, run);
    }),
  );
  bench.write('in.csv', createList(3));
  const { rows } = await bench.run({ fields: NAMES, effort: ['low', 'high'] });
  expect(rows.map((row) => NAMES.map((name) => row[name]))).toEqual([
    ['high', 'low', 'low', 'low'],
    ['low', 'high', 'low', 'low'],
    ['high', 'high', 'low', 'low'],
  ]);
});

test('partly filled rows whose retries could pass the stated cost are counted in the summary', async () => {
  const bench = await openJobBench(
    script(
      (rows, task, run) => (task.request.effort === 'low' ? leaveHoles(rows, task, run) : { rows: [] }),
      (task) => PRICES[task.request.effort ?? ''] ?? 0,
    ),
  );
  bench.write('in.csv', createList(14));
  const { summary, rows } = await bench.run({ fields: NAMES, effort: ['low', 'high'], concurrency: 1 });
  expect(summary).toMatchObject({ stop: 'done', unretriedRows: 14, leftRows: 0 });
  expect(summary.costMicros).toBe(2 * 25_000 + 4 * 500_000);
  expect(countStatuses(rows)).toEqual({ partial: 14 });
  expect(rows[0]?.enrichment_error).toContain('not sent again: that could cost more than the worst case');
});

test('the stated cost includes repairs and further levels of an active run', async () => {
  const stop = new AbortController();
  let isStopped = false;
  const answer = script(
    (rows, task) => ({
      rows: task.request.effort === 'low' ? rows.map((row) => ({ ...row, fields: { answer: null } })) : rows,
    }),
    (task) => PRICES[task.request.effort ?? ''] ?? 0,
  );
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const bench = await openJobBench(async (task, signal) => {
    if (!isStopped) {
      isStopped = true;
      stop.abort();
      await opened;
    }
    return answer(task, signal);
  });
  bench.write('in.csv', createList(8));
  await bench.run({ effort: ['low', 'high'] }, { signal: stop.signal });
  open();
  const { summary, rows } = await bench.run({ effort: ['low', 'high'] });
  expect(countStatuses(rows)).toEqual({ enriched: 8 });
  expect(summary.costMicros).toBe(525_000);
});

test('repairs of a run that another job left at work are not paid for unless somebody agreed to a price', async () => {
  const stop = new AbortController();
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const answer = script(foreign, LOW);
  const bench = await openJobBench(async (task, signal) => {
    stop.abort();
    await opened;
    return answer(task, signal);
  });
  bench.write('in.csv', createList(8));
  const other = { input: bench.write('other.csv', createList(8)), output: `${bench.folder}/other.out.csv` };
  await bench.run({}, { signal: stop.signal });
  open();
  const quotes: Quote[] = [];
  const { summary, rows } = await bench.run(other, quoteHook(quotes));
  expect(quotes).toEqual([]);
  expect(summary).toMatchObject({ costMicros: 0, runs: { created: 0 } });
  expect(countStatuses(rows)).toEqual({ failed: 8 });
  expect(rows[0]?.enrichment_error).toMatch(/not sent again: that could cost more than the worst case/);
  await expect(bench.run(other, { confirm: async () => false })).rejects.toMatchObject({
    code: 'COST_DECLINED',
  });
  const { summary: agreed } = await bench.run(other);
  expect(agreed.costMicros).toBe(50_000);
});
