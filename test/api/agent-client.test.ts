import { afterEach, expect, test } from 'vitest';
import { AgentClient, type AgentClientOptions } from '../../src/api/agent-client.js';
import {
  createRunJson,
  formatFrame,
  openEvents,
  openRawServer,
  type RawHandler,
  type RawServer,
  sendJson,
} from '../helpers/raw-server.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(
  handler: RawHandler,
  options: AgentClientOptions = {},
): Promise<{ server: RawServer; client: AgentClient }> {
  const server = await openRawServer(handler);
  const client = new AgentClient({ baseUrl: server.url, ...options });
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  return { server, client };
}

test('a run is started, awaited on its stream and fetched once: two requests', async () => {
  const { server, client } = await open((request, response) => {
    if (request.method === 'GET') return sendJson(response, 200, createRunJson('run_1'));
    openEvents(response);
    response.write(formatFrame('1', 'agent_run.created', { id: 'run_1', status: 'queued' }));
    response.end(formatFrame('2', 'agent_run.completed', { id: 'run_1', status: 'completed' }));
  });
  const started = await client.start({ query: 'q' });
  expect(started.id).toBe('run_1');
  const run = await client.wait(started);
  expect(run.output.text).toBe('done');
  expect(run.costDollars.total).toBe(0.025);
  expect(server.requests.map((request) => `${request.method} ${request.url}`)).toEqual([
    'POST /agent/runs',
    'GET /agent/runs/run_1',
  ]);
  expect(client.requests).toBe(2);
});

test('a cut stream is replayed from the last event seen, then polled', async () => {
  const { server, client } = await open((request, response, socket) => {
    if (request.method === 'POST') {
      openEvents(response);
      response.write(formatFrame('1', 'agent_run.created', { id: 'run_1' }), () => socket.destroy());
    } else if (request.url.endsWith('/events')) {
      openEvents(response);
      response.end(formatFrame('2', 'agent_run.failed', { id: 'run_1', status: 'failed', error: 'why' }));
    } else sendJson(response, 200, createRunJson('run_1', { status: 'failed', stopReason: 'error' }));
  });
  const run = await client.wait(await client.start({ query: 'q' }));
  expect(run.status).toBe('failed');
  expect(run.error).toEqual({ message: 'why' });
  expect(server.requests[1]?.headers['last-event-id']).toBe('1');
});

test('a refused create says that nothing was created', async () => {
  const { client } = await open((_request, response) =>
    sendJson(response, 429, {
      error: { type: 'RATE_LIMIT_ERROR', code: 'CONCURRENCY_LIMIT_REACHED', message: 'Too many.' },
    }),
  );
  await expect(client.start({ query: 'q' })).rejects.toMatchObject({
    outcome: 'not_created',
    limit: 'concurrency',
    status: 429,
    type: 'RATE_LIMIT_ERROR',
  });
});
