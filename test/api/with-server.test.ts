import { describe, expect, onTestFinished, test } from 'vitest';
import { AgentClient, type AgentClientOptions } from '../../src/api/agent-client.js';
import type { AgentRunEvent, CreateRunRequest } from '../../src/model/run.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/start-server.js';
import { createGate, createRecords, ScriptedAgent } from '../helpers/scripted-agent.js';

const REQUEST: CreateRunRequest = {
  query: 'Answer each row.',
  input: { data: createRecords(2) },
  effort: 'low',
  metadata: { rowfill_batch: 'b_1' },
};

/** Short retries, for faults that have to be retried. */
const QUICK = { retry: { baseMs: 1, capMs: 10 } };

async function openBoth(
  serverOptions: Partial<ServerOptions> = {},
  clientOptions: AgentClientOptions = {},
): Promise<{ client: AgentClient; server: RunningServer }> {
  const server = await startServer({ agent: new ScriptedAgent(), ...serverOptions });
  const client = new AgentClient({ baseUrl: server.url, apiKey: 'test-key', ...clientOptions });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return { client, server };
}

describe.each(['2026-05-07', 'current'] as const)('with the served API, contract %s', (contract) => {
  test('100 runs take at most 2.1 requests each', async () => {
    const { client } = await openBoth({ contract });
    const work = async (): Promise<void> => {
      for (let count = 0; count < 10; count += 1) {
        const run = await client.wait(await client.start(REQUEST));
        expect(run.status).toBe('completed');
        expect(run.output.structured).toMatchObject({ rows: [{ row_id: 'r1' }, { row_id: 'r2' }] });
        expect(run.output.grounding).toHaveLength(2);
      }
    };
    await Promise.all(Array.from({ length: 10 }, work));
    expect(client.requests).toBeLessThanOrEqual(210);
  });

  test('every call works', async () => {
    const gate = createGate();
    const { client } = await openBoth({ contract, agent: new ScriptedAgent(gate.script) });
    await client.check();
    const held = await client.create(REQUEST);
    expect(held.request?.metadata).toEqual({ rowfill_batch: 'b_1' });
    expect((await client.cancel(held.id)).status).toBe('cancelled');
    expect((await client.cancel(held.id)).status).toBe('cancelled');
    gate.open();
    const run = await client.wait((await client.create(REQUEST)).id);
    expect(await client.get(run.id)).toEqual(run);
    const page = await client.list({ limit: 1 });
    expect(page.data.map((entry) => entry.id)).toEqual([run.id]);
    expect(page.hasMore).toBe(true);
    const all: string[] = [];
    for await (const { id } of client.listAll({ limit: 1 })) all.push(id);
    expect(all).toEqual([run.id, held.id]);
    const rest = await client.list({ cursor: page.nextCursor ?? '' });
    expect(rest.data.map((entry) => entry.id)).toEqual([held.id]);
    const events = await client.events(run.id);
    expect(events.data.at(-1)?.event).toBe('agent_run.completed');
    await client.delete(held.id);
    await expect(client.get(held.id)).rejects.toMatchObject({ status: 404, code: 'RUN_NOT_FOUND' });
    await expect(client.delete(held.id)).rejects.toMatchObject({ status: 404 });
  });

  test('stream yields the run’s events in order', async () => {
    const { client } = await openBoth({ contract });
    const events: AgentRunEvent[] = [];
    for await (const event of client.stream(REQUEST)) events.push(event);
    const names = events.map((event) => event.event);
    expect(names[0]).toBe('agent_run.created');
    expect(names.at(-1)).toBe('agent_run.completed');
    expect(events.map((event) => Number(event.id))).toEqual([...events.keys()].map((index) => index + 1));
  });

  test('a rejected request created nothing', async () => {
    const { client } = await openBoth({ contract });
    const schema = { type: 'nonsense' };
    await expect(client.start({ ...REQUEST, outputSchema: schema })).rejects.toMatchObject({
      outcome: 'not_created',
      code: 'INVALID_OUTPUT_SCHEMA',
      kind: 'usage',
    });
    expect((await client.list()).data).toEqual([]);
  });
});

test('check rejects a wrong key before anything is spent', async () => {
  const { client } = await openBoth({ key: 'the-right-key' });
  await expect(client.check()).rejects.toMatchObject({ kind: 'refused', status: 401 });
});

test('a concurrency limit is distinguished from other limits', async () => {
  const gate = createGate();
  const { client } = await openBoth({ maxActiveRuns: 1, agent: new ScriptedAgent(gate.script) });
  const started = await client.start(REQUEST);
  await expect(client.start(REQUEST)).rejects.toMatchObject({ outcome: 'not_created', limit: 'concurrency' });
  gate.open();
  expect((await client.wait(started)).status).toBe('completed');
});

describe('with simulated faults', () => {
  const rehearse = (faults: unknown): Partial<ServerOptions> => ({ rehearsal: resolveRehearsal({ faults }) });

  test('cut streams lose nothing', async () => {
    const { client } = await openBoth(rehearse([{ fault: 'cut_stream' }]), QUICK);
    for (let count = 0; count < 5; count += 1) {
      expect((await client.wait(await client.start(REQUEST))).output.structured).toMatchObject({
        rows: [{}, {}],
      });
    }
  });

  test('reads are retried after every kind of failure', async () => {
    const on = ['get', 'list', 'events'];
    const faults = [
      'rate_limited',
      'server_error',
      'bad_gateway',
      'overloaded',
      'lost_request',
      'lost_reply',
    ].map((fault, index) => ({ fault, on, nth: index + 1 }));
    const { client } = await openBoth(rehearse(faults), QUICK);
    for (let count = 0; count < 5; count += 1) {
      const run = await client.wait(await client.start(REQUEST));
      expect((await client.get(run.id)).status).toBe('completed');
      expect((await client.list({ limit: 1 })).data).toHaveLength(1);
    }
  });

  test('a lost create response is reported as unknown, and its run can be found and waited for', async () => {
    const { client } = await openBoth(rehearse([{ fault: 'lost_reply', on: ['create'] }]));
    await expect(client.start(REQUEST)).rejects.toMatchObject({ outcome: 'unknown', status: null });
    const found = (await client.list()).data.find((run) => run.request?.metadata?.rowfill_batch === 'b_1');
    expect((await client.wait(found?.id ?? '')).status).toBe('completed');
  });
});
