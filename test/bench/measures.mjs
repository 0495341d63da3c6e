import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BARE, openServer, PROGRAM, ROWFILL, runNode, SCRIPT_1S, SCRIPT_100MS } from './contenders.mjs';
import { writeInput } from './input.mjs';
import { createRandom, planSchedule } from './latencies.mjs';
import {
  FAR_AWAY,
  measureSharedCap,
  measureSharedRate,
  ON_POSTGRES,
  ON_SQLITE,
  THREE_WORKERS,
  TWO_WORKERS,
} from './shared-ledger.mjs';
import { measureVerify } from './verify.mjs';
import { measureWorkbook, PATCHING, THROUGH_EXCELJS } from './workbook.mjs';

const EVERYONE = [ROWFILL, SCRIPT_1S, SCRIPT_100MS];
const UNKNOWN_CAP = [
  { afterRuns: 0, maxActiveRuns: 12 },
  { afterRuns: 300, maxActiveRuns: 40 },
];

/**
 * The measurements. `measure` measures one contender once and returns its figures by name; `quick` means less work. All
 * contenders get the same latencies; the repetition number is the seed.
 */
export const MEASURES = [
  {
    title: '500 runs, median 2 s, cap 50',
    contenders: [...EVERYONE, BARE],
    measure: (contender, { seed, quick, folder }) =>
      measurePace(contender, folder, { runs: quick ? 150 : 500, medianMs: quick ? 500 : 2_000, seed }),
  },
  {
    title: '2,000 runs, median 50 ms, cap 50',
    contenders: [...EVERYONE, BARE],
    measure: (contender, { seed, quick, folder }) =>
      measurePace(contender, folder, { runs: quick ? 500 : 2_000, medianMs: 50, seed }),
  },
  {
    title: 'unknown cap: configured 50, allowed 12, later 40',
    contenders: [ROWFILL, SCRIPT_1S],
    measure: async (contender, { seed, folder }) => {
      const server = { latency: { medianMs: 500, sigma: 0.5, seed }, limits: UNKNOWN_CAP };
      const { result, report } = await runJob(contender, folder, { rows: 900, batchSize: 1, server });
      const refused = report.refused.concurrency;
      return {
        'slots used': percent(report.agent.busyMs / report.agent.allowedMs),
        'creates rejected': percent(refused / (report.runs.created + refused)),
        'exit code': result.code,
      };
    },
  },
  {
    title: 'start rate: limit 5 per second',
    contenders: [ROWFILL, SCRIPT_1S],
    measure: async (contender, { seed, folder }) => {
      const server = { latency: { medianMs: 500, sigma: 0.5, seed }, startsPerSecond: 5 };
      const { result, report } = await runJob(contender, folder, {
        ...{ rows: 60, batchSize: 1, startsPerSecond: 5, server },
      });
      const at = report.agent.startedAtMs;
      const rate = ((at.length - 1) / (at[at.length - 1] - at[0])) * 1_000;
      return {
        'rate used': percent(rate / 5),
        'creates rejected': report.refused.rate,
        'exit code': result.code,
      };
    },
  },
  ...[100, 8].map((batchSize) => ({
    title: `end to end, batches of ${batchSize}, instant agent`,
    contenders: batchSize === 8 ? [ROWFILL, SCRIPT_1S] : [ROWFILL, SCRIPT_1S, BARE],
    measure: async (contender, { rows: most, folder }) => {
      // Small batches take many times as long, and their rate no longer changes after a few thousand rows.
      const rows = batchSize === 8 ? Math.min(most, 200_000) : most;
      const { result, report, again } = await runJob(contender, folder, {
        ...{ rows, batchSize, server: {}, repeat: contender === ROWFILL },
      });
      return {
        'rows per second': Math.round(rows / result.seconds),
        'CPU µs per row': round((result.cpuSeconds / rows) * 1e6),
        'server CPU µs': round((report.cpuMs / rows) * 1e3),
        'peak MB': Math.round(result.peakMb),
        ...(again === null
          ? {}
          : {
              'resume, rows per second': Math.round(rows / again.seconds),
              'resume, peak MB': Math.round(again.peakMb),
            }),
      };
    },
  })),
  {
    title: 'ten rows, instant agent',
    contenders: EVERYONE,
    measure: async (contender, { folder }) => {
      const { result } = await runJob(contender, folder, { rows: 10, batchSize: 10, server: {} });
      return { seconds: round(result.seconds), 'peak MB': Math.round(result.peakMb) };
    },
  },
  {
    title: 'a ledger on PostgreSQL, batches of 100, instant agent',
    contenders: [ON_SQLITE, ON_POSTGRES, TWO_WORKERS],
    measure: measureSharedRate,
  },
  {
    title: 'a ledger on PostgreSQL, runs of 300 to 500 ms, cap 20',
    contenders: [THREE_WORKERS, FAR_AWAY],
    measure: (contender, { seed, quick, folder }) =>
      measureSharedCap(contender, { runs: quick ? 300 : 1_000, cap: 20, medianMs: 400, seed, folder }),
  },
  {
    title: 'kill -9 five times, then finish',
    contenders: [ROWFILL, SCRIPT_1S],
    measure: measureKills,
  },
  {
    title: 'verify: pages of 60 KB on 200 hosts',
    contenders: [{ name: 'rowfill verify' }],
    measure: (_contender, { quick, folder }) =>
      measureVerify(folder, { citations: quick ? 300 : 1_000, hosts: 200 }),
  },
  {
    title: 'a workbook of 30 columns, read and written back',
    contenders: [PATCHING, THROUGH_EXCELJS],
    measure: async (contender, { rows, folder }) => {
      const figures = await measureWorkbook(contender, folder, { rows: Math.min(rows, 200_000) });
      for (const name of ['wide.xlsx', 'out.xlsx']) rmSync(join(folder, name), { force: true });
      return figures;
    },
  },
  {
    title: 'the view of many rows in Chromium, beside a plain list of them',
    contenders: [ROWFILL],
    measure: async (_contender, { rows, seed, folder }) => {
      // Loaded on demand: it brings the browser's driver along.
      const { measureView } = await import('./view.mjs');
      const figures = await measureView({ rows, seed, folder });
      clear(folder);
      return figures;
    },
  },
  {
    title: 'start-up',
    contenders: [{ name: 'rowfill --version' }, { name: 'node -e 0' }],
    measure: async (contender, { folder }) => {
      const words = contender.name === 'node -e 0' ? ['-e', '0'] : [PROGRAM, '--version'];
      const times = [];
      for (let time = 0; time < 11; time += 1) times.push((await runNode(words, { folder })).seconds);
      return { ms: Math.round(times.sort((a, b) => a - b)[5] * 1_000) };
    },
  },
];

async function measurePace(contender, folder, { runs, medianMs, seed }) {
  const latency = { medianMs, sigma: 0.5, seed };
  const { result, report } = await runJob(contender, folder, {
    rows: runs,
    batchSize: 1,
    server: { latency },
  });
  const { idealMs, scheduleMs } = planSchedule(latency, runs, 50);
  const requests = Object.values(report.requests).reduce((sum, count) => sum + count, 0);
  return {
    'time over ideal': round((result.seconds * 1_000) / idealMs),
    'greedy schedule': round(scheduleMs / idealMs),
    'requests per run': round(requests / report.runs.created),
    'CPU ms per run': round((result.cpuSeconds / runs) * 1_000),
    'server CPU ms': round(report.cpuMs / runs),
  };
}

/** Kills a command five times, then lets it finish. Counts the runs that were started more than once. */
async function measureKills(contender, { seed, folder }) {
  const runs = 400;
  const random = createRandom(seed);
  const server = await openServer({ latency: { medianMs: 200, sigma: 0.5, seed } });
  try {
    const job = prepareJob(folder, { rows: runs, batchSize: 1, url: server.url });
    const words = contender.words(job);
    for (let kill = 0; kill < 5; kill += 1) {
      await runNode(words, { folder, killAfterMs: 500 + random() * 1_500 });
    }
    const result = await runNode(words, { folder });
    const { created } = (await server.report()).runs;
    return { 'runs repeated': created - runs, 'exit code': result.code };
  } finally {
    server.close();
    clear(folder);
  }
}

async function runJob(contender, folder, { server: options, repeat = false, ...work }) {
  const server = await openServer(options);
  try {
    const job = prepareJob(folder, { ...work, url: server.url });
    const result = await runNode(contender.words(job), { folder });
    const report = await server.report();
    const again = repeat ? await runNode(contender.words(job), { folder }) : null;
    if (result.code === 0 && contender.writesNothing !== true) checkOutput(job.output, work.rows);
    return { result, report, again };
  } finally {
    server.close();
    clear(folder);
  }
}

function prepareJob(folder, { rows, ...work }) {
  const input = join(folder, 'in.csv');
  writeInput(input, rows);
  return { concurrency: 50, startsPerSecond: 0, ...work, rows, input, output: join(folder, 'out.csv') };
}

/** Checks that the output has every row, since a fast but incomplete result does not count. */
function checkOutput(path, rows) {
  let lines = 0;
  for (const byte of readFileSync(path)) if (byte === 10) lines += 1;
  if (lines < rows) throw new Error(`the output has ${lines} lines for ${rows} rows`);
}

function clear(folder) {
  for (const name of ['in.csv', 'out.csv', 'ledger.sqlite', 'ledger.sqlite-wal', 'ledger.sqlite-shm']) {
    rmSync(join(folder, name), { force: true });
  }
}

function percent(share) {
  return `${round(share * 100)} %`;
}

function round(value) {
  return Number(value.toFixed(2));
}
