import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import {
  createTestBatch,
  createTestJob,
  reserveTestBatch,
  settleTestRun,
} from '../helpers/ledger-samples.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

/** A ledger with one job, two answered rows and an open batch. */
async function fillLedger(path: string): Promise<void> {
  const ledger = await openLedger(path);
  const job = await ledger.openJob(createTestJob());
  await settleTestRun(ledger, job, ['Acme', 'Globex'], { ceo: 'Ann' });
  await reserveTestBatch(ledger, createTestBatch(job, ['Initech'], { reserveMicros: 1_500_000 }));
  await ledger.close();
}

function openWorkdir(): { dir: Workdir; own: string; other: string } {
  const dir = createWorkdir();
  return { dir, own: join(dir.home, 'ledger.sqlite'), other: join(dir.path, 'other.sqlite') };
}

test('ledger check reads the ledger through and reports what is in it', async () => {
  const { dir, own, other } = openWorkdir();
  await fillLedger(own);
  expect(await dir.run(['ledger', 'check'])).toMatchObject({
    status: 0,
    stdout: '',
    stderr: `No faults: ${own} has 1 job, 2 answered rows, $0.00 spent and $1.50 reserved.\n`,
  });
  copyFileSync(own, other);
  const connection = new Libsql(other);
  connection.exec('delete from job_count');
  connection.close();
  const faulty = await dir.run(['ledger', 'check', '--ledger', 'other.sqlite']);
  expect(faulty).toMatchObject({ status: 2, stdout: 'jobs without counts: 1\n' });
  expect(faulty.stderr).toContain('LEDGER_DAMAGED');
  expect(faulty.stderr).toContain('1 fault');
});

test('ledger check and copy count the answers that a deleted job leaves to another', async () => {
  const { dir, own, other } = openWorkdir();
  const ledger = await openLedger(own);
  const job = await ledger.openJob(createTestJob());
  await settleTestRun(ledger, job, ['Acme', 'Globex'], { ceo: 'Ann' });
  const twin = await ledger.openJob(createTestJob(undefined, '/data/other.csv'));
  await settleTestRun(ledger, twin, ['Initech'], { ceo: 'Bo' });
  await ledger.close();
  const check = async (): Promise<string> => (await dir.run(['ledger', 'check'])).stderr;
  expect(await check()).toContain('has 2 jobs, 3 answered rows,');
  expect(await dir.run(['forget', job.id, '--yes'])).toMatchObject({ status: 0 });
  expect(await check()).toContain('has 1 job, 3 answered rows,');
  expect((await dir.run(['ledger', 'copy', own, other])).stderr).toContain('1 job, 3 answered rows,');
  expect(await dir.run(['forget', twin.id, '--yes'])).toMatchObject({ status: 0 });
  expect(await check()).toContain('has 0 jobs, 0 answered rows,');
});

test('ledger copy writes a complete ledger, which can be used in place of the first', async () => {
  const { dir, own, other } = openWorkdir();
  await fillLedger(own);
  const copied = await dir.run(['ledger', 'copy', own, 'other.sqlite']);
  expect(copied).toMatchObject({ status: 0, stdout: '' });
  expect(copied.stderr).toBe(`Copied to ${other}: 1 job, 2 answered rows, $0.00 spent and $1.50 reserved.\n`);
  if (process.platform !== 'win32') expect((statSync(other).mode & 0o777).toString(8)).toBe('600');
  const [first, second] = [
    await dir.run(['status', '--json']),
    await dir.run(['status', '--json', '--ledger', other]),
  ];
  expect(second.stdout).toBe(first.stdout);
  expect((await dir.run(['ledger', 'check', '--ledger', other])).status).toBe(0);
});

test('ledger copy refuses an existing target, a missing source and anything else', async () => {
  const { dir, own, other } = openWorkdir();
  await fillLedger(own);
  writeFileSync(other, 'mine');
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['copy', own, other], 'LEDGER_EXISTS'],
    [['copy', own, own], 'LEDGER_EXISTS'],
    [['copy', 'missing.sqlite', 'new.sqlite'], 'LEDGER_MISSING'],
    [['check', '--ledger', 'missing.sqlite'], 'LEDGER_MISSING'],
    [['check', own], 'LEDGER_ACTION'],
    [['copy', own], 'LEDGER_ACTION'],
    [['move', own, 'new.sqlite'], 'LEDGER_ACTION'],
  ];
  for (const [words, code] of cases) {
    const result = await dir.run(['ledger', ...words]);
    expect(result.status, words.join(' ')).toBe(2);
    expect(result.stderr).toContain(code);
  }
  for (const path of ['missing.sqlite', 'new.sqlite']) expect(existsSync(join(dir.path, path))).toBe(false);
});

test('--ledger names the ledger of every command that uses one', async () => {
  const { dir, own, other } = openWorkdir();
  writeFileSync(join(dir.path, 'in.csv'), 'company\nAcme\n');
  mkdirSync(join(dir.path, 'reference'));
  writeFileSync(join(dir.path, 'reference', 'tables.csv'), 'company,ceo\nAcme,Ann\n');
  const words = [
    'in.csv',
    '-q',
    'Who leads it?',
    '-f',
    'ceo',
    '--reference',
    'reference',
    '--ledger',
    'other.sqlite',
  ];
  expect((await dir.run(['plan', ...words])).status).toBe(0);
  expect(existsSync(other)).toBe(false);
  expect((await dir.run(['run', ...words])).status).toBe(0);
  const { jobs } = JSON.parse((await dir.run(['status', '--json', '--ledger', 'other.sqlite'])).stdout);
  expect(jobs).toHaveLength(1);
  const [{ job: id }] = jobs;
  expect((await dir.run(['export', id, '-o', 'again.csv', '--ledger', 'other.sqlite'])).status).toBe(0);
  expect((await dir.run(['cancel', id, '--ledger', 'other.sqlite'])).status).toBe(0);
  expect((await dir.run(['prune', '--runs', '0d', '--ledger', 'other.sqlite'])).stderr).toContain(
    '1 raw run',
  );
  const doctor = await dir.run(['doctor', '--reference', 'reference', '--json', '--ledger', 'other.sqlite']);
  expect(doctor.stdout).toContain('other.sqlite');
  const missing = await dir.run(['status', '--ledger', 'missing.sqlite']);
  expect(missing.status).toBe(2);
  expect(missing.stderr).toContain('LEDGER_MISSING');
  expect(existsSync(own)).toBe(false);
});
