import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/model/clock.js';
import { EventStream, PIECE_LENGTH, splitText } from '../../src/server/event-stream.js';
import { writeRunPage } from '../../src/server/run-document.js';
import type { StoredRun } from '../../src/server/store-contract.js';
import { createResult, ScriptedAgent } from '../helpers/scripted-agent.js';
import { serve } from '../helpers/served.js';

/** Opens a connection that reads only on demand. */
async function open(
  port: number,
): Promise<{ socket: Socket; readHead(): Promise<string>; closed: Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const readHead = async (): Promise<string> => {
    let text = '';
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      text += chunk;
      if (text.includes('\r\n\r\n')) break;
    }
    return text;
  };
  return { socket, readHead, closed };
}

const writeHead = (path: string, headers: Readonly<Record<string, string>>): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

const BETA = { 'exa-beta': 'agent-2026-05-07' };
const LARGE = { 'content-type': 'application/json', 'content-length': '10000000' };

describe('a request is refused before its body is read', () => {
  test.each([
    ['without a key', '/agent/runs', { ...BETA, ...LARGE }, 401],
    ['with a wrong key', '/agent/runs', { ...BETA, ...LARGE, 'x-api-key': 'wrong' }, 401],
    [
      'with a wrong key, in chunks',
      '/agent/runs',
      { ...BETA, 'transfer-encoding': 'chunked', 'x-api-key': 'wrong' },
      401,
    ],
    ['without a key, to a path that does not exist', '/nowhere', LARGE, 401],
    ['to a path that does not exist', '/nowhere', { ...LARGE, 'x-api-key': 'right' }, 404],
    ['without the beta header', '/agent/runs', { ...LARGE, 'x-api-key': 'right' }, 400],
    [
      'to cancel, with a wrong key',
      '/agent/runs/agent_run_x/cancel',
      { ...BETA, ...LARGE, 'x-api-key': 'wrong' },
      401,
    ],
    [
      'that is too large',
      '/agent/runs',
      { ...BETA, 'content-length': '99000000', 'x-api-key': 'right' },
      413,
    ],
  ])('%s', async (_, path, headers, status) => {
    const { server } = await serve({ key: 'right' });
    const { socket, readHead } = await open(server.port);
    // The body is never sent.
    socket.write(writeHead(path, headers));
    expect(await readHead()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test('and breaks the connection if the body continues', async () => {
    const { server } = await serve({ key: 'right' });
    const { socket, readHead, closed } = await open(server.port);
    socket.write(writeHead('/agent/runs', { ...BETA, ...LARGE }));
    expect(await readHead()).toMatch(/^HTTP\/1.1 401 /);
    socket.resume();
    for (let piece = 0; piece < 90; piece += 1) socket.write(Buffer.alloc(100_000));
    await closed;
  });

  test('and keeps the connection open after a small body', async () => {
    const { server } = await serve({ key: 'right' });
    const { socket, readHead } = await open(server.port);
    const small = { ...BETA, 'content-type': 'application/json', 'content-length': '2' };
    for (let request = 0; request < 3; request += 1) {
      socket.write(`${writeHead('/agent/runs', small)}{}`);
      expect(await readHead()).toMatch(/^HTTP\/1.1 401 /);
    }
  });
});

test('limits the total size of concurrent bodies', async () => {
  const { server, create } = await serve({ key: 'test-key' });
  const headers = {
    ...BETA,
    'x-api-key': 'test-key',
    'content-type': 'application/json',
    'content-length': '16000000',
  };
  const answers: Promise<string>[] = [];
  const sockets: Socket[] = [];
  for (let count = 0; count < 24; count += 1) {
    const { socket, readHead } = await open(server.port);
    sockets.push(socket);
    socket.write(`${writeHead('/agent/runs', headers)}{`);
    answers.push(readHead());
  }
  // The first requests wait for the rest of their bodies.
  expect(await Promise.any(answers)).toMatch(/^HTTP\/1.1 503 [\s\S]*retry-after: 1/i);
  const gone = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  for (const socket of sockets) socket.destroy();
  await Promise.all(gone);
  await expect.poll(() => create({ query: 'x' }).then(({ id }) => id, String)).toMatch(/^agent_run_/);
});

test.each(['2026-05-07', 'current'] as const)(
  'contract %s: a large run arrives complete, by itself, in a list and as events',
  async (contract) => {
    const text = `${'é'.repeat(PIECE_LENGTH / 2 - 7)}${'😀'.repeat(200_000)}x${'😀'.repeat(100_000)}`;
    const agent = new ScriptedAgent(() => ({
      ...createResult({ rows: [] }),
      output: { text, structured: null, grounding: [] },
    }));
    const { call, finish, stream } = await serve({ contract, agent });
    const run = await finish({ query: 'x', effort: 'low' });
    expect(run.output.text === text).toBe(true);
    const list = await call('GET', '/agent/runs');
    expect(list.body.data[0].output.text === text).toBe(true);
    const frames = await stream({ query: 'x', effort: 'low' });
    expect(frames.map(({ event }) => event)).toEqual([
      'agent_run.created',
      'agent_run.started',
      'agent_run.completed',
    ]);
    const data = frames.at(-1)?.data as { output?: { text: string } };
    expect(data.output === undefined || data.output.text === text).toBe(true);
    expect(data.output === undefined).toBe(contract === '2026-05-07');
  },
);

test('buffers only one piece of a large run while the client does not read, and sends the rest once it does', async () => {
  const text = JSON.stringify({ text: 'x'.repeat(20_000_000) });
  const run: StoredRun = { id: 'agent_run_1', teamId: 'team', status: 'completed', text };
  const event = { id: 1, event: 'agent_run.completed', data: null, createdAt: '2026-01-01T00:00:00.000Z' };
  const lengths: number[] = [];
  const server = createServer((_request, response) => {
    const stream = new EventStream(response, { clock: systemClock, keepAliveMs: 60_000, headers: {} });
    for (let count = 0; count < 5; count += 1) stream.send(event, run);
    stream.end();
    lengths.push(response.writableLength);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { socket, closed } = await open((server.address() as AddressInfo).port);
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await expect.poll(() => lengths.length).toBe(1);
  expect(lengths[0]).toBeLessThan(2 * PIECE_LENGTH);
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await closed;
  expect(bytes).toBeGreaterThan(5 * text.length);
});

test('splits text without breaking a character', () => {
  const text = `a${'😀'.repeat(PIECE_LENGTH)}`;
  const pieces = [...splitText(text)];
  expect(pieces.join('') === text).toBe(true);
  expect(pieces.every((piece) => !/[\ud800-\udbff]$/.test(piece) && piece.length <= PIECE_LENGTH)).toBe(true);
  expect([...splitText('')]).toEqual([]);
});

test('a page of large runs ends early, with a cursor to continue', () => {
  const createRun = (number: number, length: number): StoredRun => ({
    id: `agent_run_${number}`,
    teamId: 'team',
    status: 'completed',
    text: JSON.stringify('x'.repeat(length)),
  });
  const read = (runs: StoredRun[], limit: number) => {
    const { data, hasMore, nextCursor } = JSON.parse(writeRunPage(runs, limit));
    return [data.length, hasMore, nextCursor];
  };
  const large = [4, 3, 2, 1].map((number) => createRun(number, 15_000_000));
  expect(read(large, 4)).toEqual([2, true, 'agent_run_3']);
  expect(read([createRun(2, 40_000_000), createRun(1, 1)], 2)).toEqual([1, true, 'agent_run_2']);
  expect(read([createRun(2, 1), createRun(1, 1)], 2)).toEqual([2, false, null]);
  expect(read([], 2)).toEqual([0, false, null]);
});
