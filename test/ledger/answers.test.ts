import { expect, test } from 'vitest';
import { FIND_ANSWERS } from '../../src/ledger/answers.js';
import { Database } from '../../src/ledger/database.js';
import { migrate } from '../../src/ledger/migrations.js';
import {
  createLedgerPath,
  createTestAnswer,
  createTestBatch,
  createTestKey,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

test('answers are looked up by their key, whatever the ledger holds: nothing but the chunk is scanned', () => {
  const database = new Database(createLedgerPath());
  migrate(database);
  const plan = database.all<{ detail: string }>(`explain query plan ${FIND_ANSWERS}`, '[]', 'ask', 'job');
  const scans = plan.map((step) => step.detail).filter((detail) => detail.startsWith('SCAN'));
  expect(scans).toEqual([expect.stringContaining('SCAN asked VIRTUAL TABLE')]);
  expect(plan.map((step) => step.detail).join()).toMatch(
    /SEARCH answer USING INDEX \w+ \(ask=\? AND key=\?\)/,
  );
  database.close();
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
