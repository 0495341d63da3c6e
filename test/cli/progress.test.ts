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

test('a progress line shows rows, failures, runs, cost and time left', () => {
  const job = createJob(1200, { rowsTotal: 5000, rowsFailed: 3, runsActive: 20, spentMicros: 1_250_000 });
  expect(formatProgress(job, 240)).toBe('1,200 of 5,000 rows · 3 failed · 20 runs · $1.25 · 4 min left');
  expect(formatProgress(createJob(0, { rowsTotal: null, rowsRead: 2400 }), null)).toBe(
    '0 of 2,400+ rows · $0.00',
  );
});

test('without a terminal, prints a line at most every five seconds, and only after a change', async () => {
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

test('shortens the bar on a narrow terminal', async () => {
  const host = createTestHost({ isTerminal: true, columns: 30 });
  const progress = await openProgress(host);
  progress.update(createJob(50));
  expect(stripVTControlCharacters(host.readStderr())).toMatch(/█{2}░{2} 50 of 100 rows · \$0\.00/);
  progress.end();
});

test('redraws a bar after a question, and still removes it on an immediate exit', async () => {
  const host = createTestHost({ isTerminal: true });
  const progress = await openProgress(host);
  progress.update(createJob(10));
  progress.end();
  progress.update(createJob(20));
  expect(stripVTControlCharacters(host.readStderr())).toContain('20 of 100 rows');
  host.restore();
  expect(host.readStderr().endsWith('\u001b[2K')).toBe(true);
});

test('does not change the terminal’s wrapping or cursor', async () => {
  const host = createTestHost({ isTerminal: true });
  const progress = await openProgress(host);
  progress.update(createJob(1));
  progress.note('a note');
  progress.end();
  expect(host.readStderr()).not.toContain('\u001b[?');
});

test('prints a note on its own line, and continues the bar below it', async () => {
  const host = createTestHost({ isTerminal: true });
  const progress = await openProgress(host);
  progress.update(createJob(10));
  progress.note('the file is read as windows-1252');
  const [before = '', after = ''] = host.readStderr().split('the file is read as windows-1252\n');
  expect(before.endsWith('\u001b[2K')).toBe(true);
  expect(after).toContain('10 of 100 rows');
  progress.end();
});

test('prints lines on a dumb terminal', async () => {
  const host = createTestHost({ isTerminal: true, env: { TERM: 'dumb' } });
  const progress = await openProgress(host);
  host.pass(5000);
  progress.update(createJob(1));
  progress.end();
  expect(host.readStderr()).toBe('1 of 100 rows · $0.00\n');
});

test('an immediate exit stops the bar', async () => {
  const host = createTestHost({ isTerminal: true });
  (await openProgress(host)).update(createJob(1));
  host.restore();
  expect(host.readStderr().endsWith('\u001b[2K')).toBe(true);
});

test('estimates the time left from the pace of the last minute, not from rows reused at the start', async () => {
  const estimate = createTimeLeft();
  estimate.observe(0, 1000);
  expect(estimate.readSeconds(100)).toBeNull();
  estimate.observe(10_000, 1010);
  expect(estimate.readSeconds(100)).toBe(100);
  for (let second = 11; second <= 200; second += 1)
    estimate.observe(second * 1000, 1010 + (second - 10) * 10);
  expect(estimate.readSeconds(100)).toBeCloseTo(10, 1);
});
