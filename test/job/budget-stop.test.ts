import { expect, test } from 'vitest';
import { createList, openJobBench } from '../helpers/job.js';
import { answerPaid } from '../helpers/paid-server.js';
import { countStatuses, script } from '../helpers/truthful-agent.js';

const PRICE_MICROS = 25_000;

test('a job at its budget reports the remaining rows and a cap that is enough for them', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(50));
  const first = await bench.run({ maxCost: 0.06 });
  expect(first.summary).toMatchObject({ stop: 'budget', costMicros: 50_000 });
  expect(first.summary.remaining).toEqual({ rows: 34, runs: 5, worstMicros: 250_000 });
  expect(first.summary.rows.over_budget).toBe(34);
  const second = await bench.run({ maxCost: (50_000 + 125_000) / 1e6 });
  expect(second.summary).toMatchObject({ stop: 'done', costMicros: 175_000, remaining: null });
  expect(countStatuses(second.rows)).toEqual({ enriched: 50 });
});

test('a cap below the price of one run starts none and leaves the whole list', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(10));
  const { summary } = await bench.run({ maxCost: 0.02 });
  expect(summary).toMatchObject({ stop: 'budget', remaining: { rows: 10, runs: 2, worstMicros: 100_000 } });
  expect(bench.agent.tasks).toEqual([]);
});

test('an unfinished refresh reports the rows that still have their older answer', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(24));
  await bench.run();
  const { summary, rows } = await bench.run({ refresh: true, maxCost: 0.1 });
  expect(summary).toMatchObject({ stop: 'budget', remaining: { rows: 16, runs: 2, worstMicros: 100_000 } });
  expect(countStatuses(rows)).toEqual({ enriched: 24 });
});

test('a row that still needs higher effort levels counts as remaining, from its current level', async () => {
  const bench = await openJobBench(
    script(
      (rows) => ({ rows: rows.map((row) => ({ ...row, fields: { answer: null } })) }),
      (task) => (task.request.effort === 'low' ? 0.025 : 0.1),
    ),
  );
  bench.write('in.csv', createList(8));
  const { summary } = await bench.run({ effort: ['low', 'medium'], maxCost: 0.1 });
  expect(summary).toMatchObject({ stop: 'budget', costMicros: PRICE_MICROS });
  expect(summary.remaining).toEqual({ rows: 8, runs: 1, worstMicros: 200_000 });
});

test('the cap covers repairs and all invocations of the job', async () => {
  // A third of the rows is missing from each first answer, so that most of the money goes into repairs.
  const bench = await openJobBench(
    script(
      (rows, task) => ({
        rows:
          task.request.metadata?.rowfill_attempt === '1' ? rows.filter((_row, index) => index % 3 > 0) : rows,
      }),
      () => PRICE_MICROS / 1e6,
    ),
  );
  bench.write('in.csv', createList(160));
  const caps = [0.03, 0.2, 0.2, 0.31, 0.55, 2];
  for (const maxCost of caps) {
    const { summary } = await bench.run({ maxCost, concurrency: 50 });
    const { billedMicros } = bench.server.report();
    expect(billedMicros).toBeLessThanOrEqual(maxCost * 1e6);
    expect(summary.costMicros).toBe(billedMicros);
    expect(summary.stop).toBe(maxCost === 2 ? 'done' : 'budget');
    expect(billedMicros).toBeGreaterThan(Math.min(maxCost * 1e6, 600_000) - PRICE_MICROS);
  }
});

test('an agent with a price of 0 needs no confirmation, and a cap of 0 gives no warning', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', createList(8));
  const confirm = async (): Promise<boolean> => {
    throw new Error('nobody is to be asked');
  };
  const notes: string[] = [];
  const { summary } = await bench.run(
    { prices: { low: 0 }, maxCost: 0 },
    { confirm, onEvent: (event) => event.type === 'note' && notes.push(event.code) },
  );
  expect(summary).toMatchObject({ stop: 'done', costMicros: 0 });
  expect(notes).toEqual([]);
});

test('custom prices are used for reservations and messages', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(24));
  const quotes: number[] = [];
  const confirm = async ({ worstMicros }: { readonly worstMicros: number }): Promise<boolean> => {
    quotes.push(worstMicros);
    return false;
  };
  const declined = { code: 'COST_DECLINED' };
  await expect(bench.run({}, { confirm })).rejects.toMatchObject(declined);
  await expect(bench.run({ prices: { low: 0.03 } }, { confirm })).rejects.toMatchObject(declined);
  expect(quotes).toEqual([150_000, 180_000]);
  const { summary } = await bench.run({ prices: { low: 0.03 }, maxCost: 0.05 });
  // After the first run, 0.025 is left, which is less than a run may cost by these prices.
  expect(summary).toMatchObject({ stop: 'budget', costMicros: PRICE_MICROS });
});
