import { describe, expect, test } from 'vitest';
import type { AgentClient } from '../../src/api/agent-client.js';
import { waitForRun } from '../../src/run/wait-run.js';
import { ManualClock, until } from '../helpers/clock.js';
import { withClient } from '../helpers/open-client.js';
import { createRunJson, type RawHandler, sendJson } from '../helpers/raw-server.js';

const REFUSED = { error: { type: 'INVALID_REQUEST', code: 'INVALID_REQUEST', message: 'Bad id.' } };
const NOT_FOUND = { error: { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'No such run.' } };

/** An agent whose list and other runs work, and whose run `bad` responds as the test says. */
const spoil =
  (
    bad: RawHandler,
    list: RawHandler = (_request, response) => sendJson(response, 200, { data: [] }),
  ): RawHandler =>
  (...args) => {
    const [request, response] = args;
    if (request.url.startsWith('/agent/runs/bad')) return bad(...args);
    if (request.url.startsWith('/agent/runs?')) return list(...args);
    if (request.url === '/agent/runs/good') return sendJson(response, 200, createRunJson('good'));
    return sendJson(response, 404, NOT_FOUND);
  };

const sendText =
  (text: string, status = 200, type = 'application/json'): RawHandler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(text);
  };
const BAD = JSON.stringify(createRunJson('bad'));
const BROKEN = BAD.replace('0.025', '0.0.25');

/** Advances the clock to each timer until a call ends; returns how much time that took. */
async function drive<T>(
  clock: ManualClock,
  call: Promise<T>,
): Promise<{ result: T | unknown; tookMs: number }> {
  const startedAt = clock.now();
  let over = false;
  const ended = call
    .catch((error: unknown) => error)
    .finally(() => {
      over = true;
    });
  for (let turn = 0; !over && turn < 500; turn += 1) {
    await until(() => over || clock.sleeping > 0);
    for (let rest = 0; !over && rest < 40; rest += 1) await new Promise((resolve) => setImmediate(resolve));
    if (!over) clock.advance(1_000);
  }
  return { result: await ended, tookMs: clock.now() - startedAt };
}

const open = (clock: ManualClock, handler: RawHandler, act: (client: AgentClient) => Promise<void>) =>
  withClient(
    handler,
    { clock, timeouts: { patienceMs: 20_000, unreadableMs: 60_000 } },
    async ({ client }) => {
      await client.check();
      await act(client);
    },
  );

describe('a run that cannot be read while other requests work', () => {
  test.each<[string, RawHandler]>([
    ['returns a broken number', sendText(BROKEN)],
    ['returns truncated JSON', sendText(BAD.slice(0, 40))],
    [
      'returns no status',
      (_request, response) => sendJson(response, 200, createRunJson('bad', { status: undefined })),
    ],
    [
      'returns no id',
      (_request, response) => sendJson(response, 200, createRunJson('bad', { id: undefined })),
    ],
    ['returns another run', (_request, response) => sendJson(response, 200, createRunJson('good'))],
    ['returns 400', (_request, response) => sendJson(response, 400, REFUSED)],
    [
      'returns 403',
      (_request, response) => sendJson(response, 403, { error: 'no', tag: 'PROHIBITED_CONTENT' }),
    ],
    ['returns 500', (_request, response) => sendJson(response, 500, { error: 'oops' })],
    ['returns a web page', sendText('<html>', 200, 'text/html')],
    ['returns nothing', sendText('')],
    ['returns a list', sendText('[]')],
    ['breaks the connection', (_request, _response, socket) => void socket.destroy()],
  ])('%s: it is read at least five times over unreadableMs, then rejected', async (_what, bad) => {
    const clock = new ManualClock();
    await open(clock, spoil(bad), async (client) => {
      const { result, tookMs } = await drive(clock, client.wait('bad'));
      expect(result).toMatchObject({ name: 'AgentError', code: 'RUN_UNREADABLE' });
      expect(tookMs).toBeGreaterThanOrEqual(60_000);
      expect(tookMs).toBeLessThan(120_000);
    });
  });

  test.each<[string, number, Record<string, string>, object]>([
    ['503', 503, { 'retry-after': '86400' }, { error: 'busy', tag: 'SERVICE_OVERLOADED' }],
    ['429', 429, { 'retry-after': '901' }, { error: 'slow down' }],
    ['500', 500, { 'retry-after': 'Wed, 01 Jan 2098 00:00:00 GMT' }, { error: 'oops' }],
  ])('ends the job at once if the agent answers %s and asks for more than 15 minutes', async (...args) => {
    const [, status, headers, body] = args;
    const clock = new ManualClock();
    await open(
      clock,
      spoil((_request, response) => sendJson(response, status, body, headers)),
      async (client) => {
        const limits = {
          signal: new AbortController().signal,
          deadlineMs: 3_600_000,
          onEnd: () => undefined,
        };
        const { result, tookMs } = await drive(clock, waitForRun(client, 'bad', limits));
        expect(result).toMatchObject({ status: 'fatal', error: { kind: 'unreachable', status } });
        expect(tookMs).toBe(0);
      },
    );
  });

  test('is rejected even if its broken JSON breaks the list as well', async () => {
    const clock = new ManualClock();
    await open(clock, spoil(sendText(BROKEN), sendText(`{"data":[${BROKEN}]}`)), async (client) => {
      const { result } = await drive(clock, client.wait('bad'));
      expect(result).toMatchObject({ code: 'RUN_UNREADABLE' });
    });
  });

  test('an earlier deadline does not leave it open for good', async () => {
    const clock = new ManualClock();
    await open(clock, spoil(sendText(BROKEN)), async (client) => {
      const limits = { signal: new AbortController().signal, deadlineMs: 5_000, onEnd: () => undefined };
      const { result } = await drive(clock, waitForRun(client, 'bad', limits));
      expect(result).toMatchObject({
        status: 'unusable',
        reason: expect.stringContaining('could not be read'),
      });
    });
  });

  test('is returned as soon as it can be read', async () => {
    const clock = new ManualClock();
    let left = 6;
    const handler = spoil((_request, response) => {
      left -= 1;
      if (left > 0) sendJson(response, 400, REFUSED);
      else sendJson(response, 200, createRunJson('bad'));
    });
    await open(clock, handler, async (client) => {
      expect((await drive(clock, client.wait('bad'))).result).toMatchObject({
        id: 'bad',
        status: 'completed',
      });
    });
  });
});

test.each<[string, RawHandler, object]>([
  ['503', (_request, response) => sendJson(response, 503, { error: 'busy' }), { status: 503 }],
  [
    '401',
    (_request, response) => sendJson(response, 401, { error: 'no', tag: 'INVALID_API_KEY' }),
    { kind: 'refused' },
  ],
  ['a login page', sendText('<html>', 200, 'text/html'), { code: 'NOT_THE_API' }],
])('if every request returns %s, the run is not blamed', async (_what, bad, error) => {
  const clock = new ManualClock();
  let isUp = true;
  const handler: RawHandler = (...args) => (isUp ? spoil(bad)(...args) : bad(...args));
  await open(clock, handler, async (client) => {
    isUp = false;
    expect((await drive(clock, client.wait('bad'))).result).toMatchObject({ name: 'AgentError', ...error });
  });
});

const OUTAGES: [string, RawHandler][] = [
  ['a login page', sendText('<!doctype html><title>Wi-Fi</title>', 200, 'text/html')],
  [
    'a redirect',
    (_request, response) => void response.writeHead(302, { location: 'http://wifi.example/' }).end(),
  ],
  ['511', sendText('<html>Log in</html>', 511, 'text/html')],
  ['511 in JSON', (_request, response) => sendJson(response, 511, { error: 'log in' })],
  ['407', sendText('Proxy Authentication Required', 407, 'text/plain')],
  ['a 403 in HTML', sendText('<html>Blocked</html>', 403, 'text/html')],
  ['a 404 in HTML', sendText('<html>Nothing</html>', 404, 'text/html')],
  ['an empty 200', sendText('')],
  ['204', (_request, response) => void response.writeHead(204).end()],
  ['JSON of another API', sendText('{"portal":true}')],
  ['a JSON text', sendText('"ok"')],
];

describe.each(OUTAGES)('%s', (_what, away) => {
  test('is retried like a 502 once the API has answered', async () => {
    const clock = new ManualClock();
    let left = 0;
    const handler: RawHandler = (...args) => {
      left -= 1;
      return left >= 0 ? away(...args) : spoil(away)(...args);
    };
    await withClient(handler, { clock }, async ({ client }) => {
      await client.check();
      left = 3;
      expect((await drive(clock, client.wait('good'))).result).toMatchObject({ status: 'completed' });
      left = 3;
      expect((await drive(clock, client.list({ limit: 5 }))).result).toMatchObject({ data: [] });
      left = 3;
      expect((await drive(clock, client.get('good'))).result).toMatchObject({ id: 'good' });
    });
  });

  test('leaves a create unknown, so it is looked up first', async () => {
    await withClient(away, {}, async ({ client, server }) => {
      for (const call of [client.start({ query: 'q' }), client.create({ query: 'q' })]) {
        await expect(call).rejects.toMatchObject({ name: 'AgentError', outcome: 'unknown' });
      }
      expect(server.requests).toHaveLength(2);
    });
  });

  test('is reported at once if the API has never answered', async () => {
    const clock = new ManualClock();
    await withClient(away, { clock }, async ({ client, server }) => {
      await expect(client.list()).rejects.toMatchObject({ name: 'AgentError' });
      expect(server.requests).toHaveLength(1);
    });
  });
});

test.each(['NaN', 'Infinity', '-Infinity'])('%s in a run or in a list is read as null', async (number) => {
  const text = BAD.replace('0.025', number).replace(
    '"rows":',
    `"score":${number},"note":"is ${number}","rows":`,
  );
  const clock = new ManualClock();
  await open(clock, spoil(sendText(text), sendText(`{"data":[${text}],"hasMore":false}`)), async (client) => {
    const run = await client.get('bad');
    expect(run.costDollars).toMatchObject({ total: null, unreadableTotal: null });
    expect((await drive(clock, client.wait('bad'))).result).toEqual(run);
    expect((await client.list({ limit: 5 })).data).toEqual([run]);
  });
});

test('a run with completedAt has ended, whatever its status', async () => {
  await withClient(
    (_request, response) => sendJson(response, 200, createRunJson('r', { status: 'expired' })),
    {},
    async ({ client, server }) => {
      expect(await client.wait('r')).toMatchObject({ id: 'r', status: 'expired' });
      expect(server.requests).toHaveLength(1);
    },
  );
});

test('a run with an unknown status and no completedAt still works', async () => {
  const clock = new ManualClock();
  let polls = 0;
  const handler: RawHandler = (_request, response) => {
    polls += 1;
    sendJson(response, 200, createRunJson('r', polls < 3 ? { status: 'paused', completedAt: null } : {}));
  };
  await withClient(handler, { clock }, async ({ client }) => {
    expect((await drive(clock, client.wait('r'))).result).toMatchObject({ status: 'completed' });
    expect(polls).toBe(3);
  });
});

test.each(['get', 'cancel', 'stop'] as const)('%s rejects a response about another run', async (name) => {
  await withClient(
    (_request, response) => sendJson(response, 200, createRunJson('other')),
    {},
    async ({ client }) => {
      await expect(client[name]('mine')).rejects.toMatchObject({ code: 'WRONG_RUN' });
    },
  );
});
