import { describe, expect, test } from 'vitest';
import type { AgentRun } from '../../../src/model/run.js';
import { resolveRehearsal, type ServerOptions } from '../../../src/server/start-server.js';
import { ManualClock } from '../../helpers/clock.js';
import { readFrames } from '../../helpers/read-frames.js';
import { createGate, createRecords, ScriptedAgent } from '../../helpers/scripted-agent.js';
import { type Served, serve } from '../../helpers/served.js';

const QUESTION = { query: 'Find it.', effort: 'low', input: { data: createRecords(4) } };
const EVENTS = { headers: { accept: 'text/event-stream' } };

async function play(faults: object[], options: Partial<ServerOptions> = {}): Promise<Served> {
  return await serve({ rehearsal: resolveRehearsal({ faults }), ...options });
}

function readIds(run: AgentRun): unknown[] {
  const { structured } = run.output;
  const rows: unknown = structured === null ? [] : Reflect.get(Object(structured), 'rows');
  return Array.isArray(rows) ? rows.map((row) => row.row_id) : [];
}

describe('requests that go wrong', () => {
  test.each([
    ['rate_limited', 429, { tag: 'RATE_LIMIT_EXCEEDED' }],
    ['concurrency_limited', 429, { error: { code: 'CONCURRENCY_LIMIT_REACHED' } }],
    ['server_error', 500, { error: { code: 'SERVER_ERROR' } }],
    ['overloaded', 503, { tag: 'SERVICE_OVERLOADED' }],
    ['no_credits', 402, { tag: 'NO_MORE_CREDITS' }],
    ['forbidden', 403, { tag: 'FEATURE_DISABLED' }],
    ['key_refused', 401, { tag: 'INVALID_API_KEY' }],
  ])('%s returns %d and creates no run', async (fault, status, body) => {
    const { call, server } = await play([{ fault, first: 1 }]);
    const refused = await call('POST', '/agent/runs', { body: QUESTION });
    expect(refused.status).toBe(status);
    expect(refused.body).toMatchObject(body);
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(server.report()).toMatchObject({ runs: { created: 0 }, faults: { [fault]: 1 } });
    expect((await call('POST', '/agent/runs', { body: QUESTION })).status).toBe(200);
  });

  test.each(['rate_limited', 'concurrency_limited', 'overloaded'])(
    '%s can have a retry time',
    async (fault) => {
      const { call } = await play([{ fault, retryAfter: 7 }]);
      const refused = await call('POST', '/agent/runs', { body: QUESTION });
      expect(refused.headers.get('retry-after')).toBe('7');
    },
  );

  test('bad_gateway returns an HTML page of a proxy', async () => {
    const { call } = await play([{ fault: 'bad_gateway' }]);
    const page = await call('POST', '/agent/runs', { body: QUESTION });
    expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html']);
    expect(page.text).toContain('<h1>502 Bad Gateway</h1>');
  });

  test.each(['server_error', 'bad_gateway'])('%s can hide a started run', async (fault) => {
    const { call, server } = await play([{ fault, accepted: true }]);
    expect((await call('POST', '/agent/runs', { body: QUESTION })).status).toBeGreaterThanOrEqual(500);
    expect(server.report().runs.created).toBe(1);
  });

  test('a lost reply hides a run, but the list shows it', async () => {
    const { call, server } = await play([{ fault: 'lost_reply' }]);
    await expect(call('POST', '/agent/runs', { body: QUESTION })).rejects.toThrow('fetch failed');
    await expect(call('POST', '/agent/runs', { ...EVENTS, body: QUESTION })).rejects.toThrow('fetch failed');
    expect((await call('GET', '/agent/runs')).body.data).toHaveLength(2);
    expect(server.report().faults).toEqual({ lost_reply: 2 });
  });

  test('a lost request creates nothing', async () => {
    const { call } = await play([{ fault: 'lost_request' }]);
    await expect(call('POST', '/agent/runs', { body: QUESTION })).rejects.toThrow('fetch failed');
    expect((await call('GET', '/agent/runs')).body.data).toHaveLength(0);
  });

  test('a fault applies only to its operations', async () => {
    const { call, finish } = await play([{ fault: 'server_error', on: ['list', 'cancel', 'delete'] }]);
    const { id } = await finish(QUESTION);
    const statuses = await Promise.all([
      call('GET', '/agent/runs'),
      call('POST', `/agent/runs/${id}/cancel`),
      call('DELETE', `/agent/runs/${id}`),
      call('GET', `/agent/runs/${id}`),
      call('GET', `/agent/runs/${id}/events`),
    ]);
    expect(statuses.map((answer) => answer.status)).toEqual([500, 500, 500, 200, 200]);
  });

  test('a slow reply arrives after its delay', async () => {
    const clock = new ManualClock();
    const { call, server } = await play([{ fault: 'slow_reply', delayMs: 30_000 }], { clock });
    const waiting = call('POST', '/agent/runs', { body: QUESTION });
    await expect.poll(() => server.report().faults).toEqual({ slow_reply: 1 });
    clock.advance(30_000);
    expect((await waiting).status).toBe(200);
  });

  test('a stream breaks inside a frame, and its run continues', async () => {
    const { open, call } = await play([{ fault: 'cut_stream', afterEvents: 1, on: ['create', 'events'] }]);
    const response = await open('POST', '/agent/runs', { ...EVENTS, body: QUESTION });
    await expect(response.text()).rejects.toThrow();
    const [run] = (await call('GET', '/agent/runs')).body.data;
    await expect.poll(async () => (await call('GET', `/agent/runs/${run.id}`)).body.status).toBe('completed');
    const replay = await open('GET', `/agent/runs/${run.id}/events`, EVENTS);
    await expect(replay.text()).rejects.toThrow();
  });

  test('a lagging list shows a run once it is old enough', async () => {
    const clock = new ManualClock();
    const { create, call } = await play([{ fault: 'list_lags', lagMs: 3_000 }], { clock });
    const { id } = await create(QUESTION);
    const list = async () => (await call('GET', '/agent/runs')).body.data.map((run: AgentRun) => run.id);
    expect(await list()).toEqual([]);
    clock.advance(2_999);
    expect(await list()).toEqual([]);
    clock.advance(2);
    expect(await list()).toEqual([id]);
  });

  test('a changed cap applies from its run on', async () => {
    const limits = [{ maxActiveRuns: 1 }, { afterRuns: 1, maxActiveRuns: 2 }];
    const rehearsal = resolveRehearsal({ faults: { limits } });
    const { create, call } = await serve({ rehearsal, agent: new ScriptedAgent(createGate().script) });
    await create(QUESTION);
    await create(QUESTION);
    expect((await call('POST', '/agent/runs', { body: QUESTION })).body.error.message).toContain(
      '2 active runs',
    );
  });
});

describe('runs that go wrong', () => {
  test('a run fails', async () => {
    const { finish } = await play([{ fault: 'failed_run' }]);
    expect(await finish(QUESTION)).toMatchObject({ status: 'failed', stopReason: 'error' });
  });

  test('an endless run ends at its time limit', async () => {
    const clock = new ManualClock();
    const { open, call } = await play([{ fault: 'endless_run' }], { clock, runTimeoutMs: 60_000 });
    const response = await open('POST', '/agent/runs', { ...EVENTS, body: QUESTION });
    clock.advance(59_999);
    expect((await call('GET', '/agent/runs')).body.data[0].status).toBe('running');
    clock.advance(1);
    expect(readFrames(await response.text()).at(-1)).toMatchObject({ data: { error: { code: 'TIMEOUT' } } });
  });

  test('a run ends early with some of its rows', async () => {
    const { finish } = await play([{ fault: 'early_stop', part: 0.25 }]);
    const run = await finish(QUESTION);
    expect([run.status, run.stopReason]).toEqual(['completed', 'budget_reached']);
    expect(readIds(run)).toEqual(['r1']);
  });

  test('rows are reordered together with their citations', async () => {
    const { finish } = await play([{ fault: 'rows_reordered' }]);
    const run = await finish({ ...QUESTION, input: { data: createRecords(8) } });
    const ids = readIds(run);
    expect(ids).not.toEqual([...ids].sort());
    expect([...ids].sort()).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8']);
    for (const entry of run.output.grounding) {
      const index = Number(/\d+/.exec(entry.field)?.[0]);
      const number = Number(/\d+$/.exec(entry.citations[0]?.url ?? '')?.[0]) + 1;
      expect(ids[index]).toBe(`r${number}`);
    }
  });

  test('the list of rows is missing', async () => {
    const { finish } = await play([{ fault: 'rows_missing' }]);
    expect((await finish(QUESTION)).output).toMatchObject({ structured: null, grounding: [] });
  });

  test('the given share of rows is missing on average', async () => {
    const { finish } = await play([{ fault: 'rows_dropped', share: 0.1 }]);
    const run = await finish({ ...QUESTION, input: { data: createRecords(1_000) } });
    expect(Math.abs(readIds(run).length - 900)).toBeLessThan(40);
  });

  test('a run takes its latency, but cancel is immediate', async () => {
    const clock = new ManualClock();
    const rehearsal = resolveRehearsal({ latency: '90s', price: true });
    const { open, call } = await serve({ clock, rehearsal });
    const response = await open('POST', '/agent/runs', { ...EVENTS, body: QUESTION });
    // The latency is one of three timers, next to the run's timeout and the stream's keep-alive.
    await expect.poll(() => clock.sleeping).toBe(3);
    clock.advance(90_000);
    expect(readFrames(await response.text()).at(-1)?.event).toBe('agent_run.completed');
    const second = await open('POST', '/agent/runs', { ...EVENTS, body: QUESTION });
    await expect.poll(() => clock.sleeping).toBe(3);
    const [run] = (await call('GET', '/agent/runs')).body.data;
    const cancelled = await call('POST', `/agent/runs/${run.id}/cancel`);
    expect(cancelled.body.costDollars.total).toBe(0.0125);
    await second.text();
    expect(clock.sleeping).toBe(0);
  });

  test('a stopped run has its share of the rows', async () => {
    const clock = new ManualClock();
    const rehearsal = resolveRehearsal({ latency: '100s' });
    const { create, call } = await serve({ clock, rehearsal, contract: 'current' });
    const { id } = await create({ ...QUESTION, effort: 'ultra' });
    await expect.poll(() => clock.sleeping).toBe(2);
    clock.advance(50_000);
    const stopped = await call('POST', `/agent/runs/${id}/stop`);
    expect(stopped.body.stopReason).toBe('stopped');
    expect(readIds(stopped.body)).toEqual(['r1', 'r2']);
  });
});

describe('the same seed', () => {
  const faults = [
    { fault: 'lost_reply', share: 0.3 },
    { fault: 'failed_run', share: 0.3 },
    { fault: 'rows_dropped', share: 0.3 },
  ];

  /** Outcomes of twenty questions, sent in the given order. */
  async function playAll(order: readonly number[], seed: string): Promise<string[]> {
    const { call, stream, get } = await serve({ rehearsal: resolveRehearsal({ faults, seed }) });
    const ends = new Map<number, string>();
    for (const number of order) {
      const data = [1, 2, 3].map((part) => ({ row_id: `r${part}`, company: `Company ${number}.${part}` }));
      const body = { query: 'Find it.', input: { data }, metadata: { attempt: seed + order[0] } };
      const frames = await stream(body).catch(() => null);
      if (frames === null) ends.set(number, 'lost');
      else {
        const run = await get(String(Reflect.get(Object(frames[0]?.data), 'id')));
        ends.set(number, `${run.status} ${readIds(run).join(' ')}`);
      }
    }
    expect((await call('GET', '/agent/runs')).body.data).toHaveLength(20);
    return [...ends].sort(([a], [b]) => a - b).map(([, end]) => end);
  }

  test('injects the same faults into the same questions, in any order', async () => {
    const order = Array.from({ length: 20 }, (_, index) => index);
    const first = await playAll(order, 'one');
    expect(new Set(first).size).toBeGreaterThan(3);
    expect(await playAll([...order].reverse(), 'one')).toEqual(first);
    expect(await playAll(order, 'two')).not.toEqual(first);
  });
});

test('reports runs, money, faults and requests', async () => {
  const rehearsal = resolveRehearsal({ price: true, seed: 'mine', faults: [{ fault: 'nulls', share: 0.5 }] });
  const { finish, call } = await serve({ rehearsal, key: 'test-key' });
  await finish(QUESTION);
  await finish({ ...QUESTION, effort: 'medium' });
  const report = await call('GET', '/__rehearsal', { headers: { 'exa-beta': '' } });
  expect(report.body).toMatchObject({
    seed: 'mine',
    runs: { created: 2, completed: 2, failed: 0, cancelled: 0, peakActive: 1 },
    billedMicros: 125_000,
    billedDollars: '0.125',
    refused: { concurrency: 0, rate: 0 },
    requests: { create: 2, get: 2 },
    faults: { nulls: expect.any(Number) },
  });
  expect((await call('GET', '/__rehearsal', { headers: { 'x-api-key': 'other' } })).status).toBe(401);
});
