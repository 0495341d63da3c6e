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
  ['the query', { query: 'Something else?' }],
  ['the system prompt', { system: 'Only use filings.' }],
  ['the fields', { fields: ['answer', 'ceo'] }],
  ['the sent columns', { send: ['company'] }],
  ['the effort', { effort: ['medium'] }],
  ['the query and the fields', { query: 'Something else?', fields: ['ceo'] }],
])(
  'reports a change of %s and the number of rows sent again, before the cost is confirmed',
  async (part, change) => {
    const bench = await openJobBench(answerPaid);
    bench.write('in.csv', createSites(1, 5));
    await bench.run();
    expect(await readChange(bench, {})).toEqual([]);
    const [said, ...more] = await readChange(bench, change);
    expect(more).toEqual([]);
    expect(said).toMatch(
      new RegExp(`: ${part} changed since .* 5 answered rows would be sent again; .* j_\\w+\\.$`),
    );
    expect(bench.agent.tasks).toHaveLength(1);
  },
);

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
  expect(said).toContain(' 10 answered rows would be sent again;');
  bench.write('in.csv', createSites(30, 32));
  expect((await readChange(bench, { query: 'Something else?' }))[0]).toContain(' 1 answered row would');
});

test('counts the rows of a long file to its end', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createSites(1, 3_000));
  await bench.run({ batchSize: 500 });
  const [said] = await readChange(bench, { query: 'Something else?' });
  expect(said).toContain(' 3000 answered rows would be sent again;');
});

test('returning to an earlier ask sends nothing again and says so', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', createList(4));
  await bench.run({ query: 'One?' });
  await bench.run({ query: 'Two?' });
  const [said] = await readChange(bench, { query: 'One?' });
  expect(said).toContain('No answered row would be sent again.');
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
  expect((await plan({ ...options, query: 'Two?' })).changes).toContain(
    '4 answered rows would be sent again',
  );
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
