import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { createWorkerRecords, formatWorkers } from '../../src/cli/job-status.js';
import { readHolder, WORKER_LEASE } from '../../src/ledger/holder.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import {
  createTestAsk,
  createTestBatch,
  createTestJob,
  reserveTestBatch,
} from '../helpers/ledger-samples.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const COUNTS = {
  total: 12,
  enriched: 9,
  partial: 0,
  not_found: 2,
  excluded: 0,
  unchanged: 0,
  failed: 1,
  skipped: 0,
  over_budget: 0,
  pending: 0,
};

/** A ledger with a finished job and one that was killed with two open batches. */
async function fillLedger(dir: Workdir): Promise<{ ended: string; killed: string }> {
  const ledger = await openLedger(join(dir.home, 'ledger.sqlite'));
  const ended = await ledger.openJob(
    createTestJob(createTestAsk('Who leads\nthe company?'), '/data/first.csv'),
  );
  await ledger.closeJob(ended.id, { stop: 'budget', counts: COUNTS, finished: null });
  const killed = await ledger.openJob(
    createTestJob(createTestAsk('What is \u001b[31mit\u001b[0m?'), '/data/second.csv'),
  );
  const sent = createTestBatch(killed, ['Acme', 'Bolt']);
  await reserveTestBatch(ledger, sent);
  await ledger.markStarted(sent, 'agent_run_1');
  await reserveTestBatch(ledger, createTestBatch(killed, ['Corp'], { attempt: 2 }));
  await ledger.close();
  return { ended: ended.id, killed: killed.id };
}

test('status lists the latest job last, with rows by status, cost, and open runs with their ids', async () => {
  const dir = createWorkdir();
  const { ended, killed } = await fillLedger(dir);
  const result = await dir.run(['status']);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  const all = result.stdout.split('\n');
  const lines = [...all.slice(7, -1), ...all.slice(0, 7)];
  expect(lines[0]).toMatch(new RegExp(`^${killed}  running or killed, \\d`));
  expect(lines[1]).toBe('  /data/second.csv → /data/second.csv.filled');
  expect(lines[2]).toBe('  ceo, headcount');
  expect(lines[3]).toBe('  What is it?');
  expect(lines[4]).toBe('  0 rows answered, 0 failed; no output written yet');
  expect(lines[5]).toBe('  $0.00 spent, $0.05 reserved');
  expect(lines[6]).toMatch(/^ {2}agent_run_1: in flight, 2 rows, \d+\.\d s ago$/);
  expect(lines[7]).toMatch(/^ {2}batch b_\w+: may have been started, 1 row, /);
  expect(lines[9]).toMatch(new RegExp(`^${ended}  stopped at its budget, `));
  expect(lines[12]).toBe('  Who leads the company?');
  expect(lines[13]).toBe('  12 rows: 9 enriched, 2 not_found, 1 failed');
});

test('status lists ten jobs, --all and --json list every job, and a moved file has its current path', async () => {
  const dir = createWorkdir();
  const ledger = await openLedger(join(dir.home, 'ledger.sqlite'));
  for (let index = 1; index <= 12; index += 1)
    await ledger.openJob(createTestJob(createTestAsk(), `/drop/working/${index}.csv`));
  const place = { input: '/drop/done/12.csv', output: '/drop/done/12.filled.csv' };
  await ledger.placeJobs('/drop/working/12.csv', place, null);
  await ledger.placeJobs('/drop/working/1.csv', { input: '/drop/failed/1.csv', output: null }, null);
  await ledger.close();
  const read = async (...words: string[]) => {
    const { stdout, stderr } = await dir.run(['status', ...words]);
    return { inputs: [...stdout.matchAll(/^ {2}(\S+) → (.*)$/gm)].map((found) => found[0].trim()), stderr };
  };
  const short = await read();
  expect(short.inputs).toHaveLength(10);
  expect(short.inputs[0]).toBe('/drop/working/3.csv → /drop/working/3.csv.filled');
  expect(short.inputs[9]).toBe('/drop/done/12.csv → /drop/done/12.filled.csv');
  expect(short.stderr).toBe('2 older jobs not shown. Use --all to list every job.\n');
  const all = await read('--all');
  expect(all.inputs).toHaveLength(12);
  expect(all.inputs[0]).toBe('/drop/failed/1.csv → no output');
  expect(all.stderr).toBe('');
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs).toHaveLength(12);
  expect(jobs[0]).toMatchObject(place);
  expect(jobs[11]).toMatchObject({ input: '/drop/failed/1.csv', output: null });
});

test('finds a job by the start of its id', async () => {
  const dir = createWorkdir();
  const { ended, killed } = await fillLedger(dir);
  const result = await dir.run(['status', ended.slice(0, 8)]);
  expect(result.stdout).toContain(ended);
  expect(result.stdout).not.toContain(killed);
});

test('status --json prints one object', async () => {
  const dir = createWorkdir();
  const { ended } = await fillLedger(dir);
  const result = await dir.run(['status', '--json']);
  const { jobs } = JSON.parse(result.stdout);
  expect(result.stdout.trim().split('\n')).toHaveLength(1);
  expect(jobs).toHaveLength(2);
  expect(jobs[0]).toMatchObject({ stop: null, rows: null, cost_usd: 0, reserved_usd: 0.05 });
  expect(jobs[0].runs).toMatchObject([
    { run: 'agent_run_1', state: 'sent', rows: 2, reserved_usd: 0.025 },
    { run: null, state: 'intended', rows: 1 },
  ]);
  expect(jobs[1]).toMatchObject({ job: ended, stop: 'budget', rows: COUNTS, runs: [] });
});

test('status does not create a missing ledger', async () => {
  const dir = createWorkdir();
  const result = await dir.run(['status']);
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(result.stderr).toContain('No jobs yet');
  expect(dir.has('.rowfill')).toBe(false);
  expect(JSON.parse((await dir.run(['status', '--json'])).stdout)).toEqual({ jobs: [], workers: [] });
});

test('an unknown job is a usage error', async () => {
  const dir = createWorkdir();
  await fillLedger(dir);
  const result = await dir.run(['status', 'j_none']);
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain('j_none');
});

test('names a ledger that is not a database, and says what to do', async () => {
  const dir = createWorkdir();
  const path = dir.write(
    '.rowfill/ledger.sqlite',
    'this is no database at all, and long enough to be told so',
  );
  const result = await dir.run(['status']);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain(path);
  expect(result.stderr).toContain('what to do: ');
});

/** Records in a file which modules a program loads. */
const NOTE_LOADS = `
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(process.env.LOADS, url + '\\n');
  return next(url, context);
}`;
const REGISTER = "import { register } from 'node:module'; register('./hook.mjs', import.meta.url);";

test('status loads the ledger but none of the modules for running jobs', async () => {
  const dir = createWorkdir();
  await fillLedger(dir);
  dir.write('hook.mjs', NOTE_LOADS);
  const hook = pathToFileURL(dir.write('register.mjs', REGISTER)).href;
  const loads = join(dir.path, 'loads.txt');
  // A command that is not the first word is not preloaded with `require`, so the hook sees all imports.
  const result = await dir.runProcess(['--debug', 'status', '--json'], {
    env: { LOADS: loads, NODE_OPTIONS: `--import ${hook}` },
  });
  expect(result.status).toBe(0);
  const urls = dir.read('loads.txt').split('\n');
  const folders = urls.map((url) => /\/dist\/(\w+)\//.exec(url)?.[1]);
  expect(new Set(folders.filter((folder) => folder !== undefined))).toEqual(
    new Set(['cli', 'model', 'ledger']),
  );
  const packages = urls.map((url) => /\/node_modules\/([^/]+)/.exec(url)?.[1]);
  // The driver of SQLite is loaded with `require`, which the hook does not see.
  expect(packages.filter((name) => name !== undefined)).toEqual([]);
});

test('lists a dead worker only as long as it holds a batch', () => {
  const holder = { ...readHolder(), pid: 17 };
  const run = { runId: 'run_a', batchId: 'b', state: 'sent' as const };
  const batches = [{ ...run, jobId: 'j' }];
  const worker = { holder, leases: [`${WORKER_LEASE}1`], batches: [], isAlive: false };
  const processes = [worker, { ...worker, batches }, { ...worker, isAlive: true }];
  expect(formatWorkers(processes, 0)).toHaveLength(3);
  expect(createWorkerRecords(processes)).toMatchObject([
    { alive: false, batches: [{ run: 'run_a' }] },
    { alive: true, batches: [] },
  ]);
});
