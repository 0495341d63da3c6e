import { expect, test } from 'vitest';
import { FIND_MERGED, READ_TAIL } from '../../src/ledger/answer-keys.js';
import { FIND_ANSWERS } from '../../src/ledger/answers.js';
import { Database } from '../../src/ledger/database.js';
import { migrate } from '../../src/ledger/migrations.js';
import { UPDATE_ANSWERS } from '../../src/ledger/write-answers.js';
import {
  createLedgerPath,
  createTestAnswer,
  createTestBatch,
  createTestKey,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

/** How SQLite goes about a query: what it scans, and what it finds by an index. */
function readPlan(sql: string, ...values: readonly string[]): { scans: string[]; searches: string[] } {
  const database = new Database(createLedgerPath());
  migrate(database);
  const plan = database.all<{ detail: string }>(`explain query plan ${sql}`, ...values);
  database.close();
  const steps = plan.map((step) => step.detail.replace(/ VIRTUAL TABLE INDEX .*/, ''));
  const start = (word: string) => steps.filter((step) => step.startsWith(word));
  return { scans: start('SCAN'), searches: start('SEARCH') };
}

test('keys and answers are looked up one by one, whatever the ledger holds: nothing but the chunk is scanned', () => {
  expect(readPlan(FIND_MERGED, '1', '[]')).toEqual({
    scans: ['SCAN asked'],
    searches: ['SEARCH found USING PRIMARY KEY (ask=? AND key=?)'],
  });
  const byNumber = 'SEARCH answer USING INTEGER PRIMARY KEY (rowid=?)';
  const found = readPlan(FIND_ANSWERS, '[]', 'job');
  expect(found.scans).toEqual(['SCAN found']);
  expect(found.searches).toContain(byNumber);
  expect(readPlan(UPDATE_ANSWERS, '[]')).toEqual({ scans: ['SCAN changed'], searches: [byNumber] });
});

test('of the tail, nothing but what came since is read', () => {
  const plan = readPlan(READ_TAIL, '1', '1', '1');
  expect(plan.scans).toEqual(['SCAN mark', 'SCAN sqlite_sequence']);
  expect(plan.searches).toEqual([
    'SEARCH answer_key USING PRIMARY KEY (ask=?)',
    'SEARCH answer USING INTEGER PRIMARY KEY (rowid>?)',
  ]);
});

test('a chunk comes back by key: found, twice asked and unknown keys together, or none at all', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const companies = Array.from({ length: 250 }, (_, index) => `Company ${index}`);
  const batch = createTestBatch(job, companies);
  const answers = companies.map((company, index) => createTestAnswer(company, { headcount: index }, 'run_1'));
  ledger.intend(batch, null);
  ledger.settle(batch.id, createTestRun('run_1', 1_000), answers, []);
  const keys = companies.map(createTestKey);
  const found = ledger.findAnswers(job, [...keys, ...keys, 'unknown', '"]; drop']);
  expect(found.size).toBe(250);
  for (const [index, key] of keys.entries()) {
    expect(found.get(key)).toMatchObject({ fields: answers[index]?.fields, costMicros: 4 });
  }
  expect(ledger.findAnswers(job, ['unknown']).size).toBe(0);
  expect(ledger.findAnswers(job, []).size).toBe(0);
  ledger.close();
});
