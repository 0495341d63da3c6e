import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createLedgerPath, createTestBatch, openTestJob, openTestLedger } from '../helpers/ledger-samples.js';

test('what was written can be flushed by many at once, and again, and after the end', async () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const flushes = ['a', 'b', 'c'].map((company) => {
    const batch = createTestBatch(job, [company]);
    ledger.intend(batch, null);
    const flushed = ledger.flush();
    ledger.sent(batch.id, `run_${company}`);
    return flushed;
  });
  expect(await Promise.all(flushes)).toEqual([undefined, undefined, undefined]);
  await ledger.flush();
  ledger.close();
  await ledger.flush();
});

test.skipIf(process.platform === 'win32')(
  'a log that cannot be brought to the disk is an error that names the ledger, also for the step after it',
  async () => {
    const path = createLedgerPath();
    const ledger = openTestLedger(path);
    const batch = createTestBatch(openTestJob(ledger), ['a']);
    rmSync(`${path}-wal`);
    const error = expect.objectContaining({ kind: 'usage', message: expect.stringContaining(path) });
    ledger.intend(batch, null);
    await expect(ledger.flush()).rejects.toEqual(error);
    ledger.sent(batch.id, 'run_1');
    await expect(ledger.flush()).rejects.toEqual(error);
    expect(() => ledger.void(batch.id, 'never mind')).toThrow(error);
    ledger.close();
  },
);
