import { expect, test } from 'vitest';
import { enrichRows } from '../../src/enrich-rows.js';
import { createList, openJobBench } from '../helpers/job.js';
import { answerRows } from '../helpers/scripted-agent.js';
import { openShop } from '../helpers/shop.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

test('two jobs of one process can use one ledger at the same time, each with its own cost', async () => {
  const bench = await openJobBench(answerRows);
  const jobs = await Promise.all(
    [1, 2, 3].map((number) => {
      const input = bench.write(`in${number}.csv`, createList(40 * number));
      const output = `${bench.folder}/out${number}.csv`;
      return bench.run({ input, output, query: `Question ${number}.`, batchSize: 2, concurrency: 10 });
    }),
  );
  expect(jobs.map(({ summary }) => summary.rows.enriched)).toEqual([40, 80, 120]);
  expect(jobs.map(({ summary }) => summary.runs.created)).toEqual([20, 40, 60]);
  expect((await bench.listJobs()).map(({ stop, reservedMicros }) => [stop, reservedMicros])).toEqual(
    Array(3).fill(['done', 0]),
  );
});

test('calls of the library on one question buy each row once, each under its own cap', SLOW, async () => {
  const calls = chooseCount(8, 4);
  const count = chooseCount(400, 80);
  const shop = await openShop(5, { maxActiveRuns: chooseCount(20, 8) });
  const bench = await openJobBench(answerRows);
  const capMicros = 1_000_000;
  const ends = await Promise.all(
    Array.from({ length: calls }, async (_, number) => {
      const companies = Array.from({ length: count }, (_each, index) => ({
        company: index % 2 === 0 ? `Company ${index}` : `Company ${index} of ${number}`,
      }));
      const rows = enrichRows(companies, {
        ...{ name: `call ${number}`, fields: ['answer'], maxCost: 1, batchSize: 4, apiUrl: shop.url },
        ...{ ledger: `${bench.folder}/ledger.sqlite`, apiKey: 'test' },
      });
      const statuses: string[] = [];
      for await (const { status } of rows) statuses.push(status);
      return { statuses, summary: rows.summary };
    }),
  );
  expect(shop.twice).toEqual([]);
  const jobs = await bench.listJobs();
  expect(jobs.map(({ reservedMicros }) => reservedMicros)).toEqual(jobs.map(() => 0));
  expect(jobs.every(({ spentMicros }) => spentMicros <= capMicros)).toBe(true);
  expect(jobs.reduce((sum, { spentMicros }) => sum + spentMicros, 0)).toBe(shop.billedMicros);
  for (const { statuses, summary } of ends) {
    expect(statuses).toHaveLength(count);
    if (summary?.stop === 'done') expect(new Set(statuses)).toEqual(new Set(['enriched']));
    else expect(summary?.stop).toBe('budget');
  }
});
