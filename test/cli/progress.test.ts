import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { createTimeLeft, formatProgress } from '../../src/cli/format-progress.js';
import { openProgress } from '../../src/cli/progress.js';
import type { JobProgress } from '../../src/model/events.js';
import { createTestHost } from '../helpers/host.js';

function createJob(rowsDone: number, more: Partial<JobProgress> = {}): JobProgress {
  return {
    rowsRead: 100,
    rowsTotal: 100,
    rowsDone,
    rowsFailed: 0,
    runsActive: 0,
    spentMicros: 0,
    reservedMicros: 0,
    ...more,
  };
}

test('a line of progress tells rows, failures, runs, money and the time left', () => {
  const job = createJob(1200, { rowsTotal: 5000, rowsFailed: 3, runsActive: 20, spentMicros: 1_250_000 });
  expect(formatProgress(job, 240)).toBe('1,200 of 5,000 rows · 3 failed · 20 runs · $1.25 · 4 min left');
  expect(formatProgress(createJob(0, { rowsTotal: null, rowsRead: 2400 }), null)).toBe(
    '0 of 2,400+ rows · $0.00',
  );
});

test('off a terminal a line comes at most every five seconds, and only when there is news', async () => {
  const host = createTestHost();
  const progress = await openProgress(host);
  progress.update(createJob(1));
  host.pass(4999);
  progress.update(createJob(2));
  expect(host.readStderr()).toBe('');
  host.pass(1);
  progress.update(createJob(3));
  progress.update(createJob(4));
  expect(host.readStderr().split('\n')).toHaveLength(2);
  host.pass(6000);
  progress.update(createJob(3));
  expect(host.readStderr().split('\n')).toHaveLength(2);
  progress.update(createJob(5));
  expect(host.readStderr().split('\n')).toHaveLength(3);
  expect(host.readStderr()).not.toContain('\u001b');
});

test('a terminal shows a bar that is cleared at the end', async () => {
  const host = createTestHost({ isTerminal: true });
  const progress = await openProgress(host);
  progress.update(createJob(50));
  expect(stripVTControlCharacters(host.readStderr())).toMatch(/█{10}░{10} 50 of 100 rows · \$0\.00/);
  progress.end();
  expect(host.readStderr().endsWith('\u001b[2K')).toBe(true);
});

test('the bar makes room for its words where the terminal is narrow', async () => {
  const host = createTestHost({ isTerminal: true, columns: 30 });
  const progress = await openProgress(host);
  progress.update(createJob(50));
  expect(stripVTControlCharacters(host.readStderr())).toMatch(/█{2}░{2} 50 of 100 rows · \$0\.00/);
  progress.end();
});

test('a bar that was taken away for a question is drawn again, and still put away in a hurry', async () => {
  const host = createTestHost({ isTerminal: true });
  const progress = await openProgress(host);
  progress.update(createJob(10));
  progress.end();
  progress.update(createJob(20));
  expect(stripVTControlCharacters(host.readStderr())).toContain('20 of 100 rows');
  host.restore();
  expect(host.readStderr().endsWith('\u001b[2K')).toBe(true);
});

test('the bar changes no setting of the terminal, neither its wrapping nor its cursor', async () => {
  const host = createTestHost({ isTerminal: true });
  const progress = await openProgress(host);
  progress.update(createJob(1));
  progress.note('a note');
  progress.end();
  expect(host.readStderr()).not.toContain('\u001b[?');
});

test('a note stands on a line of its own, and the bar goes on below it', async () => {
  const host = createTestHost({ isTerminal: true });
  const progress = await openProgress(host);
  progress.update(createJob(10));
  progress.note('the file is read as windows-1252');
  const [before = '', after = ''] = host.readStderr().split('the file is read as windows-1252\n');
  expect(before.endsWith('\u001b[2K')).toBe(true);
  expect(after).toContain('10 of 100 rows');
  progress.end();
});

test('a terminal that understands nothing gets lines', async () => {
  const host = createTestHost({ isTerminal: true, env: { TERM: 'dumb' } });
  const progress = await openProgress(host);
  host.pass(5000);
  progress.update(createJob(1));
  progress.end();
  expect(host.readStderr()).toBe('1 of 100 rows · $0.00\n');
});

test('leaving in a hurry stops the bar', async () => {
  const host = createTestHost({ isTerminal: true });
  (await openProgress(host)).update(createJob(1));
  host.restore();
  expect(host.readStderr().endsWith('\u001b[2K')).toBe(true);
});

test('the time left is judged by the pace of the last minute, not by rows reused at the start', async () => {
  const estimate = createTimeLeft();
  estimate.observe(0, 1000);
  expect(estimate.readSeconds(100)).toBeNull();
  estimate.observe(10_000, 1010);
  expect(estimate.readSeconds(100)).toBe(100);
  for (let second = 11; second <= 200; second += 1)
    estimate.observe(second * 1000, 1010 + (second - 10) * 10);
  expect(estimate.readSeconds(100)).toBeCloseTo(10, 1);
});
