import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Batch } from '../../src/model/batch.js';
import {
  createTestBatch,
  createTestKey,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

test('intends batches up to the cap to the micro-dollar, and not one more', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  expect(ledger.intend(createTestBatch(job, ['a'], { reserveMicros: 60 }), 100)).toBe('intended');
  expect(ledger.intend(createTestBatch(job, ['b'], { reserveMicros: 41 }), 100)).toBe('over_budget');
  expect(ledger.findOpenBatches(job.askId)).toHaveLength(1);
  expect(ledger.intend(createTestBatch(job, ['b'], { reserveMicros: 40 }), 100)).toBe('intended');
  expect(ledger.intend(createTestBatch(job, ['c'], { reserveMicros: 1 }), 100)).toBe('over_budget');
  expect(ledger.intend(createTestBatch(job, ['c'], { reserveMicros: 0 }), 100)).toBe('intended');
  expect(ledger.intend(createTestBatch(job, ['d'], { reserveMicros: 1 }), 101)).toBe('intended');
  ledger.close();
});

test('books a run that cost more than reserved, and enforces the cap afterwards', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['a'], { reserveMicros: 60 });
  ledger.intend(batch, 100);
  ledger.settle(batch.id, createTestRun('run_1', 130), [], []);
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 130, reservedMicros: 0 });
  expect(ledger.intend(createTestBatch(job, ['b'], { reserveMicros: 0 }), 100)).toBe('over_budget');
  ledger.close();
});

const COMPANIES = ['a', 'b', 'c', 'd', 'e', 'f'];
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('intend' as const),
      rows: fc.subarray(COMPANIES, { minLength: 1 }),
      reserve: fc.nat(40_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sent' as const), pick: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      pick: fc.nat(),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('void' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('suspect' as const), pick: fc.nat() }) },
);

test('in any order of steps, the cap is never exceeded, open batches stay reserved and shares add up to the bill', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(200_000), (steps, capMicros) => {
      const ledger = openTestLedger();
      const job = openTestJob(ledger);
      const open: Batch[] = [];
      let billedMicros = 0;
      steps.forEach((step, index) => {
        if (step.do === 'intend') {
          const batch = createTestBatch(job, step.rows, { attempt: index, reserveMicros: step.reserve });
          const reservedMicros = open.reduce((sum, other) => sum + other.reserveMicros, 0);
          const fits = billedMicros + reservedMicros + step.reserve <= capMicros;
          expect(ledger.intend(batch, capMicros)).toBe(fits ? 'intended' : 'over_budget');
          if (fits) open.push(batch);
        } else if (open.length > 0) {
          const [batch] =
            step.do === 'settle' || step.do === 'void'
              ? open.splice(step.pick % open.length, 1)
              : [open[step.pick % open.length]];
          if (batch === undefined) return;
          const isSent = ledger
            .findOpenBatches(job.askId)
            .some((other) => other.batch.id === batch.id && other.runId !== null);
          if (step.do === 'sent') ledger.sent(batch.id, `run_${batch.id}`);
          if (step.do === 'void') ledger.void(batch.id, 'absent');
          if (step.do === 'suspect' && !isSent) ledger.suspect(batch.id, 'cannot tell');
          if (step.do === 'settle') {
            const costMicros = Math.round(batch.reserveMicros * step.share);
            ledger.settle(batch.id, createTestRun(`run_${batch.id}`, costMicros), [], []);
            billedMicros += costMicros;
          }
        }
        const spend = ledger.readSpend(job.id);
        expect(spend.spentMicros + spend.reservedMicros).toBeLessThanOrEqual(capMicros);
        expect(spend).toEqual({
          spentMicros: billedMicros,
          reservedMicros: open.reduce((sum, batch) => sum + batch.reserveMicros, 0),
        });
      });
      const shares = [...ledger.findAnswers(job, COMPANIES.map(createTestKey)).values()];
      expect(shares.reduce((sum, row) => sum + row.costMicros, 0)).toBe(billedMicros);
      ledger.close();
    }),
    { numRuns: 60 },
  );
});
