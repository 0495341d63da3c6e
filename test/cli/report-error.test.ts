import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import { DiffOutput } from '../../src/cli/diff-output.js';
import { reportError, reportFailure } from '../../src/cli/report-error.js';
import { createUsageError, RowfillError } from '../../src/errors.js';
import { createTestHost } from '../helpers/host.js';
import { createWorkdir } from '../helpers/workdir.js';

test('prints what happened, the code and what to do', () => {
  const host = createTestHost();
  expect(reportError(createUsageError('NO_FILE', 'in.csv is missing', 'Check the path.'), host)).toBe(2);
  expect(host.readStderr()).toBe('error: in.csv is missing [NO_FILE]\nwhat to do: Check the path.\n');
});

test('a declined question prints its result, not an error', () => {
  const host = createTestHost();
  expect(reportError(createUsageError('COST_DECLINED', 'not started: nothing was sent', ''), host)).toBe(2);
  expect(host.readStderr()).toBe('Not started: nothing was sent.\n');
});

test('reports an unexpected exception as a bug, with how to report it, and exits with 1', () => {
  const host = createTestHost();
  expect(reportError(new TypeError('x is not a function'), host)).toBe(1);
  expect(host.readStderr()).toContain('error: bug in rowfill: x is not a function\n');
  expect(host.readStderr()).toContain('run the same command with --debug');
  expect(host.readStderr()).not.toContain('    at ');
});

test('with --debug, shows the stack of the error and of every cause', () => {
  const host = createTestHost({ isDebug: true });
  const cause = new Error('the disk is full');
  reportError(new RowfillError('usage', 'NO_SPACE', 'nothing was written', { cause }), host);
  const said = host.readStderr();
  expect(said.match(/ {4}at /g)?.length).toBeGreaterThan(2);
  expect(said).toContain('caused by:\nError: the disk is full');
});

test.each([
  ['EMFILE', 'TOO_MANY_FILES'],
  ['ENFILE', 'TOO_MANY_FILES'],
  ['ENOSPC', 'DISK_FULL'],
  ['EDQUOT', 'DISK_FULL'],
  ['ENOMEM', 'OUT_OF_MEMORY'],
  ['EROFS', 'READ_ONLY_DISK'],
])('reports %s at any depth as a system limit, not as a bug', (code, said) => {
  for (const wrap of [
    (error: Error) => error,
    (error: Error) => new Error('cannot go on', { cause: error }),
  ]) {
    const host = createTestHost();
    const error = Object.assign(new Error(`${code}: so it is, open '/x'`), { code });
    expect(reportError(wrap(error), host)).toBe(2);
    expect(host.readStderr()).toContain(`[${said}]`);
    expect(host.readStderr()).not.toContain('bug in rowfill');
  }
});

test('keeps our own error message, whatever caused it', () => {
  const host = createTestHost();
  const cause = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  reportError(createUsageError('OUTPUT_DISK_FULL', 'out.csv cannot be written', 'Make room.', cause), host);
  expect(host.readStderr()).toContain('[OUTPUT_DISK_FULL]');
});

test('reports a thrown value that is not an Error', () => {
  const host = createTestHost();
  expect(reportError('just text', host)).toBe(1);
  expect(host.readStderr()).toContain('bug in rowfill: just text');
});

test('a closed output pipe is not an error, but a broken network connection is', () => {
  const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  const closed = createTestHost({ isOutputClosed: true });
  expect(reportError(new Error('wrapped', { cause: broken }), closed)).toBe(0);
  expect(closed.readStderr()).toBe('');
  expect(
    reportError(new RowfillError('unreachable', 'NETWORK', 'x', { cause: broken }), createTestHost()),
  ).toBe(4);
});

test('masks the key in messages', () => {
  const host = createTestHost({ env: { EXA_API_KEY: 'sk-0123456789' } });
  reportError(new Error('bad header x-api-key: sk-0123456789'), host);
  expect(host.readStderr()).toContain('x-api-key: ***');
});

test('uses color only on terminals that support it', () => {
  const say = (options: Parameters<typeof createTestHost>[0]): string => {
    const host = createTestHost(options);
    host.say({ text: 'error: ', style: 'red' }, 'text');
    return host.readStderr();
  };
  expect(say({ isTerminal: true })).toBe('\u001b[31merror: \u001b[0mtext\n');
  expect(say({ isTerminal: true, env: { NO_COLOR: '1' } })).toBe('error: text\n');
  expect(say({ isTerminal: true, env: { NO_COLOR: '' } })).toContain('\u001b[31m');
  expect(say({ isTerminal: true, env: { TERM: 'dumb' } })).toBe('error: text\n');
  expect(say({ isTerminal: false })).toBe('error: text\n');
});

test('with --json, every failure is also one JSON object on standard output', async () => {
  const dir = createWorkdir();
  const fail = async (...words: string[]) => {
    const result = await dir.run(words);
    expect(result.status).toBe(2);
    return JSON.parse(result.stdout);
  };
  const hint = 'Check the path.';
  expect(await fail('run', 'none.csv', '--reference', '.', '-f', 'a', '--json')).toEqual({
    error: { code: 'INPUT_NOT_FOUND', message: 'none.csv does not exist', hint },
  });
  expect(await fail('plan', '--json')).toMatchObject({ error: { code: 'MISSING_OPERAND' } });
  expect(await fail('run', 'a.csv', '--json', '--nonsense')).toMatchObject({
    error: { code: 'UNKNOWN_OPTION' },
  });
  expect(await fail('run', 'none.csv', '--reference', '.', '-f', 'a', '--json=yes')).toMatchObject({
    error: { code: 'INPUT_NOT_FOUND' },
  });
  for (const words of [[], ['--json=no'], ['--', '--json']]) {
    expect(await dir.run(['run', 'none.csv', '--reference', '.', '-f', 'a', ...words])).toMatchObject({
      stdout: '',
    });
  }
});

test('every command gives its failures as JSON, also those without results in JSON', async () => {
  const dir = createWorkdir();
  for (const { name } of COMMANDS) {
    for (const words of [
      [name, '--json', '--nonsense'],
      [name, '--json', 'j_none', '--ledger', 'none/x'],
    ]) {
      const { status, stdout, stderr } = await dir.run(words);
      expect({ words, status }).toEqual({ words, status: 2 });
      const { error, checks } = JSON.parse(stdout);
      if (checks === undefined) {
        expect(error).toEqual({
          code: expect.any(String),
          message: expect.any(String),
          hint: expect.any(String),
        });
        expect(stderr).toContain(`[${error.code}]`);
      }
    }
  }
});

test('a JSON object that a failure cuts short is still one object, with the error in it', async () => {
  const host = createTestHost();
  const output = new DiffOutput(host, true, ['row'], null);
  const error = createUsageError('INPUT_CHANGED', 'b.csv was changed', 'Run it again.');
  const comparing = output.collect(async (onRecord) => {
    await onRecord({ row: 'Acme' });
    throw error;
  });
  await expect(comparing).rejects.toBe(error);
  expect(reportFailure(error, ['diff', 'a.csv', 'b.csv', '--json'], host)).toBe(2);
  expect(JSON.parse(host.readStdout())).toEqual({
    cells: [{ row: 'Acme' }],
    error: { code: 'INPUT_CHANGED', message: 'b.csv was changed', hint: 'Run it again.' },
  });
});

test('the JSON of a failure never shows the key', async () => {
  const key = 'sk-test-0123456789';
  const args = ['run', `${key}.csv`, '-f', 'a', '--json'];
  const { stdout } = await createWorkdir().run(args, { env: { EXA_API_KEY: key } });
  expect(JSON.parse(stdout).error.code).toBe('INPUT_NOT_FOUND');
  expect(stdout).not.toContain(key);
});
