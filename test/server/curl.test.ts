import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { CONTRACTS } from '../../src/server/start-server.js';
import { readFrames } from '../helpers/read-frames.js';
import { serve } from '../helpers/served.js';

const run = promisify(execFile);

async function curl(...args: readonly string[]): Promise<string> {
  return (await run('curl', ['--silent', '--show-error', '--noproxy', '*', ...args])).stdout;
}

const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);
const BETA = ['-H', 'Exa-Beta: agent-2026-05-07'];
const KEYS = { 'x-api-key': ['-H', 'x-api-key: my-key'], bearer: ['-H', 'Authorization: Bearer my-key'] };

test
  .skipIf(!hasCurl)
  .each(
    CONTRACTS.flatMap((contract) =>
      Object.entries(KEYS).map(([name, key]) => [contract, name, key] as const),
    ),
  )('the documented calls work: contract %s, key by %s', async (contract, _name, key) => {
  const { server } = await serve({ contract });
  const url = `${server.url}/agent/runs`;
  const body = JSON.stringify({ query: 'Which AI infrastructure funding rounds were announced this week?' });
  const post = ['-X', 'POST', url, '-H', 'Content-Type: application/json', ...key, ...BETA, '-d', body];
  const created = JSON.parse(await curl(...post));
  expect(created).toMatchObject({ object: 'agent_run', request: JSON.parse(body) });
  const frames = readFrames(await curl('-N', ...post, '-H', 'Accept: text/event-stream'));
  expect(frames.map((frame) => frame.event)).toEqual([
    'agent_run.created',
    'agent_run.started',
    'agent_run.completed',
  ]);
  expect(JSON.parse(await curl(`${url}/${created.id}`, ...key, ...BETA))).toMatchObject({
    id: created.id,
    status: 'completed',
  });
  const headers = await curl('-D', '-', '-o', '/dev/null', url, ...key, ...BETA);
  expect(headers).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(headers).toMatch(/^x-request-id: req_/m);
});
