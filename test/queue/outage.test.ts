import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { parseLedgerUrl } from '../../src/model/ledger-url.js';
import type { QueuedBatch } from '../../src/queue/messages.js';
import { type BatchQueue, openQueue } from '../../src/queue/open-queue.js';
import { describeQueueError, isPassing } from '../../src/queue/outage.js';
import { createTestAsk, createTestJob } from '../helpers/ledger-samples.js';
import { createSchemaUrl, findPostgres, type KeptServer, startPostgres } from '../helpers/postgres.js';
import { openPostgresProxy } from '../helpers/postgres-proxy.js';
import { LONG_MS, openWorkerBench } from '../helpers/worker-bench.js';

/** What the queue stores of a batch. */
const ENTRY = { job: 'j_1', batch: { id: 'b_1' } } as unknown as QueuedBatch;

async function open(url: string, told: string[] = []): Promise<BatchQueue> {
  const queue = await openQueue(url, { onTrouble: (message) => told.push(message) });
  onTestFinished(() => queue.close());
  return queue;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: parseLedgerUrl(url).driverUrl });
  // Its own server may end before it.
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** Makes a server read-only for all other sessions, as a failover does for some seconds, or writable again. */
async function setReadOnly(client: pg.Client, isReadOnly: boolean): Promise<void> {
  await client.query('set default_transaction_read_only = off');
  await client.query(
    `alter database postgres set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`,
  );
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null',
  );
}

const catchError = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

test('trouble of a connection passes, also where a full pool waits for one', async () => {
  const proxy = await openPostgresProxy(await findPostgres());
  proxy.behave('swallow');
  const connectionString = parseLedgerUrl(proxy.url).driverUrl;
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 200, max: 1 });
  onTestFinished(() => pool.end());
  const errors = await Promise.all([1, 2, 3].map(() => catchError(pool.query('select 1'))));
  expect(errors.map((error) => (error as Error).message)).toEqual(
    expect.arrayContaining(['timeout exceeded when trying to connect']),
  );
  for (const error of errors) expect(isPassing(error)).toBe(true);
  const refused = new pg.Client({ host: '127.0.0.1', port: 1 });
  expect(isPassing(await catchError(refused.connect()))).toBe(true);
  const unknown = new pg.Client({ host: 'no-such-host.invalid' });
  expect(isPassing(await catchError(unknown.connect()))).toBe(true);
});

test('a fault of rowfill or of a statement does not pass', async () => {
  const client = await connect(createSchemaUrl(await findPostgres()));
  for (const text of ['select 1/0', 'select from nothing', 'selct'])
    expect(isPassing(await catchError(client.query(text)))).toBe(false);
  const queue = await open(createSchemaUrl(await findPostgres()));
  const wrong = await catchError(queue.take('account', 0));
  expect(wrong).toMatchObject({ code: 'ERR_ASSERTION' });
  expect(isPassing(wrong)).toBe(false);
});

test('the queue and the ledger wait while the server only allows reading', async () => {
  const { url } = await startPostgres();
  const told: string[] = [];
  const queue = await open(url, told);
  await queue.add('account', [ENTRY]);
  const waits: string[] = [];
  const ledger = await openLedger(url, { onWait: (message) => waits.push(message) });
  onTestFinished(() => ledger.close());
  const client = await connect(url);
  await ledger.acquireLease('one');
  await setReadOnly(client, true);
  const taking = queue.take('account', 1);
  const opening = ledger.openJob(createTestJob(createTestAsk('one'), '/data/one.csv'));
  await expect.poll(() => [told.length, waits.length]).toEqual([1, 1]);
  // One that was not open before has the wrong URL, as far as it can know.
  await expect(openLedger(createSchemaUrl(url))).rejects.toMatchObject({ code: 'LEDGER_NOT_WRITABLE' });
  await setReadOnly(client, false);
  expect(await taking).toHaveLength(1);
  expect(await opening).toMatchObject({ invocation: 1 });
});

test('a queue that was deleted is an error that says what to do, and is made again by whoever opens it', async () => {
  const url = createSchemaUrl(await findPostgres());
  const queue = await open(url);
  await queue.add('account', [ENTRY]);
  const client = await connect(url);
  const schema = `${parseLedgerUrl(url).schema}_queue`;
  await client.query(`drop schema ${schema} cascade`);
  const gone = {
    ...{ kind: 'unreachable', code: 'QUEUE_GONE', message: expect.stringContaining(schema) },
    hint: expect.stringContaining('Run the same command again'),
  };
  await expect(queue.take('account', 1)).rejects.toMatchObject(gone);
  await expect(queue.add('account', [ENTRY])).rejects.toMatchObject(gone);
  await expect(queue.withdraw('account', 'j_1')).rejects.toMatchObject(gone);
  const again = await open(url);
  await again.add('account', [ENTRY]);
  expect(await again.take('account', 1)).toHaveLength(1);
  const missing = await catchError(client.query('select 1 from "no such".job'));
  expect(describeQueueError(missing, { url, schema })).toMatchObject(gone);
});

test('a user who loses the right to the queue is told which one', async () => {
  const url = createSchemaUrl(await findPostgres());
  const queue = await open(url);
  await queue.add('account', [ENTRY]);
  const client = await connect(url);
  const schema = `${parseLedgerUrl(url).schema}_queue`;
  const role = `${schema}_reader`;
  onTestFinished(async () => {
    await client.query(`reset role; drop role ${role}`);
  });
  await client.query(`create role ${role}; set role ${role}`);
  const refused = await catchError(client.query(`select 1 from ${schema}.job`));
  expect(describeQueueError(refused, { url, schema })).toMatchObject({
    code: 'QUEUE_NO_RIGHTS',
    hint: expect.stringContaining(`create schema ${schema}`),
  });
});

/** A job of two workers that has settled some batches on a server of its own. */
async function openRunningJob(server: KeptServer) {
  const bench = await openWorkerBench({ rows: 80 }, server.url);
  const client = await connect(bench.ledger);
  const workers = await Promise.all([bench.startWorker(), bench.startWorker()]);
  const coordinator = bench.dir.spawn(bench.command('out.csv'), { timeoutMs: LONG_MS });
  const readLogs = (): string => workers.map((worker) => worker.result().stdout).join('');
  await expect.poll(() => readLogs().split('"batch_settled"').length).toBeGreaterThan(3);
  return { bench, client, workers, coordinator, readLogs };
}

test('a failover holds a job of workers up, and no row is lost or paid for twice', async () => {
  const { bench, client, workers, coordinator, readLogs } = await openRunningJob(await startPostgres());
  await setReadOnly(client, true);
  await expect.poll(readLogs).toContain('only allows reading');
  await setReadOnly(client, false);
  expect(await coordinator.end()).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 20 }, billedMicros: 500_000 });
  for (const worker of workers) expect(await worker.end('SIGTERM')).toMatchObject({ status: 130 });
});

test('after its queue was deleted, a job continues with the same command, and no row is paid for twice', async () => {
  const { bench, client, workers, coordinator, readLogs } = await openRunningJob(await startPostgres());
  await client.query(`drop schema ${parseLedgerUrl(bench.ledger).schema}_queue cascade`);
  const stopped = await coordinator.end();
  expect(stopped).toMatchObject({ status: 4, stderr: expect.stringContaining('[QUEUE_GONE]') });
  await expect.poll(readLogs).toContain('"code":"QUEUE_GONE"');
  await bench.startWorker();
  expect(await bench.dir.run(bench.command('out.csv'))).toMatchObject({ status: 0 });
  expect(await bench.readBill()).toMatchObject({ runs: { created: 20 }, billedMicros: 500_000 });
  for (const worker of workers) expect(await worker.end('SIGTERM')).toMatchObject({ status: 130 });
});
