import { expect, test } from 'vitest';
import { createList, openJobBench } from '../helpers/job.js';
import { answerRows } from '../helpers/scripted-agent.js';

test('a calm network sees two requests a run, and never more runs at once than allowed', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(40));
  const { summary } = await bench.run({ batchSize: 1, concurrency: 4 });
  const { runs, requests } = bench.server.report();
  expect(runs).toMatchObject({ created: 40, completed: 40 });
  expect(runs.peakActive).toBeLessThanOrEqual(4);
  // One to start and to follow, one to fetch the result; the rest asks once whether the agent is there.
  expect(requests.get).toBeLessThanOrEqual(40);
  expect(summary.requests).toBeLessThanOrEqual(2 * 40 + 2);
});
