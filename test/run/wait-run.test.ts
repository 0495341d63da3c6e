import { expect, test } from 'vitest';
import { resolveWaitMs, waitForRun } from '../../src/run/wait-run.js';
import { withClient } from '../helpers/open-client.js';
import { type RawHandler, sendJson } from '../helpers/raw-server.js';

const MINUTE = 60_000;

test("a run is waited for a bit longer than the agent's limit", () => {
  expect(resolveWaitMs('low', null)).toBe(75 * MINUTE);
  expect(resolveWaitMs('xhigh', null)).toBe(75 * MINUTE);
  expect(resolveWaitMs('ultra', null)).toBe(210 * MINUTE);
  expect(resolveWaitMs('max', null)).toBe(210 * MINUTE);
  expect(resolveWaitMs('ultra', 5 * MINUTE)).toBe(5 * MINUTE);
});

test('the age of an adopted run counts, but it gets at least a minute', () => {
  expect(resolveWaitMs('low', null, 30 * MINUTE)).toBe(45 * MINUTE);
  expect(resolveWaitMs('low', null, 10 * 60 * MINUTE)).toBe(MINUTE);
  expect(resolveWaitMs('low', 10_000, 10 * 60 * MINUTE)).toBe(10_000);
});

const LIMITS = { signal: new AbortController().signal, deadlineMs: 60_000, onEnd: () => undefined };
const NOT_FOUND = { error: { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'No such run.' } };

function answerText(status: number): RawHandler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/plain' }).end('page not found');
  };
}

test.each([
  ['the agent itself', ((_request, response) => sendJson(response, 404, NOT_FOUND)) as RawHandler, 'gone'],
  ['the agent, for good', ((_request, response) => sendJson(response, 410, NOT_FOUND)) as RawHandler, 'gone'],
  ['a proxy', answerText(404), 'late'],
  ['a proxy, for good', answerText(410), 'late'],
])('a missing run, as reported by %s', async (_who, handler, status) => {
  await withClient(handler, { timeouts: { patienceMs: 0 } }, async ({ client }) => {
    const waited = await waitForRun(client, 'run_1', LIMITS);
    expect(waited).toMatchObject({ status, reason: expect.stringMatching(/No such run|again to check/) });
  });
});
