import { describe, expect, test } from 'vitest';
import type { CellVerdict } from '../../src/ledger/ledger.js';
import { createVerdict } from '../../src/model/verdict.js';
import { createTestAsk, createTestKey, openTestJob, settleTestRun } from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

function createTestVerdict(
  company: string,
  changes: Partial<CellVerdict> = {},
  url = 'https://a.example/',
): CellVerdict {
  return {
    key: createTestKey(company),
    field: 'ceo',
    value: '0123456789abcdef',
    citation: {
      ...createVerdict('on_page', 'it is there'),
      url,
      evidence: 'weak',
      pageHash: 'ff',
      checkedAtMs: 5,
    },
    ...changes,
  };
}

describe.each(STORES)('verdicts in $name', (store) => {
  test('returns verdicts by row, by value and citation, in this process and the next', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    const verdicts = [
      createTestVerdict('Acme'),
      createTestVerdict('Acme', { value: 'fedcba9876543210' }),
      createTestVerdict('Acme', { field: 'headcount' }),
      createTestVerdict('Acme', {}, 'https://b.example/'),
      createTestVerdict('Globex'),
    ];
    await ledger.putVerdicts(job, verdicts);
    const keys = [createTestKey('Acme'), createTestKey('Nobody')];
    const expected = new Map([[createTestKey('Acme'), verdicts.slice(0, 4)]]);
    expect(await ledger.findVerdicts(job, keys)).toEqual(expected);
    await ledger.close();
    const again = await openStore(store, place);
    expect(await again.findVerdicts(job, keys)).toEqual(expected);
    expect(await again.check()).toEqual([]);
  });

  test('a new verdict replaces the one on the same value and citation, and counts as a change', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const first = createTestVerdict('Acme');
    const second = {
      ...first,
      citation: { ...first.citation, ...createVerdict('gone', null), checkedAtMs: 9 },
    };
    await ledger.putVerdicts(job, [first]);
    await ledger.putVerdicts(job, [second]);
    await ledger.putVerdicts(job, []);
    expect([...(await ledger.findVerdicts(job, [first.key])).values()]).toEqual([[second]]);
    expect(await ledger.getAnswerState(job)).toMatchObject({ verdicts: 2 });
  });

  test('lists the rows whose verdicts were stored after a change, also if they replace earlier ones', async () => {
    const place = store.createPlace();
    const [one, other] = [await openStore(store, place), await openStore(store, place)];
    const job = await openTestJob(one);
    const stranger = await openTestJob(one, createTestAsk('Who founded it?'));
    const [acme, globex, initech] = ['Acme', 'Globex', 'Initech'].map((name) => createTestVerdict(name));
    if (acme === undefined || globex === undefined || initech === undefined) throw new Error('unreachable');
    await one.putVerdicts(job, [acme, globex]);
    const { seen, ...none } = await other.listCheckedRows(job.askId, null, 10);
    expect(none).toEqual({ keys: [], hasMore: false });
    // The newest one is replaced, so its number must grow.
    for (const verdict of [globex, acme, globex]) {
      const before = (await other.listCheckedRows(job.askId, null, 10)).seen;
      await one.putVerdicts(job, [verdict]);
      expect((await other.listCheckedRows(job.askId, before, 10)).keys).toEqual([verdict.key]);
    }
    await one.putVerdicts(job, [initech]);
    await one.putVerdicts(stranger, [acme]);
    const first = await other.listCheckedRows(job.askId, seen, 2);
    expect(first).toMatchObject({ keys: [acme.key, globex.key], hasMore: true });
    const rest = await other.listCheckedRows(job.askId, first.seen, 10);
    expect(rest).toMatchObject({ keys: [initech.key], hasMore: false });
    expect((await other.listCheckedRows(job.askId, rest.seen, 10)).keys).toEqual([]);
    // Numbers that were deleted are given again.
    await one.prune({ asksBeforeMs: Number.MAX_SAFE_INTEGER });
    const again = await openTestJob(one);
    await one.putVerdicts(again, [initech]);
    expect((await other.listCheckedRows(again.askId, rest.seen, 10)).keys).toEqual([initech.key]);
  });

  test('jobs with the same ask share verdicts, others do not', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const twin = await openTestJob(ledger, createTestAsk(), '/data/other.csv');
    const stranger = await openTestJob(ledger, createTestAsk('Who founded it?'));
    await ledger.putVerdicts(job, [createTestVerdict('Acme')]);
    expect((await ledger.findVerdicts(twin, [createTestKey('Acme')])).size).toBe(1);
    expect((await ledger.findVerdicts(stranger, [createTestKey('Acme')])).size).toBe(0);
  });

  test('forgetting a job deletes its verdicts, and names the pages that no other job cites', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const other = await openTestJob(ledger, createTestAsk('Who founded it?'));
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
    await ledger.putVerdicts(job, [
      createTestVerdict('Acme'),
      createTestVerdict('Acme', {}, 'https://a.example/#seat'),
      createTestVerdict('Acme', {}, 'https://both.example/#one'),
      createTestVerdict('Acme', {}, 'file:///tables/a.csv#row=2'),
    ]);
    await ledger.putVerdicts(other, [createTestVerdict('Acme', {}, 'https://both.example/#two')]);
    const own = { verdicts: 4, pages: ['https://a.example/'], sharedWith: [] };
    expect(await ledger.forgetJob(job.id, true)).toMatchObject(own);
    expect(await ledger.forgetJob(job.id)).toMatchObject(own);
    expect((await ledger.findVerdicts(job, [createTestKey('Acme')])).size).toBe(0);
    expect((await ledger.findVerdicts(other, [createTestKey('Acme')])).size).toBe(1);
    // A verdict that arrives after its job is gone is dropped.
    await ledger.putVerdicts(job, [createTestVerdict('Acme')]);
    expect(await ledger.check()).toEqual([]);
  });

  test('verdicts of an ask that other jobs use survive one of them, and go with old asks', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const twin = await openTestJob(ledger, createTestAsk(), '/data/other.csv');
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
    await ledger.putVerdicts(job, [createTestVerdict('Acme')]);
    const kept = { answers: 1, answersOfDeleted: 0, verdicts: 0, pages: [], sharedWith: [twin.id] };
    expect(await ledger.forgetJob(job.id)).toMatchObject(kept);
    const left = { answers: 1, answersOfDeleted: 1, verdicts: 1, sharedWith: [] };
    expect(await ledger.forgetJob(twin.id, true)).toMatchObject(left);
    expect((await ledger.findVerdicts(twin, [createTestKey('Acme')])).size).toBe(1);
    await ledger.prune({ asksBeforeMs: Number.MAX_SAFE_INTEGER });
    expect((await ledger.findVerdicts(twin, [createTestKey('Acme')])).size).toBe(0);
    expect(await ledger.check()).toEqual([]);
  });
});
