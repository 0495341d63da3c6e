import { createSchemaUrl, findPostgres } from './postgres.js';
import { chooseCount } from './slow-tier.js';
import { type Background, createWorkdir, type Workdir } from './workdir.js';

/** Rows of a job by default. */
export const ROWS = chooseCount(600, 80);
export const ROWS_A_BATCH = 4;
/** Maximum number of active runs of a job. */
export const CAP = 8;
/** Kills a program of a test after this time, in ms. */
export const LONG_MS = 580_000;

interface Bill {
  readonly runs: { readonly created: number; readonly peakActive: number };
  readonly billedMicros: number;
}

/** What a test of workers needs. */
export interface WorkerBench {
  readonly dir: Workdir;
  readonly agent: string;
  readonly ledger: string;
  startWorker(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Background>;
  /** The command of a job, as of a coordinator unless the ledger is a file. */
  command(output: string, args?: readonly string[]): string[];
  readBill(): Promise<Bill>;
}

/** A simulated paid service, a ledger on PostgreSQL, and a list of companies. */
export async function openWorkerBench(
  { faults = [], rows = ROWS, latency = '20ms..150ms' }: BenchOptions = {},
  server?: string,
): Promise<WorkerBench> {
  const dir = createWorkdir();
  const ledger = createSchemaUrl(server ?? (await findPostgres()));
  const names = Array.from({ length: rows }, (_, index) => `Company ${index + 1}`);
  const cities = names.map((name, index) => `${name},City ${index + 1}`);
  dir.write('tables/cities.csv', ['company,city', ...cities, ''].join('\n'));
  dir.write('in.csv', ['company', ...names, ''].join('\n'));
  dir.write('faults.json', JSON.stringify(faults));
  const service = await dir.start(
    [
      ...['serve', '--reference', 'tables', '--price', '--latency', latency, '--faults', 'faults.json'],
      ...['--max-active', '60', '--port', '0'],
    ],
    { timeoutMs: LONG_MS },
  );
  const agent = /http:\/\/\S+/.exec(service.line)?.[0] ?? '';
  return {
    ...{ dir, agent, ledger },
    startWorker: (args = [], env = {}) =>
      dir.start(['worker', '--api-url', agent, '--ledger', ledger, '--concurrency', '6', ...args], {
        timeoutMs: LONG_MS,
        env,
      }),
    command: (output, args = ['--workers', '--ledger', ledger]) => [
      ...['run', 'in.csv', '--api-url', agent, '--field', 'city', '--send', 'company', '--quiet'],
      ...['--batch-size', String(ROWS_A_BATCH), '--concurrency', String(CAP), '--list-lag', '1s'],
      ...['--output', output, '--yes', ...args],
    ],
    async readBill() {
      const answer = await fetch(`${agent}/__rehearsal`, { headers: { 'x-api-key': 'local' } });
      return (await answer.json()) as Bill;
    },
  };
}

interface BenchOptions {
  readonly faults?: readonly object[];
  readonly rows?: number;
  readonly latency?: string;
}
