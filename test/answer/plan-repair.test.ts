import { expect, test } from 'vitest';
import { planRepair } from '../../src/answer/check-run.js';
import type { PendingBatch } from '../../src/model/question.js';
import type { AgentRun } from '../../src/model/run.js';
import { createTestRun } from '../helpers/ledger-samples.js';

const LAST = 5;

function group(size: number, attempt = 1): PendingBatch {
  const questions = Array.from({ length: size }, (_, index) => ({
    key: `k${index}`,
    record: { company: `c${index}` },
    fields: ['ceo'],
    level: 0,
    attempt,
    fault: null,
    seen: 0,
  }));
  return { questions, fields: ['ceo'], level: 0, attempt, previousRunId: null };
}

function repair(size: number, rejected: number, attempt = 1, status: AgentRun['status'] = 'completed') {
  const faults = Array.from({ length: rejected }, (_, index) => ({
    rowId: `r${index + 1}`,
    key: `k${index}`,
    reason: `fault ${index}`,
  }));
  return planRepair(group(size, attempt), faults, { ...createTestRun('run_1'), status }, LAST);
}

test('a good run needs no repair', () => {
  expect(repair(8, 0)).toEqual({ followUp: null, again: [], failures: [] });
});

test('a few rows are pooled with those of other runs, each with its reason', () => {
  const { followUp, again, failures } = repair(8, 3);
  expect([followUp, failures]).toEqual([null, []]);
  expect(again.map(({ key, attempt, fault }) => [key, attempt, fault])).toEqual([
    ['k0', 2, 'fault 0'],
    ['k1', 2, 'fault 1'],
    ['k2', 2, 'fault 2'],
  ]);
});

test('if half a batch failed, the run itself is continued, once', () => {
  expect(repair(8, 4)).toMatchObject({ again: [], followUp: { attempt: 2, previousRunId: 'run_1' } });
  expect(repair(8, 4).followUp?.questions).toHaveLength(4);
  expect(repair(8, 8, 2).followUp).toBeNull();
  expect(repair(8, 8, 2).again).toHaveLength(8);
});

test('a run that did not complete cannot be continued', () => {
  expect(repair(8, 8, 1, 'failed')).toMatchObject({ followUp: null, failures: [] });
  expect(repair(8, 8, 1, 'failed').again).toHaveLength(8);
});

test('rows fail at the last attempt or if their run was canceled', () => {
  for (const { followUp, again, failures } of [repair(1, 1, LAST), repair(1, 1, 1, 'cancelled')]) {
    expect([followUp, again, failures]).toEqual([null, [], [{ key: 'k0', reason: 'fault 0' }]]);
  }
});
