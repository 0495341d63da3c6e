import { expect, test } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import { createList, openJobBench } from '../helpers/job.js';
import { type Bend, countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

const PRICES: Record<string, number> = { low: 0.025, medium: 0.1, high: 0.5 };

function price(task: AgentTask): number {
  return PRICES[task.request.effort ?? ''] ?? 0;
}

/** Finds nothing for every tenth company below the given effort. */
function hideTenths(until: string): Bend {
  return (rows, task) => ({
    rows: rows.map((row, index) => {
      const company = String(task.request.input?.data?.[index]?.company);
      const isHidden = task.request.effort !== until && Number(company.slice(8)) % 10 === 0;
      return isHidden ? { ...row, fields: { answer: null } } : row;
    }),
  });
}

test('uses the higher effort only for what the lower one did not find, and reports the cost of each level', async () => {
  const bench = await openJobBench(script(hideTenths('high'), price));
  bench.write('in.csv', createList(160));
  const { summary, rows } = await bench.run({ effort: ['low', 'high'] });
  expect(countStatuses(rows)).toEqual({ enriched: 160 });
  expectOwnAnswers(rows);
  // 160 rows in 20 runs, 16 rows in 2 more.
  expect(summary.costMicros).toBe(20 * 25_000 + 2 * 500_000);
  expect(bench.server.report().billedMicros).toBe(summary.costMicros);
  expect(summary.steps).toEqual([
    { effort: 'low', runs: 20, filled: 144, costMicros: 500_000 },
    { effort: 'high', runs: 2, filled: 16, costMicros: 1_000_000 },
  ]);
});

test('lower-level repairs come before a partial higher-level batch, so no expensive run is half empty', async () => {
  const hide = hideTenths('high');
  const bench = await openJobBench(
    script((rows, task, run) => {
      const isFirst = task.request.metadata?.rowfill_attempt === '1' && task.request.effort === 'low';
      // The last row of each first batch is missing, sometimes one of the tenth companies.
      return hide(isFirst ? rows.slice(0, -1) : rows, task, run);
    }, price),
  );
  bench.write('in.csv', createList(80));
  const { summary, rows } = await bench.run({ effort: ['low', 'high'] });
  expect(countStatuses(rows)).toEqual({ enriched: 80 });
  expectOwnAnswers(rows);
  // 10 batches, their 10 missing rows in 2 more; then 8 rows in one run of the higher effort.
  expect(summary.steps).toEqual([
    { effort: 'low', runs: 12, filled: 72, costMicros: 12 * 25_000 },
    { effort: 'high', runs: 1, filled: 8, costMicros: 500_000 },
  ]);
  expect(bench.server.report().billedMicros).toBe(800_000);
});

test('values below the required confidence are retried at the next level, and kept unless a better one comes', async () => {
  const bench = await openJobBench((task, signal) => {
    const answer = script((rows) => ({
      rows: rows.map((row) => ({
        ...row,
        fields: { answer: `${task.request.effort} ${String(row.fields.answer)}` },
      })),
    }))(task, signal);
    return Promise.resolve(answer).then((result) => ({
      ...result,
      output: {
        ...result.output,
        grounding: result.output.grounding.map((entry, index) => {
          const company = String(task.request.input?.data?.[index]?.company);
          const confidence = CONFIDENCES[company]?.[task.request.effort ?? ''] ?? 'high';
          return { ...entry, confidence };
        }),
      },
    }));
  });
  bench.write('in.csv', createList(3));
  const { rows, summary } = await bench.run({ effort: ['low', 'high'], escalateBelow: 'high' });
  expect(rows.map((row) => [row.answer, row.answer_confidence])).toEqual([
    ['low about Company 1', 'high'],
    ['high about Company 2', 'high'],
    ['low about Company 3', 'medium'],
  ]);
  expect(summary.steps.map(({ runs, filled }) => [runs, filled])).toEqual([
    [1, 3],
    [1, 1],
  ]);
  // Every level has been tried, so the same command sends nothing.
  await bench.run({ effort: ['low', 'high'], escalateBelow: 'high' });
  expect(bench.agent.tasks).toHaveLength(2);
});

const CONFIDENCES: Readonly<Record<string, Readonly<Record<string, 'low' | 'medium'>>>> = {
  'Company 2': { low: 'medium' },
  'Company 3': { low: 'medium', high: 'low' },
};
