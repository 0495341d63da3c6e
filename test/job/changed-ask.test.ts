import { expect, test } from 'vitest';
import { plan } from '../../src/plan.js';
import { createList, type JobBench, openJobBench } from '../helpers/job.js';
import { answerPaid } from '../helpers/paid-server.js';
import { createResult } from '../helpers/scripted-agent.js';

const HEAD = 'company,site';

function createSites(from: number, to: number): string {
  const rows = Array.from({ length: to - from + 1 }, (_, index) => `Company ${from + index},x`);
  return [HEAD, ...rows, ''].join('\n');
}

/** Runs a job with a changed ask and declines it. Returns what was reported before the cost question. */
async function readChange(bench: JobBench, options: Parameters<JobBench['run']>[0]): Promise<string[]> {
  const said: string[] = [];
  let saidBefore: string[] | null = null;
  const confirm = async (): Promise<boolean> => {
    saidBefore = [...said];
    return false;
  };
  await bench
    .run(options, {
      confirm,
      onEvent: (event) => event.type === 'note' && event.code === 'ASK_CHANGED' && said.push(event.message),
    })
    .catch((error: unknown) => expect(error).toMatchObject({ code: 'COST_DECLINED' }));
  return saidBefore ?? said;
}

test.each([
  ['The query', { query: 'Something else?' }],
  ['The system prompt', { system: 'Only use filings.' }],
  ['The sent columns', { send: ['company'] }],
  ['The schema or description of answer', { fields: ['answer=In one word'] }],
  ['The query and the system prompt', { query: 'Something else?', system: 'Only use filings.' }],
])(
  'reports a change of %s and the number of rows sent again, before the cost is confirmed',
  async (part, change) => {
    const bench = await openJobBench(answerPaid);
    bench.write('in.csv', createSites(1, 5));
    await bench.run();
    expect(await readChange(bench, {})).toEqual([]);
    const [said, ...more] = await readChange(bench, change);
    expect(more).toEqual([]);
    expect(said).toContain(`${part} changed since this file was last filled: 5 answered rows are sent again`);
    expect(bench.agent.tasks).toHaveLength(1);
  },
);

test.each([
  ['a field', { fields: ['answer', 'ceo'] }],
  ['another effort', { effort: ['medium'] }],
])('does not warn about %s, because it sends no answered cell again', async (_, change) => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createSites(1, 5));
  await bench.run();
  expect(await readChange(bench, change)).toEqual([]);
});

test('says what the old query would cost when a column is added with another one', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createSites(1, 5));
  await bench.run();
  const [said] = await readChange(bench, { query: 'Something else?', fields: ['answer', 'ceo'] });
  expect(said).toMatch(
    /^The query changed .*: 5 answered rows are sent again for all 2 columns; the old query asks only for ceo\. .* j_\w+\.$/,
  );
});

test('counts only rows of this file that had an answer', async () => {
  const bench = await openJobBench(answerPaid);
  const other = bench.write('other.csv', createSites(1, 30));
  await bench.run({ input: other });
  bench.write('in.csv', createSites(1, 8));
  await bench.run();
  // Two rows are gone, four are new.
  bench.write('in.csv', createSites(3, 12));
  const [said] = await readChange(bench, { query: 'Something else?' });
  // The other file had the same ask, so it has answers for the new rows.
  expect(said).toContain(' 10 answered rows are sent again;');
  bench.write('in.csv', createSites(30, 32));
  expect((await readChange(bench, { query: 'Something else?' }))[0]).toContain(' 1 answered row is');
});

test('counts the rows of a long file to its end', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createSites(1, 3_000));
  await bench.run({ batchSize: 500 });
  const [said] = await readChange(bench, { query: 'Something else?' });
  expect(said).toContain(' 3,000 answered rows are sent again;');
});

test('returning to an earlier ask sends nothing again and says so', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(4));
  await bench.run({ query: 'One?' });
  await bench.run({ query: 'Two?' });
  const [said] = await readChange(bench, { query: 'One?' });
  expect(said).toContain('No answered row is sent again.');
  expect(bench.agent.tasks).toHaveLength(2);
});

test('plan reports it too', async () => {
  const bench = await openJobBench(answerPaid);
  const input = bench.write('in.csv', createList(4));
  await bench.run();
  const options = {
    input,
    fields: ['answer'],
    apiUrl: bench.server.url,
    ledger: `${bench.folder}/ledger.sqlite`,
  };
  expect((await plan(options)).changes).toBeNull();
  expect((await plan({ ...options, query: 'Two?' })).changes).toContain('4 answered rows are sent again');
});

test('the answers of an earlier ask stay in the ledger and can be reused without cost', async () => {
  const bench = await openJobBench((task) => ({
    ...createResult({
      rows: (task.request.input?.data ?? []).map(({ row_id }) => ({
        row_id: row_id ?? '',
        fields: { answer: task.request.query.split('\n')[0] ?? '' },
      })),
    }),
    costDollars: { total: 0.025, agentCompute: 0.025, search: 0, emails: 0, phoneNumbers: 0 },
  }));
  bench.write('in.csv', createList(4));
  await bench.run({ query: 'One?' });
  expect((await bench.run({ query: 'Two?' })).rows[0]?.answer).toBe('Two?');
  const { summary, rows } = await bench.run({ query: 'One?' });
  expect(rows.map((row) => row.answer)).toEqual(Array(4).fill('One?'));
  expect(summary).toMatchObject({ costNowMicros: 0, costMicros: 25_000, reused: 4 });
});
