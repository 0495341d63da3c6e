import { expect, test } from 'vitest';
import { AgentError } from '../../src/api/agent-error.js';
import { type ErrorKind, RowfillError } from '../../src/errors.js';
import type { JobStop, JobSummary } from '../../src/model/events.js';
import { type Attempt, computeRetryDelayMs, decideNext, isDiskFull } from '../../src/watch/verdict.js';

const ROWS = {
  ...{ total: 3, enriched: 3, partial: 0, not_found: 0, excluded: 0 },
  ...{ unchanged: 0, failed: 0, skipped: 0, over_budget: 0, pending: 0 },
};

function createSummary(stop: JobStop, changes: Partial<JobSummary> = {}): JobSummary {
  return {
    ...{
      jobId: 'j_1',
      askId: 'a',
      input: 'in.csv',
      output: 'out.csv',
      stop,
      error: null,
      remaining: null,
      budget: null,
      rows: ROWS,
    },
    ...{
      reused: 0,
      duplicates: 0,
      runs: { created: 1, adopted: 0, failed: 0 },
      unknownRuns: 0,
      leftRows: 0,
      unretriedRows: 0,
      failures: { unsendable: 0, unfit: 0 },
      fields: [],
      examples: [],
      needsBom: false,
      requests: 3,
    },
    ...{
      costMicros: 25_000,
      estimatedMicros: 0,
      costNowMicros: 25_000,
      reservedMicros: 0,
      seconds: 1,
      steps: [],
    },
    ...changes,
  };
}

function judge(outcome: Attempt['outcome'], changes: Partial<Attempt> = {}) {
  const sound = {
    isInterrupted: false,
    hasChanged: false,
    jobError: null,
    isListStale: false,
    tries: 1,
  };
  return decideNext({ outcome, ...sound, ...changes });
}

const summary = (stop: JobStop, changes: Partial<JobSummary> = {}) => ({
  summary: createSummary(stop, changes),
});
const error = (kind: ErrorKind, code: string) => ({ error: new RowfillError(kind, code, `about ${code}`) });
const problem = (code: string) => ({ code, message: `about ${code}`, hint: null });

test('a finished job is done even with failed rows', () => {
  expect(judge(summary('done'))).toMatchObject({ status: 'done' });
  expect(judge(summary('done', { rows: { ...ROWS, enriched: 0, failed: 3 } }))).toMatchObject({
    status: 'done',
  });
});

test('waits for runs with unknown outcome, but only for a few tries', () => {
  expect(judge(summary('done', { reservedMicros: 25_000 }))).toMatchObject({
    status: 'again',
    when: 'later',
    problem: { code: 'RUNS_OPEN' },
  });
  expect(judge(summary('done', { reservedMicros: 25_000 }), { tries: 5 })).toMatchObject({ status: 'done' });
});

test('a file fails if its own budget is used up, and waits if the daily one is', () => {
  expect(judge(summary('budget'))).toMatchObject({
    status: 'failed',
    kind: 'budget',
    problem: { code: 'BUDGET_REACHED' },
    summary: { costMicros: 25_000 },
  });
  for (const scope of ['folder_day', 'ledger_day'] as const) {
    const budget = { scope, capMicros: 100_000, usedMicros: 90_000 };
    const name = scope === 'folder_day' ? '--max-cost-per-day' : 'ROWFILL_MAX_COST_PER_DAY';
    expect(judge(summary('budget', { budget }))).toMatchObject({
      status: 'again',
      when: 'tomorrow',
      problem: { code: 'DAY_BUDGET_REACHED', message: expect.stringContaining(name) },
    });
    // Tomorrow's budget would be just as small.
    expect(judge(summary('budget', { budget: { ...budget, usedMicros: 0 } }))).toMatchObject({
      status: 'failed',
      kind: 'budget',
      problem: { code: 'DAY_BUDGET_REACHED', hint: expect.stringContaining(name) },
    });
  }
});

test('a file fails if its first answers have no values', () => {
  expect(judge(summary('nothing_found', { error: problem('NOTHING_FOUND') }))).toMatchObject({
    status: 'failed',
    kind: 'nothing_found',
    problem: problem('NOTHING_FOUND'),
    summary: { costMicros: 25_000 },
  });
});

test('stops if the agent refuses, before or during a job', () => {
  expect(judge(summary('refused', { error: problem('NO_MORE_CREDITS') }))).toEqual({
    status: 'stop',
    stop: 'refused',
    problem: problem('NO_MORE_CREDITS'),
  });
  expect(judge(error('refused', 'INVALID_API_KEY'))).toEqual({
    status: 'stop',
    stop: 'refused',
    problem: problem('INVALID_API_KEY'),
  });
});

test('retries an unreachable agent, but not one that keeps failing or rejects the request', () => {
  expect(judge(summary('unreachable', { error: problem('NETWORK_ERROR') }))).toMatchObject({
    status: 'again',
    when: 'later',
  });
  expect(judge(error('unreachable', 'NETWORK_ERROR'))).toMatchObject({ status: 'again', when: 'later' });
  for (const code of ['AGENT_KEEPS_FAILING', 'REQUEST_REJECTED']) {
    expect(judge(summary('unreachable', { error: problem(code) }))).toMatchObject({
      status: 'failed',
      kind: 'unreachable',
    });
  }
});

test('an unusable file fails; an unusable job stops the watcher', () => {
  expect(judge(error('usage', 'INPUT_EMPTY'))).toMatchObject({ status: 'failed', kind: 'usage' });
  const jobError = new RowfillError('usage', 'SCHEMA_NOT_FOUND', 'gone');
  expect(judge(error('usage', 'SCHEMA_NOT_FOUND'), { jobError })).toEqual({
    status: 'broken',
    error: jobError,
  });
});

test.each([
  ...['LEDGER_FULL', 'LEDGER_LOCKED', 'OUTPUT_DISK_FULL', 'OUTPUT_NOT_WRITABLE'],
  ...['TEMP_DISK_FULL', 'TEMP_NOT_WRITABLE'],
])('retries after %s, which is not the file’s fault', (code) => {
  expect(judge(error('usage', code))).toMatchObject({ status: 'again', when: 'later' });
});

test('retries after a system error or while another process does the same job', () => {
  const refused = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
  expect(judge({ error: refused })).toMatchObject({
    status: 'again',
    when: 'later',
    problem: { code: 'EIO' },
  });
  expect(judge(error('busy', 'LEASE_HELD'))).toMatchObject({ status: 'again', when: 'soon' });
});

test.each(['ENOSPC', 'EDQUOT'])('detects %s as a full disk at any depth of causes', (code) => {
  const full = Object.assign(new Error(`${code}: no space left on device, write`), { code });
  for (const thrown of [
    Object.assign(full, { syscall: 'write' }),
    new Error('cannot pack the workbook', { cause: full }),
    new Error('outer', { cause: new Error('inner', { cause: full }) }),
  ]) {
    const verdict = judge({ error: thrown });
    expect(verdict).toMatchObject({
      ...{ status: 'again', when: 'later' },
      problem: { code: 'DISK_FULL', message: `The disk is full: ${code}: no space left on device, write` },
    });
    expect(verdict.status === 'again' && isDiskFull(verdict.problem)).toBe(true);
  }
  expect(
    ['LEDGER_FULL', 'OUTPUT_DISK_FULL', 'TEMP_DISK_FULL', 'NETWORK_ERROR'].map((each) =>
      isDiskFull(problem(each)),
    ),
  ).toEqual([true, true, true, false]);
});

test('retries if the file is missing after it was claimed', () => {
  expect(judge(error('usage', 'INPUT_NOT_FOUND'))).toEqual({
    ...{ status: 'again', when: 'soon', problem: problem('INPUT_NOT_FOUND') },
  });
});

test('retries if a proxy answers in place of the agent', () => {
  const missing = new AgentError('NOT_THE_API', 'answered HTML', { status: 404, isFromProxy: true });
  expect(missing.kind).toBe('usage');
  expect(judge({ error: missing })).toMatchObject({ status: 'again', when: 'later' });
});

test('a bug fails only the current file, so that others are filled', () => {
  expect(judge({ error: new TypeError('x is not a function') })).toMatchObject({
    status: 'failed',
    kind: 'defect',
    problem: { code: 'DEFECT' },
  });
  expect(judge(error('defect', 'LEDGER_BATCH_STATE'))).toMatchObject({ status: 'failed', kind: 'defect' });
});

test('fills a file again if it changed meanwhile, whatever the outcome', () => {
  for (const outcome of [summary('done'), error('usage', 'INPUT_EMPTY')]) {
    expect(judge(outcome, { hasChanged: true })).toMatchObject({ status: 'again', when: 'still' });
  }
});

test('a stopped watcher leaves its file in place unless it is done', () => {
  const stopped = { status: 'stop', stop: 'interrupted', problem: null };
  expect(judge(summary('interrupted'), { isInterrupted: true })).toEqual(stopped);
  expect(judge({ error: new Error('aborted') }, { isInterrupted: true })).toEqual(stopped);
  expect(judge(error('busy', 'LEASE_HELD'), { isInterrupted: true })).toEqual(stopped);
  expect(judge(summary('done'), { isInterrupted: true })).toMatchObject({ status: 'done' });
});

test('stops if the ledger was moved, since another ledger would pay for rows again', () => {
  expect(judge(error('usage', 'LEDGER_MOVED'))).toMatchObject({ status: 'stop', stop: 'ledger_moved' });
  expect(judge(error('busy', 'LEASE_LOST'))).toMatchObject({ status: 'again', when: 'later' });
});

test('fills a file with unexpected pending rows again, a few times', () => {
  expect(judge(summary('done', { leftRows: 2 }))).toMatchObject({
    status: 'again',
    problem: { code: 'ROWS_LEFT' },
  });
  expect(judge(summary('done', { leftRows: 2 }), { tries: 5 })).toMatchObject({ status: 'done' });
});

test('delays grow from five seconds to five minutes, with up to half of each being random', () => {
  expect([1, 2, 3, 7, 100].map((tries) => computeRetryDelayMs(tries, 1))).toEqual([
    5_000, 10_000, 20_000, 300_000, 300_000,
  ]);
  expect(computeRetryDelayMs(1, 0)).toBe(2_500);
  expect(computeRetryDelayMs(100, 0)).toBe(150_000);
});
