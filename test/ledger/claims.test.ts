import { describe, expect, test } from 'vitest';
import { type Holder, readHolder } from '../../src/ledger/holder.js';
import type { LeaseResult, Ledger } from '../../src/ledger/ledger.js';
import type { Batch } from '../../src/model/batch.js';
import { startLedgerChild } from '../helpers/ledger-child.js';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestKey,
  createTestRun,
  findCeos,
  NO_LIMITS,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
  type TestClock,
  tryReserve,
} from '../helpers/ledger-samples.js';
import { openStore, STORES, type TestStore } from './stores.js';

const HOUR_MS = 3_600_000;
const NEVER = new AbortController().signal;
const SELF = readHolder();
/** In another container of this machine. */
const BESIDE: Holder = { ...SELF, pid: 1, started: '77', space: 'pid:[1]' };
/** On another machine. */
const ELSEWHERE: Holder = { ...BESIDE, boot: 'another boot', host: 'elsewhere' };
/** Above the highest process id of any system. */
const GONE: Holder = { ...SELF, pid: 2 ** 30 };

interface Party {
  readonly ledger: Ledger;
  readonly clock: TestClock;
}

/** Ledgers of several processes on one file, each with its own clock. */
async function openParties(store: TestStore, holders: readonly Holder[]): Promise<Party[]> {
  const place = store.createPlace();
  const parties: Party[] = [];
  for (const holder of holders) {
    const clock = createTestClock();
    parties.push({ clock, ledger: await openStore(store, place, { clock, holder }) });
  }
  return parties;
}

async function openTwo(store: TestStore, holder = SELF) {
  const [one, two] = await openParties(store, [holder, SELF]);
  if (one === undefined || two === undefined) throw new Error('too few');
  const job = await openTestJob(one.ledger);
  const other = await openTestJob(two.ledger, createTestAsk(), '/data/other.csv');
  return { one: one.ledger, two: two.ledger, job, other, clocks: [one.clock, two.clock] as const };
}

/** Reserves a batch as seen at `seen`, and returns the whole verdict. */
async function reserveAt(ledger: Ledger, batch: Batch, seen: readonly number[]) {
  const [verdict] = await ledger.reserveBatches([{ batch, seen }], NO_LIMITS);
  return verdict;
}

async function lookUp(ledger: Ledger, batch: Batch): Promise<number> {
  const keys = batch.rows.map(({ key }) => key);
  return (await ledger.findAnswers({ id: batch.jobId, askId: batch.askId }, keys)).seen;
}

describe.each(STORES)('claims in $name', (store) => {
  test('rows in an open batch of another process are elsewhere, until it is settled or released', async () => {
    const { one, two, job, other } = await openTwo(store);
    const keys = ['a', 'b', 'c', 'd'].map(createTestKey);
    const batches = [createTestBatch(job, ['a', 'b']), createTestBatch(job, ['c'])] as const;
    for (const batch of batches) await reserveTestBatch(one, batch);
    const findElsewhere = async (ledger: Ledger) => (await ledger.findAnswers(other, keys)).elsewhere;
    expect(await findElsewhere(one)).toEqual(new Set());
    expect(await findElsewhere(two)).toEqual(new Set(keys.slice(0, 3)));
    await one.markStarted(batches[0], 'run_1');
    expect(await findElsewhere(two)).toEqual(new Set(keys.slice(0, 3)));
    const answers = [createTestAnswer('a', { ceo: 'Ann' }, 'run_1')];
    await settleTestBatch(one, batches[0], createTestRun('run_1'), answers);
    expect(await findElsewhere(two)).toEqual(new Set(keys.slice(2, 3)));
    expect(await findCeos(two, other, ['a', 'b'])).toEqual(new Map([['a', 'Ann']]));
    await one.releaseBatch(batches[1].id, 'no such run');
    expect(await findElsewhere(two)).toEqual(new Set());
  });

  test('reports exactly the keys that others have reserved or answered since they were looked up', async () => {
    const { one, two, job, other } = await openTwo(store);
    const batch = createTestBatch(other, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    const seen = await lookUp(two, batch);
    await reserveTestBatch(one, createTestBatch(job, ['a', 'x']));
    await settleTestRun(one, job, ['b', 'y'], { ceo: 'Ann' });
    const released = createTestBatch(job, ['c']);
    await reserveTestBatch(one, released);
    await one.releaseBatch(released.id, 'no such run');
    await one.putHumanAnswers(job.id, [{ key: createTestKey('d'), values: { ceo: 'Zoe' } }]);
    await one.rejectAnswers(job.id, [{ key: createTestKey('e'), field: 'ceo' }]);
    await settleTestRun(two, other, ['f'], { ceo: 'Bob' });
    const results = await two.reserveBatches(
      [
        { batch, seen: batch.rows.map(() => seen) },
        { batch: createTestBatch(other, ['c', 'g']), seen: [seen, seen] },
      ],
      NO_LIMITS,
    );
    expect(results).toEqual([
      { status: 'changed', keys: ['a', 'b', 'd', 'e'].map(createTestKey) },
      { status: 'reserved' },
    ]);
    expect(await two.getSpend(other.id)).toMatchObject({ reservedMicros: 25_000 });
    // Looked up again, answered rows may be sent again on purpose.
    const again = createTestBatch(other, ['b', 'd', 'e'], { attempt: 2 });
    expect(
      await reserveAt(
        two,
        again,
        again.rows.map(() => seen),
      ),
    ).toMatchObject({ status: 'changed' });
    const now = await lookUp(two, again);
    expect(await reserveAt(two, again, [now, now, now])).toEqual({ status: 'reserved' });
  });

  test('compares each row with its own look-up', async () => {
    const { one, two, job, other } = await openTwo(store);
    const batch = createTestBatch(other, ['a', 'b']);
    const before = await lookUp(two, batch);
    await settleTestRun(one, job, ['a', 'b'], { ceo: 'Ann' });
    const after = await lookUp(two, batch);
    expect(after).toBeGreaterThan(before);
    expect(await reserveAt(two, batch, [after, before])).toEqual({
      status: 'changed',
      keys: [createTestKey('b')],
    });
  });

  test('its own changes, and those of other questions, do not count as changed', async () => {
    const { one, two, job } = await openTwo(store);
    const batch = createTestBatch(job, ['a'], { attempt: 3 });
    const seen = await lookUp(one, batch);
    await reserveTestBatch(one, createTestBatch(job, ['a']));
    await settleTestRun(one, job, ['a'], { ceo: 'Ann', attempt: 2 });
    const another = await openTestJob(two, createTestAsk('Another'));
    await settleTestRun(two, another, ['a'], { ceo: 'Bob' });
    expect(await reserveAt(one, batch, [seen])).toEqual({ status: 'reserved' });
  });

  test.each(['pruned', 'reopened'])(
    'a look-up is remembered by its number, even if the ledger was %s since',
    async (what) => {
      const place = store.createPlace();
      const [one, two] = [await openStore(store, place), await openStore(store, place)];
      const job = await openTestJob(one);
      const other = await openTestJob(two, createTestAsk(), '/data/other.csv');
      const batch = createTestBatch(other, ['a', 'b']);
      const seen = await lookUp(two, batch);
      await settleTestRun(one, job, ['a'], { ceo: 'Ann' });
      if (what === 'pruned') await two.prune({ runsBeforeMs: 0 });
      else await two.close();
      const now = what === 'pruned' ? two : await openStore(store, place);
      expect(await reserveAt(now, batch, [seen, seen])).toEqual({
        status: 'changed',
        keys: [createTestKey('a')],
      });
    },
  );

  test('a settled run gives the number for asking its rows again', async () => {
    const { one, two, job, other } = await openTwo(store);
    const first = createTestBatch(job, ['a', 'b']);
    await reserveTestBatch(one, first);
    await settleTestRun(two, other, ['c'], { ceo: 'Ann' });
    const { seen } = await settleTestBatch(one, first, createTestRun('run_1'));
    expect(await reserveAt(one, createTestBatch(job, ['a'], { attempt: 2 }), [seen])).toEqual({
      status: 'reserved',
    });
    await settleTestRun(two, other, ['b'], { ceo: 'Ann', attempt: 2 });
    expect(await reserveAt(one, createTestBatch(job, ['b'], { attempt: 2 }), [seen])).toMatchObject({
      status: 'changed',
    });
  });

  test('of calls in one turn on two ledgers, one gets each row', async () => {
    const { one, two, job, other } = await openTwo(store);
    const [mine, theirs] = [createTestBatch(job, ['a', 'b']), createTestBatch(other, ['b', 'c'])];
    const seen = [await lookUp(one, mine), await lookUp(two, theirs)] as const;
    const verdicts = await Promise.all([
      reserveAt(one, mine, [seen[0], seen[0]]),
      reserveAt(two, theirs, [seen[1], seen[1]]),
    ]);
    expect(verdicts.map((verdict) => verdict?.status).sort()).toEqual(['changed', 'reserved']);
    expect(verdicts).toContainEqual({ status: 'changed', keys: [createTestKey('b')] });
  });

  test('tells a waiting process of a change, and ends the wait when asked to', async () => {
    const { one, two, job, other } = await openTwo(store);
    const batch = createTestBatch(job, ['a']);
    await reserveTestBatch(one, batch);
    expect((await two.findAnswers(other, [createTestKey('a')])).elsewhere.size).toBe(1);
    const waiting = two.whenChanged();
    await one.releaseBatch(batch.id, 'no such run');
    await waiting;
    expect((await two.findAnswers(other, [createTestKey('a')])).elsewhere.size).toBe(0);
    const leaving = new AbortController();
    const aborted = two.whenChanged(leaving.signal);
    leaving.abort();
    await aborted;
    // Nothing changes, and it resolves all the same.
    await two.whenChanged();
  });
});

describe.each(STORES)('adopting in $name', (store) => {
  test.each([
    ['closed its ledger', async (one: Ledger) => one.close(), SELF],
    ['is gone', async () => undefined, GONE],
  ] as const)('open batches of a process that %s are taken over at once', async (_what, end, holder) => {
    const { one, two, job, other } = await openTwo(store, holder);
    const batches = ['a', 'b', 'c'].map((company) => createTestBatch(job, [company])) as [
      Batch,
      Batch,
      Batch,
    ];
    for (const batch of batches) await reserveTestBatch(one, batch);
    await one.markStarted(batches[1], 'run_b');
    await one.markUnknown(batches[2].id, 'cannot tell');
    const own = createTestBatch(other, ['d']);
    await reserveTestBatch(two, own);
    await end(one);
    const keys = ['a', 'b', 'c', 'd'].map(createTestKey);
    expect((await two.findAnswers(other, keys)).elsewhere.size).toBe(3);
    const adopted = await two.adoptBatches(job.askId);
    expect(adopted.map(({ batch, state, runId }) => [batch, state, runId])).toEqual([
      [batches[0], 'intended', null],
      [batches[1], 'sent', 'run_b'],
      [batches[2], 'unknown', null],
    ]);
    // They are its own now, so they are not taken over twice. Until they end, their rows are not sent again.
    const { elsewhere, seen } = await two.findAnswers(other, keys);
    expect(elsewhere).toEqual(new Set(keys.slice(0, 3)));
    const again = createTestBatch(other, ['a', 'b', 'd'], { attempt: 2 });
    expect(await reserveAt(two, again, [seen, seen, seen])).toEqual({
      status: 'changed',
      keys: keys.slice(0, 2),
    });
    expect(await two.adoptBatches(job.askId)).toEqual([]);
    expect(await two.listOpenBatches(job.askId)).toHaveLength(4);
    await settleTestBatch(two, batches[1], createTestRun('run_b', 5));
    await two.releaseBatch(batches[0].id, 'no such run');
    expect([...(await two.findAnswers(other, keys)).elsewhere]).toEqual([keys[2]]);
    expect(await reserveAt(two, again, [seen, seen, seen])).toEqual({ status: 'changed', keys: [keys[1]] });
    expect(await two.getSpend(job.id)).toMatchObject({ spentMicros: 5, reservedMicros: 25_000 });
    expect(await two.check()).toEqual([]);
  });

  test('of an unknown question, nothing is taken over', async () => {
    const ledger = await openStore(store);
    expect(await ledger.adoptBatches('a_nobody')).toEqual([]);
  });

  test('only batches of the question are taken over, and others later', async () => {
    const { one, two, job } = await openTwo(store, GONE);
    const another = await openTestJob(one, createTestAsk('Another'));
    for (const each of [job, another]) await reserveTestBatch(one, createTestBatch(each, ['a']));
    expect(await two.adoptBatches(job.askId)).toMatchObject([{ batch: { jobId: job.id } }]);
    expect(await two.adoptBatches(another.askId)).toMatchObject([{ batch: { jobId: another.id } }]);
  });

  test('of two processes, one takes over, and both see the rows elsewhere', async () => {
    const [gone, two, three] = await openParties(store, [GONE, SELF, SELF]);
    if (gone === undefined || two === undefined || three === undefined) throw new Error('too few');
    const job = await openTestJob(gone.ledger);
    await reserveTestBatch(gone.ledger, createTestBatch(job, ['a']));
    const adopted = await Promise.all([two, three].map(({ ledger }) => ledger.adoptBatches(job.askId)));
    expect(adopted.map(({ length }) => length).sort()).toEqual([0, 1]);
    const keys = [createTestKey('a')];
    const elsewhere = await Promise.all(
      [two, three].map(async ({ ledger }) => (await ledger.findAnswers(job, keys)).elsewhere.size),
    );
    expect(elsewhere).toEqual([1, 1]);
  });

  test.each([HOUR_MS, -HOUR_MS, 48 * HOUR_MS])(
    'a living process of this machine is never taken over, even if the clock jumps by %d ms',
    async (jumpMs) => {
      const { one, two, job, clocks } = await openTwo(store);
      const batch = createTestBatch(job, ['a']);
      await reserveTestBatch(one, batch);
      await one.acquireLease('job:1');
      for (const clock of clocks) clock.nowMs += jumpMs;
      expect(await two.adoptBatches(job.askId)).toEqual([]);
      expect((await two.acquireLease('job:1')).status).toBe('busy');
      await one.takePlace(batch.id, 0, NEVER);
      one.refuseStart();
      expect(await tryReserve(one, createTestBatch(job, ['b']))).toBe('reserved');
    },
  );

  test.each([
    ['another container of this machine', BESIDE, 45_000],
    ['another machine', ELSEWHERE, store.elsewhereGoneMs],
  ])('a process in %s counts as gone only by missed renewals', async (_where, holder, goneMs) => {
    const { one, two, job, clocks } = await openTwo(store, holder);
    await reserveTestBatch(one, createTestBatch(job, ['a']));
    await one.acquireLease('job:1');
    clocks[1].nowMs += goneMs - 1;
    expect(await two.adoptBatches(job.askId)).toEqual([]);
    expect(await two.acquireLease('job:1')).toEqual({
      status: 'busy',
      holder,
      acquiredAtMs: 1_000_000,
      renewedAtMs: 1_000_000,
      goneAtMs: 1_000_000 + goneMs,
    });
    clocks[1].nowMs += 1;
    expect((await two.acquireLease('job:1')).status).toBe('held');
    expect(await two.adoptBatches(job.askId)).toHaveLength(1);
  });

  test('a process that was taken over reserves, releases and adopts nothing, and starts no run', async () => {
    const { one, two, job, clocks } = await openTwo(store, BESIDE);
    const [sent, lost, extra] = ['a', 'b', 'c'].map((company) => createTestBatch(job, [company])) as [
      Batch,
      Batch,
      Batch,
    ];
    await reserveTestBatch(one, sent);
    await reserveTestBatch(one, lost);
    await one.markStarted(sent, 'run_a');
    one.refuseStart();
    clocks[1].nowMs += HOUR_MS;
    expect(await two.adoptBatches(job.askId)).toHaveLength(2);
    // Both clocks are those of one machine, and it slept.
    clocks[0].nowMs += HOUR_MS;
    const gone = expect.objectContaining({ code: 'LEASE_LOST' });
    expect(() => one.refuseStart()).toThrow(gone);
    expect(await tryReserve(one, extra)).toBe('holder_lost');
    await one.releaseBatch(lost.id, 'it never left');
    await one.markUnknown(lost.id, 'cannot tell');
    expect(await one.listOpenBatches(job.askId)).toMatchObject([
      { state: 'sent' },
      { batch: lost, state: 'intended' },
    ]);
    expect(await one.adoptBatches(job.askId)).toEqual([]);
    await expect(one.acquireLease('job:1')).rejects.toEqual(gone);
    expect(() => one.refuseStart()).toThrow(gone);
    // Its runs exist and cost money, so they are booked, by whoever comes first, once.
    const answer = createTestAnswer('a', { ceo: 'Ann' }, 'run_a');
    expect(await settleTestBatch(one, sent, createTestRun('run_a', 7), [answer])).toMatchObject({
      status: 'settled',
    });
    expect(await settleTestBatch(two, sent, createTestRun('run_a', 7), [answer])).toMatchObject({
      status: 'known',
    });
    await one.markStarted(lost, 'run_b');
    expect(await two.listOpenBatches(job.askId)).toMatchObject([{ batch: lost, runId: 'run_b' }]);
    expect(await two.getSpend(job.id)).toMatchObject({ spentMicros: 7, reservedMicros: 25_000 });
    expect(await two.check()).toEqual([]);
  });

  test.each([HOUR_MS, -HOUR_MS])(
    'after a jump of the clock by %d ms, a process renews itself before it starts a run',
    async (jumpMs) => {
      const { one, two, job, clocks } = await openTwo(store, BESIDE);
      const batch = createTestBatch(job, ['a']);
      await reserveTestBatch(one, batch);
      await two.acquireLease('job:2');
      for (const clock of clocks) clock.nowMs += jumpMs;
      // The other stood still too, so it takes over nothing before it has renewed itself.
      expect(await two.adoptBatches(job.askId)).toEqual([]);
      await one.takePlace(batch.id, 0, NEVER);
      one.refuseStart();
      expect(await two.adoptBatches(job.askId)).toEqual([]);
      expect(await two.acquireLease('job:1')).toEqual({ status: 'held' });
      expect(await one.acquireLease('job:1')).toMatchObject({ status: 'busy' });
    },
  );

  test('a process that was killed is taken over at once, one that works is not', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place, { clock: Date });
    const child = startLedgerChild([store.name, 'hold', place]);
    await child.waitForLines(1);
    const { askId } = await ledger.getJob(child.lines[0]?.split(' ')[1] ?? '');
    expect(await ledger.adoptBatches(askId)).toEqual([]);
    expect(await ledger.acquireLease('job:1')).toMatchObject({ status: 'busy', holder: { pid: child.pid } });
    await child.kill();
    expect(await ledger.adoptBatches(askId)).toMatchObject([{ state: 'intended' }]);
    expect(await ledger.acquireLease('job:1')).toEqual({ status: 'held' });
  });
});

describe.each(STORES)('leases in $name', (store) => {
  const statusOf = async (result: Promise<LeaseResult>) => (await result).status;

  test('a lease has one holder, and is free again once it is released or its ledger is closed', async () => {
    const { one, two } = await openTwo(store);
    expect(await one.acquireLease('a')).toEqual({ status: 'held' });
    expect(await two.acquireLease('a')).toEqual({
      status: 'busy',
      holder: SELF,
      acquiredAtMs: 1_000_000,
      renewedAtMs: 1_000_000,
      goneAtMs: Number.POSITIVE_INFINITY,
    });
    expect(await statusOf(two.acquireLease('b'))).toBe('held');
    // Nobody can release the lease of another.
    await two.releaseLease('a');
    await one.releaseLease('nothing');
    expect(await statusOf(two.acquireLease('a'))).toBe('busy');
    await one.releaseLease('a');
    expect(await statusOf(two.acquireLease('a'))).toBe('held');
    expect(await statusOf(one.acquireLease('a'))).toBe('busy');
    await two.close();
    expect(await statusOf(one.acquireLease('a'))).toBe('held');
    expect(await statusOf(one.acquireLease('b'))).toBe('held');
  });

  test('one ledger cannot hold a lease twice', async () => {
    const ledger = await openStore(store);
    expect(await statusOf(ledger.acquireLease('a'))).toBe('held');
    expect(await statusOf(ledger.acquireLease('a'))).toBe('busy');
    await ledger.releaseLease('a');
    expect(await statusOf(ledger.acquireLease('a'))).toBe('held');
  });

  test('does not look up a pid of another machine or container among local ones', async () => {
    const holders = [{ ...ELSEWHERE, pid: GONE.pid }, { ...BESIDE, pid: GONE.pid }, GONE, SELF];
    const parties = await openParties(store, holders);
    for (const [index, { ledger }] of parties.slice(0, 3).entries()) await ledger.acquireLease(`${index}`);
    const last = parties[3]?.ledger;
    const results = await Promise.all(['0', '1', '2'].map((name) => last?.acquireLease(name)));
    expect(results.map((result) => result?.status)).toEqual(['busy', 'busy', 'held']);
  });

  test('exactly one of several concurrent processes gets a lease', async () => {
    const place = store.createPlace();
    const children = Array.from({ length: 4 }, () => startLedgerChild([store.name, 'lease', place, 'a']));
    await Promise.all(children.map((child) => child.waitForLines(1)));
    const said = children.flatMap((child) => child.lines);
    const holders = said.filter((line) => line.startsWith('held '));
    expect(holders).toHaveLength(1);
    const pid = holders[0]?.split(' ')[1];
    expect(said.filter((line) => line === `busy ${pid}`)).toHaveLength(3);
  });
});
