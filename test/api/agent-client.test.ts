import { describe, expect, test } from 'vitest';
import { AgentClient } from '../../src/api/agent-client.js';
import { withClient } from '../helpers/open-client.js';
import { createRunJson, openRawServer, type RawHandler, sendJson } from '../helpers/raw-server.js';

const QUICK = { retry: { baseMs: 1, capMs: 1 } };
const NOT_FOUND = { error: { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'No such run.' } };

describe('calls that are safe to repeat', () => {
  test('are retried with the same request until they succeed', async () => {
    let tries = 0;
    const flaky: RawHandler = (_request, response) => {
      tries += 1;
      if (tries % 3 === 0) sendJson(response, 200, tries === 6 ? { data: [] } : createRunJson('r'));
      else sendJson(response, 503, { error: 'busy' });
    };
    await withClient(flaky, QUICK, async ({ client, server }) => {
      expect((await client.cancel('r')).id).toBe('r');
      expect((await client.list({ limit: 3 })).data).toEqual([]);
      expect((await client.stop('r')).id).toBe('r');
      expect(new Set(server.requests.map(({ method, url }) => `${method} ${url}`))).toEqual(
        new Set(['POST /agent/runs/r/cancel', 'GET /agent/runs?limit=3', 'POST /agent/runs/r/stop']),
      );
      expect(client.requests).toBe(9);
    });
  });

  test('reject with the last failure once the retries are used up', async () => {
    await withClient(
      (_request, response) => sendJson(response, 500, { error: { code: 'SERVER_ERROR', message: 'Oops.' } }),
      { retry: { maxRetries: 2, baseMs: 1 } },
      async ({ client }) => {
        await expect(client.get('r')).rejects.toMatchObject({
          status: 500,
          code: 'SERVER_ERROR',
          outcome: null,
        });
        expect(client.requests).toBe(3);
      },
    );
  });

  test('are not retried after a 404', async () => {
    await withClient(
      (_request, response) => sendJson(response, 404, NOT_FOUND),
      QUICK,
      async ({ client }) => {
        await expect(client.get('r')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
        await expect(client.events('r')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
        expect(client.requests).toBe(2);
      },
    );
  });
});

describe('delete', () => {
  test('treats a 404 on the retry as success', async () => {
    let tries = 0;
    const handler: RawHandler = (_request, response, socket) => {
      tries += 1;
      if (tries === 1) socket.destroy();
      else sendJson(response, 404, NOT_FOUND);
    };
    await withClient(handler, QUICK, async ({ client }) => {
      await expect(client.delete('r')).resolves.toBeUndefined();
    });
  });

  test('rejects with 404 for a missing run', async () => {
    await withClient(
      (_request, response) => sendJson(response, 404, NOT_FOUND),
      QUICK,
      async ({ client }) => {
        await expect(client.delete('r')).rejects.toMatchObject({ status: 404 });
      },
    );
  });

  test('accepts an empty 204', async () => {
    await withClient(
      (_request, response) => void response.writeHead(204).end(),
      {},
      async ({ client }) => {
        await client.delete('r');
        expect(client.requests).toBe(1);
      },
    );
  });
});

test('stop adds the old beta token only when the service requires it', async () => {
  const handler: RawHandler = (request, response) => {
    if (String(request.headers['exa-beta']).includes('agent-max-effort'))
      sendJson(response, 200, createRunJson('r'));
    else sendJson(response, 400, { error: { code: 'MISSING_BETA_HEADER', message: 'Beta header needed.' } });
  };
  await withClient(handler, {}, async ({ client, server }) => {
    expect((await client.stop('r')).id).toBe('r');
    expect(server.requests.map((request) => request.headers['exa-beta'])).toEqual([
      'agent-2026-05-07',
      'agent-2026-05-07,agent-max-effort-2026-07-27',
    ]);
  });
});

describe('check', () => {
  const answer =
    (status: number, type: string, text: string, headers = {}): RawHandler =>
    (_request, response) => {
      response.writeHead(status, { 'content-type': type, ...headers }).end(text);
    };

  test('accepts a page of runs, with one request', async () => {
    await withClient(
      answer(200, 'application/json', '{"object":"list","data":[]}'),
      {},
      async ({ client, server }) => {
        await client.check();
        expect(server.requests.map((request) => request.url)).toEqual(['/agent/runs?limit=1']);
      },
    );
  });

  test.each([
    ['a web page', answer(200, 'text/html', '<!doctype html><p>Hi'), 'NOT_THE_API', 'answered HTML'],
    ['a missing web page', answer(404, 'text/html', '<html>'), 'NOT_THE_API', 'answered HTML'],
    ['another API', answer(200, 'application/json', '{"hello":"world"}'), 'NOT_THE_API', 'not a list page'],
    [
      'another API without this path',
      answer(404, 'application/json', '{"error":"Not Found"}'),
      'NOT_THE_API',
      'no Agent Runs API',
    ],
    ['plain text', answer(200, 'text/plain', 'It works!'), 'NOT_THE_API', 'It works!'],
    ['an empty response', answer(200, 'text/plain', ''), 'NOT_THE_API', 'answered nothing'],
    ['a server error', answer(500, 'text/html', '<h1>Oops'), 'HTTP_500', 'answered 500: <h1>Oops'],
    ['a method that is not allowed', answer(405, 'text/plain', 'no'), 'HTTP_405', 'answered 405: no'],
    ['a redirect', answer(301, 'text/plain', '', { location: '/login' }), 'REDIRECTED', '/login'],
    [
      'a rejected key',
      answer(401, 'application/json', '{"error":"no","tag":"INVALID_API_KEY"}'),
      'INVALID_API_KEY',
      '401',
    ],
  ])('reports %s with address and hint, after one request', async (_name, handler, code, words) => {
    await withClient(handler, { retry: { maxRetries: 0 } }, async ({ client, server }) => {
      const error = await client.check().catch((caught) => caught);
      expect(error.message).toContain(server.url);
      expect(error).toMatchObject({
        code,
        message: expect.stringContaining(words),
        hint: expect.stringMatching(/./),
        outcome: null,
      });
      expect(server.requests).toHaveLength(1);
    });
  });

  test('reports an address where nothing listens', async () => {
    const server = await openRawServer(() => {});
    await server.close();
    const client = new AgentClient({ baseUrl: server.url, env: {}, ...QUICK });
    await expect(client.check()).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('refused'),
      hint: expect.stringContaining('--api-url'),
    });
    expect(client.requests).toBe(3);
    await client.close();
  });
});
