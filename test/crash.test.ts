import { readFileSync, watch } from 'node:fs';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { readTable } from './helpers/job.js';
import { chooseCount, SLOW } from './helpers/slow-tier.js';
import { createWorkdir, type Workdir } from './helpers/workdir.js';

const COMPANIES = 400;
const BATCHES = COMPANIES / 2;
const KILLS = chooseCount(25, 5);
const KILLS_WITH_LOST_REPLIES = chooseCount(8, 3);
const RETURNED_KILLS = chooseCount(5, 1);
const LONG = { ...SLOW, timeout: 240_000 };

interface Report {
  readonly runs: { readonly created: number };
  readonly billedMicros: number;
}

/** A simulated paid service, slow enough that fifty runs are active when the program dies. */
async function openService(workdir: Workdir, faults: readonly object[]): Promise<string> {
  const names = Array.from({ length: COMPANIES }, (_, index) => `Company ${index + 1}`);
  const table = [
    'company,city,country',
    ...names.map((name, index) => `${name},City ${index + 1},Country ${index % 9}`),
    '',
  ];
  workdir.write('tables/cities.csv', table.join('\n'));
  workdir.write('in.csv', ['company', ...names, ''].join('\n'));
  workdir.write('faults.json', JSON.stringify(faults));
  const service = await workdir.start(
    [
      ...['serve', '--reference', 'tables', '--price', '--latency', '50ms..250ms'],
      ...['--faults', 'faults.json', '--max-active', '60', '--port', '0'],
    ],
    { timeoutMs: 240_000 },
  );
  const url = /http:\/\/\S+/.exec(service.line)?.[0];
  if (url === undefined) throw new Error(`no address in ${service.line}`);
  return url;
}

function createCommand(url: string, output: string): string[] {
  return [
    ...['run', 'in.csv', '--api-url', url, '--field', 'city', '--send', 'company', '--yes', '--quiet'],
    ...['--batch-size', '2', '--concurrency', '50', '--output', output, '--log-file', 'log.jsonl'],
    // After each kill, rowfill looks this long for runs that may not have been sent.
    ...['--list-lag', '1s'],
  ];
}

async function readReport(url: string): Promise<Report> {
  const answer = await fetch(`${url}/__rehearsal`, { headers: { 'x-api-key': 'local' } });
  return (await answer.json()) as Report;
}

/** Runs the command and kills it after N log lines. Each line is a run that started or ended. */
async function killAfter(workdir: Workdir, command: readonly string[], lines: number): Promise<boolean> {
  const log = workdir.write('log.jsonl', '');
  const written = watchLines(log, lines);
  const program = workdir.spawn(command);
  await Promise.race([written, program.end()]);
  const { signal } = await program.end('SIGKILL');
  return signal === 'SIGKILL';
}

/** Resolves once a file has N lines. */
function watchLines(path: string, lines: number): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(path, () => {
      if (readFileSync(path, 'utf8').split('\n').length <= lines) return;
      watcher.close();
      resolve();
    });
    onTestFinished(() => watcher.close());
  });
}

/** Removes the run ids, which differ between any two jobs. */
function dropRunIds(text: string): object[] {
  return readTable(text).map(({ enrichment_run_id: _, ...row }) => row);
}

async function killAndCarryOn(faults: readonly object[], kills: number, seed: number): Promise<void> {
  const workdir = createWorkdir();
  const url = await openService(workdir, faults);
  const moments = fc.sample(fc.integer({ min: 1, max: 30 }), { numRuns: kills, seed });
  let killed = 0;
  for (const lines of moments)
    if (await killAfter(workdir, createCommand(url, 'out.csv'), lines)) killed += 1;
  expect(killed).toBe(kills);
  const last = await workdir.runProcess(createCommand(url, 'out.csv'));
  expect(last.status).toBe(0);
  const { runs, billedMicros } = await readReport(url);
  expect(runs.created).toBe(BATCHES);
  expect(billedMicros).toBe(BATCHES * 25_000);

  const undisturbed = await workdir.runProcess(createCommand(url, 'whole.csv'), {
    env: { ROWFILL_HOME: `${workdir.path}/other` },
  });
  expect(undisturbed.status).toBe(0);
  expect(dropRunIds(workdir.read('out.csv'))).toEqual(
    dropRunIds(readFileSync(`${workdir.path}/whole.csv`, 'utf8')),
  );
}

test(
  `a job killed ${KILLS} times with 50 active runs pays for every batch once and gives the same output`,
  LONG,
  async () => {
    await killAndCarryOn([], KILLS, 1);
  },
);

test('adopts every accepted run even if a tenth of the replies are lost too', LONG, async () => {
  await killAndCarryOn([{ fault: 'lost_reply', on: ['create'], share: 0.1 }], KILLS_WITH_LOST_REPLIES, 2);
});

test('a filled file that was returned asks once for what it lacks, although it is killed', LONG, async () => {
  const workdir = createWorkdir();
  const url = await openService(workdir, []);
  const first = await workdir.runProcess(createCommand(url, 'table.csv'));
  expect(first.status).toBe(0);
  expect((await readReport(url)).billedMicros).toBe(BATCHES * 25_000);

  // A person corrects ten cells, clears forty, and wants another column in the first hundred rows.
  const [title = '', ...rows] = workdir.read('table.csv').trimEnd().split('\n');
  const edited = rows.slice(0, 100).map((row, index) => {
    if (index < 10) return row.replace(/,City \d+,/, ',Corrected,');
    return index < 50 ? row.replace(/,City \d+,/, ',,') : row;
  });
  workdir.write('table.csv', `${[title, ...edited].join('\n')}\n`);
  const command = [
    ...['run', 'table.csv', '--api-url', url, '--field', 'city', '--field', 'country', '--yes', '--quiet'],
    ...['--batch-size', '2', '--concurrency', '10', '--log-file', 'log.jsonl', '--list-lag', '1s'],
  ];
  const moments = fc.sample(fc.integer({ min: 1, max: 12 }), { numRuns: RETURNED_KILLS, seed: 3 });
  let killed = 0;
  for (const lines of moments) if (await killAfter(workdir, command, lines)) killed += 1;
  expect(killed).toBe(RETURNED_KILLS);
  expect(await workdir.runProcess(command)).toMatchObject({ status: 0 });
  // Twenty batches for both columns, and thirty for the new one alone.
  const { runs, billedMicros } = await readReport(url);
  expect(runs.created).toBe(BATCHES + 50);
  expect(billedMicros).toBe((BATCHES + 50) * 25_000);
  const table = readTable(workdir.read('table.csv'));
  expect(table).toHaveLength(100);
  for (const [index, { city, city_confidence, country }] of table.entries()) {
    expect(country).toBe(`Country ${index % 9}`);
    if (index < 10) expect([city, city_confidence]).toEqual(['Corrected', 'human']);
    // The service has the rejected value again, which stays rejected.
    else expect(city).toBe(index < 50 ? '' : `City ${index + 1}`);
  }
});
