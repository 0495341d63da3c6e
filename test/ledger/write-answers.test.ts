import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatFields, parseFields } from '../../src/ledger/stored-fields.js';
import type { JsonValue } from '../../src/model/json.js';
import type { Confidence } from '../../src/model/run.js';
import {
  createTestAnswer,
  createTestBatch,
  createTestClock,
  createTestField,
  createTestKey,
  createTestRun,
  openTestJob,
  openTestLedger,
} from '../helpers/ledger-samples.js';

const KEY = createTestKey('Acme');

test('a refresh replaces the answer; the old one stays in the ledger', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const job = openTestJob(ledger);
  const first = createTestBatch(job, ['Acme']);
  ledger.intend(first, null);
  ledger.settle(
    first.id,
    createTestRun('run_1'),
    [createTestAnswer('Acme', { ceo: 'Ann', headcount: 12 }, 'run_1')],
    [],
  );
  clock.nowMs = 5_000;
  const second = createTestBatch(openTestJob(ledger), ['Acme'], { refresh: true });
  ledger.intend(second, null);
  ledger.settle(
    second.id,
    createTestRun('run_2'),
    [createTestAnswer('Acme', { ceo: null, headcount: 12 }, 'run_2')],
    [],
  );
  expect(ledger.findAnswers(job, [KEY]).get(KEY)).toMatchObject({
    fields: new Map([
      ['ceo', createTestField(null, 'run_2')],
      ['headcount', createTestField(12, 'run_2')],
    ]),
    runId: 'run_2',
    answeredInvocation: 2,
    answeredAtMs: 5_000,
    costMicros: 50_000,
  });
  expect(ledger.findOlderAnswers(job.askId, KEY)).toEqual([
    {
      fields: createTestAnswer('Acme', { ceo: 'Ann', headcount: 12 }, 'run_1').fields,
      answeredAtMs: 1_000,
      replacedAtMs: 5_000,
    },
  ]);
  ledger.close();
});

test('a follow-up does not refresh the age of values that it leaves unchanged', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const job = openTestJob(ledger);
  const first = createTestBatch(job, ['Acme']);
  ledger.intend(first, null);
  ledger.settle(
    first.id,
    createTestRun('run_1'),
    [createTestAnswer('Acme', { ceo: 'Ann', headcount: null }, 'run_1')],
    [],
  );
  clock.nowMs = 5_000;
  const second = createTestBatch(job, ['Acme'], { attempt: 2, effort: 'high', fields: ['headcount'] });
  ledger.intend(second, null);
  ledger.settle(
    second.id,
    createTestRun('run_2'),
    [createTestAnswer('Acme', { headcount: 12 }, 'run_2', { effort: 'high' })],
    [],
  );
  expect(ledger.findAnswers(job, [KEY]).get(KEY)).toMatchObject({ runId: 'run_2', answeredAtMs: 1_000 });
  ledger.close();
});

test('a run adopted after a later one has answered fills gaps and changes nothing else', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const job = openTestJob(ledger);
  const lost = createTestBatch(job, ['Acme']);
  ledger.intend(lost, null);
  ledger.suspect(lost.id, 'the list failed');
  clock.nowMs = 2_000;
  const later = createTestBatch(openTestJob(ledger), ['Acme']);
  ledger.intend(later, null);
  ledger.settle(
    later.id,
    createTestRun('run_2'),
    [createTestAnswer('Acme', { ceo: 'New', headcount: null }, 'run_2')],
    [],
  );
  clock.nowMs = 3_000;
  ledger.settle(
    lost.id,
    createTestRun('run_1'),
    [createTestAnswer('Acme', { ceo: 'Old', headcount: 12 }, 'run_1')],
    [],
  );
  expect(ledger.findAnswers(job, [KEY]).get(KEY)).toMatchObject({
    fields: new Map([
      ['ceo', createTestField('New', 'run_2')],
      ['headcount', createTestField(12, 'run_1')],
    ]),
    runId: 'run_2',
    answeredAtMs: 2_000,
    costMicros: 50_000,
  });
  ledger.close();
});

test('a row that was neither answered nor given up gets its share and nothing else', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const batch = createTestBatch(job, ['Acme', 'Globex']);
  ledger.intend(batch, null);
  ledger.settle(
    batch.id,
    createTestRun('run_1', 10),
    [createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1')],
    [],
  );
  const key = createTestKey('Globex');
  expect(ledger.findAnswers(job, [key]).get(key)).toMatchObject({
    fields: new Map(),
    failure: null,
    costMicros: 5,
    answeredAtMs: null,
  });
  ledger.close();
});

test('a failed follow-up keeps the answer and reports the failure', () => {
  const ledger = openTestLedger();
  const job = openTestJob(ledger);
  const first = createTestBatch(job, ['Acme']);
  ledger.intend(first, null);
  const answer = createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1');
  ledger.settle(first.id, createTestRun('run_1', 10), [answer], []);
  const second = createTestBatch(job, ['Acme'], { attempt: 2 });
  ledger.intend(second, null);
  ledger.settle(second.id, createTestRun('run_2', 5), [], [{ key: KEY, reason: 'run failed' }]);
  expect(ledger.findAnswers(job, [KEY]).get(KEY)).toMatchObject({
    fields: answer.fields,
    failure: 'run failed',
    failureInvocation: 1,
    costMicros: 15,
  });
  ledger.close();
});

test('any answer survives storing and reading', () => {
  const value = fc.jsonValue().map((json) => JSON.parse(JSON.stringify(json)) as JsonValue);
  const text = fc.string({ unit: 'binary' });
  const field = fc.record({
    value,
    confidence: fc.constantFrom<Confidence | null>('low', 'medium', 'high', null),
    citations: fc.array(fc.tuple(fc.webUrl(), fc.option(text)).map(([url, title]) => ({ url, title }))),
    issue: fc.option(text),
    runId: fc.constantFrom('run_1', 'run_2'),
    effort: fc.constantFrom('low', 'high'),
    triedEffort: fc.constantFrom('low', 'high'),
  });
  const names = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '7', ''));
  fc.assert(
    fc.property(fc.array(fc.tuple(names, field)), (entries) => {
      const fields = new Map(entries);
      expect([...parseFields(formatFields(fields, 'run_1'), 'run_1')]).toEqual([...fields]);
    }),
  );
});
