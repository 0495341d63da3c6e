import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readGoneAt, readHolder } from '../../src/ledger/holder.js';
import { createTestClock } from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

const ON_LINUX = process.platform === 'linux';

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

test.skipIf(OBSTACLE !== null).each(STORES)(
  `${SPACES} on $name: both have a process 1, a killed holder is replaced, a live one is not mistaken by its pid`,
  async (store) => {
    const place = store.createPlace();
    const clock = createTestClock(Date.now());
    const ledger = await openStore(store, place, { clock });
    const first = await openContainer(store.name, place);
    expect(first.line).toBe('held 1');
    // A live holder in another namespace keeps its lease, although its pid 1 is a different process here.
    const second = await openContainer(store.name, place);
    expect(second.line).toBe('busy 1');
    const { boot } = readHolder();
    expect(await ledger.acquireLease('ask')).toMatchObject({ status: 'busy', holder: { pid: 1, boot } });
    await first.kill();
    // From outside the namespace, this cannot be known yet.
    expect(await ledger.acquireLease('ask')).toMatchObject({ status: 'busy' });
    clock.nowMs = Date.now() + 46_000;
    expect(await ledger.acquireLease('ask')).toEqual({ status: 'held' });
  },
);

/** A process that is pid 1 of its own PID namespace, as in a container, and tries to get a lease. */
async function openContainer(store: string, path: string): Promise<{ line: string; kill(): Promise<void> }> {
  const script = new URL('../helpers/ledger-child.mjs', import.meta.url).pathname;
  const child = spawn(
    'unshare',
    [
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
      process.execPath,
      script,
      store,
      'lease',
      path,
      'ask',
    ],
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
