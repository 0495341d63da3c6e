import { fork, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { QUERY } from './ask.mjs';

const HERE = import.meta.dirname;
export const PROGRAM = join(HERE, '../../dist/cli/main.js');
const SCRIPT = join(HERE, 'script.mjs');
const BARE_CLIENT = join(HERE, 'bare.mjs');
const USAGE = pathToFileURL(join(HERE, 'usage.mjs')).href;
/** Time limit of a measurement. */
const MAX_MS = 15 * 60_000;

/** rowfill as a user would run it. The ledger is in the folder, so that a second call resumes the job. */
export const ROWFILL = {
  name: 'rowfill',
  words: (job) => [
    PROGRAM,
    'run',
    job.input,
    ...['-q', QUERY],
    ...['-f', 'hq_city', '-f', 'founded:integer', '--send', 'company,domain'],
    ...['--batch-size', String(job.batchSize), '--concurrency', String(job.concurrency)],
    ...(job.startsPerSecond > 0 ? ['--starts-per-second', String(job.startsPerSecond)] : []),
    // This server's run list does not lag, so a killed job need not wait for its runs to appear.
    ...['--list-lag', '1s'],
    ...['--api-url', job.url, '--output', job.output, '--yes', '--quiet'],
  ],
};

export const SCRIPT_1S = { name: 'exa-js script', words: (job) => createScriptWords(job) };
export const SCRIPT_100MS = {
  name: 'exa-js script, polling every 100 ms',
  words: (job) => [...createScriptWords(job), '100'],
};

/** A client without any extra work: the maximum speed that the server and the machine allow. */
export const BARE = {
  name: 'undici alone, no file, no ledger',
  words: (job) => [BARE_CLIENT, job.url, String(job.rows), String(job.batchSize), String(job.concurrency)],
  writesNothing: true,
};

function createScriptWords(job) {
  return [SCRIPT, job.input, job.output, job.url, String(job.batchSize), String(job.concurrency)];
}

/** Runs a Node program to its end or until `killAfterMs`. Returns its duration and resource usage. */
export async function runNode(words, options) {
  return startNode(words, options).ended;
}

/** Starts a Node program. `name` keeps the usage of programs that run at the same time apart. */
export function startNode(
  words,
  { folder, killAfterMs = MAX_MS, keepsOutput = false, name = 'usage', env = {} },
) {
  const usagePath = join(folder, `${name}.json`);
  rmSync(usagePath, { force: true });
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', USAGE, ...words], {
    cwd: folder,
    env: {
      ...createEnvironment(),
      EXA_API_KEY: 'bench',
      ROWFILL_HOME: folder,
      BENCH_USAGE: usagePath,
      ...env,
    },
    stdio: ['ignore', keepsOutput ? 'pipe' : 'ignore', 'pipe'],
  });
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text.slice(0, 10_000 - stderr.length);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const ended = new Promise((resolve) => child.once('close', resolve)).then((code) => {
    clearTimeout(timer);
    const seconds = (performance.now() - startedAt) / 1_000;
    const usage = existsSync(usagePath) ? JSON.parse(readFileSync(usagePath, 'utf8')) : {};
    const peakMb = (usage.peakKb ?? 0) / 1_000;
    return { code, seconds, stdout, stderr, peakMb, cpuSeconds: usage.cpuMs / 1_000 };
  });
  return { child, ended };
}

/** Starts a new server for each measurement, so that every contender gets a fresh one. */
export async function openServer({
  latency = null,
  limits = [{ afterRuns: 0, maxActiveRuns: 50 }],
  startsPerSecond = 0,
}) {
  const child = fork(join(HERE, 'server.mjs'), [JSON.stringify({ latency, limits, startsPerSecond })]);
  const ask = (key) =>
    new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(message[key]));
      child.once('exit', () => reject(new Error('the benchmark server ended')));
    });
  const url = await ask('url');
  return {
    url,
    report: () => {
      const report = ask('report');
      child.send('report');
      return report;
    },
    close: () => {
      child.removeAllListeners('exit');
      child.disconnect();
    },
  };
}

function createEnvironment() {
  const names = Object.keys(process.env).filter(
    (name) => !/^(EXA_|ROWFILL_|NODE_OPTIONS|.*_proxy$)/i.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
