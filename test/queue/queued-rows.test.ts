import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { parseLedgerUrl } from '../../src/model/ledger-url.js';
import { countWaitingBatches } from '../../src/queue/open-queue.js';
import { LONG_MS, openWorkerBench, type WorkerBench } from '../helpers/worker-bench.js';

const ROWS = 40;
const BATCHES = 10;

/** A job whose coordinator was killed before any worker took its batches. */
interface LeftJob {
  readonly id: string;
  readonly command: readonly string[];
}

async function connect(bench: WorkerBench): Promise<{ client: pg.Client; schema: string }> {
  const { driverUrl, schema } = parseLedgerUrl(bench.ledger);
  const client = new pg.Client({ connectionString: driverUrl });
  await client.connect();
  onTestFinished(() => client.end());
  return { client, schema };
}

/** A function that lists the ids of the jobs whose rows are in the queue. */
async function openQueueReader(bench: WorkerBench): Promise<() => Promise<readonly string[]>> {
  const { client, schema } = await connect(bench);
  return async () => {
    const { rows } = await client.query<{ job: string }>(
      `select distinct data->>'job' as job from ${schema}_queue.job order by 1`,
    );
    return rows.map(({ job }) => job);
  };
}

async function leaveJob(bench: WorkerBench, input: string, args: readonly string[] = []): Promise<LeftJob> {
  bench.dir.write(input, bench.dir.read('in.csv'));
  const words = bench.command(`${input}.out.csv`).map((word) => (word === 'in.csv' ? input : word));
  const command = [...words, ...args];
  const before = (await countWaitingBatches(bench.ledger).catch(() => null)) ?? 0;
  const coordinator = bench.dir.spawn(command, { timeoutMs: LONG_MS });
  await expect.poll(() => countWaitingBatches(bench.ledger)).toBeGreaterThan(before);
  await coordinator.end('SIGKILL');
  const listed = await bench.dir.run(['status', '--json', '--ledger', bench.ledger]);
  const jobs = JSON.parse(listed.stdout).jobs as { job: string; input: string }[];
  return { id: jobs.find((job) => job.input.endsWith(`/${input}`))?.job ?? '', command };
}

test('forget deletes the rows of its job from the queue too, and those of no other job', async () => {
  const bench = await openWorkerBench({ rows: ROWS });
  const listQueuedJobs = await openQueueReader(bench);
  const gone = await leaveJob(bench, 'gone.csv');
  const kept = await leaveJob(bench, 'kept.csv');
  expect(await listQueuedJobs()).toEqual([gone.id, kept.id].sort());
  const forgotten = await bench.dir.run(['forget', gone.id, '--yes', '--ledger', bench.ledger]);
  expect(forgotten).toMatchObject({ status: 0, stderr: expect.stringContaining(`Deleted: job ${gone.id}`) });
  expect(await listQueuedJobs()).toEqual([kept.id]);
  await bench.startWorker();
  expect(await bench.dir.run(kept.command)).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: BATCHES } });
  expect(await listQueuedJobs()).toEqual([]);
});

test('prune deletes the rows of old jobs from the queue, and so do later ones if it was interrupted', async () => {
  const bench = await openWorkerBench({ rows: ROWS });
  const listQueuedJobs = await openQueueReader(bench);
  const old = await leaveJob(bench, 'old.csv');
  const young = await leaveJob(bench, 'young.csv', ['--query', 'Where is it?']);
  const { client, schema } = await connect(bench);
  await client.query(`update ${schema}.job set opened_at = opened_at - 864000000 where id = '${old.id}'`);
  const dry = await bench.dir.run(['prune', '--asks', '5d', '--dry-run', '--ledger', bench.ledger]);
  expect(dry.stderr).toContain('1 job');
  expect(await listQueuedJobs()).toEqual([old.id, young.id].sort());
  const pruned = await bench.dir.run(['prune', '--asks', '5d', '--yes', '--ledger', bench.ledger]);
  expect(pruned).toMatchObject({ status: 0, stderr: expect.stringContaining('1 job') });
  expect(await listQueuedJobs()).toEqual([young.id]);
  const ledger = await openLedger(bench.ledger);
  await ledger.forgetJob(young.id);
  await ledger.close();
  expect(await listQueuedJobs()).toEqual([young.id]);
  await bench.dir.run(['prune', '--runs', '5d', '--ledger', bench.ledger]);
  expect(await listQueuedJobs()).toEqual([]);
});

test('forget and prune need no queue', async () => {
  const bench = await openWorkerBench({ rows: 4 });
  const plain = bench.command('out.csv', ['--ledger', bench.ledger]);
  expect(await bench.dir.run(plain)).toMatchObject({ status: 0 });
  const listed = await bench.dir.run(['status', '--json', '--ledger', bench.ledger]);
  const [{ job }] = JSON.parse(listed.stdout).jobs;
  const words = ['--yes', '--ledger', bench.ledger];
  expect(await bench.dir.run(['forget', job, ...words])).toMatchObject({ status: 0 });
  expect(await bench.dir.run(['prune', '--asks', '1d', ...words])).toMatchObject({ status: 0 });
});

test('a user who may not delete the rows in the queue is told, and the job stays', async () => {
  const bench = await openWorkerBench({ rows: ROWS });
  const listQueuedJobs = await openQueueReader(bench);
  const left = await leaveJob(bench, 'in.csv');
  const { client, schema } = await connect(bench);
  const role = `${schema}_user`;
  onTestFinished(async () => {
    await client.query(`drop owned by ${role}; drop role ${role}`);
  });
  await client.query(
    `create role ${role} login password 'secret'; grant usage on schema ${schema} to ${role};
     grant select, insert, update, delete on all tables in schema ${schema} to ${role}`,
  );
  const place = new URL(bench.ledger);
  if (place.username === '') place.searchParams.set('user', role);
  else place.username = role;
  const env = { ROWFILL_LEDGER: place.href, PGPASSWORD: 'secret' };
  const forgotten = await bench.dir.runProcess(['forget', left.id, '--yes'], { env });
  expect(forgotten).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/\[QUEUE_NO_RIGHTS\]\nwhat to do: .*_queue/),
  });
  expect(await listQueuedJobs()).toEqual([left.id]);
  expect(await bench.dir.run(['status', left.id, '--ledger', bench.ledger])).toMatchObject({ status: 0 });
});

test('a worker drops batches of jobs that the ledger no longer has, and runs those of others', async () => {
  const bench = await openWorkerBench({ rows: ROWS });
  const listQueuedJobs = await openQueueReader(bench);
  // The ask of one goes with it, and that of the other is shared.
  const gone = [
    await leaveJob(bench, 'own.csv', ['--query', 'Where is it?']),
    await leaveJob(bench, 'shared.csv'),
  ];
  const kept = await leaveJob(bench, 'kept.csv');
  const ledger = await openLedger(bench.ledger);
  onTestFinished(() => ledger.close());
  for (const { id } of gone) await ledger.forgetJob(id);
  const worker = await bench.startWorker();
  await expect.poll(listQueuedJobs).toEqual([]);
  const lines = worker.result().stdout.trim().split('\n');
  const notes = lines.map((line) => JSON.parse(line)).filter(({ code }) => code === 'JOB_GONE');
  expect(notes.map(({ job }) => job).sort()).toEqual(gone.map(({ id }) => id).sort());
  // The same commands open the same jobs again, which the worker knows as gone.
  for (const { command } of [kept, ...gone])
    expect(await bench.dir.run(command)).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 2 * BATCHES } });
  expect(await worker.end('SIGTERM')).toMatchObject({ status: 130 });
});
