import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import Libsql from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import type { Ledger, OpenedJob } from '../../../src/ledger/ledger.js';
import { Database } from '../../../src/ledger/sqlite/database.js';
import { describeLedgerError } from '../../../src/ledger/sqlite/database-errors.js';
import { FORMAT, SCHEMA } from '../../../src/ledger/sqlite/schema.js';
import { openSqliteLedger } from '../../../src/ledger/sqlite/sqlite-ledger.js';
import {
  createLedgerPath,
  createTestBatch,
  createTestClock,
  findCeos,
  openTestJob,
  openTestLedger,
  reserveTestBatch,
  settleTestRun,
  tryReserve,
} from '../../helpers/ledger-samples.js';
import { createTempFolder } from '../../helpers/temp-folder.js';

const COMPANIES = Array.from({ length: 2_000 }, (_, index) => `Company ${index}`);

/** A ledger with enough answers for many pages. */
async function fillLedger(ledger: Ledger): Promise<OpenedJob> {
  const job = await openTestJob(ledger);
  for (let at = 0; at < COMPANIES.length; at += 100) {
    await settleTestRun(ledger, job, COMPANIES.slice(at, at + 100), { ceo: 'Ann' });
  }
  return job;
}

/** Runs SQL as another program would. */
function change(path: string, sql: string): void {
  const connection = new Libsql(path);
  connection.exec(sql);
  connection.close();
}

function openTable(): Database {
  const database = new Database(createLedgerPath(), 'create table t (a integer not null) strict');
  onTestFinished(() => database.close());
  return database;
}

test('a database that cannot have a write-ahead log is rejected', async () => {
  const before = process.cwd();
  process.chdir(await createTempFolder());
  try {
    // The only name for which SQLite has no such log on any machine.
    expect(() => new Database(':memory:', SCHEMA)).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'LEDGER_NO_LOCKS' }),
    );
  } finally {
    process.chdir(before);
  }
});

test('a file that is not a database is rejected and left unchanged', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path));
  const text = 'name,website\n'.repeat(1_000);
  writeFileSync(path, text);
  expect(() => openSqliteLedger(path, {})).toThrow(
    expect.objectContaining({ kind: 'usage', code: 'LEDGER_NOT_A_DATABASE' }),
  );
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('a truncated ledger is reported as damaged', async () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = await fillLedger(ledger);
  await ledger.close();
  truncateSync(path, 12 * 4_096);
  const work = async (): Promise<void> => {
    const again = openSqliteLedger(path, {});
    onTestFinished(() => again.close().catch(() => undefined));
    await findCeos(again, job, COMPANIES);
  };
  await expect(work()).rejects.toMatchObject({ code: 'LEDGER_DAMAGED' });
});

test('an almost full disk is refused before a job is opened', () => {
  const database = openTable();
  expect(() => database.checkFreeSpace(Number.MAX_SAFE_INTEGER)).toThrow(
    expect.objectContaining({ kind: 'usage', code: 'LEDGER_FULL' }),
  );
  database.checkFreeSpace(0);
});

test('operations of one turn are one transaction, in the order of the calls', async () => {
  const database = openTable();
  const insert = (value: number | null) =>
    database.write(() => database.run('insert into t values (?)', value));
  const count = () =>
    database.read(() => database.get<{ count: number }>('select count(*) as count from t')?.count);
  const results = await Promise.allSettled([insert(1), count(), insert(2), count()]);
  expect(results.map((result) => result.status === 'fulfilled' && result.value)).toEqual([1, 1, 1, 2]);
});

test('a failed statement undoes its whole turn, even if it has changed nothing itself', async () => {
  const database = openTable();
  const insert = (value: number | null) =>
    database.write(() => database.run('insert into t values (?)', value));
  const results = await Promise.allSettled([insert(1), insert(null), insert(2)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await database.read(() => database.all('select a from t'))).toEqual([]);
  await expect(insert(3)).rejects.toThrow(/NOT NULL/);
});

test('an operation that throws before it has written does not affect the others of its turn', async () => {
  const database = openTable();
  const results = await Promise.allSettled([
    database.write(() => database.run('insert into t values (1)')),
    database.write(() => {
      throw new Error('no');
    }),
    database.write(() => database.run('insert into t values (2)')),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await database.read(() => database.all('select a from t'))).toEqual([{ a: 1 }, { a: 2 }]);
});

test('a file at its size limit fails with a clear error and keeps what was written', async () => {
  const path = createLedgerPath();
  const database = new Database(path, 'create table t (a blob) strict');
  onTestFinished(() => database.close());
  database.exec('pragma max_page_count = 20');
  let written = 0;
  const fill = async (): Promise<void> => {
    for (;;) {
      await database.write(() => database.run('insert into t values (?)', new Uint8Array(8_192)));
      written += 1;
    }
  };
  await expect(fill()).rejects.toMatchObject({ kind: 'usage', code: 'LEDGER_FULL' });
  expect(written).toBeGreaterThan(0);
  const rows = await database.read(() => database.get('select count(*) as count from t'));
  expect(rows).toEqual({ count: written });
});

test('two connections of one process write in the same turn without waiting for each other', async () => {
  const path = createLedgerPath();
  const [one, two] = [1, 2].map(() => new Database(path, 'create table t (a integer not null) strict')) as [
    Database,
    Database,
  ];
  for (const database of [one, two]) onTestFinished(() => database.close());
  const insert = (database: Database, value: number) =>
    database.write(() => database.run('insert into t values (?)', value));
  await Promise.all([insert(one, 1), insert(two, 2), insert(one, 3), insert(two, 4)]);
  const rows = await two.read(() => two.all<{ a: number }>('select a from t order by a'));
  expect(rows.map(({ a }) => a)).toEqual([1, 2, 3, 4]);
});

test('pruning returns space to the disk', async () => {
  const path = createLedgerPath();
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(path, clock);
  await fillLedger(ledger);
  await ledger.close();
  const before = statSync(path).size;
  clock.nowMs = 2_000;
  const again = openTestLedger(path, clock);
  expect(await again.prune({ asksBeforeMs: 2_000 })).toMatchObject({ answers: 2_000 });
  expect(statSync(path).size).toBeLessThan(before / 2);
});

test('a writer of another program is reported once, then the call continues', async () => {
  const path = createLedgerPath();
  await openTestLedger(path).close();
  const libsql = createRequire(import.meta.url).resolve('libsql');
  const hold = `const L = require(${JSON.stringify(libsql)}); const c = new L(${JSON.stringify(path)});
    c.exec('begin immediate'); console.log('held'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['-e', hold], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const said: string[] = [];
  const ledger = openSqliteLedger(path, {
    onWait(message) {
      said.push(message);
      holder.kill('SIGKILL');
    },
  });
  onTestFinished(() => ledger.close());
  expect((await openTestJob(ledger)).invocation).toBe(1);
  expect(said).toEqual([expect.stringContaining(path)]);
});

test('the next ledger of a process ends one that could not be written when it was closed', async () => {
  const path = createLedgerPath();
  const broken = openTestLedger(path);
  const job = await openTestJob(broken);
  await reserveTestBatch(broken, createTestBatch(job, ['a']));
  await broken.acquireLease('a');
  change(path, "create trigger broken before update on holder begin select raise(abort, 'broken'); end");
  await broken.close();
  change(path, 'drop trigger broken');
  const ledger = openTestLedger(path);
  expect(await ledger.acquireLease('a')).toEqual({ status: 'held' });
  expect(await ledger.adoptBatches(job.askId)).toHaveLength(1);
});

/** The descriptor that a ledger syncs its log with: the newest one open on it. */
function findLogDescriptor(path: string): number {
  const descriptors = readdirSync('/proc/self/fd').filter((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`) === `${path}-wal`;
    } catch {
      return false;
    }
  });
  return Math.max(...descriptors.map(Number));
}

/** Replaces a descriptor by a file that no system can sync. */
function breakSync(descriptor: number): void {
  closeSync(descriptor);
  const others: number[] = [];
  for (let opened = -1; opened !== descriptor && others.length < 100; ) {
    opened = openSync('/proc/self/stat', 'r');
    if (opened !== descriptor) others.push(opened);
  }
  for (const each of others) closeSync(each);
}

test.skipIf(process.platform !== 'linux')(
  'a log that cannot be synced gives an error that names the ledger, also for later writes',
  async () => {
    const path = createLedgerPath();
    const ledger = openTestLedger(path);
    const job = await openTestJob(ledger);
    await reserveTestBatch(ledger, createTestBatch(job, ['b']));
    breakSync(findLogDescriptor(path));
    const error = { kind: 'usage', message: expect.stringContaining(path) };
    await expect(tryReserve(ledger, createTestBatch(job, ['a']), {}, 0)).rejects.toMatchObject(error);
    await expect(ledger.keepGoing(job.id)).rejects.toMatchObject(error);
  },
);

test('check reports what SQLite cannot see', async () => {
  const faults: readonly (readonly [string, string])[] = [
    ["update block set keys = null where kind = 'run' and number % 2 = 0", 'rows'],
    ['delete from job', 'without a job'],
    ['delete from ask_count', 'asks without counts'],
    ['delete from job_count', 'jobs without counts'],
    ["update block set content = '{' where number % 2 = 0", 'blocks that cannot be read'],
    ['update job_count set reserved_micros = 1', 'reserved'],
    ['update job_count set spent_micros = 0', 'cost'],
    ['update ask_count set change = change - 1', 'changes'],
    ['delete from holder', 'holder'],
  ];
  for (const [sql, fault] of faults) {
    const path = createLedgerPath();
    const ledger = openTestLedger(path);
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['a', 'b'], { ceo: 'Ann' });
    await reserveTestBatch(ledger, createTestBatch(job, ['c']));
    expect(await ledger.check()).toEqual([]);
    await ledger.close();
    change(path, sql);
    expect((await openTestLedger(path).check()).join('\n'), sql).toContain(fault);
  }
});

test('a ledger of another program, a newer or an earlier format is refused and left as it is', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['create table theirs (a)', 'LEDGER_NOT_A_LEDGER'],
    [`${SCHEMA}; pragma user_version = ${FORMAT + 1}`, 'LEDGER_NEWER'],
    // The format that was never published, in its last version.
    [
      `create table job (number integer primary key, id text, spent_micros integer) strict;
       insert into job values (1, 'j_1', 25000);
       pragma application_id = 0x726f7766; pragma user_version = 13`,
      'LEDGER_OLD',
    ],
  ];
  for (const [sql, code] of cases) {
    const path = createLedgerPath();
    mkdirSync(dirname(path));
    change(path, sql);
    const before = readFileSync(path);
    expect(() => openSqliteLedger(path, {})).toThrow(
      expect.objectContaining({ kind: 'usage', code, message: expect.stringContaining(path) }),
    );
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(dirname(path))).toEqual(['ledger.sqlite']);
  }
});

test('the refusal of an earlier format names both formats and says what to do', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path));
  change(path, 'create table job (a); pragma application_id = 0x726f7766; pragma user_version = 13');
  const refused = expect.objectContaining({
    message: expect.stringMatching(new RegExp(`has format 13, .* format ${FORMAT}`)),
    hint: expect.stringContaining('export'),
  });
  expect(() => openSqliteLedger(path, {})).toThrow(refused);
});

test('driver and system errors become errors with a code and a hint', () => {
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
