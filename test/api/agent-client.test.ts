import { describe, expect, test } from 'vitest';
import { AgentClient } from '../../src/api/agent-client.js';
import { withClient } from '../helpers/open-client.js';
import { createRunJson, openRawServer, type RawHandler, sendJson } from '../helpers/raw-server.js';

const QUICK = { retry: { baseMs: 1, capMs: 1 } };
const NOT_FOUND = { error: { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'No such run.' } };

describe('calls that may be repeated', () => {
  test('are, with the same request, until they are answered', async () => {
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

  test('end with the last failure once the policy is used up', async () => {
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

  test('are not when the agent says no', async () => {
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
  test('whose first answer was lost takes the 404 of the second for done', async () => {
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

  test('of a run that is not there is an error', async () => {
    await withClient(
      (_request, response) => sendJson(response, 404, NOT_FOUND),
      QUICK,
      async ({ client }) => {
        await expect(client.delete('r')).rejects.toMatchObject({ status: 404 });
      },
    );
  });

  test('may be answered with nothing', async () => {
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

test('stop shows the token that early services wanted, once they ask for it', async () => {
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

  test('is content with a page of runs', async () => {
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
    ['another API', answer(200, 'application/json', '{"hello":"world"}'), 'NOT_THE_API', 'no page of a list'],
    [
      'another API without such a path',
      answer(404, 'application/json', '{"error":"Not Found"}'),
      'NOT_THE_API',
      'no Agent Runs API',
    ],
    ['plain words', answer(200, 'text/plain', 'It works!'), 'NOT_THE_API', 'It works!'],
    ['nothing', answer(200, 'text/plain', ''), 'NOT_THE_API', 'answered nothing'],
    ['a server in trouble', answer(500, 'text/html', '<h1>Oops'), 'HTTP_500', 'answered 500: <h1>Oops'],
    ['a request that it does not take', answer(405, 'text/plain', 'no'), 'HTTP_405', 'answered 405: no'],
    ['a redirect', answer(301, 'text/plain', '', { location: '/login' }), 'REDIRECTED', '/login'],
    [
      'a refused key',
      answer(401, 'application/json', '{"error":"no","tag":"INVALID_API_KEY"}'),
      'INVALID_API_KEY',
      '401',
    ],
  ])('tells of %s, in one request, where it is and what to do', async (_name, handler, code, words) => {
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

  test('tells of an address where nobody listens', async () => {
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
