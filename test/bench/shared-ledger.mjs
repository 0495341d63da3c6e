import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openDelayProxy } from '../helpers/delay-proxy.mjs';
import { openServer, PROGRAM, ROWFILL, runNode, startNode } from './contenders.mjs';
import { writeInput } from './input.mjs';
import { openPostgres } from './postgres.mjs';

export const ON_SQLITE = { name: 'rowfill, ledger in a file', workers: 0, isShared: false };
export const ON_POSTGRES = { name: 'rowfill, ledger on PostgreSQL', workers: 0, isShared: true };
export const TWO_WORKERS = { name: 'rowfill run --workers, 2 workers', workers: 2, isShared: true };
export const THREE_WORKERS = { name: 'rowfill run --workers, 3 workers', workers: 3, isShared: true };
export const FAR_AWAY = {
  ...THREE_WORKERS,
  name: 'the same, the database 20 ms away',
  delayMs: 10,
};

/** A job with an instant agent: rows a second, and the processor time of each program on the machine. */
export function measureSharedRate(contender, { rows, folder }) {
  const work = { rows, batchSize: 100, concurrency: 50, server: {} };
  return measureJob(contender, folder, work, ({ result, ends, databaseMs, report }) => {
    const perRow = (ms) => Number(((ms * 1_000) / rows).toFixed(1));
    const workersMs = ends.reduce((sum, { cpuSeconds }) => sum + cpuSeconds * 1_000, 0);
    return {
      'rows per second': Math.round(rows / result.seconds),
      'CPU µs per row': perRow(result.cpuSeconds * 1_000),
      ...(contender.workers > 0 ? { 'workers CPU µs': perRow(workersMs) } : {}),
      ...(contender.isShared ? { 'database CPU µs': perRow(databaseMs) } : {}),
      'server CPU µs': perRow(report.cpuMs),
      'peak MB': Math.round(result.peakMb),
    };
  });
}

/** A job under a cap: the share of the allowed runs that were active, until the last one has started. */
export function measureSharedCap(contender, { runs, cap, medianMs, seed, folder }) {
  const server = {
    latency: { medianMs, sigma: 0.15, seed },
    limits: [{ afterRuns: 0, maxActiveRuns: cap }],
  };
  const work = { rows: runs * 10, batchSize: 10, concurrency: cap, server };
  return measureJob(contender, folder, work, ({ report }) => ({
    'slots used': `${((report.agent.busyMs / report.agent.allowedMs) * 100).toFixed(1)} %`,
    'most active': report.agent.peakActive,
    'creates rejected': report.refused.concurrency,
  }));
}

/** Runs a job with its workers, and reads figures from what became of it. */
async function measureJob(contender, folder, { rows, batchSize, concurrency, server }, readFigures) {
  const postgres = await openPostgres();
  if (postgres === null) return { skipped: 'no PostgreSQL server can be started here' };
  const { workers, isShared, delayMs = null } = contender;
  const service = await openServer(server);
  const url = isShared ? postgres.createLedger() : join(folder, 'ledger.sqlite');
  const proxy = delayMs === null ? null : await openDelayProxy(url, delayMs);
  const env = { ROWFILL_LEDGER: proxy?.url ?? url };
  const [input, output] = [join(folder, 'in.csv'), join(folder, 'out.csv')];
  writeInput(input, rows);
  const helpers = [];
  try {
    for (let worker = 1; worker <= workers; worker += 1) {
      helpers.push(await startWorker(worker, concurrency, { folder, env, url: service.url }));
    }
    const usedBeforeMs = postgres.readCpuMs();
    const job = { input, output, batchSize, concurrency, startsPerSecond: 0, url: service.url };
    const words = [...ROWFILL.words(job), ...(workers > 0 ? ['--workers'] : [])];
    const result = await runNode(words, { folder, env });
    const databaseMs = postgres.readCpuMs() - usedBeforeMs;
    for (const { child } of helpers) child.kill('SIGTERM');
    const ends = await Promise.all(helpers.map(({ ended }) => ended));
    const report = await service.report();
    if (result.code !== 0) throw new Error(`exit ${result.code}: ${result.stderr}`);
    checkOutput(output, rows);
    return readFigures({ result, ends, databaseMs, report });
  } finally {
    for (const { child } of helpers) child.kill('SIGKILL');
    proxy?.close();
    service.close();
    for (const name of ['in.csv', 'out.csv', 'ledger.sqlite', 'ledger.sqlite-wal', 'ledger.sqlite-shm']) {
      rmSync(join(folder, name), { force: true });
    }
  }
}

/** Starts a worker, and waits until it takes batches. Any of them could use the whole cap. */
async function startWorker(number, slots, { folder, env, url }) {
  const words = [PROGRAM, 'worker', '--api-url', url, '--concurrency', String(slots), '--log-level', 'info'];
  const worker = startNode(words, { folder, env, keepsOutput: true, name: `worker-${number}` });
  const end = worker.ended.then(({ code, stderr }) => {
    throw new Error(`a worker ended with ${code}: ${stderr}`);
  });
  await Promise.race([once(worker.child.stdout, 'data'), end]);
  end.catch(() => undefined);
  return worker;
}

/** Checks that the output has every row, since a fast but incomplete result does not count. */
function checkOutput(path, rows) {
  let lines = 0;
  for (const byte of readFileSync(path)) if (byte === 10) lines += 1;
  if (lines < rows) throw new Error(`the output has ${lines} lines for ${rows} rows`);
}
