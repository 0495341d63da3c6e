import {
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createList, readTable } from '../helpers/job.js';
import { answerPaid, createPaidGate, type PaidGate, servePaid } from '../helpers/paid-server.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };
const ROWS = 12;
const ARGS = ['-f', 'answer', '--yes', '--batch-size', '2', '--log-file', 'log.jsonl'];

function removeWith(...suffixes: readonly string[]): (path: string) => void {
  return (path) => {
    for (const suffix of suffixes) rmSync(path + suffix);
  };
}

/** Starts a job with two active runs, moves its ledger, and lets the runs end. */
async function moveMidJob(dir: Workdir, gate: PaidGate, url: string, move: (path: string) => void) {
  const path = join(dir.home, 'ledger.sqlite');
  const job = dir.spawn(['run', 'in.csv', ...ARGS, '--api-url', url, '--concurrency', '2'], ENV);
  await gate.reached(2);
  move(path);
  gate.open();
  return { path, result: await job.end() };
}

test.skipIf(process.platform === 'win32').each([
  ['deleted', removeWith('', '-wal', '-shm')],
  ['replaced by a copy from before the job', (path: string) => renameSync(`${path}.older`, path)],
])(
  'a job whose ledger is %s starts no more runs, writes its output, and leaves a copy to continue from',
  async (_title, move) => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(ROWS));
    const gate = createPaidGate();
    const { url, agent } = await servePaid(gate.script);
    const before = await servePaid(answerPaid);
    dir.write('earlier.csv', createList(1));
    await dir.run(['run', 'earlier.csv', ...ARGS, '--api-url', before.url], ENV);
    copyFileSync(join(dir.home, 'ledger.sqlite'), join(dir.home, 'ledger.sqlite.older'));

    const { path, result } = await moveMidJob(dir, gate, url, move);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('[LEDGER_MOVED]');
    expect(agent.tasks).toHaveLength(2);
    const table = readTable(dir.read('in.filled.csv'));
    const enriched = table.filter((row) => row.enrichment_status === 'enriched');
    const pending = table.filter((row) => row.enrichment_status === 'pending');
    expect([enriched.length, pending.length]).toEqual([4, ROWS - 4]);
    const runIds = [...new Set(enriched.map((row) => row.enrichment_run_id))];
    expect(runIds).toHaveLength(2);
    for (const runId of runIds) expect(result.stderr).toContain(`${runId} ($0.025)`);
    const log = dir.read('log.jsonl').trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(log)).toMatchObject({ stop: 'ledger_moved', error: { code: 'LEDGER_MOVED' } });
    expect(log).toContain(`${runIds[0]} ($0.025)`);

    const copy = /copy of the whole ledger is in (\S+\.sqlite)/.exec(result.stderr)?.[1] ?? '';
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    renameSync(copy, path);
    const again = await dir.run(['run', 'in.csv', ...ARGS, '--api-url', url, '--json'], ENV);
    expect(again.status).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ rows: { enriched: ROWS }, cost_usd: 0.15 });
    expect(agent.tasks).toHaveLength(ROWS / 2);
  },
);

test.skipIf(process.platform === 'win32')(
  'a job whose write-ahead log is deleted stops, and the same command continues without paying twice',
  async () => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(ROWS));
    const gate = createPaidGate();
    const { url, agent } = await servePaid(gate.script);
    const { result } = await moveMidJob(dir, gate, url, removeWith('-wal', '-shm'));
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('has been written back');
    const bought = agent.tasks.length;
    expect(bought).toBeLessThan(ROWS / 2);
    const again = await dir.run(['run', 'in.csv', ...ARGS, '--api-url', url, '--json'], ENV);
    expect(again.status).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      rows: { enriched: ROWS },
      runs: { created: ROWS / 2 - bought },
      cost_usd: 0.15,
    });
  },
);

test.skipIf(process.platform === 'win32')(
  'notices before the job ends that the ledger was deleted during the last runs',
  async () => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(4));
    const gate = createPaidGate();
    const { url } = await servePaid(gate.script);
    const { result } = await moveMidJob(dir, gate, url, removeWith('', '-wal', '-shm'));
    expect(result.status).toBe(2);
    expect(result.stderr).toContain('[LEDGER_MOVED]');
    const table = readTable(dir.read('in.filled.csv'));
    expect(table.map((row) => row.enrichment_status)).toEqual(Array.from({ length: 4 }, () => 'enriched'));
    for (const { enrichment_run_id: id } of table) expect(result.stderr).toContain(`${id} ($0.025)`);
  },
);

test.skipIf(process.platform === 'win32').each([
  ['emptied', (path: string) => truncateSync(path), 'LEDGER_MOVED'],
  ['overwritten', (path: string) => writeFileSync(path, 'x'.repeat(200_000)), 'LEDGER_DAMAGED'],
  ['overwritten with another kind of file', (path: string) => writeFileSync(path, '{}'), 'LEDGER_DAMAGED'],
  ['cut', (path: string) => truncateSync(path, 6_000), 'LEDGER_DAMAGED'],
])('a job whose ledger is %s in place reports what it has spent', async (_title, harm, code) => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(ROWS));
  const gate = createPaidGate();
  const { url, agent } = await servePaid(gate.script);
  const { result } = await moveMidJob(dir, gate, url, harm);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain(`[${code}]`);
  expect(result.stderr).toMatch(/may be missing there: \w+ \(.+\), \w+ \(/);
  if (code === 'LEDGER_DAMAGED') {
    expect(result.stderr).toContain(
      'The ledger was changed by another program, or damaged, while it was in use',
    );
    expect(result.stderr).toMatch(/Spent by this command: \$0\.\d+ \(\d+ new runs?/);
  }
  if (code === 'LEDGER_MOVED') expect(agent.tasks).toHaveLength(2);
});

test.skipIf(process.platform === 'win32')(
  'a paid job whose output became a link reports what it has spent',
  async () => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(ROWS));
    dir.write('mine.txt', 'mine');
    const gate = createPaidGate();
    const { url, agent } = await servePaid(gate.script);
    const job = dir.spawn(
      ['run', 'in.csv', ...ARGS, '--api-url', url, '--concurrency', '2', '-o', 'out.csv'],
      ENV,
    );
    await gate.reached(2);
    symlinkSync('mine.txt', join(dir.path, 'out.csv'));
    gate.open();
    const result = await job.end();
    expect(result.status).toBe(2);
    expect(agent.tasks).toHaveLength(ROWS / 2);
    expect(result.stderr).toMatch(/Spent by this command: \$0\.15 \(6 new runs\) \[OUTPUT_MOVED\]/);
    expect(dir.read('mine.txt')).toBe('mine');
  },
);

test.skipIf(process.platform === 'win32')('a ledger behind a link keeps paid answers', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  const { url, agent } = await servePaid();
  const args = ['run', 'in.csv', ...ARGS, '--api-url', url];
  expect((await dir.run([...args, '--limit', '2'], ENV)).status).toBe(0);
  const path = join(dir.home, 'ledger.sqlite');
  renameSync(path, join(dir.path, 'real.sqlite'));
  symlinkSync('../real.sqlite', path);
  const again = await dir.run(args, ENV);
  expect(again.status).toBe(0);
  expect(agent.tasks).toHaveLength(2);
  expect(readFileSync(join(dir.path, 'real.sqlite')).length).toBeGreaterThan(0);
});

test('refuses an empty ledger file before sending anything', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(4));
  dir.write('.rowfill/ledger.sqlite', '');
  const { url, agent } = await servePaid();
  const result = await dir.run(['run', 'in.csv', ...ARGS, '--api-url', url], ENV);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('[LEDGER_EMPTY]');
  expect(agent.tasks).toHaveLength(0);
  expect(dir.has('in.filled.csv')).toBe(false);
});
