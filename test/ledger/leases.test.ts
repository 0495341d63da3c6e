import { expect, test } from 'vitest';
import { type LeaseHolder, readHolder } from '../../src/ledger/leases.js';
import { startLedgerChild } from '../helpers/ledger-child.js';
import { createLedgerPath, createTestClock, openTestLedger } from '../helpers/ledger-samples.js';

const ELSEWHERE: LeaseHolder = { pid: 1, host: 'another-machine', space: '' };

test('a second holder is told who holds the ask, since when and until when', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  expect(ledger.acquireLease('ask', ELSEWHERE, 500).status).toBe('held');
  clock.nowMs = 1_100;
  expect(ledger.acquireLease('ask', readHolder(), 500)).toEqual({
    status: 'busy',
    holder: ELSEWHERE,
    acquiredAtMs: 1_000,
    expiresAtMs: 1_500,
  });
  expect(ledger.acquireLease('other ask', readHolder(), 500).status).toBe('held');
  ledger.close();
});

test('one process cannot hold an ask twice', () => {
  const ledger = openTestLedger();
  expect(ledger.acquireLease('ask', readHolder(), 500).status).toBe('held');
  expect(ledger.acquireLease('ask', readHolder(), 500).status).toBe('busy');
  ledger.close();
});

test('a lease lapses by itself, and its late holder learns that it is lost', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const first = ledger.acquireLease('ask', ELSEWHERE, 500);
  if (first.status !== 'held') throw new Error('not held');
  clock.nowMs = 1_400;
  expect(ledger.renewLease(first.lease, 500)).toBe(true);
  clock.nowMs = 1_899;
  expect(ledger.acquireLease('ask', readHolder(), 500).status).toBe('busy');
  clock.nowMs = 1_900;
  expect(ledger.acquireLease('ask', readHolder(), 500).status).toBe('held');
  expect(ledger.renewLease(first.lease, 500)).toBe(false);
  ledger.releaseLease(first.lease);
  expect(ledger.acquireLease('ask', ELSEWHERE, 500).status).toBe('busy');
  ledger.close();
});

test('a lease that was let go is free at once', () => {
  const ledger = openTestLedger();
  const first = ledger.acquireLease('ask', ELSEWHERE, 500);
  if (first.status === 'held') ledger.releaseLease(first.lease);
  expect(ledger.acquireLease('ask', readHolder(), 500).status).toBe('held');
  ledger.close();
});

test('a holder killed with kill -9 is replaced at once on the same machine', async () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path, createTestClock(Date.now()));
  const child = startLedgerChild(['lease', path, 'ask']);
  await child.waitForLines(1);
  expect(child.lines).toEqual([`held ${child.pid}`]);
  expect(ledger.acquireLease('ask', readHolder(), 500)).toMatchObject({
    status: 'busy',
    holder: { pid: child.pid },
  });
  await child.kill();
  expect(ledger.acquireLease('ask', readHolder(), 500).status).toBe('held');
  ledger.close();
});

test('a pid of another machine, or of another container, is not taken for one of ours', () => {
  const gone = 2 ** 22 - 1;
  const ledger = openTestLedger();
  ledger.acquireLease('one', { ...readHolder(), host: 'another-machine', pid: gone }, 500);
  ledger.acquireLease('two', { ...readHolder(), space: 'pid:[1]', pid: gone }, 500);
  ledger.acquireLease('three', { ...readHolder(), pid: gone }, 500);
  expect(['one', 'two', 'three'].map((ask) => ledger.acquireLease(ask, readHolder(), 500).status)).toEqual([
    'busy',
    'busy',
    'held',
  ]);
  ledger.close();
});

test('of processes that try for a lease at the same time exactly one gets it', async () => {
  const path = createLedgerPath();
  const children = Array.from({ length: 5 }, () => startLedgerChild(['lease', path, 'ask']));
  await Promise.all(children.map((child) => child.waitForLines(1)));
  const said = children.flatMap((child) => child.lines);
  const holders = said.filter((line) => line.startsWith('held '));
  expect(holders).toHaveLength(1);
  const pid = holders[0]?.split(' ')[1];
  expect(said.filter((line) => line === `busy ${pid}`)).toHaveLength(4);
});
