import { describe, expect, test } from 'vitest';
import type { Ledger, OpenedJob } from '../../src/ledger/ledger.js';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestKey,
  createTestRun,
  findCeos,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
  tryReserve,
} from '../helpers/ledger-samples.js';
import { readEverything } from './read-everything.js';
import { openStore, STORES } from './stores.js';

const DAY_MS = 24 * 3_600_000;

async function settleOne(ledger: Ledger, job: OpenedJob, runId: string): Promise<void> {
  const batch = createTestBatch(job, ['Acme']);
  await reserveTestBatch(ledger, batch);
  const answers = [createTestAnswer('Acme', { ceo: 'Ann' }, runId)];
  await settleTestBatch(ledger, batch, createTestRun(runId, 10), answers);
}

describe.each(STORES)('pruning in $name', (store) => {
  test('deletes old raw runs and keeps their answers', async () => {
    const clock = createTestClock(1_000);
    const ledger = await openStore(store, undefined, { clock });
    const job = await openTestJob(ledger);
    await settleOne(ledger, job, 'run_1');
    clock.nowMs = 2_000;
    await settleOne(ledger, await openTestJob(ledger), 'run_2');
    const counts = { runs: 1, asks: 0, jobs: 0, answers: 0 };
    expect(await ledger.countOld({ runsBeforeMs: 2_000 })).toEqual(counts);
    expect(await ledger.getRun('run_1')).not.toBeNull();
    expect(await ledger.prune({ runsBeforeMs: 2_000 })).toEqual(counts);
    expect(await ledger.getRun('run_1')).toBeNull();
    expect(await ledger.getRun('run_2')).not.toBeNull();
    expect((await ledger.getLastRun(job.id))?.id).toBe('run_2');
    expect((await findCeos(ledger, job, ['Acme'])).size).toBe(1);
    expect((await ledger.getSpend(job.id)).spentMicros).toBe(20);
    expect(await ledger.prune({})).toEqual({ runs: 0, asks: 0, jobs: 0, answers: 0 });
  });

  test('prunes answers that other jobs refer to, with all references', async () => {
    const clock = createTestClock(1_000);
    const ledger = await openStore(store, undefined, { clock });
    await settleOne(ledger, await openTestJob(ledger, createTestAsk(), '/data/a.csv'), 'run_1');
    const two = await openTestJob(ledger, createTestAsk(), '/data/b.csv');
    await settleOne(ledger, two, 'run_2');
    await ledger.recordFailures(two.id, [{ key: createTestKey('Globex'), reason: 'too large' }]);
    clock.nowMs = 2_000;
    const counts = { runs: 2, asks: 1, jobs: 2, answers: 1 };
    expect(await ledger.countOld({ asksBeforeMs: 2_000 })).toEqual(counts);
    expect(await ledger.prune({ asksBeforeMs: 2_000 })).toEqual(counts);
    expect(await ledger.listJobs()).toEqual([]);
    expect(await ledger.check()).toEqual([]);
  });

  test.each(['job', 'ask'] as const)(
    'deletes an old ask, unless it was used since, is in flight or its %s is worked on',
    async (what) => {
      const clock = createTestClock(1_000);
      const place = store.createPlace();
      const ledger = await openStore(store, place, { clock });
      const open = (name: string) => openTestJob(ledger, createTestAsk(name));
      const old = await open('old');
      await settleOne(ledger, old, 'run_1');
      await settleOne(ledger, await open('old'), 'run_2');
      const used = await open('used');
      await settleOne(ledger, used, 'run_3');
      await reserveTestBatch(ledger, createTestBatch(await open('busy'), ['Acme']));
      const held = await open('held');
      const worker = await openStore(store, place, { clock });
      await worker.acquireLease(`${what}:${what === 'job' ? held.id : held.askId}`);
      clock.nowMs = 5_000;
      await ledger.closeJob(used.id, { stop: 'done', counts: null, finished: null });
      const counts = { runs: 2, asks: 1, jobs: 1, answers: 1 };
      expect(await ledger.countOld({ asksBeforeMs: 4_000 })).toEqual(counts);
      expect(await ledger.prune({ asksBeforeMs: 4_000 })).toEqual(counts);
      expect((await ledger.listJobs()).map(({ query }) => query).sort()).toEqual(['busy', 'held', 'used']);
      expect(await findCeos(ledger, old, ['Acme'])).toEqual(new Map());
      expect((await findCeos(ledger, used, ['Acme'])).size).toBe(1);
      expect(await ledger.check()).toEqual([]);
      expect(await open('old')).toMatchObject({ id: old.id, invocation: 1 });
      await worker.close();
      expect(await ledger.countOld({ asksBeforeMs: 4_000 })).toMatchObject({ asks: 1 });
    },
  );

  test('a ledger finds no answers that another process pruned, and later ones of the same ask', async () => {
    const clock = createTestClock(1_000);
    const place = store.createPlace();
    const [watcher, pruner] = [
      await openStore(store, place, { clock }),
      await openStore(store, place, { clock }),
    ];
    const companies = ['Acme', 'Globex', 'Initech'];
    const old = await openTestJob(watcher, createTestAsk('old'));
    await settleTestRun(watcher, old, companies, { ceo: 'Ann' });
    clock.nowMs = 2_000;
    expect(await pruner.prune({ asksBeforeMs: 2_000 })).toMatchObject({ asks: 1, answers: 3 });
    expect(await findCeos(watcher, old, companies)).toEqual(new Map());
    expect(await watcher.listOlderAnswers(old.askId, createTestKey('Acme'))).toEqual([]);
    const next = await openTestJob(pruner, createTestAsk('old'));
    const other = await openTestJob(pruner, createTestAsk('new'));
    await settleTestRun(pruner, next, ['Globex'], { ceo: 'Bob' });
    await settleTestRun(pruner, other, ['Acme'], { ceo: 'Dan' });
    expect(await findCeos(watcher, next, companies)).toEqual(new Map([['Globex', 'Bob']]));
    expect(await findCeos(watcher, other, companies)).toEqual(new Map([['Acme', 'Dan']]));
    await settleTestRun(watcher, next, ['Acme', 'Globex'], { ceo: 'Cid', refresh: true, attempt: 2 });
    for (const ledger of [watcher, pruner]) {
      expect(await findCeos(ledger, next, companies)).toEqual(
        new Map([
          ['Acme', 'Cid'],
          ['Globex', 'Cid'],
        ]),
      );
      expect(await ledger.listOlderAnswers(next.askId, createTestKey('Acme'))).toEqual([]);
      expect(await ledger.listOlderAnswers(next.askId, createTestKey('Globex'))).toHaveLength(1);
      expect(await ledger.check()).toEqual([]);
    }
  });

  test('a job that another process pruned is unknown, and can be opened again', async () => {
    const clock = createTestClock(1_000);
    const place = store.createPlace();
    const [one, pruner] = [
      await openStore(store, place, { clock }),
      await openStore(store, place, { clock }),
    ];
    const job = await openTestJob(one);
    await settleTestRun(one, job, ['Acme'], { ceo: 'Ann' });
    clock.nowMs = 2_000;
    await pruner.prune({ asksBeforeMs: 2_000 });
    await expect(tryReserve(one, createTestBatch(job, ['Globex']), {}, 0)).rejects.toMatchObject({
      code: 'JOB_UNKNOWN',
    });
    expect(await one.getSpend(job.id)).toMatchObject({ spentMicros: 1 });
    expect(await openTestJob(one)).toMatchObject({ id: job.id, invocation: 1 });
    await settleTestRun(one, job, ['Globex'], { ceo: 'Bob' });
    expect(await one.listJobs()).toMatchObject([{ answered: 1, spentMicros: 2 }]);
    expect(await one.check()).toEqual([]);
  });

  test('pruning one ask keeps the answers of another', async () => {
    const clock = createTestClock(1_000);
    const ledger = await openStore(store, undefined, { clock });
    const old = await openTestJob(ledger, createTestAsk('old'));
    await settleTestRun(ledger, old, ['Acme', 'Globex'], { ceo: 'Ann' });
    clock.nowMs = 2_000;
    const kept = await openTestJob(ledger, createTestAsk('kept'));
    await settleTestRun(ledger, kept, ['Acme'], { ceo: 'Bob' });
    await settleTestRun(ledger, old, ['Initech'], { ceo: 'Ann', attempt: 2 });
    await settleTestRun(ledger, kept, ['Globex'], { ceo: 'Bob', attempt: 2 });
    expect(await ledger.prune({ asksBeforeMs: 2_000 })).toMatchObject({ asks: 1, answers: 3 });
    expect(await findCeos(ledger, kept, ['Acme', 'Globex'])).toEqual(
      new Map([
        ['Acme', 'Bob'],
        ['Globex', 'Bob'],
      ]),
    );
    expect(await ledger.check()).toEqual([]);
  });

  test('the cost of a pruned job still counts for its cap and its folder, by quarter-hour', async () => {
    const midnight = 10 * DAY_MS;
    const clock = createTestClock(midnight - 1);
    const ledger = await openStore(store, undefined, { clock });
    const open = () => openTestJob(ledger, createTestAsk('old'), '/drop/working/a.csv', { folder: 'drop' });
    const job = await open();
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
    clock.nowMs = midnight;
    await settleTestRun(ledger, job, ['Globex'], { ceo: 'Ann' });
    clock.nowMs = midnight + 1_000;
    await settleTestRun(ledger, job, ['Initech'], { ceo: 'Ann' });
    const readSpends = async () => {
      const days = [0, midnight].map((since) => ledger.getSpendSince('drop', since));
      const spends = [ledger.getSpend(job.id), ...days];
      return (await Promise.all(spends)).map(({ spentMicros }) => spentMicros);
    };
    expect(await readSpends()).toEqual([3, 3, 2]);
    clock.nowMs += 10_000;
    expect((await ledger.prune({ asksBeforeMs: clock.nowMs })).jobs).toBe(1);
    expect(await readSpends()).toEqual([3, 3, 2]);
    // The same job again: its earlier cost still counts towards the cap.
    const again = await open();
    expect(again.id).toBe(job.id);
    expect(await tryReserve(ledger, createTestBatch(again, ['Acme']), { jobMicros: 3 })).toBe('over_budget');
    await settleTestRun(ledger, again, ['Acme'], { ceo: 'Ann', attempt: 2 });
    expect(await readSpends()).toEqual([4, 4, 3]);
    clock.nowMs += 10_000;
    expect((await ledger.prune({ asksBeforeMs: clock.nowMs })).jobs).toBe(1);
    expect(await readSpends()).toEqual([4, 4, 3]);
    expect((await ledger.getSpendSince('another', 0)).spentMicros).toBe(0);
    expect((await ledger.getSpendSince(null, 0)).spentMicros).toBe(4);
    expect(await ledger.check()).toEqual([]);
  });

  test('counts what asks cost in the quarter-hour of their runs, whatever the time of day', async () => {
    for (let index = 0; index < 20; index += 1) {
      const clock = createTestClock(1_003_000 + index * 7_919);
      const ledger = await openStore(store, undefined, { clock });
      const quarterMs = Math.floor(clock.nowMs / 900_000) * 900_000;
      await settleOne(ledger, await openTestJob(ledger), `run_${index}`);
      const job = await openTestJob(ledger, createTestAsk('unknown'));
      await reserveTestBatch(ledger, createTestBatch(job, ['Acme'], { reserveMicros: 5 }));
      clock.nowMs += 2 * DAY_MS;
      expect(await ledger.prune({ asksBeforeMs: clock.nowMs })).toMatchObject({ asks: 2 });
      const spends = [quarterMs, quarterMs + 900_000].map((since) => ledger.getSpendSince(null, since));
      expect((await Promise.all(spends)).map(({ spentMicros }) => spentMicros)).toEqual([15, 0]);
      await ledger.close();
    }
  });

  test('a run with unknown outcome counts with its reserved price after pruning, for its day and folder too', async () => {
    const clock = createTestClock(20 * DAY_MS);
    const ledger = await openStore(store, undefined, { clock });
    const job = await openTestJob(ledger, createTestAsk('old'), '/drop/working/a.csv', { folder: 'drop' });
    await reserveTestBatch(ledger, createTestBatch(job, ['Acme'], { reserveMicros: 25 }));
    const released = createTestBatch(job, ['Globex'], { reserveMicros: 40 });
    await reserveTestBatch(ledger, released);
    await ledger.releaseBatch(released.id, 'it never left');
    const since = clock.nowMs;
    clock.nowMs += 3 * DAY_MS;
    expect(await ledger.prune({ asksBeforeMs: clock.nowMs - DAY_MS })).toMatchObject({ jobs: 1 });
    const spend = { spentMicros: 25, reservedMicros: 0 };
    expect(await ledger.getSpend(job.id)).toMatchObject(spend);
    expect(await ledger.getSpendSince('drop', since)).toEqual(spend);
    expect(await ledger.getSpendSince(null, since)).toEqual(spend);
    expect((await ledger.getSpendSince(null, clock.nowMs)).spentMicros).toBe(0);
  });
});

describe.each(STORES)('checking and copying $name', (store) => {
  test('an intact ledger passes its check, and a damaged one does not', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    const companies = Array.from({ length: 2_000 }, (_, index) => `Company ${index}`);
    for (let at = 0; at < companies.length; at += 100) {
      await settleTestRun(ledger, job, companies.slice(at, at + 100), { ceo: 'Ann' });
    }
    expect(await ledger.check()).toEqual([]);
    await ledger.close();
    if (store.damage === null) return;
    store.damage(place);
    const damaged = await openStore(store, place);
    await expect(findCeos(damaged, job, companies)).rejects.toMatchObject({
      kind: 'usage',
      code: 'LEDGER_DAMAGED',
    });
    expect((await damaged.check()).length).toBeGreaterThan(0);
  });

  test('a copy has everything, and is a ledger of its own', async () => {
    const clock = createTestClock(20 * DAY_MS);
    const [from, to] = [store.createPlace(), store.createPlace(true)];
    const ledger = await openStore(store, from, { clock });
    const job = await openTestJob(ledger, createTestAsk(), '/data/in.csv', { folder: 'drop' });
    await settleTestRun(ledger, job, ['a', 'b'], { ceo: 'Ann' });
    await settleTestRun(ledger, job, ['a'], { ceo: 'Bob', refresh: true, attempt: 2 });
    await ledger.recordFailures(job.id, [{ key: createTestKey('c'), reason: 'too large' }]);
    await ledger.putHumanAnswers(job.id, [{ key: createTestKey('b'), values: { ceo: 'Zoe' } }]);
    const open = createTestBatch(job, ['d']);
    await reserveTestBatch(ledger, open);
    await ledger.noteWritten('/data/out.csv', { jobId: job.id, digest: 'abc' });
    await ledger.enterFolder({ id: 'drop', place: '1:2', below: '/drop/' });
    const everything = await readEverything(ledger, ['a', 'b', 'c', 'd']);
    await ledger.copyTo(to);
    await expect(ledger.copyTo(to)).rejects.toMatchObject({ kind: 'usage' });
    await ledger.releaseBatch(open.id, 'only here');
    const copy = await openStore(store, to, { clock });
    expect(await readEverything(copy, ['a', 'b', 'c', 'd'])).toEqual(everything);
    expect(await copy.check()).toEqual([]);
    await settleTestRun(copy, job, ['e'], { ceo: 'Eve', attempt: 3 });
    expect(await findCeos(ledger, job, ['e'])).toEqual(new Map());
  });
});
