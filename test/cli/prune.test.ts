import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createList } from '../helpers/job.js';
import {
  createTestAsk,
  createTestBatch,
  createTestJob,
  reserveTestBatch,
} from '../helpers/ledger-samples.js';
import { servePaid } from '../helpers/paid-server.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const DAY_MS = 86_400_000;

/** A ledger with three asks: one last used 100 days ago, one with a batch open since then, one with a recent open batch. */
async function fillLedger(dir: Workdir): Promise<void> {
  let nowMs = Date.now() - 100 * DAY_MS;
  const ledger = await openLedger(join(dir.home, 'ledger.sqlite'), { clock: { now: () => nowMs } });
  await ledger.openJob(createTestJob(createTestAsk('one'), '/data/one.csv'));
  const open = await ledger.openJob(createTestJob(createTestAsk('two'), '/data/two.csv'));
  await reserveTestBatch(ledger, createTestBatch(open, ['Acme']));
  const working = await ledger.openJob(createTestJob(createTestAsk('three'), '/data/three.csv'));
  nowMs = Date.now() - DAY_MS / 2;
  await reserveTestBatch(ledger, createTestBatch(working, ['Acme']));
  await ledger.close();
}

test('deletes unused asks, even with a batch that never ended, but keeps one whose run may still be active', async () => {
  const dir = createWorkdir();
  await fillLedger(dir);
  const result = await dir.run(['prune', '--asks', '90d', '--yes']);
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(result.stderr).toBe('Deleted: 0 raw runs, 2 asks, 2 jobs, 0 answers.\n');
  expect(JSON.parse((await dir.run(['status', '--json'])).stdout).jobs).toMatchObject([
    { input: '/data/three.csv' },
  ]);
});

test('--dry-run shows what would be deleted, without asking or deleting', async () => {
  const dir = createWorkdir();
  await fillLedger(dir);
  const before = await dir.run(['status', '--json']);
  const dry = await dir.run(['prune', '--asks', '90d', '--runs', '30d', '--dry-run']);
  expect(before.stdout).toContain('/data/one.csv');
  expect([dry.status, dry.stdout]).toEqual([0, '']);
  const [first, ...rest] = dry.stderr.split('\n');
  expect(first).toBe('Would delete: 0 raw runs, 2 asks, 2 jobs, 0 answers.');
  expect(rest).toEqual([expect.stringContaining('/data/two.csv, /data/one.csv. Looking them up'), '']);
  expect((await dir.run(['status', '--json'])).stdout).toBe(before.stdout);
  const real = await dir.run(['prune', '--asks', '90d', '--runs', '30d', '--yes']);
  expect(real.stderr).toBe(`${first?.replace('Would delete', 'Deleted')}\n`);
  expect((await dir.run(['prune', '--dry-run'])).stderr).toContain('NOTHING_TO_PRUNE');
});

test('keeps newer entries', async () => {
  const dir = createWorkdir();
  await fillLedger(dir);
  const result = await dir.run(['prune', '--asks', '20w', '--runs', '1d', '-y']);
  expect(result.stderr).toContain('0 asks, 0 jobs');
});

test('deletes old pages of the machine, but not for one ledger of several', async () => {
  const dir = createWorkdir();
  const page = join(dir.home, 'pages', 'ab', 'cd');
  mkdirSync(dirname(page), { recursive: true });
  writeFileSync(page, 'a page');
  utimesSync(page, 0, 0);
  await (await openLedger(join(dir.path, 'own.sqlite'))).close();
  const one = await dir.run(['prune', '--runs', '30d', '--ledger', 'own.sqlite']);
  expect([one.stderr, existsSync(page)]).toEqual(['Deleted: 0 raw runs, 0 asks, 0 jobs, 0 answers.\n', true]);
  const all = await dir.run(['prune', '--runs', '30d']);
  expect([all.stderr, existsSync(page)]).toEqual([expect.stringContaining(', 1 cached page.'), false]);
});

test('does not delete paid answers without confirmation', async () => {
  const dir = createWorkdir();
  await fillLedger(dir);
  const result = await dir.run(['prune', '--asks', '90d']);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('Add --yes to confirm.');
  expect(result.stderr).toContain(
    '0 answers of 2 files, paid for with $0.00: /data/two.csv, /data/one.csv. Looking them up again costs again [',
  );
  expect(JSON.parse((await dir.run(['status', '--json'])).stdout).jobs).toHaveLength(3);
});

test.each([
  [[], 'prune needs --runs AGE, --asks AGE, or both'],
  [['--runs', 'long'], '--runs is “long”, which is not an age'],
  [['--asks', '30'], '--asks is “30”, which is not an age'],
])('refuses prune %j', async (words, message) => {
  const result = await createWorkdir().run(['prune', ...words]);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain(message);
});

test('says before it asks how many answers would go, of which files and worth how much', async () => {
  const dir = createWorkdir();
  dir.write('a.csv', createList(3));
  const { url } = await servePaid();
  await dir.run(['run', 'a.csv', '-f', 'answer', '--api-url', url, '--yes']);
  const { stderr } = await dir.run(['prune', '--asks', '0d']);
  expect(stderr).toContain(`3 answers of 1 file, paid for with $0.025: ${join(dir.path, 'a.csv')}. Looking`);
});
