import { setImmediate as endTurn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.js';
import { describeLedger } from '../../src/model/ledger-url.js';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestJob,
  createTestKey,
  createTestRun,
  findCeos,
  findTestAnswer,
  NO_LIMITS,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
  tryReserve,
} from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

describe.each(STORES)('writes in $name', (store) => {
  test('calls of one turn take effect in their order, and each sees those before it', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['a', 'b']);
    const spare = createTestBatch(job, ['c']);
    const { seen } = await ledger.findAnswers(job, []);
    const key = createTestKey('a');
    const reservation = (each: typeof batch) => ({ batch: each, seen: each.rows.map(() => seen) });
    const answer = createTestAnswer('a', { ceo: 'Ann' }, 'run_1');
    const failures = [{ key: createTestKey('b'), reason: 'no entry' }];
    const run = createTestRun('run_1', 8);
    const results = await Promise.all([
      ledger.reserveBatches([reservation(batch)], NO_LIMITS),
      ledger.getSpend(job.id),
      ledger.listOpenBatches(job.askId),
      ledger.markStarted(batch, 'run_1'),
      ledger.listJobs(),
      ledger.settleBatches([{ batch, run, answers: [answer], failures }]),
      ledger.getAnswerState(job),
      ledger.getYield(job.id),
      ledger.listJobs(),
      ledger.getSpendSince(null, 0),
      ledger.reserveBatches([reservation(spare)], NO_LIMITS),
      ledger.check(),
      ledger.releaseBatch(spare.id, 'never sent'),
      ledger.previewJob(createTestJob(createTestAsk('Another'))),
      ledger.recordFailures(job.id, [{ key, reason: 'late' }]),
      ledger.countOld({ asksBeforeMs: 2_000_000 }),
      ledger.putHumanAnswers(job.id, [{ key, values: { ceo: 'Zoe' } }]),
      ledger.listJobs(),
    ]);
    expect(results).toMatchObject([
      [{ status: 'reserved' }],
      { reservedMicros: 25_000 },
      [{ state: 'intended' }],
      undefined,
      [{ reservedMicros: 25_000, runs: [{ state: 'sent' }] }],
      [{ status: 'settled' }],
      { settledRuns: 1, hasFailures: true },
      { efforts: new Map([['low', { rows: { answered: 1, filled: 1 } }]]) },
      [{ answered: 1, failed: 1, spentMicros: 8, reservedMicros: 0, runs: [] }],
      { spentMicros: 8, reservedMicros: 0 },
      [{ status: 'reserved' }],
      [],
      undefined,
      { previous: { answered: 1 } },
      undefined,
      { asks: 1, jobs: 1, answers: 1, runs: 1 },
      true,
      [{ answered: 1, failed: 2, reservedMicros: 0 }],
    ]);
    const { answers } = await ledger.findAnswers(job, [key]);
    expect(answers.get(key)).toMatchObject({ failure: 'late', costMicros: 4 });
  });

  test('pruning in the same turn as other changes loses none of them', async () => {
    const clock = createTestClock();
    const ledger = await openStore(store, undefined, { clock });
    const old = await openTestJob(ledger, createTestAsk('old'));
    await settleTestRun(ledger, old, ['a'], { ceo: 'Ann' });
    clock.nowMs += 1_000;
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['a'], { reserveMicros: 9 });
    await reserveTestBatch(ledger, batch);
    const late = createTestBatch(old, ['b']);
    await reserveTestBatch(ledger, late);
    const settle = (each: typeof batch, runId: string) =>
      ledger.settleBatches([{ batch: each, run: createTestRun(runId, 5), answers: [], failures: [] }]);
    const [, , pruned] = await Promise.all([
      settle(batch, 'run_1'),
      settle(late, 'run_2'),
      ledger.prune({ asksBeforeMs: clock.nowMs }),
      ledger.reserveBatches([{ batch: createTestBatch(job, ['b']), seen: [0] }], NO_LIMITS),
    ]);
    expect(pruned).toMatchObject({ asks: 1 });
    expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 5, reservedMicros: 25_000 });
    expect(await ledger.getSpend(old.id)).toMatchObject({ spentMicros: 6 });
    expect((await ledger.getSpendSince(null, 0)).spentMicros).toBe(11);
    expect(await ledger.check()).toEqual([]);
  });

  test('a look-up in the same turn as pruning finds what is left', async () => {
    const clock = createTestClock();
    const ledger = await openStore(store, undefined, { clock });
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['a', 'b'], { ceo: 'Ann' });
    const [, found] = await Promise.all([
      ledger.prune({ runsBeforeMs: clock.nowMs + 1 }),
      findCeos(ledger, job, ['a', 'b']),
    ]);
    expect(found).toEqual(
      new Map([
        ['a', 'Ann'],
        ['b', 'Ann'],
      ]),
    );
    const calls = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? ledger.prune({ runsBeforeMs: 0 }) : findCeos(ledger, job, ['a']),
    );
    const results = await Promise.all(calls);
    expect(results.filter((_, index) => index % 2 === 1)).toEqual(Array(10).fill(new Map([['a', 'Ann']])));
  });

  test('what was resolved is in the file, whatever becomes of this process', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['a'], { ceo: 'Ann' });
    const other = await openStore(store, place);
    expect(await findCeos(other, job, ['a'])).toEqual(new Map([['a', 'Ann']]));
    expect(await other.listJobs()).toEqual(await ledger.listJobs());
  });

  test('many concurrent callers get consistent results', async () => {
    const place = store.createPlace();
    const ledgers = await Promise.all([1, 2, 3].map(() => openStore(store, place)));
    const job = await openTestJob(ledgers[0] as Ledger);
    const companies = Array.from({ length: 30 }, (_, index) => `Company ${index}`);
    const bought: string[] = [];
    const buy = async (ledger: Ledger, company: string, who: number): Promise<void> => {
      const batch = createTestBatch(job, [company], { attempt: who, reserveMicros: 1 });
      if ((await tryReserve(ledger, batch, {}, 0)) !== 'reserved') return;
      bought.push(company);
      await endTurn();
      await ledger.markStarted(batch, `run_${batch.id}`);
      const answers = [createTestAnswer(company, { ceo: 'Ann' }, `run_${batch.id}`)];
      await settleTestBatch(ledger, batch, createTestRun(`run_${batch.id}`, 1), answers);
    };
    await Promise.all(
      companies.flatMap((company) => ledgers.map((ledger, who) => buy(ledger, company, who + 1))),
    );
    expect(bought.toSorted()).toEqual(companies.toSorted());
    for (const ledger of ledgers) {
      expect((await findCeos(ledger, job, companies)).size).toBe(30);
      expect(await ledger.listJobs()).toMatchObject([{ answered: 30, spentMicros: 30, reservedMicros: 0 }]);
    }
    expect(await ledgers[0]?.check()).toEqual([]);
  });

  test('a call that fails before it has written anything does not affect the others of its turn', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const [first, second] = [createTestBatch(job, ['a']), createTestBatch(job, ['b'])];
    const results = await Promise.allSettled([
      ledger.reserveBatches([{ batch: first, seen: [0] }], NO_LIMITS),
      ledger.closeJob('j_nobody', { stop: 'done', counts: null, finished: null }),
      ledger.getJob('j_nobody'),
      ledger.reserveBatches([{ batch: second, seen: [0] }], NO_LIMITS),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: 50_000 });
    expect(await ledger.check()).toEqual([]);
  });

  test('a failed write is undone completely, with all calls of its turn, and every later write is refused', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['a'], { ceo: 'Ann' });
    const batch = createTestBatch(job, ['b', 'c']);
    await reserveTestBatch(ledger, batch);
    const before = JSON.stringify([await ledger.listJobs(), await ledger.listOpenBatches(job.askId)]);
    const mend = await store.breakSettling(place);
    const answers = ['b', 'c'].map((company) => createTestAnswer(company, { ceo: 'Nobody' }, 'run_2'));
    const results = await Promise.allSettled([
      tryReserve(ledger, createTestBatch(job, ['d']), {}, 0),
      settleTestBatch(ledger, batch, createTestRun('run_2'), answers),
      ledger.recordFailures(job.id, [{ key: createTestKey('e'), reason: 'too large' }]),
    ]);
    expect(results.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(2);
    expect(results[1]).toMatchObject({ status: 'rejected', reason: { message: /broken/ } });
    await mend();
    for (const write of [
      () => ledger.releaseBatch(batch.id, 'never mind'),
      () => openTestJob(ledger),
      () => tryReserve(ledger, createTestBatch(job, ['f']), {}, 0),
      () => ledger.acquireLease('a'),
    ]) {
      await expect(write()).rejects.toThrow(/broken/);
    }
    // Reading goes on, and finds only what is in the file.
    expect(await findCeos(ledger, job, ['a', 'b', 'c', 'd', 'e'])).toEqual(new Map([['a', 'Ann']]));
    expect(JSON.stringify([await ledger.listJobs(), await ledger.listOpenBatches(job.askId)])).toBe(before);
    expect(await ledger.check()).toEqual([]);
    // The runs of this process that are not in the file are known.
    expect(ledger.listRecentRuns()).toContain('run_2 ($0.025)');
    await ledger.close();
    const next = await openStore(store, place);
    expect(await next.adoptBatches(job.askId)).toHaveLength(1);
    await settleTestBatch(next, batch, createTestRun('run_2'), answers);
    expect((await findTestAnswer(next, job, 'b'))?.fields.get('ceo')?.value).toBe('Nobody');
    expect(await next.check()).toEqual([]);
  });

  test('other work goes on during a wait for a writer, reading too, then all waiting calls go on', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['z'], { ceo: 'Ann' });
    const reader = await openStore(store, place, { isReadOnly: true });
    const unlock = await store.lock(place);
    const done: string[] = [];
    const waiting = ['a', 'b', 'c'].map(async (company) => {
      await tryReserve(ledger, createTestBatch(job, [company]), {}, 0);
      done.push(company);
    });
    for (let turn = 0; turn < 20; turn += 1) await endTurn();
    expect(done).toEqual([]);
    expect(await reader.listJobs()).toMatchObject([{ reservedMicros: 0 }]);
    unlock();
    await Promise.all(waiting);
    expect(done).toEqual(['a', 'b', 'c']);
    expect((await ledger.getSpend(job.id)).reservedMicros).toBe(75_000);
  });

  test('reports once, after two seconds, what it is waiting for, and gives up after two minutes', async () => {
    const place = store.createPlace();
    const messages: string[] = [];
    const ledger = await openStore(store, place, { onWait: (message) => messages.push(message) });
    const job = await openTestJob(ledger);
    const unlock = await store.lock(place);
    // The wait is measured by this clock, so that the test need not last two minutes.
    const now = performance.now.bind(performance);
    let skippedMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + skippedMs);
    onTestFinished(() => clock.mockRestore());
    const write = ledger.keepGoing(job.id).catch((error: unknown) => error);
    await endTurn();
    expect(messages).toEqual([]);
    skippedMs = 3_000;
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    expect(messages[0]).toContain(describeLedger(place));
    expect(messages[0]).toContain('Waiting up to 2 minutes');
    skippedMs = 121_000;
    expect(await write).toMatchObject({ kind: 'usage', code: 'LEDGER_LOCKED' });
    expect(messages).toHaveLength(1);
    unlock();
    // Nothing was written, so the same call works now.
    await ledger.keepGoing(job.id);
    expect((await ledger.getYield(job.id)).keepsGoing).toBe(true);
  });

  test('a call that gives up waiting can be made again, even the first of this process', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const unlock = await store.lock(place);
    const now = performance.now.bind(performance);
    let skippedMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + skippedMs);
    onTestFinished(() => clock.mockRestore());
    const lease = ledger.acquireLease('a').catch((error: unknown) => error);
    await endTurn();
    skippedMs = 121_000;
    expect(await lease).toMatchObject({ code: 'LEDGER_LOCKED' });
    unlock();
    expect(await ledger.acquireLease('a')).toEqual({ status: 'held' });
  });

  test('a read-only ledger reads, and refuses to write', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['a'], { ceo: 'Ann' });
    const reader = await openStore(store, place, { isReadOnly: true });
    expect(await findCeos(reader, job, ['a'])).toEqual(new Map([['a', 'Ann']]));
    expect(await reader.previewJob(createTestJob())).toMatchObject({ invocation: 2 });
    for (const write of [
      () => openTestJob(reader),
      () => reader.keepGoing(job.id),
      () => reader.acquireLease('a'),
    ]) {
      await expect(write()).rejects.toMatchObject({ kind: 'usage' });
    }
    await settleTestRun(ledger, job, ['b'], { ceo: 'Bob', attempt: 2 });
    expect(await findCeos(reader, job, ['b'])).toEqual(new Map([['b', 'Bob']]));
  });

  test('closing finishes what was called before, may be repeated, and ends everything', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['a']);
    const calls = Promise.all([
      ledger.reserveBatches([{ batch, seen: [0] }], NO_LIMITS),
      ledger.keepGoing(job.id),
      ledger.close(),
      ledger.close(),
    ]);
    expect((await calls)[0]).toEqual([{ status: 'reserved' }]);
    await ledger.close();
    await expect(ledger.listJobs()).rejects.toThrow();
    await expect(ledger.keepGoing(job.id)).rejects.toThrow();
    const again = await openStore(store, place);
    expect(await again.listOpenBatches(job.askId)).toMatchObject([{ batch }]);
    expect((await again.getYield(job.id)).keepsGoing).toBe(true);
  });
});
