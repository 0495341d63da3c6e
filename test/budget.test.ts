import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createList, openJobBench } from './helpers/job.js';
import { answerRows, type Script } from './helpers/scripted-agent.js';
import { chooseCount, SLOW } from './helpers/slow-tier.js';

const CAP_MICROS = 1_000_000;
const TRIALS = chooseCount(200, 20);
const LONG = { ...SLOW, timeout: 240_000 };

/** Bills each run the sum of the prices in its rows, in micro-dollars. */
const billByRow: Script = (task) => {
  const records = task.request.input?.data ?? [];
  const micros = records.reduce((sum, record) => sum + Number(String(record.company).split(' ')[2]), 0);
  const total = micros / 1_000_000;
  return {
    ...answerRows(task),
    costDollars: { total, agentCompute: total, search: 0, emails: 0, phoneNumbers: 0 },
  };
};

/** A list of companies with the price in the name. */
function createPricedList(prices: readonly number[], trial = 0): string {
  return ['company', ...prices.map((price, index) => `Company ${trial}-${index + 1} ${price}`), ''].join(
    '\n',
  );
}

test(
  `in ${TRIALS} trials with 50 concurrent runs and varying prices, never bills more than the cap`,
  LONG,
  async () => {
    const bench = await openJobBench(billByRow);
    const price = fc.integer({ min: 20_000, max: 100_000 });
    const trials = fc.sample(fc.array(price, { minLength: 25, maxLength: 40 }), { numRuns: TRIALS, seed: 7 });
    for (const [index, prices] of trials.entries()) {
      const input = bench.write(`in-${index}.csv`, createPricedList(prices, index));
      const before = bench.server.report().billedMicros;
      const { summary } = await bench.run({
        input,
        effort: ['medium'],
        batchSize: 1,
        concurrency: 50,
        maxCost: 1,
      });
      const billedMicros = bench.server.report().billedMicros - before;
      expect(billedMicros).toBeLessThanOrEqual(CAP_MICROS);
      expect(summary.costMicros).toBe(billedMicros);
      const total = prices.reduce((sum, each) => sum + each, 0);
      expect(summary.stop).toBe(total <= CAP_MICROS && summary.rows.over_budget === 0 ? 'done' : 'budget');
      // It stops only when the next run could exceed the cap at its maximum price.
      if (summary.stop === 'budget') expect(billedMicros).toBeGreaterThan(CAP_MICROS - 100_000);
    }
  },
);

test('books a run that cost more than reserved in full, and starts nothing above the cap', async () => {
  const bench = await openJobBench(billByRow);
  bench.write('in.csv', createPricedList([90_000, 500_000, 30_000, 30_000, 30_000]));
  const { summary } = await bench.run({ effort: ['medium'], batchSize: 1, concurrency: 1, maxCost: 0.5 });
  expect(summary).toMatchObject({ stop: 'budget', costMicros: 590_000 });
  expect(bench.server.report().runs.created).toBe(2);
});

test('warns once when 80 % of the cap is spent', async () => {
  const bench = await openJobBench(billByRow);
  bench.write('in.csv', createPricedList(Array.from({ length: 10 }, () => 90_000)));
  const notes: string[] = [];
  await bench.run(
    { effort: ['medium'], batchSize: 1, concurrency: 1, maxCost: 1 },
    { onEvent: (event) => event.type === 'note' && notes.push(event.code) },
  );
  expect(notes.filter((code) => code === 'BUDGET_NEARLY_SPENT')).toHaveLength(1);
});

test('sends nothing if the cost is not confirmed', async () => {
  const bench = await openJobBench(billByRow);
  bench.write('in.csv', createList(8));
  await expect(bench.run({ yes: false })).rejects.toMatchObject({
    code: 'COST_NOT_CONFIRMED',
    kind: 'usage',
  });
  await expect(bench.run({}, { confirm: async () => false })).rejects.toMatchObject({
    code: 'COST_DECLINED',
  });
  expect(bench.agent.tasks).toEqual([]);
});

test('a job stopped at the cost question ends there and leaves nothing behind', async () => {
  const bench = await openJobBench(billByRow);
  bench.write('in.csv', createList(8));
  const controller = new AbortController();
  const confirm = (): Promise<boolean> => {
    controller.abort();
    return new Promise(() => {});
  };
  await expect(bench.run({ yes: false }, { confirm, signal: controller.signal })).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(bench.agent.tasks).toEqual([]);
  expect(await bench.listJobs()).toEqual([]);
});
