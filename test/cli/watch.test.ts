import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ID_FILE } from '../../src/watch/folders.js';
import { NO_MODES, NO_SIGNALS } from '../helpers/platform.js';
import { createWorkdir, PROGRAM, type Workdir } from '../helpers/workdir.js';

const PACE = ['--settle', '100ms', '--poll', '50ms'];
const JOB = ['--reference', 'tables', '-f', 'hq_city', '--send', 'company'];

function openDrop(files: Readonly<Record<string, string>> = {}): Workdir {
  const workdir = createWorkdir();
  mkdirSync(join(workdir.path, 'drop'));
  workdir.write('tables/seats.csv', 'company,hq_city\nAcme,Oslo\nBolt,Riga\n');
  for (const [name, content] of Object.entries(files)) workdir.write(join('drop', name), content);
  return workdir;
}

function list(workdir: Workdir, folder: string): string[] {
  return readdirSync(join(workdir.path, folder)).sort();
}

/** Parses each line of the log. */
function readLog(
  stdout: string,
): { event: string; time: string; file?: string; code?: string; reason?: string }[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('fills a file with a recipe in the watched folder, and logs each step as JSON', async () => {
  const recipe = '{"fields":{"hq_city":"string"},"send":["company"],"agent":{"reference":"../tables"}}';
  const workdir = openDrop({ 'list.csv': 'company\nAcme\n', 'recipe.json': recipe });
  const result = await workdir.run(['watch', 'drop', '-r', 'drop/recipe.json', '--once', ...PACE]);
  expect([result.status, result.stderr]).toEqual([0, '']);
  const log = readLog(result.stdout);
  expect(log.map(({ event }) => event)).toEqual([
    ...['watching', 'ignored', 'taken', 'job', 'batch_sent', 'batch_settled', 'written', 'done', 'stopped'],
  ]);
  expect(log.every(({ time }) => !Number.isNaN(Date.parse(time)))).toBe(true);
  expect(log.at(-2)).toMatchObject({
    ...{ file: 'list.csv', input: 'done/list.csv', output: 'done/list.filled.csv', cost_usd: 0 },
    rows: { total: 1, enriched: 1 },
  });
  expect(log.at(-1)).toMatchObject({ stop: 'done', done: 1, failed: 0, rows_failed: 0, cost_usd: 0 });
  expect(workdir.read('drop/done/list.filled.csv')).toContain('Acme,Oslo,');
});

test('writes a report next to each output, which moves with it and is never taken for a drop', async () => {
  const workdir = openDrop({
    'list.csv': 'company,contact\nAcme,ana@acme.example\n',
    'list.jsonl': '{"company":"Bolt"}\n',
    'bad.csv': '',
  });
  const watch = () => workdir.run(['watch', 'drop', ...JOB, '--once', '--report', ...PACE]);
  expect((await watch()).status).toBe(2);
  const done = list(workdir, 'drop/done').filter((name) => !name.startsWith('.'));
  // The two files have the same stem, so one of them got a number, and its report, too.
  const stem = done.includes('list-2.csv') ? 'list-2' : 'list';
  const other = stem === 'list' ? 'list-2' : 'list';
  expect(done).toEqual(
    [
      ...[`${stem}.csv`, `${stem}.filled.csv`, `${stem}.report.html`],
      ...[`${other}.jsonl`, `${other}.filled.jsonl`, `${other}.report.html`],
    ].sort(),
  );
  const html = workdir.read(`drop/done/${stem}.report.html`);
  expect(html).toMatch(/<b>1<\/b> of 1 cells filled in <b>1<\/b> rows/);
  expect(html).not.toContain(workdir.path);
  expect(list(workdir, 'drop/failed')).toEqual(['bad.csv', 'bad.csv.error.txt']);
  // Reports are of no interest to the watcher, wherever they are.
  workdir.write('drop/list.report.html', html);
  expect(readLog((await watch()).stdout).map(({ event }) => event)).toEqual([
    'watching',
    'ignored',
    'stopped',
  ]);
});

test('ignores rowfill’s own logs in the folder, also rotated, gzipped or from run, but not other event files', async () => {
  const workdir = openDrop({ 'list.csv': 'company\nAcme\n' });
  const watch = (): ReturnType<Workdir['run']> =>
    workdir.run(['watch', 'drop', ...JOB, '--once', ...PACE, '--log-file', 'drop/app.jsonl']);
  expect((await watch()).status).toBe(0);
  const lines = workdir.read('drop/app.jsonl').trim().split('\n');
  renameSync(join(workdir.path, 'drop/app.jsonl'), join(workdir.path, 'drop/log-2026.jsonl'));
  for (const [index, line] of lines.entries()) workdir.write(`drop/log-${index}.jsonl`, `${line}\n`);
  const left = Array.from({ length: 500 }, (_, index) => `list-${index}.csv`);
  workdir.write('drop/long.jsonl', `${JSON.stringify({ ...JSON.parse(lines.at(-1) ?? ''), left })}\n`);
  writeFileSync(join(workdir.path, 'drop/packed.jsonl.gz'), gzipSync(lines.join('\n')));
  workdir.write('in.csv', 'company\nBolt\n');
  await workdir.run(['run', 'in.csv', ...JOB, '--log-file', 'drop/run.ndjson']);
  workdir.write('drop/events.jsonl', '{"time":"2026-01-31T09:30:00.000Z","event":"sale","company":"Bolt"}\n');
  expect((await watch()).status).toBe(0);
  expect(list(workdir, 'drop/done')).toEqual([
    ...['events.filled.jsonl', 'events.jsonl', 'list.csv', 'list.filled.csv'],
  ]);
  const told = readLog(workdir.read('drop/app.jsonl')).filter(
    ({ reason }) => reason === 'it is a rowfill log',
  );
  expect(told.map(({ file }) => file).sort()).toEqual(
    [
      ...lines.map((_line, index) => `log-${index}.jsonl`),
      'log-2026.jsonl',
      'long.jsonl',
      'packed.jsonl.gz',
      'run.ndjson',
    ].sort(),
  );
});

test('the exit code of --once shows the most urgent problem', async () => {
  const workdir = openDrop();
  const once = (): ReturnType<Workdir['run']> => workdir.run(['watch', 'drop', ...JOB, '--once', ...PACE]);
  expect((await once()).status).toBe(0);
  workdir.write('drop/rows.csv', 'company,note\nAcme,\n,nobody\n');
  expect((await once()).status).toBe(6);
  workdir.write('drop/rows.csv', 'company,note\nAcme,\n,nobody\n');
  workdir.write('drop/other.csv', 'firm\nAcme\n');
  workdir.write('drop/sheet.xlsx', 'PK\u0003\u0004 a workbook');
  const result = await once();
  expect(result.status).toBe(2);
  expect(
    readLog(result.stdout)
      .filter(({ event }) => event === 'failed')
      .map(({ file, code }) => `${file} ${code}`)
      .sort(),
  ).toEqual(['other.csv UNKNOWN_COLUMN', expect.stringMatching(/^sheet\.xlsx INPUT_/)]);
  expect(list(workdir, 'drop/failed')).toEqual([
    ...['other.csv', 'other.csv.error.txt', 'sheet.xlsx', 'sheet.xlsx.error.txt'],
  ]);
  expect(workdir.read('drop/failed/other.csv.error.txt')).toContain('--send names company');
});

test('serves its health, writes its heartbeat, and exits with 130 when stopped', async () => {
  const workdir = openDrop();
  const args = ['watch', 'drop', ...JOB, ...PACE, '--health', '0', '--heartbeat', 'beat.json'];
  const watcher = await workdir.start(args);
  expect(JSON.parse(watcher.line)).toMatchObject({ event: 'watching' });
  expect(JSON.parse(workdir.read('beat.json'))).toMatchObject({ status: 'ok', done: 0 });
  const { stderr } = watcher.result();
  const url = /http:\S+/.exec(stderr)?.[0] ?? '';
  const answer = await fetch(url);
  expect([answer.status, await answer.json()]).toMatchObject([
    200,
    { status: 'ok', state: 'watching', files: [] },
  ]);
  expect((await fetch(`${url}/else`)).status).toBe(404);
  workdir.write('drop/list.csv', 'company\nAcme\n');
  await expect.poll(async () => await (await fetch(url)).json()).toMatchObject({ done: 1, backlog: 0 });
  const metrics = await fetch(url.replace('healthz', 'metrics'));
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await metrics.text()).toContain('\nrowfill_files_done_total 1\n');
  const { status } = await watcher.end('SIGTERM');
  if (NO_SIGNALS) return;
  expect(status).toBe(130);
  expect(JSON.parse(workdir.read('beat.json'))).toMatchObject({ state: 'stopped', done: 1 });
});

test('appends the log to a file that only its owner can read, and creates it again after rotation', async () => {
  const workdir = openDrop({ 'list.csv': 'company\nAcme\n' });
  workdir.write('drop/log.jsonl', 'earlier\n');
  const args = ['watch', 'drop', ...JOB, ...PACE, '--log-file', 'drop/log.jsonl'];
  const first = await workdir.run([...args, '--once']);
  expect([first.status, first.stdout, first.stderr]).toEqual([0, '', '']);
  const [earlier, ...lines] = workdir.read('drop/log.jsonl').trim().split('\n');
  expect(earlier).toBe('earlier');
  expect(readLog(lines.join('\n')).map(({ event }) => event)).toContain('done');
  expect(list(workdir, 'drop').filter((name) => name !== ID_FILE)).toEqual([
    'done',
    'failed',
    'log.jsonl',
    'working',
  ]);

  const at = (name: string) => join(workdir.path, 'drop', name);
  renameSync(at('log.jsonl'), at('log.jsonl.1'));
  const watcher = workdir.spawn(args);
  await expect
    .poll(() => workdir.has('drop/log.jsonl') && workdir.read('drop/log.jsonl'))
    .toContain('ignored');
  if (!NO_MODES) expect(statSync(at('log.jsonl')).mode & 0o777).toBe(0o600);
  renameSync(at('log.jsonl'), at('log.jsonl.2'));
  workdir.write('drop/next.csv', 'company\nBolt\n');
  await expect
    .poll(() => workdir.has('drop/log.jsonl') && workdir.read('drop/log.jsonl'))
    .toContain('"done"');
  expect((await watcher.end('SIGTERM')).stdout).toBe('');
  expect(workdir.read('drop/log.jsonl.2')).not.toContain('next.csv');
  const last = readLog(workdir.read('drop/log.jsonl')).at(-1);
  expect(last).toMatchObject({ event: NO_SIGNALS ? 'done' : 'stopped' });
  expect(list(workdir, 'drop/done')).toEqual(['list.csv', 'list.filled.csv', 'next.csv', 'next.filled.csv']);
});

test.each([
  ['error', ['failed']],
  ['warn', ['failed']],
  ['info', ['done', 'failed', 'job', 'stopped', 'taken', 'watching', 'written']],
  [
    'debug',
    ['batch_sent', 'batch_settled', 'done', 'failed', 'job', 'stopped', 'taken', 'watching', 'written'],
  ],
])('--log-level %s', async (level, events) => {
  const workdir = openDrop({ 'list.csv': 'company\nAcme\n', 'other.csv': 'firm\nAcme\n' });
  const { stdout } = await workdir.run(['watch', 'drop', ...JOB, ...PACE, '--once', '--log-level', level]);
  expect([...new Set(readLog(stdout).map(({ event }) => event))].sort()).toEqual(events);
});

/** Mounting a test disk needs a namespace, which not every system allows. */
const HAS_NAMESPACES = spawnSync('unshare', ['-rm', 'true']).status === 0;

test.skipIf(!HAS_NAMESPACES)(
  'reports a full disk, at the start of a watcher and while it fills a file',
  async () => {
    const workdir = openDrop();
    const rows = Array.from({ length: 3_000 }, () => 'Acme\n').join('');
    workdir.write('list.csv', `company\n${rows}`);
    const watch = `"$0" "$1" watch drop ${[...JOB, ...PACE].join(' ')} --once`;
    const script = [
      'mount -t tmpfs -o size=128k tmpfs drop && cp list.csv drop',
      // Enough space for the check of the folders, but not for the result.
      `${watch}; echo "exit $?"`,
      'cat /dev/zero > drop/rest 2>/dev/null',
      `${watch}; echo "exit $?"`,
      'mkdir tiny; mount -t tmpfs -o nr_inodes=2 tmpfs tiny',
      `${watch.replace(' drop ', ' tiny ')}; echo "exit $?"`,
    ].join('\n');
    const { stdout, stderr } = await workdir.shell(
      `cat > full.sh <<'END'\n${script}\nEND\nunshare -rm bash -c "$(cat full.sh)" "${process.execPath}" "${PROGRAM}"`,
    );
    const [first = '', ...others] = stdout.split(/^exit /m);
    expect(others.map((text) => text.split('\n', 1)[0])).toEqual(['4', '7', '4']);
    expect(readLog(first).at(-1)).toMatchObject({ event: 'stopped', stop: 'disk_full' });
    const second = readLog((others[0] ?? '').replace(/^4\n/, ''));
    expect(second.find(({ event }) => event === 'waiting')).toMatchObject({
      ...{ file: 'list.csv', code: 'DISK_FULL', message: expect.stringMatching(/^The disk is full: ENOSPC/) },
    });
    expect(stderr).toMatch(/disk is full.*\[OUTPUT_DISK_FULL\]/s);
    expect(stderr).toContain('The disk of tiny is full');
    expect(stdout + stderr).not.toMatch(/unreachable|WATCH_NO_FOLDER|DEFECT/);
  },
);

test.skipIf(!HAS_NAMESPACES)(
  'retries a file that cannot be moved, without blocking others, and reports it as left',
  async () => {
    const workdir = openDrop({ 'held.csv': 'company\nAcme\n', 'free.csv': 'company\nBolt\n' });
    const watch = `"$0" "$1" watch drop ${[...JOB, ...PACE].join(' ')} --once; echo "exit $?"`;
    // A file that something is mounted on is busy, as one that another program has open is on Windows.
    const script = ['mount --bind drop/held.csv drop/held.csv', watch, 'umount drop/held.csv', watch].join(
      '\n',
    );
    const { stdout } = await workdir.shell(
      `cat > held.sh <<'END'\n${script}\nEND\nunshare -rm bash -c "$(cat held.sh)" "${process.execPath}" "${PROGRAM}"`,
    );
    const [first = '', second = '', third = ''] = stdout.split(/^exit /m);
    expect([second[0], third[0]]).toEqual(['7', '0']);
    const log = readLog(first);
    expect(log.filter(({ event }) => event === 'waiting')).toMatchObject([
      { file: 'held.csv', code: 'EBUSY' },
    ]);
    expect(log.at(-1)).toMatchObject({ stop: 'done', done: 1, left: ['held.csv'] });
    expect(list(workdir, 'drop/done')).toEqual([
      ...['free.csv', 'free.filled.csv', 'held.csv', 'held.filled.csv'],
    ]);
    expect(list(workdir, 'drop/working')).toEqual([]);
  },
);

test.each([
  ['a missing folder', ['nowhere', '--once', ...JOB], 'WATCH_NO_FOLDER'],
  ['an invalid schedule', ['drop', ...JOB, '--schedule', 'daily at six'], 'BAD_SCHEDULE'],
  ['a time without a unit', ['drop', ...JOB, '--settle', '5'], 'BAD_OPTION'],
  ['a time in an unknown unit', ['drop', ...JOB, '--poll', '5us'], 'BAD_OPTION'],
  ['no file at once', ['drop', ...JOB, '--files', '0'], 'BAD_OPTION'],
  ['--once with --schedule', ['drop', ...JOB, '--once', '--schedule', '0 6 * * *'], 'BAD_OPTION'],
  [
    'a heartbeat that cannot be written',
    ['drop', ...JOB, '--heartbeat', 'no/where'],
    'HEARTBEAT_NOT_WRITABLE',
  ],
  ['an unknown log level', ['drop', ...JOB, '--log-level', 'all'], 'BAD_OPTION'],
  ['a log in a missing folder', ['drop', ...JOB, '--log-file', 'no/where'], 'LOG_NOT_WRITABLE'],
  ['a log over the tables', ['drop', ...JOB, '--log-file', 'tables/seats.csv'], 'OUTPUT_IS_INPUT'],
  ['an address of another machine', ['drop', ...JOB, '--health', '192.0.2.1:0'], 'HEALTH_PORT'],
  ['an invalid port', ['drop', ...JOB, '--health', '99999'], 'HEALTH_PORT'],
  ['nothing to fill', ['drop', '--reference', 'tables'], 'NOTHING_TO_FILL'],
  ['missing tables', ['drop', '-f', 'x', '--reference', 'gone'], 'REFERENCE_UNREADABLE'],
  ['an unconfirmed cost', ['drop', '-f', 'x', '--api-url', 'http://127.0.0.1:9'], 'COST_NOT_CONFIRMED'],
])('refuses %s before touching a file', async (_title, args, code) => {
  const workdir = openDrop({ 'list.csv': 'company\nAcme\n' });
  const { status, stdout, stderr } = await workdir.run(['watch', ...args]);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`[${code}]`);
  expect(list(workdir, 'drop')).toEqual(['list.csv']);
});
