import { expect, test } from 'vitest';
import { createList, openJobBench } from '../helpers/job.js';
import { answerRows } from '../helpers/scripted-agent.js';

test('an agent that refuses every request is not asked with every row', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(200));
  const { summary } = await bench.run({ effort: ['minimal'], concurrency: 1 });
  expect(summary).toMatchObject({ stop: 'unreachable', error: { code: 'REQUEST_REJECTED' }, costMicros: 0 });
  expect(summary.error?.message).toContain('effort');
  // It is the requests that are at fault, not their rows.
  expect(summary.rows).toMatchObject({ failed: 0, pending: 200 });
});

test('an agent that never answers anything is given up after a bounded number of runs', async () => {
  const bench = await openJobBench(() => {
    throw new Error('no');
  });
  bench.write('in.csv', createList(400));
  const { summary } = await bench.run({ concurrency: 4 });
  expect(summary).toMatchObject({ stop: 'unreachable', error: { code: 'AGENT_KEEPS_FAILING' } });
  expect(bench.server.report().runs.created).toBeLessThanOrEqual(20);
  expect(summary.rows.total).toBe(400);
});
