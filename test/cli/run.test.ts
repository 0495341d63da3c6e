import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createList, readTable } from '../helpers/job.js';
import { createPaidGate, servePaid } from '../helpers/paid-server.js';
import { NO_SIGNALS } from '../helpers/platform.js';
import { openRawServer } from '../helpers/raw-server.js';
import { answerRows } from '../helpers/scripted-agent.js';
import { createWorkdir } from '../helpers/workdir.js';

const KEY = 'sk-secret-0123456789';
const PAID = { env: { EXA_API_KEY: KEY } };
const ASK = ['-f', 'answer', '--send', 'company'];

test('fills a list from a local table, for free and without asking', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'company,hq_city\nAcme Inc.,\nBolt GmbH,Kiel\nNobody Ltd,\n');
  dir.write('tables/seats.csv', 'company,hq_city\nAcme,Oslo\nBolt,Bonn\n');
  const result = await dir.run(['run', 'in.csv', '--reference', 'tables', '-f', 'hq_city']);
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(readTable(dir.read('in.filled.csv')).map((row) => [row.hq_city, row.enrichment_status])).toEqual([
    ['Oslo', 'enriched'],
    ['Kiel', 'unchanged'],
    ['', 'not_found'],
  ]);
  expect(result.stderr).toContain('The output is in in.filled.csv: 3 rows');
  expect(result.stderr).toContain('  1  enriched\n  1  not_found\n  1  unchanged\n');
  expect(result.stderr).toContain('Cost: $0.00');
  expect(result.stderr).not.toContain('\u001b');
});

test('--json prints one summary with the documented keys, and with --quiet nothing else', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const { url } = await servePaid();
  const result = await dir.run(
    ['run', 'in.csv', ...ASK, '--api-url', url, '--yes', '--json', '--quiet'],
    PAID,
  );
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout.trim().split('\n')).toHaveLength(1);
  const summary = JSON.parse(result.stdout);
  expect(Object.keys(summary).join()).toBe(
    'job,ask,input,output,rows,failed_rows,fields,reused,duplicates,runs,requests,cost_usd,estimated_usd,reserved_usd,seconds,steps,remaining,budget,error',
  );
  expect(summary).toMatchObject({
    output: 'in.filled.csv',
    rows: { total: 3, enriched: 3 },
    cost_usd: 0.025,
  });
});

test('writes data to standard output and messages to standard error', async () => {
  const dir = createWorkdir();
  const { url } = await servePaid();
  const args = ['run', '-', '-o', '-', ...ASK, '--api-url', url, '--yes'];
  const result = await dir.run(args, { ...PAID, stdin: createList(3) });
  expect(result.status).toBe(0);
  expect(readTable(result.stdout).map((row) => row.enrichment_status)).toEqual(Array(3).fill('enriched'));
  expect(result.stderr).toContain('The output is on standard output: 3 rows');
});

test('refuses two outputs on standard output', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(1));
  for (const place of [['in.csv', '-o', '-'], ['-']]) {
    const result = await dir.run(['run', ...place, ...ASK, '--reference', '.', '--json']);
    expect(result).toMatchObject({
      status: 2,
      stdout: expect.stringMatching(/^\{"error":\{"code":"TWO_OUTPUTS"/),
    });
    expect(result.stderr).toContain('both write to standard output');
  }
});

test('a closed output pipe is not an error', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(2000));
  const { url } = await servePaid();
  const args = ['run', 'in.csv', '-o', '-', ...ASK, '--api-url', url, '--yes', '--batch-size', '200'];
  const result = await dir.runProcess(args, { ...PAID, closeStdout: true });
  expect(result.stderr).not.toContain('error');
  expect(result.status).toBe(0);
});

test('without a terminal, refuses an unconfirmed paid job before sending anything', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(9));
  const { url, agent } = await servePaid();
  const result = await dir.run(['run', 'in.csv', ...ASK, '--api-url', url], PAID);
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain('this job can cost $0.10 (9 rows in 2 runs)');
  expect(result.stderr).toMatch(/what to do: .*--max-cost.*--yes/);
  expect(agent.tasks).toEqual([]);
  expect(dir.has('in.filled.csv')).toBe(false);
});

test('shows the possible cost and the columns to send before it starts', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(9));
  const { url } = await servePaid();
  const result = await dir.run(['run', 'in.csv', ...ASK, '--api-url', url, '--max-cost', '1'], PAID);
  expect(result.status).toBe(0);
  expect(result.stderr).toMatch(/^9 rows to send in 2 runs\.\nCost: \$0\.10 at worst, likely \$0\.05/);
  expect(result.stderr).toContain('never more than $1.00');
  expect(result.stderr).toContain('Columns that leave this machine: company.');
});

test('failed rows give exit code 6 and a hint', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(1));
  const { url } = await servePaid(() => {
    throw new Error('the agent broke');
  });
  const result = await dir.run(['run', 'in.csv', ...ASK, '--api-url', url, '--yes'], PAID);
  expect(result.status).toBe(6);
  expect(result.stderr).toContain('1 row failed; see enrichment_error. Run the same command again to retry.');
});

test('a rejected key gives exit code 3 and names the variable, never the value', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(2));
  const { url } = await servePaid(answerRows, { key: 'another key' });
  const args = ['run', 'in.csv', ...ASK, '--api-url', url, '--yes', '--log-file', 'job.log', '--debug'];
  const result = await dir.run(args, PAID);
  expect(result.status).toBe(3);
  expect(result.stderr).toContain('EXA_API_KEY');
  expect(`${result.stdout}${result.stderr}`).not.toContain(KEY);
  for (const path of listFiles(dir.path)) expect(readFileSync(path, 'latin1')).not.toContain(KEY);
});

test('an unreachable agent gives exit code 4', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(2));
  const { url, close } = await servePaid();
  await close();
  const result = await dir.run(['run', 'in.csv', ...ASK, '--api-url', url, '--yes'], PAID);
  expect(result.status).toBe(4);
  expect(result.stderr).toContain(url);
});

test('reaching the budget gives exit code 5, writes the output and says which cap covers the rest', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const { url } = await servePaid();
  const args = ['run', 'in.csv', ...ASK, '--api-url', url, '--batch-size', '1', '--max-cost', '0.05'];
  const result = await dir.run(args, PAID);
  expect(result.status).toBe(5);
  const statuses = readTable(dir.read('in.filled.csv')).map((row) => row.enrichment_status);
  expect(statuses.toSorted()).toEqual(['enriched', 'enriched', 'over_budget', 'over_budget']);
  expect(result.stderr).toContain(
    'The budget is reached: 2 rows not sent. Sending them takes 2 runs, $0.10 at worst.\nRun the same command with --max-cost 0.15 to send all of them.',
  );
});

test.skipIf(NO_SIGNALS).each(['SIGINT', 'SIGTERM'] as const)(
  '%s stops gracefully, and the same command continues',
  async (signal) => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(6));
    const gate = createPaidGate();
    const { url, agent } = await servePaid(gate.script);
    const args = [
      'run',
      'in.csv',
      ...ASK,
      '--api-url',
      url,
      '--yes',
      '--batch-size',
      '2',
      '--concurrency',
      '2',
    ];
    const first = dir.spawn(args, PAID);
    await gate.reached(2);
    const stopped = await first.end(signal);
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toContain('Stopping: no new runs will start');
    expect(stopped.stderr).toContain(
      '2 runs still active at the agent. Run the same command again to collect their results.',
    );
    expect(readTable(dir.read('in.filled.csv')).map((row) => row.enrichment_status)).toEqual(
      Array(6).fill('pending'),
    );

    gate.open();
    const second = await dir.run(args, PAID);
    expect(second.status).toBe(0);
    expect(second.stderr).toContain('1 new run, 2 resumed');
    expect(agent.tasks).toHaveLength(3);
  },
);

test('the log has one object per event, and no cells or key', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const { url } = await servePaid();
  const args = ['run', 'in.csv', ...ASK, '--api-url', url, '--yes', '--log-file', 'job.log'];
  expect((await dir.run(args, PAID)).status).toBe(0);
  const text = dir.read('job.log');
  const events = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const named = ['job', 'batch_sent', 'batch_settled', 'row', 'row', 'row', 'written', 'end'];
  expect(events.map(({ event }) => event)).toEqual(named);
  const rows = events.filter(({ event }) => event === 'row');
  expect(rows.map(({ ordinal, line, status }) => [ordinal, line, status])).toEqual([
    [0, 2, 'enriched'],
    [1, 3, 'enriched'],
    [2, 4, 'enriched'],
  ]);
  const billed = rows.reduce((sum, row) => sum + row.cost_usd, 0);
  expect(billed).toBeCloseTo(0.025, 9);
  expect(new Set(events.map(({ job }) => job)).size).toBe(1);
  expect(events.at(-1)).toMatchObject({ stop: 'done', cost_usd: 0.025 });
  expect(text).not.toMatch(/Company 1|answer to|sk-secret/);
});

test('--log-values adds the values to the log, and needs --log-file', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(1));
  const { url } = await servePaid();
  const args = ['run', 'in.csv', ...ASK, '--api-url', url, '--yes', '--log-values'];
  const refused = await dir.run(args, PAID);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('[NO_LOG]');
  expect((await dir.run([...args, '--log-file', 'job.log'], PAID)).status).toBe(0);
  expect(dir.read('job.log')).toMatch(/"values":\{"answer":"answer to r[\w-]+"\}/);
});

test('logs the error of a refused job', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(1));
  const { url } = await servePaid();
  const args = ['run', 'in.csv', ...ASK, '--api-url', url, '--log-file', 'job.log'];
  expect((await dir.run(args, PAID)).status).toBe(2);
  expect(dir.read('job.log')).toMatch(/"event":"error","job":"j_\w+","code":"COST_NOT_CONFIRMED"/);
  expect((await dir.run(['status'])).stderr).toContain('No jobs yet');
});

test.skipIf(NO_SIGNALS)(
  'an interrupt during the first check of the agent ends with 130 and leaves nothing behind',
  async () => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(1));
    const server = await openRawServer(() => {});
    onTestFinished(server.close);
    const args = ['run', 'in.csv', ...ASK, '--api-url', server.url, '--yes', '--log-file', 'job.log'];
    const running = dir.spawn(args, PAID);
    await expect.poll(() => server.requests.length).toBe(1);
    const { status, stderr } = await running.end('SIGINT');
    expect(status).toBe(130);
    expect(dir.read('job.log')).toContain('"code":"INTERRUPTED"');
    expect(stderr).toContain('Interrupted before anything was sent.');
    expect(stderr).not.toContain('error');
    expect(dir.has('in.filled.csv')).toBe(false);
  },
);

test.skipIf(NO_SIGNALS)(
  'an interrupt while reading standard input ends with 130 and removes its copy',
  async () => {
    const dir = createWorkdir();
    const args = ['run', '-', ...ASK, '--reference', '.'];
    const env = { TMPDIR: dir.path, TEMP: dir.path };
    const running = dir.spawn(args, { env, stdin: createList(1), keepStdinOpen: true });
    const readCopies = () => readdirSync(dir.path).filter((name) => name.startsWith('rowfill-'));
    await expect.poll(readCopies).toHaveLength(1);
    const { status, stderr } = await running.end('SIGTERM');
    expect(status).toBe(130);
    expect(stderr).toContain('Interrupted before anything was sent.');
    expect(readCopies()).toEqual([]);
  },
);

test('text from an agent or a file cannot control the terminal', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'comp\u001b[2Jany,other\nAcme\u001b]0;x\u0007,1\n');
  const result = await dir.run(['run', 'in.csv', '-f', 'answer', '--send', 'company', '--reference', '.']);
  expect(result.status).toBe(2);
  expect(result.stderr).not.toMatch(/(?![\n\t])\p{Cc}/u);
});

function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('standard input is known by its rows: the same rows continue a job, and others have their own cap', async () => {
  const dir = createWorkdir();
  const { url, agent } = await servePaid();
  const fill = (stdin: string, ...more: string[]) =>
    dir.run(['run', '-', '-o', 'out.csv', ...ASK, '--api-url', url, '--max-cost', '0.05', ...more], {
      ...PAID,
      stdin,
    });
  const first = await fill('company\nAcme\n');
  expect(first).toMatchObject({ status: 0 });
  const other = await fill('company\nBolt\n');
  expect(other).toMatchObject({ status: 0 });
  const third = await fill('company\nCorp\n');
  expect(third).toMatchObject({ status: 0 });
  expect(other.stderr + third.stderr).not.toContain('since this file was last filled');
  await fill('company\nAcme\n');
  expect(agent.tasks).toHaveLength(3);
  const { stdout } = await dir.run(['status', '--json']);
  expect(JSON.parse(stdout).jobs).toMatchObject([
    { input: '-', invocation: 2 },
    { input: '-', invocation: 1 },
    { input: '-', invocation: 1 },
  ]);
  const { stdout: text } = await dir.run(['status']);
  expect(text).toContain('  standard input → ');
});

test('a rejected request without a key says that none is set', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(1));
  const { url } = await servePaid(answerRows, { key: 'a-key-0123456789' });
  const result = await dir.run(['run', 'in.csv', ...ASK, '--api-url', url, '--yes']);
  expect(result.status).toBe(3);
  expect(result.stderr).toContain(
    'what to do: Set EXA_API_KEY, or EXA_API_KEY_FILE: this agent needs a key, and none',
  );
  const doctor = await dir.run(['doctor', '--api-url', url]);
  expect(doctor.stdout).toContain('this agent needs a key, and none is set');
  const wrong = await dir.run(['run', 'in.csv', ...ASK, '--api-url', url, '--yes'], PAID);
  expect(wrong.stderr).toContain('the agent does not accept this key');
});
