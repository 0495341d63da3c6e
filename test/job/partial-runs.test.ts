import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AgentClient } from '../../src/api/agent-client.js';
import { cancelRuns } from '../../src/job/recover.js';
import { openLedger } from '../../src/ledger/ledger.js';
import type { EnrichEvent } from '../../src/model/events.js';
import { createList, openJobBench } from '../helpers/job.js';
import type { Script } from '../helpers/scripted-agent.js';
import { countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

const truthful = script((rows) => ({ rows }));

/** A run that stops early with the first half of its rows, the first time round. */
function stopEarly(stopReason: string): Script {
  const half = script((rows) => ({ rows: rows.slice(0, rows.length / 2) }));
  return async (task, signal) =>
    task.request.metadata?.rowfill_attempt === '1'
      ? { ...(await half(task, signal)), stopReason }
      : truthful(task, signal);
}

for (const stopReason of ['budget_reached', 'time_limit_reached', 'stopped', 'a_later_word']) {
  test(`a run that ends with ${stopReason} keeps what it brought, and only the rest is asked again`, async () => {
    const bench = await openJobBench(stopEarly(stopReason), { contract: 'current' });
    bench.write('in.csv', createList(20));
    const { rows } = await bench.run();
    expect(countStatuses(rows)).toEqual({ enriched: 20 });
    expectOwnAnswers(rows);
    // Three batches, and each of them continued.
    const again = bench.agent.tasks.filter((task) => task.request.metadata?.rowfill_attempt === '2');
    expect(again.map((task) => task.request.input?.data?.length).sort()).toEqual([2, 4, 4]);
    expect(again.every((task) => task.previous !== null)).toBe(true);
    expect(bench.server.report().runs.created).toBe(6);
  });
}

test('a failed run is asked again afresh: there is no completed run to continue', async () => {
  const bench = await openJobBench((task, signal) => {
    if (task.request.metadata?.rowfill_attempt === '1') throw new Error('no');
    return truthful(task, signal);
  });
  bench.write('in.csv', createList(20));
  const { rows, summary } = await bench.run();
  expect(countStatuses(rows)).toEqual({ enriched: 20 });
  expectOwnAnswers(rows);
  expect(bench.agent.tasks.every((task) => task.request.previousRunId === undefined)).toBe(true);
  expect(summary.runs).toMatchObject({ created: 6, failed: 3 });
});

test('runs that always fail end as failed rows after a bounded number of tries', async () => {
  const bench = await openJobBench(() => {
    throw new Error('no');
  });
  bench.write('in.csv', createList(20));
  const { rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ failed: 20 });
  for (const row of rows) expect(row.enrichment_error).toContain('the run ended as failed');
  // The same again pooled, then 5 runs of 4, 10 of 2, and 20 of one row each.
  expect(bench.server.report().runs.created).toBe(3 + 3 + 5 + 10 + 20);
});

test('a run that somebody cancels is not asked again behind their back', async () => {
  let client: AgentClient | null = null;
  const bench = await openJobBench(async (task, signal) => {
    if (task.request.input?.data?.[0]?.company !== 'Company 9') return truthful(task, signal);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      void client?.list().then(async ({ data }) => {
        for (const run of data) if (run.status !== 'completed') await client?.cancel(run.id);
      });
    });
  });
  client = new AgentClient({ baseUrl: bench.server.url, apiKey: 'test' });
  bench.write('in.csv', createList(20));
  const { rows, summary } = await bench.run({ concurrency: 1 });
  await client.close();
  expect(summary.stop).toBe('done');
  expect(countStatuses(rows)).toEqual({ enriched: 12, failed: 8 });
  for (const row of rows.slice(8, 16)) expect(row.enrichment_error).toContain('cancelled');
  expect(bench.server.report().runs.created).toBe(3);
});

test('nor one that another process cancels and settles while the job waits for it: its rows fail', async () => {
  let job = '';
  const cancel = async (): Promise<void> => {
    const client = new AgentClient({ baseUrl: bench.server.url, apiKey: 'test' });
    const ledger = openLedger(`${bench.folder}/ledger.sqlite`);
    const record = ledger.readJob(job);
    // The job hears of its run's id a moment after the agent has begun with it.
    for (let tries = 0; tries < 1_000; tries += 1) {
      const target = {
        client,
        ledger,
        job: record,
        excludesAnswers: false,
        isOwnAgent: true,
        listLagMs: null,
      };
      if ((await cancelRuns(target)).cancelled.length > 0) break;
      await setImmediate();
    }
    ledger.close();
    await client.close();
  };
  const bench = await openJobBench(async (task, signal) => {
    if (task.request.input?.data?.[0]?.company !== 'Company 9') return truthful(task, signal);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      void cancel();
    });
  });
  // A twin of a cancelled row comes long after it.
  bench.write('in.csv', `${createList(20)}Company 9\n`);
  const onEvent = (event: EnrichEvent): void => {
    if (event.type === 'job') job = event.jobId;
  };
  const { rows, summary } = await bench.run({ concurrency: 1 }, { onEvent });
  expect(summary.stop).toBe('done');
  expect(countStatuses(rows)).toEqual({ enriched: 12, failed: 9 });
  expect(bench.server.report().runs.created).toBe(3);
});
