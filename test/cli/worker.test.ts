import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { parseLedgerUrl } from '../../src/model/ledger-url.js';
import { readTable } from '../helpers/job.js';
import { createSchemaUrl, findPostgres, startPostgres } from '../helpers/postgres.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { type Background, createWorkdir } from '../helpers/workdir.js';
import {
  CAP,
  LONG_MS,
  openWorkerBench,
  ROWS,
  ROWS_A_BATCH,
  type WorkerBench,
} from '../helpers/worker-bench.js';

const WORKERS = 3;
const KILLS = chooseCount(6, 2);
const COORDINATOR_KILLS = chooseCount(2, 1);
/** After this long without a renewal, a process counts as gone. */
const LAPSED_MS = 46_000;
const CLOCK = new URL('../helpers/moved-clock.mjs', import.meta.url).href;
const LONG = { ...SLOW, timeout: 600_000 };

const startWorkers = (bench: WorkerBench, count = WORKERS): Promise<Background[]> =>
  Promise.all(Array.from({ length: count }, () => bench.startWorker()));

/** Removes what differs between any two jobs. */
function dropRuns(text: string): object[] {
  return readTable(text).map(
    ({ enrichment_run_id: _run, enrichment_date: _date, enrichment_cost_usd: _cost, ...row }) => row,
  );
}

/** The output of a plain run, of which an equal job with workers may differ only in its runs. */
async function runPlain(bench: WorkerBench): Promise<object[]> {
  const plain = bench.command('plain.csv', ['--ledger', 'plain.sqlite']);
  expect(await bench.dir.run(plain)).toMatchObject({ status: 0 });
  return dropRuns(bench.dir.read('plain.csv'));
}

/** Connects to the database of the ledger, in its schema. */
async function openDatabase({ ledger }: WorkerBench): Promise<pg.Client> {
  const { driverUrl, schema } = parseLedgerUrl(ledger);
  const database = new pg.Client({ connectionString: driverUrl });
  await database.connect();
  onTestFinished(() => database.end());
  await database.query(`set search_path to ${schema}`);
  return database;
}

const countEvents = (worker: Background, name: string): number =>
  worker.result().stdout.split(`"event":"${name}"`).length - 1;

test('three workers give the same output as a plain run, at the same cost, and never pass the cap', async () => {
  const bench = await openWorkerBench();
  const workers = await startWorkers(bench);
  const result = await bench.dir.run([...bench.command('out.csv'), '--json']);
  expect(result).toMatchObject({ status: 0 });
  const batches = ROWS / ROWS_A_BATCH;
  const summary = JSON.parse(result.stdout);
  expect(summary).toMatchObject({
    rows: { total: ROWS, enriched: ROWS },
    runs: { created: batches, adopted: 0, failed: 0 },
    ...{ cost_usd: batches * 0.025, reserved_usd: 0 },
  });
  const bill = await bench.readBill();
  expect(bill).toMatchObject({ runs: { created: batches }, billedMicros: batches * 25_000 });
  expect(bill.runs.peakActive).toBeLessThanOrEqual(CAP);
  // Every run was started by a worker.
  const counts = workers.map((worker) => countEvents(worker, 'batch_settled'));
  expect(counts.reduce((sum, count) => sum + count)).toBe(batches);
  expect(dropRuns(bench.dir.read('out.csv'))).toEqual(await runPlain(bench));
  for (const worker of workers) expect(await worker.end('SIGTERM')).toMatchObject({ status: 130 });
});

test(
  `${KILLS} killed workers, ${COORDINATOR_KILLS} killed coordinator and lost replies: each row is paid for once`,
  LONG,
  async () => {
    const bench = await openWorkerBench({ faults: [{ fault: 'lost_reply', on: ['create'], share: 0.05 }] });
    const workers = await startWorkers(bench);
    const batches = ROWS / ROWS_A_BATCH;
    // With its summary.
    const command = bench.command('out.csv').filter((word) => word !== '--quiet');
    let coordinator = bench.dir.spawn(command, { timeoutMs: LONG_MS });
    const countCreated = async (): Promise<number> => (await bench.readBill()).runs.created;
    const moments = KILLS + COORDINATOR_KILLS;
    for (let moment = 1; moment <= moments; moment += 1) {
      const due = Math.floor((batches * moment) / (moments + 2));
      await expect.poll(countCreated, { timeout: 120_000 }).toBeGreaterThanOrEqual(due);
      if (moment % Math.ceil(moments / COORDINATOR_KILLS) === 1) {
        await coordinator.end('SIGKILL');
        coordinator = bench.dir.spawn(command, { timeoutMs: LONG_MS });
      } else {
        const place = moment % WORKERS;
        await workers[place]?.end('SIGKILL');
        workers[place] = await bench.startWorker();
      }
    }
    const { status, stderr } = await coordinator.end();
    expect({ status, stderr }).toMatchObject({ status: 0 });
    // The run of a killed worker is counted once, although two processes wait for it.
    expect(stderr).not.toContain('still active at the agent');
    const bill = await bench.readBill();
    expect(bill).toMatchObject({ runs: { created: batches }, billedMicros: batches * 25_000 });
    expect(bill.runs.peakActive).toBeLessThanOrEqual(CAP);
    expect(dropRuns(bench.dir.read('out.csv'))).toEqual(await runPlain(bench));
  },
);

test('rows that come back wrong or blank are sent again, also at the next effort, as in a plain run', async () => {
  const faults = [
    { fault: 'rows_dropped', share: 0.15 },
    { fault: 'wrong_types', share: 0.1 },
    { fault: 'rows_doubled', share: 0.1 },
  ];
  const bench = await openWorkerBench({ faults, rows: 40 });
  // The tables do not have these, so every level is tried.
  bench.dir.write('in.csv', `${bench.dir.read('in.csv')}Unknown 1\nUnknown 2\nUnknown 3\n`);
  await bench.startWorker();
  const climb = ['--effort', 'low,medium', '--json'];
  const result = await bench.dir.run([...bench.command('out.csv'), ...climb]);
  const plain = [...bench.command('plain.csv', ['--ledger', 'plain.sqlite']), ...climb];
  const expected = await bench.dir.run(plain);
  expect(result.status).toBe(expected.status);
  const [summary, of] = [result, expected].map(({ stdout }) => JSON.parse(stdout));
  expect(summary.rows).toEqual(of.rows);
  expect(summary.runs.created).toBeGreaterThan(12);
  expect(summary.cost_usd).toBeGreaterThan(0.025 * 11);
  expect(dropRuns(bench.dir.read('out.csv'))).toEqual(dropRuns(bench.dir.read('plain.csv')));
  const { billedMicros } = await bench.readBill();
  expect(summary.cost_usd + of.cost_usd).toBeCloseTo(billedMicros / 1_000_000, 6);
});

test('a budget is used up to the last run that it covers, by three workers together', async () => {
  const bench = await openWorkerBench({ rows: 100 });
  await startWorkers(bench);
  const command = bench.command('out.csv', ['--workers', '--ledger', bench.ledger, '--max-cost', '0.33']);
  const result = await bench.dir.run([...command, '--json']);
  expect(result).toMatchObject({ status: 5 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 13 }, billedMicros: 325_000 });
  expect(JSON.parse(result.stdout)).toMatchObject({
    rows: { enriched: 13 * ROWS_A_BATCH, over_budget: 100 - 13 * ROWS_A_BATCH },
    ...{ cost_usd: 0.325, reserved_usd: 0 },
  });
});

test('a worker that is stopped hands its runs over, and status shows what the workers hold', async () => {
  const bench = await openWorkerBench({ rows: 40, latency: '5s' });
  const worker = await bench.startWorker();
  const coordinator = bench.dir.spawn(bench.command('out.csv'), { timeoutMs: LONG_MS });
  await expect.poll(() => countEvents(worker, 'batch_sent')).toBe(6);
  const listed = await bench.dir.run(['status', '--json', '--ledger', bench.ledger]);
  expect(JSON.parse(listed.stdout)).toMatchObject({
    workers: [{ pid: worker.pid, alive: true }],
    waiting_batches: expect.any(Number),
  });
  const [{ batches }] = JSON.parse(listed.stdout).workers;
  expect(batches.filter(({ run }: { run: string | null }) => run !== null)).not.toEqual([]);
  const shown = await bench.dir.run(['status', '--ledger', bench.ledger]);
  expect(shown.stdout).toMatch(
    /\n1 worker(?:; \d batch(?:es)? waiting)?\n {2}process \d+ on \S+: \d runs? in flight/,
  );
  const stopped = await worker.end('SIGTERM');
  expect(stopped).toMatchObject({ status: 130 });
  expect(stopped.stdout.trim().split('\n').at(-1)).toContain('"event":"stopped"');
  await bench.startWorker();
  expect(await coordinator.end()).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 10 }, billedMicros: 250_000 });
  expect(readTable(bench.dir.read('out.csv')).map(({ enrichment_status: status }) => status)).toEqual(
    Array.from({ length: 40 }, () => 'enriched'),
  );
});

test('a worker that stood still past its lease sends nothing that another one has taken over', async () => {
  const bench = await openWorkerBench({ rows: 4 * ROWS_A_BATCH });
  bench.dir.write('clock', '0');
  const clock = {
    NODE_OPTIONS: `--import ${CLOCK}`,
    TEST_CLOCK_FILE: join(bench.dir.path, 'clock'),
  };
  const worker = await bench.startWorker([], clock);
  // So that it has reserved more batches than it has sent.
  const command = [...bench.command('out.csv'), '--starts-per-second', '1'];
  const coordinator = bench.dir.spawn(command, { timeoutMs: LONG_MS });
  await expect.poll(() => countEvents(worker, 'batch_sent')).toBeGreaterThan(0);
  worker.signal('SIGSTOP');
  const database = await openDatabase(bench);
  // It is on another machine, for the others, and time passes for all.
  const { rowCount } = await database.query(
    `update holder set renewed_at = renewed_at - ${LAPSED_MS}, space = 'other', boot = 'other', host = 'other'
     where pid = ${worker.pid}`,
  );
  expect(rowCount).toBe(1);
  bench.dir.write('clock', String(LAPSED_MS));
  const other = await bench.startWorker();
  // A batch that the stopped worker has not reserved yet may be delivered again only after half a minute.
  await expect.poll(() => countEvents(other, 'batch_sent'), { timeout: 60_000 }).toBeGreaterThan(0);
  worker.signal('SIGCONT');
  await expect.poll(() => worker.result().stdout).toContain('LEASE_LOST');
  expect(await coordinator.end()).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 4 }, billedMicros: 100_000 });
  expect(readTable(bench.dir.read('out.csv')).map(({ enrichment_status: status }) => status)).toEqual(
    Array.from({ length: 4 * ROWS_A_BATCH }, () => 'enriched'),
  );
});

test('an interrupted coordinator writes its output, and the same command takes what workers have settled', async () => {
  const bench = await openWorkerBench({ rows: 80, latency: '200ms' });
  const worker = await bench.startWorker();
  const coordinator = bench.dir.spawn(bench.command('out.csv'), { timeoutMs: LONG_MS });
  await expect.poll(() => countEvents(worker, 'batch_settled')).toBeGreaterThan(3);
  expect(await coordinator.end('SIGINT')).toMatchObject({ status: 130 });
  expect(readTable(bench.dir.read('out.csv'))).toHaveLength(80);
  expect(await bench.dir.run(bench.command('out.csv'))).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 20 }, billedMicros: 500_000 });
});

test('a run without workers counts the runs that the workers of a killed coordinator still have', async () => {
  const bench = await openWorkerBench({ rows: (CAP + 3) * ROWS_A_BATCH, latency: '4s' });
  const [worker] = await startWorkers(bench, 2);
  const coordinator = bench.dir.spawn(bench.command('out.csv'), { timeoutMs: LONG_MS });
  await expect.poll(async () => (await bench.readBill()).runs.created).toBe(CAP);
  await coordinator.end('SIGKILL');
  const plain = bench.command('out.csv', ['--ledger', bench.ledger]).filter((word) => word !== '--quiet');
  const second = bench.dir.spawn(plain, { timeoutMs: LONG_MS });
  await expect.poll(() => second.result().stderr).toContain('rows to send');
  await worker?.end('SIGKILL');
  expect(await second.end()).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({
    runs: { created: CAP + 3, peakActive: CAP },
    billedMicros: (CAP + 3) * 25_000,
  });
});

test('a coordinator that is interrupted while it looks for runs of a killed worker writes its output', async () => {
  const bench = await openWorkerBench({ rows: 28, latency: '3s' });
  const worker = await bench.startWorker();
  const log = `${bench.dir.path}/run.jsonl`;
  // Most batches of the worker wait for their start, so that they certainly have no run.
  const slow = ['--starts-per-second', '1', '--json', '--log-file', log];
  const command = bench.command('out.csv').map((word) => (word === '1s' ? '60s' : word));
  const coordinator = bench.dir.spawn([...command, ...slow], { timeoutMs: LONG_MS });
  const database = await openDatabase(bench);
  const countReserved = async (): Promise<number> =>
    Number((await database.query('select count(*) from batch')).rows[0].count);
  await expect.poll(countReserved).toBeGreaterThan(4);
  await expect.poll(() => countEvents(worker, 'batch_sent')).toBeGreaterThan(0);
  await worker.end('SIGKILL');
  await expect.poll(() => readFileSync(log, 'utf8')).toContain('LOOKING_FOR_RUNS');
  const { status, stdout, stderr } = await coordinator.end('SIGINT');
  expect({ status, stderr }).toMatchObject({ status: 130, stderr: expect.not.stringContaining('error') });
  const { created } = (await bench.readBill()).runs;
  expect(JSON.parse(stdout).reserved_usd).toBeCloseTo(created * 0.025, 6);
  expect(readTable(bench.dir.read('out.csv'))).toHaveLength(28);
  await bench.startWorker();
  expect(await bench.dir.run(bench.command('out.csv'))).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 7 }, billedMicros: 175_000 });
});

test('nothing that an interrupted coordinator has handed out starts later, so a lower cap holds', async () => {
  const bench = await openWorkerBench({ rows: 80, latency: '1s' });
  await startWorkers(bench, 2);
  const command = (dollars: number) => [...bench.command('out.csv'), '--max-cost', String(dollars)];
  const coordinator = bench.dir.spawn(command(50), { timeoutMs: LONG_MS });
  await expect.poll(async () => (await bench.readBill()).runs.created).toBeGreaterThan(2);
  expect(await coordinator.end('SIGINT')).toMatchObject({ status: 130 });
  const { created } = (await bench.readBill()).runs;
  expect(created).toBeLessThan(20);
  // Those that are still active are collected.
  expect(await bench.dir.run(command(created * 0.025))).toMatchObject({ status: 5 });
  expect(await bench.readBill()).toMatchObject({ runs: { created }, billedMicros: created * 25_000 });
});

test('a job that is cancelled while workers wait for their starts buys no row twice afterwards', async () => {
  const bench = await openWorkerBench({ rows: 80, latency: '1s' });
  await startWorkers(bench, 2);
  const slow = [...bench.command('out.csv'), '--starts-per-second', '2'];
  const coordinator = bench.dir.spawn(slow, { timeoutMs: LONG_MS });
  await expect.poll(async () => (await bench.readBill()).runs.created).toBeGreaterThan(1);
  expect(await coordinator.end('SIGINT')).toMatchObject({ status: 130 });
  const { stdout } = await bench.dir.run(['status', '--json', '--ledger', bench.ledger]);
  const [{ job }] = JSON.parse(stdout).jobs;
  const cancelled = await bench.dir.run(['cancel', job, '--ledger', bench.ledger]);
  expect(cancelled).toMatchObject({ status: 0 });
  const lost = cancelled.stdout.split('\n').length - 1;
  expect(await bench.dir.run(bench.command('out.csv'))).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({
    runs: { created: 20 + lost, completed: 20, cancelled: lost },
  });
});

test('a job stops if its limit is used up by runs that are not waited for any more', async () => {
  const bench = await openWorkerBench({ rows: (CAP + 1) * ROWS_A_BATCH, latency: '60s' });
  await startWorkers(bench, 2);
  const impatient = [...bench.command('out.csv'), '--run-timeout', '1s'];
  const { status, stderr } = await bench.dir.run(impatient.filter((word) => word !== '--quiet'));
  expect({ status, stderr }).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('[AGENT_KEEPS_FAILING]'),
  });
  expect(stderr).toContain(`\n${CAP} runs still active at the agent.`);
  expect(await bench.readBill()).toMatchObject({ runs: { created: CAP, peakActive: CAP } });
});

test('a database that is restarted holds the job up, and no row is lost or paid for twice', async () => {
  const server = await startPostgres();
  const bench = await openWorkerBench({ rows: 80 }, server.url);
  const workers = await startWorkers(bench, 2);
  const coordinator = bench.dir.spawn(bench.command('out.csv'), { timeoutMs: LONG_MS });
  const countSettled = (): number =>
    workers.reduce((sum, worker) => sum + countEvents(worker, 'batch_settled'), 0);
  await expect.poll(countSettled).toBeGreaterThan(3);
  await server.stop();
  await server.start();
  expect(await coordinator.end()).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 20 }, billedMicros: 500_000 });
  for (const worker of workers) expect(await worker.end('SIGTERM')).toMatchObject({ status: 130 });
});

test('a worker takes only batches for its own agent and key; the coordinator says that nobody takes them', async () => {
  const bench = await openWorkerBench({ rows: 8 });
  const other = await bench.startWorker([], { EXA_API_KEY: 'another-key-1234' });
  const log = `${bench.dir.path}/run.jsonl`;
  const coordinator = bench.dir.spawn([...bench.command('out.csv'), '--log-file', log], {
    timeoutMs: LONG_MS,
  });
  const readLog = (): string => {
    try {
      return readFileSync(log, 'utf8');
    } catch {
      return '';
    }
  };
  await expect.poll(readLog).toContain('NO_WORKERS');
  expect(countEvents(other, 'batch_sent')).toBe(0);
  await bench.startWorker();
  expect(await coordinator.end()).toMatchObject({ status: 0 });
  expect(countEvents(other, 'batch_sent')).toBe(0);
});

test('says what is missing: a ledger on PostgreSQL, an agent that workers can reach', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'company\nAcme\n');
  dir.write('tables/cities.csv', 'company,city\nAcme,Aachen\n');
  const job = ['run', 'in.csv', '-f', 'city', '--workers'];
  const file = await dir.run([...job, '--reference', 'tables']);
  expect(file).toMatchObject({ status: 2, stderr: expect.stringContaining('[WORKERS_NEED_POSTGRES]') });
  const ledger = createSchemaUrl(await findPostgres());
  const tables = await dir.run([...job, '--reference', 'tables', '--ledger', ledger]);
  expect(tables).toMatchObject({ status: 2, stderr: expect.stringContaining('[WORKERS_NEED_AGENT]') });
  const worker = await dir.run(['worker', '--api-url', 'http://127.0.0.1:9']);
  expect(worker).toMatchObject({ status: 2, stderr: expect.stringContaining('[WORKERS_NEED_POSTGRES]') });
  const none = await dir.run(['worker', '--ledger', ledger]);
  expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('[NO_AGENT]') });
  expect(none.stderr).toContain('use --api-url URL');
  // Every option that an error names is one that a worker has.
  const help = (await dir.run(['worker', '--help'])).stdout;
  for (const [option] of none.stderr.matchAll(/--[a-z-]+/g)) expect(help).toContain(option);
  const unreachable = await dir.run(['worker', '--api-url', 'http://127.0.0.1:9', '--ledger', ledger]);
  expect(unreachable).toMatchObject({ status: 4 });
});
