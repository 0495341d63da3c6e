import { expect, test } from 'vitest';
import type { AgentTask } from '../../src/agents/agent.js';
import type { EnrichOptions } from '../../src/model/enrich-options.js';
import { type JobBench, type JobResult, openJobBench } from '../helpers/job.js';
import { createSlowOpen } from '../helpers/slow-ledger.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { type Bend, countStatuses, listAsked, script } from '../helpers/truthful-agent.js';

const SEEDS = Array.from({ length: chooseCount(12, 3) }, (_, index) => index + 1);

function computePrice(task: AgentTask, lowPrice = 0.025): number {
  return task.request.effort === 'high' ? 0.5 : lowPrice;
}

/** The number of the company in each entry of an answer. */
function listNumbers(task: AgentTask): number[] {
  return (task.request.input?.data ?? []).map(({ company }) => Number(String(company).slice(8)));
}

const dropFirst: Bend = (rows, task) => ({
  rows: rows.filter(
    (_row, index) =>
      task.request.metadata?.rowfill_attempt !== '1' || (listNumbers(task)[index] ?? 0) % 5 !== 0,
  ),
});

const hideFromLow: Bend = (rows, task) => ({
  rows: rows.map((row, index) =>
    task.request.effort === 'low' && (listNumbers(task)[index] ?? 0) % 4 === 0
      ? { ...row, fields: { answer: null } }
      : row,
  ),
});

/** Rows so long that a few of them are a chunk of the input, so that runs end while the ledger is asked for others. */
function createLongList(companies: readonly number[]): string {
  const note = 'x'.repeat(8_000);
  return ['company,note', ...companies.map((number) => `Company ${number},${note}`), ''].join('\n');
}

const ALL = Array.from({ length: 48 }, (_, index) => index + 1);
/** Each company four times, at growing distances. */
const REPEATED = Array.from({ length: 96 }, (_, index) => ((index * index) % 24) + 1);

interface Case {
  readonly companies: readonly number[];
  readonly bend: Bend;
  readonly options: Partial<EnrichOptions>;
  /** Billed price of a run at low effort, if it is not the reserved price. */
  readonly lowPrice?: number;
}

const PLAIN: Bend = (rows) => ({ rows });
const CASES: readonly (readonly [string, Case])[] = [
  ['rows that are missing at first', { companies: ALL, bend: dropFirst, options: {} }],
  ['two effort levels', { companies: ALL, bend: hideFromLow, options: { effort: ['low', 'high'] } }],
  ['equal rows', { companies: REPEATED, bend: PLAIN, options: {} }],
  ['equal rows that are missing at first', { companies: REPEATED, bend: dropFirst, options: {} }],
  [
    'equal rows at two effort levels',
    { companies: REPEATED, bend: hideFromLow, options: { effort: ['low', 'high'] } },
  ],
  ['a budget for some rows', { companies: ALL, bend: PLAIN, options: { maxCost: 0.175 } }],
  // At the reserved price it covers seven of the 16 runs, so each run that ends makes room for others.
  ['a budget for all rows', { companies: ALL, bend: PLAIN, options: { maxCost: 0.18 }, lowPrice: 0.01 }],
];

async function openCase({ companies, bend, lowPrice }: Case): Promise<JobBench> {
  const bench = await openJobBench(script(bend, (task) => computePrice(task, lowPrice)));
  bench.write('in.csv', createLongList(companies));
  return bench;
}

const SHARED = { send: ['company'], batchSize: 3, concurrency: 4 };

/** What must not depend on the ledger's pace: every value, and how often each field was sent at each level. */
function describeResult(bench: JobBench, { rows }: JobResult) {
  return {
    rows: rows.map(({ company, answer, enrichment_status: status }) => [company, answer, status].join(' ')),
    asked: listAsked(bench.agent.tasks).sort(),
  };
}

/** The job's cost is what the agent billed, and what the rows of the output add up to. */
function expectBooked(bench: JobBench, { summary, rows }: JobResult): void {
  const { billedMicros } = bench.server.report();
  expect(summary).toMatchObject({ costMicros: billedMicros, reservedMicros: 0 });
  const micros = rows.map((row) => Math.round(Number(row.enrichment_cost_usd) * 1_000_000));
  expect(micros.reduce((sum, each) => sum + each, 0)).toBe(billedMicros);
}

test.each(CASES)(
  'a job with %s buys the same rows once however slow the ledger is',
  async (_title, parts) => {
    const options = { ...SHARED, ...parts.options };
    const bench = await openCase(parts);
    const undelayed = await bench.run(options);
    const expected = describeResult(bench, undelayed);
    for (const seed of SEEDS) {
      const slow = await openCase(parts);
      const result = await slow.run(options, {}, createSlowOpen(seed));
      expect(result.summary.stop).toBe(undelayed.summary.stop);
      expectBooked(slow, result);
      if (parts.options.maxCost === undefined) expect(describeResult(slow, result)).toEqual(expected);
      // Which rows a budget covers depends on the order of the runs, but not how many.
      else expect(countStatuses(result.rows)).toEqual(countStatuses(undelayed.rows));
    }
  },
);

test('a refresh with a slow ledger replaces every answer once', SLOW, async () => {
  for (const seed of SEEDS) {
    const bench = await openCase({ companies: REPEATED, bend: PLAIN, options: {} });
    await bench.run(SHARED);
    const before = bench.agent.tasks.length;
    const result = await bench.run({ ...SHARED, refresh: true }, {}, createSlowOpen(seed));
    expect(countStatuses(result.rows)).toEqual({ enriched: REPEATED.length });
    const again = listAsked(bench.agent.tasks.slice(before));
    expect(again.sort()).toEqual([...new Set(again)]);
    expect(again).toHaveLength(new Set(REPEATED).size);
    expectBooked(bench, result);
  }
});

test(
  'a job with a slow ledger collects the runs of an interrupted one, and sends their missing rows once',
  SLOW,
  async () => {
    for (const seed of SEEDS) {
      let letEnd = (): void => undefined;
      const ended = new Promise<void>((resolve) => {
        letEnd = resolve;
      });
      const answer = script(dropFirst, (task) => computePrice(task));
      const bench = await openJobBench(async (task, signal) => {
        await ended;
        return answer(task, signal);
      });
      bench.write('in.csv', createLongList(REPEATED));
      const stop = new AbortController();
      const first = await bench.run(SHARED, {
        signal: stop.signal,
        onEvent: ({ type }) => type === 'batch_sent' && stop.abort(),
      });
      expect(first.summary.stop).toBe('interrupted');
      letEnd();
      const result = await bench.run(SHARED, {}, createSlowOpen(seed));
      expect(result.summary.stop).toBe('done');
      expect(countStatuses(result.rows)).toEqual({ enriched: REPEATED.length });
      const companies = [...new Set(REPEATED)];
      const missing = companies.filter((number) => number % 5 === 0);
      expect(listAsked(bench.agent.tasks)).toHaveLength(companies.length + missing.length);
      expectBooked(bench, result);
    }
  },
);
