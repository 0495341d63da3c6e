import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createList } from '../helpers/job.js';
import { createTestJob } from '../helpers/ledger-samples.js';
import { createPaidGate, servePaid } from '../helpers/paid-server.js';
import { hasTerminal, openTerminal } from '../helpers/terminal.js';
import { createEnvironment, createWorkdir, PROGRAM } from '../helpers/workdir.js';

const ENV = { EXA_API_KEY: 'sk-test-0123456789' };
const ENDED_BY_SIGHUP = 129;
const WHOLE = /(?<!-)icanon.* (?<!-)echo /s;

async function openQuestion() {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const { url, agent } = await servePaid();
  const terminal = openTerminal(dir, ['run', 'in.csv', '-f', 'answer', '--api-url', url], ENV);
  await terminal.sees('Continue? [y/N]');
  return { dir, agent, terminal };
}

test.skipIf(!hasTerminal).each(['SIGTERM', 'SIGHUP', 'SIGINT', '\u0003'] as const)(
  '%j at the cost question exits immediately with 130, leaves nothing behind and restores the terminal',
  async (how) => {
    const { dir, agent, terminal } = await openQuestion();
    if (how === '\u0003') terminal.type(how);
    else terminal.signal(how);
    const { status, text, settings } = await terminal.end();
    expect(status).toBe(130);
    expect(text).toContain('Interrupted before anything was sent.');
    expect(text).not.toContain('Stopping');
    expect(settings).toMatch(WHOLE);
    expect(agent.tasks).toEqual([]);
    expect((await dir.run(['status'])).stderr).toContain('No jobs yet');
    expect(dir.has('in.filled.csv')).toBe(false);
  },
);

test.skipIf(!hasTerminal).each([
  ['n\r', 2],
  ['\u0004', 2],
  ['y\r', 0],
])('the answer %j ends with %i and restores the terminal', async (keys, code) => {
  const { agent, terminal } = await openQuestion();
  terminal.type(keys);
  const { status, settings } = await terminal.end();
  expect(status).toBe(code);
  expect(settings).toMatch(WHOLE);
  expect(agent.tasks).toHaveLength(code === 0 ? 1 : 0);
});

test.skipIf(!hasTerminal)('starts nothing if the terminal closes during the question', async () => {
  const { dir, agent, terminal } = await openQuestion();
  expect(await terminal.hangUp()).toBe(ENDED_BY_SIGHUP);
  expect(agent.tasks).toEqual([]);
  expect((await dir.run(['status'])).stderr).toContain('No jobs yet');
});

test.skipIf(!hasTerminal)('a terminal closed during a job stops it like Ctrl-C', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const terminal = openTerminal(dir, ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'], ENV);
  await gate.reached(1);
  expect(await terminal.hangUp()).toBe(ENDED_BY_SIGHUP);
  expect(dir.has('in.filled.csv')).toBe(true);
  const { jobs } = JSON.parse((await dir.run(['status', '--json'])).stdout);
  expect(jobs).toMatchObject([{ stop: 'interrupted', runs: [{ state: 'sent' }] }]);
});

test.skipIf(!hasTerminal)(
  'two hang-ups of a closing terminal stop a job once, and the output is complete',
  async () => {
    const dir = createWorkdir();
    // Large enough that the second hang-up comes while the output is being written.
    dir.write('in.csv', createList(50_000));
    const gate = createPaidGate();
    const { url } = await servePaid(gate.script);
    const args = ['run', 'in.csv', '-f', 'answer', '--limit', '3', '--api-url', url, '--yes'];
    const terminal = openTerminal(dir, args, ENV);
    await gate.reached(1);
    terminal.signal('SIGHUP');
    await terminal.sees('Stopping');
    terminal.signal('SIGHUP');
    expect((await terminal.end()).status).toBe(130);
    expect(dir.read('in.filled.csv').trim().split('\n')).toHaveLength(50_001);
  },
);

test.skipIf(process.platform === 'win32')('without a terminal, a hang-up does not stop a job', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const program = dir.spawn(['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'], { env: ENV });
  await gate.reached(1);
  program.signal('SIGHUP');
  program.signal('SIGHUP');
  gate.open();
  expect(await program.end()).toMatchObject({ status: 0, signal: null });
  expect(dir.read('in.filled.csv')).toContain('enriched');
  // SIGTERM still stops it.
  dir.write('drop/readme.md', '');
  const other = dir.spawn(['watch', 'drop', '-f', 'answer', '--api-url', url, '--yes'], { env: ENV });
  await expect.poll(() => other.result().stdout).toContain('"watching"');
  other.signal('SIGHUP');
  expect((await other.end('SIGTERM')).status).toBe(130);
});

test.skipIf(!hasTerminal)('a job started with nohup survives its terminal', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const gate = createPaidGate();
  const { url } = await servePaid(gate.script);
  const args = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'].join(' ');
  dir.write('go.sh', `nohup ${process.execPath} ${PROGRAM} ${args} &\necho $! > pid\nwait\n`);
  const terminal = spawn('script', ['-qec', 'sh go.sh', '/dev/null'], {
    cwd: dir.path,
    env: { ...createEnvironment(), SHELL: '/bin/sh', ROWFILL_HOME: dir.home, ...ENV },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await gate.reached(1);
  const closed = new Promise((resolve) => terminal.once('close', resolve));
  terminal.kill('SIGKILL');
  await closed;
  const pid = Number(dir.read('pid'));
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  gate.open();
  await expect.poll(() => dir.has('in.filled.csv') && dir.read('in.filled.csv')).toContain('enriched');
  await expect.poll(() => isAlive(pid)).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.skipIf(!hasTerminal).each([['\u0003'], ['SIGTERM']] as const)(
  '%j at a question of init or prune ends with 130 and restores the terminal',
  async (how) => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(3));
    // An old job to delete.
    const ledger = await openLedger(`${dir.home}/ledger.sqlite`, { clock: { now: () => 0 } });
    const { id } = await ledger.openJob(createTestJob());
    await ledger.closeJob(id, { stop: 'done', counts: null, finished: null });
    await ledger.close();
    for (const [args, question, end] of [
      [['init', 'in.csv'], 'Which columns', 'Nothing was written.'],
      [['prune', '--asks', '1d'], 'Continue? [y/N]', 'Nothing was deleted.'],
    ] as const) {
      const terminal = openTerminal(dir, args, ENV);
      await terminal.sees(question);
      if (how === '\u0003') terminal.type(how);
      else terminal.signal(how);
      const { status, text, settings } = await terminal.end();
      expect(status).toBe(130);
      expect(text).toContain(end);
      expect(settings).toMatch(WHOLE);
    }
  },
);
