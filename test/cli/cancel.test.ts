import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cancelJob } from '../../src/cancel.js';
import { describeAgent } from '../../src/job/resolve-ask.js';
import { type Holder, readHolder } from '../../src/ledger/holder.js';
import { openLedger } from '../../src/ledger/ledger.js';
import { createAsk } from '../../src/model/ask.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { createList } from '../helpers/job.js';
import { createTestAsk, createTestBatch, openTestJob } from '../helpers/ledger-samples.js';
import { createPaidGate, servePaid } from '../helpers/paid-server.js';
import { openRawAgent, type RawAgent } from '../helpers/raw-agent.js';
import { sendJson } from '../helpers/raw-server.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };

test('cancel ends the runs of an interrupted job at the agent that it was sent to', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes', '--batch-size', '2'];
  const running = dir.spawn(args, ENV);
  await gate.reached(2);
  expect((await running.end('SIGINT')).status).toBe(130);

  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  const runIds = jobs[0].runs.map(({ run }: { run: string }) => run);
  expect(runIds).toHaveLength(2);
  const result = await dir.run(['cancel', jobs[0].job], ENV);
  expect(result.status).toBe(0);
  expect(result.stdout.trim().split('\n').toSorted()).toEqual(runIds.toSorted());
  expect(result.stderr).toContain('Cancelled: 2 runs.');

  gate.open();
  const again = await dir.run([...args, '--json'], ENV);
  expect(JSON.parse(again.stdout).rows).toMatchObject({ total: 4, enriched: 4 });
  expect(agent.tasks.length).toBeGreaterThan(2);
});

test('what cancelled runs cost until then is booked, and nothing stays reserved for them', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const server = await servePaid(gate.script, { rehearsal: resolveRehearsal({ price: true }) });
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', server.url, '--yes', '--batch-size', '2'];
  const running = dir.spawn(args, ENV);
  await gate.reached(2);
  await running.end('SIGINT');
  const readJob = async () => JSON.parse((await dir.run(['status', '--json'])).stdout).jobs[0];
  const { job } = await readJob();
  expect((await dir.run(['cancel', job], ENV)).status).toBe(0);
  const { billedMicros } = server.report();
  expect(billedMicros).toBeGreaterThan(0);
  expect(await readJob()).toMatchObject({ cost_usd: billedMicros / 1e6, reserved_usd: 0, runs: [] });
});

test('--cancel-on-interrupt cancels the runs instead of leaving them to work', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const words = ['--api-url', url, '--yes', '--batch-size', '2', '--cancel-on-interrupt'];
  const running = dir.spawn(['run', 'in.csv', '-f', 'answer', ...words], ENV);
  await gate.reached(2);
  const { status, stderr } = await running.end('SIGINT');
  expect(status).toBe(130);
  expect(stderr).not.toContain('still working at the agent');
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs[0].runs).toEqual([]);
});

test('a job whose process works is not cancelled: the process is named, and goes on', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const words = ['--api-url', url, '--yes', '--batch-size', '2', '--concurrency', '1'];
  const running = dir.spawn(['run', 'in.csv', '-f', 'answer', ...words], ENV);
  await gate.reached(1);
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  const other = await servePaid();
  for (const agentWords of [[], ['--api-url', other.url]]) {
    const result = await dir.run(['cancel', jobs[0].job, ...agentWords], ENV);
    expect(result).toMatchObject({ status: 75, stdout: '' });
    expect(result.stderr).toContain(`process ${running.pid} on `);
    expect(result.stderr).toContain('[LEASE_HELD]');
  }
  await expect(
    cancelJob({ job: jobs[0].job, ledger: join(dir.home, 'ledger.sqlite'), apiKey: 'key' }),
  ).rejects.toMatchObject({ kind: 'busy' });
  gate.open();
  expect((await running.end()).status).toBe(0);
  expect(agent.tasks).toHaveLength(2);
  // Once it has ended, there is nothing left to cancel, and nobody is in the way.
  expect((await dir.run(['cancel', jobs[0].job], ENV)).stderr).toBe('Cancelled: 0 runs.\n');
});

test('a job that the ledger does not hold cannot be cancelled', async () => {
  const result = await createWorkdir().run(['cancel', 'j_none'], ENV);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('j_none');
});

test('an agent that is named wins over that of the job, and a run that it does not know cannot be cancelled there', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(2));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const running = dir.spawn(['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'], ENV);
  await gate.reached(1);
  await running.end('SIGINT');
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  const other = await servePaid();
  const result = await dir.run(['cancel', jobs[0].job, '--api-url', other.url], ENV);
  expect(result.status).toBe(4);
  expect(result.stderr).toContain(`${jobs[0].runs[0].run} could not be cancelled`);
});

/** A job of `--reference` that died with its batch open, as `kill -9` leaves it. */
async function openReferenceJob(holder: Holder): Promise<{ dir: Workdir; job: string }> {
  const dir = createWorkdir();
  const directory = dirname(dir.write('tables/a.csv', 'company,city\nAcme,Ulm\n'));
  const ask = createAsk({
    ...createTestAsk('Where is it?'),
    agent: await describeAgent({ kind: 'reference', directory, omit: [] }),
  });
  const ledger = openLedger(join(dir.home, 'ledger.sqlite'));
  const job = openTestJob(ledger, ask, '/data/in.csv');
  for (const [name, runId] of [
    ['Acme', 'agent_run_1'],
    ['Bolt', null],
  ] as const) {
    const batch = createTestBatch(job, [name]);
    ledger.intend(batch, null);
    if (runId !== null) ledger.sent(batch.id, runId);
  }
  ledger.acquireLease(ask.id, holder);
  ledger.close();
  return { dir, job: job.id };
}

test('runs of an agent that went with its process are released without a key, and it is said so', async () => {
  const gone = spawnSync(process.execPath, ['--version']).pid;
  const { dir, job } = await openReferenceJob({ ...readHolder(), pid: gone });
  const result = await dir.run(['cancel', job]);
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(result.stderr).toBe(
    'Nothing to cancel: the agent of this job was part of a rowfill that has ended. Released: 2 runs.\n',
  );
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs).toMatchObject([{ reserved_usd: 0, runs: [] }]);
  expect((await dir.run(['cancel', job])).stderr).toBe('Cancelled: 0 runs.\n');
});

test('runs of an agent whose process still works are left to it', async () => {
  const { dir, job } = await openReferenceJob(readHolder());
  const result = await dir.run(['cancel', job]);
  expect(result.status).toBe(75);
  expect(result.stderr).toContain(`process ${process.pid} on `);
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs[0].runs).toHaveLength(2);
});

test('a job of the hosted service is cancelled there, which takes its key', async () => {
  const dir = createWorkdir();
  const ledger = openLedger(join(dir.home, 'ledger.sqlite'));
  const ask = createAsk({ ...createTestAsk('Where is it?'), agent: 'https://api.exa.ai' });
  const job = openTestJob(ledger, ask, '/data/in.csv');
  ledger.close();
  const result = await dir.run(['cancel', job.id]);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain(`job ${job.id} was sent to the hosted service, and EXA_API_KEY is not set`);
});

/** A job whose process was killed, with a batch open for each of these runs; null where the reply to its create was lost. */
function leaveOpen(agent: RawAgent, runIds: readonly (string | null)[]): { dir: Workdir; job: string } {
  const dir = createWorkdir();
  const ledger = openLedger(join(dir.home, 'ledger.sqlite'), {
    clock: { now: () => Date.now() - 3_600_000 },
  });
  const job = openTestJob(
    ledger,
    createAsk({ ...createTestAsk('Where is it?'), agent: agent.url }),
    '/data/in.csv',
  );
  for (const [index, runId] of runIds.entries()) {
    const batch = createTestBatch(job, [`Company ${index}`]);
    ledger.intend(batch, null);
    if (runId !== null) ledger.sent(batch.id, runId);
  }
  ledger.close();
  return { dir, job: job.id };
}

const readJob = async (dir: Workdir) => JSON.parse((await dir.run(['status', '--json'])).stdout).jobs[0];

test('a batch whose run can never be cancelled is given up, and its reserved price is booked', async () => {
  const agent = await openRawAgent({
    intercept: ({ url }, response) => {
      if (url.startsWith('/agent/runs/refused'))
        sendJson(response, 400, { error: 'bad id', tag: 'INVALID_REQUEST' });
      else if (url.startsWith('/agent/runs/forbidden'))
        sendJson(response, 403, { error: 'no', tag: 'PROHIBITED_CONTENT' });
      else return false;
      return true;
    },
  });
  const bad = ['..', 'x'.repeat(100_000), 'a\u001b[2Jb', 'unknown', 'refused', 'forbidden'];
  const { dir, job } = leaveOpen(agent, bad);
  const result = await dir.run(['cancel', job], ENV);
  expect(result.status).toBe(0);
  expect(result.stderr.match(/cannot be cancelled/g)).toHaveLength(bad.length);
  expect(result.stderr).not.toContain('\u001b');
  expect(result.stderr.length).toBeLessThan(5_000);
  expect(await readJob(dir)).toMatchObject({ cost_usd: 0.15, reserved_usd: 0, runs: [] });
});

test('a batch whose reply was lost is looked for by cancel: found it is cancelled, else it is ended', async () => {
  const agent = await openRawAgent();
  const { dir, job } = leaveOpen(agent, [null, null]);
  const ledger = openLedger(join(dir.home, 'ledger.sqlite'));
  const [first] = ledger.findOpenBatches(ledger.readJob(job).askId);
  ledger.close();
  const request = { query: 'q', input: { data: [] }, metadata: { rowfill_batch: first?.batch.id ?? '' } };
  await fetch(`${agent.url}/agent/runs`, { method: 'POST', body: JSON.stringify(request) });
  const result = await dir.run(['cancel', job], ENV);
  expect(result).toMatchObject({ status: 0, stdout: 'run_1\n' });
  expect(await readJob(dir)).toMatchObject({ cost_usd: 0.025, reserved_usd: 0, runs: [] });
});

test('where the agent cannot be reached, nothing is given up', async () => {
  const agent = await openRawAgent();
  const { dir, job } = leaveOpen(agent, ['run_1', null]);
  await agent.server.close();
  const result = await dir.run(['cancel', job], { ...ENV, timeoutMs: 300_000 });
  expect(result.status).toBe(4);
  expect(await readJob(dir)).toMatchObject({ cost_usd: 0, reserved_usd: 0.05 });
}, 300_000);
