import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate as endTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Ledger } from '../../../src/ledger/ledger.js';
import { openLedger } from '../../../src/ledger/open-ledger.js';
import { Database } from '../../../src/ledger/sqlite/database.js';
import { nameNew } from '../../../src/ledger/sqlite/ledger-file.js';
import { openSqliteLedger } from '../../../src/ledger/sqlite/sqlite-ledger.js';
import { releaseFiles } from '../../../src/model/release-files.js';
import { openDatabase } from '../../../src/model/sqlite-driver.js';
import { startLedgerChild } from '../../helpers/ledger-child.js';
import {
  createLedgerPath,
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestRun,
  findCeos,
  openTestJob,
  openTestLedger,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
  tryReserve,
} from '../../helpers/ledger-samples.js';

const ON_WINDOWS = process.platform === 'win32';

/** Creates a ledger that is not in use. */
async function createClosed(path = createLedgerPath()): Promise<string> {
  await openTestLedger(path).close();
  return path;
}

/** An open ledger with an answered company and an active run, and a copy from before both. */
async function openWorking(path = createLedgerPath()) {
  await createClosed(path);
  const older = `${path}.older`;
  copyFileSync(path, older);
  const ledger = openTestLedger(path);
  const job = await openTestJob(ledger);
  await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
  const batch = createTestBatch(job, ['Globex']);
  await reserveTestBatch(ledger, batch);
  await ledger.markStarted(batch, 'run_working');
  expect(ledger.findMove()).toBeNull();
  const answers = [createTestAnswer('Globex', { ceo: 'Bob' }, 'run_working')];
  const settle = () => settleTestBatch(ledger, batch, createTestRun('run_working', 25_000), answers);
  return { path, older, ledger, job, settle };
}

async function saveCopy(ledger: Ledger): Promise<string> {
  const saved = await ledger.saveMoved();
  if (saved.status !== 'copied') throw new Error('not copied');
  return saved.path;
}

const BOTH = new Map([
  ['Acme', 'Ann'],
  ['Globex', 'Bob'],
]);

function readMode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test.skipIf(ON_WINDOWS)("the ledger's folder and files are accessible only by their owner", async () => {
  const path = createLedgerPath();
  const before = process.umask(0);
  const ledger = openTestLedger(path);
  await openTestJob(ledger);
  process.umask(before);
  const files = [dirname(path), path, `${path}-wal`, `${path}-shm`];
  expect(files.map(readMode)).toEqual(['700', '600', '600', '600']);
  await ledger.copyTo(`${path}.copy`);
  expect(readMode(`${path}.copy`)).toBe('600');
  await ledger.close();
  chmodSync(path, 0o644);
  await createClosed(path);
  expect(readMode(path)).toBe('600');
});

test.skipIf(ON_WINDOWS)('what is not a ledger keeps its permissions', () => {
  const folder = dirname(dirname(createLedgerPath()));
  const list = join(folder, 'list.csv');
  writeFileSync(list, 'company\nAcme\n');
  const theirs = join(folder, 'theirs.sqlite');
  const database = openDatabase(theirs);
  database.exec('create table theirs (a)');
  database.close();
  for (const path of [folder, list, theirs]) {
    chmodSync(path, 0o755);
    expect(() => openSqliteLedger(path, {}), path).toThrow();
    expect(readMode(path), path).toBe('755');
  }
});

test.skipIf(process.platform !== 'linux')(
  'a closed ledger leaves no file open, whatever it has done',
  async () => {
    const { path, ledger, job, settle } = await openWorking();
    await settle();
    await ledger.acquireLease('a');
    await findCeos(ledger, job, ['Acme']);
    await ledger.prune({ runsBeforeMs: Number.MAX_SAFE_INTEGER });
    await ledger.check();
    await ledger.close();
    // As on Windows.
    await releaseFiles('win32');
    expect(listOpen(dirname(path))).toEqual([]);
    expect(readdirSync(dirname(path)).sort()).toEqual(['ledger.sqlite', 'ledger.sqlite.older']);
  },
);

test.skipIf(process.platform !== 'linux')('nor does one that failed, while its error is kept', async () => {
  const path = createLedgerPath();
  const database = new Database(path, 'create table t (a integer not null) strict');
  const errors: unknown[] = [];
  for (const sql of ['insert into t values (null)', 'select a from t, nowhere'])
    await database.write(() => database.run(sql)).catch((error: unknown) => errors.push(error));
  await database.close();
  await releaseFiles('win32');
  expect(listOpen(dirname(path))).toEqual([]);
  expect(errors).toHaveLength(2);
});

/** The open files of this process in a folder. */
function listOpen(folder: string): string[] {
  const files = readdirSync('/proc/self/fd').flatMap((each) => {
    try {
      return [readlinkSync(`/proc/self/fd/${each}`)];
    } catch {
      return [];
    }
  });
  return files.filter((file) => file.startsWith(folder));
}

// Windows refuses to move an open file.
test('a ledger can be moved as soon as it is closed or was refused', async () => {
  const path = createLedgerPath();
  const ledger = await openLedger(path);
  const job = await openTestJob(ledger);
  await tryReserve(ledger, createTestBatch(job, ['Acme']));
  await findCeos(ledger, job, ['Acme']);
  if (ON_WINDOWS) expect(() => renameSync(path, `${path}.moved`)).toThrow(/EBUSY|EPERM|EACCES/);
  await ledger.close();
  renameSync(path, `${path}.moved`);
  writeFileSync(path, 'not a database, but long enough to look like one at first sight');
  await expect(openLedger(path)).rejects.toMatchObject({ kind: 'usage' });
  renameSync(path, `${path}.refused`);
});

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
  'a ledger that is %s takes no more reservations and is copied completely',
  async (_title, move) => {
    const { path, older, ledger, job, settle } = await openWorking();
    move(path, older);
    await endTurn();
    const error = expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_MOVED',
      message: expect.stringContaining(
        `${path}. Runs that may be missing there: run_working (may still be running)`,
      ),
    });
    await expect(tryReserve(ledger, createTestBatch(job, ['Hooli']))).rejects.toEqual(error);
    await expect(openTestJob(ledger, createTestAsk('another'))).rejects.toEqual(error);
    expect(() => ledger.refuseStart()).toThrow(error);
    // A run that was active meanwhile is still settled.
    expect(await settle()).toMatchObject({ status: 'settled' });
    expect(ledger.findMove()?.message).toContain('run_working ($0.025)');

    const saved = await saveCopy(ledger);
    await ledger.close();
    expect(readMode(saved)).toBe('600');
    const copy = openTestLedger(saved);
    expect(await copy.check()).toEqual([]);
    expect(await findCeos(copy, job, [...BOTH.keys()])).toEqual(BOTH);
    expect(await copy.getSpend(job.id)).toMatchObject({ spentMicros: 25_001, reservedMicros: 0 });
  },
);

/** Removes everything but the ledger's main file. */
function removeLog(path: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix);
}

test.skipIf(ON_WINDOWS)(
  'a ledger whose log was deleted takes no more reservations and is fully restored',
  async () => {
    const { path, ledger, job, settle } = await openWorking();
    removeLog(path);
    await endTurn();
    await expect(tryReserve(ledger, createTestBatch(job, ['Hooli']))).rejects.toMatchObject({
      code: 'LEDGER_MOVED',
    });
    await settle();
    expect(await ledger.saveMoved()).toEqual({ status: 'restored' });
    await ledger.close();
    const again = openTestLedger(path);
    expect(await again.check()).toEqual([]);
    expect(await findCeos(again, job, [...BOTH.keys()])).toEqual(BOTH);
  },
);

test.skipIf(ON_WINDOWS)('a deleted log is not written over later changes by another process', async () => {
  const { path, ledger, job, settle } = await openWorking();
  removeLog(path);
  const child = startLedgerChild(['SQLite', 'trip', path, '3', '10']);
  await child.end();
  expect(child.lines.at(-1)).toBe('done');
  await settle();
  const saved = await saveCopy(ledger);
  await ledger.close();
  expect(() => openTestLedger(path)).toThrow(expect.objectContaining({ code: 'LEDGER_MOVED' }));
  const after = startLedgerChild(['SQLite', 'look', path]);
  await after.end();
  expect(after.lines).toEqual(['answered 9']);
  expect(await findCeos(openTestLedger(saved), job, [...BOTH.keys()])).toEqual(BOTH);
});

test('opening, compacting and closing by other processes does not count as a move', async () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = await openTestJob(ledger);
  for (const name of ['a', 'b', 'c']) {
    const child = startLedgerChild(['SQLite', 'trip', path, '6', '10']);
    await child.end();
    const other = openTestLedger(path);
    await other.prune({ runsBeforeMs: Number.MAX_SAFE_INTEGER, asksBeforeMs: 0 });
    await other.close();
    expect(ledger.findMove()).toBeNull();
    expect(await tryReserve(ledger, createTestBatch(job, [name]))).toBe('reserved');
  }
  expect(readdirSync(dirname(path)).sort()).toEqual([
    'ledger.sqlite',
    'ledger.sqlite-shm',
    'ledger.sqlite-wal',
  ]);
});

test('a new ledger leaves no temporary files, even if many processes create it at once', async () => {
  const path = createLedgerPath();
  const children = Array.from({ length: 4 }, () => startLedgerChild(['SQLite', 'open', path]));
  await Promise.all(children.map((child) => child.end()));
  expect(readdirSync(dirname(path)).filter((name) => name.includes('.new-'))).toEqual([]);
});

test('leftovers of a killed process are removed at once, of an unknown one after an hour, of a living one never', async () => {
  const path = createLedgerPath();
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const list = () => readdirSync(folder).filter((name) => name.includes('.new-'));
  const living = basename(nameNew(path));
  const killed = living.replace(/-\w*-\w+$/, '-1-5eed');
  const elsewhere = ['old', 'log'].map((name) => living.replace(/new-\w+-/, `new-${name}-`));
  const names = [living, killed, ...elsewhere].flatMap((name) => [name, `${name}-wal`]);
  for (const name of names) {
    writeFileSync(join(folder, name), 'half of a ledger');
    if (!name.includes('log') || !name.endsWith('-wal')) utimesSync(join(folder, name), 0, 0);
  }
  await createClosed(path);
  const [, log = ''] = elsewhere;
  expect(list().sort()).toEqual([living, `${living}-wal`, log, `${log}-wal`].sort());
});

test('rejects an empty file as a ledger, and leaves it unchanged', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  expect(() => openSqliteLedger(path, {})).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_EMPTY',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('Restore a copy'),
    }),
  );
  expect(readFileSync(path, 'utf8')).toBe('');
});

test.skipIf(ON_WINDOWS).each(['', '-wal'])(
  'no run starts once the file with the suffix "%s" was emptied',
  async (suffix) => {
    const { path, ledger, job } = await openWorking();
    truncateSync(path + suffix);
    await endTurn();
    // SQLite does not notice an empty log: its next commit continues where the log ended.
    await tryReserve(ledger, createTestBatch(job, ['Hooli']), {}, 0).catch(() => undefined);
    expect(() => ledger.refuseStart()).toThrow(
      expect.objectContaining({ code: 'LEDGER_MOVED', message: expect.stringContaining('run_working') }),
    );
    await ledger.close().catch(() => undefined);
  },
);

test.skipIf(ON_WINDOWS)('creates no new ledger next to the log of a missing one', async () => {
  const { path } = await openWorking();
  renameSync(path, `${path}.away`);
  const lost = expect.objectContaining({
    kind: 'usage',
    code: 'LEDGER_LOST',
    message: expect.stringContaining(`${path}-wal`),
  });
  expect(() => openTestLedger(path)).toThrow(lost);
  expect(existsSync(path)).toBe(false);
  // An empty log has no data, and neither does another program's file.
  removeLog(path);
  writeFileSync(`${path}-wal`, '');
  writeFileSync(join(dirname(path), 'other-saved-1.sqlite'), '');
  await createClosed(path);
});

test.skipIf(ON_WINDOWS)('creates no new ledger next to a saved copy of a missing one', async () => {
  const { path, ledger, job } = await openWorking();
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix);
  const saved = await saveCopy(ledger);
  await ledger.close();
  expect(() => openTestLedger(path)).toThrow(
    expect.objectContaining({ code: 'LEDGER_LOST', message: expect.stringContaining(saved) }),
  );
  expect(existsSync(path)).toBe(false);
  renameSync(saved, path);
  expect(await findCeos(openTestLedger(path), job, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
});

test.skipIf(ON_WINDOWS)('a ledger may be a link, which is resolved once', async () => {
  const real = await createClosed();
  const path = `${dirname(real)}/link.sqlite`;
  symlinkSync('ledger.sqlite', path);
  const ledger = openTestLedger(path);
  expect(ledger.path).toBe(real);
  const job = await openTestJob(ledger);
  await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
  rmSync(path);
  symlinkSync('elsewhere.sqlite', path);
  expect(await tryReserve(ledger, createTestBatch(job, ['Globex']))).toBe('reserved');
  await ledger.close();
  expect(await findCeos(openTestLedger(real), job, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
});

test.skipIf(ON_WINDOWS)('creates no new ledger for a link to a missing file', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync('/nowhere/ledger.sqlite', path);
  expect(() => openSqliteLedger(path, {})).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_LINK_BROKEN',
      message: expect.stringContaining(path),
    }),
  );
});

test('reports a file in place of the folder, and a folder in place of the file', () => {
  const refused = (path: string) =>
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_NOT_WRITABLE',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('--ledger'),
    });
  const file = createLedgerPath();
  writeFileSync(dirname(file), 'not a folder');
  expect(() => openSqliteLedger(file, {})).toThrow(refused(file));
  const folder = createLedgerPath();
  mkdirSync(folder, { recursive: true });
  expect(() => openSqliteLedger(folder, {})).toThrow(refused(`${folder} (it is a folder)`));
});

test.skipIf(ON_WINDOWS)('names a folder that is not writable', () => {
  const path = createLedgerPath();
  chmodSync(dirname(dirname(path)), 0o755);
  mkdirSync(dirname(path), { mode: 0o555 });
  // Root may do everything.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.('nobody');
  try {
    expect(() => openSqliteLedger(path, {})).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'LEDGER_NOT_WRITABLE' }),
    );
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test.skipIf(process.platform !== 'linux')('refuses a folder that cannot be created, even below /proc', () => {
  for (const folder of ['/proc/rowfill', '/proc/rowfill/home', '/dev/null/home']) {
    expect(() => openSqliteLedger(`${folder}/ledger.sqlite`, {})).toThrow(
      expect.objectContaining({ code: 'LEDGER_NOT_WRITABLE', message: expect.stringContaining(folder) }),
    );
  }
});
