import { expect, onTestFinished, test } from 'vitest';
import type { EnrichEvent } from '../../src/model/events.js';
import { createList, openJobBench } from '../helpers/job.js';
import { openOddAgent } from '../helpers/odd-agent.js';
import { openRawServer, sendJson } from '../helpers/raw-server.js';
import { answerRows } from '../helpers/scripted-agent.js';

/** A job of 16 rows with one row per run, each reserved at $0.025, and a cap for two runs. */
async function fill(costDollars: unknown, options = {}) {
  const agent = await openOddAgent(() => ({ costDollars }));
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(16));
  const notes: string[] = [];
  const onEvent = (event: EnrichEvent): void => {
    if (event.type === 'note') notes.push(`${event.code} ${event.message}`);
  };
  const run = () =>
    bench.run(
      { apiUrl: agent.url, batchSize: 1, concurrency: 1, maxCost: 0.05, format: 'jsonl', ...options },
      { onEvent },
    );
  const { summary } = await run();
  const rows = bench
    .read('out.csv')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).enrichment as Record<string, unknown>);
  return { agent, bench, notes, summary, rows, run };
}

const UNUSABLE: readonly (readonly [name: string, costDollars: unknown])[] = [
  ['without a cost', undefined],
  ['with a cost of null', null],
  ['with a cost without a total', {}],
  ['with a total of null', { total: null }],
  ['with parts of 0 and no total', { agentCompute: 0, search: 0 }],
  ['with parts that are not amounts, and no total', { agentCompute: 0.01, search: '$0.02' }],
  ['with a negative total', { total: -1, agentCompute: 0.01 }],
  ['with a total in words', { total: '$0.03' }],
  ['with a total of NaN', { total: 'NaN' }],
  ['with a total in hexadecimal', { total: '0x10' }],
  ['with a total of 1e15', { total: 1e15 }],
  ['with a total of 1e300', { total: 1e300 }],
  ['with a total just above the bound', { total: 1_000_000.01 }],
  ['with a total that is a list', { total: [0.01] }],
  ['with true for a total', { total: true }],
  ['with a cost that is a number', 0.01],
];

for (const [name, costDollars] of UNUSABLE) {
  test(`a run ${name} is booked at its reserved price, so that the cap holds`, async () => {
    const { agent, bench, notes, summary, rows } = await fill(costDollars);
    expect(agent.created).toBe(2);
    expect(summary).toMatchObject({
      stop: 'budget',
      costMicros: 50_000,
      estimatedMicros: 50_000,
      reservedMicros: 0,
    });
    expect(await bench.listJobs()).toMatchObject([{ spentMicros: 50_000, estimatedMicros: 50_000 }]);
    const told = rows.map(({ cost_usd, cost_estimated }) => [cost_usd, cost_estimated]);
    expect(told.slice(0, 3)).toEqual([
      [0.025, true],
      [0.025, true],
      [0, undefined],
    ]);
    expect(notes.filter((note) => note.startsWith('COST_ESTIMATED'))).toHaveLength(1);
  });
}

test.each([
  ['a number', { total: 0.01 }, 10_000],
  ['decimal text', { total: '0.01' }, 10_000],
  ['nothing', { total: 0 }, 0],
  ['parts without a total', { agentCompute: 0.004, search: 0.005, dataSources: { fiber: 0.001 } }, 10_000],
])('accepts %s as a cost', async (_name, costDollars, micros) => {
  const { notes, summary, rows } = await fill(costDollars, { maxCost: 10 });
  expect(summary).toMatchObject({ stop: 'done', costMicros: 16 * micros, estimatedMicros: 0 });
  expect(rows.every((row) => row.cost_estimated === undefined)).toBe(true);
  expect(notes).toEqual([]);
});

test('books a cost far above the list price, stops at the cap, and reports it once', async () => {
  const { agent, notes, summary } = await fill({ total: 30 }, { maxCost: 60.02 });
  expect(agent.created).toBe(2);
  expect(summary).toMatchObject({ stop: 'budget', costMicros: 60_000_000, estimatedMicros: 0 });
  expect(notes.filter((note) => note.startsWith('COST_ABOVE_PRICE'))).toEqual([
    expect.stringContaining('cost $30.00, far above its list price of $0.025'),
  ]);
});

test('a job with such costs continues and keeps the booked amounts', async () => {
  const { agent, bench } = await fill({ total: 1e15 });
  const { summary, rows } = await bench.run({ apiUrl: agent.url, batchSize: 1, maxCost: 1 });
  expect(summary).toMatchObject({ stop: 'done', costMicros: 400_000, estimatedMicros: 400_000 });
  const sum = rows.reduce((total, row) => total + Number(row.enrichment_cost_usd), 0);
  expect(sum).toBeCloseTo(0.4, 9);
});

test('the cost of a run whose result is gone is estimated too', async () => {
  const agent = await openOddAgent(() => ({ status: 'running' }));
  const forgetful = await openRawServer(async ({ method, url, body }, response) => {
    if (method === 'GET' && url.includes('agent_run_')) {
      return sendJson(response, 410, { error: { code: 'GONE', message: 'deleted' } });
    }
    const answer = await fetch(agent.url + url, method === 'POST' ? { method, body } : {});
    return sendJson(response, answer.status, await answer.json());
  });
  onTestFinished(() => forgetful.close());
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(1));
  const { summary } = await bench.run({ apiUrl: forgetful.url, maxCost: 0.025 });
  expect(summary).toMatchObject({ costMicros: 25_000, estimatedMicros: 25_000, reservedMicros: 0 });
});

test.each([1e15, -1, Number.NaN, Number.POSITIVE_INFINITY, 1_000_001])(
  'refuses a price or cap of %s before anything is sent',
  async (amount) => {
    const bench = await openJobBench(answerRows);
    bench.write('in.csv', createList(1));
    await expect(bench.run({ prices: { low: amount } })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    await expect(bench.run({ maxCost: amount })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    await expect(bench.run({ maxCostNow: amount })).rejects.toMatchObject({ code: 'BAD_OPTION' });
    expect(bench.agent.tasks).toEqual([]);
  },
);

test('limits the reservation of a huge list of contacts to whole micro-dollars', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(1));
  const list = (maxItems: number) => ({
    type: 'object',
    properties: {
      answer: { type: ['array', 'null'], maxItems, items: { type: 'string', format: 'email' } },
    },
  });
  const { summary } = await bench.run({ fields: [], schemaObject: list(1e15), maxCost: 1 });
  expect(summary).toMatchObject({ stop: 'budget', remaining: { worstMicros: 1e12 } });
});
