import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CONTRACTS } from '../../src/server/contract.js';
import { ManualClock } from '../helpers/clock.js';
import { readFrames } from '../helpers/read-frames.js';
import {
  answerRows,
  createGate,
  createRecords,
  createResult,
  ScriptedAgent,
} from '../helpers/scripted-agent.js';
import { readId, serve } from '../helpers/served.js';

const EVENTS = { headers: { accept: 'text/event-stream' } };

describe.each(CONTRACTS)('contract %s', (contract) => {
  test('a create returns at once, without output or cost', async () => {
    const { script } = createGate();
    const { create } = await serve({ contract, agent: new ScriptedAgent(script) });
    const run = await create({ query: 'Find it.', metadata: { job: 'one' } });
    expect(run.id).toMatch(/^agent_run_[0-9a-z]{26}$/);
    expect(run).toMatchObject({
      status: 'running',
      stopReason: null,
      completedAt: null,
      request: { query: 'Find it.', effort: 'auto', metadata: { job: 'one' } },
      output: { text: '', structured: null, grounding: [] },
      costDollars: { total: 0 },
    });
  });

  test('a run completes with its rows, citations and confidence', async () => {
    const { finish } = await serve({ contract });
    const run = await finish({ query: 'Find it.', input: { data: createRecords(2) }, effort: 'low' });
    expect(run).toMatchObject({ status: 'completed', stopReason: 'schema_satisfied' });
    expect(run.output.structured).toEqual({
      rows: [
        { row_id: 'r1', fields: { answer: 'answer to r1' } },
        { row_id: 'r2', fields: { answer: 'answer to r2' } },
      ],
    });
    expect(run.output.grounding[1]).toEqual({
      field: 'structured.rows[1].fields.answer',
      citations: [{ url: 'https://example.com/1', title: 'Page 1' }],
      confidence: 'high',
    });
  });

  test('a stream has all events from creation to the end, then closes', async () => {
    const { stream, get } = await serve({ contract });
    const frames = await stream({ query: 'Find it.' });
    expect(frames.map((frame) => `${frame.id} ${frame.event}`)).toEqual([
      '1 agent_run.created',
      '2 agent_run.started',
      '3 agent_run.completed',
    ]);
    const run = await get(readId(frames[0]?.data));
    const short = { id: run.id, object: 'agent_run', status: 'completed' };
    expect(frames[2]?.data).toEqual(contract === 'current' ? run : short);
  });

  test('an idle stream sends keep-alives', async () => {
    const clock = new ManualClock();
    const gate = createGate();
    const { open } = await serve({
      contract,
      clock,
      keepAliveMs: 15_000,
      agent: new ScriptedAgent(gate.script),
    });
    const response = await open('POST', '/agent/runs', { ...EVENTS, body: { query: 'Find it.' } });
    expect(response.headers.get('cache-control')).toBe('no-cache');
    clock.advance(45_000);
    gate.open();
    const text = await response.text();
    expect(text.match(/^: keep-alive\n\n/gm)).toHaveLength(3);
    expect(readFrames(text).at(-1)?.event).toBe('agent_run.completed');
  });

  test('a client that leaves the stream does not end the run', async () => {
    const gate = createGate();
    const { open, call, get } = await serve({ contract, agent: new ScriptedAgent(gate.script) });
    const leave = new AbortController();
    const response = await open('POST', '/agent/runs', {
      ...EVENTS,
      body: { query: 'Find it.' },
      signal: leave.signal,
    });
    leave.abort();
    await expect(response.text()).rejects.toThrow();
    const { body } = await call('GET', '/agent/runs');
    expect(body.data[0].status).toBe('running');
    gate.open();
    await expect.poll(async () => (await get(body.data[0].id)).status).toBe('completed');
  });

  test('a run fails if its agent fails, and its events have the reason', async () => {
    const agent = new ScriptedAgent(() => Promise.reject(new Error('no more tables')));
    const { stream, get } = await serve({ contract, agent });
    const frames = await stream({ query: 'Find it.' });
    const error = { type: 'SERVER_ERROR', code: 'SERVER_ERROR', message: 'The agent failed: no more tables' };
    const run = await get(readId(frames[0]?.data));
    expect(frames[2]).toMatchObject({
      event: 'agent_run.failed',
      data: { id: run.id, status: 'failed', error },
    });
    expect(run).toMatchObject({ status: 'failed', stopReason: 'error', output: { structured: null } });
    expect(run.error).toEqual(contract === 'current' ? error : undefined);
  });

  test('a run that exceeds its time limit fails with TIMEOUT', async () => {
    const clock = new ManualClock();
    const { open } = await serve({ contract, clock, agent: new ScriptedAgent(createGate().script) });
    const response = await open('POST', '/agent/runs', { ...EVENTS, body: { query: 'Find it.' } });
    clock.advance(3_600_000);
    expect(readFrames(await response.text()).at(-1)).toMatchObject({
      event: 'agent_run.failed',
      data: { error: { code: 'TIMEOUT' } },
    });
    expect(clock.sleeping).toBe(0);
  });

  test('cancel ends a run and its streams without results, and may be repeated', async () => {
    const agent = new ScriptedAgent(createGate().script);
    const { open, call } = await serve({ contract, agent });
    const response = await open('POST', '/agent/runs', { ...EVENTS, body: { query: 'Find it.' } });
    const { body } = await call('GET', '/agent/runs');
    const id = body.data[0].id;
    const cancelled = await call('POST', `/agent/runs/${id}/cancel`);
    expect(cancelled.body).toMatchObject({ status: 'cancelled', stopReason: 'cancelled' });
    expect(cancelled.body.completedAt).not.toBeNull();
    expect(readFrames(await response.text()).at(-1)?.event).toBe('agent_run.cancelled');
    const again = await call('POST', `/agent/runs/${id}/cancel`, { body: {} });
    expect(again.body).toEqual(cancelled.body);
  });

  test('cancel does not change a completed run', async () => {
    const { finish, call } = await serve({ contract });
    const run = await finish({ query: 'Find it.' });
    expect((await call('POST', `/agent/runs/${run.id}/cancel`)).body).toEqual(run);
  });

  test('delete removes a run, its events and its list entry, once', async () => {
    const { finish, call } = await serve({ contract });
    const run = await finish({ query: 'Find it.' });
    expect((await call('DELETE', `/agent/runs/${run.id}`)).body).toEqual({
      id: run.id,
      object: 'agent_run.deleted',
      deleted: true,
    });
    for (const [method, path] of [
      ['DELETE', ''],
      ['GET', ''],
      ['GET', '/events'],
      ['POST', '/cancel'],
    ] as const) {
      expect((await call(method, `/agent/runs/${run.id}${path}`)).body.error.code).toBe('RUN_NOT_FOUND');
    }
    expect((await call('GET', '/agent/runs')).body.data).toEqual([]);
  });

  test('delete cancels an active run', async () => {
    let aborted = false;
    const agent = new ScriptedAgent((_task, signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise(() => {});
    });
    const { open, call } = await serve({ contract, agent });
    const response = await open('POST', '/agent/runs', { ...EVENTS, body: { query: 'Find it.' } });
    const { body } = await call('GET', '/agent/runs');
    await call('DELETE', `/agent/runs/${body.data[0].id}`);
    expect(readFrames(await response.text()).at(-1)?.event).toBe('agent_run.cancelled');
    expect(aborted).toBe(true);
  });

  test('the list pages from newest to oldest without duplicates', async () => {
    const { create, call } = await serve({ contract });
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.unshift((await create({ query: `Find ${index}.` })).id);
    const first = await call('GET', '/agent/runs?limit=2');
    const second = await call('GET', `/agent/runs?limit=2&cursor=${first.body.nextCursor}`);
    await call('DELETE', `/agent/runs/${second.body.nextCursor}`);
    const third = await call('GET', `/agent/runs?limit=2&cursor=${second.body.nextCursor}`);
    const pages = [first, second, third].map((page) => page.body.data.map((run: { id: string }) => run.id));
    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    expect(third.body).toMatchObject({ hasMore: false, nextCursor: null });
  });

  test('the default page size of the list is 20', async () => {
    const { create, call } = await serve({ contract });
    for (let index = 0; index < 21; index += 1) await create({ query: 'Find it.' });
    const { body } = await call('GET', '/agent/runs');
    expect(body.data).toHaveLength(20);
    expect(body.hasMore).toBe(true);
  });

  test('stored events are available as pages and as a replay that closes', async () => {
    const { finish, call, open } = await serve({ contract });
    const { id } = await finish({ query: 'Find it.' });
    const first = await call('GET', `/agent/runs/${id}/events?limit=2`);
    expect(first.body.data.map((event: { event: string }) => event.event)).toEqual([
      'agent_run.created',
      'agent_run.started',
    ]);
    const rest = await call('GET', `/agent/runs/${id}/events?cursor=${first.body.nextCursor}`);
    expect(rest.body).toMatchObject({ data: [{ id: '3', event: 'agent_run.completed' }], hasMore: false });
    const replay = await open('GET', `/agent/runs/${id}/events`, EVENTS);
    expect(readFrames(await replay.text()).map((frame) => frame.id)).toEqual([1, 2, 3]);
    const headers = { ...EVENTS.headers, 'last-event-id': '2' };
    const tail = await open('GET', `/agent/runs/${id}/events`, { headers });
    expect(readFrames(await tail.text()).map((frame) => frame.id)).toEqual([3]);
  });

  test('a replay of an active run closes without waiting for its end', async () => {
    const { create, open } = await serve({ contract, agent: new ScriptedAgent(createGate().script) });
    const { id } = await create({ query: 'Find it.' });
    const replay = await open('GET', `/agent/runs/${id}/events`, EVENTS);
    expect(readFrames(await replay.text()).map((frame) => frame.event)).toEqual([
      'agent_run.created',
      'agent_run.started',
    ]);
  });

  test('a follow-up run passes the earlier rows and answers to the agent', async () => {
    const agent = new ScriptedAgent();
    const { finish } = await serve({ contract, agent });
    const first = await finish({ query: 'Find it.', input: { data: createRecords(1) } });
    await finish({ query: 'Once more.', previousRunId: first.id });
    expect(agent.tasks[0]?.previous).toBeNull();
    expect(agent.tasks[1]?.previous).toEqual(first);
  });

  test('only completed runs of the same key can be continued', async () => {
    const gate = createGate();
    const { create, call } = await serve({ contract, agent: new ScriptedAgent(gate.script) });
    const { id } = await create({ query: 'Find it.' });
    const refuse = async (headers: Record<string, string> = {}) => {
      const answer = await call('POST', '/agent/runs', { body: { query: 'x', previousRunId: id }, headers });
      return [answer.status, answer.body.error.code];
    };
    expect(await refuse()).toEqual([400, 'PREVIOUS_RUN_NOT_COMPLETED']);
    await call('POST', `/agent/runs/${id}/cancel`);
    expect(await refuse()).toEqual([400, 'PREVIOUS_RUN_NOT_COMPLETED']);
    expect(await refuse({ 'x-api-key': 'another' })).toEqual([400, 'PREVIOUS_RUN_NOT_FOUND']);
    await call('DELETE', `/agent/runs/${id}`);
    expect(await refuse()).toEqual([400, 'PREVIOUS_RUN_NOT_FOUND']);
  });

  test('each key is its own team', async () => {
    const { create, call } = await serve({ contract });
    const { id } = await create({ query: 'Find it.' });
    const headers = { 'x-api-key': 'another' };
    expect((await call('GET', `/agent/runs/${id}`, { headers })).body.error.code).toBe('RUN_NOT_FOUND');
    expect((await call('GET', '/agent/runs', { headers })).body.data).toEqual([]);
    const bearer = { 'x-api-key': '', authorization: 'Bearer test-key' };
    expect((await call('GET', `/agent/runs/${id}`, { headers: bearer })).status).toBe(200);
  });

  test('limits the active runs of a key, and an ended run makes room', async () => {
    const agent = new ScriptedAgent(createGate().script);
    const { create, call, server } = await serve({ contract, agent, maxActiveRuns: 2 });
    const { id } = await create({ query: 'Find it.' });
    await create({ query: 'Find it.' });
    const refused = await call('POST', '/agent/runs', { body: { query: 'Find it.' } });
    expect(refused.status).toBe(429);
    expect(refused.body.error).toMatchObject({ type: 'RATE_LIMIT_ERROR', code: 'CONCURRENCY_LIMIT_REACHED' });
    await create({ query: 'Find it.' }, { headers: { 'x-api-key': 'another' } });
    await call('POST', `/agent/runs/${id}/cancel`);
    await create({ query: 'Find it.' });
    expect(server.report()).toMatchObject({
      runs: { created: 4, peakActive: 3 },
      refused: { concurrency: 1 },
    });
  });

  test('the gateway refuses starts above the rate, with a retry time', async () => {
    const clock = new ManualClock();
    const { create, call, server } = await serve({ contract, clock, startsPerSecond: 2 });
    await create({ query: 'Find it.' });
    await create({ query: 'Find it.' });
    const refused = await call('POST', '/agent/runs', { body: { query: 'Find it.' } });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(refused.body).toMatchObject({ tag: 'RATE_LIMIT_EXCEEDED', error: expect.any(String) });
    expect((await call('GET', '/agent/runs')).status).toBe(200);
    clock.advance(500);
    await create({ query: 'Find it.' });
    expect(server.report().refused.rate).toBe(1);
  });

  test('bills what the agent reports', async () => {
    const costDollars = { total: 0.1, agentCompute: 0.055, search: 0.045, emails: 0, phoneNumbers: 0 };
    const usage = { agentComputeUnits: 0.55, searches: 9, emails: 0, phoneNumbers: 0 };
    const agent = new ScriptedAgent((task) => ({ ...answerRows(task), usage, costDollars }));
    const { finish, server } = await serve({ contract, agent });
    const run = await finish({ query: 'Find it.' });
    expect(run.costDollars).toEqual(costDollars);
    expect(run.usage.agentComputeUnits).toBe(contract === 'current' ? 0.55 : 1);
    expect(server.report().billedMicros).toBe(100_000);
  });

  test('omits what the contract does not have', async () => {
    const grounding = [
      { field: 'structured.a', citations: [{ url: 'https://example.com/', title: null }], score: 0.5 },
    ];
    const agent = new ScriptedAgent(() => ({
      ...createResult({ a: 1 }, grounding),
      stopReason: 'time_limit_reached',
    }));
    const { finish } = await serve({ contract, agent });
    const run = await finish({ query: 'Find it.' });
    expect(run.stopReason).toBe(contract === 'current' ? 'time_limit_reached' : 'budget_reached');
    expect(run.output.grounding).toEqual([
      {
        field: 'structured.a',
        citations: [{ url: 'https://example.com/' }],
        confidence: null,
        ...(contract === 'current' ? { score: 0.5 } : {}),
      },
    ]);
  });
});

describe('stop, in the current contract', () => {
  test('an ultra run ends at once with what its agent returns', async () => {
    const agent = new ScriptedAgent(
      (_task, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(createResult({ rows: ['found so far'] })));
        }),
    );
    const { create, call } = await serve({ contract: 'current', agent });
    const { id } = await create({ query: 'Find it.', effort: 'ultra' });
    const stopped = await call('POST', `/agent/runs/${id}/stop`);
    expect(stopped.body).toMatchObject({
      status: 'completed',
      stopReason: 'stopped',
      output: { structured: { rows: ['found so far'] } },
    });
    expect((await call('POST', `/agent/runs/${id}/stop`)).body).toEqual(stopped.body);
  });

  test('a run whose agent returns nothing completes empty', async () => {
    const { create, call } = await serve({
      contract: 'current',
      agent: new ScriptedAgent(createGate().script),
    });
    const { id } = await create({ query: 'Find it.', effort: 'ultra' });
    expect((await call('POST', `/agent/runs/${id}/stop`)).body).toMatchObject({
      status: 'completed',
      stopReason: 'stopped',
      output: { structured: null },
    });
  });

  test('other efforts cannot be stopped', async () => {
    const { create, call } = await serve({
      contract: 'current',
      agent: new ScriptedAgent(createGate().script),
    });
    const { id } = await create({ query: 'Find it.', effort: 'high' });
    const refused = await call('POST', `/agent/runs/${id}/stop`);
    expect([refused.status, refused.body.error.code]).toEqual([400, 'INVALID_REQUEST']);
  });

  test('its own time limit ends an ultra run with its results so far', async () => {
    const clock = new ManualClock();
    const agent = new ScriptedAgent(createGate().script);
    const { create, get } = await serve({ contract: 'current', clock, agent });
    const budget = { maxDurationSeconds: 300 };
    const { id } = await create({ query: 'Find it.', effort: 'ultra', budget });
    clock.advance(299_999);
    expect((await get(id)).status).toBe('running');
    clock.advance(1);
    await expect.poll(async () => (await get(id)).stopReason).toBe('time_limit_reached');
  });

  test('the contract of 2026-05-07 does not have it', async () => {
    const { finish, call } = await serve();
    const { id } = await finish({ query: 'Find it.' });
    expect((await call('POST', `/agent/runs/${id}/stop`)).status).toBe(404);
  });
});

test('two hundred ended runs leave nothing in memory', async () => {
  const clock = new ManualClock();
  const { finish, server } = await serve({ clock });
  for (let index = 0; index < 4; index += 1) {
    await Promise.all(Array.from({ length: 50 }, () => finish({ query: 'Find it.' })));
  }
  await wait(0);
  expect(clock.sleeping).toBe(0);
  expect(server.report().runs).toMatchObject({ created: 200, completed: 200 });
});
