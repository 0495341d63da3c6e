import { expect, test } from 'vitest';
import {
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

test('what a folder cost is what its runs were billed since a moment, and what is reserved for those that work', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const [first, second, elsewhere] = [
    '/drop/working/a.csv',
    '/drop/working/b.csv',
    '/drop/working-2/c.csv',
  ].map((input) => openTestJob(ledger, createTestAsk(input), input));
  if (first === undefined || second === undefined || elsewhere === undefined) throw new Error('no jobs');
  const settle = (job: typeof first, company: string, costMicros: number): void => {
    const batch = createTestBatch(job, [company], { reserveMicros: 50 });
    ledger.intend(batch, null);
    ledger.settle(batch.id, createTestRun(`run of ${job.id} ${company}`, costMicros), [], []);
  };
  settle(first, 'before', 7);
  clock.nowMs = 2_000;
  settle(first, 'after', 11);
  settle(second, 'after', 13);
  settle(elsewhere, 'after', 1_000);
  ledger.intend(createTestBatch(second, ['open'], { reserveMicros: 17 }), null);

  expect(ledger.readFolderSpend('/drop/working/', 2_000)).toEqual({ spentMicros: 24, reservedMicros: 17 });
  expect(ledger.readFolderSpend('/drop/working/', 0)).toEqual({ spentMicros: 31, reservedMicros: 17 });
  expect(ledger.readFolderSpend('/nowhere/', 0)).toEqual({ spentMicros: 0, reservedMicros: 0 });
  ledger.close();
});
