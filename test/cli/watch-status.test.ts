import { expect, test } from 'vitest';
import { createStatusRecord, createWatchStatus, followWatch } from '../../src/cli/watch-status.js';
import type { Problem, WatchEvent } from '../../src/watch.js';

const problem = (code: string): Problem => ({ code, message: 'a message', hint: null });
const waiting = (code: string): WatchEvent => ({
  ...{ type: 'waiting', file: 'list.csv', problem: problem(code), delayMs: 1_000 },
});
const taken: WatchEvent = { type: 'taken', file: 'list.csv', from: 'list.csv', resumed: false };

function follow(...events: readonly WatchEvent[]) {
  const status = events.reduce((last, event) => followWatch(last, event, 1_000), createWatchStatus(0));
  return createStatusRecord(status, 2_000);
}

test('the status says what is at work, since when, and how many files ended', () => {
  expect(follow()).toEqual({
    ...{
      status: 'ok',
      time: '1970-01-01T00:00:02.000Z',
      state: 'starting',
      since: '1970-01-01T00:00:00.000Z',
    },
    ...{ file: null, done: 0, failed: 0, problem: null },
  });
  expect(follow({ type: 'watching', folder: '/drop', nextAtMs: null }, taken)).toMatchObject({
    ...{ status: 'ok', state: 'filling', file: 'list.csv', since: '1970-01-01T00:00:01.000Z' },
  });
  const failed: WatchEvent = {
    ...{ type: 'failed', file: 'list.csv', input: 'failed/list.csv', kind: 'usage' },
    ...{ problem: problem('INPUT_EMPTY'), summary: null },
  };
  expect(follow(taken, failed)).toMatchObject({ state: 'watching', file: null, done: 0, failed: 1 });
});

test('a wait that a person may have to end is trouble; one that ends by itself is not; and trouble passes', () => {
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
