import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as endTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { examineLedger } from '../../src/doctor/checks.js';
import { openLedger } from '../../src/ledger/ledger.js';
import { startLedgerChild } from '../helpers/ledger-child.js';
import {
  createLedgerPath,
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestRun,
  findCeos,
  openTestJob,
  openTestLedger,
  settleTestRun,
} from '../helpers/ledger-samples.js';

const ON_WINDOWS = process.platform === 'win32';

/** An open ledger with an answered company and an active run, and a copy from before both. */
function openWorking(path = createLedgerPath()) {
  openTestLedger(path).close();
  const older = `${path}.older`;
  copyFileSync(path, older);
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
  const batch = createTestBatch(job, ['Globex']);
  ledger.intend(batch, null);
  ledger.sent(batch.id, 'run_working');
  expect(ledger.findMove()).toBeNull();
  const settle = () =>
    ledger.settle(
      batch.id,
      createTestRun('run_working', 25_000),
      [createTestAnswer('Globex', { ceo: 'Bob' }, 'run_working')],
      [],
    );
  return { path, older, ledger, job, settle };
}

const BOTH = new Map([
  ['Acme', 'Ann'],
  ['Globex', 'Bob'],
]);

/** Ways in which a ledger in use can be moved or replaced. */
const MOVES: readonly [string, (path: string, older: string) => void][] = [
  [
    'deleted',
    (path) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix);
    },
  ],
  ['replaced by an older copy', (path, older) => renameSync(older, path)],
  ['renamed', (path) => renameSync(path, `${path}.away`)],
  ['gone with its folder', (path) => renameSync(dirname(path), `${dirname(path)}.away`)],
];

test.skipIf(ON_WINDOWS).each(MOVES)(
  'a ledger that is %s accepts no more intents and is copied completely',
  async (_title, move) => {
    const { path, older, ledger, job, settle } = openWorking();
    move(path, older);
    await endTurn();
    const error = expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_MOVED',
      message: expect.stringContaining(
        `${path}. Runs that may be missing there: run_working (may still be running)`,
      ),
    });
    expect(() => ledger.intend(createTestBatch(job, ['Hooli']), null)).toThrow(error);
    expect(() => openTestJob(ledger, createTestAsk('another'))).toThrow(error);
    // A run that was active meanwhile is still settled.
    expect(settle()).toMatchObject({ isNew: true });
    expect(ledger.findMove()?.message).toContain('run_working ($0.025)');

    const saved = ledger.save();
    if (saved.status !== 'copied') throw new Error('not copied');
    ledger.close();
    expect((statSync(saved.path).mode & 0o777).toString(8)).toBe('600');
    const copy = openLedger(saved.path);
    expect(copy.check()).toEqual([]);
    expect(findCeos(copy, job, [...BOTH.keys()])).toEqual(BOTH);
    expect(copy.readSpend(job.id)).toEqual({ spentMicros: 25_001, reservedMicros: 0 });
    copy.close();
  },
);

/** Removes everything but the ledger's main file. */
function removeLog(path: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix);
}

test.skipIf(ON_WINDOWS)(
  'a ledger whose log was deleted accepts no more intents and is fully restored',
  async () => {
    const { path, ledger, job, settle } = openWorking();
    removeLog(path);
    await endTurn();
    expect(() => ledger.intend(createTestBatch(job, ['Hooli']), null)).toThrow(
      expect.objectContaining({ code: 'LEDGER_MOVED' }),
    );
    settle();
    expect(ledger.save()).toEqual({ status: 'restored' });
    ledger.close();
    const again = openTestLedger(path);
    expect(again.check()).toEqual([]);
    expect(findCeos(again, job, [...BOTH.keys()])).toEqual(BOTH);
    again.close();
  },
);

test.skipIf(ON_WINDOWS)('a deleted log is not written over later changes by another process', async () => {
  const { path, ledger, job, settle } = openWorking();
  removeLog(path);
  const child = startLedgerChild(['trip', path, '3', '10']);
  await child.end();
  expect(child.lines.at(-1)).toBe('done');
  settle();
  const saved = ledger.save();
  if (saved.status !== 'copied') throw new Error('not copied');
  ledger.close();
  expect(() => openTestLedger(path)).toThrow(expect.objectContaining({ code: 'LEDGER_MOVED' }));
  const after = startLedgerChild(['look', path]);
  await after.end();
  expect(after.lines).toEqual(['answered 9']);
  const copy = openTestLedger(saved.path);
  expect(findCeos(copy, job, [...BOTH.keys()])).toEqual(BOTH);
  copy.close();
});

test('opening, compacting and closing by other processes does not count as a move', async () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  for (const name of ['a', 'b', 'c']) {
    const child = startLedgerChild(['trip', path, '6', '10']);
    await child.end();
    const other = openTestLedger(path);
    other.prune({ runsBeforeMs: Number.MAX_SAFE_INTEGER, asksBeforeMs: 0 });
    other.close();
    expect(ledger.findMove()).toBeNull();
    expect(ledger.intend(createTestBatch(job, [name]), null)).toBe('intended');
    await ledger.flush();
  }
  expect(readdirSync(dirname(path)).sort()).toEqual([
    'ledger.sqlite',
    'ledger.sqlite-shm',
    'ledger.sqlite-wal',
  ]);
  ledger.close();
});

test('a new ledger is complete from the start, even if many processes create it at once', async () => {
  const path = createLedgerPath();
  const children = Array.from({ length: 5 }, () => startLedgerChild(['open', path]));
  await Promise.all(children.map((child) => child.end()));
  expect(children.flatMap((child) => child.lines).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `opened ${n}`));
  const ledger = openTestLedger(path);
  expect(ledger.check()).toEqual([]);
  ledger.close();
  expect(readdirSync(dirname(path)).filter((name) => name.includes('.new-'))).toEqual([]);
});

test('leftovers of a process that was killed while creating a ledger are removed after an hour', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path), { recursive: true });
  const [old, young] = ['old', 'young'].map((name) => join(dirname(path), `.ledger.sqlite.new-${name}`));
  if (old === undefined || young === undefined) throw new Error('no names');
  for (const each of [old, young]) writeFileSync(each, 'half of a ledger');
  utimesSync(old, 0, 0);
  openTestLedger(path).close();
  expect([old, young].map(existsSync)).toEqual([false, true]);
});

test('rejects an empty file as a ledger, and leaves it unchanged', async () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  expect(() => openLedger(path)).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_EMPTY',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('Restore a copy'),
    }),
  );
  expect(await examineLedger(path)).toMatchObject({ status: 'fail' });
  expect(readFileSync(path, 'utf8')).toBe('');
});

test.skipIf(ON_WINDOWS).each(['', '-wal'])(
  'a ledger whose file with the suffix "%s" is emptied accepts no more intents',
  async (suffix) => {
    const { path, ledger, job } = openWorking();
    truncateSync(path + suffix);
    // SQLite does not notice: its next commit continues where the log ended.
    await endTurn();
    expect(() => ledger.intend(createTestBatch(job, ['Hooli']), null)).toThrow(
      expect.objectContaining({ code: 'LEDGER_MOVED', message: expect.stringContaining('run_working') }),
    );
    ledger.close();
  },
);

test.skipIf(ON_WINDOWS)('creates no new ledger next to the log of a missing one', async () => {
  const { path, ledger } = openWorking();
  renameSync(path, `${path}.away`);
  const lost = expect.objectContaining({
    kind: 'usage',
    code: 'LEDGER_LOST',
    message: expect.stringContaining(`${path}-wal`),
  });
  expect(() => openLedger(path)).toThrow(lost);
  expect(existsSync(path)).toBe(false);
  // An empty log has no data, and neither does another program's file.
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix);
  writeFileSync(`${path}-wal`, '');
  writeFileSync(join(dirname(path), 'other-saved-1.sqlite'), '');
  openLedger(path).close();
  ledger.close();
});

test.skipIf(ON_WINDOWS)('creates no new ledger next to a saved copy of a missing one', () => {
  const { path, ledger, job } = openWorking();
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix);
  const saved = ledger.save();
  if (saved.status !== 'copied') throw new Error('not copied');
  ledger.close();
  expect(() => openLedger(path)).toThrow(
    expect.objectContaining({ code: 'LEDGER_LOST', message: expect.stringContaining(saved.path) }),
  );
  expect(existsSync(path)).toBe(false);
  renameSync(saved.path, path);
  const again = openLedger(path);
  expect(findCeos(again, job, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
  again.close();
});

test.skipIf(ON_WINDOWS)('a ledger may be a link, which is resolved once', async () => {
  const real = createLedgerPath();
  openTestLedger(real).close();
  const path = `${dirname(real)}/link.sqlite`;
  symlinkSync('ledger.sqlite', path);
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
  await ledger.flush();
  rmSync(path);
  symlinkSync('elsewhere.sqlite', path);
  expect(ledger.intend(createTestBatch(job, ['Globex']), null)).toBe('intended');
  await ledger.flush();
  ledger.close();
  const again = openTestLedger(real);
  expect(findCeos(again, job, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
  again.close();
});

test.skipIf(ON_WINDOWS)('creates no new ledger for a link to a missing file', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync('/nowhere/ledger.sqlite', path);
  expect(() => openLedger(path)).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_LINK_BROKEN',
      message: expect.stringContaining(path),
    }),
  );
});

test.skipIf(ON_WINDOWS)('a run that ended without a usable result is not listed as one that works', () => {
  const { ledger, job, path } = openWorking();
  const batch = createTestBatch(job, ['Corp']);
  ledger.intend(batch, null);
  ledger.sent(batch.id, 'run_spoilt');
  ledger.settle(batch.id, createTestRun(''), [], []);
  rmSync(path);
  expect(ledger.findMove()?.message).toContain('run_spoilt ($0.025)');
  ledger.close();
});
