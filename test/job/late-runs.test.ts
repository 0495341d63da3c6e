import { expect, test } from 'vitest';
import type { EnrichEvent } from '../../src/model/events.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { createList, openJobBench } from '../helpers/job.js';
import { countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

test('the rows of a run that never ends fail for now, and the next invocation checks the run again', async () => {
  const bench = await openJobBench(
    script((rows) => ({ rows })),
    {
      rehearsal: resolveRehearsal({ faults: [{ fault: 'endless_run', nth: 2 }] }),
      runTimeoutMs: 5_000,
    },
  );
  bench.write('in.csv', createList(24));
  const first = await bench.run({ runTimeoutMs: 2_500, concurrency: 3 });
  expect(first.summary).toMatchObject({ stop: 'done', runs: { created: 3 } });
  expect(countStatuses(first.rows)).toEqual({ enriched: 16, failed: 8 });
  for (const row of first.rows.filter((each) => each.enrichment_status === 'failed')) {
    expect(row.enrichment_error).toMatch(
      /^run agent_run_\w+ had not ended after 2\.5 seconds; run the same command again/,
    );
  }
  expectOwnAnswers(first.rows);

  // By now the agent itself has failed the run, so its rows are sent again.
  const second = await bench.run({ runTimeoutMs: 60_000 });
  expect(second.summary).toMatchObject({ stop: 'done', runs: { created: 1, adopted: 1 } });
  expect(countStatuses(second.rows)).toEqual({ enriched: 24 });
  expect(bench.server.report().runs.created).toBe(4);
  expectOwnAnswers(second.rows);
});

test('an equal row after a late run fails with it and is not sent separately', async () => {
  const bench = await openJobBench(
    script((rows) => ({ rows })),
    { rehearsal: resolveRehearsal({ faults: [{ fault: 'endless_run', nth: 1 }] }) },
  );
  // More rows than one read, so that the equal row comes when the run is already late.
  const rows = ['Acme', ...Array.from({ length: 3_000 }, (_, index) => `Company ${index}`), 'Acme'];
  bench.write('in.csv', ['company', ...rows, ''].join('\n'));
  const { rows: output } = await bench.run({ runTimeoutMs: 200, concurrency: 1, batchSize: 500 });
  expect([output[0], output.at(-1)].map((row) => row?.enrichment_status)).toEqual(['failed', 'failed']);
  expect(bench.agent.tasks.flatMap((task) => task.request.input?.data ?? [])).toHaveLength(3_001);
});

test('reports each retry of a call', async () => {
  const bench = await openJobBench(
    script((rows) => ({ rows })),
    {
      rehearsal: resolveRehearsal({
        faults: [
          { fault: 'cut_stream', first: 1 },
          { fault: 'server_error', on: ['get', 'events'], first: 2 },
        ],
      }),
    },
  );
  bench.write('in.csv', createList(8));
  const events: EnrichEvent[] = [];
  const { rows } = await bench.run({}, { onEvent: (event) => events.push(event) });
  expect(countStatuses(rows)).toEqual({ enriched: 8 });
  const retries = events.filter((event) => event.type === 'retry');
  expect(retries).not.toHaveLength(0);
  expect(retries[0]).toMatchObject({ what: expect.stringContaining('/agent/runs/'), attempt: 1 });
});
