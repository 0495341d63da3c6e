import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRowChecker } from '../../src/answer/check-run.js';
import { AgentClient } from '../../src/api/agent-client.js';
import { cancelRuns } from '../../src/job/recover.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import type { EnrichEvent } from '../../src/model/events.js';
import { createList, openJobBench } from '../helpers/job.js';
import type { Script } from '../helpers/scripted-agent.js';
import { countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

const truthful = script((rows) => ({ rows }));

/** Runs that stop early with the first half of their rows, on first attempts. */
function stopEarly(stopReason: string): Script {
  const half = script((rows) => ({ rows: rows.slice(0, rows.length / 2) }));
  return async (task, signal) =>
    task.request.metadata?.rowfill_attempt === '1'
      ? { ...(await half(task, signal)), stopReason }
      : truthful(task, signal);
}

for (const stopReason of ['budget_reached', 'time_limit_reached', 'stopped', 'a_later_word']) {
  test(`keeps the answers of a run that ends with ${stopReason} and retries only the rest`, async () => {
    const bench = await openJobBench(stopEarly(stopReason), { contract: 'current' });
    bench.write('in.csv', createList(20));
    const { rows } = await bench.run();
    expect(countStatuses(rows)).toEqual({ enriched: 20 });
    expectOwnAnswers(rows);
    // Three batches, each continued once.
    const again = bench.agent.tasks.filter((task) => task.request.metadata?.rowfill_attempt === '2');
    expect(again.map((task) => task.request.input?.data?.length).sort()).toEqual([2, 4, 4]);
    expect(again.every((task) => task.previous !== null)).toBe(true);
    expect(bench.server.report().runs.created).toBe(6);
  });
}

test('a failed run is retried as a new run, not continued', async () => {
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

test('rows fail after a bounded number of failing runs, with what the agent said', async () => {
  const failures: string[] = [];
  const bench = await openJobBench(
    () => {
      throw new Error('no table for Company 1');
    },
    { onFailure: (runId, reason) => failures.push(`${runId}: ${reason}`) },
  );
  bench.write('in.csv', createList(20));
  const { rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ failed: 20 });
  const reason = 'The agent failed: no table for Company 1';
  for (const row of rows) {
    expect(row.enrichment_error).toBe(`the run ended as failed (error) without an entry for it: ${reason}`);
  }
  expect(failures).toHaveLength(3 + 3 + 5 + 10 + 20);
  expect(failures[0]).toMatch(/^agent_run_\w+: The agent failed: no table for Company 1$/);
  // What the agent says may contain cells, so it is not sent back in a query.
  for (const { request } of bench.agent.tasks) expect(request.query).not.toContain('no table');
  // The same number again, then 5 runs of 4, 10 of 2, and 20 of one row each.
  expect(bench.server.report().runs.created).toBe(3 + 3 + 5 + 10 + 20);
});

test('does not retry a run that somebody cancelled', async () => {
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

test('rows fail if another process cancels and settles their run', async () => {
  let job = '';
  const cancel = async (): Promise<void> => {
    const client = new AgentClient({ baseUrl: bench.server.url, apiKey: 'test' });
    const ledger = await openLedger(`${bench.folder}/ledger.sqlite`);
    const record = await ledger.getJob(job);
    // The job gets the run id shortly after the agent has started.
    for (let tries = 0; tries < 1_000; tries += 1) {
      const target = {
        client,
        ledger,
        job: record,
        checker: createRowChecker(record.ask),
        excludesAnswers: false,
        isOwnAgent: true,
        listLagMs: null,
      };
      if ((await cancelRuns(target)).cancelled.length > 0) break;
      await setImmediate();
    }
    await ledger.close();
    await client.close();
  };
  const bench = await openJobBench(async (task, signal) => {
    if (task.request.input?.data?.[0]?.company !== 'Company 9') return truthful(task, signal);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      void cancel();
    });
  });
  // An equal row of a cancelled one comes much later.
  bench.write('in.csv', `${createList(20)}Company 9\n`);
  const onEvent = (event: EnrichEvent): void => {
    if (event.type === 'job') job = event.jobId;
  };
  const { rows, summary } = await bench.run({ concurrency: 1 }, { onEvent });
  expect(summary.stop).toBe('done');
  expect(countStatuses(rows)).toEqual({ enriched: 12, failed: 9 });
  expect(bench.server.report().runs.created).toBe(3);
});
