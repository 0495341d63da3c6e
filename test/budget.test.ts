import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createList, openJobBench } from './helpers/job.js';
import { answerRows, type Script } from './helpers/scripted-agent.js';

const CAP_MICROS = 1_000_000;

/** Bills what the row says: the price of a run is the sum of what its rows carry, in micro-dollars. */
const billByRow: Script = (task) => {
  const records = task.request.input?.data ?? [];
  const micros = records.reduce((sum, record) => sum + Number(String(record.company).split(' ')[2]), 0);
  const total = micros / 1_000_000;
  return {
    ...answerRows(task),
    costDollars: { total, agentCompute: total, search: 0, emails: 0, phoneNumbers: 0 },
  };
};

/** A list of companies, each with its price in its name. */
function createPricedList(prices: readonly number[], trial = 0): string {
  return ['company', ...prices.map((price, index) => `Company ${trial}-${index + 1} ${price}`), ''].join(
    '\n',
  );
}

test('in 200 trials with 50 runs at once and prices that vary, no more than the cap is ever billed', async () => {
  const bench = await openJobBench(billByRow);
  const price = fc.integer({ min: 20_000, max: 100_000 });
  const trials = fc.sample(fc.array(price, { minLength: 25, maxLength: 40 }), { numRuns: 200, seed: 7 });
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
    // It stops only where the next run might pass the cap at its worst price.
    if (summary.stop === 'budget') expect(billedMicros).toBeGreaterThan(CAP_MICROS - 100_000);
  }
}, 240_000);

test('a run that cost more than was reserved is taken as it is, and nothing more starts above the cap', async () => {
  const bench = await openJobBench(billByRow);
  bench.write('in.csv', createPricedList([90_000, 500_000, 30_000, 30_000, 30_000]));
  const { summary } = await bench.run({ effort: ['medium'], batchSize: 1, concurrency: 1, maxCost: 0.5 });
  expect(summary).toMatchObject({ stop: 'budget', costMicros: 590_000 });
  expect(bench.server.report().runs.created).toBe(2);
});

test('the job warns once when four fifths of the cap are spent', async () => {
  const bench = await openJobBench(billByRow);
  bench.write('in.csv', createPricedList(Array.from({ length: 10 }, () => 90_000)));
  const notes: string[] = [];
  await bench.run(
    { effort: ['medium'], batchSize: 1, concurrency: 1, maxCost: 1 },
    { onEvent: (event) => event.type === 'note' && notes.push(event.code) },
  );
  expect(notes.filter((code) => code === 'BUDGET_NEARLY_SPENT')).toHaveLength(1);
});

test('nobody agreed to the cost: nothing is sent', async () => {
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

test('a job that is stopped while somebody thinks about the cost ends there, and leaves nothing', async () => {
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
  expect(bench.listJobs()).toEqual([]);
});
