import { describe, expect, test } from 'vitest';
import type { JobEnd } from '../../src/ledger/ledger.js';
import { ROW_STATUSES, type RowCounts } from '../../src/model/answer.js';
import { createAsk } from '../../src/model/ask.js';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestJob,
  createTestKey,
  createTestRun,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
} from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

const DONE: JobEnd = { stop: 'done', counts: null, finished: null };

function createCounts(changes: Partial<RowCounts>): RowCounts {
  const zeros = Object.fromEntries(ROW_STATUSES.map((status) => [status, 0])) as Record<
    (typeof ROW_STATUSES)[number],
    number
  >;
  return { ...zeros, total: 0, ...changes };
}

describe.each(STORES)('jobs in $name', (store) => {
  test('reads a job with its ask, paths and settings, by its id or a prefix', async () => {
    const place = store.createPlace();
    const ask = createTestAsk();
    const ledger = await openStore(store, place);
    const { previous, ...job } = await openTestJob(ledger, ask);
    expect(previous).toBeNull();
    await ledger.close();
    const again = await openStore(store, place);
    for (const id of [job.id, job.id.slice(0, 6), job.id.slice(2, 6)]) {
      expect(await again.getJob(id)).toEqual(job);
    }
    expect(await again.findJob(ask.id, '/data/in.csv')).toEqual(job);
    expect(await again.findJob(ask.id, '/data/other.csv')).toBeNull();
    expect(await again.findJob('a_nobody', '/data/in.csv')).toBeNull();
  });

  test('each sheet of a workbook is another input', async () => {
    const ledger = await openStore(store);
    const parts = { input: '/data/book.xlsx', output: '/data/out.xlsx' };
    const first = await ledger.openJob({ ...parts, ask: createTestAsk(), settings: { sheet: 'A' } });
    const other = { ...parts, ask: createTestAsk('Another.'), settings: { sheet: 'B' } };
    expect(await ledger.openJob(other)).toMatchObject({ invocation: 1, previous: null });
    const changed = await ledger.previewJob({ ...other, settings: { sheet: 'A' } });
    expect(changed.previous?.id).toBe(first.id);
    expect(await ledger.findJob(first.askId, parts.input, 'A')).toMatchObject({ id: first.id });
    expect(await ledger.findJob(first.askId, parts.input, 'B')).toBeNull();
    expect((await ledger.listJobs()).map(({ sheet }) => sheet)).toEqual(['B', 'A']);
  });

  test('rejects an unknown or ambiguous id with a hint', async () => {
    const ledger = await openStore(store);
    const unknown = expect.objectContaining({
      kind: 'usage',
      code: 'JOB_UNKNOWN',
      hint: expect.stringContaining('rowfill status'),
    });
    await expect(ledger.getJob('j_zzzz')).rejects.toEqual(unknown);
    // Of 17 jobs, two ids start with the same of 16 digits.
    const jobs = await Promise.all(
      Array.from({ length: 17 }, (_, index) => openTestJob(ledger, createTestAsk(), `/data/${index}`)),
    );
    for (const id of ['j_zzzz', '%', '', 'j_', '_'])
      await expect(ledger.getJob(id), id).rejects.toEqual(unknown);
    const starts = jobs.map(({ id }) => id.slice(0, 3));
    const shared = starts.find((start, index) => starts.indexOf(start) !== index) ?? '';
    await expect(ledger.getJob(shared)).rejects.toMatchObject({ kind: 'usage', code: 'JOB_AMBIGUOUS' });
    await expect(ledger.closeJob('j_zzzz', DONE)).rejects.toEqual(unknown);
    await expect(ledger.recordFailures('j_zzzz', [{ key: createTestKey('a'), reason: 'r' }])).rejects.toEqual(
      unknown,
    );
    await expect(ledger.findPassedBudget('j_zzzz', { jobMicros: 1, day: null })).rejects.toEqual(unknown);
  });

  test('the same ask on the same input is the same job, with a higher invocation', async () => {
    const ledger = await openStore(store);
    const first = await openTestJob(ledger);
    await ledger.closeJob(first.id, { ...DONE, stop: 'interrupted' });
    const again = await openTestJob(ledger);
    expect(again).toMatchObject({ id: first.id, invocation: 2, stop: 'interrupted', previous: null });
    expect(await openTestJob(ledger)).toMatchObject({ invocation: 3, stop: null });
    expect((await openTestJob(ledger, createTestAsk(), '/data/other.csv')).id).not.toBe(first.id);
    expect((await openTestJob(ledger, createTestAsk('Another'))).id).not.toBe(first.id);
  });

  test('a preview is the job that would be opened, and stores nothing', async () => {
    const ledger = await openStore(store);
    const parts = createTestJob(createTestAsk(), '/data/in.csv', { folder: 'drop', keepGoing: true });
    const preview = await ledger.previewJob(parts);
    expect(await ledger.countJobs()).toBe(0);
    expect(await ledger.openJob(parts)).toEqual(preview);
    await ledger.closeJob(preview.id, { stop: 'budget', counts: createCounts({ total: 2 }), finished: null });
    const next = await ledger.previewJob(parts);
    expect(next).toMatchObject({ invocation: 2, stop: 'budget', counts: { total: 2 } });
    expect(await ledger.previewJob(parts)).toEqual(next);
    expect(await ledger.openJob(parts)).toEqual(next);
    expect(await ledger.countJobs()).toBe(1);
  });

  test('an opened job has the new output and settings, and no earlier place, stop or finished output', async () => {
    const ledger = await openStore(store);
    const { id } = await openTestJob(ledger);
    const finished = { path: '/out.csv', size: 3 } as never;
    await ledger.closeJob(id, { stop: 'done', counts: createCounts({ total: 1 }), finished });
    await ledger.placeJobs('/data/in.csv', { input: '/done/in.csv', output: null }, null);
    expect(await ledger.getJob(id)).toMatchObject({
      stop: 'done',
      finished,
      place: { input: '/done/in.csv' },
    });
    await ledger.openJob(
      createTestJob(createTestAsk(), '/data/in.csv', { output: '/new', settings: { a: 1 } }),
    );
    expect(await ledger.getJob(id)).toMatchObject({
      output: '/new',
      settings: { a: 1 },
      stop: null,
      finished: null,
      place: null,
      counts: { total: 1 },
    });
  });

  test('a changed ask on the same input reports the previous ask and its number of answers', async () => {
    const clock = createTestClock();
    const ledger = await openStore(store, undefined, { clock });
    const ask = createTestAsk('Old question');
    const old = await openTestJob(ledger, ask);
    const batch = createTestBatch(old, ['Acme', 'Globex']);
    await reserveTestBatch(ledger, batch);
    await settleTestBatch(ledger, batch, createTestRun('run_1'), [
      createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1'),
    ]);
    await ledger.recordFailures(old.id, [{ key: createTestKey('Initech'), reason: 'too large' }]);
    clock.nowMs += 1;
    const changed = await openTestJob(ledger, createTestAsk('New question'));
    expect(changed.previous).toEqual({ id: old.id, ask, answered: 1 });
    expect((await openTestJob(ledger, createTestAsk('New question'))).previous).toBeNull();
    await settleTestRun(ledger, old, ['Umbrella', 'Acme'], { ceo: 'Bob', attempt: 2 });
    clock.nowMs += 1;
    expect((await openTestJob(ledger, ask)).previous?.answered).toBe(0);
    expect((await ledger.previewJob(createTestJob(createTestAsk('Third')))).previous?.answered).toBe(2);
  });

  test('lists jobs with rows by status, money, and open runs with ids and age, newest first', async () => {
    const clock = createTestClock(1_000);
    const ledger = await openStore(store, undefined, { clock });
    const done = await openTestJob(ledger, createTestAsk(), '/data/done.csv');
    const counts = createCounts({ enriched: 3, failed: 1, total: 4 });
    clock.nowMs = 1_500;
    await ledger.closeJob(done.id, { stop: 'done', counts, finished: null });
    clock.nowMs = 2_000;
    const killed = await openTestJob(ledger, createTestAsk(), '/data/killed.csv');
    const settled = createTestBatch(killed, ['a', 'b', 'c']);
    await reserveTestBatch(ledger, settled);
    const failure = { key: createTestKey('b'), reason: 'no answer' };
    const answer = createTestAnswer('a', { ceo: 'Ann' }, 'run_1');
    await settleTestBatch(ledger, settled, createTestRun('run_1', 30), [answer], [failure]);
    const open = createTestBatch(killed, ['d', 'e']);
    clock.nowMs = 3_000;
    await reserveTestBatch(ledger, open);
    await ledger.markStarted(open, 'run_2');
    const jobs = await ledger.listJobs();
    expect(jobs).toEqual([
      {
        place: null,
        id: killed.id,
        askId: killed.askId,
        query: 'Who leads the company?',
        input: '/data/killed.csv',
        output: '/data/killed.csv.filled',
        invocation: 1,
        stop: null,
        counts: null,
        answered: 1,
        failed: 1,
        spentMicros: 30,
        estimatedMicros: 0,
        reservedMicros: 25_000,
        openedAtMs: 2_000,
        closedAtMs: null,
        sheet: null,
        runs: [
          {
            batchId: open.id,
            runId: 'run_2',
            state: 'sent',
            rows: 2,
            reserveMicros: 25_000,
            intendedAtMs: 3_000,
          },
        ],
      },
      expect.objectContaining({ id: done.id, stop: 'done', counts, closedAtMs: 1_500, runs: [] }),
    ]);
    expect(await ledger.listJobs(1)).toEqual(jobs.slice(0, 1));
    expect(await ledger.countJobs()).toBe(2);
  });

  test('an interruption without output keeps the counts of the previous output', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const counts = createCounts({ enriched: 1, total: 1 });
    await ledger.closeJob(job.id, { stop: 'done', counts, finished: null });
    await openTestJob(ledger);
    await ledger.closeJob(job.id, { ...DONE, stop: 'interrupted' });
    expect(await ledger.listJobs()).toMatchObject([{ stop: 'interrupted', counts, invocation: 2 }]);
  });

  test('drops a job only while it is unused, and its ask with the last one', async () => {
    const ledger = await openStore(store);
    const first = await openTestJob(ledger);
    const second = await openTestJob(ledger, createTestAsk(), '/data/second.csv');
    const failed = await openTestJob(ledger, createTestAsk(), '/data/failed.csv');
    await ledger.recordFailures(failed.id, [{ key: createTestKey('a'), reason: 'too large' }]);
    const reserved = await openTestJob(ledger, createTestAsk('Another'), '/data/reserved.csv');
    await reserveTestBatch(ledger, createTestBatch(reserved, ['a']));
    const settled = await openTestJob(ledger, createTestAsk('Third'), '/data/settled.csv');
    await settleTestRun(ledger, settled, ['a'], { ceo: null });
    const again = await openTestJob(ledger, createTestAsk('Fourth'), '/data/again.csv');
    await openTestJob(ledger, createTestAsk('Fourth'), '/data/again.csv');
    for (const { id } of [failed, reserved, settled, again]) {
      expect(await ledger.isUnusedJob(id)).toBe(false);
      expect(await ledger.dropUnusedJob(id)).toBe(false);
    }
    for (const { id } of [first, second]) {
      expect(await ledger.isUnusedJob(id)).toBe(true);
      expect(await ledger.dropUnusedJob(id)).toBe(true);
      expect(await ledger.isUnusedJob(id)).toBe(false);
      expect(await ledger.dropUnusedJob(id)).toBe(false);
    }
    expect((await ledger.listJobs()).map(({ id }) => id).sort()).toEqual(
      [failed, reserved, settled, again].map(({ id }) => id).sort(),
    );
    expect(await ledger.check()).toEqual([]);
    const alone = await openTestJob(ledger, createTestAsk('Fifth'));
    expect(await ledger.dropUnusedJob(alone.id)).toBe(true);
    const back = await openTestJob(ledger, createTestAsk('Fifth'));
    expect(back).toMatchObject({ id: alone.id, invocation: 1 });
    await settleTestRun(ledger, back, ['a'], { ceo: 'Ann' });
    expect(await ledger.check()).toEqual([]);
  });

  test('counts what runs found by effort, row and field, whatever the names of the fields', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    const low = createTestBatch(job, ['a', 'b', 'c']);
    const high = createTestBatch(job, ['b'], { effort: 'high', attempt: 2 });
    const names = ['ceo', 'constructor', '__proto__', ''];
    const create = (company: string, values: readonly (string | null)[], run: string, effort: string) => {
      const { key } = createTestAnswer(company, {}, run);
      const fields = names.map((name, index) => {
        const [field] = createTestAnswer(company, { it: values[index] ?? null }, run, {
          effort,
        }).fields.values();
        if (field === undefined) throw new Error('no field');
        return [name, field] as const;
      });
      return { key, fields: new Map(fields) };
    };
    await reserveTestBatch(ledger, low);
    await settleTestBatch(
      ledger,
      low,
      createTestRun('run_1'),
      [create('a', ['Ann', 'x', null, 'y'], 'run_1', 'low'), create('b', [], 'run_1', 'low')],
      [{ key: createTestKey('c'), reason: 'no entry' }],
    );
    await reserveTestBatch(ledger, high);
    await settleTestBatch(ledger, high, createTestRun('run_2'), [create('b', ['Bob'], 'run_2', 'high')]);
    const expected = {
      keepsGoing: false,
      efforts: new Map([
        [
          'low',
          {
            rows: { answered: 2, filled: 1 },
            fields: new Map([
              ['ceo', { answered: 2, filled: 1 }],
              ['constructor', { answered: 2, filled: 1 }],
              ['__proto__', { answered: 2, filled: 0 }],
              ['', { answered: 2, filled: 1 }],
            ]),
          },
        ],
        [
          'high',
          {
            rows: { answered: 1, filled: 1 },
            fields: new Map([
              ['ceo', { answered: 1, filled: 1 }],
              ['constructor', { answered: 1, filled: 0 }],
              ['__proto__', { answered: 1, filled: 0 }],
              ['', { answered: 1, filled: 0 }],
            ]),
          },
        ],
      ]),
    };
    expect(await ledger.getYield(job.id)).toEqual(expected);
    await ledger.close();
    expect(await (await openStore(store, place)).getYield(job.id)).toEqual(expected);
  });

  test('a job keeps going once it was told to, in later invocations too', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    expect((await ledger.getYield(job.id)).keepsGoing).toBe(false);
    await ledger.keepGoing(job.id);
    expect((await ledger.getYield(job.id)).keepsGoing).toBe(true);
    await openTestJob(ledger);
    expect((await ledger.getYield(job.id)).keepsGoing).toBe(true);
    const other = await openTestJob(ledger, createTestAsk('Another'), '/data/in.csv', { keepGoing: true });
    expect((await ledger.getYield(other.id)).keepsGoing).toBe(true);
    expect(await ledger.getYield('j_nobody')).toEqual({ efforts: new Map(), keepsGoing: false });
  });

  test('counts by effort how many rows were left for the next one, for the same question and agent', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const first = createTestBatch(job, ['a', 'b', 'c', 'd']);
    await reserveTestBatch(ledger, first);
    const values = [
      ['a', 'Ann'],
      ['b', null],
      ['c', null],
    ] as const;
    await settleTestBatch(
      ledger,
      first,
      createTestRun('run_1'),
      values.map(([company, ceo]) => createTestAnswer(company, { ceo }, 'run_1')),
      [{ key: createTestKey('d'), reason: 'no entry' }],
    );
    expect(await ledger.getClimbs(job.ask)).toEqual(new Map([['low', { asked: 3, climbed: 2 }]]));
    await settleTestRun(ledger, job, ['b'], { ceo: 'Bob', effort: 'high', attempt: 2 });
    await settleTestRun(ledger, job, ['c'], { ceo: null, effort: 'high', attempt: 3 });
    const climbs = new Map([
      ['low', { asked: 3, climbed: 2 }],
      ['high', { asked: 2, climbed: 1 }],
    ]);
    expect(await ledger.getClimbs(job.ask)).toEqual(climbs);
    expect(await ledger.getClimbs({ ...job.ask, fields: [] })).toEqual(climbs);
    expect(await ledger.getClimbs(createTestAsk('Another'))).toEqual(new Map());
    expect(await ledger.getClimbs(createAsk({ ...job.ask, agent: 'elsewhere' }))).toEqual(new Map());
  });

  test('the answer state changes with each settled run of the ask and with failures of the job', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const other = await openTestJob(ledger, createTestAsk(), '/data/other.csv');
    const states = () => Promise.all([ledger.getAnswerState(job), ledger.getAnswerState(other)]);
    expect(await ledger.getAnswerState({ id: 'j_nobody', askId: 'a_nobody' })).toEqual({
      settledRuns: 0,
      answered: 0,
      verdicts: 0,
      hasFailures: false,
    });
    expect(await states()).toEqual(
      Array(2).fill({ settledRuns: 0, answered: 0, verdicts: 0, hasFailures: false }),
    );
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
    await ledger.recordFailures(job.id, [{ key: createTestKey('Globex'), reason: 'too large' }]);
    expect(await states()).toEqual([
      { settledRuns: 1, answered: 1, verdicts: 0, hasFailures: true },
      { settledRuns: 1, answered: 1, verdicts: 0, hasFailures: false },
    ]);
    await settleTestRun(ledger, await openTestJob(ledger), ['Globex'], { ceo: 'Bob' });
    expect(await states()).toEqual(
      Array(2).fill({ settledRuns: 2, answered: 2, verdicts: 0, hasFailures: false }),
    );
  });
});
