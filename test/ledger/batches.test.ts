import { describe, expect, test } from 'vitest';
import type { Ledger, LedgerOptions } from '../../src/ledger/ledger.js';
import type { Batch } from '../../src/model/batch.js';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestKey,
  createTestRun,
  findTestAnswer,
  NO_LIMITS,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
  tryReserve,
} from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

describe.each(STORES)('batches in $name', (store) => {
  const open = (options: LedgerOptions = {}): Promise<Ledger> => openStore(store, undefined, options);

  test('a batch goes from intended to sent to settled, and its answers are stored unchanged', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme', 'Globex']);
    await reserveTestBatch(ledger, batch);
    expect(await ledger.getSpend(job.id)).toEqual({
      spentMicros: 0,
      reservedMicros: 25_000,
      estimatedMicros: 0,
    });
    expect(await ledger.listOpenBatches(job.askId)).toEqual([
      { batch, ask: null, state: 'intended', runId: null, intendedAtMs: 1_000_000 },
    ]);
    await ledger.markStarted(batch, 'run_1');
    expect(await ledger.listOpenBatches(job.askId)).toMatchObject([{ state: 'sent', runId: 'run_1' }]);

    const acme = createTestAnswer('Acme', { ceo: 'Ann "Ace" O’Neil\n', headcount: 12 }, 'run_1');
    const failure = { key: createTestKey('Globex'), reason: 'no answer' };
    const settled = await settleTestBatch(ledger, batch, createTestRun('run_1', 20_001), [acme], [failure]);
    const spend = { spentMicros: 20_001, reservedMicros: 0, estimatedMicros: 0 };
    expect(settled).toEqual({
      status: 'settled',
      micros: 20_001,
      isEstimated: false,
      spend,
      merged: new Map(),
      seen: expect.any(Number),
    });
    expect(await ledger.listOpenBatches(job.askId)).toEqual([]);
    expect(await ledger.getSpend(job.id)).toEqual(spend);
    const keys = ['Acme', 'Globex', 'Nobody'].map(createTestKey);
    const found = await ledger.findAnswers(job, keys);
    expect(found.seen).toBe(settled.seen);
    expect(found.elsewhere.size).toBe(0);
    expect([...found.answers]).toEqual([
      [
        acme.key,
        {
          fields: new Map(
            [...acme.fields].map(([name, field]) => [
              name,
              { ...field, foundAtMs: 1_000_000, sentAtMs: 1_000_000 },
            ]),
          ),
          failure: null,
          failureInvocation: null,
          costMicros: 10_001,
          estimatedMicros: 0,
          runId: 'run_1',
          answeredJobId: job.id,
          answeredInvocation: 1,
          answeredAtMs: 1_000_000,
        },
      ],
      [
        failure.key,
        {
          fields: new Map(),
          failure: 'no answer',
          failureInvocation: 1,
          costMicros: 10_000,
          estimatedMicros: 0,
          runId: 'run_1',
          answeredJobId: null,
          answeredInvocation: null,
          answeredAtMs: null,
        },
      ],
    ]);
  });

  test('restores an open batch completely: rows, fields, effort, previous run and complaint', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    const record = JSON.parse(
      '{"company":"Ünï\\u0000\\ud800 \\"Ltd\\"","__proto__":"a column","n":1e21,"deep":[null,{"a":[]}]}',
    );
    const batch = createTestBatch(job, [], {
      attempt: 3,
      effort: 'high',
      fields: ['headcount'],
      rows: [{ key: createTestKey('x'), record, fault: 'a string where a number was asked' }],
      previousRunId: 'run_0',
      complaint: 'row r1 was missing',
      refresh: true,
    });
    await reserveTestBatch(ledger, batch);
    for (const each of [ledger, await openStore(store, place)]) {
      const [found] = await each.listOpenBatches(job.askId);
      expect(JSON.stringify(found?.batch)).toBe(JSON.stringify(batch));
    }
  });

  test('lists open batches of all jobs of an ask, oldest first, with their state', async () => {
    const clock = createTestClock();
    const ledger = await open({ clock });
    const one = await openTestJob(ledger, createTestAsk(), '/data/a.csv');
    const two = await openTestJob(ledger, createTestAsk(), '/data/b.csv');
    const other = await openTestJob(ledger, createTestAsk('Something else'), '/data/a.csv');
    const batches = [
      createTestBatch(one, ['a']),
      createTestBatch(two, ['b']),
      createTestBatch(one, ['c']),
      createTestBatch(two, ['d']),
    ] as const;
    for (const batch of batches) {
      clock.nowMs += 1_000;
      await reserveTestBatch(ledger, batch);
    }
    await reserveTestBatch(ledger, createTestBatch(other, ['a']));
    await ledger.markStarted(batches[0], 'run_a');
    await ledger.markUnknown(batches[1].id, 'the list failed too');
    await ledger.releaseBatch(batches[2].id, 'not in the list');
    const listed = await ledger.listOpenBatches(one.askId);
    expect(
      listed.map(({ batch, state, runId, intendedAtMs }) => [batch.id, state, runId, intendedAtMs]),
    ).toEqual([
      [batches[0].id, 'sent', 'run_a', 1_001_000],
      [batches[1].id, 'unknown', null, 1_002_000],
      [batches[3].id, 'intended', null, 1_004_000],
    ]);
    expect(await ledger.listOpenBatches('a_nobody')).toEqual([]);
  });

  test('a released batch frees its money and may be reserved again; an unknown one keeps it', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme']);
    await reserveTestBatch(ledger, batch);
    expect(await ledger.markUnknown(batch.id, 'cannot tell')).toBe(true);
    expect(await ledger.markUnknown(batch.id, 'still cannot tell')).toBe(true);
    expect((await ledger.getSpend(job.id)).reservedMicros).toBe(25_000);
    await ledger.releaseBatch(batch.id, 'the list has no such run');
    await ledger.releaseBatch(batch.id, 'the list has no such run');
    await ledger.releaseBatch('b_nobody', 'never reserved');
    // Another process has decided.
    expect(await ledger.markUnknown(batch.id, 'cannot tell')).toBe(false);
    expect((await ledger.getSpend(job.id)).reservedMicros).toBe(0);
    expect(await tryReserve(ledger, batch, { jobMicros: 25_000 })).toBe('reserved');
    expect((await ledger.getSpend(job.id)).reservedMicros).toBe(25_000);
    await ledger.markStarted(batch, 'run_1');
    expect(await ledger.markUnknown(batch.id, 'cannot tell')).toBe(true);
    expect(await ledger.listOpenBatches(job.askId)).toMatchObject([{ state: 'sent', runId: 'run_1' }]);
    // The agent lost it. The next process has looked up nothing before.
    await ledger.close();
    const next = await openStore(store, place);
    await next.adoptBatches(job.askId);
    await next.releaseBatch(batch.id, 'the agent has lost it');
    expect((await next.getSpend(job.id)).reservedMicros).toBe(0);
    expect(await next.check()).toEqual([]);
  });

  test('a process that looked up nothing can release, mark, start and settle batches of the one before it', async () => {
    const place = store.createPlace();
    const first = await openStore(store, place);
    const job = await openTestJob(first);
    const batches = ['a', 'b', 'c', 'd'].map((company) =>
      createTestBatch(job, [company], { reserveMicros: 10 }),
    );
    for (const batch of batches) await reserveTestBatch(first, batch);
    await first.close();
    const steps: ((ledger: Ledger) => Promise<unknown>)[] = [
      (ledger) => ledger.releaseBatch(batches[0]?.id ?? '', 'no such run'),
      (ledger) => ledger.markUnknown(batches[1]?.id ?? '', 'cannot tell'),
      (ledger) => ledger.markStarted(batches[2] as never, 'run_c'),
      (ledger) => settleTestBatch(ledger, batches[3] as never, createTestRun('run_d', 7)),
    ];
    for (const step of steps) {
      const ledger = await openStore(store, place);
      await step(ledger);
      await ledger.close();
    }
    const last = await openStore(store, place);
    expect(await last.listOpenBatches(job.askId)).toMatchObject([{ state: 'unknown' }, { runId: 'run_c' }]);
    expect(await last.getSpend(job.id)).toEqual({ spentMicros: 7, reservedMicros: 20, estimatedMicros: 0 });
    expect(await last.check()).toEqual([]);
  });

  test('a run that appears after its batch was released counts again', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme']);
    await reserveTestBatch(ledger, batch);
    await ledger.releaseBatch(batch.id, 'the list lagged');
    await ledger.markStarted(batch, 'run_1');
    expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 0, reservedMicros: 25_000 });
    expect(await ledger.listOpenBatches(job.askId)).toMatchObject([{ batch, state: 'sent', runId: 'run_1' }]);
    await settleTestBatch(ledger, batch, createTestRun('run_1'), [
      createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1'),
    ]);
    expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 25_000, reservedMicros: 0 });
  });

  test('a run settled right after its batch was released is billed, and no reservation is freed twice', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme']);
    await reserveTestBatch(ledger, batch);
    await ledger.releaseBatch(batch.id, 'the list lagged');
    const failure = { key: createTestKey('Acme'), reason: 'no answer' };
    const settled = await settleTestBatch(ledger, batch, createTestRun('run_1', 7), [], [failure]);
    expect(settled).toMatchObject({ status: 'settled', spend: { spentMicros: 7, reservedMicros: 0 } });
    expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 7, reservedMicros: 0 });
  });

  test('a run that appears after its batch was released is as old as its batch, in every process', async () => {
    const place = store.createPlace();
    const clock = createTestClock(1_000);
    const [one, two] = [await openStore(store, place, { clock }), await openStore(store, place, { clock })];
    const job = await openTestJob(one);
    const late = ['a', 'b'].map((company) => createTestBatch(job, [company], { attempt: 9 })) as [
      Batch,
      Batch,
    ];
    for (const batch of late) await reserveTestBatch(one, batch);
    for (const { id } of late) await two.releaseBatch(id, 'the list lagged');
    clock.nowMs = 2_000;
    for (const company of ['a', 'b']) await settleTestRun(one, job, [company], { ceo: 'New' });
    clock.nowMs = 3_000;
    for (const [index, ledger] of [one, two].entries()) {
      const batch = late[index] as Batch;
      const company = index === 0 ? 'a' : 'b';
      const answers = [createTestAnswer(company, { ceo: 'Old', headcount: 2 }, `run_${index}`)];
      await ledger.markStarted(batch, `run_${index}`);
      expect(await ledger.listOpenBatches(job.askId)).toMatchObject([{ intendedAtMs: 1_000 }]);
      await settleTestBatch(ledger, batch, createTestRun(`run_${index}`), answers);
      const found = await findTestAnswer(ledger, job, company);
      expect([...(found?.fields ?? [])].map(([name, { value }]) => [name, value])).toEqual([
        ['ceo', 'New'],
        ['headcount', 2],
      ]);
    }
  });

  test('repeating a step changes nothing', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme']);
    const answer = createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1');
    await reserveTestBatch(ledger, batch);
    await ledger.markStarted(batch, 'run_1');
    await ledger.markStarted(batch, 'run_1');
    const cost = { micros: 30_000, isEstimated: false };
    const first = await settleTestBatch(ledger, batch, createTestRun('run_1', 30_000), [answer]);
    expect(first).toMatchObject({ ...cost, status: 'settled' });
    const other = [createTestAnswer('Acme', { ceo: 'Bob' }, 'run_1')];
    const second = await settleTestBatch(ledger, batch, createTestRun('run_1', 7), other);
    expect(second).toMatchObject({ ...cost, status: 'known', merged: new Map(), spend: first.spend });
    // Its id cannot be read now, or another run turns up for it.
    for (const run of [createTestRun(''), createTestRun('run_2', 9)]) {
      expect(await settleTestBatch(ledger, batch, run)).toMatchObject({ ...cost, status: 'known' });
    }
    await ledger.markStarted(batch, 'run_1');
    await ledger.releaseBatch(batch.id, 'gone');
    expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 30_000, reservedMicros: 0 });
    expect(await ledger.listOpenBatches(job.askId)).toEqual([]);
    expect(await findTestAnswer(ledger, job, 'Acme')).toMatchObject({
      fields: answer.fields,
      costMicros: 30_000,
    });
  });

  test('a run that settled another batch settles nothing, unless that batch was sent to another agent', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const [first, second] = [createTestBatch(job, ['a']), createTestBatch(job, ['b'])];
    const elsewhere = await openTestJob(ledger, {
      ...createTestAsk(),
      id: 'a_elsewhere',
      agent: 'https://other',
    });
    const third = createTestBatch(elsewhere, ['a']);
    for (const batch of [first, second, third]) await reserveTestBatch(ledger, batch);
    await settleTestBatch(ledger, first, createTestRun('run_1', 5));
    const answer = createTestAnswer('b', { ceo: 'Ann' }, 'run_1');
    expect(await settleTestBatch(ledger, second, createTestRun('run_1', 5), [answer])).toMatchObject({
      status: 'foreign',
      micros: 0,
      spend: { spentMicros: 5, reservedMicros: 25_000 },
    });
    expect(await ledger.listOpenBatches(job.askId)).toMatchObject([{ batch: second }]);
    expect(await findTestAnswer(ledger, job, 'b')).toBeUndefined();
    expect(await settleTestBatch(ledger, third, createTestRun('run_1', 6))).toMatchObject({
      status: 'settled',
    });
    // An agent that restarted may give the same id again, to a run that names its batch.
    const named = createTestRun('run_1', 3);
    const fourth = createTestBatch(job, ['d']);
    await reserveTestBatch(ledger, fourth);
    const request = { metadata: { rowfill_batch: fourth.id } } as never;
    const fourthAnswer = createTestAnswer('d', { ceo: 'Dan' }, 'run_1');
    expect(await settleTestBatch(ledger, fourth, { ...named, request }, [fourthAnswer])).toMatchObject({
      status: 'settled',
    });
    expect(await settleTestBatch(ledger, fourth, { ...named, request }, [fourthAnswer])).toMatchObject({
      status: 'known',
      micros: 3,
    });
    expect(await findTestAnswer(ledger, job, 'd')).toMatchObject({ runId: 'run_1', costMicros: 3 });
    // A run without a usable id settles any batch.
    expect(await settleTestBatch(ledger, second, createTestRun('', 7))).toMatchObject({ status: 'settled' });
    expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 15, reservedMicros: 0 });
    expect(await ledger.check()).toEqual([]);
  });

  test('settles several batches in one call, in their order', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const batches = ['a', 'b'].map((company) =>
      createTestBatch(job, [company, 'both'], { reserveMicros: 10 }),
    );
    await ledger.reserveBatches(
      batches.map((batch) => ({ batch, seen: [0, 0] })),
      NO_LIMITS,
    );
    const settlements = batches.map((batch, index) => ({
      batch,
      run: createTestRun(`run_${index}`, 3),
      answers: [createTestAnswer('both', { ceo: `Ann ${index}` }, `run_${index}`)],
      failures: [],
    }));
    const settled = await ledger.settleBatches([...settlements, ...settlements.slice(0, 1)]);
    expect(settled.map(({ status, spend }) => [status, spend.spentMicros, spend.reservedMicros])).toEqual([
      ['settled', 3, 10],
      ['settled', 6, 0],
      ['known', 6, 0],
    ]);
    const key = createTestKey('both');
    expect(settled.map(({ merged }) => merged.get(key)?.get('ceo')?.value)).toEqual([
      undefined,
      'Ann 1',
      undefined,
    ]);
    expect((settled[1]?.seen ?? 0) > (settled[0]?.seen ?? 0)).toBe(true);
    expect(await ledger.settleBatches([])).toEqual([]);
    expect(await ledger.reserveBatches([], NO_LIMITS)).toEqual([]);
  });

  test('a run without a cost keeps the reserved price as an estimate', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['a', 'b'], { reserveMicros: 9 });
    await reserveTestBatch(ledger, batch);
    const settled = await settleTestBatch(ledger, batch, createTestRun('run_1', null));
    const spend = { spentMicros: 9, reservedMicros: 0, estimatedMicros: 9 };
    expect(settled).toMatchObject({ micros: 9, isEstimated: true, spend });
    const other = createTestBatch(job, ['b'], { attempt: 2 });
    await reserveTestBatch(ledger, other);
    await settleTestBatch(ledger, other, createTestRun('run_2', 3));
    expect(await findTestAnswer(ledger, job, 'a')).toMatchObject({ costMicros: 5, estimatedMicros: 5 });
    expect(await findTestAnswer(ledger, job, 'b')).toMatchObject({ costMicros: 7, estimatedMicros: 4 });
    expect(await ledger.getSpend(job.id)).toEqual({ ...spend, spentMicros: 12 });
  });

  test('a key that is twice in a batch is one answer, and the shares add up to the bill', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme', 'Globex', 'Acme']);
    await reserveTestBatch(ledger, batch);
    const answers = ['Acme', 'Globex', 'Acme'].map((company) =>
      createTestAnswer(company, { ceo: 'Ann' }, 'run_1'),
    );
    await settleTestBatch(ledger, batch, createTestRun('run_1', 9), answers);
    const costs = ['Acme', 'Globex'].map(
      async (company) => (await findTestAnswer(ledger, job, company))?.costMicros ?? 0,
    );
    expect((await Promise.all(costs)).reduce((sum, cost) => sum + cost, 0)).toBe(9);
    expect(await ledger.listJobs()).toMatchObject([{ answered: 2 }]);
    expect((await ledger.getYield(job.id)).efforts.get('low')?.rows).toEqual({ answered: 2, filled: 2 });
    const again = createTestBatch(job, ['Hooli', 'Hooli'], { attempt: 2 });
    await reserveTestBatch(ledger, again);
    const failure = { key: createTestKey('Hooli'), reason: 'no entry' };
    await settleTestBatch(ledger, again, createTestRun('run_2', 1), [], [failure, failure]);
    expect(await ledger.listJobs()).toMatchObject([{ answered: 2, failed: 1 }]);
    expect(await ledger.listOlderAnswers(job.askId, createTestKey('Acme'))).toEqual([]);
  });

  test('rejects an invalid step as a defect and writes nothing', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme']);
    const defect = expect.objectContaining({ kind: 'defect', code: 'LEDGER_BATCH_STATE' });
    await reserveTestBatch(ledger, batch);
    await expect(tryReserve(ledger, batch)).rejects.toEqual(defect);
    expect((await ledger.getSpend(job.id)).reservedMicros).toBe(25_000);
    await ledger.markStarted(batch, 'run_1');
    await expect(ledger.markStarted(batch, 'run_2')).rejects.toEqual(defect);
    const unknown = expect.objectContaining({ code: 'JOB_UNKNOWN' });
    const nobody = createTestBatch({ ...job, id: 'j_nobody' }, ['x']);
    await expect(tryReserve(ledger, nobody)).rejects.toEqual(unknown);
    await expect(settleTestBatch(ledger, nobody, createTestRun('run_3'))).rejects.toEqual(unknown);
    await expect(
      tryReserve(ledger, createTestBatch({ ...job, id: 'j_nobody', askId: 'a_nobody' }, ['x'])),
    ).rejects.toEqual(unknown);
    // Nothing was half done, so the ledger goes on.
    await settleTestBatch(ledger, batch, createTestRun('run_1', 5));
    expect(await ledger.getSpend(job.id)).toMatchObject({ spentMicros: 5, reservedMicros: 0 });
  });

  test.each([1, 10_000])('stores the raw run unchanged, short or long (%d times)', async (times) => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    expect(await ledger.getLastRun(job.id)).toBeNull();
    const run = { ...createTestRun('run_1'), error: { message: 'ünï "code"'.repeat(times) } };
    for (const [index, each] of [run, createTestRun('run_2')].entries()) {
      const batch = createTestBatch(job, ['Acme'], { attempt: index + 1 });
      await reserveTestBatch(ledger, batch);
      await settleTestBatch(ledger, batch, each);
    }
    const other = await openTestJob(ledger, createTestAsk(), '/data/other.csv');
    await ledger.close();
    const again = await openStore(store, place);
    expect(await again.getRun('run_1')).toEqual(run);
    expect(await again.getRun('run_3')).toBeNull();
    expect(await again.getLastRun(job.id)).toEqual(createTestRun('run_2'));
    expect(await again.getLastRun(other.id)).toBeNull();
    expect(await again.getLastRun('j_nobody')).toBeNull();
  });

  test('lists the runs of this process that the file may not have, with their cost', async () => {
    const ledger = await open();
    const job = await openTestJob(ledger);
    const [working, ended, spoilt] = ['a', 'b', 'c'].map((company) => createTestBatch(job, [company])) as [
      ReturnType<typeof createTestBatch>,
      ReturnType<typeof createTestBatch>,
      ReturnType<typeof createTestBatch>,
    ];
    for (const batch of [working, ended, spoilt]) {
      await reserveTestBatch(ledger, batch);
      await ledger.markStarted(batch, `run_${batch.id}`);
    }
    await settleTestBatch(ledger, ended, createTestRun(`run_${ended.id}`, 7_000));
    await settleTestBatch(ledger, spoilt, createTestRun(''));
    expect(ledger.listRecentRuns()).toEqual([
      `run_${working.id} (may still be running)`,
      `run_${ended.id} ($0.007)`,
      `run_${spoilt.id} ($0.025)`,
    ]);
    expect(ledger.findMove()).toBeNull();
    // The ledger is in place, so what was written is safe.
    expect(ledger.listRecentRuns()).toEqual([`run_${working.id} (may still be running)`]);
  });
});
