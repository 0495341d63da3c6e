import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Holder, readGoneAt, readHolder } from '../../src/ledger/holder.js';
import { startLedgerChild } from '../helpers/ledger-child.js';
import { createLedgerPath, createTestClock, openTestLedger } from '../helpers/ledger-samples.js';

const ELSEWHERE: Holder = {
  pid: 1,
  started: '77',
  space: 'pid:[1]',
  boot: 'another boot',
  host: 'elsewhere',
};
/** Another container on this machine. */
const BESIDE: Holder = { ...readHolder(), pid: 1, started: '77', space: 'pid:[1]' };
/** Above the highest process id of any system. */
const NO_PID = 2 ** 30;
const ON_LINUX = process.platform === 'linux';

test('a second process gets the holder of the ask, its start time, and when it may take over', () => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  expect(ledger.acquireLease('ask', ELSEWHERE).status).toBe('held');
  clock.nowMs = 1_100;
  expect(ledger.acquireLease('ask', readHolder())).toEqual({
    status: 'busy',
    holder: ELSEWHERE,
    acquiredAtMs: 1_000,
    renewedAtMs: 1_000,
    goneAtMs: 301_000,
  });
  expect(ledger.acquireLease('other ask', readHolder()).status).toBe('held');
  ledger.close();
});

test('one process cannot hold an ask twice, even after a long pause', () => {
  const clock = createTestClock();
  const ledger = openTestLedger(undefined, clock);
  expect(ledger.acquireLease('ask', readHolder()).status).toBe('held');
  expect(ledger.acquireLease('ask', readHolder()).status).toBe('busy');
  clock.nowMs += 24 * 60 * 60_000;
  expect(ledger.acquireLease('ask', readHolder()).status).toBe(ON_LINUX ? 'busy' : 'held');
  ledger.close();
});

test.each([
  ['another container of this machine', BESIDE, 45_000],
  ['another machine', ELSEWHERE, 300_000],
])('a holder in %s counts as gone only by missed renewals', (_title, holder, goneMs) => {
  const clock = createTestClock(1_000);
  const ledger = openTestLedger(undefined, clock);
  const first = ledger.acquireLease('ask', holder);
  if (first.status !== 'held') throw new Error('not held');
  clock.nowMs = 10_000;
  expect(ledger.renewLease(first.lease)).toBe(true);
  clock.nowMs = 9_999 + goneMs;
  expect(ledger.acquireLease('ask', readHolder()).status).toBe('busy');
  clock.nowMs = 10_000 + goneMs;
  expect(ledger.acquireLease('ask', readHolder()).status).toBe('held');
  expect(ledger.renewLease(first.lease)).toBe(false);
  ledger.releaseLease(first.lease);
  expect(ledger.acquireLease('ask', holder).status).toBe('busy');
  ledger.close();
});

test('a released lease is free at once', () => {
  const ledger = openTestLedger();
  const first = ledger.acquireLease('ask', readHolder());
  if (first.status === 'held') ledger.releaseLease(first.lease);
  expect(ledger.acquireLease('ask', ELSEWHERE).status).toBe('held');
  ledger.close();
});

test('a holder killed with kill -9 is replaced at once on the same machine', async () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path, createTestClock(Date.now()));
  const child = startLedgerChild(['lease', path, 'ask']);
  await child.waitForLines(1);
  expect(child.lines).toEqual([`held ${child.pid}`]);
  expect(ledger.acquireLease('ask', readHolder())).toMatchObject({
    status: 'busy',
    holder: { pid: child.pid },
  });
  await child.kill();
  expect(ledger.acquireLease('ask', readHolder()).status).toBe('held');
  ledger.close();
});

test('does not look up a pid of another machine or container among local ones', () => {
  const ledger = openTestLedger();
  const self = readHolder();
  ledger.acquireLease('one', { ...self, host: 'another-machine', boot: 'another boot', pid: NO_PID });
  ledger.acquireLease('two', { ...self, space: 'pid:[1]', pid: NO_PID });
  ledger.acquireLease('three', { ...self, pid: NO_PID });
  expect(['one', 'two', 'three'].map((ask) => ledger.acquireLease(ask, self).status)).toEqual([
    'busy',
    'busy',
    'held',
  ]);
  ledger.close();
});

test.skipIf(!ON_LINUX)("a process with the holder's pid but another start time is not the holder", () => {
  const self = readHolder();
  expect(self).toMatchObject({ started: expect.stringMatching(/^\d+$/), boot: expect.stringMatching(/-/) });
  expect(readGoneAt(self, 0, self)).toBe(Number.POSITIVE_INFINITY);
  expect(readGoneAt({ ...self, started: '1' }, 1_000, self)).toBe(0);
  // As written by an earlier version, or on a system that hides other users' processes.
  expect(readGoneAt({ ...self, started: '' }, 1_000, self)).toBe(46_000);
  expect(readGoneAt({ ...self, started: '', boot: '' }, 1_000, self)).toBe(46_000);
});

test.skipIf(!ON_LINUX)('a killed process whose parent never asks for its exit code is gone', async () => {
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = await once(parent.stdout, 'data');
  const pid = Number(String(line));
  const readFields = (): string[] =>
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const self = readHolder();
  const holder = { ...self, pid, started: readFields()[19] ?? '' };
  expect(readGoneAt(holder, 1_000, self)).toBe(Number.POSITIVE_INFINITY);
  // Until it has become `sleep`, the shell may collect the exit code.
  await vi.waitFor(() => expect(readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n'));
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => expect(readFields()[0]).toBe('Z'));
  expect(readGoneAt(holder, 1_000, self)).toBe(0);
  expect(readGoneAt({ ...holder, started: '' }, 1_000, self)).toBe(0);
});

test('exactly one of several concurrent processes gets a lease', async () => {
  const path = createLedgerPath();
  const children = Array.from({ length: 5 }, () => startLedgerChild(['lease', path, 'ask']));
  await Promise.all(children.map((child) => child.waitForLines(1)));
  const said = children.flatMap((child) => child.lines);
  const holders = said.filter((line) => line.startsWith('held '));
  expect(holders).toHaveLength(1);
  const pid = holders[0]?.split(' ')[1];
  expect(said.filter((line) => line === `busy ${pid}`)).toHaveLength(4);
});

/** Why this machine cannot create a PID namespace; null if it can. */
function findSpaceObstacle(): string | null {
  if (!ON_LINUX) return 'process spaces are a thing of Linux';
  const { status, error, stderr } = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], {
    encoding: 'utf8',
  });
  return status === 0 ? null : (error?.message ?? stderr.trim());
}

const OBSTACLE = findSpaceObstacle();
const SPACES = OBSTACLE === null ? 'two process spaces' : `two process spaces (not here: ${OBSTACLE})`;

test.skipIf(OBSTACLE !== null)(
  `${SPACES}: both have a process 1, a killed holder is replaced, a live one is not mistaken by its pid`,
  async () => {
    const path = createLedgerPath();
    const clock = createTestClock(Date.now());
    const ledger = openTestLedger(path, clock);
    const first = await openContainer(path);
    expect(first.line).toBe('held 1');
    // A live holder in another namespace keeps its lease, although its pid 1 is a different process here.
    const second = await openContainer(path);
    expect(second.line).toBe('busy 1');
    const seen = ledger.acquireLease('ask', readHolder());
    expect(seen).toMatchObject({ status: 'busy', holder: { pid: 1, boot: readHolder().boot } });
    await first.kill();
    // From outside the namespace, this cannot be known yet.
    expect(ledger.acquireLease('ask', readHolder())).toMatchObject({ status: 'busy' });
    clock.nowMs = Date.now() + 46_000;
    expect(ledger.acquireLease('ask', readHolder())).toMatchObject({ status: 'held' });
    ledger.close();
  },
);

/** A process that is pid 1 of its own PID namespace, as in a container, and tries to get a lease. */
async function openContainer(path: string): Promise<{ line: string; kill(): Promise<void> }> {
  const script = new URL('../helpers/ledger-child.mjs', import.meta.url).pathname;
  const child = spawn(
    'unshare',
    ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, script, 'lease', path, 'ask'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { line: chunk.toString('utf8').trim(), kill };
}
