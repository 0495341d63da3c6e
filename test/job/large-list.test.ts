import { expect, test } from 'vitest';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { createList, openJobBench } from '../helpers/job.js';
import { countStatuses, expectOwnAnswers, script } from '../helpers/truthful-agent.js';

test('with 3 % of rows missing, all of 2,000 rows are enriched with at most 8 % more runs', async () => {
  const bench = await openJobBench(
    script((rows) => ({ rows })),
    { rehearsal: resolveRehearsal({ faults: [{ fault: 'rows_dropped', share: 0.03 }], seed: 'three' }) },
  );
  bench.write('in.csv', createList(2_000));
  const { rows } = await bench.run();
  expect(countStatuses(rows)).toEqual({ enriched: 2_000 });
  expectOwnAnswers(rows);
  const { created } = bench.server.report().runs;
  const dropped = bench.server.report().faults.rows_dropped ?? 0;
  expect(dropped).toBeGreaterThan(30);
  expect(created).toBeLessThanOrEqual(250 * 1.08);
});
