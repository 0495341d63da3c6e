import { expect, test } from 'vitest';
import type { Doubt } from '../../src/model/events.js';
import { openJobBench } from '../helpers/job.js';
import { answerPaid, servePaid } from '../helpers/paid-server.js';
import { hasTerminal, openTerminal } from '../helpers/terminal.js';
import { openWatchBench } from '../helpers/watch-bench.js';
import { createWorkdir } from '../helpers/workdir.js';

const ENV = { env: { EXA_API_KEY: 'sk-test-0123456789' } };

const FILES = [
  ['HEADER_LOOKS_LIKE_DATA', 'Acme GmbH,acme.de\nBeta AG,beta.de\n', { header: false }],
  [
    'HEADER_TOO_SHORT',
    '"company","domain"\n"1","Acme","acme.example"\n"2","Beta","beta.example"\n',
    { headerRow: 1 },
  ],
  ['ONE_COLUMN', 'company^domain\nAcme^acme.example\nBeta^beta.example\n', { delimiter: '^' }],
  ['ONE_COLUMN', '"company,domain"\n"Acme,acme.example"\n"Beta,beta.example"\n', { delimiter: ',' }],
  ['HEADER_UNCLEAR', 'Sommer,\nAcme,Lager\nBeta,Halle\n', { headerRow: 1 }],
] as const;

test.each(FILES)(
  '%s stops a paid job before anything is sent, and an option settles it',
  async (code, text, option) => {
    const bench = await openJobBench(answerPaid);
    bench.write('in.csv', text);
    await expect(bench.run({ maxCost: 5 })).rejects.toMatchObject({ code, kind: 'usage' });
    expect(bench.agent.tasks).toEqual([]);
    const { summary } = await bench.run(option);
    expect(summary.rows.enriched).toBe(summary.rows.total);
  },
);

test('a free job goes on and reports the doubt once', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'Acme GmbH,acme.de\nBeta AG,beta.de\n');
  dir.write('tables/a.csv', 'domain,answer\nbeta.de,yes\n');
  const words = ['in.csv', '-f', 'answer', '--reference', 'tables'];
  const plan = await dir.run(['plan', ...words]);
  expect(plan.stdout).toContain('in.csv: the first line is used as the header');
  const run = await dir.run(['run', ...words]);
  expect(run.status).toBe(0);
  expect(run.stderr.split('looks like the cells below it').length).toBe(2);
});

test('exits with 2 without a terminal even with --yes, and names the options', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'Acme GmbH,acme.de\nBeta AG,beta.de\n');
  const { url, agent } = await servePaid(answerPaid);
  const words = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'];
  const refused = await dir.run(words, ENV);
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('[HEADER_LOOKS_LIKE_DATA]') });
  expect(refused.stderr).toContain('--no-header');
  expect(agent.tasks).toEqual([]);
  expect((await dir.run([...words, '--header-row', '1'], ENV)).status).toBe(0);
  const both = await dir.run([...words, '--header-row', '1', '--no-header'], ENV);
  expect(both).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot be used together') });
});

test('the library asks the confirmDoubt hook', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', 'Acme GmbH,acme.de\nBeta AG,beta.de\n');
  const asked: Doubt[] = [];
  const confirmDoubt = async (doubt: Doubt) => asked.push(doubt) > 0;
  await bench.run({}, { confirmDoubt });
  expect(asked.map(({ code }) => code)).toEqual(['HEADER_LOOKS_LIKE_DATA']);
});

test.skipIf(!hasTerminal)('asks on a terminal', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'Acme GmbH,acme.de\nBeta AG,beta.de\n');
  const { url, agent } = await servePaid(answerPaid);
  const words = ['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes'];
  const terminal = openTerminal(dir, words, ENV.env);
  await terminal.sees('Continue? [y/N]');
  terminal.type('n\r');
  expect((await terminal.end()).status).toBe(2);
  expect(agent.tasks).toEqual([]);
});

test('a watcher moves such a file to failed, with the reason and a hint', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', 'Acme GmbH,acme.de\nBeta AG,beta.de\n');
  expect(await bench.watch({ job: { send: ['acme.de'] } })).toMatchObject({
    done: 0,
    failed: { usage: 1 },
    costMicros: 0,
  });
  expect(bench.read('failed/list.csv.error.txt')).toContain('HEADER_LOOKS_LIKE_DATA');
});

test('lines that are not data are never sent, cost nothing and keep their place in the output', async () => {
  const bench = await openJobBench(answerPaid);
  const text =
    'Customers\n\ncompany,domain\n-----,-----\nAcme,acme.example\ncompany,domain\nBeta,beta.example\n\n(2 rows affected)\n';
  bench.write('in.csv', text);
  const { summary } = await bench.run();
  const sent = bench.agent.tasks.flatMap((task) => task.request.input?.data ?? []);
  expect(sent.map(({ company }) => company)).toEqual(['Acme', 'Beta']);
  expect(summary.rows).toMatchObject({ total: 5, enriched: 2, skipped: 3, failed: 0 });
  const lines = bench.read('out.csv').split('\n');
  expect(lines.slice(0, 3)).toEqual(['Customers', '', expect.stringMatching(/^company,domain,answer,/)]);
  expect(lines.slice(3, 8).map((line) => line.split(',')[0])).toEqual([
    '-----',
    'Acme',
    'company',
    'Beta',
    '(2 rows affected)',
  ]);
  expect(lines[5]).toContain(',skipped,a repeated header,');
  expect((await bench.run()).summary.runs.created).toBe(0);
});

test('rows that are skipped exclude nothing in an exclusion list', async () => {
  const bench = await openJobBench(answerPaid);
  bench.write('in.csv', 'company,domain\nAcme,acme.example\nBeta,beta.example\n');
  bench.write(
    'list.csv',
    'Customers of 2024,\n,\ncompany,domain\n------,------\nAcme,acme.example\n\nSource: CRM\n',
  );
  const { rows } = await bench.run({ exclude: `${bench.folder}/list.csv` });
  expect(rows.map(({ enrichment_status: status }) => status)).toEqual(['excluded', 'enriched']);
});
