import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { Database } from '../../src/ledger/database.js';
import { describeLedgerError } from '../../src/ledger/database-errors.js';
import { openLedger } from '../../src/ledger/ledger.js';
import {
  createLedgerPath,
  createTestAnswer,
  createTestBatch,
  createTestKey,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const COMPANIES = Array.from({ length: 2_000 }, (_, index) => `Company ${index}`);

/** A closed ledger with enough answers for tables of many pages. */
function createFilledLedger(): string {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, COMPANIES);
  ledger.intend(batch, null);
  ledger.settle(
    batch.id,
    createTestRun('run_1'),
    COMPANIES.map((company) => createTestAnswer(company, { ceo: 'Ann', headcount: 12 }, 'run_1')),
    [],
  );
  ledger.close();
  return path;
}

function readMode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test.skipIf(process.platform === 'win32')(
  "the ledger's folder and files are accessible only by their owner",
  () => {
    const path = createLedgerPath();
    const before = process.umask(0);
    const ledger = openTestLedger(path);
    openTestJob(ledger);
    process.umask(before);
    expect([dirname(path), path, `${path}-wal`, `${path}-shm`].map(readMode)).toEqual([
      '700',
      '600',
      '600',
      '600',
    ]);
    ledger.close();
    chmodSync(path, 0o644);
    openTestLedger(path).close();
    expect(readMode(path)).toBe('600');
  },
);

test('reports a file in place of the folder, with a hint', () => {
  const path = createLedgerPath();
  writeFileSync(dirname(path), 'not a folder');
  expect(() => openLedger(path)).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_NOT_WRITABLE',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('ROWFILL_HOME'),
    }),
  );
});

test('reports a folder in place of the file', () => {
  const path = createLedgerPath();
  mkdirSync(path, { recursive: true });
  expect(() => openLedger(path)).toThrow(expect.objectContaining({ code: 'LEDGER_NOT_WRITABLE' }));
});

test.skipIf(process.platform === 'win32')('names a folder that is not writable', () => {
  const path = createLedgerPath();
  chmodSync(dirname(dirname(path)), 0o755);
  mkdirSync(dirname(path), { mode: 0o555 });
  // Root may do everything.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.('nobody');
  try {
    expect(() => openLedger(path)).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'LEDGER_NOT_WRITABLE' }),
    );
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test('rejects a database that cannot have a write-ahead log', async () => {
  const before = process.cwd();
  process.chdir(await createTempFolder());
  try {
    // The only name for which SQLite has no such log on any machine.
    expect(() => new Database(':memory:')).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'LEDGER_NO_LOCKS' }),
    );
  } finally {
    process.chdir(before);
  }
});

test('rejects a file that is not a database, and leaves it unchanged', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path));
  const text = 'name,website\n'.repeat(1_000);
  writeFileSync(path, text);
  expect(() => openLedger(path)).toThrow(
    expect.objectContaining({ kind: 'usage', code: 'LEDGER_NOT_A_DATABASE' }),
  );
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('reports a ledger with overwritten pages as damaged, and its check finds them', () => {
  const path = createFilledLedger();
  const file = openSync(path, 'r+');
  const bytes = statSync(path).size;
  for (let at = 32 * 4_096; at < bytes; at += 4_096) writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, at);
  closeSync(file);
  const ledger = openLedger(path);
  const damaged = expect.objectContaining({ kind: 'usage', code: 'LEDGER_DAMAGED' });
  expect(() => {
    const opened = openTestJob(ledger);
    ledger.findAnswers(opened, COMPANIES.map(createTestKey));
  }).toThrow(damaged);
  expect(ledger.check().length).toBeGreaterThan(0);
  ledger.close();
});

test('reports a truncated ledger as damaged', () => {
  const path = createFilledLedger();
  truncateSync(path, 12 * 4_096);
  expect(() => {
    const ledger = openLedger(path);
    const job = openTestJob(ledger);
    ledger.findAnswers(job, COMPANIES.map(createTestKey));
  }).toThrow(expect.objectContaining({ code: 'LEDGER_DAMAGED' }));
});

test('an intact ledger passes its check', () => {
  const ledger = openLedger(createFilledLedger());
  expect(ledger.check()).toEqual([]);
  ledger.close();
});

test('a failed transaction changes nothing, and the next one works', () => {
  const database = new Database(createLedgerPath());
  database.exec('create table t (a integer not null) strict');
  expect(() =>
    database.transact(() => {
      database.run('insert into t values (?)', 1);
      database.run('insert into t values (?)', null);
    }),
  ).toThrow(/NOT NULL/);
  expect(database.all('select a from t')).toEqual([]);
  database.transact(() => database.run('insert into t values (?)', 2));
  expect(database.all('select a from t')).toEqual([{ a: 2 }]);
  database.close();
});

test('a reader does not wait for a writer, and sees one snapshot', () => {
  const path = createFilledLedger();
  const writer = new Database(path);
  const ledger = openLedger(path);
  writer.transact(() => {
    writer.run('update job set spent_micros = 0');
    expect(ledger.listJobs()).toMatchObject([{ spentMicros: 25_000, answered: COMPANIES.length }]);
  });
  expect(ledger.listJobs()).toMatchObject([{ spentMicros: 0 }]);
  ledger.close();
  writer.close();
});

test('refuses an almost full disk before opening a job', () => {
  const database = new Database(createLedgerPath());
  expect(() => database.checkFreeSpace(Number.MAX_SAFE_INTEGER)).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_FULL',
      message: expect.stringMatching(/KiB free at .*, but a job needs \d+ MiB$/),
    }),
  );
  database.checkFreeSpace(0);
  database.close();
});

test('a file at its size limit fails one transaction, and the next one works once there is space', () => {
  const database = new Database(createLedgerPath());
  database.exec('pragma max_page_count = 20; create table t (a blob) strict');
  let written = 0;
  expect(() => {
    for (;;) {
      database.transact(() => database.run('insert into t values (?)', new Uint8Array(8_192)));
      written += 1;
    }
  }).toThrow(expect.objectContaining({ kind: 'usage', code: 'LEDGER_FULL' }));
  expect(written).toBeGreaterThan(0);
  database.exec('pragma max_page_count = 1000000');
  database.transact(() => database.run('insert into t values (?)', new Uint8Array(8_192)));
  expect(database.get('select count(*) as count from t')).toMatchObject({ count: written + 1 });
  database.close();
});

test('converts driver and system errors to errors with a code and a hint', () => {
  const read = (code: string, message = 'disk I/O error') =>
    describeLedgerError(Object.assign(new Error(message), { code }), '/x/ledger.sqlite');
  const cases: [string, string][] = [
    ['SQLITE_IOERR_LOCK', 'LEDGER_NO_LOCKS'],
    ['SQLITE_IOERR_SHMMAP', 'LEDGER_NO_LOCKS'],
    ['SQLITE_PROTOCOL', 'LEDGER_NO_LOCKS'],
    ['SQLITE_IOERR_WRITE', 'LEDGER_NOT_WRITABLE'],
    ['SQLITE_FULL', 'LEDGER_FULL'],
    ['SQLITE_IOERR_SHMSIZE', 'LEDGER_FULL'],
    ['ENOSPC', 'LEDGER_FULL'],
    ['SQLITE_BUSY', 'LEDGER_LOCKED'],
    ['SQLITE_BUSY_SNAPSHOT', 'LEDGER_LOCKED'],
    ['SQLITE_READONLY_DBMOVED', 'LEDGER_NOT_WRITABLE'],
    ['EROFS', 'LEDGER_NOT_WRITABLE'],
    ['SQLITE_CORRUPT_INDEX', 'LEDGER_DAMAGED'],
  ];
  for (const [code, expected] of cases) {
    expect(read(code)).toMatchObject({
      code: expected,
      kind: 'usage',
      message: expect.stringContaining('/x/ledger.sqlite'),
    });
  }
  const unknown = new Error('something else');
  expect(describeLedgerError(unknown, '/x')).toBe(unknown);
});

test.skipIf(process.platform !== 'linux')('refuses a folder that cannot be created, even below /proc', () => {
  for (const folder of ['/proc/rowfill', '/proc/rowfill/home', '/dev/null/home']) {
    expect(() => openLedger(`${folder}/ledger.sqlite`)).toThrow(
      expect.objectContaining({ code: 'LEDGER_NOT_WRITABLE', message: expect.stringContaining(folder) }),
    );
  }
});

test('two connections of one process write in the same turn without waiting for each other', async () => {
  const path = createLedgerPath();
  const [one, two] = [new Database(path), new Database(path)];
  one.exec('create table t (a integer not null) strict');
  one.step(() => one.run('insert into t values (1)'));
  two.step(() => two.run('insert into t values (2)'));
  one.transact(() => one.run('insert into t values (3)'));
  one.step(() => one.run('insert into t values (4)'));
  expect(two.read(() => two.all('select a from t'))).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]);
  one.step(() => one.run('insert into t values (5)'));
  two.close();
  await one.flush();
  expect(one.get('select count(*) as count from t')).toEqual({ count: 5 });
  one.close();
});

test('a step that fails after writing rolls back its turn, and a pending flush of an earlier step rejects', async () => {
  const database = new Database(createLedgerPath());
  database.exec('create table t (a integer not null) strict');
  database.step(() => database.run('insert into t values (1)'));
  const flushed = database.flush();
  const fail = () =>
    database.step(() => {
      database.run('insert into t values (2)');
      database.run('insert into t values (null)');
    });
  expect(fail).toThrow(/NOT NULL/);
  await expect(flushed).rejects.toThrow(/NOT NULL/);
  await expect(database.flush()).rejects.toThrow(/NOT NULL/);
  expect(() => database.step(() => database.run('insert into t values (3)'))).toThrow(/NOT NULL/);
  expect(database.all('select a from t')).toEqual([]);
  database.close();
});

test('a step that fails before writing does not affect the others of its turn', async () => {
  const database = new Database(createLedgerPath());
  database.exec('create table t (a integer not null) strict');
  database.step(() => database.run('insert into t values (1)'));
  expect(() => database.step(() => database.run('insert into t values (null)'))).toThrow(/NOT NULL/);
  database.step(() => database.run('insert into t values (2)'));
  await database.flush();
  expect(database.all('select a from t')).toEqual([{ a: 1 }, { a: 2 }]);
  database.close();
});
