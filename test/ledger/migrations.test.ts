import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { Database } from '../../src/ledger/database.js';
import { openLedger } from '../../src/ledger/ledger.js';
import { MIGRATIONS, migrate } from '../../src/ledger/migrations.js';
import {
  createLedgerPath,
  createTestAnswer,
  createTestBatch,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

const NEXT = [...MIGRATIONS, 'alter table job add column note text'];

function readSchema(database: Database): readonly unknown[] {
  return database.all('select type, name, sql from sqlite_schema order by type, name');
}

test('a ledger of every earlier version comes to the schema of a fresh one', () => {
  const fresh = new Database(createLedgerPath());
  migrate(fresh, NEXT);
  for (let version = 0; version <= NEXT.length; version += 1) {
    const old = new Database(createLedgerPath());
    if (version > 0) migrate(old, NEXT.slice(0, version));
    migrate(old, NEXT);
    expect(readSchema(old)).toEqual(readSchema(fresh));
    old.close();
  }
  fresh.close();
});

test('a migration keeps what is in the ledger', () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme']);
  const answer = createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1');
  ledger.intend(batch, null);
  ledger.settle(batch.id, createTestRun('run_1'), [answer], []);
  ledger.close();

  const database = new Database(path);
  migrate(database, NEXT);
  expect(database.get<{ count: number }>('select count(*) as count from answer')?.count).toBe(1);
  expect(database.get<{ spent: number }>('select spent_micros as spent from job')?.spent).toBe(25_000);
  database.close();
});

test('a migration that fails leaves the ledger at the version it had', () => {
  const path = createLedgerPath();
  openTestLedger(path).close();
  const database = new Database(path);
  const broken = [...NEXT, 'create table half (a integer) strict', 'create table wrong ('];
  expect(() => migrate(database, broken)).toThrow(/incomplete input/);
  database.close();
  const ledger = openTestLedger(path);
  expect(openTestJob(ledger).invocation).toBe(1);
  ledger.close();
});

test('a ledger of a newer version is refused, and left as it is', () => {
  const path = createLedgerPath();
  const newer = new Database(path);
  migrate(newer, NEXT);
  newer.close();
  expect(() => openLedger(path)).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_NEWER',
      message: expect.stringContaining(
        `${path} has version ${NEXT.length}, this one knows ${MIGRATIONS.length}`,
      ),
      hint: expect.stringContaining('Update rowfill'),
    }),
  );
});

test('the database of another program is refused, and left as it is', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path));
  const other = new Libsql(path);
  other.exec('create table theirs (a)');
  other.close();
  expect(() => openLedger(path)).toThrow(expect.objectContaining({ code: 'LEDGER_NOT_A_LEDGER' }));
});
