// A separate process that works on a ledger, so that a test can kill it. Prints each step after it was flushed, since
// every printed step must survive the process.
import { writeSync } from 'node:fs';
import { setImmediate as endTurn } from 'node:timers/promises';
import { AnswerKeys } from '../../dist/ledger/answer-keys.js';
import { Database } from '../../dist/ledger/database.js';
import { readHolder } from '../../dist/ledger/holder.js';
import { Ledger, openLedger } from '../../dist/ledger/ledger.js';
import { createAsk, hashText } from '../../dist/model/ask.js';
import { createBatch } from '../../dist/model/batch.js';

const [mode, path, ...rest] = process.argv.slice(2);
const say = (...words) => writeSync(1, `${words.join(' ')}\n`);

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

try {
  const ledger = openLedger(path);
  if (mode === 'trip') await trip(ledger, Number(rest[0]), Number(rest[1]));
  if (mode === 'lease') lease(ledger, rest[0]);
  if (mode === 'spend') await spend(ledger, rest[0], Number(rest[1]));
  if (mode === 'keys') await writeKeys(openShortTail(Number(rest[2])), Number(rest[0]), Number(rest[1]));
  if (mode === 'look') say(...ledger.check(), 'answered', ledger.listJobs()[0]?.answered);
  if (mode === 'open') say('opened', open(ledger).invocation);
} catch (error) {
  say('error', error.code ?? 'UNKNOWN', error.kind ?? '', error.message);
}

function openShortTail(maxTail) {
  const database = new Database(path);
  return new Ledger(database, Date, new AnswerKeys(database, maxTail));
}

function open(ledger) {
  return ledger.openJob({ ask: ASK, input: '/data/in.csv', output: '/data/out.csv', settings: {} });
}

/** Ends batches that an earlier process left open, then runs `count` batches from intent to settlement, three at a time. */
async function trip(ledger, count, padding) {
  const job = open(ledger);
  for (const { batch } of ledger.findOpenBatches(job.askId)) await settle(ledger, batch);
  for (let index = 0; index < count; index += 3) {
    const lanes = [0, 1, 2].filter((lane) => index + lane < count);
    await Promise.all(lanes.map((lane) => ask(ledger, job, `${job.invocation}-${index + lane}`, padding)));
  }
  say('done');
}

async function ask(ledger, job, name, padding) {
  const rows = [0, 1, 2].map((row) => ({
    rowId: `r${row}`,
    key: hashText(`${name}-${row}`, 32),
    record: { company: `${name}-${row}`.padEnd(padding, '.') },
  }));
  const parts = { jobId: job.id, askId: job.askId, attempt: 1, effort: 'low', fields: ['ceo'], rows };
  const batch = createBatch(
    { ...parts, previousRunId: null, complaint: null, reserveMicros: 100 },
    job.invocation,
  );
  ledger.intend(batch, null);
  await ledger.flush();
  say('intended', batch.id);
  ledger.sent(batch.id, `run_${batch.id}`);
  await ledger.flush();
  say('sent', batch.id);
  await settle(ledger, batch);
}

async function settle(ledger, batch) {
  const runId = `run_${batch.id}`;
  const field = {
    value: 'Ann',
    confidence: 'high',
    citations: [],
    issue: null,
    runId,
    effort: 'low',
    triedEffort: 'low',
  };
  const answers = batch.rows.map((row) => ({ key: row.key, fields: new Map([['ceo', field]]) }));
  ledger.settle(batch.id, { id: runId, status: 'completed', costDollars: { total: 0.0001 } }, answers, []);
  await ledger.flush();
  say('settled', batch.id);
}

/**
 * Answers and fails the same few keys as other processes in its own order, and merges the tail at `maxTail` answers.
 * Prints the number of batches it has settled.
 */
async function writeKeys(ledger, who, count) {
  const job = open(ledger);
  for (let index = 0; index < count; index += 1) {
    const rows = [0, 1, 2, 3].map((row) => {
      const company = `Company ${(index * (2 * row + 1) + row * who) % KEYS}`;
      return { rowId: `r${row}`, key: hashText(company, 32), record: { company } };
    });
    const parts = { jobId: job.id, askId: job.askId, attempt: 1, effort: 'low', fields: ['ceo'], rows };
    const batch = createBatch(
      { ...parts, previousRunId: `${who}-${index}`, complaint: null, reserveMicros: 100 },
      job.invocation,
    );
    ledger.intend(batch, null);
    if (index % 5 === 0)
      ledger.fail(job.id, [{ key: hashText(`Failure ${index % KEYS}`, 32), reason: 'too large' }]);
    await settle(ledger, batch);
  }
  say('done');
}

/** Tries to get a lease, prints the result, and holds the lease until the process ends. */
function lease(ledger, askId) {
  const result = ledger.acquireLease(askId, readHolder());
  say(result.status, result.status === 'busy' ? result.holder.pid : process.pid);
  process.stdin.resume();
}

/** Reserves as much as the cap allows, competing with other processes. */
async function spend(ledger, who, capMicros) {
  const job = { id: rest[2], askId: ASK.id };
  for (let index = 0; ; index += 1) {
    const rows = [{ rowId: 'r1', key: hashText(`${who}-${index}`, 32), record: {} }];
    const parts = { jobId: job.id, askId: job.askId, attempt: 1, effort: 'low', fields: ['ceo'], rows };
    const batch = createBatch({ ...parts, previousRunId: null, complaint: null, reserveMicros: 7 }, 1);
    if (ledger.intend(batch, capMicros) === 'over_budget') break;
    await endTurn();
  }
  say('done');
}
