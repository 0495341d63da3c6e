import { createConnection } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RowfillError } from '../../src/errors.js';
import { CONTRACTS, type ServerOptions, startServer } from '../../src/server/start-server.js';
import { ManualClock } from '../helpers/clock.js';
import { readFrames } from '../helpers/read-frames.js';
import { createGate, createRecords, ScriptedAgent } from '../helpers/scripted-agent.js';
import { readId, serve } from '../helpers/served.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const EVENTS = { headers: { accept: 'text/event-stream' } };
const BODY = { query: 'Find it.', input: { data: createRecords(1) } };

test.each<[string, Partial<ServerOptions>, string, RegExp]>([
  ['all interfaces without a key', { host: '0.0.0.0' }, 'SERVE_KEY_NEEDED', /requires a key/],
  ['an address without a key', { host: '192.168.1.5' }, 'SERVE_KEY_NEEDED', /192\.168\.1\.5/],
  ['an empty key', { key: ' ' }, 'BAD_SERVER_OPTION', /key/],
  ['an invalid port', { port: 65_536 }, 'BAD_SERVER_OPTION', /65536/],
  ['a limit of 0 active runs', { maxActiveRuns: 0 }, 'BAD_SERVER_OPTION', /maxActiveRuns/],
  ['a fraction of an active run', { maxActiveRuns: 0.5 }, 'BAD_SERVER_OPTION', /maxActiveRuns/],
  ['a negative start rate', { startsPerSecond: -1 }, 'BAD_SERVER_OPTION', /startsPerSecond/],
  ['a start rate of NaN', { startsPerSecond: Number.NaN }, 'BAD_SERVER_OPTION', /startsPerSecond/],
  ['a timeout of 0', { runTimeoutMs: 0 }, 'BAD_SERVER_OPTION', /runTimeoutMs/],
  ['a timeout that is too long for a timer', { runTimeoutMs: 1e12 }, 'BAD_SERVER_OPTION', /runTimeoutMs/],
])('refuses %s', async (_name, options, code, says) => {
  const error = await startServer({ agent: new ScriptedAgent(), ...options }).catch((caught) => caught);
  expect(error).toBeInstanceOf(RowfillError);
  expect(error).toMatchObject({ kind: 'usage', code, message: expect.stringMatching(says) });
  expect(error.hint).toBeTruthy();
});

test('reports a port that is in use', async () => {
  const { server } = await serve();
  await expect(startServer({ agent: new ScriptedAgent(), port: server.port })).rejects.toMatchObject({
    code: 'CANNOT_LISTEN',
    message: expect.stringContaining(String(server.port)),
  });
});

test('with a key, accepts only that key, in either header', async () => {
  const { call } = await serve({ key: 'right' });
  const status = async (headers: Record<string, string>) =>
    (await call('GET', '/agent/runs', { headers })).status;
  expect(await status({ 'x-api-key': 'right' })).toBe(200);
  expect(await status({ 'x-api-key': '', authorization: 'Bearer right' })).toBe(200);
  expect(await status({ 'x-api-key': 'wrong' })).toBe(401);
  expect(await status({ 'x-api-key': 'right and more' })).toBe(401);
  expect(await status({ 'x-api-key': '', authorization: 'Bearer wrong' })).toBe(401);
});

test('a key with blanks at its ends, as from a file, is the key without them', async () => {
  const { call } = await serve({ key: ' right\n' });
  expect((await call('GET', '/agent/runs', { headers: { 'x-api-key': 'right' } })).status).toBe(200);
});

test('all keys together have a limit of active runs', async () => {
  const gate = createGate();
  const { call } = await serve({ agent: new ScriptedAgent(gate.script), maxActiveRuns: 1 });
  const start = async (key: string) =>
    (await call('POST', '/agent/runs', { headers: { 'x-api-key': key }, body: BODY })).status;
  for (let key = 0; key < 20; key += 1) expect(await start(`key ${key}`)).toBe(200);
  expect(await start('one more key')).toBe(429);
  gate.open();
});

test('close ends open streams, abandons active runs and may be repeated', async () => {
  let reason: unknown = null;
  const agent = new ScriptedAgent(
    (_task, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
        });
      }),
  );
  const { open, server } = await serve({ agent });
  const response = await open('POST', '/agent/runs', { ...EVENTS, body: BODY });
  await expect.poll(() => agent.tasks.length).toBe(1);
  await Promise.all([server.close(), server.close()]);
  expect(readFrames(await response.text()).map((frame) => frame.event)).toEqual([
    'agent_run.created',
    'agent_run.started',
  ]);
  expect(reason).toMatchObject({ message: 'The server is closing.' });
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
});

test.each(CONTRACTS)(
  'a restart keeps runs and events, and resumes active runs: contract %s',
  async (contract) => {
    const storePath = join(await createTempFolder(), 'runs.db');
    const busy = new ScriptedAgent(({ request }) =>
      request.query === 'wait' ? createGate().script({ request, previous: null }, AbortSignal.any([])) : done,
    );
    const done = { output: { text: 'Done.', structured: null, grounding: [] }, usage: NO_USAGE };
    const first = await serve({ contract, storePath, agent: busy });
    const ended = await first.finish({ query: 'done' });
    const waiting = await first.create({ query: 'wait', previousRunId: ended.id });
    await expect.poll(() => busy.tasks.length).toBe(2);
    await first.server.close();

    const agent = new ScriptedAgent();
    const second = await serve({ contract, storePath, agent });
    expect(await second.get(ended.id)).toEqual(ended);
    await expect.poll(async () => (await second.get(waiting.id)).status).toBe('completed');
    expect(agent.tasks).toEqual([{ request: waiting.request, previous: ended }]);
    const replay = await second.open('GET', `/agent/runs/${waiting.id}/events`, EVENTS);
    expect(readFrames(await replay.text()).map((frame) => frame.id)).toEqual([1, 2, 3]);
    const after = await second.create({ query: 'later' });
    const { body } = await second.call('GET', '/agent/runs');
    expect(body.data.map((run: { id: string }) => run.id)).toEqual([after.id, waiting.id, ended.id]);
  },
);

const NO_USAGE = { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 };

test('answers invalid HTTP in the format of the contract', async () => {
  const { server } = await serve();
  const socket = createConnection(server.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.setEncoding('utf8').end('HELLO\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(JSON.parse(text.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { code: 'INVALID_REQUEST' } });
});

test('disconnects a client that never reads, and its run continues', async () => {
  const text = 'x'.repeat(24 * 1024 * 1024);
  const agent = new ScriptedAgent(() => ({
    output: { text, structured: null, grounding: [] },
    usage: NO_USAGE,
  }));
  const clock = new ManualClock();
  const { server, call } = await serve({ contract: 'current', agent, clock });
  const socket = createConnection(server.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const gone = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  socket.on('error', () => {});
  socket.pause();
  const head = [
    'POST /agent/runs HTTP/1.1',
    'host: localhost',
    'x-api-key: test-key',
    'accept: text/event-stream',
  ];
  socket.write(`${[...head, 'content-length: 13'].join('\r\n')}\r\n\r\n{"query":"x"}`);
  await expect.poll(() => server.report().runs.completed).toBe(1);
  clock.advance(30_000);
  socket.resume();
  await gone;
  expect(socket.bytesRead).toBeLessThan(text.length);
  const [run] = (await call('GET', '/agent/runs')).body.data;
  expect(run.output.text).toHaveLength(text.length);
});

test('runs created at the same time have ids in creation order', async () => {
  const { create, stream } = await serve({ maxActiveRuns: 1_000 });
  const ids: string[] = [];
  for (let index = 0; index < 50; index += 1) ids.push((await create({ query: 'x' })).id);
  ids.push(readId((await stream({ query: 'x' }))[0]?.data));
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(51);
});
