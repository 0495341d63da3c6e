import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.js';
import { createTestHost } from '../helpers/host.js';
import { NO_SIGNALS } from '../helpers/platform.js';
import { createWorkdir, PROGRAM, type Workdir } from '../helpers/workdir.js';

const TABLES = join(import.meta.dirname, '../../samples/reference');
const HEADERS = {
  'x-api-key': 'test-key',
  'exa-beta': 'agent-2026-05-07',
  'content-type': 'application/json',
  accept: 'text/event-stream',
};

function createFolder(): Workdir {
  const workdir = createWorkdir();
  workdir.write('tables/cities.csv', 'company,city\nAcme,Berlin\n');
  return workdir;
}

async function create(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const body = JSON.stringify({
    query: 'Find the city.',
    effort: 'low',
    input: { data: [{ company: 'Acme' }] },
  });
  return await fetch(`${url}/agent/runs`, { method: 'POST', headers: { ...HEADERS, ...headers }, body });
}

test('prints its address first, answers from the tables, and exits with 0 when stopped', async () => {
  const server = await createFolder().start(['serve', '--reference', 'tables']);
  expect(server.line).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await create(server.line)).text()).toContain('event: agent_run.completed');
  const list = await (await fetch(`${server.line}/agent/runs`, { headers: HEADERS })).text();
  expect(list).toContain('Berlin');
  const ended = await server.end('SIGTERM');
  expect([ended.status, ended.stdout]).toEqual([NO_SIGNALS ? null : 0, `${server.line}\n`]);
  expect(ended.stderr).toContain('does not search the web');
});

test('keeps its runs in the store across a restart', async () => {
  const workdir = createFolder();
  const args = ['serve', '--reference', 'tables', '--store', 'runs.db'];
  const first = await workdir.start(args);
  await (await create(first.line)).text();
  await first.end('SIGINT');
  const second = await workdir.start(args);
  const list = await (await fetch(`${second.line}/agent/runs`, { headers: HEADERS })).text();
  expect(JSON.parse(list)).toMatchObject({ data: [{ status: 'completed' }] });
});

test('resumes a run that was active when the server was killed', async () => {
  const workdir = createFolder();
  const args = ['serve', '--reference', 'tables', '--store', 'runs.db'];
  const first = await workdir.start([...args, '--latency', '60s']);
  await create(first.line, { accept: 'application/json' });
  await first.end('SIGKILL');
  const second = await workdir.start(args);
  const read = async () => (await fetch(`${second.line}/agent/runs`, { headers: HEADERS })).json();
  await expect.poll(read).toMatchObject({ data: [{ status: 'completed' }] });
});

test('runs the requested rehearsal and reports it', async () => {
  const workdir = createFolder();
  workdir.write('faults.json', '[{"fault": "concurrency_limited", "first": 1, "retryAfter": 3}]');
  const rehearsal = ['--price', '--latency', '1ms..2ms', '--faults', 'faults.json', '--seed', 'one'];
  const server = await workdir.start([
    'serve',
    '--reference',
    'tables',
    '--contract',
    'current',
    ...rehearsal,
  ]);
  const refused = await create(server.line);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '3']);
  expect(await (await create(server.line)).text()).toContain('agent_run.completed');
  expect(await (await fetch(`${server.line}/__rehearsal`)).json()).toMatchObject({
    seed: 'one',
    runs: { created: 1, completed: 1 },
    billedMicros: 25_000,
    faults: { concurrency_limited: 1 },
  });
});

test('accepts only the key of ROWFILL_SERVE_KEY', async () => {
  const server = await createFolder().start(['serve', '--reference', 'tables', '--host', '0.0.0.0'], {
    env: { ROWFILL_SERVE_KEY: 'right-key' },
  });
  const url = server.line.replace('0.0.0.0', '127.0.0.1');
  expect((await create(url)).status).toBe(401);
  expect((await create(url, { 'x-api-key': 'right-key' })).status).toBe(200);
});

test.each([
  ['no tables', [], /--reference DIR/],
  ['a missing folder', ['--reference', 'nowhere'], /nowhere/],
  [
    'listening beyond loopback without a key',
    ['--reference', TABLES, '--host', '0.0.0.0'],
    /ROWFILL_SERVE_KEY/,
  ],
  ['an unknown contract', ['--reference', TABLES, '--contract', '2027'], /2026-05-07, current/],
  ['an invalid port', ['--reference', TABLES, '--port', '70000'], /port/],
  ['an invalid latency', ['--reference', TABLES, '--latency', 'slow'], /2s\.\.90s/],
  ['a missing faults file', ['--reference', TABLES, '--faults', 'none.json'], /none\.json/],
  ['faults that are not JSON', ['--reference', TABLES, '--faults', import.meta.filename], /not valid JSON/],
  ['a store that is a folder', ['--reference', TABLES, '--store', TABLES], /store/],
])('refuses %s and says what to do', async (_name, args, says) => {
  const host = createTestHost();
  expect(await runProgram(['serve', ...args], host)).toBe(2);
  expect(host.readStdout()).toBe('');
  expect(host.readStderr()).toMatch(says);
  expect(host.readStderr()).toMatch(/what to do: ./);
});

test.runIf(process.platform === 'linux')(
  'a run that cannot be stored, as on a full disk, ends as failed and says so',
  async () => {
    const dir = createWorkdir();
    dir.write('tables/a.csv', `company,note\nAcme,${'x'.repeat(400_000)}\n`);
    dir.write('in.csv', 'company\nAcme\n');
    dir.write('long.json', JSON.stringify({ query: 'q', input: { data: [{ note: 'x'.repeat(400_000) }] } }));
    // A limit of the file size stands for the full disk.
    const serve = `exec '${process.execPath}' '${PROGRAM}' serve --reference tables --store runs.sqlite 2> said`;
    const { stdout, stderr, status } = await dir.shell(
      [
        `exec 3< <(trap '' XFSZ; ulimit -f 200; ${serve})`,
        'server=$!; read -r url <&3',
        'rowfill run in.csv -f note --api-url "$url" --yes --batch-size 1 -o out.csv; code=$?',
        `curl -s "$url/agent/runs" -H 'x-api-key: k' -H 'content-type: application/json' -H 'exa-beta: agent-2026-05-07' -d @long.json > refused.json`,
        'kill $server; exit $code',
      ].join('\n'),
    );
    expect({ status, stdout }, stderr).toEqual({ status: 6, stdout: '' });
    expect(dir.read('out.csv')).toContain('The run cannot be stored: ');
    // Nor is a new one accepted, for the same reason.
    expect(dir.read('refused.json')).toMatch(/"message":"The run cannot be stored: /);
    expect(dir.read('said')).not.toContain('SqliteError');
    expect(dir.read('said')).toMatch(/^run agent_run_\w+: The run cannot be stored: (?!.*rollback)/m);
  },
);
