// Fills a list with workers while processes are killed, replies are lost and the database is restarted, then checks what
// was billed and written. After `npm run build`: node test/bench/soak-workers.mjs [rows=20000] [batch=10] [cap=20]
// [workers=3] [kills=30] [coordinatorKills=5] [restarts=2] [lost=0.05] [latency=200ms..2s]
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import Papa from 'papaparse';

const DEFAULTS = {
  ...{ rows: 20_000, batch: 10, cap: 20, workers: 3, kills: 30, coordinatorKills: 5, restarts: 2 },
  ...{ lost: 0.05, latency: '200ms..2s', slots: 20 },
};
const given = process.argv.slice(2).map((word) => word.split('='));
const options = { ...DEFAULTS, ...Object.fromEntries(given) };
const count = (name) => Number(options[name]);
const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');
const KEEPER = join(import.meta.dirname, '../helpers/postgres-keeper.mjs');
const folder = mkdtempSync(join(tmpdir(), 'rowfill-soak-workers-'));
// PostgreSQL may run as another user.
chmodSync(folder, 0o755);
const children = new Set();

function start(args, file = PROGRAM) {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ROWFILL_HOME: join(folder, 'home') },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.add(child);
  child.errors = '';
  child.stderr.on('data', (bytes) => {
    child.errors += bytes;
  });
  child.ended = new Promise((resolve) => {
    child.on('close', (status, signal) => {
      children.delete(child);
      resolve({ status, signal });
    });
  });
  return child;
}

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

const server = start([join(folder, 'postgres')], KEEPER);
const replies = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
const ledger = (await replies.next()).value;

const names = Array.from({ length: count('rows') }, (_, index) => `Company ${index + 1}`);
mkdirSync(join(folder, 'tables'));
const cities = names.map((name, index) => `${name},City ${index + 1}`);
writeFileSync(join(folder, 'tables/cities.csv'), ['company,city', ...cities, ''].join('\n'));
writeFileSync(join(folder, 'in.csv'), ['company', ...names, ''].join('\n'));
writeFileSync(
  join(folder, 'faults.json'),
  JSON.stringify(count('lost') > 0 ? [{ fault: 'lost_reply', on: ['create'], share: count('lost') }] : []),
);
const service = start([
  ...['serve', '--reference', 'tables', '--price', '--latency', options.latency, '--faults', 'faults.json'],
  ...['--max-active', '1000', '--port', '0'],
]);
const serviceLines = createInterface({ input: service.stdout })[Symbol.asyncIterator]();
const agent = /http:\/\/\S+/.exec((await serviceLines.next()).value)[0];

const startWorker = () => {
  const child = start([
    ...['worker', '--api-url', agent, '--ledger', ledger, '--concurrency', String(options.slots)],
    ...['--log-file', 'worker.jsonl'],
  ]);
  return child;
};
const runJob = (args) =>
  start([
    ...['run', 'in.csv', '--api-url', agent, '--field', 'city', '--send', 'company', '--yes', '--quiet'],
    ...[
      '--batch-size',
      String(options.batch),
      '--concurrency',
      String(options.cap),
      '--list-lag',
      '2s',
      ...args,
    ],
  ]);
const coordinate = () => runJob(['--workers', '--ledger', ledger, '--output', 'out.csv']);
const readBill = async () =>
  (await fetch(`${agent}/__rehearsal`, { headers: { 'x-api-key': 'local' } })).json();

const workers = Array.from({ length: count('workers') }, startWorker);
const batches = Math.ceil(count('rows') / count('batch'));
const startMs = performance.now();
let coordinator = coordinate();
let end = null;
const watch = (child) =>
  void child.ended.then((ending) => {
    if (ending.signal === null) end = ending;
  });
watch(coordinator);

const moments = [
  ...Array.from({ length: count('kills') }, () => 'worker'),
  ...Array.from({ length: count('coordinatorKills') }, () => 'coordinator'),
  ...Array.from({ length: count('restarts') }, () => 'database'),
].sort(() => Math.random() - 0.5);
let next = 0;
while (end === null) {
  await sleep(250);
  const { runs } = await readBill();
  if (next >= moments.length || runs.created < (batches * (next + 1)) / (moments.length + 2)) continue;
  const moment = moments[next];
  next += 1;
  if (moment === 'worker') {
    const place = Math.floor(Math.random() * workers.length);
    workers[place].kill('SIGKILL');
    workers[place] = startWorker();
  } else if (moment === 'coordinator') {
    coordinator.kill('SIGKILL');
    await coordinator.ended;
    if (end !== null) break;
    coordinator = coordinate();
    watch(coordinator);
  } else {
    server.stdin.write('stop\n');
    await replies.next();
    await sleep(2_000);
    server.stdin.write('start\n');
    await replies.next();
  }
}
const seconds = (performance.now() - startMs) / 1_000;
const bill = await readBill();
for (const worker of workers) worker.kill('SIGTERM');
const ends = await Promise.all(workers.map(({ ended }) => ended));
const plain = await runJob(['--ledger', 'plain.sqlite', '--output', 'plain.csv']).ended;
const readRows = (name) =>
  Papa.parse(readFileSync(join(folder, name), 'utf8'), { header: true, skipEmptyLines: true }).data.map(
    ({ enrichment_run_id: _run, enrichment_date: _date, enrichment_cost_usd: _cost, ...row }) => row,
  );
const isEqual =
  end.status === 0 && JSON.stringify(readRows('out.csv')) === JSON.stringify(readRows('plain.csv'));
const result = {
  ...{ end, plain, seconds: Math.round(seconds), batches, moments: next, faults: bill.faults },
  billedOverNeeded: bill.billedMicros / (batches * 25_000),
  ...{ created: bill.runs.created, peakActive: bill.runs.peakActive, cap: count('cap'), isEqual },
  runsPerSecond: Math.round(batches / seconds),
  workerEnds: ends.map(({ status, signal }) => signal ?? status),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (end.status !== 0) process.stdout.write(coordinator.errors.slice(-2_000));
service.kill('SIGTERM');
await service.ended;
server.stdin.end();
await server.ended;
const isGood =
  isEqual && bill.runs.created === batches && bill.runs.peakActive <= count('cap') && next === moments.length;
if (isGood) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
else process.stdout.write(`kept ${folder}\n`);
process.exit(isGood ? 0 : 1);
