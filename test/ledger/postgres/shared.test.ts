import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as endTurn } from 'node:timers/promises';
import pg from 'pg';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readHolder } from '../../../src/ledger/holder.js';
import type { Handouts, Ledger } from '../../../src/ledger/ledger.js';
import { openPostgresLedger, type PostgresOptions } from '../../../src/ledger/postgres/postgres-ledger.js';
import type { Batch } from '../../../src/model/batch.js';
import { startLedgerChild } from '../../helpers/ledger-child.js';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestJob,
  createTestKey,
  createTestRun,
  findCeos,
  NO_LIMITS,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
  tryReserve,
} from '../../helpers/ledger-samples.js';
import { createSchemaUrl, findPostgres, startPostgres } from '../../helpers/postgres.js';
import { openPooler, openPostgresProxy } from '../../helpers/postgres-proxy.js';
import { createTempFolder } from '../../helpers/temp-folder.js';

const HOUR_MS = 3_600_000;
const SELF = readHolder();
/** On two other machines. */
const HOSTS = ['one', 'two'].map((host) => ({ ...SELF, space: host, boot: `boot of ${host}`, host }));
/** After this long without a renewal, a holder on another machine counts as gone. */
const LAPSED_MS = 46_000;
const LAPSE = `update holder set renewed_at = renewed_at - ${LAPSED_MS} where host = $1`;
const NEVER = new AbortController().signal;

let server = '';
beforeAll(async () => {
  server = await findPostgres();
});

async function open(url: string, options: PostgresOptions = {}): Promise<Ledger> {
  const ledger = await openPostgresLedger(url, options);
  onTestFinished(() => ledger.close());
  return ledger;
}

/** Connects to a server, in the schema of a ledger. */
async function connect(url: string): Promise<pg.Client> {
  const own = new URL(url);
  const schema = own.searchParams.get('schema') ?? 'public';
  own.searchParams.delete('schema');
  const client = new pg.Client({ connectionString: own.href });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(`set search_path = "${schema}"`);
  return client;
}

describe('hosts whose clocks are an hour apart', () => {
  async function openHosts() {
    const url = createSchemaUrl(server);
    const clocks = [HOUR_MS, -HOUR_MS].map((aheadMs) => {
      const clock = { aheadMs, now: () => Date.now() + clock.aheadMs };
      return clock;
    });
    const ledgers = [];
    for (const index of [0, 1]) {
      ledgers.push(await open(url, { clock: clocks[index], holder: HOSTS[index] } as PostgresOptions));
    }
    const [one, two] = ledgers as [Ledger, Ledger];
    return { one, two, clocks, database: await connect(url), job: await openTestJob(one) };
  }

  test('a process that has been taken over neither opens nor closes the job', async () => {
    const { one, two, job, database } = await openHosts();
    expect(await one.acquireLease(`job:${job.id}`)).toMatchObject({ status: 'held' });
    await database.query(LAPSE, ['one']);
    await two.acquireLease(`job:${job.id}`);
    const { invocation } = await openTestJob(two);
    await expect(openTestJob(one)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    const end = { stop: 'interrupted', counts: null, finished: null } as const;
    await expect(one.closeJob(job.id, end)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(await two.getJob(job.id)).toMatchObject({ invocation, stop: null });
  });

  test('do not take over from each other, and tell times by the server’s clock', async () => {
    const { one, two, job } = await openHosts();
    const batch = createTestBatch(job, ['a']);
    await reserveTestBatch(one, batch);
    await one.acquireLease('job:1');
    expect(await two.adoptBatches(job.askId)).toEqual([]);
    const busy = await two.acquireLease('job:1');
    if (busy.status !== 'busy') throw new Error('two hold it');
    const [open_] = await two.listOpenBatches(job.askId);
    for (const atMs of [busy.renewedAtMs, busy.goneAtMs, open_?.intendedAtMs ?? 0]) {
      expect(Math.abs(atMs - Date.now())).toBeLessThan(60_000);
    }
    expect(Math.abs((await two.measureClock()) - HOUR_MS)).toBeLessThan(60_000);
    await one.takePlace(batch.id, 0, NEVER);
    one.refuseStart();
    // The day of the budget is the server's, in UTC.
    const day = { folderMicros: null, ledgerMicros: 30_000, sinceMs: Date.now() + HOUR_MS };
    expect(await tryReserve(two, createTestBatch(job, ['b']), { day })).toBe('over_ledger_day');
  });

  test('take over once the lease has lapsed by the server’s clock, and the first one then starts nothing', async () => {
    const { one, two, job, database, clocks } = await openHosts();
    const [sent, lost] = [createTestBatch(job, ['a']), createTestBatch(job, ['b'])];
    for (const batch of [sent, lost]) await reserveTestBatch(one, batch);
    await one.markStarted(sent, 'run_a');
    // The first one stood still.
    await database.query(LAPSE, ['one']);
    for (const clock of clocks.slice(0, 1)) clock.aheadMs += LAPSED_MS;
    expect(await two.adoptBatches(job.askId)).toHaveLength(2);
    await one.takePlace(lost.id, 0, NEVER);
    expect(() => one.refuseStart()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
    expect(await tryReserve(one, createTestBatch(job, ['c']))).toBe('holder_lost');
    await two.releaseBatch(lost.id, 'no such run');
    // A run that started before is booked by whoever collects it, once.
    const settled = await Promise.all(
      [one, two].map((ledger) => settleTestBatch(ledger, sent, createTestRun('run_a', 7))),
    );
    expect(settled.map(({ status }) => status).sort()).toEqual(['known', 'settled']);
    expect(await two.getSpend(job.id)).toMatchObject({ spentMicros: 7, reservedMicros: 0 });
    expect(await two.check()).toEqual([]);
  });

  test('a batch that is created again after a takeover waits for a new start, as any other', async () => {
    const { one, two, job, database } = await openHosts();
    for (const ledger of [one, two]) await ledger.enterAccount((salt) => `${salt} key`);
    const batch = createTestBatch(job, ['a']);
    const startsPerSecond = 20;
    const start = async (ledger: Ledger) => {
      await reserveTestBatch(ledger, batch);
      await ledger.takePlace(batch.id, startsPerSecond, NEVER, 10);
      const { rows } = await database.query('select next_start_at::float as next from account');
      const [open_] = await ledger.listOpenBatches(job.askId);
      return { nextMs: Number(rows[0]?.next), intendedAtMs: open_?.intendedAtMs ?? 0 };
    };
    const first = await start(one);
    await database.query(LAPSE, ['one']);
    expect(await two.adoptBatches(job.askId)).toHaveLength(1);
    await two.releaseBatch(batch.id, 'no such run');
    const second = await start(two);
    expect(second.nextMs).toBeGreaterThanOrEqual(first.nextMs + 1_000 / startsPerSecond);
    expect(second.intendedAtMs).toBeGreaterThan(first.intendedAtMs);
  });
});

test.each(['before its place', 'before its request'])(
  'a process that is stopped past its lease %s, and continued, sends nothing',
  async (when) => {
    const url = createSchemaUrl(server);
    const folder = await createTempFolder();
    const clockFile = join(folder, 'clock');
    writeFileSync(clockFile, '0');
    const ledger = await open(url);
    const child = startLedgerChild(['PostgreSQL', 'resume', url, when], null, clockFile);
    await child.waitForLines(1);
    const { askId } = await ledger.getJob(child.lines[0]?.split(' ')[1] ?? '');
    process.kill(child.pid, 'SIGSTOP');
    expect(await ledger.adoptBatches(askId)).toEqual([]);
    await (await connect(url)).query(LAPSE, ['child']);
    writeFileSync(clockFile, String(LAPSED_MS));
    expect(await ledger.adoptBatches(askId)).toHaveLength(1);
    process.kill(child.pid, 'SIGCONT');
    child.write('go on');
    await child.waitForLines(2);
    expect(child.lines[1]).toMatch(/^error LEASE_LOST/);
  },
);

test('processes that create a ledger at the same time all get it', async () => {
  const url = createSchemaUrl(server);
  const ledgers = await Promise.all(Array.from({ length: 5 }, () => open(url)));
  const jobs = await Promise.all(ledgers.map((ledger) => openTestJob(ledger)));
  expect(jobs.map(({ invocation }) => invocation).sort()).toEqual([1, 2, 3, 4, 5]);
});

test('a ledger of a newer format is refused with both versions, and stays as it is', async () => {
  const url = createSchemaUrl(server);
  await (await open(url)).close();
  const database = await connect(url);
  await database.query('update format set version = 99');
  await expect(openPostgresLedger(url)).rejects.toMatchObject({
    code: 'LEDGER_NEWER',
    message: expect.stringMatching(/format 99.*format 1$/),
  });
  expect((await database.query('select version from format')).rows).toEqual([{ version: 99 }]);
});

test('a connection that is lost while nothing happens is made again', async () => {
  const url = createSchemaUrl(server);
  const ledger = await open(url);
  const job = await openTestJob(ledger);
  const database = await connect(url);
  for (let times = 0; times < 3; times += 1) {
    await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query like '%set_config%' and query like '%' || $1 || '%'",
      [new URL(url).searchParams.get('schema')],
    );
    await endTurn();
    expect((await openTestJob(ledger)).invocation).toBe(times + 2);
  }
  expect(await ledger.getSpend(job.id)).toMatchObject({ reservedMicros: 0 });
});

test('calls during a restart of the server wait for it, once for all of them, and take effect once', async () => {
  // So that the crash forgets what did not wait for the disk.
  const own = await startPostgres(['wal_writer_delay=10s', 'autovacuum=off', 'bgwriter_lru_maxpages=0']);
  const notes: string[] = [];
  const ledger = await open(createSchemaUrl(own.url), { onWait: (note) => notes.push(note) });
  const job = await openTestJob(ledger);
  const [first, second] = [createTestBatch(job, ['a']), createTestBatch(job, ['b'])];
  await reserveTestBatch(ledger, first);
  await ledger.markStarted(first, 'run_a');
  await ledger.handouts?.send(job.id, ['started']);
  await own.stop();
  await own.start();
  // The reservation has reached the disk before any request could leave. That it was started is found out again.
  expect(await ledger.listOpenBatches(job.askId)).toMatchObject([
    { batch: first, state: 'intended', runId: null },
  ]);
  expect(await ledger.handouts?.take(job.id, 10)).toEqual([]);
  await ledger.markStarted(first, 'run_a');
  await own.stop();
  const answers = [createTestAnswer('a', { ceo: 'Ann' }, 'run_a')];
  const waiting = Promise.all([
    settleTestBatch(ledger, first, createTestRun('run_a', 7), answers),
    tryReserve(ledger, second),
  ]);
  await own.start();
  expect(await waiting).toMatchObject([{ status: 'settled', micros: 7 }, 'reserved']);
  expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 7, reservedMicros: 25_000 });
  expect(await findCeos(ledger, job, ['a'])).toEqual(new Map([['a', 'Ann']]));
  expect(await ledger.check()).toEqual([]);
  await own.stop();
  notes.length = 0;
  const now = performance.now.bind(performance);
  let skippedMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + skippedMs);
  onTestFinished(() => clock.mockRestore());
  const unreachable = { code: 'LEDGER_UNREACHABLE' };
  const call = expect(ledger.getSpend(job.id)).rejects.toMatchObject(unreachable);
  await endTurn();
  skippedMs = 3_000;
  await vi.waitFor(() => expect(notes).toHaveLength(1));
  skippedMs = 121_000;
  await call;
  // The wait is over for these, too.
  await expect(ledger.getSpend(job.id)).rejects.toMatchObject(unreachable);
  await expect(ledger.listOpenBatches(job.askId)).rejects.toMatchObject(unreachable);
  expect(notes).toHaveLength(1);
  await own.start();
  expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 7 });
});

test('reports come in their order, once, and only for their job', async () => {
  const url = createSchemaUrl(server);
  const ledgers = [await open(url), await open(url)];
  const [one, two] = ledgers.map(({ handouts }) => handouts) as [Handouts, Handouts];
  await two.send('j_1', ['a', "b'\\\u0041"]);
  await two.send('j_2', ['a']);
  await two.send('j_1', ['c']);
  expect(await one.take('j_1', 2)).toEqual(['a', "b'\\\u0041"]);
  expect(await Promise.all([one.take('j_1', 2), one.take('j_2', 2)])).toEqual([['c'], ['a']]);
  expect(await one.take('j_1', 2)).toEqual([]);
  await two.send('j_1', ['d']);
  await one.clear('j_1');
  expect(await two.take('j_1', 2)).toEqual([]);
});

test('a batch whose rows went into another one is not reserved again, unless it is handed out again', async () => {
  const url = createSchemaUrl(server);
  const [coordinator, worker] = [await open(url), await open(url)];
  const handouts = coordinator.handouts as Handouts;
  const job = await openTestJob(coordinator);
  const { seen } = await coordinator.findAnswers(job, [createTestKey('a')]);
  const batch = createTestBatch(job, ['a']);
  const reserve = async (): Promise<string | undefined> => {
    const delivery = { batch, seen: [seen], invocation: job.invocation };
    return (await worker.reserveBatches([delivery], NO_LIMITS))[0]?.status;
  };
  expect(await reserve()).toBe('reserved');
  // A worker has it.
  expect(await handouts.retire(batch)).toBe('open');
  await worker.releaseBatch(batch.id, 'no such run');
  expect(await handouts.retire(batch)).toBe('retired');
  expect(await handouts.retire(batch)).toBe('retired');
  expect(await reserve()).toBe('changed');
  await handouts.restore([batch.id]);
  expect(await reserve()).toBe('reserved');
  await settleTestBatch(worker, batch, createTestRun('run_1'));
  expect(await handouts.retire(batch)).toBe('settled');
  expect(await coordinator.getSpend(job.id)).toMatchObject({ reservedMicros: 0 });
});

test('batches that are withdrawn do not start, but for those whose request may have left', async () => {
  const url = createSchemaUrl(server);
  const [coordinator, worker] = [await open(url), await open(url)];
  for (const ledger of [coordinator, worker]) await ledger.enterAccount((salt) => `${salt} key`);
  const job = await openTestJob(coordinator);
  const { seen } = await coordinator.findAnswers(job, [createTestKey('a')]);
  const reserve = async (name: string, of = job) => {
    const batch = createTestBatch(of, [name]);
    const delivery = { batch, seen: [seen], invocation: of.invocation };
    const [verdict] = await worker.reserveBatches([delivery], NO_LIMITS);
    return { batch, ...verdict };
  };
  const take = (id: string, perSecond = 0) => worker.takePlace(id, perSecond, NEVER, 10);
  const [leaving, sent, waiting, unplaced] = [
    ...[await reserve('a'), await reserve('b')],
    ...[await reserve('c'), await reserve('d')],
  ].map(({ batch }) => batch) as [Batch, Batch, Batch, Batch];
  expect(await take(leaving.id)).toBe(true);
  expect(await take(sent.id, 2)).toBe(true);
  await worker.markStarted(sent, 'run_b');
  // It has a place, and waits for its start.
  const later = take(waiting.id, 2);
  await expect
    .poll(async () => (await connect(url)).query('select 1 from batch where has_place and not leaves'))
    .toMatchObject({ rowCount: 1 });
  const ids = await coordinator.handouts?.withdraw(job);
  expect(ids).toEqual([waiting.id, unplaced.id]);
  expect([await later, await take(unplaced.id)]).toEqual([false, false]);
  expect(await reserve('e')).toMatchObject({ status: 'withdrawn' });
  const open_ = await coordinator.listOpenBatches(job.askId);
  expect(open_.map(({ batch }) => batch.id)).toEqual([leaving.id, sent.id]);
  expect(await coordinator.getSpend(job.id)).toMatchObject({
    reservedMicros: leaving.reserveMicros + sent.reserveMicros,
  });
  // The next invocation hands out its own.
  const next = await openTestJob(coordinator);
  expect(await take((await reserve('f', next)).batch.id)).toBe(true);
});

test('a batch is not reserved once the job that handed it out has ended', async () => {
  const url = createSchemaUrl(server);
  const [coordinator, worker] = [await open(url), await open(url)];
  const job = await openTestJob(coordinator);
  const { seen } = await coordinator.findAnswers(job, [createTestKey('a')]);
  await coordinator.closeJob(job.id, { stop: 'interrupted', counts: null, finished: null });
  const delivery = { batch: createTestBatch(job, ['a']), seen: [seen], invocation: job.invocation };
  expect(await worker.reserveBatches([delivery], NO_LIMITS)).toEqual([{ status: 'withdrawn' }]);
});

describe('a connection that hangs', () => {
  test.each([
    ['swallow', 1],
    ['mute', 1],
    ['keep', 1],
    ['swallow', 2],
    ['mute', 2],
    ['keep', 2],
  ] as const)(
    'is given up, and no call is lost or done twice (%s, messages on their way: %i)',
    async (how, messages) => {
      const url = createSchemaUrl(server);
      const proxy = await openPostgresProxy(url);
      const ledger = await open(proxy.url, { hangMs: 1_500 });
      const job = await openTestJob(ledger);
      const parts = createTestJob(createTestAsk('Another'), '/data/other.csv');
      const unused = await openTestJob(ledger, createTestAsk('Unused'), '/data/unused.csv');
      const batches = ['a', 'b', 'c'].map((company) => createTestBatch(job, [company]));
      const [first, second, third] = batches as [never, never, never];
      await reserveTestBatch(ledger, first);
      await ledger.markStarted(first, 'run_a');
      const { connections } = proxy;
      proxy.behave(how);
      const answers = [createTestAnswer('a', { ceo: 'Ann' }, 'run_a')];
      const sent = [
        settleTestBatch(ledger, first, createTestRun('run_a', 7), answers),
        ledger.reserveBatches([{ batch: second, seen: [0] }], NO_LIMITS),
      ];
      if (messages === 2) for (let turn = 0; turn < 3; turn += 1) await endTurn();
      const waiting = Promise.all([
        ...sent,
        ledger.recordFailures(job.id, [{ key: createTestKey('z'), reason: 'too large' }]),
        // Its own change, written before the reply was lost, is not that of somebody else.
        ledger.putHumanAnswers(job.id, [{ key: createTestKey('y'), values: { ceo: 'Zoe' } }], 0),
        ledger.openJob(parts),
        openTestJob(ledger),
        ledger.dropUnusedJob(unused.id),
      ]);
      // It has noticed, and tries again.
      await expect.poll(() => proxy.connections).toBeGreaterThan(connections);
      proxy.behave('pass');
      expect(await waiting).toMatchObject([
        { status: 'settled', micros: 7 },
        [{ status: 'reserved' }],
        undefined,
        true,
        { invocation: 1 },
        { invocation: 2 },
        true,
      ]);
      const { id } = await ledger.getJob((await ledger.previewJob(parts)).id);
      expect(await ledger.dropUnusedJob(id)).toBe(true);
      expect(await ledger.listOlderAnswers(job.askId, createTestKey('y'))).toEqual([]);
      expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 7, reservedMicros: 25_000 });
      // What was kept arrives late: the server refuses it, or has done it once.
      await ledger.releaseBatch((second as { id: string }).id, 'never sent');
      await reserveTestBatch(ledger, third);
      const other = await open(url);
      expect(await other.listOpenBatches(job.askId)).toMatchObject([{ batch: third }]);
      expect(await other.getSpend(job.id)).toMatchObject({ spentMicros: 7, reservedMicros: 25_000 });
      expect(await other.listJobs()).toMatchObject([{ answered: 1, failed: 1 }]);
      expect(await other.check()).toEqual([]);
    },
  );
});

describe('a message whose predecessor has no reply yet', () => {
  async function openAsks() {
    const url = createSchemaUrl(server);
    const proxy = await openPostgresProxy(url);
    const ledger = await open(proxy.url);
    const jobs = [
      await openTestJob(ledger, createTestAsk('one')),
      await openTestJob(ledger, createTestAsk('two')),
    ];
    const batches = jobs.map((job) => createTestBatch(job, ['a']));
    const reserve = (index: number) =>
      ledger.reserveBatches([{ batch: batches[index] as Batch, seen: [0] }], NO_LIMITS);
    return { url, proxy, ledger, reserve, database: await connect(url) };
  }

  test('leaves at once, and a third one waits', async () => {
    const { proxy, ledger, reserve } = await openAsks();
    const before = proxy.messages;
    proxy.behave('keep');
    const calls = [reserve(0)];
    await expect.poll(() => proxy.messages).toBe(before + 1);
    calls.push(reserve(1));
    await expect.poll(() => proxy.messages).toBe(before + 2);
    const third = ledger.countJobs();
    for (let turn = 0; turn < 5; turn += 1) await endTurn();
    expect(proxy.messages).toBe(before + 2);
    proxy.behave('pass');
    expect(await Promise.all(calls)).toEqual([[{ status: 'reserved' }], [{ status: 'reserved' }]]);
    expect(await third).toBe(2);
    expect(await ledger.check()).toEqual([]);
  });

  test('takes effect if that one has to be sent again, which goes before all later ones', async () => {
    const { proxy, ledger, reserve, database } = await openAsks();
    await database.query('begin; select 1 from ask_count where ask = 1 for update');
    const before = proxy.messages;
    const ended: string[] = [];
    const first = reserve(0).then(() => ended.push('first'));
    await expect.poll(() => proxy.messages).toBe(before + 1);
    const second = reserve(1).then(() => ended.push('second'));
    // The first one has waited for the lock in vain.
    await second;
    const later = ledger.countJobs().then(() => ended.push('later'));
    await database.query('commit');
    await Promise.all([first, later]);
    expect(ended).toEqual(['second', 'first', 'later']);
    expect(await ledger.check()).toEqual([]);
  });

  test('is not sent if it is the last words of the process', async () => {
    const { url, proxy, ledger, reserve } = await openAsks();
    const before = proxy.messages;
    proxy.behave('keep');
    const call = reserve(0);
    await expect.poll(() => proxy.messages).toBe(before + 1);
    const closing = ledger.close();
    for (let turn = 0; turn < 5; turn += 1) await endTurn();
    expect(proxy.messages).toBe(before + 1);
    proxy.behave('pass');
    expect(await call).toEqual([{ status: 'reserved' }]);
    await closing;
    // Another process may go on with it at once.
    const other = await open(url);
    expect((await other.adoptBatches(createTestAsk('one').id)).length).toBe(1);
  });
});

test('a process that is alone starts its runs without a message for each', async () => {
  const proxy = await openPostgresProxy(createSchemaUrl(server));
  const ledger = await open(proxy.url);
  await ledger.enterAccount((salt) => salt);
  const job = await openTestJob(ledger);
  const batches = ['a', 'b', 'c', 'd'].map((company) => createTestBatch(job, [company]));
  for (const batch of batches) await reserveTestBatch(ledger, batch);
  const before = proxy.messages;
  await Promise.all(batches.map(({ id }) => ledger.takePlace(id, 2, NEVER)));
  expect(proxy.messages).toBe(before + 1);
});

test('works through a pooler in transaction mode, which gives each transaction another session', async () => {
  const url = createSchemaUrl(server);
  const pooled = await openPooler(url);
  const ledgers = await Promise.all([1, 2].map(() => open(pooled)));
  const [one, two] = ledgers as [Ledger, Ledger];
  const job = await openTestJob(one);
  for (const [index, ledger] of [one, two, one, two].entries()) {
    await settleTestRun(ledger, job, [`Company ${index}`, 'Acme'], {
      ceo: `Ann ${index}`,
      attempt: index + 1,
    });
  }
  expect(await one.acquireLease('job:1')).toEqual({ status: 'held' });
  expect(await two.acquireLease('job:1')).toMatchObject({ status: 'busy' });
  expect(await findCeos(two, job, ['Company 0', 'Company 3'])).toEqual(
    new Map([
      ['Company 0', 'Ann 0'],
      ['Company 3', 'Ann 3'],
    ]),
  );
  expect(await two.listJobs()).toMatchObject([{ answered: 5, spentMicros: 8 }]);
  expect(await one.check()).toEqual([]);
});

test('a message that loses a deadlock is sent again', async () => {
  const url = createSchemaUrl(server);
  const ledger = await open(url);
  const jobs = [
    await openTestJob(ledger, createTestAsk('one')),
    await openTestJob(ledger, createTestAsk('two')),
  ];
  const [one, two] = jobs as [never, never];
  const database = await connect(url);
  // In the other order than the ledger.
  const lock = (number: number) =>
    database.query('select 1 from ask_count where ask = $1 for update', [number]);
  await database.query("set deadlock_timeout = '10min'; begin");
  await lock(2);
  const reserving = ledger.reserveBatches(
    [createTestBatch(one, ['a']), createTestBatch(two, ['a'])].map((batch) => ({ batch, seen: [0] })),
    NO_LIMITS,
  );
  await expect
    .poll(async () => (await database.query('select 1 from pg_locks where not granted')).rowCount)
    .toBeGreaterThan(0);
  await lock(1);
  await database.query('commit');
  expect(await reserving).toEqual([{ status: 'reserved' }, { status: 'reserved' }]);
  expect(await ledger.check()).toEqual([]);
});

/** Creates a user without any right, until the test ends, and the URL of a new ledger for it. */
async function createUser() {
  const url = createSchemaUrl(server);
  const database = await connect(url);
  const name = `rowfill_test_user_${Math.random().toString(36).slice(2, 10)}`;
  await database.query(`create role ${name} login`);
  onTestFinished(async () => {
    await database.query(`drop owned by ${name}; drop role ${name}`);
  });
  const own = new URL(url);
  if (own.searchParams.has('user')) own.searchParams.set('user', name);
  else own.username = name;
  return { url, own: own.href, name, database };
}

/** Creates a ledger, and a user who may use it. */
async function createColleague() {
  const { url, own, name, database } = await createUser();
  await (await open(url)).close();
  const schema = new URL(url).searchParams.get('schema') ?? '';
  await database.query(`grant usage on schema ${schema} to ${name};
    grant all on all tables in schema ${schema} to ${name}; grant all on all sequences in schema ${schema} to ${name}`);
  return { own, name, schema, database };
}

describe('an error of the server', () => {
  /** A ledger whose next renewals of its holder fail with a code, and then no more. */
  async function openFailing(code: string, times: number) {
    const url = createSchemaUrl(server);
    const ledger = await open(url);
    const job = await openTestJob(ledger);
    const database = await connect(url);
    // A sequence, because the rest is undone.
    await database.query(`create sequence failed;
      create function fail() returns trigger language plpgsql as $$ begin
        if nextval('failed') <= ${times} then raise exception 'broken' using errcode = '${code}'; end if;
        return new;
      end $$;
      create trigger fail before update on holder for each row execute function fail();`);
    return { ledger, batch: createTestBatch(job, ['a']) };
  }

  test.each(['40001', '53200', '57014', '57P05', '25P03', '08006'])(
    'that passes is waited for (%s)',
    async (code) => {
      const { ledger, batch } = await openFailing(code, 2);
      expect(await tryReserve(ledger, batch)).toBe('reserved');
      expect(await ledger.check()).toEqual([]);
    },
  );

  test.each([
    ['58030', 'unreachable', 'LEDGER_UNREACHABLE'],
    ['53100', 'usage', 'LEDGER_FULL'],
    ['XX001', 'usage', 'LEDGER_DAMAGED'],
  ])('that stays is no bug (%s)', async (code, kind, name) => {
    const { ledger, batch } = await openFailing(code, 9);
    await expect(reserveTestBatch(ledger, batch)).rejects.toMatchObject({ kind, code: name });
  });

  test.each(['revoke', 'rename'])(
    'that hides the tables names the rights to the schema (%s)',
    async (how) => {
      const { own, name, schema, database } = await createColleague();
      const ledger = await open(own);
      const job = await openTestJob(ledger);
      await database.query(
        how === 'revoke'
          ? `revoke usage on schema ${schema} from ${name}`
          : `alter schema ${schema} rename to ${schema}_gone`,
      );
      onTestFinished(async () => {
        if (how === 'rename') await database.query(`drop schema ${schema}_gone cascade`);
      });
      const refused = { kind: 'usage', code: 'LEDGER_NO_RIGHTS' };
      await expect(ledger.getSpend(job.id)).rejects.toMatchObject(refused);
      await expect(reserveTestBatch(ledger, createTestBatch(job, ['a']))).rejects.toMatchObject(refused);
    },
  );

  test.each(['job (x int)', 'format (name text)', 'batch (id text)'])(
    'of a schema with a table of another program is no bug: %s',
    async (table) => {
      const url = createSchemaUrl(server);
      const schema = new URL(url).searchParams.get('schema') ?? '';
      const database = await connect(url);
      await database.query(`create schema ${schema}; create table ${schema}.${table}`);
      const error = { kind: 'usage', code: 'LEDGER_NOT_A_LEDGER' };
      await expect(openPostgresLedger(url)).rejects.toMatchObject(error);
    },
  );

  test('that only one of two connections meets is given up after two minutes', async () => {
    const { own, name, database } = await createColleague();
    await database.query(`alter role ${name} connection limit 1`);
    const ledger = await open(own);
    const job = await openTestJob(ledger);
    const now = performance.now.bind(performance);
    let skippedMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + skippedMs);
    onTestFinished(() => clock.mockRestore());
    const notes: string[] = [];
    const waiting = expect(ledger.findAnswers(job, [createTestKey('a')])).rejects.toMatchObject({
      code: 'LEDGER_UNREACHABLE',
    });
    for (let minute = 0; minute < 3; minute += 1) {
      // The other one goes on well.
      for (let time = 0; time < 3; time += 1) notes.push(String(await ledger.countJobs()));
      skippedMs += 60_000;
    }
    await waiting;
    expect(new Set(notes)).toEqual(new Set(['1']));
  });
});

describe('a user without the right to create', () => {
  test('gets the statement for the administrator, and works after it', async () => {
    const { own, name, database } = await createUser();
    const error = await openPostgresLedger(own).catch((reason: unknown) => reason as { hint: string });
    expect(error).toMatchObject({ kind: 'usage', code: expect.stringContaining('RIGHTS') });
    const statements = /CREATE SCHEMA .*;/.exec((error as { hint: string }).hint)?.[0] ?? '';
    await database.query(statements.replaceAll('<user>', name));
    const ledger = await open(own);
    expect((await openTestJob(ledger)).invocation).toBe(1);
    await ledger.close();
  });

  test('can use a ledger that another one has created, once it is granted', async () => {
    const { url, own, name, database } = await createUser();
    await (await open(url)).close();
    const error = await openPostgresLedger(own).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: expect.stringContaining('RIGHTS') });
    const statements = /GRANT .*;/.exec((error as { hint: string }).hint)?.[0] ?? '';
    await database.query(statements.replaceAll('<user>', name).replaceAll('<owner>', 'current_user'));
    const ledger = await open(own);
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['a'], { ceo: 'Ann' });
    expect(await ledger.check()).toEqual([]);
    await ledger.close();
  });
});

test('says that the server cannot be reached, without the password', async () => {
  const error = await openPostgresLedger('postgres://me:secret-word@127.0.0.1:1/db').catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({
    code: 'LEDGER_UNREACHABLE',
    message: expect.stringContaining('127.0.0.1:1/db'),
  });
  expect(JSON.stringify([String(error), (error as { hint: string }).hint])).not.toContain('secret-word');
});

test('a clock that the test sets is the server’s', async () => {
  const serverClock = createTestClock(5_000);
  const ledger = await open(createSchemaUrl(server), { serverClock });
  await openTestJob(ledger);
  expect(await ledger.listJobs()).toMatchObject([{ openedAtMs: 5_000 }]);
});
