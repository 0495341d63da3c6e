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
const LONG = { ...SLOW, timeout: 240_000 };

interface Report {
  readonly runs: { readonly created: number };
  readonly billedMicros: number;
}

/** A simulated paid service, slow enough that fifty runs are active when the program dies. */
async function openService(workdir: Workdir, faults: readonly object[]): Promise<string> {
  const names = Array.from({ length: COMPANIES }, (_, index) => `Company ${index + 1}`);
  const table = ['company,city', ...names.map((name, index) => `${name},City ${index + 1}`), ''];
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
