import { expect, test } from 'vitest';
import type { EnrichHooks } from '../../src/enrich.js';
import type { NothingFound } from '../../src/model/events.js';
import { plan } from '../../src/plan.js';
import { createList, openJobBench } from '../helpers/job.js';
import { createGate } from '../helpers/scripted-agent.js';
import { type Bend, countStatuses, script } from '../helpers/truthful-agent.js';

const PRICES: Record<string, number> = { low: 0.025, medium: 0.1, high: 0.5 };
const price = (task: { readonly request: { readonly effort?: string } }): number =>
  PRICES[task.request.effort ?? ''] ?? 0;

/** Answers rows by company number and finds nothing for the others. */
function findOnly(isFound: (company: number, effort: string) => boolean, field = 'answer'): Bend {
  return (rows, task) => ({
    rows: rows.map((row, index) => {
      const company = String(task.request.input?.data?.[index]?.company);
      if (isFound(Number(company.slice(8)), task.request.effort ?? '')) return row;
      return { ...row, fields: { ...row.fields, [field]: null } };
    }),
  });
}

const NOTHING = findOnly(() => false);

/** A hook that collects the notes of a job. */
function hearNotes(): { readonly codes: string[]; readonly hooks: EnrichHooks } {
  const codes: string[] = [];
  return { codes, hooks: { onEvent: (event) => event.type === 'note' && codes.push(event.code) } };
}

test('a paid job stops after 24 rows without a value and writes its output; the same command then starts no run', async () => {
  const bench = await openJobBench(script(NOTHING, price));
  bench.write('in.csv', createList(600));
  const first = await bench.run({ concurrency: 1 });
  expect(first.summary).toMatchObject({
    stop: 'nothing_found',
    costMicros: 75_000,
    reservedMicros: 0,
    runs: { created: 3 },
    error: { code: 'NOTHING_FOUND', hint: expect.stringContaining('--keep-going') },
  });
  expect(first.summary.error?.message).toMatch(/24 rows.*low.*\$0\.075.*company/);
  expect(countStatuses(first.rows)).toEqual({ not_found: 24, pending: 576 });
  const second = await bench.run({ concurrency: 1 });
  expect(second.summary).toMatchObject({ stop: 'nothing_found', costMicros: 75_000, runs: { created: 0 } });
  expect(countStatuses(second.rows)).toEqual({ not_found: 24, pending: 576 });
  expect(bench.agent.tasks).toHaveLength(3);
  expect(await bench.listJobs()).toMatchObject([{ stop: 'nothing_found', reservedMicros: 0 }]);
});

test('keepGoing continues and is remembered for later calls', async () => {
  const bench = await openJobBench(script(NOTHING, price));
  bench.write('in.csv', createList(80));
  await bench.run({ concurrency: 1 });
  const capped = await bench.run({ concurrency: 1, keepGoing: true, maxCost: 0.15 });
  expect(capped.summary).toMatchObject({ stop: 'budget', costMicros: 150_000 });
  const rest = await bench.run({ concurrency: 1 });
  expect(rest.summary).toMatchObject({ stop: 'done', costMicros: 250_000 });
  expect(countStatuses(rest.rows)).toEqual({ not_found: 80 });
});

test('a single value in the first rows is enough to continue', async () => {
  const bench = await openJobBench(
    script(
      findOnly((company) => company === 20),
      price,
    ),
  );
  bench.write('in.csv', createList(80));
  const { summary } = await bench.run({ concurrency: 1 });
  expect(summary).toMatchObject({ stop: 'done', runs: { created: 10 } });
});

test('a value from a run that was still active continues the job', async () => {
  const gate = createGate();
  const answer = script(
    findOnly((company) => company > 24 && company <= 32),
    price,
  );
  const bench = await openJobBench(async (task, signal) => {
    const [first] = task.request.input?.data ?? [];
    if (first?.company === 'Company 25') await gate.script(task, signal);
    return answer(task, signal);
  });
  bench.write('in.csv', createList(80));
  let settled = 0;
  const { summary } = await bench.run(
    { concurrency: 4 },
    {
      onEvent(event) {
        if (event.type === 'batch_settled') settled += 1;
        // All other runs have found nothing; only this one can.
        if (event.type === 'progress' && settled >= 3 && event.progress.runsActive === 1) gate.open();
      },
    },
  );
  expect(summary).toMatchObject({ stop: 'done', runs: { created: 10 } });
});

test('a file that ends with its 24th row is done', async () => {
  const bench = await openJobBench(script(NOTHING, price));
  bench.write('in.csv', createList(24));
  expect((await bench.run({ concurrency: 1 })).summary).toMatchObject({ stop: 'done', error: null });
  expect((await bench.run({ concurrency: 1 })).summary).toMatchObject({ stop: 'done', error: null });
});

test('counts rows across all calls of a job', async () => {
  const bench = await openJobBench(script(NOTHING, price));
  bench.write('in.csv', createList(80));
  expect((await bench.run({ limit: 16 })).summary).toMatchObject({ stop: 'done', costMicros: 50_000 });
  expect((await bench.run({ concurrency: 1 })).summary).toMatchObject({
    stop: 'nothing_found',
    costMicros: 75_000,
  });
});

test('a free agent is never stopped', async () => {
  const bench = await openJobBench(script(NOTHING));
  bench.write('in.csv', createList(80));
  const { summary } = await bench.run({ prices: { low: 0, email: 0, phone: 0 }, concurrency: 1 });
  expect(summary).toMatchObject({ stop: 'done', runs: { created: 10 } });
});

test.each([
  [['low', 'high'], '; not tried: effort high;', 'want to try the higher effort'],
  [['low', 'medium', 'high'], '; not tried: effort medium, high;', 'want to try the higher effort'],
  [['low'], 'so far; sent:', 'If you expect blanks, continue'],
] as const)(
  'a ladder %j that stops at its first level names the levels that were not tried',
  async (effort, message, hint) => {
    const bench = await openJobBench(script(NOTHING, price));
    bench.write('in.csv', createList(48));
    const { summary } = await bench.run({ effort: [...effort], concurrency: 1 });
    expect(summary).toMatchObject({ stop: 'nothing_found', costMicros: 75_000 });
    expect(summary.error?.message).toContain(message);
    expect(summary.error).toMatchObject({ hint: expect.stringContaining(hint) });
  },
);

test('keepGoing tries the next effort level after one that found nothing', async () => {
  const bench = await openJobBench(
    script(
      findOnly((_company, effort) => effort === 'high'),
      price,
    ),
  );
  bench.write('in.csv', createList(24));
  const stopped = await bench.run({ effort: ['low', 'high'], concurrency: 1 });
  expect(stopped.summary).toMatchObject({ stop: 'nothing_found', costMicros: 75_000 });
  const { summary, rows } = await bench.run({ effort: ['low', 'high'], concurrency: 1, keepGoing: true });
  expect(summary).toMatchObject({ stop: 'done', costMicros: 75_000 + 3 * 500_000 });
  expect(countStatuses(rows)).toEqual({ enriched: 24 });
});

test('stops a higher effort level that finds nothing, while the lower one continues', async () => {
  const bench = await openJobBench(
    script(
      findOnly((company, effort) => effort === 'low' && company % 2 === 0),
      price,
    ),
  );
  bench.write('in.csv', createList(160));
  const { summary, rows } = await bench.run({ effort: ['low', 'high'], concurrency: 1 });
  expect(summary.stop).toBe('nothing_found');
  expect(summary.steps).toMatchObject([
    { effort: 'low', runs: 20, filled: 80 },
    { effort: 'high', runs: 3, filled: 0 },
  ]);
  expect(summary.error?.message).toContain('at effort high');
  expect(countStatuses(rows)).toEqual({ enriched: 80, not_found: 24, pending: 56 });
});

test('a lower effort level that finds nothing continues if a higher one finds values', async () => {
  const bench = await openJobBench(
    script(
      findOnly((_company, effort) => effort === 'medium'),
      price,
    ),
  );
  bench.write('in.csv', createList(64));
  const job = { effort: ['low', 'medium'], concurrency: 1 };
  await bench.run({ ...job, limit: 8 });
  const { summary } = await bench.run(job);
  expect(summary).toMatchObject({ stop: 'done', rows: { enriched: 64 } });
});

test('the hook gets what was sent and returned, once, and only true continues', async () => {
  const bench = await openJobBench(script(NOTHING, price));
  bench.write('in.csv', createList(80));
  const JOB = { query: 'Who?', concurrency: 1 };
  const shown: NothingFound[] = [];
  // A value that only untyped JavaScript can return.
  const sayNo = (job: NothingFound) => {
    shown.push(job);
    return Promise.resolve('no' as unknown as boolean);
  };
  const first = await bench.run(JOB, { confirm: async () => true, confirmNothingFound: sayNo });
  expect(first.summary.stop).toBe('nothing_found');
  expect(shown).toMatchObject([
    {
      effort: 'low',
      query: 'Who?',
      columns: ['company'],
      example: { sent: { company: expect.stringContaining('Company') }, returned: '{"answer":null}' },
    },
  ]);
  expect(shown[0]?.rows).toBeGreaterThanOrEqual(24);
  const second = await bench.run(JOB, { confirm: async () => true, confirmNothingFound: async () => true });
  expect(second.summary).toMatchObject({ stop: 'done', rows: { not_found: 80 } });
});

test('warns once about a column that is blank in the first 100 answered rows', async () => {
  const bench = await openJobBench(
    script(
      findOnly(() => false, 'ceo'),
      price,
    ),
  );
  bench.write('in.csv', createList(240));
  const { codes, hooks } = hearNotes();
  const job = { fields: ['answer', 'ceo'], yes: true };
  await bench.run({ ...job, limit: 64 }, hooks);
  expect(codes).toEqual([]);
  await bench.run(job, hooks);
  expect(codes).toEqual(['COLUMN_BLANK']);
});

test('a call stopped while the hook is pending is interrupted, and the next one asks again', async () => {
  const bench = await openJobBench(script(NOTHING, price));
  bench.write('in.csv', createList(80));
  const run = async () => {
    const controller = new AbortController();
    const confirmNothingFound = (): Promise<boolean> => {
      controller.abort();
      return new Promise(() => {});
    };
    const hooks = { confirm: async () => true, confirmNothingFound, signal: controller.signal };
    return await bench.run({ concurrency: 1 }, hooks);
  };
  expect((await run()).summary).toMatchObject({ stop: 'interrupted', runs: { created: 3 } });
  // Before anything is sent, as at the cost question.
  await expect(run()).rejects.toMatchObject({ name: 'AbortError' });
  expect(bench.agent.tasks).toHaveLength(3);
});

test('plan shows that the job would stop, and that it would not with keepGoing', async () => {
  const bench = await openJobBench(script(NOTHING, price));
  const input = bench.write('in.csv', createList(80));
  const ledger = `${bench.folder}/ledger.sqlite`;
  const job = { input, ledger, fields: ['answer'], apiUrl: bench.server.url, apiKey: 'test' };
  expect((await plan(job)).nothingFound).toBeNull();
  await bench.run({ concurrency: 1 });
  expect((await plan(job)).nothingFound).toMatchObject({ effort: 'low', rows: 24, costMicros: 75_000 });
  expect((await plan({ ...job, keepGoing: true })).nothingFound).toBeNull();
});

test('runs that wait for a slot are not started either', async () => {
  const bench = await openJobBench(script(NOTHING, price));
  bench.write('in.csv', createList(600));
  const { summary } = await bench.run({ concurrency: 10 });
  expect(summary).toMatchObject({ stop: 'nothing_found', reservedMicros: 0 });
  // Ten concurrent runs, and those that replaced the first two.
  expect(summary.runs.created).toBeLessThanOrEqual(12);
  expect(bench.agent.tasks).toHaveLength(summary.runs.created);
});
