import { expect, test } from 'vitest';
import { createList, openJobBench } from '../helpers/job.js';
import { countStatuses, script } from '../helpers/truthful-agent.js';

test('rows that are excluded, filled already or empty are never sent', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('customers.csv', 'company\nCOMPANY 2 Inc.\n');
  bench.write('in.csv', 'company,answer\nCompany 1,\nCompany 2,\nCompany 3,known\n,\nCompany 4,\n');
  const { rows } = await bench.run({ exclude: `${bench.folder}/customers.csv`, excludeOn: ['company'] });
  expect(rows.map((row) => row.enrichment_status)).toEqual([
    'enriched',
    'excluded',
    'unchanged',
    'failed',
    'enriched',
  ]);
  expect(rows[1]?.enrichment_error).toMatch(/line 2/);
  expect(rows[2]?.answer).toBe('known');
  const asked = bench.agent.tasks.flatMap((task) => task.request.input?.data ?? []);
  expect(asked.map((record) => record.company)).toEqual(['Company 1', 'Company 4']);
});

test('a line of the list that cannot be read is an error before anything is sent, and names the line', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('known.jsonl', '{"company":"Company 1"},\n{"company":"Company 2"}\n');
  bench.write('in.csv', createList(4));
  const running = bench.run({ exclude: `${bench.folder}/known.jsonl`, excludeOn: ['company'] });
  await expect(running).rejects.toMatchObject({
    code: 'EXCLUSION_UNREADABLE',
    message: expect.stringMatching(/known\.jsonl, line 1: a comma follows/),
  });
  expect(bench.server.report().runs.created).toBe(0);
});

test('a list of answers is refused by a column that is not sent: any row would be one of its records', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('known.csv', 'company,answer\nCompany 1,about Company 2\n');
  bench.write('in.csv', 'company,domain\nCompany 1,one.example\nCompany 2,two.example\n');
  const exclude = `${bench.folder}/known.csv`;
  const running = bench.run({ exclude, excludeOn: ['company', 'answer'], send: ['domain'] });
  await expect(running).rejects.toMatchObject({
    code: 'EXCLUSION_COLUMN_NOT_SENT',
    hint: expect.stringContaining('Add company to --send'),
  });
});

test('an excluded answer is asked once more with that said, then nulled with the reason', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  bench.write('known.csv', 'company,answer\nCompany 2,about Company 2\nCompany 3,somebody else\n');
  bench.write('in.csv', createList(4));
  const { rows } = await bench.run({
    exclude: `${bench.folder}/known.csv`,
    excludeOn: ['company', 'answer'],
  });
  expect(rows.map((row) => row.enrichment_status)).toEqual(['enriched', 'not_found', 'enriched', 'enriched']);
  expect(rows[1]?.enrichment_error).toContain('line 2 of the exclusion file');
  const [first, second, ...rest] = bench.agent.tasks.map((task) => task.request);
  expect(rest).toEqual([]);
  expect(first?.input?.exclusion).toEqual([
    { company: 'Company 2', answer: 'about Company 2' },
    { company: 'Company 3', answer: 'somebody else' },
  ]);
  expect(second?.input?.data?.map((record) => record.company)).toEqual(['Company 2']);
  expect(second?.query).toContain('a record of input.exclusion');
});

test('an answer that is excluded only when its row is asked again is told so too before it is nulled', async () => {
  const bench = await openJobBench(
    script((rows, _task, run) => ({ rows: run === 1 ? rows.slice(1) : rows })),
  );
  bench.write('known.csv', 'company,answer\nCompany 1,about Company 1\n');
  bench.write('in.csv', createList(4));
  const { rows } = await bench.run({
    exclude: `${bench.folder}/known.csv`,
    excludeOn: ['company', 'answer'],
  });
  expect(rows.map((row) => row.enrichment_status)).toEqual(['not_found', 'enriched', 'enriched', 'enriched']);
  const complaints = bench.agent.tasks.map((task) => task.request.query.split('\n\n')[2] ?? '');
  expect(complaints).toEqual([
    '',
    expect.stringContaining('no entry came back for it'),
    expect.stringContaining('a record of input.exclusion'),
  ]);
});

test('answers that are all excluded are no failure of the agent: the job goes on', async () => {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const companies = Array.from({ length: 12 }, (_, index) => `Company ${index + 1}`);
  bench.write(
    'known.csv',
    ['company,answer', ...companies.map((name) => `${name},about ${name}`), ''].join('\n'),
  );
  bench.write('in.csv', createList(16));
  const { rows, summary } = await bench.run({
    exclude: `${bench.folder}/known.csv`,
    excludeOn: ['company', 'answer'],
    batchSize: 1,
    concurrency: 1,
  });
  expect(summary.stop).toBe('done');
  expect(countStatuses(rows)).toEqual({ not_found: 12, enriched: 4 });
  expect(bench.server.report().runs.created).toBe(16 + 12);
});
