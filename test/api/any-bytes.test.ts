import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAgentFailure } from '../../src/model/run.js';
import { withClient } from '../helpers/open-client.js';
import { createRunJson, formatFrame, type RawHandler, sendJson } from '../helpers/raw-server.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

const EVENTS =
  formatFrame('1', 'agent_run.created', { id: 'r', status: 'queued', note: 'Łódź 🏭' }) +
  ': keep-alive\n\n' +
  formatFrame('2', 'agent_run.completed', { id: 'r', status: 'completed' });
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const BODY = Buffer.from(EVENTS);
const WIRE = Buffer.concat([
  Buffer.from(`${HEAD}${BODY.length.toString(16)}\r\n`),
  BODY,
  Buffer.from('\r\n0\r\n\r\n'),
]);

test('a stream cut at any byte loses no run: the outcome is unknown before the run id, and wait works after it', async () => {
  let cut = 0;
  const handler: RawHandler = (request, response, socket) => {
    if (request.method === 'POST') socket.write(WIRE.subarray(0, cut), () => socket.destroy());
    else if (request.url.endsWith('/events')) sendJson(response, 404, { error: 'none' });
    else sendJson(response, 200, createRunJson('r'));
  };
  const idEnd = WIRE.indexOf('\n\n', WIRE.indexOf('id: 1')) + 2;
  await withClient(handler, {}, async ({ client, server }) => {
    for (cut = 1; cut <= WIRE.length; cut += 1) {
      const before = server.requests.length;
      const started = await client.start({ query: 'q' }).catch((error: unknown) => error);
      if (isAgentFailure(started)) {
        expect(cut).toBeLessThan(idEnd);
        expect(started.outcome).toBe('unknown');
      } else {
        expect((await client.wait(started as { id: string; close: () => void })).status).toBe('completed');
      }
      expect(server.requests.slice(before).filter((request) => request.method === 'POST')).toHaveLength(1);
    }
  });
});

test('any response bytes lead to a run or an AgentError', SLOW, async () => {
  let bytes: Uint8Array = Buffer.alloc(0);
  const handler: RawHandler = (_request, _response, socket) => {
    socket.end(bytes);
  };
  const status = fc.constantFrom(100, 101, 200, 204, 206, 304, 308, 400, 401, 429, 500, 599);
  const type = fc.constantFrom('application/json', 'text/event-stream', 'text/html', '');
  const encoding = fc.constantFrom(
    '',
    'content-encoding: gzip\r\n',
    'content-encoding: br\r\n',
    'content-length: 7\r\n',
  );
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
  );
  const answer = fc
    .tuple(status, type, encoding, body)
    .map(([code, mime, extra, content]) =>
      Buffer.concat([Buffer.from(`HTTP/1.1 ${code} X\r\ncontent-type: ${mime}\r\n${extra}\r\n`), content]),
    );
  const options = { retry: { maxRetries: 1, baseMs: 1 }, timeouts: { createMs: 5_000 } };
  await withClient(handler, options, async ({ client }) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(answer, fc.uint8Array({ maxLength: 300 })), async (wire) => {
        bytes = wire;
        for (const call of [() => client.start({ query: 'q' }), () => client.get('r'), () => client.list()]) {
          const result: unknown = await call().catch((error: unknown) => error);
          if (result instanceof Error) expect(isAgentFailure(result), String(result)).toBe(true);
          else if (typeof result === 'object' && result !== null && 'close' in result)
            (result as { close: () => void }).close();
        }
      }),
      { numRuns: chooseCount(150, 15) },
    );
  });
});
