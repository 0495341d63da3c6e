import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type ServerOptions, startServer } from '../../src/server/start-server.js';
import { ScriptedAgent } from '../helpers/scripted-agent.js';
import { createWorkdir, type ProgramResult } from '../helpers/workdir.js';

const KEY = 'sk-secret-0123456789';

test.each(['2026-05-07', 'current'] as const)(
  'finds no problems with an agent of the contract %s, a key and a ledger folder',
  async (contract) => {
    const agent = new ScriptedAgent();
    const { url } = await serve({ contract, agent });
    const { status, stdout, stderr } = await examine(['--api-url', url], KEY);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('ok    key     EXA_API_KEY is set, and the agent accepts it');
    expect(stdout).toContain(contract === 'current' ? 'the current API' : 'the API of 2026-05-07');
    expect(stdout).toContain('ok    clock   agrees with the agent’s');
    expect(stdout).toMatch(/No problems found\.\n$/);
    expect(stdout).not.toContain(KEY);
    expect(agent.tasks).toEqual([]);
  },
);

test('--json gives each check its status, message and fix', async () => {
  const { url } = await serve();
  const { stdout } = await examine(['--api-url', url, '--json'], KEY);
  const { status: overall, checks } = JSON.parse(stdout);
  expect(overall).toBe('ok');
  expect(checks.map(({ check }: { check: string }) => check)).toEqual([
    'node',
    'ledger',
    'disk',
    'proxy',
    'key',
    'agent',
    'clock',
  ]);
  for (const each of checks) expect(Object.keys(each)).toEqual(['check', 'status', 'message', 'fix']);
});

test('a rejected key gives exit code 3 and is not shown', async () => {
  const { url } = await serve({ key: 'another-key-0123456789' });
  const { status, stdout } = await examine(['--api-url', url], KEY);
  expect(status).toBe(3);
  expect(stdout).toMatch(/^fail {2}key .*TEAM_NOT_FOUND/m);
  expect(stdout).toContain('what to do: Check EXA_API_KEY');
  expect(stdout).toContain('1 problem would stop a job.');
  expect(stdout).not.toContain(KEY);
});

test('a missing key for the hosted service would stop a job, and no request is sent', async () => {
  const { status, stdout } = await examine([]);
  expect(status).toBe(2);
  expect(stdout).toContain('fail  key     EXA_API_KEY is not set, which the hosted service needs');
  expect(stdout).toContain('warn  agent   skipped');
  expect(stdout).toContain('1 problem would stop a job.');
});

test('a missing key for another agent gives a warning, because that agent may need none', async () => {
  const { status, stdout } = await examine(['--api-url', 'https://agent.example']);
  expect(status).toBe(0);
  expect(stdout).toContain('warn  key     EXA_API_KEY is not set');
  expect(stdout).toContain('Jobs can run; 2 warnings.');
});

test('an unreachable agent gives exit code 4', async () => {
  const { status, stdout } = await examine(['--api-url', 'http://127.0.0.1:1'], KEY);
  expect(status).toBe(4);
  expect(stdout).toMatch(/^fail {2}agent .*127\.0\.0\.1:1.*\n {14}what to do: /m);
  expect(stdout).toMatch(/^warn {2}key .*skipped/m);
});

test('a URL that is not an agent gives exit code 4', async () => {
  const url = await serveRaw({ 'content-type': 'text/html' }, '<html>A shop</html>');
  const { status, stdout } = await examine(['--api-url', url], KEY);
  expect(status).toBe(4);
  expect(stdout).toMatch(/^fail {2}agent /m);
});

test.each([
  [180, 'warn', 0],
  [-180, 'warn', 0],
  [3600, 'fail', 2],
])('a clock %i s off from the agent’s gives a %s', async (seconds, verdict, status) => {
  const date = new Date(Date.now() + seconds * 1000).toUTCString();
  const page = '{"object":"list","data":[],"hasMore":false,"nextCursor":null}';
  const url = await serveRaw({ 'content-type': 'application/json', date }, page);
  const result = await examine(['--api-url', url], KEY);
  expect(result.status).toBe(status);
  expect(result.stdout).toMatch(
    new RegExp(`^${verdict} +clock +this clock is \\d+ s ${seconds > 0 ? 'behind' : 'ahead'}`, 'm'),
  );
  expect(result.stdout).toContain('NTP');
});

test('a damaged ledger gives exit code 2 and says what to do', async () => {
  const dir = createWorkdir();
  mkdirSync(dir.home);
  writeFileSync(join(dir.home, 'ledger.sqlite'), Buffer.alloc(8192, 'not a database, '));
  dir.write('tables/a.csv', 'company,city\nAcme,Oslo\n');
  const { status, stdout } = await dir.run(['doctor', '--reference', 'tables']);
  expect(status).toBe(2);
  expect(stdout).toMatch(/^fail {2}ledger .*LEDGER_NOT_A_DATABASE.*\n {14}what to do: .*--ledger/m);
  expect(stdout).toContain('ok    agent   Answers from the tables in tables');
});

test('checks the agent of a recipe, and reports unreadable tables', async () => {
  const dir = createWorkdir();
  dir.write('tables/a.csv', '');
  dir.write('a.recipe.yaml', 'query: Find it\nagent: {reference: tables}\n');
  const { status, stdout } = await dir.run(['doctor', '-r', 'a.recipe.yaml']);
  expect(status).toBe(2);
  expect(stdout).toMatch(/^fail {2}agent .*REFERENCE/m);
  expect(dir.has('.rowfill')).toBe(false);
});

async function examine(args: readonly string[], key?: string): Promise<ProgramResult> {
  return await createWorkdir().run(
    ['doctor', ...args],
    key === undefined ? {} : { env: { EXA_API_KEY: key } },
  );
}

async function serve(options: Partial<ServerOptions> = {}): Promise<{ readonly url: string }> {
  const server = await startServer({ agent: new ScriptedAgent(), ...options });
  onTestFinished(() => server.close());
  return server;
}

async function serveRaw(headers: Readonly<Record<string, string>>, body: string): Promise<string> {
  const server = createServer((_request, response) => void response.writeHead(200, headers).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
