import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { EnrichOptions } from '../../src/options.js';
import { plan } from '../../src/plan.js';
import { createList, type JobBench, openJobBench } from '../helpers/job.js';
import { script } from '../helpers/truthful-agent.js';

const PRICES: Record<string, number> = { low: 0.025, medium: 0.1, high: 0.5 };

/** An agent that finds nothing below `high` for companies whose number is divisible by `step`. */
async function openLadderBench(step: number): Promise<JobBench> {
  return await openJobBench(
    script(
      (rows, task) => ({
        rows: rows.map((row, index) => {
          const company = String(task.request.input?.data?.[index]?.company);
          const isHidden = task.request.effort !== 'high' && Number(company.slice(8)) % step === 0;
          return isHidden ? { ...row, fields: { answer: null } } : row;
        }),
      }),
      (task) => PRICES[task.request.effort ?? ''] ?? 0,
    ),
  );
}

async function readPlan(bench: JobBench, options: Partial<EnrichOptions> = {}) {
  return await plan({
    input: join(bench.folder, 'in.csv'),
    fields: ['answer'],
    apiUrl: bench.server.url,
    apiKey: 'test',
    ledger: join(bench.folder, 'ledger.sqlite'),
    effort: ['low', 'high'],
    ...options,
  });
}

test('the likely cost covers every level, and assumes that half of the rows need the next one', async () => {
  const bench = await openLadderBench(10);
  bench.write('in.csv', createList(95));
  const { quote, steps } = await readPlan(bench);
  expect(quote).toMatchObject({
    runs: 12,
    // Every row needs both levels, and repairs cost as much again.
    worstMicros: 2 * (12 * 25_000 + 12 * 500_000),
    // 95 rows in 12 runs, 48 of them in 6 more.
    likelyMicros: 12 * 25_000 + 6 * 500_000,
    climbs: [{ from: 'low', to: 'high', share: 0.5, knownRows: null }],
  });
  expect(steps.map(({ likelyMicros }) => likelyMicros)).toEqual([300_000, 3_000_000]);
  const three = await readPlan(bench, { effort: ['low', 'medium', 'high'] });
  expect(three.quote.likelyMicros).toBe(12 * 25_000 + 6 * 100_000 + 3 * 500_000);
  const one = await readPlan(bench, { effort: ['low'] });
  expect(one.quote).toMatchObject({ likelyMicros: 300_000, climbs: [] });
});

test('uses the observed share once rows are answered, and the bill matches the likely cost', async () => {
  const bench = await openLadderBench(4);
  bench.write('in.csv', createList(32));
  await bench.run({ effort: ['low', 'high'] });
  bench.write('in.csv', createList(128));
  const { quote } = await readPlan(bench);
  expect(quote).toMatchObject({
    rows: 96,
    worstMicros: 2 * 12 * 525_000,
    likelyMicros: 12 * 25_000 + 3 * 500_000,
    climbs: [{ share: 0.25, knownRows: 32 }],
  });
  const { summary } = await bench.run({ effort: ['low', 'high'] });
  expect(summary.costNowMicros).toBe(quote.likelyMicros);
});

test('uses answers from jobs without a ladder or with other fields too', async () => {
  const bench = await openLadderBench(2);
  bench.write('in.csv', createList(16));
  await bench.run({ effort: ['low'] });
  // Rows that continue say nothing about those that start, so there is nothing to assume.
  expect((await readPlan(bench)).quote).toMatchObject({ rows: 8, climbs: [] });
  bench.write('in.csv', createList(17));
  expect((await readPlan(bench)).quote.climbs).toEqual([
    { from: 'low', to: 'high', share: 0.5, knownRows: 16 },
  ]);
  expect((await readPlan(bench, { fields: ['answer', 'ceo'] })).quote.climbs).toMatchObject([
    { knownRows: 16 },
  ]);
  // There are no answers for another query or system prompt.
  expect((await readPlan(bench, { query: 'Else?' })).quote.climbs).toMatchObject([{ knownRows: null }]);
  expect((await readPlan(bench, { system: 'Else.' })).quote.climbs).toMatchObject([{ knownRows: null }]);
});

test('counts rows from their current level, and the likely cost never exceeds the worst case', async () => {
  const bench = await openLadderBench(1);
  bench.write('in.csv', createList(16));
  // The cap stops the job before any row reaches the next level.
  await bench.run({ effort: ['low', 'high'], maxCost: 0.05 });
  const { quote, steps, fields, batchSizes } = await readPlan(bench);
  // So do the price of the column, and those with other batch sizes.
  expect(fields).toMatchObject([{ asked: 16, worstMicros: 2_000_000, likelyMicros: 1_000_000 }]);
  expect(batchSizes.find(({ batchSize }) => batchSize === 16)).toMatchObject({
    runs: 1,
    worstMicros: 1_000_000,
  });
  expect(steps).toMatchObject([
    { effort: 'low', runs: 0, likelyMicros: 0 },
    { effort: 'high', runs: 2, likelyMicros: 1_000_000 },
  ]);
  expect(2 * quote.likelyMicros).toBe(quote.worstMicros);
  bench.write('in.csv', createList(24));
  const grown = await readPlan(bench);
  expect(grown.fields).toMatchObject([{ asked: 24, worstMicros: 2 * (25_000 + 2 * 500_000) }]);
  expect(grown.batchSizes[0]).toMatchObject({ batchSize: 1, runs: 8, worstMicros: 2 * 8 * 25_000 });
  // Every row needed the next level so far, so the eight new ones are expected to.
  expect(grown.quote).toMatchObject({
    worstMicros: 2 * (25_000 + 3 * 500_000),
    likelyMicros: 25_000 + 3 * 500_000,
  });
});

test('counts values below the required confidence', async () => {
  const bench = await openLadderBench(1_000);
  bench.write('in.csv', createList(16));
  await bench.run({ effort: ['low', 'high'], batchSize: 8 });
  bench.write('in.csv', createList(17));
  // This agent always reports medium confidence.
  const { quote } = await readPlan(bench, { escalateBelow: 'high' });
  expect(quote.climbs).toMatchObject([{ share: 1, knownRows: 16 }]);
  expect((await readPlan(bench)).quote.climbs).toMatchObject([{ share: 0, knownRows: 16 }]);
});

test('too few answers are not used', async () => {
  const bench = await openLadderBench(1_000);
  bench.write('in.csv', createList(16));
  await bench.run({ effort: ['low', 'high'], limit: 7 });
  expect((await readPlan(bench)).quote.climbs).toMatchObject([{ share: 0.5, knownRows: null }]);
});
