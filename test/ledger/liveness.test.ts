import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findLiveness, readMark, readPs } from '../../src/ledger/liveness.js';
import { ON_LINUX, ON_WINDOWS } from '../helpers/platform.js';

const SELF = { pid: process.pid, started: readMark() };

/** Another process that has a mark of its own, which it prints. */
async function startOther() {
  const module = new URL('../../dist/ledger/liveness.js', import.meta.url).href;
  const program = `const { readMark } = await import('${module}'); console.log(readMark()); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  const [line] = await once(child.stdout, 'data');
  return { mark: { pid: child.pid ?? -1, started: String(line).trim() }, kill };
}

test('a process is alive until it ends, however long it takes, and is not taken for a later one', async () => {
  const { mark, kill } = await startOther();
  expect(mark.started).not.toBe(SELF.started);
  expect(findLiveness(SELF, SELF)).toBe('alive');
  // More often than a pipe of Windows can be opened before its process looks after it.
  for (let look = 0; look < 10; look += 1) expect(findLiveness(mark, SELF)).toBe('alive');
  expect(findLiveness({ ...mark, started: '1' }, SELF)).toBe('gone');
  expect(findLiveness({ ...mark, started: '' }, SELF)).toBe('unknown');
  expect(findLiveness({ ...SELF, pid: 2 ** 30 }, SELF)).toBe('gone');
  await kill();
  expect(findLiveness(mark, SELF)).toBe('gone');
  expect(findLiveness({ ...mark, started: '' }, SELF)).toBe('gone');
});

// As on macOS. Other systems without /proc have the same `ps`.
test.skipIf(ON_WINDOWS)(
  'without /proc, `ps` tells a process from a later one, and a zombie from a process',
  async () => {
    const self = { pid: process.pid, started: readMark('darwin') };
    const other = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)']);
    const ended = once(other, 'close');
    onTestFinished(async () => {
      other.kill('SIGKILL');
      await ended;
    });
    await once(other.stdout, 'data');
    const pid = other.pid ?? -1;
    const started = String(Date.now() / 1_000);
    expect(findLiveness({ pid, started }, self, 'darwin')).toBe('alive');
    expect(findLiveness({ pid, started: String(Number(started) - 3_600) }, self, 'darwin')).toBe('gone');
    expect(findLiveness({ pid, started: '' }, self, 'darwin')).toBe('unknown');
    expect(Math.abs(Number(readPs(process.pid).started) - Number(self.started))).toBeLessThan(30);
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [line] = await once(parent.stdout, 'data');
    const child = { pid: Number(String(line)), started };
    expect(findLiveness(child, self, 'darwin')).toBe('alive');
    await vi.waitFor(() => expect(readPs(parent.pid ?? -1).state).toBe('S'));
    process.kill(child.pid, 'SIGKILL');
    // The shell may collect the exit code before it has become `sleep`.
    await vi.waitFor(() => expect(findLiveness(child, self, 'darwin')).toBe('gone'));
  },
);

test.runIf(ON_LINUX)('on Linux, the start time comes from /proc', () => {
  expect(readMark()).toMatch(/^\d+$/);
});
