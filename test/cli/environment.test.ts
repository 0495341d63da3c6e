import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { servePaid } from '../helpers/paid-server.js';
import { NO_FIFOS, NO_SHELL, ON_LINUX, ON_WINDOWS } from '../helpers/platform.js';
import { createWorkdir, PROGRAM, type Workdir } from '../helpers/workdir.js';

/** A device on which every write fails, as on a full disk. */
const NO_FULL_DISK = ON_WINDOWS || !existsSync('/dev/full');
const INPUT = 'company,city\nAcme,\nBolt,\n';
const JOB = '--reference ref -f city';

function createFolder(): Workdir {
  const workdir = createWorkdir();
  workdir.write('in.csv', INPUT);
  workdir.write('ref/towns.csv', 'company,city\nAcme,Oslo\n');
  return workdir;
}

test.skipIf(NO_FULL_DISK).each(['2>/dev/full', '2>&-', '2>/dev/full >/dev/full'])(
  'a paid job continues and writes its output with %s',
  async (redirect) => {
    const workdir = createFolder();
    const server = await servePaid();
    const script = `rowfill run in.csv -f answer --yes --api-url ${server.url} ${redirect}`;
    expect(await workdir.shell(script)).toMatchObject({ status: 0 });
    expect(server.agent.tasks).toHaveLength(1);
    expect(workdir.read('in.filled.csv')).toContain('enriched');
    const again = await workdir.run([
      'run',
      'in.csv',
      '-f',
      'answer',
      '--yes',
      '--api-url',
      server.url,
      '--json',
    ]);
    expect(JSON.parse(again.stdout)).toMatchObject({ cost_usd: 0.025, runs: { created: 0 } });
  },
);

test.skipIf(NO_FULL_DISK)('an error that cannot be printed still sets the exit code', async () => {
  const workdir = createFolder();
  expect((await workdir.shell('rowfill run none.csv -f city --yes 2>/dev/full')).status).toBe(2);
});

test
  .skipIf(NO_FULL_DISK)
  .each([
    `run in.csv ${JOB} -o -`,
    `run in.csv ${JOB} -o /dev/stdout --format csv`,
    `run in.csv ${JOB} --json`,
    'status --help',
    '--help',
    'completion',
  ])('standard output on a full disk gives its own error: %s', async (command) => {
  const workdir = createFolder();
  const { status, stderr } = await workdir.shell(`rowfill ${command} >/dev/full`);
  expect(stderr).toContain('OUTPUT_DISK_FULL');
  expect(stderr).not.toContain('defect');
  expect(status).toBe(2);
});

test.skipIf(NO_FULL_DISK)('a watcher whose log cannot be written fills its files', async () => {
  const workdir = createFolder();
  workdir.write('drop/list.csv', INPUT);
  const { status } = await workdir.shell(`rowfill watch drop --once --settle 0s ${JOB} >/dev/full`);
  expect(workdir.read('drop/done/list.filled.csv')).toContain('Oslo');
  expect(status).toBe(2);
});

test.skipIf(NO_SHELL).each([
  ['rowfill run - $JOB < in.csv', {}],
  ['rowfill run in.csv $JOB --exclude <(echo company)', {}],
  ['ROWFILL_HOME=$PWD/fresh rowfill plan in.csv $JOB', {}],
] as const)('a folder for temporary files that cannot be made is named: %s', async (script, env) => {
  const workdir = createFolder();
  const result = await workdir.shell(script.replace('$JOB', JOB), {
    // Node itself may make a missing one, for its cache of compiled code.
    env: { ...env, TMPDIR: join(workdir.path, 'in.csv/none') },
  });
  expect(result.stderr).toContain('[TEMP_NOT_WRITABLE]');
  expect(result.status).toBe(2);
});

test.runIf(ON_LINUX)('an empty HOME does not create a ledger in the current folder', async () => {
  const workdir = createFolder();
  const data = join(workdir.path, 'data');
  const env = { HOME: '', XDG_DATA_HOME: data };
  const script = `unset ROWFILL_HOME; rowfill run in.csv ${JOB}`;
  expect((await workdir.shell(script, { env })).status).toBe(0);
  expect(existsSync(join(data, 'rowfill/ledger.sqlite'))).toBe(true);
  expect(readdirSync(workdir.path).sort()).toEqual(['data', 'in.csv', 'in.filled.csv', 'ref']);
});

test.each(['ROWFILL_LEDGER', 'ROWFILL_HOME', 'ROWFILL_MAX_COST_PER_DAY'])(
  'an empty %s is refused, since it costs money',
  async (name) => {
    const workdir = createFolder();
    for (const value of ['', '  ']) {
      const result = await workdir.run(['run', 'in.csv', ...JOB.split(' ')], { env: { [name]: value } });
      expect(result).toMatchObject({ status: 2, stdout: '' });
      expect(result.stderr).toContain(`${name} is empty [EMPTY_VARIABLE]`);
    }
    expect(readdirSync(workdir.path).sort()).toEqual(['in.csv', 'ref']);
  },
);

test('refuses a ~ that the shell did not expand', async () => {
  const workdir = createFolder();
  const result = await workdir.run(['status'], { env: { ROWFILL_HOME: '~/.rowfill' } });
  expect(result.stderr).toContain('[BAD_HOME]');
  expect(existsSync(join(workdir.path, '~'))).toBe(false);
});

/** Runs as a user id without an account, which only root can switch to. */
test.skipIf(process.getuid?.() !== 0)('a user without a home folder only needs ROWFILL_HOME', () => {
  const workdir = createFolder();
  const stranger = 54321;
  chownSync(workdir.path, stranger, stranger);
  const run = (env: Record<string, string>) =>
    execFileSync(process.execPath, [PROGRAM, 'run', 'in.csv', ...JOB.split(' ')], {
      cwd: workdir.path,
      uid: stranger,
      gid: stranger,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  for (const env of [{}, { HOME: '' }, { HOME: 'relative' }]) expect(() => run(env)).toThrow(/NO_HOME/);
  expect(readdirSync(workdir.path).sort()).toEqual(['in.csv', 'ref']);
  mkdirSync(join(workdir.path, 'own'));
  chownSync(join(workdir.path, 'own'), stranger, stranger);
  run({ ROWFILL_HOME: join(workdir.path, 'own') });
  expect(existsSync(join(workdir.path, 'own/ledger.sqlite'))).toBe(true);
});

test.runIf(ON_LINUX)('reports too many open files, wherever that happens', async () => {
  const workdir = createFolder();
  const script = [28, 30, 34, 38]
    .map((limit) => `(ulimit -n ${limit}; rowfill run in.csv ${JOB} -o ${limit}.csv)`)
    .join('; ');
  const { stderr } = await workdir.shell(script);
  expect(stderr).not.toContain('defect');
  expect(stderr).toContain('[TOO_MANY_FILES]');
});

test.skipIf(NO_SHELL).each([
  ['a list', '--exclude /dev/zero', 'INPUT_NOT_TEXT'],
  ['a list', '--exclude /dev/urandom', 'INPUT_NOT_TEXT'],
  ['a recipe', '--recipe /dev/zero', 'RECIPE_NOT_TEXT'],
  ['a recipe', '--recipe <(yes)', 'RECIPE_NOT_TEXT'],
  ['a table', '--reference zero', 'REFERENCE_INVALID'],
  ['a table', '--reference pipe', 'REFERENCE_INVALID'],
])('refuses an endless file as %s: %s', async (_what, option, code) => {
  const workdir = createFolder();
  const job = option.startsWith('--reference') ? `-f city ${option}` : `${JOB} ${option}`;
  const make = 'mkdir zero pipe; ln -s /dev/zero zero/t.csv; mkfifo pipe/t.csv';
  const { status, stderr } = await workdir.shell(`${make}; rowfill run in.csv ${job}`);
  expect(stderr).toContain(`[${code}]`);
  expect(status).toBe(2);
});

test.skipIf(NO_SHELL).each(['/dev/zero', '<(yes)'])('refuses %s as a schema', async (schema) => {
  const workdir = createFolder();
  const { stderr } = await workdir.shell(`rowfill run in.csv --reference ref -s ${schema}`);
  expect(stderr).toContain('[SCHEMA_TOO_LARGE]');
});

test.skipIf(NO_FIFOS).each(['run pipe -f city', 'run in.csv -f city --exclude pipe', 'run in.csv -s pipe'])(
  'can be interrupted while reading a pipe without a writer: %s',
  async (command) => {
    const workdir = createFolder();
    const script = `mkfifo pipe
      ${process.execPath} ${PROGRAM} ${command} --reference ref --log-file log -o out.csv & pid=$!
      until [ -e log ]; do :; done
      kill -TERM $pid; wait $pid; echo $?`;
    // A background function would run in a subshell, which would get the signal instead.
    // 143 if the signal came before the program had installed its handler.
    expect((await workdir.shell(script)).stdout).toMatch(/^(?:130|143)\n$/);
  },
);
