import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { readTable } from '../helpers/job.js';
import { openShop, type Shop } from '../helpers/shop.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { type Background, createWorkdir, PROGRAM, type Workdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' }, timeoutMs: 300_000 };
const CAP_MICROS = 1_000_000;

/** Companies of process `number`: half are its own, half are in every list. */
function createHalfShared(number: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    index % 2 === 0 ? `Company ${index}` : `Company ${index} of ${number}`,
  );
}

async function expectBooked(dir: Workdir, shop: Shop): Promise<void> {
  const ledger = await openLedger(join(dir.home, 'ledger.sqlite'));
  try {
    const jobs = await ledger.listJobs();
    expect(shop.twice).toEqual([]);
    expect(jobs.reduce((sum, { spentMicros }) => sum + spentMicros, 0)).toBe(shop.billedMicros);
    expect(jobs.map(({ reservedMicros }) => reservedMicros)).toEqual(jobs.map(() => 0));
    expect(Math.max(...jobs.map(({ spentMicros }) => spentMicros))).toBeLessThanOrEqual(CAP_MICROS);
    expect(await ledger.check()).toEqual([]);
  } finally {
    await ledger.close();
  }
}

/** Runs the program again until it is not killed any more. Returns its exit code. */
class Repeated {
  #current: Omit<Background, 'line'> | null = null;
  #isDone = false;
  starts = 0;

  async run(dir: Workdir, args: readonly string[]): Promise<number | null> {
    for (;;) {
      this.starts += 1;
      this.#current = dir.spawn(args, ENV);
      const { status, signal, stderr } = await this.#current.end();
      if (signal === 'SIGKILL') continue;
      if (status !== 0 && status !== 5) throw new Error(`ended with ${status}: ${stderr}`);
      this.#isDone = true;
      return status;
    }
  }

  signal(name: NodeJS.Signals): boolean {
    if (this.#isDone || this.#current === null) return false;
    this.#current.signal(name);
    return true;
  }
}

test.skipIf(process.platform === 'win32')(
  'processes on one question buy each row once, whichever of them are killed or stopped',
  { ...SLOW, timeout: 300_000 },
  async () => {
    const dir = createWorkdir();
    const count = chooseCount(8, 4);
    const rows = chooseCount(240, 60);
    const runsPerKill = chooseCount(8, 6);
    const limit = chooseCount(20, 8);
    const shop = await openShop(40, { maxActiveRuns: limit });
    const processes = Array.from({ length: count }, () => new Repeated());
    let kills = 0;
    shop.onRun = (run) => {
      if (run % runsPerKill !== 0 || kills > 40) return;
      kills += 1;
      const victim = processes[(run * 7) % count];
      if (kills % 4 !== 0) victim?.signal('SIGKILL');
      else if (victim?.signal('SIGSTOP') === true) setTimeout(() => victim.signal('SIGCONT'), 300);
    };
    const ends = await Promise.all(
      processes.map((each, number) => {
        dir.write(`in${number}.csv`, ['company', ...createHalfShared(number, rows), ''].join('\n'));
        const ask = ['-f', 'answer', '--api-url', shop.url, '--max-cost', '1', '--list-lag', '1s'];
        return each.run(dir, ['run', `in${number}.csv`, ...ask, '--batch-size', '4', '--concurrency', '5']);
      }),
    );
    await expectBooked(dir, shop);
    expect(shop.peakActive).toBeLessThanOrEqual(limit);
    for (const [number, status] of ends.entries()) {
      const table = readTable(dir.read(`in${number}.filled.csv`));
      expect(table).toHaveLength(rows);
      if (status === 0) expect(table.filter(({ answer }) => answer === '')).toEqual([]);
    }
  },
);

test.skipIf(process.platform === 'win32')(
  'six commands of xargs with one recipe share their rows',
  async () => {
    const dir = createWorkdir();
    const shop = await openShop(40);
    dir.write('recipe.json', '{"fields":{"answer":"string"},"batch":4}');
    const names = Array.from({ length: 6 }, (_, number) => `in${number}.csv`);
    for (const [number, name] of names.entries())
      dir.write(name, ['company', ...createHalfShared(number, 40), ''].join('\n'));
    const run = `run -r recipe.json --api-url ${shop.url} --max-cost 1`;
    const script = `printf '%s\\n' ${names.join(' ')} | xargs -P6 -I{} "${process.execPath}" "${PROGRAM}" ${run} {}`;
    expect((await dir.shell(script, ENV)).status).toBe(0);
    await expectBooked(dir, shop);
    expect(shop.bought).toBe(20 + 6 * 20);
    for (const name of names) {
      const table = readTable(dir.read(name.replace('.csv', '.filled.csv')));
      expect(table.filter(({ answer }) => answer !== '')).toHaveLength(40);
    }
  },
);

test.each([
  ['two watchers of one folder', ['drop', 'drop']],
  ['watchers of two folders', ['one', 'two']],
])('%s share the rows of one question', async (_title, folders) => {
  const dir = createWorkdir();
  const shop = await openShop(40);
  for (const number of [0, 1, 2, 3])
    dir.write(
      `${folders[number % 2]}/in${number}.csv`,
      ['company', ...createHalfShared(number, 40), ''].join('\n'),
    );
  const pace = ['--once', '--settle', '100ms', '--poll', '50ms'];
  const job = ['-f', 'answer', '--api-url', shop.url, '--max-cost', '1', '--batch-size', '4'];
  const ends = await Promise.all(
    folders.map((folder) => dir.runProcess(['watch', folder, ...job, ...pace], ENV)),
  );
  expect(ends.map(({ status, stderr }) => [status, stderr])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  await expectBooked(dir, shop);
  expect(shop.bought).toBe(20 + 4 * 20);
  for (const number of [0, 1, 2, 3]) {
    const table = readTable(dir.read(`${folders[number % 2]}/done/in${number}.filled.csv`));
    expect(table.filter(({ answer }) => answer !== '')).toHaveLength(40);
  }
});

test('processes together use an account up to its limit', SLOW, async () => {
  const dir = createWorkdir();
  const [count, limit] = [chooseCount(8, 3), chooseCount(20, 4)];
  const rows = chooseCount(160, 40);
  const shop = await openShop(chooseCount(2_000, 300), { maxActiveRuns: limit });
  const ends = await Promise.all(
    Array.from({ length: count }, (_, number) => {
      dir.write(`in${number}.csv`, ['company', ...createHalfShared(number, rows), ''].join('\n'));
      const ask = ['-f', 'answer', '--api-url', shop.url, '--max-cost', '1', '--batch-size', '4'];
      return dir.runProcess(['run', `in${number}.csv`, ...ask], ENV);
    }),
  );
  const meanActive = shop.computeMeanActive(limit);
  process.stdout.write(
    `${shop.runs} runs, ${shop.refused} refused, ${meanActive.toFixed(2)} of ${limit} active on average\n`,
  );
  expect(ends.map(({ status }) => status)).toEqual(ends.map(() => 0));
  expect(shop.peakActive).toBe(limit);
  await expectBooked(dir, shop);
});
