import { expect, test } from 'vitest';
import { createRetryReport } from '../../src/job/stop.js';
import type { EnrichEvent } from '../../src/model/events.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { ManualClock } from '../helpers/clock.js';
import { createList, openJobBench } from '../helpers/job.js';
import { answerRows } from '../helpers/scripted-agent.js';
import { countStatuses } from '../helpers/truthful-agent.js';

test('gives up on an agent that rejects every request, without sending every row', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(200));
  const { summary } = await bench.run({ effort: ['minimal'], concurrency: 1 });
  expect(summary).toMatchObject({ stop: 'unreachable', error: { code: 'REQUEST_REJECTED' }, costMicros: 0 });
  expect(summary.error?.message).toContain('effort');
  // The requests are at fault, not the rows.
  expect(summary.rows).toMatchObject({ failed: 0, pending: 200 });
});

test('gives up on an agent that never answers after a bounded number of runs', async () => {
  const bench = await openJobBench(() => {
    throw new Error('no');
  });
  bench.write('in.csv', createList(400));
  const { summary } = await bench.run({ concurrency: 4 });
  expect(summary).toMatchObject({ stop: 'unreachable', error: { code: 'AGENT_KEEPS_FAILING' } });
  expect(bench.server.report().runs.created).toBeLessThanOrEqual(20);
  expect(summary.rows.total).toBe(400);
});

function open() {
  const clock = new ManualClock();
  const events: EnrichEvent[] = [];
  const report = createRetryReport((event) => events.push(event), clock);
  const retry = (delayMs: number) =>
    report({ what: 'start of a run', attempt: 1, delayMs, reason: 'too fast' });
  const readNotes = () => events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  return { clock, events, retry, readNotes };
}

test('reports a long wait with its end and reason, but not a short one', () => {
  const { events, retry, readNotes } = open();
  retry(14_999);
  expect(readNotes()).toEqual([]);
  retry(600_000);
  expect(readNotes()).toEqual([expect.stringMatching(/^Waiting 10 min, until \d\d:\d\d: too fast$/)]);
  expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2);
});

test('reports waits with the same end once, and a later one again', () => {
  const { clock, retry, readNotes } = open();
  retry(60_000);
  clock.advance(500);
  retry(60_000);
  retry(59_500);
  expect(readNotes()).toHaveLength(1);
  clock.advance(59_500);
  retry(60_000);
  expect(readNotes()).toHaveLength(2);
});

test('if told to wait for an hour, the job stops, writes its output and reports when to retry', async () => {
  const faults = [{ fault: 'rate_limited', nth: [3], retryAfter: 3_600 }];
  const bench = await openJobBench(answerRows, { rehearsal: resolveRehearsal({ faults }) });
  bench.write('in.csv', createList(24));
  const { summary, rows } = await bench.run({ batchSize: 8, concurrency: 1 });
  expect(summary).toMatchObject({ stop: 'unreachable', error: { code: 'RATE_LIMIT_EXCEEDED' } });
  expect(summary.error?.hint).toMatch(/asks to wait 1 h 0 min, until .*to resume/);
  expect(countStatuses(rows)).toEqual({ enriched: 16, pending: 8 });
});
