import { execFileSync } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { AgentClient } from '../../src/api/agent-client.js';
import { createList, openJobBench } from '../helpers/job.js';
import { servePaid } from '../helpers/paid-server.js';
import { NO_FIFOS } from '../helpers/platform.js';
import { answerRows } from '../helpers/scripted-agent.js';
import { createWorkdir } from '../helpers/workdir.js';

const KEY = 'sk-test-right-0123456789';
const OLD_KEY = 'sk-test-old-9876543210';
const JOB = ['run', 'in.csv', '-f', 'answer', '--yes', '--log-file', 'log.jsonl'];

async function open() {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const server = await servePaid(undefined, { key: KEY });
  const run = (env: Record<string, string>, args: readonly string[] = JOB) =>
    dir.run([...args, '--api-url', server.url], { env });
  return { dir, server, run };
}

test.each([
  ['with a line break', `${KEY}\n`],
  ['with a mark and spaces', `\uFEFF  ${KEY} \r\n\r\n`],
])('reads the key from a file: %s', async (_name, content) => {
  const { dir, run } = await open();
  const file = dir.write('secrets/exa', content);
  expect(await run({ EXA_API_KEY_FILE: file })).toMatchObject({ status: 0 });
  expect(dir.read('in.filled.csv')).toContain('enriched');
});

test('EXA_API_KEY wins over the file; an empty value counts as not set', async () => {
  const { dir, run } = await open();
  const file = dir.write('key', KEY);
  expect((await run({ EXA_API_KEY: OLD_KEY, EXA_API_KEY_FILE: file })).status).toBe(3);
  expect((await run({ EXA_API_KEY: ' ', EXA_API_KEY_FILE: file })).status).toBe(0);
});

test('a key from a file does not appear in the output, log, messages or ledger', async () => {
  const dir = createWorkdir();
  // Messages repeat this file name, which contains the key.
  dir.write(`${KEY}.csv`, createList(1));
  const { url } = await servePaid(undefined, { key: KEY });
  const env = { EXA_API_KEY_FILE: dir.write('key', KEY) };
  const args = ['run', `${KEY}.csv`, '-f', 'answer', '--yes', '-o', 'out.csv', '--log-file', 'log.jsonl'];
  const { status, stderr } = await dir.run([...args, '--api-url', url], { env });
  expect(status).toBe(0);
  expect(stderr + dir.read('log.jsonl') + dir.read('out.csv')).not.toContain(KEY);
});

test('an unreadable key file is an error that names it, before anything is sent', async () => {
  const { dir, server, run } = await open();
  const pipe = `${dir.path}/pipe`;
  if (!NO_FIFOS) execFileSync('mkfifo', [pipe]);
  for (const file of [
    `${dir.path}/none`,
    dir.path,
    ...(NO_FIFOS ? [] : [pipe, '/dev/zero']),
    dir.write('empty', ' \n'),
    dir.write('large', 'k'.repeat(9_000)),
  ]) {
    const { status, stderr } = await run({ EXA_API_KEY_FILE: file });
    expect(status).toBe(2);
    expect(stderr).toContain(file);
    expect(stderr).toMatch(/EXA_API_KEY_FILE.*\n.*what to do: Name a file that contains only the key/);
  }
  expect((await run({ EXA_API_KEY_FILE: dir.write('two', 'two keys') })).stderr).toContain(
    'contains an invalid character',
  );
  // The file is only read where a key is needed.
  expect((await run({ EXA_API_KEY_FILE: `${dir.path}/none` }, ['doctor'])).stdout).toMatch(/fail +key/);
  expect((await dir.run(['status'], { env: { EXA_API_KEY_FILE: `${dir.path}/none` } })).status).toBe(0);
  expect(server.report().runs.created).toBe(0);
});

test('doctor says which of the two variables it found', async () => {
  const { dir, run } = await open();
  const file = dir.write('key', KEY);
  expect((await run({ EXA_API_KEY_FILE: file }, ['doctor'])).stdout).toContain('EXA_API_KEY_FILE is set');
  expect((await run({ EXA_API_KEY_FILE: dir.write('old', OLD_KEY) }, ['doctor'])).status).toBe(3);
});

test('a rejected key is read again, and the job continues with the new one', async () => {
  const bench = await openJobBench(answerRows, { key: KEY });
  bench.write('in.csv', createList(16));
  const keys = [OLD_KEY, KEY];
  let reads = 0;
  const apiKey = () => keys[Math.min(1, reads++)] ?? '';
  const { summary } = await bench.run({ apiKey });
  expect(summary).toMatchObject({ stop: 'done', rows: { enriched: 16 } });
  expect(reads).toBe(2);
});

test('requests rejected together are each sent again once', async () => {
  const server = await servePaid(undefined, { key: KEY });
  let key = OLD_KEY;
  const client = new AgentClient({ baseUrl: server.url, apiKey: () => key });
  onTestFinished(() => client.close());
  key = KEY;
  const create = () => client.create({ query: 'Who?', input: { data: [{ row_id: 'r1' }] } });
  await Promise.all([create(), create(), create(), create()]);
  expect(server.report().runs.created).toBe(4);
});

test('a new key that is also rejected is not retried forever', async () => {
  const server = await servePaid(undefined, { key: KEY });
  for (const readKey of [
    () => OLD_KEY,
    (() => {
      let reads = 0;
      return () => `${OLD_KEY}${reads++}`;
    })(),
    (() => {
      let reads = 0;
      return () => {
        if (reads++ > 0) throw new Error('the secret is being replaced');
        return OLD_KEY;
      };
    })(),
  ]) {
    const client = new AgentClient({ baseUrl: server.url, apiKey: readKey });
    await expect(client.list()).rejects.toMatchObject({ status: 401, code: 'TEAM_NOT_FOUND' });
    expect(client.requests).toBeLessThanOrEqual(2);
    await client.close();
  }
});
