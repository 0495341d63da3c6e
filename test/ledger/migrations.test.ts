import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { Database } from '../../src/ledger/database.js';
import { openLedger } from '../../src/ledger/ledger.js';
import { MIGRATIONS, migrate } from '../../src/ledger/migrations.js';
import {
  countKeys,
  createLedgerPath,
  createTestAnswer,
  createTestBatch,
  createTestKey,
  createTestRun,
  findCeos,
  openTestJob,
  openTestLedger,
  settleTestRun,
} from '../helpers/ledger-samples.js';

const NEXT = [...MIGRATIONS, 'alter table job add column note text'];

function readSchema(database: Database): readonly unknown[] {
  return database.all('select type, name, sql from sqlite_schema order by type, name');
}

test('migrates a ledger of every earlier version to the current schema', () => {
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

test('a migration keeps all data', () => {
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

/** A ledger as before version 4: an answer with its history, a failed one, and one of another ask. */
const OLD_ROWS = `
  insert into ask (number, id, content) values (1, $ask, $content), (2, 'a_other', $content);
  insert into job (number, id, ask, input, output, settings, invocation, opened_at) values
    (1, $job, 1, '/data/in.csv', '/data/in.csv.filled', '{}', 1, 1000);
  insert into answer (number, ask, key, fields, run_id, job, invocation, intended_at, answered_at) values
    (3, 1, $acme, '[["ceo","Ann","high",[],"low","low",null,null]]', 'run_2', 1, 1, 900, 1000),
    (4, 2, $acme, '[["ceo","Bob","high",[],"low","low",null,null]]', 'run_3', 1, 1, 900, 1000),
    (9, 1, $globex, '[]', null, null, null, null, null);
  insert into older_answer (answer, replaced_at, fields, run_id, answered_at) values
    (3, 1000, '[["ceo","Zoe","high",[],"low","low",null,null]]', 'run_1', 800);
  insert into job_answer (job, answer, cost_micros, failure, failure_invocation) values
    (1, 3, 25, null, null), (1, 9, 5, 'too large', 1);
`;

test.each([1, 2, 3])('finds and merges the answers of a version %i ledger by their keys', (version) => {
  const path = createLedgerPath();
  const fresh = openTestLedger();
  const job = openTestJob(fresh);
  fresh.close();
  const old = new Database(path);
  migrate(old, MIGRATIONS.slice(0, version));
  const values = { ask: job.askId, job: job.id, content: JSON.stringify(job.ask) };
  const names = { acme: createTestKey('Acme'), globex: createTestKey('Globex') };
  old.exec(
    Object.entries({ ...values, ...names }).reduce(
      (sql, [name, text]) => sql.replaceAll(`$${name}`, `'${text.replaceAll("'", "''")}'`),
      OLD_ROWS,
    ),
  );
  old.close();

  const ledger = openTestLedger(path);
  expect(ledger.check()).toEqual([]);
  expect(countKeys(path)).toEqual({ merged: 3, tail: 0 });
  expect(ledger.listJobs()).toMatchObject([{ answered: 1, failed: 1 }]);
  const find = () => ledger.findAnswers(job, ['Acme', 'Globex', 'Hooli'].map(createTestKey));
  expect(find().get(names.acme)).toMatchObject({ costMicros: 25, runId: 'run_2', answeredAtMs: 1_000 });
  expect(find().get(names.globex)).toMatchObject({ failure: 'too large', answeredAtMs: null });
  expect(find().size).toBe(2);
  expect(ledger.findOlderAnswers(job.askId, names.acme)).toMatchObject([{ replacedAtMs: 1_000 }]);
  settleTestRun(ledger, openTestJob(ledger), ['Acme', 'Globex', 'Hooli'], { ceo: 'New', refresh: true });
  expect(findCeos(ledger, job, ['Acme', 'Globex', 'Hooli'])).toEqual(
    new Map(['Acme', 'Globex', 'Hooli'].map((name) => [name, 'New'])),
  );
  expect(ledger.findOlderAnswers(job.askId, names.acme)).toHaveLength(2);
  expect(countKeys(path)).toEqual({ merged: 3, tail: 1 });
  expect(ledger.check()).toEqual([]);
  ledger.close();
});

test('invalid amounts that would overflow sums become the reserved price', () => {
  const path = createLedgerPath();
  const fresh = openTestLedger();
  const job = openTestJob(fresh);
  fresh.close();
  const old = new Database(path);
  const step = MIGRATIONS.findIndex((sql) => sql.includes('cost_estimated'));
  migrate(old, MIGRATIONS.slice(0, step));
  // Two runs with a cost of about 9e18 micro-dollars, one with a normal cost, and the usual row.
  old.exec(`
    insert into ask (number, id, content) values (1, '${job.askId}', '{"query":"q"}');
    insert into job (number, id, ask, input, output, settings, invocation, opened_at, spent_micros) values
      (1, '${job.id}', 1, '/data/in.csv', '/data/out.csv', '{}', 1, 1000, 9200000000000000000);
    insert into batch (number, id, job, ask, state, run_id, reserve_micros, cost_micros, intended_at, ended_at) values
      (1, 'b_1', 1, 1, 'settled', 'run_1', 25000, 9000000000000000000, 900, 1000),
      (2, 'b_2', 1, 1, 'settled', 'run_2', 25000, 9000000000000000000, 900, 1000),
      (3, 'b_3', 1, 1, 'settled', 'run_3', 25000, 20000, 900, 1000);
    insert into answer (number, ask, key, fields) values (1, 1, 'a', '[]'), (2, 1, 'b', '[]'), (3, 1, 'c', '[]'), (4, 1, 'd', '[]');
    insert into job_answer (job, answer, cost_micros) values
      (1, 1, 3000000000000000000), (1, 2, 3000000000000000000), (1, 3, 3000000000000000000), (1, 4, 20000)`);
  expect(() => old.get('select sum(cost_micros) from batch')).toThrow(/overflow/);
  old.close();

  const ledger = openTestLedger(path);
  expect(ledger.listJobs()).toMatchObject([{ spentMicros: 70_000, estimatedMicros: 50_000 }]);
  expect(ledger.readSpendSince(null, 0)).toEqual({ spentMicros: 70_000, reservedMicros: 0 });
  expect(ledger.readSpend(job.id)).toEqual({ spentMicros: 70_000, reservedMicros: 0 });
  expect(ledger.check().filter((fault) => !fault.includes('not found by their keys'))).toEqual([]);
  ledger.close();
  const database = new Database(path);
  expect(
    database.all('select cost_micros as cost, estimated_micros as estimated from job_answer order by answer'),
  ).toEqual([
    { cost: 16_667, estimated: 16_667 },
    { cost: 16_667, estimated: 16_667 },
    { cost: 16_666, estimated: 16_666 },
    { cost: 20_000, estimated: 0 },
  ]);
  database.close();
});

test('answer numbers continue above those of an earlier version, without reuse', () => {
  const path = createLedgerPath();
  const old = new Database(path);
  migrate(old, MIGRATIONS.slice(0, 3));
  old.exec(`insert into ask (number, id, content) values (1, 'a', '{}');
    insert into answer (number, ask, key, fields) values (7, 1, 'k', '[]')`);
  migrate(old);
  old.exec(
    "delete from answer_key; delete from answer; insert into answer (ask, key, fields) values (1, 'k', '[]')",
  );
  expect(old.get('select number from answer')).toEqual({ number: 8 });
  old.close();
});

test('a failed migration leaves the ledger at its version', () => {
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

test('rejects a ledger of a newer version, and leaves it unchanged', () => {
  const path = createLedgerPath();
  const newer = new Database(path);
  migrate(newer, NEXT);
  newer.close();
  expect(() => openLedger(path)).toThrow(
    expect.objectContaining({
      kind: 'usage',
      code: 'LEDGER_NEWER',
      message: expect.stringContaining(
        `${path} has version ${NEXT.length}, this rowfill supports up to ${MIGRATIONS.length}`,
      ),
      hint: expect.stringContaining('Update rowfill'),
    }),
  );
});

test('rejects the database of another program, and leaves it unchanged', () => {
  const path = createLedgerPath();
  mkdirSync(dirname(path));
  const other = new Libsql(path);
  other.exec('create table theirs (a)');
  other.close();
  expect(() => openLedger(path)).toThrow(expect.objectContaining({ code: 'LEDGER_NOT_A_LEDGER' }));
});
