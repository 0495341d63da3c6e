import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exportJob } from '../../src/export.js';
import { plan } from '../../src/plan.js';
import { createList, openJobBench, readTable } from '../helpers/job.js';
import { answerPaid, servePaid } from '../helpers/paid-server.js';
import { ON_WINDOWS } from '../helpers/platform.js';
import { countStatuses } from '../helpers/truthful-agent.js';
import { createEnvironment, createWorkdir, PROGRAM } from '../helpers/workdir.js';

const ENV = { EXA_API_KEY: 'sk-test-0123456789' };

test.skipIf(process.platform === 'win32').each([
  ['run in.csv -f answer --yes -o - >&-', 2],
  ['run in.csv -f answer --yes --json >&-', 2],
  ['run - -f answer --yes < in.csv >&-', 2],
  ['run in.csv -f answer --yes >&-', 0],
  ['run in.csv -f answer --yes -o - > /dev/null', 0],
  ['run in.csv -f answer --yes -o - > out.csv', 0],
  ['run in.csv -f answer --yes -o - | cat', 0],
])('%s ends with %i', async (line, status) => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const { url, agent } = await servePaid();
  const [words = '', ...redirect] = line.split(/(?= [<>|])/);
  const command = `"${process.execPath}" "${PROGRAM}" ${words} --api-url ${url} ${redirect.join('')}`;
  const child = await runShell(command, dir.path, dir.home);
  expect([child.status, child.stderr.includes('OUTPUT_CLOSED')]).toEqual([status, status === 2]);
  expect(agent.tasks).toHaveLength(status === 2 ? 0 : 1);
});

/** Runs a shell command without blocking this process, which also runs the server. */
async function runShell(command: string, cwd: string, home: string) {
  const child = spawn('sh', ['-c', command], {
    cwd,
    env: { ...createEnvironment(), ...ENV, ROWFILL_HOME: home },
  });
  let stderr = '';
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stderr };
}

test('--sample picks from the rows of --limit, and a switch set to =no is off', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(97));
  const { url, agent } = await servePaid();
  const words = ['in.csv', '-f', 'answer', '--api-url', url, '--limit', '2', '--sample', '2'];
  expect((await dir.run(['run', ...words, '--yes=no'], { env: ENV })).stderr).toContain('COST_NOT_CONFIRMED');
  expect((await dir.run(['run', ...words, '--yes=maybe'], { env: ENV })).status).toBe(2);
  expect(agent.tasks).toEqual([]);
  expect((await dir.run(['run', ...words, '--yes=yes'], { env: ENV })).status).toBe(0);
  const rows = readTable(dir.read('in.filled.csv'));
  expect(countStatuses(rows)).toEqual({ enriched: 2, pending: 95 });
  expect(rows.slice(0, 2).map((row) => row.enrichment_status)).toEqual(['enriched', 'enriched']);
});

test.each([
  [50, 10, 10],
  [10, 50, 10],
  [1, 1, 1],
  [200, 5, 5],
])(
  '--limit %i and --sample %i select %i rows, the same ones in plan, run and export',
  async (limit, sample, asked) => {
    const bench = await openJobBench(answerPaid);
    const input = bench.write('in.csv', createList(97));
    const ledger = join(bench.folder, 'ledger.sqlite');
    const job = {
      input,
      fields: ['answer'],
      apiUrl: bench.server.url,
      apiKey: 'test',
      ledger,
      limit,
      sample,
    };
    expect((await plan(job)).rows).toMatchObject({ ask: asked });
    const { summary, rows } = await bench.run({ limit, sample });
    expect(countStatuses(rows)).toEqual({ enriched: asked, pending: 97 - asked });
    expect(rows.slice(limit).every((row) => row.enrichment_status === 'pending')).toBe(true);
    const written = bench.read('out.csv');
    await exportJob({ job: summary.jobId, ledger, output: join(bench.folder, 'again.csv') });
    expect(bench.read('again.csv')).toBe(written);
  },
);

test('serve refuses :memory: as a store, and a path as a host', async () => {
  const dir = createWorkdir();
  dir.write('tables/t.csv', 'company,city\nAcme,Oslo\n');
  const words = ['serve', '--reference', 'tables', '--store'];
  const refused = await dir.run([...words, ':memory:']);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('leave it out to keep runs in memory');
  expect(existsSync(join(dir.path, ':memory:'))).toBe(false);
  // Windows allows no colon in a name.
  if (ON_WINDOWS) {
    expect((await dir.run([...words, 'file:runs.db'])).stderr).toContain('[CANNOT_OPEN_STORE]');
    return;
  }
  const server = await dir.start([...words, 'file:runs.db']);
  await server.end('SIGTERM');
  expect(readdirSync(dir.path)).toContain('file:runs.db');
  expect(readdirSync(dir.path)).not.toContain('runs.db');
});

test.each([
  ['--limit', '-5'],
  ['--limit', '0'],
  ['--sample', '-1'],
  ['--batch-size', '0'],
  ['--concurrency', '-20'],
  ['--starts-per-second', '-1'],
  ['--max-cost', '-0.01'],
  ['--run-timeout', '-5s'],
  ['--max-age', '-30d'],
])('refuses %s %s and names the option', async (option, value) => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const words = ['run', 'in.csv', '-f', 'answer', '--reference', '.', option, value];
  const { status, stderr } = await dir.run(words);
  expect(status).toBe(2);
  expect(stderr).toContain(option);
});

test.each([
  ['high,low', 'goes down from high to low'],
  ['low,high,medium', 'goes down from high to medium'],
  ['ultra,auto,low', 'goes down from ultra to low'],
])('--effort %s is refused: it %s', async (effort, why) => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(3));
  const { status, stderr } = await dir.run(['plan', 'in.csv', '-f', 'answer', '--effort', effort], {
    env: ENV,
  });
  expect(status).toBe(2);
  expect(stderr).toContain(`--effort ${effort} ${why} [BAD_EFFORT]`);
});

test.each(['low,auto', 'auto,high', 'minimal,low,medium,high,xhigh,ultra'])(
  'accepts --effort %s',
  async (effort) => {
    const dir = createWorkdir();
    dir.write('in.csv', createList(3));
    expect(await dir.run(['plan', 'in.csv', '-f', 'answer', '--effort', effort], { env: ENV })).toMatchObject(
      {
        status: 0,
      },
    );
  },
);

test.each([
  ['in.csv', 'company\nAcme\n', ['--sheet', 'x'], 'Ignored --sheet: the file is not a workbook.'],
  ['in.jsonl', '{"company":"Acme"}\n', ['--sheet', '2'], 'Ignored --sheet: the file is JSON.'],
  [
    'in.json',
    '[{"company":"Acme"}]',
    ['--sheet', 'x', '--delimiter', ';'],
    'Ignored --sheet and --delimiter',
  ],
])('reports options that are ignored for %s', async (name, content, words, note) => {
  const dir = createWorkdir();
  dir.write(name, content);
  const { stdout } = await dir.run(['plan', name, '-f', 'answer', '--send', 'company', ...words], {
    env: ENV,
  });
  expect(stdout).toContain(note);
});

test('shows an invisible name with escapes', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'company,na\u200bme\nAcme,x\n');
  const words = ['plan', 'in.csv', '-f', 'answer', '--send'];
  expect((await dir.run([...words, '\u200b\u200b'], { env: ENV })).stderr).toContain(
    '--send names "\\u200b\\u200b", which the input does not have',
  );
});
