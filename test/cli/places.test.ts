import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { servePaid } from '../helpers/paid-server.js';
import {
  NO_DESCRIPTORS,
  NO_FIFOS,
  NO_LINKS,
  NO_MODES,
  NO_SHELL,
  ON_LINUX,
  ON_WINDOWS,
} from '../helpers/platform.js';
import { createWorkdir, PROGRAM, type ProgramResult, type Workdir } from '../helpers/workdir.js';

const INPUT = 'company,city\nAcme,\nBolt,\n';
const JOB = '--reference ref -f city';
const RUN = ['run', 'in.csv', ...JOB.split(' ')];

function createFolder(): Workdir {
  const workdir = createWorkdir();
  workdir.write('in.csv', INPUT);
  workdir.write('ref/towns.csv', 'company,city\nAcme,Oslo\n');
  return workdir;
}

/** Returns all of standard error of a command that is expected to fail. */
function expectError({ status, stderr }: ProgramResult, code: string): void {
  expect(stderr).toContain(`[${code}]`);
  expect(stderr).not.toContain('defect');
  expect(status).toBe(2);
}

test.skipIf(NO_SHELL)('fills an input that is a file descriptor to standard output', async () => {
  const workdir = createFolder();
  for (const script of [
    `rowfill run /dev/stdin ${JOB} < in.csv`,
    `cat in.csv | rowfill run /dev/stdin ${JOB}`,
    `rowfill run <(cat in.csv) ${JOB}`,
    `rowfill run /dev/fd/3 ${JOB} 3< in.csv`,
    ...(ON_LINUX ? [`rowfill run /proc/self/fd/3 ${JOB} 3< in.csv`] : []),
  ]) {
    const { status, stdout } = await workdir.shell(script);
    expect(stdout, script).toMatch(/^company,city,.*\nAcme,Oslo/);
    expect(status).toBe(0);
  }
  // All are the same job as standard input, so its answers are reused.
  const { stderr } = await workdir.shell(`rowfill run - ${JOB} < in.csv`);
  expect(stderr).toContain('0 new runs');
  expect(readdirSync(workdir.path).sort()).toEqual(['.rowfill', 'in.csv', 'ref']);
});

test.skipIf(NO_SHELL)(
  'writes the output to a process substitution, and appends it to an open file',
  async () => {
    const workdir = createFolder();
    const script = `rowfill run in.csv ${JOB} --format csv -o >(gzip > out.gz); wait $!; gunzip -c out.gz`;
    expect((await workdir.shell(script)).stdout).toMatch(/Acme,Oslo/);
    workdir.write('all.csv', 'earlier\n');
    await workdir.shell(`rowfill run in.csv ${JOB} --format csv -o /dev/stdout >> all.csv`);
    expect(workdir.read('all.csv')).toMatch(/^earlier\ncompany,city.*\nAcme,Oslo/);
  },
);

test.skipIf(NO_FIFOS)(
  'the first signal ends a job whose pipe nobody reads, and a reader later gets all answers for free',
  async () => {
    const workdir = createFolder();
    const server = await servePaid();
    const job = `run in.csv -f answer --api-url ${server.url} --yes --format csv`;
    const script = `mkfifo pipe
    ${process.execPath} ${PROGRAM} ${job} --log-file log -o pipe & pid=$!
    until grep -q batch_settled log 2> /dev/null; do :; done
    kill -TERM $pid; wait $pid; echo "exit $?"
    cat pipe > copy.csv & reader=$!
    ${process.execPath} ${PROGRAM} ${job} -o pipe; echo "exit $?"
    wait $reader`;
    const { stdout, stderr } = await workdir.shell(script, { env: { EXA_API_KEY: 'sk-test-0123456789' } });
    expect(stdout).toBe('exit 130\nexit 0\n');
    expect(stderr).toContain('no program reads pipe, so the output was not written');
    expect(workdir.read('copy.csv')).toMatch(/^company,city,answer,.*\nAcme,,[^,]+,/);
    expect(server.agent.tasks).toHaveLength(1);
  },
);

test.skipIf(NO_SHELL)('refuses standard output that is redirected to the input', async () => {
  const workdir = createFolder();
  expectError(await workdir.shell(`rowfill run in.csv ${JOB} -o - >> in.csv`), 'OUTPUT_IS_INPUT');
  expectError(await workdir.shell(`rowfill run - ${JOB} -o in.csv < in.csv`), 'OUTPUT_IS_INPUT');
  expect(workdir.read('in.csv')).toBe(INPUT);
});

test('can write a name of up to 255 bytes', async () => {
  const workdir = createFolder();
  for (const bytes of [229, 230, 255]) {
    const name = `${'n'.repeat(bytes - 4)}.csv`;
    expect((await workdir.run(['run', 'in.csv', ...JOB.split(' '), '-o', name])).status).toBe(0);
    expect(workdir.read(name)).toContain('Acme,Oslo');
  }
  const long = `${'ü'.repeat(100)}.csv`;
  workdir.write(long, INPUT);
  expect((await workdir.run(['run', long, ...JOB.split(' ')])).status).toBe(0);
});

/** A name that an input can have, but its output cannot. */
const LONG_INPUT = ON_WINDOWS ? '0'.repeat(250) : `${'0'.repeat(250)}.`;
const BAD: readonly (readonly [what: string, args: readonly string[], code: string])[] = [
  ['a folder', ['in.csv', '-o', 'folder'], 'OUTPUT_IS_FOLDER'],
  ['a missing folder', ['in.csv', '-o', 'none/out.csv'], 'OUTPUT_NO_FOLDER'],
  ['a folder that is a file', ['in.csv', '-o', 'in.csv/out.csv'], 'OUTPUT_NO_FOLDER'],
  ...(ON_LINUX
    ? [
        [
          'a system folder that accepts no files',
          ['in.csv', '-o', '/proc/out.csv'],
          'OUTPUT_NOT_WRITABLE',
        ] as const,
      ]
    : []),
  ['a name that is too long', ['in.csv', '-o', '0'.repeat(256)], 'OUTPUT_NOT_WRITABLE'],
  ...(NO_LINKS ? [] : [['a loop of links', ['in.csv', '-o', 'a'], 'OUTPUT_NOT_WRITABLE'] as const]),
  ['the default name for an input whose name is too long', [LONG_INPUT], 'OUTPUT_NOT_WRITABLE'],
  ['a missing folder for citations', ['in.csv', '--citations-file', 'none/c.jsonl'], 'OUTPUT_NO_FOLDER'],
];

test.each(BAD)('refuses %s before anything is paid', async (_what, args, code) => {
  const workdir = createWorkdir();
  for (const name of ['in.csv', LONG_INPUT]) workdir.write(name, INPUT);
  mkdirSync(join(workdir.path, 'folder'));
  if (!NO_LINKS) {
    symlinkSync('b', join(workdir.path, 'a'));
    symlinkSync('a', join(workdir.path, 'b'));
  }
  const server = await servePaid();
  const result = await workdir.run(['run', ...args, '-f', 'city', '--yes', '--api-url', server.url]);
  expectError(result, code);
  expect(server.agent.tasks).toHaveLength(0);
});

/** A user without permissions; null if the tests do not run as root and so cannot switch users. */
const NOBODY = process.getuid?.() === 0 ? 65534 : null;

test.skipIf(NOBODY === null)('refuses paths without write permission before anything is paid', async () => {
  const workdir = createWorkdir();
  const server = await servePaid();
  workdir.write('in.csv', INPUT);
  const nobody = NOBODY ?? 0;
  chownSync(workdir.path, nobody, nobody);
  mkdirSync(join(workdir.path, 'closed'));
  mkdirSync(join(workdir.path, 'sticky'));
  workdir.write('sticky/out.csv', '');
  chmodSync(join(workdir.path, 'sticky/out.csv'), 0o666);
  chmodSync(join(workdir.path, 'sticky'), 0o1777);
  const run = (output: string) =>
    execFileSync(
      process.execPath,
      [PROGRAM, 'run', 'in.csv', '-f', 'city', '--yes', '--api-url', server.url, '-o', output],
      {
        cwd: workdir.path,
        uid: nobody,
        gid: nobody,
        env: { ...process.env, ROWFILL_HOME: join(workdir.path, 'home'), HOME: workdir.path },
        stdio: ['ignore', 'pipe', 'pipe'],
        encoding: 'utf8',
      },
    );
  for (const output of ['closed/out.csv', 'sticky/out.csv']) {
    expect(() => run(output)).toThrow(/OUTPUT_NOT_WRITABLE/);
  }
  expect(server.agent.tasks).toHaveLength(0);
});

test('does not write a recipe over its own input', async () => {
  const workdir = createFolder();
  workdir.write('.rowfill/ledger.sqlite', 'not yet');
  if (!NO_LINKS) symlinkSync('in.csv', join(workdir.path, 'link.yaml'));
  for (const output of ['in.csv', ...(NO_LINKS ? [] : ['link.yaml']), '.rowfill/ledger.sqlite']) {
    const result = await workdir.run(['init', 'in.csv', '--yes', '--force', '-o', output]);
    expectError(result, 'OUTPUT_IS_INPUT');
  }
  expect(workdir.read('in.csv')).toBe(INPUT);
});

test('does not append a log to a file that is read, or to the ledger', async () => {
  const workdir = createFolder();
  await workdir.run(RUN);
  if (!NO_LINKS) symlinkSync('.rowfill/ledger.sqlite', join(workdir.path, 'link.log'));
  linkSync(join(workdir.path, 'in.csv'), join(workdir.path, 'hard.log'));
  workdir.write('r.yaml', 'fields: [city]\n');
  const links = NO_LINKS ? [] : ['link.log'];
  for (const log of [...links, 'hard.log', 'in.csv', 'ref/towns.csv', '.rowfill/ledger.sqlite-wal']) {
    // The ledger's log may be empty or gone after a command.
    const sizeOf = () => statSync(join(workdir.path, log), { throwIfNoEntry: false })?.size ?? 0;
    const before = sizeOf();
    const result = await workdir.run([...RUN, '--log-file', log]);
    expectError(result, 'OUTPUT_IS_INPUT');
    expect(sizeOf()).toBe(before);
  }
  expectError(
    await workdir.run(['run', 'in.csv', '--reference', 'ref', '-r', 'r.yaml', '-o', 'r.yaml']),
    'OUTPUT_IS_INPUT',
  );
  expect((await workdir.run(['status'])).status).toBe(0);
});

test('does not create the store of serve in another database or in a file that is read', async () => {
  const workdir = createFolder();
  await workdir.run(RUN);
  if (!NO_LINKS) symlinkSync('.rowfill/ledger.sqlite', join(workdir.path, 'link.sqlite'));
  workdir.write('text.sqlite', 'a text');
  for (const [store, code] of [
    ['.rowfill/ledger.sqlite', 'OUTPUT_IS_INPUT'],
    ...(NO_LINKS ? [] : [['link.sqlite', 'OUTPUT_IS_INPUT'] as const]),
    ['ref/towns.csv', 'OUTPUT_IS_INPUT'],
    ['text.sqlite', 'CANNOT_OPEN_STORE'],
    ['other.sqlite', 'CANNOT_OPEN_STORE'],
  ] as const) {
    const path = join(workdir.path, store);
    if (store === 'other.sqlite') copyFileSync(join(workdir.home, 'ledger.sqlite'), path);
    const before = readFileSync(path);
    expectError(await workdir.run(['serve', '--reference', 'ref', '--store', store]), code);
    expect(readFileSync(path).equals(before)).toBe(true);
  }
  expect(workdir.read('text.sqlite')).toBe('a text');
  expect((await workdir.run(['status'])).status).toBe(0);
});

test('does not replace a file that is read, a dropped file or a device with a heartbeat', async () => {
  const workdir = createFolder();
  workdir.write('drop/list.csv', INPUT);
  workdir.write('s.json', '{"type":"object","properties":{"city":{"type":"string"}}}');
  if (!NO_LINKS) symlinkSync('s.json', join(workdir.path, 'link.json'));
  for (const [beat, code] of [
    ['s.json', 'OUTPUT_IS_INPUT'],
    ...(NO_LINKS ? [] : [['link.json', 'OUTPUT_IS_INPUT'] as const]),
    ['.rowfill/ledger.sqlite', 'OUTPUT_IS_INPUT'],
    ['drop/list.csv', 'HEARTBEAT_IS_DROP'],
    ['drop/beat.json', 'HEARTBEAT_IS_DROP'],
    ...(NO_DESCRIPTORS ? [] : [['/dev/null', 'HEARTBEAT_NOT_WRITABLE'] as const]),
  ] as const) {
    const args = ['watch', 'drop', '--once', '--reference', 'ref', '-s', 's.json', '--settle', '0s'];
    expectError(await workdir.run([...args, '--heartbeat', beat]), code);
  }
  expect(workdir.read('drop/list.csv')).toBe(INPUT);
  if (!NO_DESCRIPTORS) expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
});

test.skipIf(NO_MODES)('the output and the citations are as private as the input', async () => {
  const workdir = createFolder();
  const mode = (name: string): number => statSync(join(workdir.path, name)).mode & 0o777;
  chmodSync(join(workdir.path, 'in.csv'), 0o600);
  expect((await workdir.run([...RUN, '--citations-file', 'c.jsonl'])).status).toBe(0);
  expect([mode('in.filled.csv'), mode('c.jsonl')]).toEqual([0o600, 0o600]);
  chmodSync(join(workdir.path, 'in.csv'), 0o644);
  expect((await workdir.run([...RUN, '-o', 'out.csv'])).status).toBe(0);
  expect(mode('out.csv') & 0o044).toBe(0o044 & ~process.umask());
});

test.skipIf(NO_MODES)('warns of a ledger folder and a log that everybody can change', async () => {
  const workdir = createFolder();
  const { stderr: quiet } = await workdir.run([...RUN, '--log-file', 'a.log']);
  expect(quiet).not.toContain('chmod');
  chmodSync(workdir.home, 0o777);
  chmodSync(join(workdir.path, 'a.log'), 0o666);
  const { stderr } = await workdir.run([...RUN, '--log-file', 'a.log']);
  expect(stderr).toContain(
    `can change the folder of the ledger, ${workdir.home}. To protect it: chmod o-w ${workdir.home}\n`,
  );
  expect(stderr).toContain(
    'Every user of this machine can change the log a.log. To protect it: chmod o-w a.log\n',
  );
  const doctor = await workdir.run(['doctor', '--reference', 'ref']);
  expect(doctor.stdout).toMatch(/^warn {2}ledger {2}Every user of this machine can change/m);
  chmodSync(workdir.home, 0o1777);
  expect((await workdir.run(RUN)).stderr).not.toContain('chmod');
});
