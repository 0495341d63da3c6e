import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { plan as planCommand } from '../../src/cli/commands/plan.js';
import { run as runCommand } from '../../src/cli/commands/run.js';
import { formatPlan } from '../../src/cli/plan-report.js';
import type { Effort } from '../../src/options.js';
import { type Plan, plan } from '../../src/plan.js';
import { createTestHost } from '../helpers/host.js';
import { createList } from '../helpers/job.js';
import { servePaid } from '../helpers/paid-server.js';
import { createWorkdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };
const LIST =
  'company,domain,note,answer\nAcme,acme.example,a,\nBolt,,b,\nAcme,acme.example,c,\nCorp,,d,x\nDone,,e,\n';

test('shows the first rows as they would be sent, and last the rows, runs and cost, and sends nothing', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', LIST);
  dir.write('x.csv', 'company\nDone\n');
  const { url, agent } = await servePaid();
  const words = [
    'in.csv',
    '-f',
    'answer',
    '--send',
    'company,domain',
    '--exclude',
    'x.csv',
    '--api-url',
    url,
  ];
  const result = await dir.run(['plan', ...words], ENV);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout).toBe(
    [
      'Note: x.csv: 1 record read, compared by company.',
      'Note: Every record of x.csv matched a row.',
      `The first 2 rows, as sent to ${url}:`,
      '  company  Acme          Bolt',
      '  domain   acme.example',
      'Use --request to show the first request in full.',
      'With another --batch-size: 1 takes 2 runs, $0.10 at worst.',
      '5 rows:',
      '  2  to send',
      '  1  share the answer of an equal row',
      '  1  on the exclusion list',
      '  1  nothing to fill',
      '1 run. Cost: $0.05 at worst, likely $0.025.',
      'Time: about 60 s if a run takes a minute.',
      '',
    ].join('\n'),
  );
  const { stdout } = await dir.run(['plan', ...words, '--request'], ENV);
  expect(JSON.parse(stdout.slice(0, stdout.indexOf('\n}\n') + 2))).toMatchObject({
    effort: 'low',
    input: { data: [{ company: 'Acme' }, { company: 'Bolt' }] },
  });
  expect(agent.tasks).toEqual([]);
  expect(readdirSync(dir.path).toSorted()).toEqual(['in.csv', 'x.csv']);
});

test('run does what plan predicted', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', LIST);
  const { url } = await servePaid();
  const words = [
    'in.csv',
    '-f',
    'answer',
    '--send',
    'company',
    '--batch-size',
    '1',
    '--api-url',
    url,
    '--json',
  ];
  const planned = JSON.parse((await dir.run(['plan', ...words], ENV)).stdout);
  const summary = JSON.parse((await dir.run(['run', ...words, '--yes'], ENV)).stdout);
  expect(planned).toMatchObject({
    runs: 3,
    worst_usd: 0.15,
    likely_usd: 0.075,
    rows: { ask: 3, duplicate: 1, unchanged: 1, total: 5 },
  });
  expect(summary).toMatchObject({
    ask: planned.ask,
    runs: { created: planned.runs },
    cost_usd: planned.likely_usd,
    duplicates: planned.rows.duplicate,
    rows: {
      enriched: planned.rows.ask + planned.rows.duplicate,
      unchanged: planned.rows.unchanged,
      total: planned.rows.total,
    },
  });
  const again = JSON.parse((await dir.run(['plan', ...words], ENV)).stdout);
  expect(again).toMatchObject({ runs: 0, worst_usd: 0, first_request: null, rows: { ask: 0 } });
});

test('says that the output could not be written, or goes elsewhere', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'company\nAcme\n');
  dir.write('in.filled.csv', 'mine');
  dir.write('tables/t.csv', 'company,ceo\nAcme,Ann\n');
  mkdirSync(join(dir.path, 'out'));
  const listNotes = async (...more: string[]) => {
    const words = ['plan', 'in.csv', '-f', 'ceo', '--reference', 'tables', '--json', ...more];
    const { status, stdout } = await dir.run(words);
    expect(status).toBe(0);
    return JSON.parse(stdout).notes.map(
      (note: { code: string; message: string }) => `${note.code} ${note.message}`,
    );
  };
  expect(await listNotes('-o', 'out')).toContainEqual(
    'OUTPUT_IS_FOLDER A run would stop before any cost: out is a folder. Give a file name inside it.',
  );
  expect(await listNotes('-o', 'missing/out.csv')).toContainEqual(
    expect.stringContaining('OUTPUT_NO_FOLDER'),
  );
  expect(await listNotes('-o', 'in.csv')).toContainEqual(expect.stringContaining('OUTPUT_IS_INPUT'));
  expect(await listNotes()).toContainEqual(expect.stringMatching(/^OUTPUT_RENAMED .*in\.filled-2\.csv/));
  expect((await listNotes('-o', 'out.csv')).join()).not.toContain('OUTPUT');
  expect(readdirSync(dir.path).toSorted()).toEqual(['in.csv', 'in.filled.csv', 'out', 'tables']);
});

test('accepts every option of run, and includes the price of contacts in other batch sizes', async () => {
  const known = new Set(Object.keys(planCommand.options));
  expect(Object.keys(runCommand.options).filter((name) => !known.has(name))).toEqual([]);
  const dir = createWorkdir();
  dir.write('in.csv', 'company\nAcme\nBolt\nCorp\n');
  const { url } = await servePaid();
  const words = ['in.csv', '-f', 'contact:email', '--api-url', url, '--effort', 'auto', '--batch-size', '2'];
  const ends = [
    '-o',
    'out.csv',
    '--format',
    'CSV',
    '--yes',
    '--cancel-on-interrupt',
    '--citations-file',
    'c.jsonl',
  ];
  const more = ['--bom', '--raw', '--quiet', '--log-file', 'a.log', '--log-values', '--view', '--json'];
  const result = await dir.run(['plan', ...words, ...ends, ...more], ENV);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  const planned = JSON.parse(result.stdout);
  expect(planned).toMatchObject({ runs: 2, worst_usd: 20.12, likely_usd: 1.4 });
  expect(planned.batch_sizes.slice(0, 2)).toEqual([
    { batch_size: 1, runs: 3, worst_usd: 30.12, likely_usd: 2.1 },
    { batch_size: 4, runs: 1, worst_usd: 10.12, likely_usd: 0.7 },
  ]);
  // As `run` would.
  const { status, stderr } = await dir.run(['plan', ...words, '--workers'], ENV);
  expect([status, stderr]).toEqual([2, expect.stringContaining('WORKERS_NEED_POSTGRES')]);
  expect(readdirSync(dir.path).sort()).toEqual(['in.csv']);
});

test('with several effort levels, the likely cost includes retried rows, and the plan says what share it assumes', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(95));
  const { url } = await servePaid();
  const words = ['in.csv', '-f', 'answer', '--api-url', url, '--effort', 'low,high'];
  const { stdout } = await dir.run(['plan', ...words], ENV);
  expect(stdout).toContain('Cost: $12.60 at worst, likely $3.30.');
  expect(stdout).toContain('  high: 12 runs, $12.00 at worst, likely $3.00\n');
  expect(stdout).toContain('Likely assumes that 50 % of the rows continue from low to high');
  expect(JSON.parse((await dir.run(['plan', ...words, '--json'], ENV)).stdout)).toMatchObject({
    worst_usd: 12.6,
    likely_usd: 3.3,
    climbs: [{ from: 'low', to: 'high', share: 0.5, known_rows: null }],
  });
});

test('says which fields may be null although their schema does not allow it', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'company\nAcme\n');
  const integer = { type: ['integer', 'null'] };
  dir.write('s.json', JSON.stringify({ properties: { ceo: { type: 'string' }, staff: integer } }));
  const words = ['plan', 'in.csv', '--schema', 's.json', '--api-url', (await servePaid()).url];
  const result = await dir.run([...words, '--request'], ENV);
  expect(result.stdout).toContain(
    'Note: 1 field (ceo) does not allow null. The agent may answer null anyway, so that it need not guess; null counts as not found.\n',
  );
  expect(result.stdout).toContain('"type": [\n');
});

test('needs no key, uses the prices of the hosted service, and says that run needs one', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createList(95));
  const planned = await dir.run(['plan', 'in.csv', '-f', 'answer']);
  expect(planned).toMatchObject({ status: 0, stderr: '' });
  expect(planned.stdout).toContain('Cost: $0.60 at worst, likely $0.30.');
  expect(planned.stdout.trimEnd()).toMatch(
    /EXA_API_KEY is not set\. The plan needs no key, but rowfill run does\.$/,
  );
  expect(await dir.run(['run', 'in.csv', '-f', 'answer', '--yes'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('[NO_AGENT]'),
  });
});

test('with reference tables, says that nothing leaves this machine', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'company\nAcme\n');
  dir.write('tables/a.csv', 'company,city\nAcme,Oslo\n');
  const { stdout } = await dir.run(['plan', 'in.csv', '-f', 'city', '--reference', 'tables']);
  expect(stdout).toContain(
    'The first row, as looked up in tables; nothing leaves this machine:\n  company  Acme\n',
  );
  expect(stdout).not.toContain('sent to');
});

test('fits a screen of 80 columns and 24 lines, with many columns, long cells and several effort levels', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `column number ${index}`);
  const rows = Array.from({ length: 60 }, (_, row) => names.map((name) => `${row} ${name.repeat(9)}`));
  for (const count of [1, 7, 10, 11, 30]) {
    const list = [names, ...rows].map((cells) => cells.slice(0, count).join(','));
    const planned = await planFile(`${list.join('\n')}\n`, ['low', 'medium', 'high']);
    const lines = printPlan(planned, { width: 80, height: 24 });
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    // The prompt takes the last line.
    expect(lines.length).toBeLessThan(24);
    expect(lines[0]).toBe('The first 3 rows, as sent to https://api.exa.ai:');
    expect(lines.join(' ')).toContain('low: 8 runs, $0.40 at worst, likely $0.20');
    expect(lines.at(-3)).toBe('8 runs. Cost: $10.00 at worst, likely $1.60.');
    const shown = lines.filter((line) => /^ {2}column number/.test(line)).length;
    expect(shown).toBeGreaterThanOrEqual(Math.min(count, 3));
  }
});

test('names every column that would be sent where there is no screen to fill', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `column number ${index}`);
  const planned = await planFile(`${names}\n${names.map((name) => `${name} of a row`)}\n`);
  const text = printPlan(planned, { width: 80, height: null }).join(' ').replace(/ +/g, ' ');
  expect(names.filter((name) => !text.includes(name))).toEqual([]);
  const short = printPlan(planned, { width: 80, height: 24 }).join(' ').replace(/ +/g, ' ');
  expect(short).toMatch(/, column number 1\d and \d+ more \(--json lists all\)/);
  const none = await planFile(`${names},answer\n${names.map((name) => `${name} of a row`)},yes\n`);
  const lines = printPlan(none, { width: 80, height: 24 });
  expect(lines.length).toBeLessThan(24);
  expect(lines.join(' ').replace(/ +/g, ' ')).toMatch(
    /No row would be sent\. Columns: .* and \d+ more \(--json lists all\)/,
  );
});

/** The lines of a plan on a terminal, without colors. */
function printPlan(
  planned: Plan,
  screen: { readonly width: number; readonly height: number | null },
): string[] {
  const host = createTestHost({ isTerminal: true, columns: screen.width });
  for (const line of formatPlan(planned, screen)) host.tell(...line);
  return host.readStdout().replace(COLOR, '').trimEnd().split('\n');
}

/** Plans a file with the hosted price list. */
async function planFile(content: string, effort: readonly Effort[] = ['low']): Promise<Plan> {
  const dir = createWorkdir();
  return await plan({
    input: dir.write('in.csv', content),
    fields: ['answer'],
    effort,
    ledger: `${dir.home}/none.sqlite`,
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it matches color codes
const COLOR = /\u001b\[\d+m/g;
