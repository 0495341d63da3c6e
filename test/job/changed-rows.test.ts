import { expect, test } from 'vitest';
import type { Ledger, Reservation } from '../../src/ledger/ledger.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createBatch } from '../../src/model/batch.js';
import { createList, openJobBench } from '../helpers/job.js';
import { createTestField, createTestRun, reserveTestBatch } from '../helpers/ledger-samples.js';
import { answerPaid } from '../helpers/paid-server.js';
import { listAsked } from '../helpers/truthful-agent.js';

/** Answers the first row of a batch for another job with the same question, like another process. */
async function answerElsewhere(ledger: Ledger, { batch }: Reservation): Promise<string> {
  const { ask } = await ledger.getJob(batch.jobId);
  const job = await ledger.openJob({ ask, input: '/other.csv', output: '/other.filled.csv', settings: {} });
  const [row] = batch.rows;
  if (row === undefined) throw new Error('a batch has a row');
  const other = createBatch({ ...batch, jobId: job.id, rows: [row] }, job.invocation);
  await reserveTestBatch(ledger, other);
  const fields = new Map([['answer', createTestField('of the other process', 'run_other')]]);
  const answers = [{ key: row.key, fields }];
  await ledger.settleBatches([{ batch: other, run: createTestRun('run_other'), answers, failures: [] }]);
  return row.key;
}

/** Opens a ledger in which another process answers a row between the look-up and the first reservation. */
function createChangingOpen(findElsewhere: (key: string) => readonly string[] = () => []): typeof openLedger {
  return async (path, options) => {
    const ledger = await openLedger(path, options);
    const { reserveBatches, findAnswers } = ledger;
    let elsewhere: readonly string[] = [];
    let isFirst = true;
    return Object.assign(ledger, {
      async reserveBatches(...[reservations, limits]: Parameters<Ledger['reserveBatches']>) {
        const [reservation] = reservations;
        if (!isFirst || reservation === undefined) return reserveBatches.call(ledger, reservations, limits);
        isFirst = false;
        const key = await answerElsewhere(ledger, reservation);
        elsewhere = findElsewhere(key);
        return [{ status: 'changed', keys: [key] }];
      },
      async findAnswers(...[job, keys]: Parameters<Ledger['findAnswers']>) {
        return { ...(await findAnswers.call(ledger, job, keys)), elsewhere: new Set(elsewhere) };
      },
      async whenChanged() {
        elsewhere = [];
      },
    } satisfies Partial<Ledger>);
  };
}

test.each([
  ['has answered', createChangingOpen()],
  ['is still working on', createChangingOpen((key) => [key])],
])('a row that another process %s is not sent, and the rest of its batch is', async (_what, open) => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(4));
  const { summary, rows } = await bench.run({}, {}, open);
  expect(summary).toMatchObject({ stop: 'done', rows: { enriched: 4 }, reused: 1, costMicros: 25_000 });
  expect(rows[0]).toMatchObject({ answer: 'of the other process', enrichment_cost_usd: '0.00' });
  expect(listAsked(bench.agent.tasks)).toEqual([2, 3, 4].map((number) => `Company ${number} answer low`));
});

test('the rest of such a batch is filled up with other rows, so that no run is added', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(33));
  const { summary } = await bench.run({ batchSize: 8, concurrency: 1 }, {}, createChangingOpen());
  expect(summary).toMatchObject({ rows: { enriched: 33 }, reused: 1, costMicros: 4 * 25_000 });
  expect(bench.agent.tasks.map(({ request }) => request.input?.data?.length)).toEqual([8, 8, 8, 8]);
});
