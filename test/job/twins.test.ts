import { expect, test } from 'vitest';
import type { Quote } from '../../src/model/prices.js';
import { createList, openJobBench } from '../helpers/job.js';
import type { Script } from '../helpers/scripted-agent.js';
import { countStatuses, expectOwnAnswers, listAsked, script } from '../helpers/truthful-agent.js';

const FIELDS = ['ceo', 'seat'];

/** Lets a test delay the runs with a company. */
function holdBack(company: string, inner: Script): { readonly script: Script; readonly open: () => void } {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    async script(task, signal) {
      if (task.request.input?.data?.some((record) => record.company === company)) await gate;
      return inner(task, signal);
    },
    open: () => open(),
  };
}

test('equal rows are sent once, even while the first is in flight, and only the first has a cost', async () => {
  const bench = await openJobBench(
    script(
      (rows) => ({ rows }),
      () => 0.03,
    ),
  );
  bench.write('in.csv', ['company,note', 'A,1', 'B,2', 'A,3', 'C,4', 'B,5', ''].join('\n'));
  const { summary, rows } = await bench.run({ send: ['company'], batchSize: 1 });
  expect(bench.server.report().runs.created).toBe(3);
  expect(rows.map((row) => row.enrichment_cost_usd)).toEqual(['0.03', '0.03', '0.00', '0.03', '0.00']);
  expect(rows.map((row) => row.note)).toEqual(['1', '2', '3', '4', '5']);
  expect(summary.duplicates).toBe(2);
  expectOwnAnswers(rows);
});

test.each([1, 8])(
  'equal rows with different blanks are sent once, as stated, in runs of %d',
  async (batchSize) => {
    const bench = await openJobBench(script((rows) => ({ rows })));
    const pairs = Array.from({ length: 8 }, (_, index) => [`C${index},me,`, `C${index},,there`]);
    bench.write('in.csv', ['company,ceo,seat', ...pairs.flat(), ''].join('\n'));
    let quote: Quote | null = null;
    const confirm = async (asked: Quote): Promise<boolean> => {
      quote = asked;
      return true;
    };
    const { rows } = await bench.run({ fields: FIELDS, send: ['company'], batchSize }, { confirm });
    const sent = bench.agent.tasks.flatMap((task) => task.request.input?.data ?? []);
    expect(sent.map(({ company }) => company).sort()).toEqual(pairs.map((_, index) => `C${index}`));
    expect(bench.agent.tasks).toHaveLength(8 / batchSize);
    expect(quote).toMatchObject({ runs: 8 / batchSize });
    expect(rows.slice(0, 2).map(({ ceo, seat }) => [ceo, seat])).toEqual([
      ['me', 'seat of C0'],
      ['ceo of C0', 'there'],
    ]);
  },
);

test('equal rows with different blanks send each field once, and every row gets its missing values', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('in.csv', ['company,ceo,seat', 'A,,there', 'A,me,', 'A,,', 'B,,', 'B,,there', ''].join('\n'));
  let quote: Quote | null = null;
  const confirm = async (asked: Quote): Promise<boolean> => {
    quote = asked;
    return true;
  };
  const { rows, summary } = await bench.run({ fields: FIELDS, send: ['company'] }, { confirm });
  expect(listAsked(bench.agent.tasks).sort()).toEqual(['A ceo low', 'A seat low', 'B ceo low', 'B seat low']);
  expect(bench.agent.tasks).toHaveLength(1);
  expect(rows.map(({ ceo, seat }) => [ceo, seat])).toEqual([
    ['ceo of A', 'there'],
    ['me', 'seat of A'],
    ['ceo of A', 'seat of A'],
    ['ceo of B', 'seat of B'],
    ['ceo of B', 'there'],
  ]);
  expect(countStatuses(rows)).toEqual({ enriched: 5 });
  expect(summary).toMatchObject({ duplicates: 2, runs: { created: 1 } });
  expect(quote).toMatchObject({ rows: 3, runs: 1 });
});

test('the quote counts the blanks of equal rows that are far apart', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const between = Array.from({ length: 2_500 }, () => 'Z,known,known');
  bench.write('in.csv', ['company,ceo,seat', 'A,,x', ...between, 'A,x,', 'A,,', ''].join('\n'));
  let quote: Quote | null = null;
  const confirm = async (asked: Quote): Promise<boolean> => {
    quote = asked;
    return true;
  };
  const { summary } = await bench.run({ fields: FIELDS, send: ['company'] }, { confirm });
  expect(summary.runs.created).toBe(1);
  expect(quote).toMatchObject({ rows: 2, runs: 1 });
});

test('sends each field of a row at its own effort level', async () => {
  const bench = await openJobBench(
    script((rows, task) => ({
      rows: rows.map((row) =>
        task.request.effort === 'low' && 'ceo' in row.fields
          ? { ...row, fields: { ...row.fields, ceo: null } }
          : row,
      ),
    })),
  );
  const ladder = { fields: FIELDS, send: ['company'], effort: ['low', 'high'] };
  bench.write('in.csv', 'company,ceo,seat\nA,,there\n');
  // The cap covers only the first level.
  const first = await bench.run({ ...ladder, maxCost: 0.03 });
  expect(first.summary.stop).toBe('budget');
  expect(first.rows.map((row) => row.enrichment_status)).toEqual(['over_budget']);
  bench.write('in.csv', 'company,ceo,seat\nA,,\n');
  const second = await bench.run({ ...ladder, maxCost: 5 });
  expect(second.rows[0]).toMatchObject({ ceo: 'ceo of A', seat: 'seat of A', enrichment_status: 'enriched' });
  expect(listAsked(bench.agent.tasks)).toEqual(['A ceo low', 'A seat low', 'A ceo high']);
});

test('rows sent by an earlier process are not duplicates, and removed rows are not retried', async () => {
  const controller = new AbortController();
  let isFirst = true;
  const held = holdBack(
    'Company 1',
    script((rows) => {
      // The collected run has no answers for odd companies.
      const answered = isFirst ? rows.filter((_row, index) => index % 2 === 1) : rows;
      isFirst = false;
      return { rows: answered };
    }),
  );
  const bench = await openJobBench((task, signal) => {
    controller.abort();
    return held.script(task, signal);
  });
  bench.write('in.csv', createList(8));
  const first = await bench.run({}, { signal: controller.signal });
  expect(countStatuses(first.rows)).toEqual({ pending: 8 });

  // Companies 5 to 8 are gone, two are new.
  const rows = ['Company 1', 'Company 2', 'Company 3', 'Company 4', 'Company 20', 'Company 21'];
  bench.write('in.csv', ['company', ...rows, ''].join('\n'));
  held.open();
  const second = await bench.run();
  expect(countStatuses(second.rows)).toEqual({ enriched: 6 });
  expectOwnAnswers(second.rows);
  expect(second.summary).toMatchObject({ duplicates: 0, reused: 0, runs: { adopted: 1 } });
  const asked = bench.agent.tasks.slice(1).flatMap((task) => task.request.input?.data ?? []);
  expect(asked.map((record) => record.company).sort()).toEqual([
    'Company 1',
    'Company 20',
    'Company 21',
    'Company 3',
  ]);
});

test('a run left by another file’s job answers rows here, and its other rows are not repaired at this job’s cost', async () => {
  const controller = new AbortController();
  const held = holdBack(
    'Company 1',
    script(
      (rows, _task, run) => ({ rows: run === 1 ? rows.slice(0, 2) : rows }),
      () => 0.04,
    ),
  );
  const bench = await openJobBench((task, signal) => {
    controller.abort();
    return held.script(task, signal);
  });
  bench.write('in.csv', createList(8));
  await bench.run({}, { signal: controller.signal });
  held.open();
  const other = bench.write('other.csv', 'company\nCompany 2\nCompany 3\n');
  const output = `${bench.folder}/other.out.csv`;
  const { rows, summary } = await bench.run({ input: other, output });
  expect(countStatuses(rows)).toEqual({ enriched: 2 });
  expectOwnAnswers(rows);
  // Company 2 was answered by the run of the other job; company 3 was missing there and is sent here.
  expect(rows.map((row) => row.enrichment_cost_usd)).toEqual(['0.00', '0.04']);
  expect(summary).toMatchObject({ costMicros: 40_000, runs: { created: 1, adopted: 1 } });
});
