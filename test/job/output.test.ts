import { appendFileSync, existsSync, rmSync, statSync, utimesSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EnrichEvent } from '../../src/model/events.js';
import { createList, type JobBench, openJobBench } from '../helpers/job.js';
import { answerRows, createResult } from '../helpers/scripted-agent.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

const LONG_AGO = new Date('2020-01-01T00:00:00Z');

async function openFilled(list = createList(10)): Promise<JobBench> {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', list);
  await bench.run();
  return bench;
}

/** Runs the job again and returns whether the output was kept, judged by a file time set in the past. */
async function isKept(bench: JobBench, options = {}, hooks = {}): Promise<boolean> {
  const path = `${bench.folder}/out.csv`;
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) utimesSync(path, LONG_AGO, LONG_AGO);
  await bench.run(options, hooks);
  return statSync(path).mtimeMs === LONG_AGO.getTime();
}

test('the same command keeps the output and reports the same counts', async () => {
  const bench = await openFilled();
  const before = bench.read('out.csv');
  const events: EnrichEvent[] = [];
  const hooks = { onEvent: (event: EnrichEvent) => events.push(event), mayKeepOutput: true };
  expect(await isKept(bench, {}, hooks)).toBe(true);
  expect(bench.read('out.csv')).toBe(before);
  expect(events).toContainEqual(expect.objectContaining({ type: 'note', code: 'OUTPUT_KEPT' }));
  expect(events.findLast(({ type }) => type === 'progress')).toMatchObject({
    progress: { rowsRead: 10, rowsTotal: 10, rowsDone: 10 },
  });
  const { summary } = await bench.run();
  expect(summary).toMatchObject({
    stop: 'done',
    reused: 10,
    rows: { total: 10, enriched: 10 },
    costNowMicros: 0,
  });
  expect(summary.runs).toEqual({ created: 0, adopted: 0, failed: 0 });
  expect(await bench.listJobs()).toMatchObject([{ invocation: 3, stop: 'done', counts: { enriched: 10 } }]);
});

test('with row events wanted, the output is written again with the same bytes', async () => {
  const bench = await openFilled();
  const before = bench.read('out.csv');
  const rows: number[] = [];
  const onEvent = (event: EnrichEvent) => event.type === 'row' && rows.push(event.ordinal);
  expect(await isKept(bench, {}, { onEvent })).toBe(false);
  expect(rows).toHaveLength(10);
  expect(bench.read('out.csv')).toBe(before);
  expect(await isKept(bench)).toBe(true);
});

const CHANGES: readonly [what: string, change: (bench: JobBench) => object | undefined | Promise<void>][] = [
  ['a row was added', (bench) => void appendFileSync(`${bench.folder}/in.csv`, 'One More\n')],
  ['a cell that is not sent was changed', (bench) => void bench.write('in.csv', 'company,note\nA,new\nB,\n')],
  ['the output was changed', (bench) => void appendFileSync(`${bench.folder}/out.csv`, 'mine\n')],
  ['the output is gone', (bench) => void rmSync(`${bench.folder}/out.csv`)],
  ['raw is set', () => ({ raw: true })],
  ['bom is set', () => ({ bom: true })],
  ['a citations file is set', (bench) => ({ citationsFile: `${bench.folder}/citations.jsonl` })],
  ['maxAge is set', () => ({ maxAge: '1d' })],
  ['an exclusion list is set', (bench) => ({ exclude: bench.write('out.list', 'company\nA\n') })],
  [
    'another job of the same ask bought answers',
    async (bench) => {
      const input = bench.write('other.csv', 'company,note\nA,\nC,\n');
      await bench.run({ input, output: `${bench.folder}/other.out.csv`, send: ['company'], refresh: true });
    },
  ],
];

test.each(CHANGES)('writes the output again if %s', async (_what, change) => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', 'company,note\nA,old\nB,\n');
  await bench.run({ send: ['company'] });
  expect(await isKept(bench, { send: ['company'] })).toBe(true);
  const options = await change(bench);
  expect(await isKept(bench, { send: ['company'], ...options })).toBe(false);
});

test('notices that the exclusion list changed, and only then', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(4));
  const exclude = bench.write('customers.csv', 'company\nCompany 1\n');
  await bench.run({ exclude });
  expect(await isKept(bench, { exclude })).toBe(true);
  bench.write('customers.csv', 'company\nCompany 2\n');
  expect(await isKept(bench, { exclude })).toBe(false);
});

test('rows appended while the job started are sent by the next invocation', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(3));
  const onEvent = (event: EnrichEvent) =>
    event.type === 'job' && appendFileSync(`${bench.folder}/in.csv`, 'One More\n');
  expect((await bench.run({}, { onEvent })).rows).toHaveLength(3);
  expect((await bench.run()).rows).toHaveLength(4);
});

test('renaming the exclusion list changes the output', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', createList(2));
  await bench.run({ exclude: bench.write('a.csv', 'company\nCompany 1\n') });
  const { rows } = await bench.run({ exclude: bench.write('b.csv', 'company\nCompany 1\n') });
  expect(rows[0]?.enrichment_error).toContain('b.csv, line 2');
});

test(
  'with an agent that omits anything, keeps an output only if nothing would be sent or changed',
  SLOW,
  async () => {
    const answers = fc.array(fc.constantFrom('found', 'null', 'wrong', 'missing'), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(answers, fc.integer({ min: 1, max: 4 }), async (kinds, batchSize) => {
        const bench = await openJobBench((task) => {
          const rows = (task.request.input?.data ?? []).flatMap((record) => {
            const kind = kinds[Number(String(record.company).slice(8)) - 1];
            const answer = kind === 'found' ? 'yes' : kind === 'null' ? null : { not: 'text' };
            return kind === 'missing' ? [] : [{ row_id: String(record.row_id), fields: { answer } }];
          });
          return createResult({ rows });
        });
        bench.write('in.csv', createList(kinds.length));
        await bench.run({ batchSize });
        const [before, asked] = [bench.read('out.csv'), bench.agent.tasks.length];
        const kept = await isKept(bench, { batchSize });
        expect(kept).toBe(kinds.every((kind) => kind === 'found' || kind === 'null'));
        if (!kept) return;
        await bench.run({ batchSize }, { onEvent: () => undefined });
        expect(bench.read('out.csv')).toBe(before);
        expect(bench.agent.tasks).toHaveLength(asked);
      }),
      { numRuns: chooseCount(25, 6) },
    );
  },
);

test('a job whose rows are all answered needs no agent', async () => {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', 'company\nAcme\nBolt\n');
  const { rows } = await bench.run();
  await bench.server.close();
  const again = await bench.run({ output: `${bench.folder}/other.csv` });
  expect(again.summary).toMatchObject({ stop: 'done', reused: 2, runs: { created: 0 } });
  expect(again.rows.map(({ answer }) => answer)).toEqual(rows.map(({ answer }) => answer));
  // One new row needs it, before anything is confirmed or changed.
  bench.write('in.csv', 'company\nAcme\nBolt\nCore\n');
  const confirm = () => expect.unreachable();
  const output = `${bench.folder}/new.csv`;
  await expect(bench.run({ output }, { confirm })).rejects.toMatchObject({ code: 'NETWORK_ERROR' });
  expect(existsSync(output)).toBe(false);
});
