import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import { createWorkdir } from '../helpers/workdir.js';

const MANIFEST = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));

test('prints only the version on standard output', async () => {
  const dir = createWorkdir();
  for (const flag of ['--version', '-V']) {
    const result = await dir.runProcess([flag]);
    expect(result).toMatchObject({ status: 0, stdout: `${MANIFEST.version}\n`, stderr: '' });
  }
});

test('prints the version without loading other modules', () => {
  const text = readFileSync(join(import.meta.dirname, '../../dist/cli/main.js'), 'utf8');
  const early = [...text.matchAll(/^import .*$/gm)].map((match) => match[0]);
  expect(early).toEqual([
    "import * as nodeModule from 'node:module';",
    "import { VERSION } from '../model/version.js';",
  ]);
});

test('help lists every command and every exit code on standard output', async () => {
  const result = await createWorkdir().runProcess(['--help']);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  for (const { name } of COMMANDS) expect(result.stdout).toMatch(new RegExp(` ${name} [^\n]*\\s`));
  for (const code of ['0', '1', '2', '3', '4', '5', '6', '130']) {
    expect(result.stdout).toMatch(new RegExp(`^  ${code} `, 'm'));
  }
});

test('each command prints its help with an example, and does nothing else', async () => {
  const dir = createWorkdir();
  for (const { name } of COMMANDS) {
    const result = await dir.runProcess([name, '--help']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toContain(`Usage: rowfill ${name}`);
    expect(result.stdout).toContain(`  rowfill ${name}`);
    expect(Math.max(...result.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  }
  expect(dir.has('.rowfill')).toBe(false);
});

test('without arguments, prints the help on standard error and exits with 2', async () => {
  const result = await createWorkdir().runProcess([]);
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain('Usage: rowfill COMMAND');
});

test('suggests the nearest name for an unknown command', async () => {
  const result = await createWorkdir().run(['complation']);
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain('unknown command “complation”');
  expect(result.stderr).toContain('Did you mean completion?');
});

test('suggests the nearest name for an unknown option', async () => {
  const result = await createWorkdir().run(['completion', '--debgu']);
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain('completion has no option --debgu');
  expect(result.stderr).toContain('Did you mean --debug?');
});

test('reports an option in place of the command', async () => {
  const result = await createWorkdir().run(['--limit', '3']);
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('the first argument must be a command, not --limit');
});

test('control sequences in an argument do not reach the terminal', async () => {
  const result = await createWorkdir().run(['\u001b[31mred\u001b]0;title\u0007\u202e']);
  expect(result.stderr).toContain('unknown command “red');
  expect(result.stderr).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
});

test('shows a stack trace only with --debug', async () => {
  const dir = createWorkdir();
  expect((await dir.run(['nonsense'])).stderr).not.toContain('    at ');
  expect((await dir.run(['nonsense', '--debug'])).stderr).toContain('    at ');
});

test('prints the completion script for the shell, and completes commands and options', async () => {
  const dir = createWorkdir();
  const bash = await dir.runProcess(['completion'], { env: { SHELL: '/bin/bash' } });
  expect(bash).toMatchObject({ status: 0, stderr: '' });
  expect(bash.stdout).toContain('complete -o bashdefault -o default -F _rowfill_yargs_completions rowfill');
  const zsh = await dir.runProcess(['completion'], { env: { SHELL: '/bin/zsh' } });
  expect(zsh.stdout).toContain('#compdef rowfill');

  const env = { SHELL: '/bin/bash' };
  const commands = await dir.runProcess(['--get-yargs-completions', 'rowfill', ''], { env });
  expect(commands.stdout.split('\n')).toEqual(expect.arrayContaining(COMMANDS.map(({ name }) => name)));
  const options = await dir.runProcess(['--get-yargs-completions', 'rowfill', 'completion', '--'], { env });
  expect(options.stdout.trim().split('\n').sort()).toEqual(['--debug', '--help', '--version']);
});
