import { expect, test } from 'vitest';
import { plan } from '../../src/plan.js';
import { createCellsAgent, RUN_MICROS } from '../helpers/cells-agent.js';
import { createList, openJobBench } from '../helpers/job.js';

const SEND = ['company'];

async function openBench(rows = 20, find?: Parameters<typeof createCellsAgent>[0]) {
  const agent = createCellsAgent(find);
  const bench = await openJobBench(agent.script);
  bench.write('in.csv', createList(rows));
  return { agent, bench };
}

/** Cells asked since a number of them, by field. */
function countSince(cells: readonly string[], start: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const cell of cells.slice(start)) {
    const field = cell.split(' ').at(-1) ?? '';
    counts[field] = (counts[field] ?? 0) + 1;
  }
  return counts;
}

test('a field added later asks only for itself, in full batches, in the same job', async () => {
  const { agent, bench } = await openBench();
  const first = await bench.run({ fields: ['ceo', 'headcount'] });
  expect(first.summary.costMicros).toBe(3 * RUN_MICROS);
  const start = agent.cells.length;
  const added = await bench.run({ fields: ['ceo', 'headcount', 'hq'] });
  expect(countSince(agent.cells, start)).toEqual({ hq: 20 });
  expect(added.summary).toMatchObject({
    jobId: first.summary.jobId,
    costNowMicros: 3 * RUN_MICROS,
    costMicros: 6 * RUN_MICROS,
    rows: { enriched: 20 },
  });
  expect(added.rows[3]).toMatchObject({ ceo: 'ceo of Company 4', hq: 'hq of Company 4' });
});

test('a reworded field asks only for its column, and its old wording is still answered', async () => {
  const { agent, bench } = await openBench();
  await bench.run({ fields: ['ceo', 'hq'] });
  const start = agent.cells.length;
  const reworded = await bench.run({ fields: ['ceo', 'hq=City and country'] });
  expect(countSince(agent.cells, start)).toEqual({ hq: 20 });
  expect(reworded.summary.costNowMicros).toBe(3 * RUN_MICROS);
  const again = await bench.run({ fields: ['ceo', 'hq'] });
  expect(again.summary).toMatchObject({ costNowMicros: 0, reused: 20 });
});

test('a removed field costs nothing, and its answers come back with it', async () => {
  const { agent, bench } = await openBench();
  await bench.run({ fields: ['ceo', 'hq'] });
  const start = agent.cells.length;
  const removed = await bench.run({ fields: ['ceo'] });
  expect(removed.rows[0]).not.toHaveProperty('hq');
  const back = await bench.run({ fields: ['hq', 'ceo'] });
  expect(back.rows[0]).toMatchObject({ hq: 'hq of Company 1', ceo: 'ceo of Company 1' });
  expect(countSince(agent.cells, start)).toEqual({});
  expect(back.summary.costMicros).toBe(3 * RUN_MICROS);
});

test('another ladder starts where the last one ended, and a lower one asks nothing again', async () => {
  const { agent, bench } = await openBench(16, (company, field, time) =>
    company.endsWith('2') && time === 1 ? null : `${field} of ${company}`,
  );
  await bench.run({ effort: ['low'] });
  const efforts = () => bench.agent.tasks.map(({ request }) => request.effort);
  const start = efforts().length;
  const climbed = await bench.run({ effort: ['low', 'high'] });
  expect(efforts().slice(start)).toEqual(['high']);
  expect(countSince(agent.cells, 16)).toEqual({ answer: 2 });
  expect(climbed.summary.rows.enriched).toBe(16);
  const settled = efforts().length;
  await bench.run({ effort: ['low'] });
  await bench.run({ effort: ['medium'] });
  expect(efforts()).toHaveLength(settled);
});

test('rows that lack different fields share a run, and keep what they have', async () => {
  const { agent, bench } = await openBench();
  bench.write('in.csv', 'company,ceo,hq\nA,,\nB,Bea,\nC,,Rome\nD,Dan,Oslo\nE,,\n');
  const filled = await bench.run({ fields: ['ceo', 'hq'], send: SEND });
  expect(agent.runs).toBe(1);
  expect(new Set(agent.cells.map((cell) => cell.split(' ')[0]))).toEqual(new Set(['A', 'B', 'C', 'E']));
  expect(filled.rows.map(({ ceo, hq }) => [ceo, hq])).toEqual([
    ['ceo of A', 'hq of A'],
    ['Bea', 'hq of B'],
    ['ceo of C', 'Rome'],
    ['Dan', 'Oslo'],
    ['ceo of E', 'hq of E'],
  ]);
  // What the run says of cells that were filled is no answer to anybody.
  bench.write('in.csv', 'company,ceo,hq\nB,,\nC,,\n');
  await bench.run({ fields: ['ceo', 'hq'], send: SEND });
  expect(agent.runs).toBe(2);
});

test('with a batch size of 1, rows that lack different fields are asked for just those', async () => {
  const { agent, bench } = await openBench();
  bench.write('in.csv', 'company,ceo,hq\nA,,\nB,Bea,\nC,,Rome\n');
  await bench.run({ fields: ['ceo', 'hq'], send: SEND, batchSize: 1 });
  expect([...agent.cells].sort()).toEqual(['A ceo', 'A hq', 'B hq', 'C ceo']);
});

test('a column that was sent, and is now filled, orphans nothing', async () => {
  const { agent, bench } = await openBench();
  bench.write('in.csv', 'company,hq\nA,Rome\nB,\nC,Oslo\n');
  await bench.run({ fields: ['ceo'] });
  expect(bench.agent.tasks[0]?.request.input?.data?.[0]).toMatchObject({ company: 'A', hq: 'Rome' });
  const start = agent.cells.length;
  const added = await bench.run({ fields: ['ceo', 'hq'] });
  expect(agent.cells.slice(start)).toEqual(['B hq']);
  expect(added.rows.map(({ ceo, hq }) => [ceo, hq])).toEqual([
    ['ceo of A', 'Rome'],
    ['ceo of B', 'hq of B'],
    ['ceo of C', 'Oslo'],
  ]);
  const removed = await bench.run({ fields: ['ceo'] });
  expect(removed.summary).toMatchObject({ costNowMicros: 0, rows: { enriched: 3 } });
  const before = agent.cells.length;
  await bench.run({ fields: ['phone', 'hq', 'ceo'] });
  expect(agent.cells.slice(before)).toEqual(['A phone', 'B phone', 'C phone']);
});

test('moved columns are the same question', async () => {
  const { agent, bench } = await openBench();
  bench.write('in.csv', 'company,site,country\nA,a.example,DE\nB,b.example,\n');
  await bench.run();
  bench.write('in.csv', 'country,company,site\nDE,A,a.example\n,B,b.example\n');
  expect((await bench.run()).summary).toMatchObject({ costNowMicros: 0, reused: 2 });
  expect(agent.cells).toHaveLength(2);
});

test('a run of an earlier field list that was left active is taken in, and asked for nothing again', async () => {
  const { agent, bench } = await openBench(8);
  const controller = new AbortController();
  const hooks = {
    signal: controller.signal,
    onEvent: ({ type }: { readonly type: string }) => type === 'sent' && controller.abort(),
  };
  await bench.run({ fields: ['ceo', 'hq'] }, hooks);
  const { summary, rows } = await bench.run({ fields: ['ceo', 'hq=City and country', 'phone'] });
  expect(countSince(agent.cells, 0)).toEqual({ ceo: 8, hq: 16, phone: 8 });
  expect(rows[7]).toMatchObject({
    ceo: 'ceo of Company 8',
    hq: 'hq of Company 8',
    phone: 'phone of Company 8',
  });
  expect(summary).toMatchObject({ costMicros: 2 * RUN_MICROS, rows: { enriched: 8 } });
  const old = await bench.run({ fields: ['ceo', 'hq'] });
  expect(old.summary.costNowMicros).toBe(0);
});

test('the plan of an added field has the price of that field alone', async () => {
  const { bench } = await openBench();
  await bench.run({ fields: ['ceo'] });
  const planned = await plan({
    input: `${bench.folder}/in.csv`,
    fields: ['ceo', 'hq'],
    apiUrl: bench.server.url,
    ledger: `${bench.folder}/ledger.sqlite`,
  });
  expect(planned.quote).toMatchObject({ rows: 20, runs: 3, likelyMicros: 3 * RUN_MICROS });
  expect(planned.firstRequest?.outputSchema).toMatchObject({
    properties: { rows: { items: { properties: { fields: { properties: { hq: {} } } } } } },
  });
  expect(planned.changes).toBeNull();
});

test('the plan says by column what is there, what would be asked, and its price alone', async () => {
  const { bench } = await openBench(20, (company, field) =>
    company.endsWith('7') ? null : `${field} of ${company}`,
  );
  await bench.run({ fields: ['ceo', 'hq'] });
  const planned = await plan({
    input: `${bench.folder}/in.csv`,
    fields: ['ceo', 'hq=City and country', 'phone'],
    apiUrl: bench.server.url,
    ledger: `${bench.folder}/ledger.sqlite`,
  });
  expect(planned.fields).toMatchObject([
    { name: 'ceo', change: null, asked: 0, answered: 18, notFound: 2, worstMicros: 0 },
    { name: 'hq', change: 'reworded', asked: 20, answered: 0, worstMicros: 6 * RUN_MICROS },
    { name: 'phone', change: 'new', asked: 20, likelyMicros: 3 * RUN_MICROS },
  ]);
});

test('--only asks for some fields, and --again for what was not found, once', async () => {
  const { agent, bench } = await openBench(8, (company, field, time) =>
    company === 'Company 3' && time < 3
      ? null
      : company === 'Company 5' && field === 'hq' && time < 2
        ? null
        : `${field} ${time}`,
  );
  const fields = ['ceo', 'hq'];
  await bench.run({ fields, only: ['ceo'] });
  expect(countSince(agent.cells, 0)).toEqual({ ceo: 8 });
  await bench.run({ fields });
  const start = agent.cells.length;
  expect((await bench.run({ fields })).summary.costNowMicros).toBe(0);
  const partial = await bench.run({ fields, again: ['partial'] });
  expect(agent.cells.slice(start)).toEqual(['Company 5 hq']);
  expect(partial.rows[4]).toMatchObject({ ceo: 'ceo 1', hq: 'hq 2' });
  const again = await bench.run({ fields, again: ['not_found'] });
  expect(agent.cells.slice(start + 1).sort()).toEqual(['Company 3 ceo', 'Company 3 hq']);
  expect(again.rows[2]).toMatchObject({ enrichment_status: 'not_found' });
  await bench.run({ fields, again: ['not_found'] });
  expect((await bench.run({ fields })).rows[2]).toMatchObject({ ceo: 'ceo 3', hq: 'hq 3' });
  await expect(bench.run({ fields, only: ['phone'] })).rejects.toMatchObject({ code: 'UNKNOWN_FIELD' });
  await expect(bench.run({ fields, again: ['all'] })).rejects.toMatchObject({ code: 'BAD_OPTION' });
});
