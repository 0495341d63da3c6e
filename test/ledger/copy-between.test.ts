import Libsql from 'libsql';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { COPIED_TABLES } from '../../src/ledger/copied-tables.js';
import { copyBetween } from '../../src/ledger/copy-between.js';
import { readHolder } from '../../src/ledger/holder.js';
import type { CellVerdict, Ledger, LedgerOptions, OpenedJob } from '../../src/ledger/ledger.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.js';
import { isLedgerUrl, parseLedgerUrl } from '../../src/model/ledger-url.js';
import { createVerdict } from '../../src/model/verdict.js';
import {
  createLedgerPath,
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestJob,
  createTestKey,
  createTestRun,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
  tryReserve,
} from '../helpers/ledger-samples.js';
import { createSchemaUrl, findPostgres } from '../helpers/postgres.js';
import { readEverything } from './read-everything.js';

const COMPANIES = ['Acme', 'Globex', 'Initech', 'Umbrella', 'Hooli', 'Nobody'];
const DAY_MS = 24 * 3_600_000;

/** One of everything that a ledger can have, but open batches. */
async function fillLedger(ledger: Ledger, clock: { nowMs: number }): Promise<OpenedJob> {
  await ledger.enterAccount((salt) => `account of ${salt}`);
  const folder = await ledger.enterFolder({ id: 'drop', place: '1:2', below: '/drop/' });
  await ledger.moveFolder(folder, '/drop/');
  const first = await openTestJob(ledger, createTestAsk(), '/drop/in.csv', { folder });
  await settleTestRun(ledger, first, ['Acme', 'Globex'], { ceo: 'Ann' });
  clock.nowMs += DAY_MS;
  const again = await openTestJob(ledger, createTestAsk(), '/drop/in.csv', { folder, keepGoing: true });
  await settleTestRun(ledger, again, ['Acme'], {
    ceo: 'Bob "the \\ builder" \u0000 Ø 😀',
    refresh: true,
    effort: 'high',
  });
  const lost = createTestBatch(again, ['Umbrella']);
  await reserveTestBatch(ledger, lost);
  await ledger.releaseBatch(lost.id, 'it never arrived');
  const failing = createTestBatch(again, ['Hooli', 'Initech']);
  await reserveTestBatch(ledger, failing);
  const failures = [{ key: createTestKey('Hooli'), reason: "it's unclear" }];
  const answers = [createTestAnswer('Initech', { ceo: 'Cy', headcount: 3 }, 'run_partial')];
  await settleTestBatch(ledger, failing, createTestRun('run_partial', null), answers, failures);
  await ledger.recordFailures(again.id, [{ key: createTestKey('Nobody'), reason: 'too large' }]);
  await ledger.putHumanAnswers(again.id, [
    { key: createTestKey('Globex'), values: { ceo: 'Gil', headcount: null } },
  ]);
  await ledger.rejectAnswers(again.id, [{ key: createTestKey('Initech'), field: 'ceo' }]);
  await ledger.putVerdicts(again, [createTestVerdict('Acme', 'Ann'), createTestVerdict('Initech', 'Cy')]);
  await ledger.putVerdicts(again, [createTestVerdict('Acme', 'Ann')]);
  await ledger.closeJob(again.id, { stop: 'done', counts: null, finished: null });
  await ledger.placeJobs('/drop/in.csv', { input: '/done/in.csv', output: '/done/out.csv' }, null);
  await ledger.noteWritten('/done/out.csv', { jobId: again.id, digest: 'ab'.repeat(32) });
  const other = await openTestJob(ledger, createTestAsk('Where is it?', ['medium']), '/data/b.csv');
  await settleTestRun(ledger, other, ['Acme', 'Umbrella'], { ceo: null, effort: 'medium' });
  const gone = await openTestJob(ledger, createTestAsk('Who knows?'), '/data/gone.csv');
  await settleTestRun(ledger, gone, ['Acme'], { ceo: 'Zoe' });
  await ledger.closeJob(gone.id, { stop: 'done', counts: null, finished: null });
  await ledger.forgetJob(gone.id);
  return again;
}

function createTestVerdict(company: string, value: string): CellVerdict {
  const url = `https://example.com/${company}`;
  const citation = { url, ...createVerdict('gone', null), pageHash: null, checkedAtMs: 5 };
  return { key: createTestKey(company), field: 'ceo', value, citation };
}

/** All that a ledger tells, in this and the methods of no job. */
async function readAll(ledger: Ledger, job: OpenedJob): Promise<unknown> {
  let salt = '';
  await ledger.enterAccount((own) => {
    salt = own;
    return `account of ${own}`;
  });
  const runs = ['run_partial', ...(await ledger.listOlderAnswers(job.askId, createTestKey('Acme'))).keys()];
  return {
    everything: await readEverything(ledger, COMPANIES),
    verdicts: await ledger.findVerdicts(job, COMPANIES.map(createTestKey)),
    asks: await ledger.listAsks(job.askId),
    climbs: await ledger.getClimbs(createTestAsk()),
    day: await ledger.getSpendSince('drop', DAY_MS - (DAY_MS % 900_000)),
    runs: await ledger.findRuns(runs.map(String)),
    rawRun: await ledger.getRun('run_partial'),
    changed: await ledger.listChangedRows(job.askId, 0, 100),
    checked: (await ledger.listCheckedRows(job.askId, 0, 100)).keys,
    salt,
    forgotten: (await ledger.previewJob(createTestJob(createTestAsk('Who knows?'), '/data/gone.csv'))).id,
    faults: await ledger.check(),
  };
}

const server = await findPostgres();
const SQLITE = { name: 'SQLite', createPlace: createLedgerPath };
const POSTGRES = { name: 'PostgreSQL', createPlace: () => createSchemaUrl(server) };

describe.each([
  { from: SQLITE, to: POSTGRES },
  { from: POSTGRES, to: SQLITE },
])('a copy from $from.name to $to.name', ({ from, to }) => {
  const open = async (place: string, options: LedgerOptions = {}): Promise<Ledger> => {
    const ledger = isLedgerUrl(place)
      ? await openPostgresLedger(place, options)
      : await openLedger(place, options);
    onTestFinished(() => ledger.close());
    return ledger;
  };

  test('has everything, and goes on where the ledger ended', async () => {
    const clock = createTestClock(Date.now() - 10 * DAY_MS);
    const [source, target] = [from.createPlace(), to.createPlace()];
    const ledger = await open(source, { clock });
    const job = await fillLedger(ledger, clock);
    const before = await readAll(ledger, job);
    await ledger.close();
    await copyBetween(source, target);
    const copy = await open(target, { clock });
    expect(await readAll(copy, job)).toEqual(before);
    // A later change gets a later number, and what was answered is not reserved again.
    const next = await openTestJob(copy, createTestAsk(), '/drop/in.csv', { folder: 'drop' });
    expect(next).toMatchObject({ id: job.id, invocation: job.invocation + 1 });
    const taken = createTestBatch(next, ['Acme']);
    expect(await tryReserve(copy, taken, {}, 0)).toBe('changed');
    await settleTestRun(copy, next, ['Umbrella'], { ceo: 'Uma' });
    const fresh = await openTestJob(copy, createTestAsk('And now?'), '/data/new.csv');
    await settleTestRun(copy, fresh, ['Acme'], { ceo: 'New' });
    const changes = await copy.listChangedRows(
      job.askId,
      (before as { changed: { seen: number } }).changed.seen,
      10,
    );
    expect(changes.keys).toEqual([createTestKey('Umbrella')]);
    expect((await copy.getSpend(next.id)).spentMicros).toBe((await ledgerSpend(before, job)) + 1);
    const { seen } = await copy.listCheckedRows(job.askId, null, 0);
    await copy.putVerdicts(next, [createTestVerdict('Umbrella', 'Uma')]);
    expect((await copy.listCheckedRows(job.askId, seen, 9)).keys).toEqual([createTestKey('Umbrella')]);
    expect(await copy.check()).toEqual([]);
  });

  test('is refused while a run is open, while a process works, and onto a ledger with content', async () => {
    const [source, target] = [from.createPlace(), to.createPlace()];
    await expect(copyBetween(source, target)).rejects.toMatchObject({ code: 'LEDGER_MISSING' });
    const ledger = await open(source);
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme']);
    await reserveTestBatch(ledger, batch);
    await expect(copyBetween(source, target)).rejects.toMatchObject({
      code: 'LEDGER_HAS_RUNS',
      kind: 'usage',
    });
    await ledger.releaseBatch(batch.id, 'it never arrived');
    await ledger.acquireLease(`job:${job.id}`);
    await expect(copyBetween(source, target)).rejects.toMatchObject({ code: 'LEDGER_IN_USE', kind: 'busy' });
    await ledger.releaseLease(`job:${job.id}`);
    // A killed process of this machine is gone at once.
    const killed = await open(source, { holder: { ...readHolder(), started: '1' } });
    await killed.acquireLease(`job:${job.id}`);
    await copyBetween(source, target);
    await expect(copyBetween(source, target)).rejects.toMatchObject({ code: 'LEDGER_EXISTS', kind: 'usage' });
    const copy = await open(target);
    expect((await copy.listJobs()).map(({ id }) => id)).toEqual([job.id]);
  });
});

/** A ledger that its owner has created, as a role that may only do jobs sees it. */
async function createForJobs(): Promise<{ readonly own: string; readonly place: string }> {
  const own = createSchemaUrl(server);
  const { schema } = parseLedgerUrl(own);
  await (await openLedger(own)).close();
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const role = `${schema}_jobs`;
  await admin.query(`create role ${role} login; grant usage on schema ${schema} to ${role};
    grant select, insert, update, delete on all tables in schema ${schema} to ${role};
    grant usage on all sequences in schema ${schema} to ${role}`);
  onTestFinished(async () => {
    await admin.query(`drop owned by ${role} cascade; drop role ${role}`);
    await admin.end();
  });
  const url = new URL(own);
  url.username = '';
  url.searchParams.set('user', role);
  return { own, place: url.href };
}

test.each([SQLITE, POSTGRES])(
  'from $name, a ledger without content is filled, by a role for jobs',
  async (from) => {
    const clock = createTestClock(Date.now() - 10 * DAY_MS);
    const { own, place } = await createForJobs();
    const source = from.createPlace();
    const ledger = await openLedger(source, { clock });
    onTestFinished(() => ledger.close());
    const job = await fillLedger(ledger, clock);
    const before = await readAll(ledger, job);
    const copy = () => (from === POSTGRES ? ledger.copyTo(place) : copyBetween(source, place));
    // It was opened, and then used by a process that still works.
    const other = await openLedger(own);
    await other.enterAccount((salt) => `account of ${salt}`);
    await other.acquireLease('other');
    await expect(copy()).rejects.toMatchObject({ code: 'LEDGER_IN_USE', kind: 'busy' });
    await other.close();
    await copy();
    const filled = await openLedger(place);
    onTestFinished(() => filled.close());
    expect(await readAll(filled, job)).toEqual(before);
    const fresh = await openTestJob(filled, createTestAsk('And now?'), '/data/new.csv');
    await settleTestRun(filled, fresh, ['Acme'], { ceo: 'New' });
    expect(await filled.check()).toEqual([]);
    await expect(copy()).rejects.toMatchObject({ code: 'LEDGER_EXISTS', kind: 'usage' });
  },
);

test('a ledger in which only costs are left has content', async () => {
  const [source, target] = [createLedgerPath(), createSchemaUrl(server)];
  await (await openLedger(source)).close();
  const ledger = await openLedger(target);
  onTestFinished(() => ledger.close());
  const job = await openTestJob(ledger);
  await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
  await ledger.closeJob(job.id, { stop: 'done', counts: null, finished: null });
  await ledger.forgetJob(job.id);
  await expect(copyBetween(source, target)).rejects.toMatchObject({ code: 'LEDGER_EXISTS' });
});

/** The spend of a job in what `readAll` returned. */
async function ledgerSpend(all: unknown, job: OpenedJob): Promise<number> {
  const { everything } = all as {
    everything: { jobs: { job: { id: string }; spend: { spentMicros: number } }[] };
  };
  return everything.jobs.find((each) => each.job.id === job.id)?.spend.spentMicros ?? Number.NaN;
}

test('a copy has every column of a ledger, but those of processes and their open batches', async () => {
  const path = createLedgerPath();
  await (await openLedger(path)).close();
  const connection = new Libsql(path);
  onTestFinished(() => void connection.close());
  const columns = connection
    .prepare(
      `select m.name || '.' || c.name as name from sqlite_schema m, pragma_table_info(m.name) c
       where m.type = 'table' and m.name not like 'sqlite_%' and m.name not in ('holder', 'lease', 'batch')`,
    )
    .all() as { name: string }[];
  const copied = COPIED_TABLES.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column}`));
  expect(copied.sort()).toEqual(columns.map(({ name }) => name).sort());
});
