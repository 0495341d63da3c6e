import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/model/clock.js';
import type { WatchEvent, WatchOptions } from '../../src/watch.js';
import { openWatchBench, type WatchBench } from '../helpers/watch-bench.js';

const CUSTOMERS = ['company', ...Array.from({ length: 10 }, (_, index) => `Customer ${index}`), ''].join(
  '\n',
);
const clock = { ...systemClock, sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal) };

async function openListBench(): Promise<{ bench: WatchBench; list: string }> {
  const bench = await openWatchBench();
  const list = join(bench.folder, '..', 'customers.csv');
  writeFileSync(list, CUSTOMERS);
  return { bench, list };
}

/** Watches without `once` until one file has ended. */
async function watchUntilDone(
  bench: WatchBench,
  options: Partial<WatchOptions>,
  onEvent: (event: WatchEvent) => void,
): Promise<void> {
  const stop = new AbortController();
  await bench.watch(
    { once: false, ...options },
    {
      clock,
      signal: stop.signal,
      onEvent(event) {
        onEvent(event);
        if (event.type === 'done' || event.type === 'failed') stop.abort();
      },
    },
  );
}

const askedCompanies = (bench: WatchBench): unknown[] =>
  bench.agent.tasks.flatMap(({ request }) => request.input?.data?.map((record) => record.company) ?? []);

test.each([
  ['is empty', ''],
  ['has only a header', 'company\n'],
  ['has fewer than half of its records', 'company\nCustomer 0\nCustomer 1\n'],
])('waits for an exclusion list that %s, and sends no customer', async (_title, half) => {
  const { bench, list } = await openListBench();
  const job = { exclude: list };
  bench.drop('first.csv', 'company\nCustomer 9\nAcme\n');
  await bench.watch({ job });
  writeFileSync(list, half);
  bench.drop('second.csv', 'company\nCustomer 8\nOther\n');
  const codes: string[] = [];
  await watchUntilDone(bench, { job }, (event) => {
    if (event.type !== 'waiting' || event.problem.code === 'JOB_FILE_CHANGING') return;
    codes.push(event.problem.code);
    writeFileSync(list, `${CUSTOMERS}Customer 10\n`);
  });
  expect(codes).not.toEqual([]);
  expect(askedCompanies(bench)).toEqual(['Acme', 'Other']);
});

test('with once, a shrunk list is an error, and the file stays', async () => {
  const { bench, list } = await openListBench();
  const job = { exclude: list };
  bench.drop('first.csv', 'company\nAcme\n');
  await bench.watch({ job });
  writeFileSync(list, 'company\nCustomer 0\n');
  bench.drop('second.csv', 'company\nOther\n');
  await expect(bench.watch({ job })).rejects.toMatchObject({
    code: 'EXCLUSION_SHRANK',
    message: expect.stringContaining('has 1 records, but had 10'),
  });
  expect(bench.told('stopped').at(-1)).toMatchObject({ summary: { stop: 'error' } });
  expect(bench.list('.')).toContain('second.csv');
  rmSync(join(bench.folder, 'working/.rowfill-lists.json'));
  expect(await bench.watch({ job })).toMatchObject({ stop: 'done', done: 1 });
});

test('does not use a list that changes between check and job', async () => {
  const { bench, list } = await openListBench();
  const job = { exclude: list };
  bench.drop('list.csv', 'company\nCustomer 3\nAcme\n');
  let isTaken = false;
  await watchUntilDone(bench, { job }, (event) => {
    if (event.type !== 'taken' || isTaken) return;
    isTaken = true;
    writeFileSync(list, CUSTOMERS.replace('Customer 3\n', ''));
    writeFileSync(list, CUSTOMERS);
    appendFileSync(list, 'Acme\n');
  });
  expect(askedCompanies(bench)).toEqual([]);
});

test('a changed job applies from the next file on, and the change is reported', async () => {
  const bench = await openWatchBench();
  const recipe = join(bench.folder, '..', 'recipe.txt');
  writeFileSync(recipe, 'answer');
  let fields = ['answer'];
  const job = { fields, send: ['company'], apiUrl: bench.server.url, apiKey: 'test', yes: true };
  const ledger = join(bench.folder, '..', 'ledger.sqlite');
  const options = { recipes: [recipe], reload: async () => ({ ...job, fields, ledger }) };
  bench.drop('first.csv', 'company\nAcme\n');
  let dropped = false;
  const stop = new AbortController();
  await bench.watch(
    { once: false, ...options },
    {
      clock,
      signal: stop.signal,
      onEvent(event) {
        if (event.type !== 'done') return;
        if (dropped) return stop.abort();
        dropped = true;
        fields = ['city'];
        writeFileSync(recipe, 'another text');
        bench.drop('second.csv', 'company\nOther\n');
      },
    },
  );
  expect(bench.told('job_changed')).toEqual([{ type: 'job_changed', files: [recipe] }]);
  expect(bench.read('done/first.filled.csv')).toContain('answer_confidence');
  expect(bench.read('done/second.filled.csv')).toContain('city_confidence');
});

test.each(['', '{"type":"object","prop'])(
  'waits for a half-written schema (%j) instead of failing',
  async (half) => {
    const bench = await openWatchBench();
    const schema = join(bench.folder, '..', 'fields.json');
    const whole = '{"type":"object","properties":{"answer":{"type":"string"}}}';
    writeFileSync(schema, whole);
    bench.drop('first.csv', 'company\nAcme\n');
    const job = { fields: [], schema };
    let isBroken = false;
    await watchUntilDone(bench, { job }, (event) => {
      if (event.type === 'taken' && !isBroken) {
        isBroken = true;
        writeFileSync(schema, half);
      }
      // Only once, since a file that keeps changing never settles.
      if (event.type === 'waiting' && event.problem.code !== 'JOB_FILE_CHANGING')
        writeFileSync(schema, whole);
    });
    expect(bench.list('failed')).toEqual([]);
    expect(bench.list('done')).toEqual(['first.csv', 'first.filled.csv']);
  },
);

test.skipIf(process.platform === 'win32')(
  'ignores a FIFO in place of the list counts and counts again',
  async () => {
    const { bench, list } = await openListBench();
    mkdirSync(join(bench.folder, 'working'));
    execFileSync('mkfifo', [join(bench.folder, 'working/.rowfill-lists.json')]);
    bench.drop('list.csv', 'company\nAcme\n');
    await bench.watch({ job: { exclude: list } });
    expect(bench.list('done')).toEqual(['list.csv', 'list.filled.csv']);
    expect(bench.read('working/.rowfill-lists.json')).toContain('10');
  },
);
