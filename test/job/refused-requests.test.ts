import { expect, test } from 'vitest';
import type { CreateRunRequest } from '../../src/model/run.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { createList, openJobBench } from '../helpers/job.js';
import { openRefusingProxy } from '../helpers/refusing-proxy.js';
import { countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

const REFUSED = { status: 400, code: 'INVALID_REQUEST' };

function asks(create: CreateRunRequest, company: string): boolean {
  return create.input?.data?.some((record) => record.company === company) === true;
}

test('a row that makes the agent reject the whole request fails alone, and the others are answered', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const proxy = await openRefusingProxy(bench.server.url, (create) =>
    asks(create, 'Company 5') ? REFUSED : null,
  );
  bench.write('in.csv', createList(16));
  const { summary, rows } = await bench.run({ apiUrl: proxy.url });
  expect(summary.stop).toBe('done');
  expect(countStatuses(rows)).toEqual({ enriched: 15, failed: 1 });
  expect(rows[4]?.enrichment_error).toContain('This is not wanted here.');
  expectOwnAnswers(rows);
  // Rejected in batches of 8, 4, 2 and 1. The other rows are answered in smaller batches.
  expect(proxy.refused).toHaveLength(4);
  expect(bench.server.report().runs.created).toBe(1 + 3);
});

test('gives up early on an agent that rejects every request, even for a short list', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const proxy = await openRefusingProxy(bench.server.url, () => REFUSED);
  bench.write('in.csv', createList(8));
  const short = await bench.run({ apiUrl: proxy.url });
  expect(countStatuses(short.rows)).toEqual({ failed: 8 });
  expect(proxy.refused).toHaveLength(1 + 2 + 4 + 8);
  bench.write('in.csv', createList(800));
  const long = await bench.run({ apiUrl: proxy.url, concurrency: 1 });
  expect(long.summary).toMatchObject({ stop: 'unreachable', error: { code: 'REQUEST_REJECTED' } });
  expect(proxy.refused.length).toBeLessThan(15 + 3 * 15);
  expect(bench.server.report().runs.created).toBe(0);
});

test('a follow-up whose previous run is gone is sent as a new request', async () => {
  const bench = await openJobBench(script((rows, _task, run) => ({ rows: run === 1 ? [] : rows })));
  const proxy = await openRefusingProxy(bench.server.url, (create) =>
    create.previousRunId === undefined ? null : { status: 400, code: 'PREVIOUS_RUN_NOT_FOUND' },
  );
  bench.write('in.csv', createList(8));
  const { rows } = await bench.run({ apiUrl: proxy.url });
  expect(countStatuses(rows)).toEqual({ enriched: 8 });
  expect(proxy.refused).toHaveLength(1);
  expect(bench.server.report().runs.created).toBe(2);
  expect(bench.agent.tasks[1]?.request.query).toContain('no entry came back for it');
});

test('a lost request is resent as a whole, not in smaller batches that cost more', async () => {
  const bench = await openJobBench(
    script((rows) => ({ rows })),
    { rehearsal: resolveRehearsal({ faults: [{ fault: 'lost_request', first: 2 }] }) },
  );
  bench.write('in.csv', createList(8));
  const { rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ enriched: 8 });
  expect(bench.server.report().runs.created).toBe(1);
});

test('the rows of a request that is lost repeatedly fail with the reason', async () => {
  const bench = await openJobBench(
    script((rows) => ({ rows })),
    { rehearsal: resolveRehearsal({ faults: [{ fault: 'lost_request', first: 4 }] }) },
  );
  bench.write('in.csv', createList(8));
  const { rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ failed: 8 });
  expect(rows[0]?.enrichment_error).not.toBe('');
  expect(bench.server.report().runs.created).toBe(0);
});
