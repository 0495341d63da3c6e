import { expect, test } from 'vitest';
import { createList, openJobBench } from '../helpers/job.js';
import { answerPaid } from '../helpers/paid-server.js';

test('what a call may cost is counted from what its job cost before, and the cap of the job holds beside it', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(80));
  const first = await bench.run({ maxCostNow: 0.06 });
  expect(first.summary).toMatchObject({ stop: 'budget', costMicros: 50_000, costNowMicros: 50_000 });
  const second = await bench.run({ maxCostNow: 0.06 });
  expect(second.summary).toMatchObject({ stop: 'budget', costMicros: 100_000, costNowMicros: 50_000 });
  const third = await bench.run({ maxCostNow: 1, maxCost: 0.15 });
  expect(third.summary).toMatchObject({ stop: 'budget', costMicros: 150_000, costNowMicros: 50_000 });
  const nothing = await bench.run({ maxCostNow: 0 });
  expect(nothing.summary).toMatchObject({ stop: 'budget', costMicros: 150_000, costNowMicros: 0 });
  const last = await bench.run();
  expect(last.summary).toMatchObject({ stop: 'done', costMicros: 250_000 });
  expect(bench.agent.tasks).toHaveLength(10);
});
