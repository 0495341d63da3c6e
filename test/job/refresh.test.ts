import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { hashRecord } from '../../src/model/ask.js';
import { createList, type JobBench, openJobBench } from '../helpers/job.js';
import { createResult, type Script } from '../helpers/scripted-agent.js';

const DAY_MS = 86_400_000;

/** Answers with the number of times that the company was sent. */
function createCounting(): { readonly script: Script; readonly asked: ReadonlyMap<string, number> } {
  const asked = new Map<string, number>();
  const script: Script = (task) => {
    const rows = (task.request.input?.data ?? []).map((record) => {
      const company = String(record.company);
      const count = (asked.get(company) ?? 0) + 1;
      asked.set(company, count);
      return { row_id: String(record.row_id), fields: { answer: `answer ${count}` } };
    });
    const costDollars = { total: 0.025, agentCompute: 0.025, search: 0, emails: 0, phoneNumbers: 0 };
    return { ...createResult({ rows }), costDollars };
  };
  return { script, asked };
}

async function openFilled(rows: number, options: Parameters<JobBench['run']>[0] = {}) {
  const { script, asked } = createCounting();
  const bench = await openJobBench(script);
  bench.write('in.csv', createList(rows));
  await bench.run(options);
  return { bench, asked };
}

async function readOlder(bench: JobBench, company: string): Promise<unknown[]> {
  const ledger = await openLedger(`${bench.folder}/ledger.sqlite`);
  try {
    const askId = (await ledger.listJobs())[0]?.askId ?? '';
    const older = await ledger.listOlderAnswers(askId, hashRecord({ company }));
    return older.map(({ fields }) => fields.get('answer')?.value);
  } finally {
    await ledger.close();
  }
}

/** Makes the answers of the first `runs` runs in the ledger this many days older. */
function age(bench: JobBench, runs: number, days: number): void {
  const connection = new Libsql(`${bench.folder}/ledger.sqlite`);
  connection.exec(
    `update block set settled_at = settled_at - ${days * DAY_MS}
     where number in (select number from block where kind = 'run' order by number limit ${runs})`,
  );
  connection.close();
}

test('a refresh sends every row again, and older answers stay in the ledger', async () => {
  const { bench, asked } = await openFilled(10);
  const { summary, rows } = await bench.run({ refresh: true });
  expect(rows.map((row) => row.answer)).toEqual(Array(10).fill('answer 2'));
  expect(summary).toMatchObject({ reused: 0, costNowMicros: 50_000, costMicros: 100_000 });
  expect(await readOlder(bench, 'Company 1')).toEqual(['answer 1']);
  await bench.run({ refresh: true });
  expect(await readOlder(bench, 'Company 1')).toEqual(['answer 2', 'answer 1']);
  expect([...asked.values()]).toEqual(Array(10).fill(3));
  expect((await bench.run()).summary).toMatchObject({ reused: 10, costNowMicros: 0 });
});

test('an interrupted refresh continues and sends no row twice', async () => {
  const { bench, asked } = await openFilled(24);
  const controller = new AbortController();
  const first = await bench.run(
    { refresh: true, concurrency: 1 },
    {
      signal: controller.signal,
      onEvent: (event) => event.type === 'batch_settled' && controller.abort(),
    },
  );
  expect(first.summary.stop).toBe('interrupted');
  const half = [...asked.values()].filter((count) => count === 2).length;
  expect(half).toBeGreaterThanOrEqual(8);
  expect(half).toBeLessThan(24);
  const second = await bench.run({ refresh: true });
  expect(second.summary.stop).toBe('done');
  expect([...asked.values()]).toEqual(Array(24).fill(2));
  expect(second.rows.map((row) => row.answer)).toEqual(Array(24).fill('answer 2'));
});

test('a refresh at its budget reports the rows with older answers and continues with a higher budget', async () => {
  const { bench, asked } = await openFilled(24);
  const { summary, rows } = await bench.run({ refresh: true, maxCost: 0.1 });
  expect(summary).toMatchObject({ stop: 'budget', costMicros: 100_000 });
  expect(rows.filter((row) => row.answer === 'answer 1')).toHaveLength(16);
  expect((await bench.run({ refresh: true, maxCost: 1 })).summary.stop).toBe('done');
  expect([...asked.values()]).toEqual(Array(24).fill(2));
});

test('--max-age sends only older rows again, once', async () => {
  const { bench, asked } = await openFilled(10, { batchSize: 2, concurrency: 1 });
  expect((await bench.run({ maxAge: '30d' })).summary).toMatchObject({ reused: 10, costNowMicros: 0 });
  age(bench, 2, 31);
  const { rows } = await bench.run({ maxAge: '30d' });
  expect(rows.map((row) => row.answer)).toEqual([...Array(4).fill('answer 2'), ...Array(6).fill('answer 1')]);
  expect(await readOlder(bench, 'Company 4')).toEqual(['answer 1']);
  expect((await bench.run({ maxAge: '30d' })).summary).toMatchObject({ costNowMicros: 0 });
  expect([...asked.values()].toSorted()).toEqual([...Array(6).fill(1), ...Array(4).fill(2)]);
});
