import { expect, test } from 'vitest';
import { Database } from '../../src/ledger/database.js';
import { createLedgerPath, openTestJob, openTestLedger, settleTestRun } from '../helpers/ledger-samples.js';

/** Creates a ledger with two answers in the key table and two in the tail, then runs `sql` on it. */
function checkAfter(sql: string): readonly string[] {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  settleTestRun(ledger, job, ['Acme', 'Globex'], { ceo: 'Ann' });
  ledger.closeJob(job.id, { stop: 'done', counts: null, finished: null });
  settleTestRun(ledger, job, ['Initech', 'Hooli'], { ceo: 'Ann', attempt: 2 });
  const database = new Database(path);
  database.transact(() => database.exec(sql));
  database.close();
  const faults = ledger.check();
  ledger.close();
  return faults;
}

test('check reports every answer that is not found by exactly one key', () => {
  const copy = 'insert into answer (ask, key, fields) select ask, key, fields from answer where number';
  expect(checkAfter('select 1')).toEqual([]);
  expect(checkAfter('delete from answer_key where answer = 1')).toEqual([
    'answers not found by their keys: 1',
  ]);
  expect(checkAfter('update answer_key_mark set through = 4')).toEqual([
    'answers not found by their keys: 2',
  ]);
  expect(checkAfter(`${copy} = 1`)).toEqual(['keys with more than one answer: 1']);
  expect(checkAfter(`${copy} = 4`)).toEqual(['keys with more than one answer: 1']);
  expect(checkAfter('update answer_key_mark set through = 0')).toEqual([
    'keys that point to the wrong answer: 2',
    'keys with more than one answer: 2',
  ]);
  expect(checkAfter("update answer_key set key = 'other' where answer = 1")).toEqual([
    'answers not found by their keys: 1',
    'keys that point to the wrong answer: 1',
  ]);
  expect(checkAfter('delete from answer where number = 2; delete from job_answer')).toEqual([
    'keys that point to the wrong answer: 1',
  ]);
  expect(checkAfter('delete from answer where number = 2')).toEqual([
    'a row of job_answer refers to a missing row of answer',
  ]);
  expect(checkAfter('delete from answer_key_mark')).toEqual(['the keys have no mark']);
});
