// A separate process that works on a ledger, so that a test can kill it. Prints each step once it is durable, since
// every printed step must survive the process.
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { readHolder } from '../../dist/ledger/holder.js';
import { openPostgresLedger } from '../../dist/ledger/postgres/postgres-ledger.js';
import { Database } from '../../dist/ledger/sqlite/database.js';
import { openSqliteLedger } from '../../dist/ledger/sqlite/sqlite-ledger.js';
import { createAsk, hashText } from '../../dist/model/ask.js';
import { createBatch } from '../../dist/model/batch.js';

/** By store: how to open it, and how to kill this process at its next transaction, after some of its statements. */
const STORES = {
  SQLite: {
    open: (place) => openSqliteLedger(place, {}),
    killAfter(statements) {
      const { run, exec } = Database.prototype;
      let left = statements;
      const count = () => {
        if (left === 0) process.kill(process.pid, 'SIGKILL');
        left -= 1;
      };
      Database.prototype.run = function (...args) {
        count();
        return run.apply(this, args);
      };
      Database.prototype.exec = function (sql) {
        if (sql === 'commit') count();
        return exec.call(this, sql);
      };
    },
  },
  PostgreSQL: {
    open: (place) =>
      openPostgresLedger(place, { ...(mode === 'resume' ? { holder: ON_ANOTHER_MACHINE } : {}) }),
    // A message is a transaction.
    killAfter(messages) {
      const { query } = pg.Client.prototype;
      let left = messages;
      pg.Client.prototype.query = function (...args) {
        if (left === 0) process.kill(process.pid, 'SIGKILL');
        left -= 1;
        return query.apply(this, args);
      };
    },
  },
};

const [storeName, mode, place, ...rest] = process.argv.slice(2);
const store = STORES[storeName];
const say = (...words) => writeSync(1, `${words.join(' ')}\n`);
const NO_LIMITS = { jobMicros: null, day: null };

const ON_ANOTHER_MACHINE = { ...readHolder(), space: 'child', boot: 'boot of the child', host: 'child' };

/** Few keys, so that the processes often write the same ones. */
const KEYS = 200;

const ASK = createAsk({
  query: 'Who leads the company?',
  system: null,
  schema: { type: 'object', properties: { ceo: { type: 'string' } } },
  fields: [{ name: 'ceo', schema: { type: 'string' } }],
  send: ['company'],
  efforts: ['low'],
  escalateBelow: null,
});
const PARTS = { ask: ASK, input: '/data/in.csv', output: '/data/out.csv', settings: {} };

const MODES = { trip, lease, hold, open, spend, keys, look, step, resume };

try {
  const ledger = await store.open(place);
  await MODES[mode](ledger, ...rest);
} catch (error) {
  say('error', error.code ?? 'UNKNOWN', error.kind ?? '', error.message);
}

async function open(ledger) {
  say('opened', (await ledger.openJob(PARTS)).invocation);
  await ledger.close();
}

async function look(ledger) {
  say(...(await ledger.check()), 'answered', (await ledger.listJobs())[0]?.answered);
  await ledger.close();
}

/** Ends batches that an earlier process left open, then runs `count` batches from intent to settlement, three at a time. */
async function trip(ledger, count, padding) {
  const job = await ledger.openJob(PARTS);
  for (const { batch } of await ledger.adoptBatches(job.askId)) await settle(ledger, batch);
  for (let index = 0; index < Number(count); index += 3) {
    const lanes = [0, 1, 2].filter((lane) => index + lane < Number(count));
    await Promise.all(
      lanes.map(async (lane) => {
        const name = `${job.invocation}-${index + lane}`;
        const companies = [0, 1, 2].map((row) => `${name}-${row}`);
        const batch = create(job, companies, { padding: Number(padding) });
        await reserve(ledger, batch);
        say('intended', batch.id);
        await ledger.markStarted(batch, `run_${batch.id}`);
        say('sent', batch.id);
        await settle(ledger, batch);
      }),
    );
  }
  say('done');
  await ledger.close();
}

function create(job, companies, { padding = 0, reserveMicros = 100, attempt = 1 } = {}) {
  const rows = companies.map((company, row) => ({
    rowId: `r${row}`,
    key: hashText(company, 32),
    record: { company: company.padEnd(padding, '.') },
  }));
  const parts = { jobId: job.id, askId: ASK.id, attempt, effort: 'low', fields: ['ceo'], rows };
  return createBatch({ ...parts, previousRunId: null, complaint: null, reserveMicros }, job.invocation);
}

async function reserve(ledger, batch, limits = NO_LIMITS) {
  const keys = batch.rows.map(({ key }) => key);
  const { seen } = await ledger.findAnswers({ id: batch.jobId, askId: batch.askId }, keys);
  const [verdict] = await ledger.reserveBatches([{ batch, seen: keys.map(() => seen) }], limits);
  return verdict.status;
}

async function settle(ledger, batch) {
  const runId = `run_${batch.id}`;
  const origin = { runId, effort: 'low', triedEffort: 'low' };
  const field = { value: 'Ann', confidence: 'high', citations: [], issue: null, ...origin };
  const answers = batch.rows.map((row) => ({ key: row.key, fields: new Map([['ceo', field]]) }));
  const run = { id: runId, status: 'completed', costDollars: { total: 0.0001 } };
  await ledger.settleBatches([{ batch, run, answers, failures: [] }]);
  say('settled', batch.id);
}

/** Buys the same few keys as other processes, in its own order. */
async function keys(ledger, who) {
  const job = await ledger.openJob({ ...PARTS, input: `/data/${who}.csv` });
  for (let index = 0; index < KEYS; index += 4) {
    let names = [0, 1, 2, 3].map((row) => `Company ${(index + row) % KEYS}`);
    if (Number(who) % 2 === 1) names = names.map((_, row) => `Company ${KEYS - 1 - index - row}`);
    for (let attempt = 1; names.length > 0; attempt += 1) {
      for (const { batch } of await ledger.adoptBatches(ASK.id)) await settle(ledger, batch);
      const found = await ledger.findAnswers(
        job,
        names.map((name) => hashText(name, 32)),
      );
      const isAnswered = (name) => found.answers.get(hashText(name, 32))?.answeredAtMs !== undefined;
      names = names.filter((name) => !isAnswered(name));
      const free = names.filter((name) => !found.elsewhere.has(hashText(name, 32)));
      if (free.length === 0) {
        if (names.length > 0) await ledger.whenChanged();
        continue;
      }
      const batch = create(job, free, { attempt: index * 1_000 + attempt });
      const reservation = { batch, seen: free.map(() => found.seen) };
      const [verdict] = await ledger.reserveBatches([reservation], NO_LIMITS);
      if (verdict.status !== 'reserved') continue;
      await settle(ledger, batch);
    }
  }
  say('done');
  await ledger.close();
}

/** Tries to get a lease, prints the result, and holds the lease until the process ends. */
async function lease(ledger, name) {
  const result = await ledger.acquireLease(name);
  say(result.status, result.status === 'busy' ? result.holder.pid : process.pid);
  process.stdin.resume();
}

/** Reserves a batch, and keeps it and a lease until the process ends. */
async function hold(ledger) {
  const job = await ledger.openJob(PARTS);
  await reserve(ledger, create(job, ['Acme']));
  await ledger.acquireLease('job:1');
  say('holding', job.id);
  process.stdin.resume();
}

/** Reserves a batch, and starts it after a line on stdin; the process may have been stopped meanwhile. */
async function resume(ledger, when) {
  const job = await ledger.openJob(PARTS);
  const batch = create(job, ['Acme']);
  await reserve(ledger, batch);
  say('reserved', job.id);
  await once(createInterface({ input: process.stdin }), 'line');
  if (when === 'before its place') await ledger.takePlace(batch.id, 0, new AbortController().signal);
  ledger.refuseStart();
  say('sent');
}

/** Reserves as much as the cap allows, competing with other processes. */
async function spend(ledger, who, capMicros) {
  const job = await ledger.openJob(PARTS);
  for (let index = 0; ; index += 1) {
    const batch = create({ ...job, invocation: 1 }, [`${who}-${index}`], { reserveMicros: 7 });
    const limits = { jobMicros: Number(capMicros), day: null };
    if ((await reserve(ledger, batch, limits)) === 'over_budget') break;
  }
  say('done');
  process.stdin.resume();
}

/** Prepares a ledger for one change, prints `ready`, and makes the change. It is killed after some of its statements. */
async function step(ledger, name, statements) {
  const job = await ledger.openJob(PARTS);
  const [open, started, spare] = ['a', 'b', 'c'].map((company) => create(job, [company, `${company}2`]));
  await reserve(ledger, open);
  await reserve(ledger, started);
  await ledger.markStarted(started, 'run_b');
  await ledger.enterFolder({ id: 'drop', place: '1:2', below: '/drop/' });
  await ledger.moveFolder('drop', '/drop/');
  await ledger.noteWritten('/drop/out.csv', { jobId: job.id, digest: '1' });
  const { seen } = await ledger.findAnswers(job, []);
  const { key } = open.rows[0];
  const run = { id: 'run_x', status: 'completed', costDollars: { total: 0.0001 } };
  const changes = {
    openJob: () => ledger.openJob({ ...PARTS, input: '/data/new.csv', ask: { ...ASK, id: 'a_new' } }),
    reopenJob: () => ledger.openJob({ ...PARTS, output: '/data/new.csv' }),
    closeJob: () => ledger.closeJob(job.id, { stop: 'done', counts: null, finished: null }),
    reserveBatches: () =>
      ledger.reserveBatches(
        [spare, create(job, ['d'])].map((batch) => ({ batch, seen: [seen, seen] })),
        NO_LIMITS,
      ),
    markStarted: () => ledger.markStarted(open, 'run_a'),
    markUnknown: () => ledger.markUnknown(open.id, 'cannot tell'),
    releaseBatch: () => ledger.releaseBatch(open.id, 'no such run'),
    settleBatches: () =>
      ledger.settleBatches(
        [open, started].map((batch) => ({
          batch,
          run: { ...run, id: `run_${batch.id}` },
          answers: [],
          failures: [{ key: batch.rows[0].key, reason: 'no entry' }],
        })),
      ),
    recordFailures: () => ledger.recordFailures(job.id, [{ key, reason: 'too large' }]),
    putHumanAnswers: () => ledger.putHumanAnswers(job.id, [{ key, values: { ceo: 'Zoe' } }]),
    rejectAnswers: () => ledger.rejectAnswers(job.id, [{ key, field: 'ceo' }]),
    moveFolder: () => ledger.moveFolder('drop', '/moved/'),
    placeJobs: () =>
      ledger.placeJobs(
        PARTS.input,
        { input: '/done/in.csv', output: '/done/out.csv' },
        {
          from: '/drop/out.csv',
          to: '/done/out.csv',
        },
      ),
    noteWritten: () => ledger.noteWritten('/drop/out.csv', { jobId: job.id, digest: '2' }),
    prune: () => ledger.prune({ runsBeforeMs: Date.now() + 1_000, asksBeforeMs: Date.now() + 1_000 }),
  };
  if (name === 'prune') {
    for (const batch of [open, started]) await settle(ledger, batch);
  }
  if (name === 'rejectAnswers') await ledger.putHumanAnswers(job.id, [{ key, values: { ceo: 'Zoe' } }]);
  if (statements !== '') store.killAfter(Number(statements));
  say('ready');
  await changes[name]();
  say('done');
  process.kill(process.pid, 'SIGKILL');
}
