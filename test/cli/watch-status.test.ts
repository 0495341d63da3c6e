import { expect, test } from 'vitest';
import {
  BacklogReader,
  createMetrics,
  createStatusRecord,
  createWatchStatus,
  followWatch,
} from '../../src/cli/watch-status.js';
import type { Problem, WatchEvent } from '../../src/watch.js';

const problem = (code: string): Problem => ({ code, message: 'a message', hint: null });
const waiting = (code: string): WatchEvent => ({
  ...{ type: 'waiting', file: 'list.csv', problem: problem(code), delayMs: 1_000 },
});
const taken: WatchEvent = { type: 'taken', file: 'list.csv', from: 'list.csv', resumed: false };

function follow(...events: readonly WatchEvent[]) {
  const status = events.reduce((last, event) => followWatch(last, event, 1_000), createWatchStatus(0));
  return createStatusRecord(status, 7, 2_000);
}

test('the status shows the files in work, since when, and how many files ended', () => {
  expect(follow()).toEqual({
    ...{
      status: 'ok',
      time: '1970-01-01T00:00:02.000Z',
      state: 'starting',
      since: '1970-01-01T00:00:00.000Z',
    },
    ...{ files: [], backlog: 7, done: 0, failed: 0, problem: null },
    ...{ last_success: null, cost_today_usd: 0 },
  });
  expect(follow({ type: 'watching', folder: '/drop', nextAtMs: null }, taken)).toMatchObject({
    ...{ status: 'ok', state: 'filling', since: '1970-01-01T00:00:01.000Z' },
    files: [{ file: 'list.csv', state: 'filling', since: '1970-01-01T00:00:01.000Z' }],
  });
  const failed: WatchEvent = {
    ...{ type: 'failed', file: 'list.csv', input: 'failed/list.csv', kind: 'usage' },
    ...{ problem: problem('INPUT_EMPTY'), summary: null },
  };
  expect(follow(taken, failed)).toMatchObject({ state: 'watching', files: [], done: 0, failed: 1 });
});

test('a wait that may need the user is unhealthy until it ends; other waits are healthy', () => {
  const moving: WatchEvent = {
    type: 'job',
    file: 'list.csv',
    event: { type: 'job', jobId: 'j', askId: 'a', invocation: 1 },
  };
  expect(follow(taken, waiting('NETWORK_ERROR'))).toMatchObject({
    ...{ status: 'trouble', state: 'waiting', problem: { code: 'NETWORK_ERROR' } },
  });
  expect(follow(taken, waiting('LEASE_HELD'))).toMatchObject({ status: 'ok', state: 'waiting' });
  expect(follow(taken, waiting('NETWORK_ERROR'), moving)).toMatchObject({
    ...{ status: 'ok', state: 'filling', problem: null },
  });
});

test('shows each file with its own state, and the most serious problem with its file', () => {
  const other: WatchEvent = { type: 'taken', file: 'other.csv', from: 'other.csv', resumed: false };
  const stuck: WatchEvent = { ...waiting('NETWORK_ERROR'), file: 'other.csv' } as WatchEvent;
  const record = follow(taken, other, waiting('DAY_BUDGET_REACHED'), stuck);
  expect(record).toMatchObject({
    ...{ status: 'trouble', state: 'waiting' },
    files: [
      { file: 'list.csv', state: 'waiting', code: 'DAY_BUDGET_REACHED' },
      { file: 'other.csv', state: 'waiting', code: 'NETWORK_ERROR' },
    ],
    problem: { file: 'other.csv', code: 'NETWORK_ERROR' },
  });
  const left: WatchEvent = { type: 'left', file: 'other.csv', stop: 'interrupted', problem: null };
  expect(follow(taken, other, stuck, left)).toMatchObject({
    ...{ status: 'ok', state: 'filling', files: [{ file: 'list.csv', state: 'filling' }], problem: null },
  });
});

test('a problem with the folder lasts until a file can be taken or the folder is watched again', () => {
  const folder: WatchEvent = { ...waiting('EIO'), file: null } as WatchEvent;
  const next: WatchEvent = { type: 'taken', file: 'next.csv', from: 'next.csv', resumed: false };
  const watching: WatchEvent = { type: 'watching', folder: '/drop', nextAtMs: null };
  expect(follow(taken, folder)).toMatchObject({
    ...{ status: 'trouble', state: 'filling', problem: { file: null, code: 'EIO' } },
  });
  for (const event of [next, watching])
    expect(follow(taken, folder, event)).toMatchObject({ status: 'ok', problem: null });
  expect(follow(taken, folder, watching)).toMatchObject({ files: [{ file: 'list.csv' }] });
});

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Noon of a day, in local time. */
const NOON_MS = new Date(2026, 0, 30, 12).getTime();

function spent(file: string, spentMicros: number): WatchEvent {
  const rows = { rowsRead: 1, rowsTotal: 1, rowsDone: 0, rowsFailed: 0, runsActive: 1 };
  return {
    ...{ type: 'job', file },
    event: { type: 'progress', progress: { ...rows, spentMicros, reservedMicros: 9 } },
  };
}

const done = {
  ...{ type: 'done', file: 'list.csv', input: 'done/list.csv', output: 'done/list.filled.csv' },
  summary: { rows: { failed: 0 }, costMicros: 50_000 },
} as unknown as WatchEvent;

test('the cost of the day sums the bills of all files since midnight, without earlier bills of a job', () => {
  let status = createWatchStatus(NOON_MS);
  const apply = (event: WatchEvent, atMs: number): void => {
    status = followWatch(status, event, atMs);
  };
  const read = (atMs: number) => createStatusRecord(status, 0, atMs).cost_today_usd;
  apply(spent('list.csv', 40_000), NOON_MS);
  expect(read(NOON_MS)).toBe(0);
  apply(spent('list.csv', 50_000), NOON_MS);
  apply(spent('other.csv', 0), NOON_MS);
  apply(spent('other.csv', 5_000), NOON_MS);
  apply(spent('list.csv', 50_000), NOON_MS);
  expect(read(NOON_MS)).toBe(0.015);
  apply(done, NOON_MS);
  apply(spent('list.csv', 0), NOON_MS);
  apply(spent('list.csv', 25_000), NOON_MS);
  expect(read(NOON_MS)).toBe(0.04);
  expect(read(NOON_MS + DAY_MS)).toBe(0);
  apply(spent('list.csv', 26_000), NOON_MS + DAY_MS);
  expect(read(NOON_MS + DAY_MS)).toBe(0.001);
  expect(createStatusRecord(status, 0, NOON_MS)).toMatchObject({
    last_success: new Date(NOON_MS).toISOString(),
  });
});

test('the metrics are well-formed and omit unknown values', () => {
  let status = createWatchStatus(NOON_MS);
  expect(createMetrics(status, null, NOON_MS)).not.toMatch(/backlog|last_success|null|NaN/);
  status = [spent('list.csv', 0), spent('list.csv', 25_000), done, waiting('NETWORK_ERROR')].reduce(
    (last, event) => followWatch(last, event, NOON_MS),
    status,
  );
  const text = createMetrics(status, 3, NOON_MS);
  for (const entry of text.split('# HELP ').slice(1)) {
    const name = entry.split(' ', 1)[0];
    expect(entry).toMatch(new RegExp(`^${name} .+\\n# TYPE ${name} (?:counter|gauge)\\n${name} [\\d.]+\\n$`));
    expect(/TYPE \S+ counter/.test(entry)).toBe(name?.endsWith('_total'));
  }
  expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
    'rowfill_healthy 0',
    'rowfill_backlog_files 3',
    'rowfill_filling_files 0',
    'rowfill_waiting_files 1',
    'rowfill_files_done_total 1',
    'rowfill_files_failed_total 0',
    'rowfill_cost_today_dollars 0.025',
    `rowfill_last_success_timestamp_seconds ${NOON_MS / 1_000}`,
  ]);
});

test('an unreadable backlog is null, and only one read runs at a time', async () => {
  const reader = new BacklogReader();
  expect(await reader.read()).toBe(null);
  let looks = 0;
  const ends: ((count: number) => void)[] = [];
  reader.start({
    countBacklog() {
      looks += 1;
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  const both = [reader.read(), reader.read()];
  ends[0]?.(4);
  expect([await Promise.all(both), looks]).toEqual([[4, 4], 1]);
  reader.start({ countBacklog: () => Promise.reject(new Error('EIO')) });
  expect(await reader.read()).toBe(null);
});
