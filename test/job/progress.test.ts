import { expect, test } from 'vitest';
import { createList, openJobBench } from '../helpers/job.js';
import { answerPaid, createPaidGate } from '../helpers/paid-server.js';

test('the cap of a call starts at the job’s earlier cost, and the cap of the job still applies', async () => {
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

test('active runs of an earlier call neither use nor raise the cap of this call', async () => {
  const gate = createPaidGate();
  const cheap = { total: 0.005, agentCompute: 0.005, search: 0, emails: 0, phoneNumbers: 0 };
  // The first ten runs cost less than reserved.
  const bench = await openJobBench(async (task, signal) => {
    const isEarly = bench.agent.tasks.length <= 10;
    const result = await gate.script(task, signal);
    return isEarly ? { ...result, costDollars: cheap } : result;
  });
  bench.write('in.csv', createList(160));
  const controller = new AbortController();
  const first = bench.run({ concurrency: 10, maxCost: 5 }, { signal: controller.signal });
  await gate.reached(10);
  controller.abort();
  expect((await first).summary).toMatchObject({ stop: 'interrupted', reservedMicros: 250_000 });
  gate.open();
  const second = await bench.run({ maxCostNow: 0.06 });
  expect(second.summary).toMatchObject({ stop: 'budget', costMicros: 50_000 + 50_000, reservedMicros: 0 });
  expect(bench.agent.tasks).toHaveLength(12);
});
