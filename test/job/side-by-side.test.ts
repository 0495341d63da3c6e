import { expect, test } from 'vitest';
import { createList, openJobBench } from '../helpers/job.js';
import { answerRows } from '../helpers/scripted-agent.js';

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
