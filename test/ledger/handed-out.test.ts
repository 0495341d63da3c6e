import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createTestBatch,
  createTestKey,
  createTestRun,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
} from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

const NO_LIMITS = { jobMicros: null, day: null };
const NEVER = new AbortController().signal;

describe.each(STORES)('batches that another process has planned, in $name', (store) => {
  test('a batch that is delivered twice is reserved once: while it is open, and when it is settled', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const { seen } = await ledger.findAnswers(job, [createTestKey('a'), createTestKey('b')]);
    const batch = createTestBatch(job, ['a', 'b']);
    const delivery = { batch, seen: [seen, seen], invocation: job.invocation };
    const reserve = async () => (await ledger.reserveBatches([delivery], NO_LIMITS))[0];
    expect(await reserve()).toEqual({ status: 'reserved' });
    const keys = batch.rows.map(({ key }) => key);
    expect(await reserve()).toEqual({ status: 'changed', keys });
    await settleTestBatch(ledger, batch, createTestRun('run_1'));
    expect(await reserve()).toEqual({ status: 'changed', keys });
    expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: 0 });
  });

  test('a batch of an earlier invocation is not reserved, whether its rows are in a later one or not', async () => {
    const place = store.createPlace();
    const [worker, coordinator] = [await openStore(store, place), await openStore(store, place)];
    const before = await openTestJob(coordinator);
    const { seen } = await coordinator.findAnswers(before, [createTestKey('a')]);
    const now = await openTestJob(coordinator);
    expect(now.invocation).toBe(before.invocation + 1);
    const plan = (rows: readonly string[], job: typeof now) => ({
      batch: createTestBatch(job, rows),
      seen: rows.map(() => seen),
      invocation: job.invocation,
    });
    // Taken by a worker before its coordinator was replaced, with the caps of then.
    expect(await worker.reserveBatches([plan(['a', 'b'], before)], NO_LIMITS)).toEqual([
      { status: 'withdrawn' },
    ]);
    expect(await worker.reserveBatches([plan(['b'], now)], NO_LIMITS)).toEqual([{ status: 'reserved' }]);
    expect(await worker.reserveBatches([plan(['b'], before)], NO_LIMITS)).toEqual([{ status: 'withdrawn' }]);
  });

  test('rows that the same process has answered for another job are refused', async () => {
    const ledger = await openStore(store);
    const [one, two] = [await openTestJob(ledger), await openTestJob(ledger, undefined, '/data/two.csv')];
    const { seen } = await ledger.findAnswers(two, [createTestKey('a')]);
    const first = createTestBatch(one, ['a']);
    await reserveTestBatch(ledger, first);
    await settleTestBatch(ledger, first, createTestRun('run_1'));
    const planned = { seen: [seen, seen], invocation: two.invocation };
    const second = { batch: createTestBatch(two, ['a', 'b']), ...planned };
    expect(await ledger.reserveBatches([second], NO_LIMITS)).toEqual([
      { status: 'changed', keys: [createTestKey('a')] },
    ]);
    const now = await ledger.findAnswers(two, [createTestKey('b')]);
    const rest = { batch: createTestBatch(two, ['b']), seen: [now.seen], invocation: two.invocation };
    expect(await ledger.reserveBatches([rest], NO_LIMITS)).toEqual([{ status: 'reserved' }]);
  });

  test('no process starts more runs of a job than it may have, even alone', async () => {
    const place = store.createPlace();
    const ledgers = [await openStore(store, place), await openStore(store, place)] as const;
    const [one, two] = ledgers;
    for (const ledger of ledgers) await ledger.enterAccount((salt) => `${salt} key`);
    const job = await openTestJob(one);
    const other = await openTestJob(one, undefined, '/data/two.csv');
    const reserve = async (ledger: typeof one, name: string, of = job) => {
      const batch = createTestBatch(of, [name]);
      await reserveTestBatch(ledger, batch);
      return batch;
    };
    const first = await reserve(one, 'a');
    await one.takePlace(first.id, 0, NEVER, 2);
    await one.markStarted(first, 'run_a');
    await two.takePlace((await reserve(two, 'b')).id, 0, NEVER, 2);
    const placed: string[] = [];
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    for (const [ledger, name] of [
      [one, 'c'],
      [two, 'd'],
    ] as const) {
      const { id } = await reserve(ledger, name);
      ledger.takePlace(id, 0, leaving.signal, 2).then(
        () => placed.push(name),
        () => undefined,
      );
    }
    await one.whenChanged();
    expect(placed).toEqual([]);
    // Another job has its own limit.
    await two.takePlace((await reserve(two, 'e', other)).id, 0, NEVER, 1);
    await settleTestBatch(one, first, createTestRun('run_a'));
    await expect.poll(() => placed.length).toBe(1);
    await one.whenChanged();
    expect(placed).toHaveLength(1);
  });

  test('the run that settled a batch is found by the batch', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const [settled, released, open] = [['a'], ['b'], ['c']].map((names) => createTestBatch(job, names)) as [
      ReturnType<typeof createTestBatch>,
      ReturnType<typeof createTestBatch>,
      ReturnType<typeof createTestBatch>,
    ];
    for (const batch of [settled, released, open]) await reserveTestBatch(ledger, batch);
    await settleTestBatch(ledger, settled, createTestRun('run_1'));
    await ledger.releaseBatch(released.id, 'not sent');
    const ids = [settled.id, released.id, open.id, 'b_unknown'];
    expect([...(await ledger.findSettledRuns(job.askId, ids))]).toEqual([[settled.id, 'run_1']]);
    expect((await ledger.findSettledRuns('q_unknown', ids)).size).toBe(0);
  });

  test('processes are listed with their leases and open batches until they have none', async () => {
    const place = store.createPlace();
    const [one, two] = [await openStore(store, place), await openStore(store, place)];
    const job = await openTestJob(one);
    await one.acquireLease('worker:1');
    const batch = createTestBatch(job, ['a']);
    await reserveTestBatch(one, batch);
    await one.markStarted(batch, 'run_a');
    const { pid } = process;
    expect(await two.listProcesses()).toMatchObject([
      {
        ...{ holder: { pid }, isAlive: true, leases: ['worker:1'] },
        batches: [{ jobId: job.id, batchId: batch.id, runId: 'run_a', state: 'sent' }],
      },
    ]);
    await one.close();
    expect(await two.listProcesses()).toMatchObject([
      { isAlive: false, leases: [], batches: [{ runId: 'run_a' }] },
    ]);
    await settleTestBatch(two, batch, createTestRun('run_a'));
    expect(await two.listProcesses()).toEqual([]);
  });
});
