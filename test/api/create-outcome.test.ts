import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { AgentClient } from '../../src/api/agent-client.js';
import { isAgentFailure } from '../../src/model/run.js';
import { withClient } from '../helpers/open-client.js';
import { createRunJson, formatFrame, openEvents, type RawHandler, sendJson } from '../helpers/raw-server.js';

const KEY = 'sk-never-to-be-seen-0123456789';
const nested = (type: string, code: string) => ({ error: { type, code, message: `About ${code}.` } });
const flat = (tag: string) => ({ requestId: 'req_9', error: `About ${tag}.`, tag });

const answerJson =
  (status: number, body: unknown, headers = {}): RawHandler =>
  (_request, response) =>
    sendJson(response, status, body, headers);

const answerText =
  (status: number, type: string, text: string): RawHandler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': type });
    response.end(text);
  };

const answerBytes =
  (bytes: string): RawHandler =>
  (_request, _response, socket) => {
    socket.end(bytes);
  };

/** Sends the response headers, then nothing on an open connection. */
const stall =
  (status: number): RawHandler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': '50' });
    response.flushHeaders();
  };

const HTML = '<!doctype html><title>502</title><h1>Bad Gateway</h1>';

/** Server's response to a create → the client's error. */
const TABLE: readonly (readonly [string, RawHandler, Readonly<Record<string, unknown>>])[] = [
  [
    '400 nested',
    answerJson(400, nested('INVALID_REQUEST', 'INVALID_OUTPUT_SCHEMA')),
    { outcome: 'not_created', kind: 'usage', code: 'INVALID_OUTPUT_SCHEMA', type: 'INVALID_REQUEST' },
  ],
  [
    '401 nested',
    answerJson(401, nested('AUTHENTICATION_ERROR', 'TEAM_NOT_FOUND')),
    { outcome: 'not_created', kind: 'refused', status: 401 },
  ],
  [
    '401 flat',
    answerJson(401, flat('INVALID_API_KEY')),
    {
      outcome: 'not_created',
      kind: 'refused',
      requestId: 'req_9',
      hint: expect.stringContaining('EXA_API_KEY'),
    },
  ],
  [
    '402 flat',
    answerJson(402, flat('NO_MORE_CREDITS')),
    { outcome: 'not_created', kind: 'refused', hint: expect.stringContaining('credits') },
  ],
  ['403 flat', answerJson(403, flat('FEATURE_DISABLED')), { outcome: 'not_created', kind: 'refused' }],
  [
    '404 nested',
    answerJson(404, nested('NOT_FOUND', 'RUN_NOT_FOUND')),
    { outcome: 'not_created', kind: 'usage' },
  ],
  [
    '429 concurrency',
    answerJson(429, nested('RATE_LIMIT_ERROR', 'CONCURRENCY_LIMIT_REACHED')),
    { outcome: 'not_created', limit: 'concurrency', kind: 'unreachable', retryAfterMs: null },
  ],
  [
    '429 rate',
    answerJson(429, flat('RATE_LIMIT_EXCEEDED'), { 'retry-after': '3' }),
    { outcome: 'not_created', limit: 'rate', retryAfterMs: 3_000 },
  ],
  [
    '429 with text only',
    answerJson(429, { error: 'Too many active runs' }),
    { outcome: 'not_created', limit: 'concurrency', code: 'HTTP_429' },
  ],
  ['429 as a web page', answerText(429, 'text/html', HTML), { outcome: 'unknown', limit: 'rate' }],
  ['400 as a web page', answerText(400, 'text/html', HTML), { outcome: 'unknown', code: 'NOT_THE_API' }],
  ['404 as text', answerText(404, 'text/plain', 'not here'), { outcome: 'unknown', code: 'HTTP_404' }],
  [
    '408 nested',
    answerJson(408, nested('SERVER_ERROR', 'TIMEOUT')),
    { outcome: 'unknown', kind: 'unreachable' },
  ],
  [
    '500 nested',
    answerJson(500, nested('SERVER_ERROR', 'SERVER_ERROR')),
    { outcome: 'unknown', kind: 'unreachable' },
  ],
  ['503 flat', answerJson(503, flat('SERVICE_OVERLOADED')), { outcome: 'unknown' }],
  ['502 as a web page', answerText(502, 'text/html', HTML), { outcome: 'unknown', code: 'HTTP_502' }],
  [
    '200 as a web page',
    answerText(200, 'text/html', HTML),
    { outcome: 'unknown', code: 'NOT_THE_API', hint: expect.stringContaining('--api-url') },
  ],
  [
    '200 with broken JSON',
    answerText(200, 'application/json', '{"id":"ru'),
    { outcome: 'unknown', code: 'INVALID_JSON' },
  ],
  [
    '200 with JSON that is not a run',
    answerJson(200, { ok: true }),
    { outcome: 'unknown', code: 'INVALID_RUN' },
  ],
  [
    '204',
    (_request, response) => response.writeHead(204).end() as unknown as undefined,
    { outcome: 'unknown', code: 'NOT_THE_API' },
  ],
  [
    'a redirect',
    (_request, response) => {
      response.writeHead(307, { location: 'https://other.example/agent/runs?token=t' }).end();
    },
    {
      outcome: 'unknown',
      code: 'REDIRECTED',
      message: expect.stringMatching(/https:\/\/other\.example\/agent\/runs$/),
    },
  ],
  [
    'bytes that are not HTTP',
    answerBytes('SSH-2.0-OpenSSH_9.7\r\n'),
    { outcome: 'unknown', code: 'NETWORK_ERROR', status: null },
  ],
  [
    'a closed connection',
    (_request, _response, socket) => {
      socket.destroy();
    },
    { outcome: 'unknown', status: null },
  ],
  [
    'headers without a body',
    answerBytes('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n'),
    { outcome: 'unknown' },
  ],
  ['headers whose body never comes', stall(200), { outcome: 'unknown', code: 'TIMED_OUT' }],
  ['a failure whose body never comes', stall(503), { outcome: 'unknown', status: 503 }],
  [
    'half a body',
    answerBytes('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"id":"r"'),
    { outcome: 'unknown' },
  ],
  [
    'an error response that is cut off',
    answerBytes(
      'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"error":{',
    ),
    { outcome: 'unknown', status: 400 },
  ],
  [
    'a stream without events',
    (_request, response) => {
      openEvents(response);
      response.end();
    },
    { outcome: 'unknown', code: 'STREAM_CUT' },
  ],
  [
    'a stream cut in its first frame',
    (_request, response, socket) => {
      openEvents(response);
      response.write('id: 1\nevent: agent_run.created\ndata: {"id":"ru', () => socket.destroy());
    },
    { outcome: 'unknown', code: 'STREAM_CUT' },
  ],
  [
    'a stream that starts with an error',
    (_request, response) => {
      openEvents(response);
      response.write(formatFrame('1', 'error', nested('SERVER_ERROR', 'SERVER_ERROR')));
    },
    { outcome: 'unknown', code: 'SERVER_ERROR', type: 'SERVER_ERROR' },
  ],
  [
    'a stream of many events without a run id',
    (_request, response) => {
      openEvents(response);
      for (let id = 0; id < 150; id += 1) response.write(formatFrame(String(id), 'progress', { step: id }));
    },
    { outcome: 'unknown', code: 'RESPONSE_TOO_LARGE' },
  ],
  [
    'a stream of large events without a run id',
    (_request, response) => {
      openEvents(response);
      for (let id = 0; id < 90; id += 1)
        response.write(
          `${`: ${'x'.repeat(3_000)}\n\n`.repeat(30)}${formatFrame(String(id), 'progress', { step: id })}`,
        );
    },
    { outcome: 'unknown', code: 'RESPONSE_TOO_LARGE' },
  ],
  [
    'a frame that never ends',
    (_request, response) => {
      openEvents(response);
      for (let part = 0; part < 50; part += 1) response.write('data: 0123456789\n'.repeat(10));
    },
    { outcome: 'unknown' },
  ],
  ['no response in time', () => {}, { outcome: 'unknown', code: 'TIMED_OUT' }],
  [
    'a response above the size limit',
    answerText(200, 'application/json', JSON.stringify('x'.repeat(5_000))),
    { outcome: 'unknown', code: 'RESPONSE_TOO_LARGE' },
  ],
];

/** Uses a short timeout only where it is tested, so that a busy machine does not hit it elsewhere. */
function createOptions(name: string) {
  const createMs = name === 'no response in time' || name.includes('never comes') ? 1_000 : 30_000;
  return { apiKey: KEY, maxResponseBytes: 4_000, timeouts: { createMs } };
}

describe('a create that gets', () => {
  test.each(TABLE)('%s', async (name, handler, expected) => {
    const options = createOptions(name);
    await withClient(handler, options, async ({ client, server }) => {
      const error: unknown = await client.start({ query: 'q' }).catch((reason: unknown) => reason);
      expect(isAgentFailure(error)).toBe(true);
      expect(error).toMatchObject(expected);
      expect(server.requests, 'a create is sent exactly once').toHaveLength(1);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(KEY);
    });
  });

  test.each(TABLE.filter(([name]) => !name.includes('stream')))(
    '%s, without a stream',
    async (name, handler, expected) => {
      const options = createOptions(name);
      await withClient(handler, options, async ({ client, server }) => {
        await expect(client.create({ query: 'q' })).rejects.toMatchObject(expected);
        expect(server.requests).toHaveLength(1);
      });
    },
  );

  test('a refused connection created nothing', async () => {
    const port = await findClosedPort();
    const client = new AgentClient({ baseUrl: `http://127.0.0.1:${port}`, env: {} });
    await expect(client.start({ query: 'q' })).rejects.toMatchObject({
      outcome: 'not_created',
      code: 'NETWORK_ERROR',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    await client.close();
  });

  test('accepts a run as JSON instead of a stream', async () => {
    await withClient(answerJson(202, createRunJson('r', { status: 'queued' })), {}, async ({ client }) => {
      expect((await client.start({ query: 'q' })).id).toBe('r');
      expect((await client.create({ query: 'q' })).status).toBe('queued');
    });
  });

  test('an aborted create rejects with the reason at once', async () => {
    await withClient(
      () => {},
      {},
      async ({ client, server }) => {
        const controller = new AbortController();
        const reason = new Error('enough');
        const created = client.start({ query: 'q' }, { signal: controller.signal });
        while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
        controller.abort(reason);
        await expect(created).rejects.toBe(reason);
        await expect(client.start({ query: 'q' }, { signal: controller.signal })).rejects.toBe(reason);
        expect(server.requests).toHaveLength(1);
      },
    );
  });
});

async function findClosedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
