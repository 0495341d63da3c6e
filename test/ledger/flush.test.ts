import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createLedgerPath, createTestBatch, openTestJob, openTestLedger } from '../helpers/ledger-samples.js';

test('flush can be called concurrently, repeatedly and after close', async () => {
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

/** The descriptor that a ledger syncs its log with: the newest one open on it. */
function findLogDescriptor(path: string): number {
  const descriptors = readdirSync('/proc/self/fd').filter((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`) === `${path}-wal`;
    } catch {
      return false;
    }
  });
  return Math.max(...descriptors.map(Number));
}

/** Replaces a descriptor by a file that no system can sync. */
function breakSync(descriptor: number): void {
  closeSync(descriptor);
  const others: number[] = [];
  for (let opened = -1; opened !== descriptor && others.length < 100; ) {
    opened = openSync('/proc/self/stat', 'r');
    if (opened !== descriptor) others.push(opened);
  }
  for (const each of others) closeSync(each);
}

test.skipIf(process.platform !== 'linux')(
  'a log that cannot be synced gives an error that names the ledger, also for the next step',
  async () => {
    const path = createLedgerPath();
    const ledger = openTestLedger(path);
    const batch = createTestBatch(openTestJob(ledger), ['a']);
    breakSync(findLogDescriptor(path));
    const error = expect.objectContaining({ kind: 'usage', message: expect.stringContaining(path) });
    ledger.intend(batch, null);
    await expect(ledger.flush()).rejects.toEqual(error);
    ledger.sent(batch.id, 'run_1');
    await expect(ledger.flush()).rejects.toEqual(error);
    expect(() => ledger.void(batch.id, 'never mind')).toThrow(error);
    ledger.close();
  },
);
