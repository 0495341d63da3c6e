import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readTable } from '../helpers/job.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/own-agent.md'), 'utf8');
const AGENT = /```python\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? '';
const LOOK_UP = 'return {"city": "Oslo"}, ["https://example.com/oslo"]';
const hasPython = spawnSync('python3', ['--version']).status === 0;

test.runIf(hasPython)('the agent of the page fills a file, with citations', async () => {
  const dir = createWorkdir();
  const url = await serve(dir, AGENT);
  const result = await dir.run(['run', 'in.csv', '--api-url', url, '-f', 'city', '-f', 'hq zip', '--yes']);
  expect(result).toMatchObject({ status: 0 });
  expect(result.stderr).toContain('Cost: $0.00 (1 new run).');
  expect(readTable(dir.read('in.filled.csv'))[1]).toMatchObject({
    city: 'Oslo',
    city_confidence: 'high',
    city_citations: 'https://example.com/oslo',
    enrichment_status: 'partial',
  });
  expect((await dir.run(['doctor', '--api-url', url])).stdout).toContain('No problems found.');
});

test.runIf(hasPython)('its error is the reason of the row', async () => {
  const dir = createWorkdir();
  expect(AGENT).toContain(LOOK_UP);
  const url = await serve(dir, AGENT.replace(LOOK_UP, 'raise ValueError("the database is down")'));
  const args = [
    'run',
    'in.csv',
    '--limit',
    '1',
    '--api-url',
    url,
    '-f',
    'city',
    '--batch-size',
    '1',
    '--yes',
  ];
  expect(await dir.run(args)).toMatchObject({ status: 6 });
  expect(dir.read('in.filled.csv')).toContain('the database is down');
});

async function serve(dir: Workdir, agent: string): Promise<string> {
  dir.write('in.csv', 'company\nAcme\nBolt\n');
  const port = await findPort();
  const ready = 'print("ready", flush=True)\nThreadingHTTPServer';
  const text = agent.replace('8090', String(port)).replace(/^ThreadingHTTPServer/m, ready);
  const child = spawn('python3', [dir.write('agent.py', text)], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  await expect
    .poll(() =>
      fetch(`${url}/agent/runs`).then(
        (answer) => answer.ok,
        () => false,
      ),
    )
    .toBe(true);
  return url;
}

/** A port that is free now. */
async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
