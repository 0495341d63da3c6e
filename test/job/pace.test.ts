import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import type { EnrichEvent } from '../../src/model/events.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { createList, openJobBench } from '../helpers/job.js';
import { answerPaid } from '../helpers/paid-server.js';
import { answerRows, createGate } from '../helpers/scripted-agent.js';
import { countStatuses, script } from '../helpers/truthful-agent.js';

test('uses two requests per run, and never more runs than allowed', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(40));
  const { summary } = await bench.run({ batchSize: 1, concurrency: 4 });
  const { runs, requests } = bench.server.report();
  expect(runs).toMatchObject({ created: 40, completed: 40 });
  expect(runs.peakActive).toBeLessThanOrEqual(4);
  // One to start and stream the run, one to fetch its result. One more checks the agent at the start.
  expect(requests.get).toBeLessThanOrEqual(40);
  expect(summary.requests).toBeLessThanOrEqual(2 * 40 + 2);
});

test('finds an unknown cap, uses it and follows its changes, without reporting rejections', async () => {
  const limits = [{ maxActiveRuns: 6 }, { afterRuns: 80, maxActiveRuns: 20 }];
  const rehearsal = resolveRehearsal({ faults: { faults: [], limits }, latency: '100ms..200ms' });
  const bench = await openJobBench(answerRows, { rehearsal });
  bench.write('in.csv', createList(400));
  const events: EnrichEvent[] = [];
  const { summary } = await bench.run(
    { batchSize: 1, concurrency: 50 },
    { onEvent: (event) => events.push(event) },
  );
  const { runs, refused } = bench.server.report();
  expect(summary.stop).toBe('done');
  expect(runs.created).toBe(400);
  // Slot use depends on the machine's load and is tested by the simulation.
  expect(runs.peakActive).toBeGreaterThan(6);
  expect(runs.peakActive).toBeLessThanOrEqual(20);
  // One in twenty, plus the rejections while ramping up to the cap, but not 44 as without a ramp.
  expect(refused.concurrency).toBeLessThanOrEqual(400 / 20 + 20);
  expect(events.filter(({ type }) => type === 'retry')).toEqual([]);
});

test('the next batch is recorded while all slots are in use, and released with its reservation when the job stops', async () => {
  const gate = createGate();
  const bench = await openJobBench(gate.script);
  bench.write('in.csv', createList(10));
  const stop = new AbortController();
  const job = bench.run({ batchSize: 1, concurrency: 2, maxCost: 1 }, { signal: stop.signal });
  const ledger = await openLedger(`${bench.folder}/ledger.sqlite`);
  onTestFinished(() => ledger.close());
  const readStates = async (): Promise<string[]> => {
    const [known] = await ledger.listJobs();
    if (known === undefined) return [];
    return (await ledger.listOpenBatches(known.askId)).map(({ state }) => state);
  };
  await expect.poll(readStates).toEqual(['sent', 'sent', 'intended']);
  expect(bench.agent.tasks).toHaveLength(2);
  stop.abort();
  expect((await job).summary).toMatchObject({ stop: 'interrupted', reservedMicros: 2 * 25_000 });
  expect(await readStates()).toEqual(['sent', 'sent']);
  gate.open();
  const { summary } = await bench.run({ batchSize: 1, concurrency: 2, maxCost: 1 });
  expect(summary).toMatchObject({ stop: 'done', runs: { created: 8, adopted: 2 } });
  expect(bench.server.report().runs.created).toBe(10);
});

test('a batch that waits for a slot does not block the budget of active runs', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(80));
  // The budget covers three of ten runs: two active and one waiting.
  const { summary, rows } = await bench.run({ concurrency: 2, maxCost: 0.075 });
  expect(summary).toMatchObject({ stop: 'budget', costMicros: 75_000, reservedMicros: 0 });
  expect(countStatuses(rows)).toEqual({ enriched: 24, over_budget: 56 });
});

test('the last rows of the input are sent at once and do not wait for repairs to fill their batch', async () => {
  let meetTail = (): void => undefined;
  const tail = new Promise<void>((resolve) => {
    meetTail = resolve;
  });
  const asked: number[] = [];
  // Each full run omits a row.
  const answer = script((rows) => ({ rows: rows.length === 8 ? rows.slice(1) : rows }));
  const bench = await openJobBench(async (task, signal) => {
    const size = task.request.input?.data?.length ?? 0;
    asked.push(size);
    if (size === 3) meetTail();
    // The first run ends only after the last one has started.
    if (asked.length === 1) await tail;
    return answer(task, signal);
  });
  bench.write('in.csv', createList(8 + 8 + 3));
  const { rows } = await bench.run({ concurrency: 3 });
  expect(countStatuses(rows)).toEqual({ enriched: 19 });
  // Two full runs and the rest, in the order in which they arrive, then the omitted rows in one run.
  expect([asked.slice(0, 3).sort(), asked.slice(3)]).toEqual([[3, 8, 8], [2]]);
});
