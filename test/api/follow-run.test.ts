import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { RetryInfo } from '../../src/api/retry.js';
import type { AgentRunEvent } from '../../src/model/run.js';
import { ManualClock, settle, until } from '../helpers/clock.js';
import { withClient } from '../helpers/open-client.js';
import {
  createRunJson,
  formatFrame,
  openEvents,
  type RawHandler,
  type RawServer,
  sendJson,
} from '../helpers/raw-server.js';

const CREATED = formatFrame('1', 'agent_run.created', { id: 'r', status: 'queued' });
const STARTED = formatFrame('2', 'agent_run.started', { id: 'r', status: 'running' });
const COMPLETED = formatFrame('3', 'agent_run.completed', {
  id: 'r',
  object: 'agent_run',
  status: 'completed',
});
const RUNNING = createRunJson('r', { status: 'running', stopReason: null, completedAt: null });
const NOT_FOUND = { error: { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'No such run.' } };

const calls = (server: RawServer): string[] =>
  server.requests.map(({ method, url, headers }) => {
    const kind = headers.accept === 'text/event-stream' ? ' (events)' : '';
    const from = headers['last-event-id'] === undefined ? '' : ` after ${headers['last-event-id']}`;
    return `${method} ${url}${kind}${from}`;
  });

/** A handler for each kind of request. */
const route =
  (handlers: { start?: RawHandler; replay?: RawHandler; get?: RawHandler }): RawHandler =>
  (request, response, socket) => {
    if (request.method === 'POST') return handlers.start?.(request, response, socket);
    if (request.url.endsWith('/events')) {
      return (handlers.replay ?? ((_request, answer) => sendJson(answer, 404, NOT_FOUND)))(
        request,
        response,
        socket,
      );
    }
    return (handlers.get ?? ((_request, answer) => sendJson(answer, 200, createRunJson('r'))))(
      request,
      response,
      socket,
    );
  };

const startWith =
  (...frames: readonly string[]): RawHandler =>
  (_request, response) => {
    openEvents(response);
    response.end(frames.join(''));
  };

const startAndCut =
  (text: string): RawHandler =>
  (_request, response, socket) => {
    openEvents(response);
    response.write(text, () => socket.destroy());
  };

/** Starts a run and keeps its stream open and silent. */
function startAndHold(): { handler: RawHandler; sockets: Socket[] } {
  const sockets: Socket[] = [];
  return {
    sockets,
    handler: (_request, response, socket) => {
      sockets.push(socket);
      openEvents(response);
      response.write(CREATED);
    },
  };
}

describe('on a calm network', () => {
  test('a run takes two requests: stream and result', async () => {
    await withClient(
      route({ start: startWith(CREATED, STARTED, COMPLETED) }),
      {},
      async ({ client, server }) => {
        const run = await client.wait(await client.start({ query: 'q' }));
        expect(run.output.text).toBe('done');
        expect(calls(server)).toEqual(['POST /agent/runs (events)', 'GET /agent/runs/r']);
      },
    );
  });

  test('onEnd is called before the result is fetched', async () => {
    const order: string[] = [];
    const get: RawHandler = (_request, answer) => {
      order.push('result');
      sendJson(answer, 200, createRunJson('r'));
    };
    await withClient(route({ start: startWith(CREATED, COMPLETED), get }), {}, async ({ client }) => {
      const onEnd = (): void => void order.push('end');
      await client.wait(await client.start({ query: 'q' }), { onEnd });
      expect(order).toEqual(['end', 'result']);
    });
  });

  test('a last event with the whole run saves the second request', async () => {
    const full = formatFrame('3', 'agent_run.completed', createRunJson('r'));
    await withClient(route({ start: startWith(CREATED, full) }), {}, async ({ client, server }) => {
      const run = await client.wait(await client.start({ query: 'q' }));
      expect(run).toMatchObject({ status: 'completed', costDollars: { total: 0.025 } });
      expect(server.requests).toHaveLength(1);
    });
  });

  test('an event with output but no cost is not used as the result', async () => {
    const half = formatFrame('3', 'agent_run.completed', {
      id: 'r',
      status: 'completed',
      output: { text: 'x' },
    });
    await withClient(route({ start: startWith(CREATED, half) }), {}, async ({ client }) => {
      expect((await client.wait(await client.start({ query: 'q' }))).costDollars.total).toBe(0.025);
    });
  });

  test('a run that ended at once takes one request', async () => {
    await withClient(
      route({ start: (_request, response) => sendJson(response, 200, createRunJson('r')) }),
      {},
      async ({ client, server }) => {
        expect((await client.wait(await client.start({ query: 'q' }))).status).toBe('completed');
        expect(server.requests).toHaveLength(1);
      },
    );
  });

  test('passes unknown events and statuses through and detects the end under any name', async () => {
    const trace = formatFrame('2', 'agent_run.search_trace', {
      tool: 'search',
      text: 'x',
      status: 'completed',
    });
    const item = formatFrame('3', 'agent_run.output_item.done', { item: { id: 'i', status: 'completed' } });
    const paused = formatFrame('4', 'agent_run.paused', { id: 'r', status: 'paused' });
    const stopped = formatFrame('5', 'agent_run.stopped', { id: 'r', status: 'completed' });
    await withClient(
      route({
        start: startWith(CREATED, ': keep-alive\n\n', trace, item, 'data: words\n\n', paused, stopped),
      }),
      {},
      async ({ client, server }) => {
        expect((await client.wait(await client.start({ query: 'q' }))).status).toBe('completed');
        expect(server.requests).toHaveLength(2);
      },
    );
  });

  test('a stream whose events all have the same id is read to its end', async () => {
    const same = [CREATED, STARTED, COMPLETED].map((frame) => frame.replace(/^id: \d/, 'id: 0'));
    await withClient(route({ start: startWith(...same) }), {}, async ({ client, server }) => {
      await client.wait(await client.start({ query: 'q' }));
      expect(server.requests).toHaveLength(2);
    });
  });

  test('a stream of tens of thousands of events with unique ids, some huge, is read to its end', async () => {
    const many = Array.from({ length: 30_000 }, (_, index) =>
      formatFrame(`e${index}`, 'agent_run.progress', {}),
    );
    const huge = formatFrame('x'.repeat(100_000), 'agent_run.progress', {});
    await withClient(
      route({ start: startAndCut([CREATED, ...many, huge].join('')) }),
      {},
      async ({ client, server }) => {
        await client.wait(await client.start({ query: 'q' }));
        // The replay starts after the last id that fits in a header.
        expect(calls(server)[1]).toBe('GET /agent/runs/r/events (events) after e29999');
      },
    );
  });

  test('the connection of a finished stream is reused', async () => {
    await withClient(route({ start: startWith(CREATED, COMPLETED) }), {}, async ({ client, server }) => {
      for (let index = 0; index < 20; index += 1) await client.wait(await client.start({ query: 'q' }));
      expect(server.requests).toHaveLength(40);
      expect(server.accepted).toBeLessThanOrEqual(3);
    });
  });
});

describe('a failed run', () => {
  test('takes its error from the last event if the run has none', async () => {
    const failed = formatFrame('2', 'agent_run.failed', {
      id: 'r',
      status: 'failed',
      error: { message: 'why' },
    });
    await withClient(
      route({
        start: startWith(CREATED, failed),
        get: (_request, response) =>
          sendJson(response, 200, createRunJson('r', { status: 'failed', stopReason: 'error' })),
      }),
      {},
      async ({ client }) => {
        const run = await client.wait(await client.start({ query: 'q' }));
        expect(run).toMatchObject({ status: 'failed', stopReason: 'error', error: { message: 'why' } });
      },
    );
  });

  test('that lags behind its last event is polled until it has ended', async () => {
    const clock = new ManualClock();
    let gets = 0;
    await withClient(
      route({
        start: startWith(CREATED, COMPLETED),
        get: (_request, response) => {
          gets += 1;
          sendJson(response, 200, gets < 3 ? RUNNING : createRunJson('r'));
        },
      }),
      { clock },
      async ({ client }) => {
        const waiting = client.wait(await client.start({ query: 'q' }));
        await clock.wakeNext(1_000);
        await clock.wakeNext(1_000);
        expect((await waiting).status).toBe('completed');
        expect(gets).toBe(3);
      },
    );
  });
});

describe('after a lost connection', () => {
  test('the replay continues after the last event seen', async () => {
    await withClient(
      route({ start: startAndCut(CREATED + STARTED + COMPLETED.slice(0, 30)), replay: startWith(COMPLETED) }),
      {},
      async ({ client, server }) => {
        expect((await client.wait(await client.start({ query: 'q' }))).status).toBe('completed');
        expect(calls(server)).toEqual([
          'POST /agent/runs (events)',
          'GET /agent/runs/r/events (events) after 2',
          'GET /agent/runs/r',
        ]);
      },
    );
  });

  test('a run that still works is polled at growing intervals after the replay', async () => {
    const clock = new ManualClock();
    let gets = 0;
    await withClient(
      route({
        start: startAndCut(CREATED),
        replay: startWith(CREATED, STARTED),
        get: (_request, response) => {
          gets += 1;
          sendJson(response, 200, gets < 12 ? RUNNING : createRunJson('r'));
        },
      }),
      { clock },
      async ({ client, server }) => {
        const started = await client.start({ query: 'q', effort: 'low' });
        clock.slept.length = 0;
        const waiting = client.wait(started);
        const pauses: number[] = [];
        for (let poll = 0; poll < 12; poll += 1) {
          await until(() => clock.sleeping > 0 && gets === poll && server.requests.length === poll + 2);
          await settle();
          pauses.push(clock.slept.at(-1) ?? 0);
          await clock.wakeNext();
        }
        expect((await waiting).status).toBe('completed');
        expect(pauses.slice(0, 3)).toEqual([2_000, 2_000, 2_000]);
        expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
        expect(Math.max(...pauses)).toBeLessThanOrEqual(15_000);
        expect(calls(server).filter((call) => call.includes('/events'))).toHaveLength(1);
      },
    );
  });

  test('the run is polled at once if the agent has no replay', async () => {
    for (const status of [404, 405, 500]) {
      await withClient(
        route({
          start: startAndCut(CREATED),
          replay: (_request, response) => sendJson(response, status, NOT_FOUND),
        }),
        {},
        async ({ client, server }) => {
          await client.wait(await client.start({ query: 'q' }));
          expect(server.requests).toHaveLength(3);
        },
      );
    }
  });

  test('a 404 right after the start is retried for a short time', async () => {
    const clock = new ManualClock();
    let gets = 0;
    await withClient(
      route({
        start: startAndCut(CREATED),
        get: (_request, response) => {
          gets += 1;
          if (gets < 3) sendJson(response, 404, NOT_FOUND);
          else sendJson(response, 200, createRunJson('r'));
        },
      }),
      { clock },
      async ({ client }) => {
        const waiting = client.wait(await client.start({ query: 'q' }));
        await clock.wakeNext(1_000);
        await clock.wakeNext(1_000);
        expect((await waiting).status).toBe('completed');
      },
    );
  });

  test('a 404 that does not come from the API is an outage and is retried until the run ends or patience runs out', async () => {
    const clock = new ManualClock();
    let away = 2;
    const get: RawHandler = (_request, response) => {
      away -= 1;
      if (away >= 0) response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
      else sendJson(response, 200, createRunJson('r'));
    };
    await withClient(route({ get }), { clock, timeouts: { patienceMs: 10_000 } }, async ({ client }) => {
      const waiting = client.wait('r');
      await clock.wakeNext(250);
      await clock.wakeNext(500);
      expect((await waiting).status).toBe('completed');
      away = 9;
      const failing = client.wait('r');
      failing.catch(() => undefined);
      for (const delayMs of [250, 500, 1_000, 2_000, 4_000]) await clock.wakeNext(delayMs);
      await expect(failing).rejects.toMatchObject({ status: 404, isFromProxy: true });
    });
  });

  test('a missing run known only by id is an error at once', async () => {
    await withClient(
      route({ get: (_request, response) => sendJson(response, 404, NOT_FOUND) }),
      {},
      async ({ client, server }) => {
        await expect(client.wait('r')).rejects.toMatchObject({
          status: 404,
          code: 'RUN_NOT_FOUND',
          outcome: null,
        });
        expect(server.requests).toHaveLength(1);
      },
    );
  });
});

test('a number that JavaScript cannot represent keeps its digits as text, in runs and events', async () => {
  const json = JSON.stringify(createRunJson('r', { output: { structured: { id: 'BIG' }, grounding: [] } }));
  const text = json.replace('"BIG"', '1234567890123456789');
  const structured = { id: '1234567890123456789' };
  const get: RawHandler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  };
  await withClient(route({ get }), {}, async ({ client }) => {
    expect((await client.wait('r')).output.structured).toEqual(structured);
  });
  const start: RawHandler = (_request, response) => {
    openEvents(response);
    response.end(`${CREATED}id: 2\nevent: agent_run.completed\ndata: ${text}\n\n`);
  };
  await withClient(route({ start }), {}, async ({ client }) => {
    const run = await client.wait(await client.start({ query: 'q' }));
    expect(run.output.structured).toEqual(structured);
  });
});

describe('a run without a stream', () => {
  test('known only by id is polled at once', async () => {
    await withClient(route({}), {}, async ({ client, server }) => {
      expect((await client.wait('r')).status).toBe('completed');
      expect(calls(server)).toEqual(['GET /agent/runs/r']);
    });
  });

  test('accepted as JSON is first polled after a delay that depends on its effort', async () => {
    for (const [effort, delayMs] of [
      ['minimal', 1_000],
      ['medium', 4_000],
      ['ultra', 15_000],
    ] as const) {
      const clock = new ManualClock();
      await withClient(
        route({ start: (_request, response) => sendJson(response, 200, RUNNING) }),
        { clock },
        async ({ client, server }) => {
          const waiting = client.wait(await client.start({ query: 'q', effort }));
          await clock.wakeNext(delayMs);
          await waiting;
          expect(calls(server)).toEqual(['POST /agent/runs (events)', 'GET /agent/runs/r']);
        },
      );
    }
  });
});

describe('a silent stream', () => {
  const holdOpen =
    (keep: (write: (text: string) => void) => void): RawHandler =>
    (_request, response) => {
      openEvents(response);
      response.write(CREATED);
      keep((text) => response.write(text));
    };

  test('open for 15 minutes without an event neither times out nor leaks', async () => {
    const clock = new ManualClock();
    let send: (text: string) => void = () => {};
    let gets = 0;
    await withClient(
      route({
        start: holdOpen((write) => {
          send = write;
        }),
        get: (_request, response) => {
          gets += 1;
          sendJson(response, 200, gets < 8 ? RUNNING : createRunJson('r'));
        },
      }),
      { clock },
      async ({ client, server }) => {
        const controller = new AbortController();
        const started = await client.start({ query: 'q' }, { signal: controller.signal });
        const waiting = client.wait(started, { signal: controller.signal });
        for (let minute = 0; minute < 15; minute += 1) {
          clock.advance(60_000);
          await settle();
        }
        expect(clock.sleeping).toBe(1);
        expect(gets, 'one look every two silent minutes').toBe(7);
        expect(server.requests.filter((request) => request.method === 'POST')).toHaveLength(1);
        send(STARTED + COMPLETED);
        expect((await waiting).status).toBe('completed');
        await until(() => clock.sleeping === 0 || clock.slept.includes(1_000));
        expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
      },
    );
  });

  test('with keep-alive comments polls the run once, after 20 minutes', async () => {
    const clock = new ManualClock();
    let send: (text: string) => void = () => {};
    const start = holdOpen((write) => {
      send = write;
    });
    await withClient(route({ start }), { clock }, async ({ client, server }) => {
      const waiting = client.wait(await client.start({ query: 'q' }));
      await settle();
      for (let minute = 0; minute < 20; minute += 1) {
        expect(server.requests).toHaveLength(1);
        send(': keep-alive\n\n');
        await settle();
        clock.advance(60_000);
        await settle();
      }
      expect((await waiting).status).toBe('completed');
      expect(server.requests).toHaveLength(2);
    });
  });

  test('whose connection died silently is detected by polling', async () => {
    const clock = new ManualClock();
    await withClient(route({ start: startAndHold().handler }), { clock }, async ({ client, server }) => {
      const waiting = client.wait(await client.start({ query: 'q' }));
      await settle();
      await clock.wakeNext(120_000);
      expect((await waiting).status).toBe('completed');
      expect(server.requests).toHaveLength(2);
    });
  });
});

describe('an outage', () => {
  test('is retried, with every attempt reported', async () => {
    const retries: RetryInfo[] = [];
    const clock = new ManualClock();
    let gets = 0;
    await withClient(
      route({
        get: (_request, response, socket) => {
          gets += 1;
          if (gets === 1) socket.destroy();
          else if (gets === 2) response.writeHead(502, { 'content-type': 'text/html' }).end('<html>');
          else if (gets === 3) sendJson(response, 429, { error: 'slow' }, { 'retry-after': '7' });
          else sendJson(response, 200, createRunJson('r'));
        },
      }),
      { clock, onRetry: (info) => retries.push(info) },
      async ({ client }) => {
        const waiting = client.wait('r');
        for (let retry = 1; retry <= 3; retry += 1) {
          await until(() => retries.length === retry);
          await clock.wakeNext();
        }
        expect((await waiting).status).toBe('completed');
        expect(retries.map(({ attempt, delayMs, status }) => [attempt, delayMs, status])).toEqual([
          [1, 250, null],
          [2, 500, 502],
          [3, 7_500, 429],
        ]);
        expect(retries[0]?.what).toBe('GET /agent/runs/r');
      },
    );
  });

  test('longer than patienceMs is an error after a bounded number of requests', async () => {
    const clock = new ManualClock(0.999);
    await withClient(
      route({
        get: (_request, response) => sendJson(response, 503, { error: 'busy', tag: 'SERVICE_OVERLOADED' }),
      }),
      { clock },
      async ({ client, server }) => {
        let over = false;
        const waiting = client
          .wait('r')
          .catch((error: unknown) => error)
          .finally(() => {
            over = true;
          });
        while (!over) {
          await until(() => over || clock.sleeping > 0);
          clock.advance(20_000);
        }
        expect(await waiting).toMatchObject({ kind: 'unreachable', status: 503, code: 'SERVICE_OVERLOADED' });
        expect(server.requests.length).toBeLessThan(50);
      },
    );
  });

  test('does not hide a 402: the wait ends at once', async () => {
    await withClient(
      route({
        get: (_request, response) => sendJson(response, 402, { error: 'No.', tag: 'NO_MORE_CREDITS' }),
      }),
      {},
      async ({ client, server }) => {
        await expect(client.wait('r')).rejects.toMatchObject({ kind: 'refused' });
        // One request for the list shows that not only this run is unreadable.
        expect(calls(server)).toEqual(['GET /agent/runs/r', 'GET /agent/runs?limit=1']);
      },
    );
  });
});

describe('a wait', () => {
  test('rejects with the abort reason and does not cancel the run', async () => {
    const hold = startAndHold();
    await withClient(route({ start: hold.handler }), {}, async ({ client, server }) => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const waiting = client.wait(await client.start({ query: 'q' }), { signal: controller.signal });
      await settle();
      controller.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await until(() => hold.sockets.every((socket) => socket.destroyed));
      expect(calls(server)).toEqual(['POST /agent/runs (events)']);
      const next = await client.start({ query: 'q' });
      await expect(client.wait(next, { signal: controller.signal })).rejects.toBe(reason);
      await until(() => hold.sockets.every((socket) => socket.destroyed));
    });
  });

  test('rejects at its deadline, and the run can be waited for again', async () => {
    const clock = new ManualClock();
    let isOver = false;
    await withClient(
      route({ get: (_request, response) => sendJson(response, 200, isOver ? createRunJson('r') : RUNNING) }),
      { clock },
      async ({ client }) => {
        const waiting = client.wait('r', { deadlineMs: 1_500 });
        await clock.wakeNext(1_500);
        await expect(waiting).rejects.toMatchObject({
          code: 'WAIT_TIMED_OUT',
          message: expect.stringContaining('r'),
        });
        isOver = true;
        expect((await client.wait('r')).status).toBe('completed');
      },
    );
  });

  test('rejects when the client is closed', async () => {
    const clock = new ManualClock();
    const hold = startAndHold();
    await withClient(route({ start: hold.handler, get: () => {} }), { clock }, async ({ client }) => {
      const following = expect(client.wait(await client.start({ query: 'q' }))).rejects.toMatchObject({
        code: 'CLIENT_CLOSED',
      });
      const asking = expect(client.wait('r')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
      await settle();
      await client.close();
      await Promise.all([following, asking]);
      await expect(client.get('r')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
      expect(clock.sleeping).toBe(0);
    });
  });
});

describe('stream', () => {
  const collect = async (events: AsyncIterable<AgentRunEvent>): Promise<string[]> => {
    const names: string[] = [];
    for await (const event of events) names.push(`${event.id} ${event.event}`);
    return names;
  };

  test('yields every event and ends with the terminal one', async () => {
    await withClient(
      route({ start: startWith(CREATED, STARTED, COMPLETED) }),
      {},
      async ({ client, server }) => {
        expect(await collect(client.stream({ query: 'q' }))).toEqual([
          '1 agent_run.created',
          '2 agent_run.started',
          '3 agent_run.completed',
        ]);
        expect(server.requests).toHaveLength(1);
      },
    );
  });

  test('yields each event once across a lost connection, even if the replay starts over', async () => {
    const clock = new ManualClock();
    let replays = 0;
    await withClient(
      route({
        start: startAndCut(CREATED),
        replay: (request, response, socket) => {
          replays += 1;
          const frames = replays === 1 ? [CREATED, STARTED] : [CREATED, STARTED, COMPLETED];
          return startWith(...frames)(request, response, socket);
        },
      }),
      { clock },
      async ({ client, server }) => {
        const names = collect(client.stream({ query: 'q', effort: 'low' }));
        await clock.wakeNext(2_000);
        expect(await names).toEqual(['1 agent_run.created', '2 agent_run.started', '3 agent_run.completed']);
        expect(calls(server).slice(1)).toEqual([
          'GET /agent/runs/r/events (events) after 1',
          'GET /agent/runs/r/events (events) after 2',
        ]);
      },
    );
  });

  test('ends with an event built from the run if no events are stored', async () => {
    await withClient(route({ start: startAndCut(CREATED) }), {}, async ({ client }) => {
      const events: AgentRunEvent[] = [];
      for await (const event of client.stream({ query: 'q' })) events.push(event);
      expect(events.at(-1)).toMatchObject({
        id: '',
        event: 'agent_run.completed',
        data: { output: { text: 'done' } },
      });
    });
  });

  test('closes its connection when the caller stops early', async () => {
    const hold = startAndHold();
    await withClient(route({ start: hold.handler }), {}, async ({ client }) => {
      for await (const event of client.stream({ query: 'q' })) {
        expect(event.id).toBe('1');
        break;
      }
      await until(() => hold.sockets.every((socket) => socket.destroyed));
    });
  });
});
