import { describe, expect, onTestFinished, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { Batch } from '../../src/model/batch.js';
import {
  createTestBatch,
  createTestClock,
  createTestKey,
  createTestRun,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
} from '../helpers/ledger-samples.js';
import { openStore, STORES, type TestStore } from './stores.js';

const NEVER = new AbortController().signal;

/** Ledgers of processes with the same key, each with a job of its own. */
async function openAccount(store: TestStore, count: number, keys: readonly string[] = []) {
  const [place, clock] = [store.createPlace(), createTestClock()];
  const parties = [];
  for (let number = 0; number < count; number += 1) {
    const ledger = await openStore(store, place, { clock });
    await ledger.enterAccount((salt) => `${salt} ${keys[number] ?? 'key'}`);
    parties.push({ ledger, job: await openTestJob(ledger, undefined, `/data/${number}.csv`) });
  }
  return { place, clock, parties: parties as [Party, Party, ...Party[]] };
}

interface Party {
  readonly ledger: Ledger;
  readonly job: Awaited<ReturnType<typeof openTestJob>>;
}

/** Reserves a batch and starts its run, once there is a place. */
async function start({ ledger, job }: Party, company: string, signal = NEVER): Promise<Batch> {
  const batch = createTestBatch(job, [company]);
  await reserveTestBatch(ledger, batch);
  await ledger.takePlace(batch.id, 0, signal);
  await ledger.markStarted(batch, `run_${company}`);
  return batch;
}

/** The agent refuses a run of a batch. Returns the number of active runs that the ledger knows. */
async function refuse({ ledger, job }: Party, company: string): Promise<number> {
  const batch = createTestBatch(job, [company]);
  await reserveTestBatch(ledger, batch);
  await ledger.takePlace(batch.id, 0, NEVER);
  const active = await ledger.recordRefusal(batch.id);
  await ledger.releaseBatch(batch.id, 'refused');
  return active;
}

/** Collects the names of promises in the order in which they resolve. */
function collect(): { readonly names: string[]; add(name: string, promise: Promise<unknown>): void } {
  const names: string[] = [];
  return {
    names,
    add: (name, promise) => {
      promise.then(
        () => names.push(name),
        () => names.push(`${name} aborted`),
      );
    },
  };
}

describe.each(STORES)('an account in $name', (store) => {
  test('alone, a process never waits, whatever the agent refuses', async () => {
    const { parties } = await openAccount(store, 1);
    expect(await refuse(parties[0], 'a')).toBe(0);
    for (const company of ['b', 'c', 'd']) await start(parties[0], company);
  });

  test('after a refusal, runs of all processes wait until one of them ends', async () => {
    const { parties } = await openAccount(store, 2);
    const [one, two] = parties;
    const [first] = [await start(one, 'a'), await start(one, 'b'), await start(two, 'c')];
    expect(await refuse(two, 'x')).toBe(3);
    const order = collect();
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    order.add('d', start(two, 'd', leaving.signal));
    order.add('e', start(two, 'e', leaving.signal));
    await two.ledger.whenChanged();
    expect(order.names).toEqual([]);
    await settleTestBatch(one.ledger, first, createTestRun('run_a'));
    // Either may be the first.
    await expect.poll(() => order.names).toHaveLength(1);
    leaving.abort();
    const [started] = order.names;
    await expect.poll(() => order.names).toEqual([started, started === 'd' ? 'e aborted' : 'd aborted']);
  });

  test('a process with many runs leaves the next place to one that waits', async () => {
    const { parties } = await openAccount(store, 2);
    const [one, two] = parties;
    const [first] = [await start(one, 'a'), await start(one, 'b'), await start(one, 'c')];
    await start(two, 'd');
    expect(await refuse(two, 'e')).toBe(4);
    const order = collect();
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    order.add('of two', start(two, 'f', leaving.signal));
    await one.ledger.whenChanged();
    order.add('of one', start(one, 'g', leaving.signal));
    await settleTestBatch(one.ledger, first, createTestRun('run_a'));
    await expect.poll(() => order.names).toEqual(['of two']);
  });

  test('starts of all processes together keep to the rate', async () => {
    const { parties } = await openAccount(store, 2);
    for (const [index, party] of parties.entries()) await start(party, `first ${index}`);
    const startMs = performance.now();
    const batches = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const { ledger, job } = parties[index % 2] as Party;
        const batch = createTestBatch(job, [`company ${index}`]);
        await reserveTestBatch(ledger, batch);
        return { ledger, batch };
      }),
    );
    await Promise.all(batches.map(({ ledger, batch }) => ledger.takePlace(batch.id, 50, NEVER)));
    // The first starts at once. The clock of the ledger does not move, so each later one waits for its own time.
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(9 * 20 - 10);
  });

  test('a process that joins another one starts after what that one may start alone', async () => {
    const { parties } = await openAccount(store, 3);
    const take = async ({ ledger, job }: Party, company: string): Promise<number> => {
      const startMs = performance.now();
      const batch = createTestBatch(job, [company]);
      await reserveTestBatch(ledger, batch);
      await ledger.takePlace(batch.id, 5, NEVER);
      return performance.now() - startMs;
    };
    const [one, ...others] = parties;
    await take(one, 'a');
    const waits = await Promise.all([
      ...others.map((party, index) => take(party, `b${index}`)),
      take(one, 'c'),
    ]);
    // The clock of the ledger does not move: the first one has a second, and each later start its own time.
    expect(Math.min(waits[0] ?? 0, waits[1] ?? 0)).toBeGreaterThanOrEqual(1_200 - 10);
    expect(Math.max(...waits)).toBeGreaterThanOrEqual(1_400 - 10);
    expect(waits[2]).toBeLessThan(1_000);
  });

  test('a process takes over runs of its own account only', async () => {
    const { place, parties } = await openAccount(store, 2, ['sk-one', 'sk-two']);
    const [one, two] = parties;
    await start(one, 'a');
    await one.ledger.close();
    expect(await two.ledger.adoptBatches(two.job.askId)).toEqual([]);
    expect((await two.ledger.listOutOfReach(two.job.askId)).size).toBe(1);
    const keys = [createTestKey('a')];
    expect([...(await two.ledger.findAnswers(two.job, keys)).elsewhere]).toEqual(keys);
    const again = await openStore(store, place);
    await again.enterAccount((salt) => `${salt} sk-one`);
    expect((await again.listOutOfReach(one.job.askId)).size).toBe(0);
    expect(await again.adoptBatches(one.job.askId)).toHaveLength(1);
    expect((await two.ledger.listOutOfReach(two.job.askId)).size).toBe(0);
  });

  test('each ledger has its own salt, which stays the same', async () => {
    const salts: string[] = [];
    const place = store.createPlace();
    for (const each of [place, place, store.createPlace()]) {
      const ledger = await openStore(store, each);
      await ledger.enterAccount((salt) => {
        salts.push(salt);
        return salt;
      });
    }
    expect(salts[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(salts[1]).toBe(salts[0]);
    expect(salts[2]).not.toBe(salts[0]);
  });
});
