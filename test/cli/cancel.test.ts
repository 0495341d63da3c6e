import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cancelJob } from '../../src/cancel.js';
import { describeAgent } from '../../src/job/resolve-ask.js';
import { type Holder, readHolder } from '../../src/ledger/holder.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createAsk } from '../../src/model/ask.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { verifyJob } from '../../src/verify.js';
import { createList } from '../helpers/job.js';
import {
  createTestAsk,
  createTestBatch,
  createTestJob,
  reserveTestBatch,
} from '../helpers/ledger-samples.js';
import { OtherHolder } from '../helpers/other-holder.js';
import { createPaidGate, servePaid } from '../helpers/paid-server.js';
import { NO_SIGNALS } from '../helpers/platform.js';
import { openRawAgent, type RawAgent } from '../helpers/raw-agent.js';
import { sendJson } from '../helpers/raw-server.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };

test('cancels the runs of an interrupted job at its agent', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes', '--batch-size', '2'];
  const running = dir.spawn(args, ENV);
  await gate.reached(2);
  await waitForIds(dir);
  expect((await running.end('SIGINT')).status).toBe(NO_SIGNALS ? null : 130);

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

test('books the cost of cancelled runs and releases their reservation', async () => {
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

test.each([
  [['--blank', '+pending'], { not_found: 1 }],
  [['--blank', 'tba'], { enriched: 1 }],
])('checks the answers of a run that ended in the meantime with the words of %j', async (options, rows) => {
  let start = (): void => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const agent: RawAgent = await openRawAgent({
    changeRun: (json) => ({ ...json, status: 'running', stopReason: null, completedAt: null }),
    intercept({ url }, response) {
      if (url.startsWith('/agent/runs/run_1')) start();
      if (!url.endsWith('/cancel')) return false;
      const { row_id } = agent.runs[0]?.request.input?.data?.[0] ?? {};
      const structured = { rows: [{ row_id, fields: { answer: 'pending' } }] };
      sendJson(response, 200, {
        ...agent.runs[0]?.json,
        ...ENDED,
        output: { text: '', structured, grounding: [] },
      });
      return true;
    },
  });
  const dir = createWorkdir();
  dir.write('in.csv', createList(1));
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', agent.url, '--yes', ...options];
  const running = dir.spawn(args, ENV);
  await started;
  await running.end('SIGINT');
  const { job } = await readJob(dir);
  expect((await dir.run(['cancel', job], ENV)).status).toBe(0);
  const again = await dir.run([...args, '--json'], ENV);
  expect(JSON.parse(again.stdout).rows).toMatchObject(rows);
  expect(agent.runs).toHaveLength(1);
});

const ENDED = { status: 'completed', stopReason: 'schema_satisfied', completedAt: '2026-01-01T00:00:00Z' };

test.skipIf(NO_SIGNALS)('--cancel-on-interrupt cancels the runs on Ctrl-C', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const words = ['--api-url', url, '--yes', '--batch-size', '2', '--cancel-on-interrupt'];
  const running = dir.spawn(['run', 'in.csv', '-f', 'answer', ...words], ENV);
  await gate.reached(2);
  const { status, stderr } = await running.end('SIGINT');
  expect(status).toBe(130);
  expect(stderr).not.toContain('still active at the agent');
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs[0].runs).toEqual([]);
});

test('does not cancel a job whose process is running; names the process instead', async () => {
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
    // It has no such option.
    expect(result.stderr).not.toContain('--wait');
  }
  const job = { job: jobs[0].job, ledger: join(dir.home, 'ledger.sqlite') };
  await expect(cancelJob({ ...job, apiKey: 'key' })).rejects.toMatchObject({ kind: 'busy' });
  // Neither has `verify`.
  await expect(verifyJob(job)).rejects.toMatchObject({
    code: 'LEASE_HELD',
    hint: expect.not.stringContaining('--wait'),
  });
  gate.open();
  expect((await running.end()).status).toBe(0);
  expect(agent.tasks).toHaveLength(2);
  // After the process has ended, nothing blocks cancel, and nothing is left to cancel.
  expect((await dir.run(['cancel', jobs[0].job], ENV)).stderr).toBe('Cancelled: 0 runs.\n');
});

test('refuses to cancel a job that is not in the ledger', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'company,city\nAcme,\n');
  dir.write('tables/a.csv', 'company,city\nAcme,Oslo\n');
  await dir.run(['run', 'in.csv', '-f', 'city', '--reference', 'tables']);
  const result = await dir.run(['cancel', 'j_none'], ENV);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('j_none');
});

test('--api-url overrides the agent of the job; a run unknown to that agent cannot be cancelled', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(2));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const running = dir.spawn(['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'], ENV);
  await gate.reached(1);
  await waitForIds(dir);
  await running.end('SIGINT');
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  const other = await servePaid();
  const result = await dir.run(['cancel', jobs[0].job, '--api-url', other.url], ENV);
  expect(result.status).toBe(4);
  expect(result.stderr).toContain(`${jobs[0].runs[0].run} could not be cancelled`);
});

/** Waits until the ledger knows the ids of all runs. Where a signal kills, it would never learn them. */
async function waitForIds(dir: Workdir): Promise<void> {
  const hasAll = async (): Promise<boolean> => {
    const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
    return jobs[0].runs.every(({ run }: { run: string | null }) => run !== null);
  };
  await expect.poll(hasAll).toBe(true);
}

/** A `--reference` job killed with `kill -9` while a batch was open. */
async function openReferenceJob(holder: Holder): Promise<{ dir: Workdir; job: string }> {
  const dir = createWorkdir();
  const directory = dirname(dir.write('tables/a.csv', 'company,city\nAcme,Ulm\n'));
  const ask = createAsk({
    ...createTestAsk('Where is it?'),
    agent: await describeAgent({ kind: 'reference', directory, omit: [], lookUp: {} }),
  });
  const ledger = await openLedger(join(dir.home, 'ledger.sqlite'));
  const job = await ledger.openJob(createTestJob(ask));
  for (const [name, runId] of [
    ['Acme', 'agent_run_1'],
    ['Bolt', null],
  ] as const) {
    const batch = createTestBatch(job, [name]);
    await reserveTestBatch(ledger, batch);
    if (runId !== null) await ledger.markStarted(batch, runId);
  }
  await ledger.close();
  // Closed only after the test, as if it was killed.
  const killed = await OtherHolder.open(join(dir.home, 'ledger.sqlite'), { holder });
  onTestFinished(() => killed.close());
  await killed.take(job.id);
  return { dir, job: job.id };
}

test('releases runs of an embedded agent that ended with its process, without a key, and says so', async () => {
  const gone = spawnSync(process.execPath, ['--version']).pid;
  const { dir, job } = await openReferenceJob({ ...readHolder(), pid: gone });
  const result = await dir.run(['cancel', job]);
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(result.stderr).toBe(
    'Nothing to cancel: the runs of this job ended with the rowfill process they ran in. Released: 2 runs.\n',
  );
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs).toMatchObject([{ reserved_usd: 0, runs: [] }]);
  expect((await dir.run(['cancel', job])).stderr).toBe('Cancelled: 0 runs.\n');
});

test('leaves runs of an embedded agent alone while its process is running', async () => {
  const { dir, job } = await openReferenceJob(readHolder());
  const result = await dir.run(['cancel', job]);
  expect(result.status).toBe(75);
  expect(result.stderr).toContain(`process ${process.pid} on `);
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs[0].runs).toHaveLength(2);
});

test('cancelling a job of the hosted service needs the key', async () => {
  const dir = createWorkdir();
  const ledger = await openLedger(join(dir.home, 'ledger.sqlite'));
  const ask = createAsk({ ...createTestAsk('Where is it?'), agent: 'https://api.exa.ai' });
  const job = await ledger.openJob(createTestJob(ask));
  await ledger.close();
  const result = await dir.run(['cancel', job.id]);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain(`job ${job.id} was sent to the hosted service, and EXA_API_KEY is not set`);
});

/** A killed job with one open batch per run id. The id is null if the reply to its create was lost. */
async function leaveOpen(
  agent: RawAgent,
  runIds: readonly (string | null)[],
): Promise<{ dir: Workdir; job: string }> {
  const dir = createWorkdir();
  const ledger = await openLedger(join(dir.home, 'ledger.sqlite'), {
    clock: { now: () => Date.now() - 3_600_000 },
  });
  const ask = createAsk({ ...createTestAsk('Where is it?'), agent: agent.url });
  const job = await ledger.openJob(createTestJob(ask));
  for (const [index, runId] of runIds.entries()) {
    const batch = createTestBatch(job, [`Company ${index}`]);
    await reserveTestBatch(ledger, batch);
    if (runId !== null) await ledger.markStarted(batch, runId);
  }
  await ledger.close();
  return { dir, job: job.id };
}

const readJob = async (dir: Workdir) => JSON.parse((await dir.run(['status', '--json'])).stdout).jobs[0];

test('gives up on a batch whose run can never be cancelled, and books its reserved price', async () => {
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
  const { dir, job } = await leaveOpen(agent, bad);
  const result = await dir.run(['cancel', job], ENV);
  expect(result.status).toBe(0);
  expect(result.stderr.match(/cannot be cancelled/g)).toHaveLength(bad.length);
  expect(result.stderr).not.toContain('\u001b');
  expect(result.stderr.length).toBeLessThan(5_000);
  expect(await readJob(dir)).toMatchObject({ cost_usd: 0.15, reserved_usd: 0, runs: [] });
});

test('looks for a run whose reply was lost: cancels it if found, else ends its batch', async () => {
  const agent = await openRawAgent();
  const { dir, job } = await leaveOpen(agent, [null, null]);
  const ledger = await openLedger(join(dir.home, 'ledger.sqlite'));
  const [first] = await ledger.listOpenBatches((await ledger.getJob(job)).askId);
  await ledger.close();
  const request = { query: 'q', input: { data: [] }, metadata: { rowfill_batch: first?.batch.id ?? '' } };
  await fetch(`${agent.url}/agent/runs`, { method: 'POST', body: JSON.stringify(request) });
  const result = await dir.run(['cancel', job], ENV);
  expect(result).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('Completed before that: 1 run;'),
  });
  expect(await readJob(dir)).toMatchObject({ cost_usd: 0.025, reserved_usd: 0, runs: [] });
});

test('gives up on nothing if the agent cannot be reached', async () => {
  const agent = await openRawAgent();
  const { dir, job } = await leaveOpen(agent, ['run_1', null]);
  await agent.server.close();
  const result = await dir.run(['cancel', job], ENV);
  expect(result.status).toBe(4);
  expect(await readJob(dir)).toMatchObject({ cost_usd: 0, reserved_usd: 0.05 });
}, 300_000);
