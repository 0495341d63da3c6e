import { describe, expect, test } from 'vitest';
import {
  createTestAsk,
  createTestBatch,
  openTestJob,
  reserveTestBatch,
  settleTestRun,
} from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

describe.each(STORES)('watched folders in $name', (store) => {
  test('a folder keeps its id by its file or location, and with it its spend', async () => {
    const ledger = await openStore(store);
    const below = '/drop/working/';
    const id = await ledger.enterFolder({ id: null, place: '1:2', below });
    const job = await openTestJob(ledger, createTestAsk(), '/drop/working/a.csv', { folder: id });
    await settleTestRun(ledger, job, ['a', 'b'], { ceo: 'Ann' });
    await reserveTestBatch(ledger, createTestBatch(job, ['c'], { reserveMicros: 10 }));
    // Its file was removed.
    expect(await ledger.enterFolder({ id: null, place: '1:2', below })).toBe(id);
    // It was moved to another disk.
    expect(await ledger.enterFolder({ id, place: '7:9', below: '/mnt/drop/working/' })).toBe(id);
    expect(await ledger.enterFolder({ id: null, place: '7:9', below: '/mnt/drop/working/' })).toBe(id);
    // Another folder where it was.
    const other = await ledger.enterFolder({ id: null, place: '1:2', below });
    expect(other).not.toBe(id);
    expect(await ledger.getSpendSince(other, 0)).toEqual({ spentMicros: 0, reservedMicros: 0 });
    expect(await ledger.getSpendSince(id, 0)).toEqual({ spentMicros: 2, reservedMicros: 10 });
    // A folder that another ledger knows brings its id along.
    expect(await ledger.enterFolder({ id: 'of another ledger', place: '5:5', below })).toBe(
      'of another ledger',
    );
  });

  test('two processes that enter the same folder get the same id', async () => {
    const place = store.createPlace();
    const ledgers = [await openStore(store, place), await openStore(store, place)];
    const folder = { id: null, place: '1:2', below: '/drop/' };
    const ids = await Promise.all(
      ledgers.flatMap((ledger) => [ledger.enterFolder(folder), ledger.enterFolder(folder)]),
    );
    expect(new Set(ids).size).toBe(1);
  });

  test('files known below the earlier path of a folder are known below its new path', async () => {
    const ledger = await openStore(store);
    const id = await ledger.enterFolder({ id: null, place: '1:2', below: '/drop%/' });
    expect(await ledger.findFolderPath(id)).toBeNull();
    expect(await ledger.findFolderPath('nobody')).toBeNull();
    await ledger.moveFolder(id, '/drop%/');
    const job = await openTestJob(ledger, createTestAsk(), '/in/a.csv', { folder: id });
    const other = await openTestJob(ledger, createTestAsk(), '/in/b.csv');
    const place = { input: '/drop%/done/a.csv', output: '/drop%/done/a.filled.csv' };
    for (const input of ['/in/a.csv', '/in/b.csv']) await ledger.placeJobs(input, place, null);
    const [ours, theirs] = [
      { jobId: job.id, digest: 'a' },
      { jobId: other.id, digest: 'b' },
    ];
    await ledger.noteWritten('/drop%/done/a.filled.csv', theirs);
    await ledger.noteWritten('/drop%/done/a.filled.csv', ours);
    await ledger.noteWritten('/drop/done/a.filled.csv', ours);
    await ledger.moveFolder(id, '/new/');
    await ledger.moveFolder(id, '/new/');
    expect(await ledger.findFolderPath(id)).toBe('/new/');
    expect((await ledger.getJob(job.id)).place).toEqual({
      input: '/new/done/a.csv',
      output: '/new/done/a.filled.csv',
    });
    expect((await ledger.getJob(other.id)).place).toEqual(place);
    expect(await ledger.findWritten('/new/done/a.filled.csv')).toEqual([ours]);
    expect(await ledger.findWritten('/drop%/done/a.filled.csv')).toEqual([theirs]);
    expect(await ledger.findWritten('/drop/done/a.filled.csv')).toEqual([ours]);
  });

  test('placed files are those of all jobs on the input, and the record of a written file moves along', async () => {
    const ledger = await openStore(store);
    const jobs = [
      await openTestJob(ledger, createTestAsk('one')),
      await openTestJob(ledger, createTestAsk('two')),
      await openTestJob(ledger, createTestAsk('two'), '/data/other.csv'),
    ];
    const file = { jobId: jobs[0]?.id ?? '', digest: 'a' };
    await ledger.noteWritten('/out.csv', file);
    const place = { input: '/done/in.csv', output: '/done/out.csv' };
    await ledger.placeJobs('/data/in.csv', place, { from: '/out.csv', to: '/done/out.csv' });
    const records = await Promise.all(jobs.map(({ id }) => ledger.getJob(id)));
    expect(records.map((record) => record.place)).toEqual([place, place, null]);
    expect((await ledger.listJobs()).map((job) => job.place).filter((each) => each !== null)).toEqual([
      place,
      place,
    ]);
    expect(await ledger.findWritten('/out.csv')).toEqual([]);
    expect(await ledger.findWritten('/done/out.csv')).toEqual([file]);
    await ledger.placeJobs('/data/in.csv', { input: '/failed/in.csv', output: null }, null);
    expect((await ledger.getJob(file.jobId)).place).toEqual({ input: '/failed/in.csv', output: null });
  });

  test('keeps the newest few files that were written at a path', async () => {
    const ledger = await openStore(store);
    const { id } = await openTestJob(ledger);
    const digests = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const digest of digests) await ledger.noteWritten('/out.csv', { jobId: id, digest });
    await ledger.noteWritten('/other.csv', { jobId: id, digest: 'other' });
    const found = (await ledger.findWritten('/out.csv')).map(({ digest }) => digest);
    expect(found.length).toBeGreaterThanOrEqual(2);
    expect(found).toEqual(digests.toReversed().slice(0, found.length));
    expect(await ledger.findWritten('/nothing.csv')).toEqual([]);
  });
});
