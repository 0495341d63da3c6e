import { expect, test } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import { createList, openJobBench } from '../helpers/job.js';
import { type Bend, countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

const PRICES: Record<string, number> = { low: 0.025, medium: 0.1, high: 0.5 };

function price(task: AgentTask): number {
  return PRICES[task.request.effort ?? ''] ?? 0;
}

/** Finds nothing below an effort about every tenth company. */
function hideTenths(until: string): Bend {
  return (rows, task) => ({
    rows: rows.map((row, index) => {
      const company = String(task.request.input?.data?.[index]?.company);
      const isHidden = task.request.effort !== until && Number(company.slice(8)) % 10 === 0;
      return isHidden ? { ...row, fields: { answer: null } } : row;
    }),
  });
}

test('a ladder asks the higher effort only for what the lower one did not find, and says what each step cost', async () => {
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
