import { expect, test } from 'vitest';
import { exportJob } from '../../src/export.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createList, openJobBench } from '../helpers/job.js';
import { countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

test('the cost column adds up to the billed amount, including repairs', async () => {
  const bench = await openJobBench(
    script(
      (rows, _task, run) => ({ rows: run % 2 === 1 ? rows.slice(2) : rows }),
      (_task, run) => 0.01 + run / 1_000_000,
    ),
  );
  bench.write('in.csv', createList(50));
  const { summary, rows } = await bench.run();
  const micros = rows.map((row) => Math.round(Number(row.enrichment_cost_usd) * 1e6));
  expect(micros.reduce((sum, cost) => sum + cost, 0)).toBe(bench.server.report().billedMicros);
  expect(summary.costMicros).toBe(bench.server.report().billedMicros);
});

test('the cap holds with many concurrent runs, and the same command with a higher cap finishes', async () => {
  const bench = await openJobBench(
    script(
      (rows) => ({ rows }),
      () => 0.025,
    ),
  );
  bench.write('in.csv', createList(100));
  const capped = await bench.run({ maxCost: 0.1, concurrency: 50 });
  expect(capped.summary).toMatchObject({ stop: 'budget', costMicros: 100_000 });
  expect(countStatuses(capped.rows)).toEqual({ enriched: 32, over_budget: 68 });
  const { summary, rows } = await bench.run({ maxCost: 1 });
  expect(summary).toMatchObject({ stop: 'done', costMicros: 325_000 });
  expect(countStatuses(rows)).toEqual({ enriched: 100 });
});

test('rows beyond --limit are pending, not over budget, in the output and its export', async () => {
  const bench = await openJobBench(
    script(
      (rows) => ({ rows }),
      () => 0.025,
    ),
  );
  bench.write('in.csv', createList(40));
  const { rows, summary } = await bench.run({ maxCost: 0.05, limit: 24 });
  expect(countStatuses(rows)).toEqual({ enriched: 16, over_budget: 8, pending: 16 });
  expect(rows.slice(24).map((row) => row.enrichment_status)).toEqual(Array(16).fill('pending'));
  const written = bench.read('out.csv');
  await exportJob({
    job: summary.jobId,
    ledger: `${bench.folder}/ledger.sqlite`,
    output: `${bench.folder}/again.csv`,
  });
  expect(bench.read('again.csv')).toBe(written);
});

test('a row whose second effort level the cap cannot cover keeps its values and reports what is missing', async () => {
  const prices: Record<string, number> = { low: 0.025, high: 0.5 };
  const bench = await openJobBench(
    script(
      (rows, task) => ({
        rows: rows.map((row) =>
          task.request.effort === 'low' ? { ...row, fields: { ...row.fields, seat: null } } : row,
        ),
      }),
      (task) => prices[task.request.effort ?? ''] ?? 0,
    ),
  );
  bench.write('in.csv', createList(3));
  const options = { fields: ['ceo', 'seat'], effort: ['low', 'high'] };
  const { rows, summary } = await bench.run({ ...options, maxCost: 0.1 });
  expect(summary.stop).toBe('budget');
  expect(countStatuses(rows)).toEqual({ partial: 3 });
  for (const row of rows) {
    expect(row.enrichment_error).toBe('seat: not requested yet, budget reached');
  }
  const { rows: after } = await bench.run({ ...options, maxCost: 1 });
  expect(countStatuses(after)).toEqual({ enriched: 3 });
  expectOwnAnswers(after, { fields: ['ceo', 'seat'] });
});

test('a failed field at a higher effort level is reported and retried by the next invocation', async () => {
  const bench = await openJobBench(
    script((rows, task, run) => ({
      rows:
        task.request.effort === 'low'
          ? rows.map((row) => ({ ...row, fields: { ...row.fields, seat: null } }))
          : run < 4
            ? []
            : rows,
    })),
  );
  bench.write('in.csv', 'company\nCompany 1\n');
  const options = { fields: ['ceo', 'seat'], effort: ['low', 'high'], batchSize: 1 };
  const { rows, summary } = await bench.run(options);
  expect(rows).toMatchObject([{ ceo: 'ceo of Company 1', seat: '', enrichment_status: 'partial' }]);
  expect(rows[0]?.enrichment_error).toContain('no entry came back for it');
  expect(summary.runs.created).toBe(1 + 2);
  const { rows: after } = await bench.run(options);
  expect(after).toMatchObject([{ enrichment_status: 'enriched', enrichment_error: '' }]);
  expect(bench.agent.tasks).toHaveLength(4);
});

test('pruning answers does not restore the budget of a job', async () => {
  const bench = await openJobBench(
    script(
      (rows) => ({ rows }),
      () => 0.025,
    ),
  );
  bench.write('in.csv', createList(40));
  const capped = await bench.run({ maxCost: 0.1 });
  expect(capped.summary).toMatchObject({ stop: 'budget', costMicros: 100_000 });
  const ledger = await openLedger(`${bench.folder}/ledger.sqlite`);
  expect(await ledger.prune({ asksBeforeMs: Date.now() + 60_000 })).toMatchObject({ jobs: 1, answers: 32 });
  await ledger.close();
  const again = await bench.run({ maxCost: 0.1 });
  expect(again.summary).toMatchObject({ stop: 'budget', costMicros: 100_000, costNowMicros: 0 });
  const more = await bench.run({ maxCost: 0.2 });
  expect(more.summary).toMatchObject({ stop: 'budget', costMicros: 200_000, costNowMicros: 100_000 });
  expect(bench.server.report().billedMicros).toBe(200_000);
});
