import { expect, test } from 'vitest';
import { rowIdPrefixOf } from '../../src/model/batch.js';
import { createRequest } from '../../src/run/create-request.js';
import { type FoundRuns, findLostRuns, type LostBatch } from '../../src/run/find-lost-runs.js';
import { VirtualClock } from '../helpers/clock.js';
import { withClient } from '../helpers/open-client.js';
import { createRunJson, type RawHandler, sendJson } from '../helpers/raw-server.js';

const MINUTE_MS = 60_000;
const NEVER = new AbortController().signal;

/** A listed run, created at `atMs` for a batch; `null` means the list does not say for which. */
function createEntry(id: string, atMs: number, batchId: string | null): object {
  const request = batchId === null ? null : { query: 'q', metadata: { rowfill_batch: batchId } };
  return createRunJson(id, { createdAt: new Date(atMs).toISOString(), request });
}

function sendPage(response: Parameters<RawHandler>[1], data: readonly object[], nextCursor?: string): void {
  sendJson(response, 200, {
    object: 'list',
    data,
    hasMore: nextCursor !== undefined,
    nextCursor: nextCursor ?? null,
  });
}

function createLost(clock: VirtualClock, batchId: string, agoMs = 0): LostBatch {
  return { batchId, intendedAtMs: clock.now() - agoMs, lostAtMs: clock.now() };
}

test('the lag counts from when the response was lost, however old the reservation is', async () => {
  const clock = new VirtualClock();
  const startedAt = clock.now();
  const late: RawHandler = (_request, response) =>
    sendPage(response, clock.now() < startedAt + 9_000 ? [] : [createEntry('run_1', startedAt, 'b_1')]);
  await withClient(late, {}, async ({ client }) => {
    const lost = [createLost(clock, 'b_1', 8 * MINUTE_MS)];
    const found = await findLostRuns(client, lost, {
      listLagMs: 15_000,
      clockAheadMs: 0,
      clock,
      signal: NEVER,
    });
    expect(found).toEqual({ runIds: new Map([['b_1', 'run_1']]), doubt: null });
  });
});

test('a batch is absent only after a search past the lag', async () => {
  const clock = new VirtualClock();
  const startedAt = clock.now();
  const looks: number[] = [];
  const empty: RawHandler = (_request, response) => {
    looks.push(clock.now() - startedAt);
    sendPage(response, []);
  };
  await withClient(empty, {}, async ({ client }) => {
    const lost = [createLost(clock, 'b_1')];
    const found = await findLostRuns(client, lost, {
      listLagMs: 4_000,
      clockAheadMs: 0,
      clock,
      signal: NEVER,
    });
    expect(found).toEqual({ runIds: new Map(), doubt: null });
    expect(looks).toEqual([0, 500, 1_500, 3_500, 4_000]);
  });
});

test('a clock that is far ahead does not end the search too early', async () => {
  const clock = new VirtualClock();
  const entry = createEntry('run_1', clock.now() - 60 * MINUTE_MS, 'b_1');
  const older = createEntry('run_0', clock.now() - 61 * MINUTE_MS, 'b_other');
  const handler: RawHandler = (request, response) =>
    request.url.includes('cursor=') ? sendPage(response, [entry]) : sendPage(response, [older], 'next');
  await withClient(handler, {}, async ({ client }) => {
    const lost = [createLost(clock, 'b_1')];
    const options = { listLagMs: 0, clockAheadMs: 60 * MINUTE_MS, clock, signal: NEVER };
    const found = await findLostRuns(client, lost, options);
    expect(found).toEqual({ runIds: new Map([['b_1', 'run_1']]), doubt: null });
  });
});

test('a list with more pages but no cursor leaves a doubt: the run may be there', async () => {
  const clock = new VirtualClock();
  const now = clock.now();
  const data = [createEntry('run_other', now, 'b_other')];
  const ends = [
    { hasMore: true, nextCursor: null },
    { hasMore: true, nextCursor: 'same' },
  ];
  for (const end of ends) {
    const cut: RawHandler = (_request, response) => sendJson(response, 200, { object: 'list', data, ...end });
    await withClient(cut, {}, async ({ client }) => {
      const lost = [createLost(clock, 'b_1')];
      const found = await findLostRuns(client, lost, { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER });
      expect(found).toEqual({ runIds: new Map(), doubt: expect.stringMatching(/^the run list /) });
    });
  }
});

test.each([
  ['new runs only', (now: number) => new Date(now).toISOString()],
  ['runs without a date', () => ''],
])(
  'stops reading an endless list with %s and leaves a doubt',
  async (_what, date: (now: number) => string) => {
    const clock = new VirtualClock();
    let pages = 0;
    const endless: RawHandler = (_request, response) => {
      pages += 1;
      const createdAt = date(clock.now());
      const request = { query: 'q', input: { data: [{ company: 'Acme' }] }, metadata: {} };
      const run = createRunJson(`run_${pages}`, { createdAt, request });
      sendPage(response, [run], `cursor_${pages}`);
    };
    await withClient(endless, {}, async ({ client }) => {
      const lost = [createLost(clock, 'b_1')];
      const found = await findLostRuns(client, lost, { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER });
      expect(found).toEqual({ runIds: new Map(), doubt: expect.stringMatching(/^the run list /) });
      expect(pages).toBe(1_000);
    });
  },
);

test('a 404 from a proxy says nothing about the run', async () => {
  const clock = new VirtualClock();
  const handler: RawHandler = (request, response) => {
    if (request.url.includes('?')) sendPage(response, [createEntry('run_1', clock.now(), null)]);
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
  };
  await withClient(handler, {}, async ({ client }) => {
    const lost = [createLost(clock, 'b_1')];
    const found = await findLostRuns(client, lost, { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER });
    expect(found).toEqual({ runIds: new Map(), doubt: expect.stringContaining('404') });
  });
});

test('the list is read back to the reservation, with a margin for clock differences, and no further', async () => {
  const clock = new VirtualClock();
  const now = clock.now();
  const pages: Record<string, readonly [string, number]> = {
    first: ['second', now],
    second: ['third', now - 12 * MINUTE_MS],
    third: ['fourth', now - 16 * MINUTE_MS],
  };
  const handler: RawHandler = (request, response) => {
    const name = new URL(request.url, 'http://x').searchParams.get('cursor') ?? 'first';
    const [next, atMs] = pages[name] ?? ['', 0];
    sendPage(response, [createEntry(`run_${name}`, atMs, `b_${name}`)], next);
  };
  await withClient(handler, {}, async ({ client, server }) => {
    const lost = [createLost(clock, 'b_second', 5 * MINUTE_MS), createLost(clock, 'b_fourth', 5 * MINUTE_MS)];
    const { runIds, doubt } = await findLostRuns(client, lost, {
      listLagMs: 0,
      clockAheadMs: 0,
      clock,
      signal: NEVER,
    });
    expect(doubt).toBeNull();
    expect([...runIds]).toEqual([['b_second', 'run_second']]);
    expect(server.requests).toHaveLength(3);
  });
});

test('if the list omits requests, the runs of that time are read one by one, once', async () => {
  const clock = new VirtualClock();
  const now = clock.now();
  const list = [
    createEntry('run_later', now + 20 * MINUTE_MS, null),
    createEntry('run_other', now, null),
    createEntry('run_ours', now, null),
    createEntry('run_before', now - 20 * MINUTE_MS, null),
  ];
  const handler: RawHandler = (request, response) => {
    if (request.url.startsWith('/agent/runs?')) return sendPage(response, list);
    const id = request.url.split('/').at(-1) ?? '';
    return sendJson(response, 200, createEntry(id, now, id === 'run_ours' ? 'b_1' : 'b_0'));
  };
  await withClient(handler, {}, async ({ client, server }) => {
    const lost = [createLost(clock, 'b_1'), createLost(clock, 'b_2')];
    const { runIds, doubt } = await findLostRuns(client, lost, {
      listLagMs: 2_000,
      clockAheadMs: 0,
      clock,
      signal: NEVER,
    });
    expect([...runIds]).toEqual([['b_1', 'run_ours']]);
    expect(doubt).toBeNull();
    const read = server.requests.map(({ url }) => url).filter((url) => !url.includes('?'));
    expect(read).toEqual(['/agent/runs/run_other', '/agent/runs/run_ours']);
  });
});

test('an unidentifiable run of that time leaves a doubt; a deleted one does not', async () => {
  const clock = new VirtualClock();
  const list = [createEntry('run_gone', clock.now(), null), createEntry('run_mute', clock.now(), null)];
  const handler: RawHandler = (request, response) => {
    if (request.url.startsWith('/agent/runs?')) return sendPage(response, list);
    const isGone = request.url.endsWith('run_gone');
    const error = { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'no such run' };
    return sendJson(response, isGone ? 404 : 200, isGone ? { error } : list[1]);
  };
  await withClient(handler, {}, async ({ client }) => {
    const lost = [createLost(clock, 'b_1')];
    const { runIds, doubt } = await findLostRuns(client, lost, {
      listLagMs: 0,
      clockAheadMs: 0,
      clock,
      signal: NEVER,
    });
    expect(runIds.size).toBe(0);
    expect(doubt).toBe('the agent does not return the request of run run_mute');
  });
});

test('a list that fails halfway keeps the runs found so far and leaves a doubt about the rest', async () => {
  const clock = new VirtualClock();
  const handler: RawHandler = (request, response) => {
    if (request.url.includes('cursor')) response.writeHead(500).end();
    else sendPage(response, [createEntry('run_1', clock.now(), 'b_1')], 'next');
  };
  await withClient(handler, { retry: { maxRetries: 0 } }, async ({ client }) => {
    const lost = [createLost(clock, 'b_1'), createLost(clock, 'b_2')];
    const { runIds, doubt } = await findLostRuns(client, lost, {
      listLagMs: 0,
      clockAheadMs: 0,
      clock,
      signal: NEVER,
    });
    expect([...runIds]).toEqual([['b_1', 'run_1']]);
    expect(doubt).toContain('500');
  });
});

test('stopping the job ends the search at once', async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  await withClient(
    () => controller.abort(),
    {},
    async ({ client }) => {
      const options = { listLagMs: 15_000, clockAheadMs: 0, clock, signal: controller.signal };
      const { runIds, doubt } = await findLostRuns(client, [createLost(clock, 'b_1')], options);
      expect(runIds.size).toBe(0);
      expect(doubt).toContain('stopped');
    },
  );
});

const HOUR_MS = 60 * MINUTE_MS;

test.each([
  ['oldest first', [-5, -4, -3, -2, 0], [1, 2, 3]],
  ['with runs of the same time first', [-5, -5, -5, -5, 0], [1, 2, 3]],
  ['in no order', [-3, -5, -2, 0, -4], [3]],
])('a run is found in a list %s', async (_order, hours, sizes) => {
  for (const size of sizes) {
    const clock = new VirtualClock();
    const runs = hours.map((hour, index) =>
      createEntry(`run_${index}`, clock.now() + hour * HOUR_MS, hour === 0 ? 'b_1' : `b_other_${index}`),
    );
    const handler: RawHandler = ({ url }, response) => {
      const start = Number(new URL(url, 'http://x').searchParams.get('cursor') ?? 0);
      const end = start + size;
      sendPage(response, runs.slice(start, end), end < runs.length ? String(end) : undefined);
    };
    await withClient(handler, {}, async ({ client }) => {
      const options = { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER };
      const { runIds } = await findLostRuns(client, [createLost(clock, 'b_1')], options);
      expect([...runIds], `${size} runs per page`).toEqual([['b_1', `run_${hours.indexOf(0)}`]]);
    });
  }
});

test('a page that has a cursor and says that nothing follows is read on, up to an empty page', async () => {
  for (const last of [[], ['b_1']]) {
    const clock = new VirtualClock();
    const handler: RawHandler = ({ url }, response) => {
      const batches = url.includes('cursor=') ? last : ['b_other'];
      const data = batches.map((batch) => createEntry(`run_${batch}`, clock.now(), batch));
      sendJson(response, 200, { object: 'list', data, hasMore: false, nextCursor: 'same' });
    };
    await withClient(handler, {}, async ({ client }) => {
      const options = { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER };
      const { runIds, doubt } = await findLostRuns(client, [createLost(clock, 'b_1')], options);
      expect([...runIds.keys()]).toEqual(last);
      expect(doubt).toBeNull();
    });
  }
});

test('a run without metadata is found by its row ids, however far its date is off', async () => {
  const clock = new VirtualClock();
  const batchId = 'b_0123456789abcdef01234567';
  const createdAt = new Date(clock.now() - HOUR_MS).toISOString();
  const run = createRunJson('run_1', { createdAt, request: createOwnRequest(batchId, ['query', 'input']) });
  await withClient(
    (_request, response) => sendPage(response, [run]),
    {},
    async ({ client }) => {
      const options = { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER };
      const { runIds } = await findLostRuns(client, [createLost(clock, batchId)], options);
      expect([...runIds]).toEqual([[batchId, 'run_1']]);
    },
  );
});

/** A request of ours as an agent repeats it, with some of its members left out. */
function createOwnRequest(batchId: string, parts: readonly string[]): Record<string, unknown> {
  const rowId = `${rowIdPrefixOf(batchId)}1`;
  const data = [{ company: 'Acme', row_id: rowId }];
  const ask = { query: 'Who leads it?', system: null, send: ['company'], fields: [], schema: {} };
  const batch = { complaint: null, rows: [{ key: 'k', record: { company: 'Acme' }, rowId }], fields: [] };
  const whole: Record<string, unknown> = {
    ...createRequest(ask as never, batch as never, []),
    input: { data },
  };
  return Object.fromEntries(parts.map((name) => [name, whole[name]]));
}

test.each([
  ['its records alone', ['input']],
  ['its schema alone', ['outputSchema']],
  ['all but the metadata', ['query', 'input', 'outputSchema', 'effort']],
])('a run that repeats %s is found by the ids of its rows', async (_what, parts) => {
  const clock = new VirtualClock();
  const data = [
    createRunJson('run_other', {
      createdAt: new Date(clock.now()).toISOString(),
      request: createOwnRequest('b_00000000000000000000beef', parts),
    }),
    createRunJson('run_ours', {
      createdAt: new Date(clock.now()).toISOString(),
      request: { ...createOwnRequest('b_0123456789abcdef01234567', parts), metadata: {} },
    }),
  ];
  await withClient(
    (_request, response) => sendPage(response, data),
    {},
    async ({ client, server }) => {
      const lost = [createLost(clock, 'b_0123456789abcdef01234567')];
      const options = { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER };
      expect(await findLostRuns(client, lost, options)).toEqual({
        runIds: new Map([['b_0123456789abcdef01234567', 'run_ours']]),
        doubt: null,
      });
      expect(server.requests).toHaveLength(1);
    },
  );
});

test('a run that shows less than its records is read: then it is found, foreign, or leaves a doubt', async () => {
  const clock = new VirtualClock();
  const batchId = 'b_0123456789abcdef01234567';
  const createdAt = new Date(clock.now()).toISOString();
  const cases: readonly [Record<string, unknown>, FoundRuns][] = [
    [createOwnRequest(batchId, ['query', 'input']), { runIds: new Map([[batchId, 'run_1']]), doubt: null }],
    [{ query: 'Tell me about the weather.' }, { runIds: new Map(), doubt: null }],
    [
      { query: 'q', outputSchema: { type: 'object' } },
      { runIds: new Map(), doubt: null },
    ],
    [
      createOwnRequest(batchId, ['query', 'effort']),
      { runIds: new Map(), doubt: 'the agent does not return the request of run run_1' },
    ],
    [{ effort: 'low' }, { runIds: new Map(), doubt: 'the agent does not return the request of run run_1' }],
  ];
  for (const [request, expected] of cases) {
    const handler: RawHandler = ({ url }, response) =>
      url.includes('?')
        ? sendPage(response, [createRunJson('run_1', { createdAt, request: { query: 'cut sho…' } })])
        : sendJson(response, 200, createRunJson('run_1', { createdAt, request }));
    await withClient(handler, {}, async ({ client }) => {
      const options = { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER };
      expect(await findLostRuns(client, [createLost(clock, batchId)], options)).toEqual(expected);
    });
  }
});

test('a run of long ago that shows nothing is not read, and leaves no doubt', async () => {
  const clock = new VirtualClock();
  const createdAt = new Date(clock.now() - 60 * MINUTE_MS).toISOString();
  const data = [createRunJson('run_1', { createdAt, request: { effort: 'low' } })];
  await withClient(
    (_request, response) => sendPage(response, data),
    {},
    async ({ client, server }) => {
      const options = { listLagMs: 0, clockAheadMs: 0, clock, signal: NEVER };
      const found = await findLostRuns(client, [createLost(clock, 'b_0123456789abcdef01234567')], options);
      expect(found).toEqual({ runIds: new Map(), doubt: null });
      expect(server.requests).toHaveLength(1);
    },
  );
});
