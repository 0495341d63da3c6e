import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openLedger } from '../../src/ledger/ledger.js';
import { startLedgerChild } from '../helpers/ledger-child.js';
import { countKeys, createLedgerPath, createTestKey } from '../helpers/ledger-samples.js';

const COST_MICROS = 100;

/** Batches that the process reported for this step. */
function readBatches(lines: readonly string[], step: string): Set<string> {
  return new Set(
    lines.filter((line) => line.startsWith(`${step} `)).map((line) => line.slice(step.length + 1)),
  );
}

/** Compares the ledger with the reports. `known` collects the batches, including unreported ones. */
function checkLedger(path: string, lines: readonly string[], known: Set<string>): void {
  const ledger = openLedger(path);
  expect(ledger.check()).toEqual([]);
  const job = ledger.listJobs()[0];
  if (job === undefined) throw new Error('the job is lost');
  const open = new Map(ledger.findOpenBatches(job.askId).map((batch) => [batch.batch.id, batch]));
  const sent = readBatches(lines, 'sent');
  const settled = readBatches(lines, 'settled');
  for (const id of [...readBatches(lines, 'intended'), ...open.keys()]) known.add(id);
  for (const id of known) {
    if (ledger.readRun(`run_${id}`) !== null) continue;
    expect(settled.has(id)).toBe(false);
    expect(open.get(id)?.state).toMatch(sent.has(id) ? 'sent' : /intended|sent/);
  }
  const runs = [...known].filter((id) => ledger.readRun(`run_${id}`) !== null);
  expect(job.reservedMicros).toBe(open.size * COST_MICROS);
  expect(job.spentMicros).toBe(runs.length * COST_MICROS);
  expect(job.answered).toBe(runs.length * 3);
  ledger.close();
}

test('kill -9 at any moment loses no flushed step, and the next process continues', async () => {
  const path = createLedgerPath();
  const lines: string[] = [];
  const known = new Set<string>();
  for (const count of fc.sample(fc.integer({ min: 1, max: 40 }), { numRuns: 12, seed: 4 })) {
    const child = startLedgerChild(['trip', path, '1000000', '10']);
    await child.waitForLines(count);
    await child.kill();
    expect(child.lines.join('\n')).not.toContain('error');
    lines.push(...child.lines);
    checkLedger(path, lines, known);
  }
});

test.skipIf(process.platform === 'win32')(
  'a full disk stops the job with a clear error and loses nothing that was written',
  async () => {
    const path = createLedgerPath();
    const known = new Set<string>();
    const child = startLedgerChild(['trip', path, '1000000', '20000'], 600);
    await child.end();
    expect(child.lines.at(-1)).toMatch(/^error LEDGER_(FULL|NOT_WRITABLE) usage .*ledger\.sqlite/);
    expect(readBatches(child.lines, 'settled').size).toBeGreaterThan(0);
    checkLedger(path, child.lines, known);
    const next = startLedgerChild(['trip', path, '3', '20000']);
    await next.end();
    expect(next.lines.at(-1)).toBe('done');
    checkLedger(path, [...child.lines, ...next.lines], known);
  },
);

test('concurrent processes under one cap never exceed it together', async () => {
  const path = createLedgerPath();
  const opener = startLedgerChild(['trip', path, '0', '0']);
  await opener.end();
  const ledger = openLedger(path);
  const job = ledger.listJobs()[0];
  const children = ['one', 'two', 'three'].map((who) =>
    startLedgerChild(['spend', path, who, '1000', job?.id ?? '']),
  );
  await Promise.all(children.map((child) => child.end()));
  expect(children.map((child) => child.lines)).toEqual([['done'], ['done'], ['done']]);
  // 142 × 7 fits; one more would exceed the cap.
  expect(ledger.readSpend(job?.id ?? '')).toEqual({ spentMicros: 0, reservedMicros: 994 });
  expect(ledger.findOpenBatches(job?.askId ?? '')).toHaveLength(142);
  ledger.close();
});

test('processes that create the ledger at the same time all succeed', async () => {
  const path = createLedgerPath();
  const children = Array.from({ length: 6 }, () => startLedgerChild(['open', path]));
  await Promise.all(children.map((child) => child.end()));
  expect(children.flatMap((child) => child.lines).sort()).toEqual(
    [1, 2, 3, 4, 5, 6].map((n) => `opened ${n}`),
  );
});

/**
 * Checks the shared keys that the processes wrote: each has one answer, and its shares add up to the total
 * settled.
 */
function checkSharedKeys(path: string): void {
  const ledger = openLedger(path);
  expect(ledger.check()).toEqual([]);
  const [status] = ledger.listJobs();
  if (status === undefined) throw new Error('the job is lost');
  const names = ['Company', 'Failure'].flatMap((word) =>
    Array.from({ length: 200 }, (_, n) => `${word} ${n}`),
  );
  const job = { id: status.id, askId: status.askId };
  const found = ledger.findAnswers(job, names.map(createTestKey));
  const costs = [...found.values()].map((answer) => answer.costMicros);
  expect(costs.reduce((sum, cost) => sum + cost, 0)).toBe(status.spentMicros);
  expect(found.size).toBeGreaterThan(0);
  const { merged, tail } = countKeys(path);
  expect(merged + tail).toBe(found.size);
  ledger.close();
}

test('concurrent processes with the same keys give each one answer, whoever merges the tail', async () => {
  const path = createLedgerPath();
  openLedger(path).close();
  const children = [1, 2, 3].map((who) => startLedgerChild(['keys', path, `${who}`, '80', `${10 * who}`]));
  await Promise.all(children.map((child) => child.end()));
  expect(children.map((child) => child.lines.at(-1))).toEqual(['done', 'done', 'done']);
  expect(children.flatMap((child) => child.lines).filter((line) => line.startsWith('error'))).toEqual([]);
  checkSharedKeys(path);
});

test('kill -9 leaves a complete tail that the next process merges', async () => {
  const path = createLedgerPath();
  openLedger(path).close();
  for (const [index, lines] of [7, 1, 23, 12].entries()) {
    const child = startLedgerChild(['keys', path, `${index + 1}`, '1000000', '90']);
    await child.waitForLines(lines);
    await child.kill();
    expect(child.lines.join('\n')).not.toContain('error');
    checkSharedKeys(path);
  }
  const ledger = openLedger(path);
  ledger.closeJob(ledger.listJobs()[0]?.id ?? '', { stop: 'done', counts: null, finished: null });
  ledger.close();
  expect(countKeys(path).tail).toBe(0);
  checkSharedKeys(path);
});
