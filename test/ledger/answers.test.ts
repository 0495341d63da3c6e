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

/** SQLite's query plan: what it scans, and what it finds by an index. */
function readPlan(sql: string, ...values: readonly string[]): { scans: string[]; searches: string[] } {
  const database = new Database(createLedgerPath());
  migrate(database);
  const plan = database.all<{ detail: string }>(`explain query plan ${sql}`, ...values);
  database.close();
  const steps = plan.map((step) => step.detail.replace(/ VIRTUAL TABLE INDEX .*/, ''));
  const start = (word: string) => steps.filter((step) => step.startsWith(word));
  return { scans: start('SCAN'), searches: start('SEARCH') };
}

test('looks up keys and answers one by one and scans only the chunk, in a ledger of any size', () => {
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

test('reads only new entries of the tail', () => {
  const plan = readPlan(READ_TAIL, '1', '1', '1');
  expect(plan.scans).toEqual(['SCAN mark', 'SCAN sqlite_sequence']);
  expect(plan.searches).toEqual([
    'SEARCH answer_key USING PRIMARY KEY (ask=?)',
    'SEARCH answer USING INTEGER PRIMARY KEY (rowid>?)',
  ]);
});

test('returns a chunk by key, with found, duplicate and unknown keys mixed', () => {
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
