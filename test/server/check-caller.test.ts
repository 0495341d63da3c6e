import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createReferenceAgent } from '../../src/agents/reference/reference-agent.js';
import { openHealthServer, parseHealthAddress } from '../../src/cli/watch-status.js';
import { createCallerCheck } from '../../src/server/check-caller.js';
import { startServer } from '../../src/server/start-server.js';
import { ScriptedAgent } from '../helpers/scripted-agent.js';
import { createWorkdir } from '../helpers/workdir.js';

type Lines = readonly string[];

const NAMES = ['Rowfill.Internal', 'bücher.example'];

const HEALTH_PAGES = {
  readStatus: async () => ({ status: 'ok' }),
  readMetrics: async () => '',
};

async function startBoth(): Promise<readonly number[]> {
  const server = await startServer({ agent: new ScriptedAgent(), allowedHosts: NAMES });
  const health = await openHealthServer('0', HEALTH_PAGES, NAMES);
  onTestFinished(async () => {
    health.close();
    await server.close();
  });
  return [server.port, Number(new URL(health.url).port)];
}

/** Sends raw bytes and returns the whole response. */
function send(port: number, lines: Lines, body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  });
}

function readStatus(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

const API = ['x-api-key: test-key', 'exa-beta: agent-2026-05-07', 'connection: close'];

/** Statuses of the API and the health page for the same headers. */
async function ask(headers: Lines, target = (path: string) => path, version = '1.1'): Promise<number[]> {
  const [api = 0, health = 0] = await startBoth();
  const line = (path: string) => `GET ${target(path)} HTTP/${version}`;
  const answers = [
    await send(api, [line('/agent/runs'), ...headers, ...API]),
    await send(health, [line('/healthz'), ...headers, 'connection: close']),
  ];
  return answers.map(readStatus);
}

test.each([
  '127.0.0.1',
  '127.0.0.1:8080',
  '192.168.7.9:80',
  '10.0.0.1:',
  '[::1]',
  '[::1]:8080',
  '[FE80::1%25eth0]:8080',
  '[::ffff:10.0.0.1]:1',
  '127.1',
  'localhost',
  'LocalHost:8080',
  'localhost.',
  'localhost.:8080',
  'rowfill.internal',
  'ROWFILL.INTERNAL.:443',
  'xn--bcher-kva.example',
])('accepts the host %s', async (host) => {
  expect(await ask([`Host: ${host}`])).toEqual([200, 200]);
});

test.each([
  'evil.example',
  'evil.example.:8080',
  'localhost.evil.example',
  'evil-localhost',
  'app.localhost',
  'other.rowfill.internal',
  '127.0.0.1.evil.example',
  '127.0.0.1.nip.io:8080',
  '1.2.3.4.5',
  '256.256.256.256',
  '[::1',
  '::1',
  '[::1].evil.example',
  'localhost@evil.example',
  'localhost:8080@evil.example',
  'localhost:99999',
  'localhost:x',
  'localhost, evil.example',
  'localhost/..',
  'local%68ost',
  'localhost..',
  '.',
  '',
])('refuses the host "%s"', async (host) => {
  expect(await ask([`Host: ${host}`])).toEqual([403, 403]);
});

test("a refusal has the API's format, names the host and says what to do", async () => {
  const [api = 0] = await startBoth();
  const answer = await send(api, [
    'POST /agent/runs HTTP/1.1',
    'Host: evil.example',
    'Content-Length: 900000000',
  ]);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(readStatus(head)).toBe(403);
  expect(head).toMatch(/content-type: application\/json/i);
  expect(head).not.toMatch(/access-control-allow/i);
  expect(JSON.parse(body)).toMatchObject({ error: { type: 'INVALID_REQUEST', code: 'INVALID_REQUEST' } });
  expect(body).toContain('--allow-host \\"evil.example\\"');
});

test('refuses several Host headers, in either order', async () => {
  expect(await ask(['Host: 127.0.0.1', 'Host: evil.example'])).toEqual([403, 403]);
  expect(await ask(['Host: evil.example', 'Host: 127.0.0.1'])).toEqual([403, 403]);
});

test('accepts HTTP/1.0 without a Host, because no browser sends it', async () => {
  expect(await ask([], undefined, '1.0')).toEqual([200, 200]);
  expect(await ask(['Origin: http://evil.example'], undefined, '1.0')).toEqual([403, 403]);
});

test('treats an absolute request target like a Host', async () => {
  const at = (host: string) => (path: string) => `http://${host}${path}`;
  expect(await ask(['Host: localhost'], at('127.0.0.1:80'))).toEqual([200, 200]);
  expect(await ask(['Host: localhost'], at('evil.example'))).toEqual([403, 403]);
  expect(await ask(['Host: localhost'], at('localhost@evil.example'))).toEqual([403, 403]);
  expect(await ask(['Host: evil.example'], at('localhost'))).toEqual([403, 403]);
});

test.each([
  ['its own', 'http://127.0.0.1:8080'],
  ['its own behind TLS', 'https://127.0.0.1:8080'],
  ['its own in upper case', 'HTTP://127.0.0.1:8080'],
])('accepts a page from the origin that is %s', async (_name, origin) => {
  expect(await ask(['Host: 127.0.0.1:8080', `Origin: ${origin}`])).toEqual([200, 200]);
});

test('the default port may be omitted on either side', async () => {
  expect(await ask(['Host: rowfill.internal', 'Origin: https://rowfill.internal'])).toEqual([200, 200]);
  expect(await ask(['Host: rowfill.internal:443', 'Origin: https://rowfill.internal'])).toEqual([200, 200]);
  expect(await ask(['Host: rowfill.internal:443', 'Origin: http://rowfill.internal'])).toEqual([403, 403]);
});

test.each([
  'https://evil.example',
  'null',
  'http://127.0.0.1:3000',
  'http://localhost:8080',
  'http://127.0.0.1:8080.evil.example',
  'http://evil.example@127.0.0.1:8080',
  'file://',
  'chrome-extension://abcdefgh',
  '127.0.0.1:8080',
  '',
])('refuses a page from the origin "%s"', async (origin) => {
  expect(await ask(['Host: 127.0.0.1:8080', `Origin: ${origin}`])).toEqual([403, 403]);
});

test('one foreign origin among several is refused', async () => {
  const own = 'Origin: http://127.0.0.1:8080';
  expect(await ask(['Host: 127.0.0.1:8080', own, 'Origin: http://evil.example'])).toEqual([403, 403]);
});

test.each([
  ['cross-site', [403, 403]],
  ['Cross-Site', [403, 403]],
  ['none, cross-site', [403, 403]],
  ['same-origin', [200, 200]],
  ['same-site', [200, 200]],
  ['none', [200, 200]],
])('Sec-Fetch-Site: %s', async (site, statuses) => {
  expect(await ask(['Host: 127.0.0.1', `Sec-Fetch-Site: ${site}`])).toEqual(statuses);
});

test.each([
  ['a preflight', 'OPTIONS /agent/runs', ['Access-Control-Request-Method: POST']],
  [
    'a WebSocket',
    'GET /agent/runs',
    ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'],
  ],
  ['a form', 'POST /agent/runs', ['Content-Type: text/plain', 'Content-Length: 2']],
  ['a HEAD', 'HEAD /agent/runs', []],
  ['a path that cannot be decoded', 'GET /agent/runs/%E0%A4%A', []],
  ['a missing path', 'GET /nothing', []],
  ['the report of a rehearsal', 'GET /__rehearsal', []],
])('refuses %s from a foreign page, without CORS headers', async (_name, line, headers) => {
  const [api = 0, health = 0] = await startBoth();
  for (const port of [api, health]) {
    const answer = await send(port, [
      `${line} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Origin: http://evil.example',
      ...headers,
    ]);
    expect(readStatus(answer)).toBe(403);
    expect(answer).not.toMatch(/access-control-allow/i);
  }
});

test('without allowed names, accepts only localhost and IP addresses', () => {
  const check = createCallerCheck();
  const ask = (host: string) => check({ url: '/', headersDistinct: { host: [host] } });
  expect([ask('localhost'), ask('[::1]:8080'), ask('192.0.2.7')]).toEqual([null, null, null]);
  expect(ask('rowfill.internal')).toContain('"rowfill.internal"');
});

test.each(['*', 'http://a.example', 'a.example:80', 'a.example/x', '*.example', ' ', 'a b', 'a@b', '[::1'])(
  'rejects "%s" as a host name',
  (name) => {
    expect(() => createCallerCheck([name])).toThrow(/is not a host name/);
  },
);

test('the server inside a --reference job is protected too', async () => {
  const workdir = createWorkdir();
  workdir.write('tables/cities.csv', 'company,city\nAcme,Berlin\n');
  const server = await startServer({ agent: await createReferenceAgent(`${workdir.path}/tables`) });
  onTestFinished(() => server.close());
  expect(
    readStatus(await send(server.port, ['GET /agent/runs HTTP/1.1', 'Host: evil.example', ...API])),
  ).toBe(403);
});

test('serve and watch accept --allow-host, repeated or as a list', async () => {
  const workdir = createWorkdir();
  workdir.write('tables/cities.csv', 'company,city\nAcme,Berlin\n');
  const allow = ['--allow-host', 'a.example,b.example', '--allow-host', 'c.example'];
  const served = await workdir.start(['serve', '--reference', 'tables', ...allow]);
  const api = Number(new URL(served.line).port);
  const read = (host: string) => send(api, ['GET /agent/runs HTTP/1.1', `Host: ${host}`, ...API]);
  const answers = await Promise.all(['a.example', 'b.example', 'c.example', 'd.example'].map(read));
  expect(answers.map(readStatus)).toEqual([200, 200, 200, 403]);

  workdir.write('drop/readme.md', '');
  const job = ['drop', '--reference', 'tables', '-f', 'city', '--settle', '0s', '--health', '0'];
  const watcher = await workdir.start(['watch', ...job, ...allow]);
  const health = Number(/:(\d+)\/healthz/.exec(watcher.result().stderr)?.[1]);
  const look = (host: string) =>
    send(health, ['GET /healthz HTTP/1.1', `Host: ${host}`, 'Connection: close']);
  expect((await Promise.all(['a.example', 'd.example'].map(look))).map(readStatus)).toEqual([200, 403]);
});

test('serve accepts the host name that it listens on', async () => {
  const server = await startServer({ agent: new ScriptedAgent(), host: 'localhost' });
  onTestFinished(() => server.close());
  expect((await fetch(`${server.url}/agent/runs`, { headers: { 'x-api-key': 'k' } })).status).toBe(400);
});

test.each([
  ['0', '127.0.0.1'],
  ['0.0.0.0:0', '0.0.0.0'],
  ['localhost:0', 'localhost'],
])('--health %s listens there and checks the Host too', async (address, host) => {
  const health = await openHealthServer(address, HEALTH_PAGES, NAMES);
  onTestFinished(() => health.close());
  const { port, hostname } = new URL(health.url);
  expect(hostname).toBe(host);
  const statuses = ['healthz', 'metrics', 'metrics?name[]=up', 'else'].map(
    async (path) => (await fetch(`http://${host}:${port}/${path}`)).status,
  );
  expect(await Promise.all(statuses)).toEqual([200, 200, 200, 404]);
});

test('--health prints an IPv6 address in brackets', () => {
  expect(parseHealthAddress('[::]:8099')).toEqual({ host: '::', port: 8099 });
  expect(parseHealthAddress('[fe80::1]:0')).toEqual({ host: 'fe80::1', port: 0 });
});

test('web pages of other origins cannot read the metrics either', async () => {
  const health = await openHealthServer('0.0.0.0:0', HEALTH_PAGES, NAMES);
  onTestFinished(() => health.close());
  const port = Number(new URL(health.url).port);
  const look = (host: string) =>
    send(port, ['GET /metrics HTTP/1.1', `Host: ${host}:${port}`, 'Connection: close']);
  expect(
    (await Promise.all(['evil.example', 'rowfill.internal', '10.1.2.3'].map(look))).map(readStatus),
  ).toEqual([403, 200, 200]);
});

test.each([
  '',
  'x',
  '-1',
  '1.5',
  '65536',
  ':8099',
  '::1:8099',
  '[::1',
  '[1.2.3.4]:80',
  '[]:80',
  'a b:80',
  'http://a:80',
  'a:',
])('rejects --health %j', async (address) => {
  await expect(openHealthServer(address, HEALTH_PAGES)).rejects.toMatchObject({ code: 'HEALTH_PORT' });
});
