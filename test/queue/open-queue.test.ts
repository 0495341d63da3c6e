import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { parseLedgerUrl } from '../../src/model/ledger-url.js';
import { FORMAT, type JobLimits, packBatch, type QueuedBatch } from '../../src/queue/messages.js';
import { type BatchQueue, countWaitingBatches, openQueue } from '../../src/queue/open-queue.js';
import { removeQueuedRows } from '../../src/queue/queued-rows.js';
import { createTestBatch } from '../helpers/ledger-samples.js';
import { createSchemaUrl, findPostgres, startPostgres } from '../helpers/postgres.js';

const LIMITS: JobLimits = {
  spend: { jobMicros: null, day: null },
  ...{ maxActive: 20, startsPerSecond: 0, runTimeoutMs: null, listLagMs: 0, lastAttempt: 5 },
  blanks: { words: [], codeColumns: [] },
};

function createEntry(company: string, job = 'j_1'): QueuedBatch {
  const batch = createTestBatch({ id: job, askId: 'q_1', invocation: 1 }, [company]);
  const questions = batch.rows.map(({ key, record }) => ({
    ...{ key, record, fields: batch.fields, level: 0, attempt: 1, fault: null, seen: 0 },
  }));
  const group = { questions, fields: batch.fields, level: 0, attempt: 1, previousRunId: null };
  return packBatch({ batch, group, exclusions: [] }, 1, LIMITS);
}

async function open(url: string, isSupervising = false): Promise<BatchQueue> {
  const queue = await openQueue(url, { isSupervising, onTrouble: () => undefined });
  onTestFinished(() => queue.close());
  return queue;
}

/** Two processes with the same queue. */
async function openTwo(): Promise<readonly [BatchQueue, BatchQueue, string]> {
  const url = createSchemaUrl(await findPostgres());
  return [await open(url), await open(url), url];
}

const idsOf = (entries: readonly { readonly content: QueuedBatch }[]): string[] =>
  entries.map(({ content }) => content.batch.id);

test('a batch is delivered to one process, and is in the queue once, however often it is added', async () => {
  const [one, two, url] = await openTwo();
  expect(await countWaitingBatches(url)).toBe(0);
  expect(await countWaitingBatches(createSchemaUrl(await findPostgres()))).toBeNull();
  const entries = ['a', 'b', 'c'].map((name) => createEntry(name));
  await one.add('account', entries);
  await one.add('account', entries.slice(0, 2));
  expect(await countWaitingBatches(url)).toBe(3);
  const [first, second] = await Promise.all([two.take('account', 2), one.take('account', 2)]);
  expect([...idsOf(first), ...idsOf(second)].sort()).toEqual(entries.map(({ batch }) => batch.id).sort());
  expect([...first, ...second].map(({ content }) => content)).toEqual(expect.arrayContaining(entries));
  expect(await two.take('account', 5)).toEqual([]);
  await one.end('account', second);
  await two.end('account', first);
  for (const { batch } of entries) expect(await one.has('account', batch.id)).toBe(false);
});

test('a batch arrives as it was sent, also with characters that the database has no text for', async () => {
  const [one, two] = await openTwo();
  const entries = ['a\0b', 'a\ud800b', '\\u0000 "\''].map((name) => createEntry(name));
  await one.add('account', entries);
  const taken = await two.take('account', 5);
  expect(taken.map(({ content }) => content)).toEqual(expect.arrayContaining(entries));
});

test('workers of another account never see a batch', async () => {
  const [one, two] = await openTwo();
  await one.add('account', [createEntry('a')]);
  expect(await two.take('other', 5)).toEqual([]);
  expect(await two.take('account', 5)).toHaveLength(1);
});

test('workers of a version that writes batches otherwise leave them, and a job that is deleted takes them along', async () => {
  const [one, two, url] = await openTwo();
  const entry = createEntry('a');
  await one.add('account', [entry]);
  const { driverUrl, schema } = parseLedgerUrl(url);
  const client = new pg.Client({ connectionString: driverUrl });
  await client.connect();
  onTestFinished(() => client.end());
  const later = `batches.${FORMAT + 1}.account`;
  await client.query(
    `select ${schema}_queue.create_queue('${later}', (select to_jsonb(queue) from ${schema}_queue.queue limit 1));
     insert into ${schema}_queue.job (name, data) select '${later}', data from ${schema}_queue.job`,
  );
  expect(idsOf(await two.take('account', 5))).toEqual([entry.batch.id]);
  expect(await two.take('account', 5)).toEqual([]);
  expect(await countWaitingBatches(url)).toBe(1);
  const ledger = await openLedger(url);
  onTestFinished(() => ledger.close());
  await removeQueuedRows(url, 'j_1');
  expect(await countWaitingBatches(url)).toBe(0);
});

test('what is given back goes to another process, and the first one can no longer end it', async () => {
  const [one, two] = await openTwo();
  const entry = createEntry('a');
  await one.add('account', [entry]);
  const first = await one.take('account', 1);
  await one.giveBack('account', first);
  const again = await two.take('account', 1);
  expect(idsOf(again)).toEqual([entry.batch.id]);
  // Late, as after a long pause.
  await one.end('account', first);
  await one.giveBack('account', first);
  expect(await one.take('account', 1)).toEqual([]);
  expect(await two.has('account', entry.batch.id)).toBe(true);
  await two.end('account', again);
  expect(await two.has('account', entry.batch.id)).toBe(false);
});

test('withdrawing takes back what no process has taken, of this job only', async () => {
  const [one, two] = await openTwo();
  const entries = ['a', 'b', 'c'].map((name) => createEntry(name));
  const other = createEntry('a', 'j_2');
  await one.add('account', [...entries, other]);
  const taken = await two.take('account', 1);
  const withdrawn = await one.withdraw('account', 'j_1');
  expect([...withdrawn, ...idsOf(taken)].sort()).toEqual(entries.map(({ batch }) => batch.id).sort());
  expect(idsOf(await two.take('account', 5))).toEqual([other.batch.id]);
});

test('a user without the right to create schemas uses one that was made for it', async () => {
  const place = new URL(createSchemaUrl(await findPostgres()));
  const schema = place.searchParams.get('schema');
  const admin = new URL(place);
  admin.searchParams.delete('schema');
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  const role = `${schema}_user`;
  onTestFinished(async () => {
    await client.query(`drop owned by ${role}; drop role ${role}`);
    await client.end();
  });
  await client.query(`create role ${role} login password 'secret'`);
  if (place.username === '') place.searchParams.set('user', role);
  else place.username = role;
  place.searchParams.set('password', 'secret');
  await expect(openQueue(place.href, { onTrouble: () => undefined })).rejects.toMatchObject({
    code: 'QUEUE_NO_RIGHTS',
    hint: expect.stringContaining(`create schema ${schema}_queue authorization USER;`),
  });
  await client.query(`create schema ${schema}_queue authorization ${role}`);
  const queue = await open(place.href);
  await queue.add('account', [createEntry('a')]);
  expect(await queue.take('account', 1)).toHaveLength(1);
  // Found when it is opened, before a batch is sent that could not be removed.
  for (const right of ['insert', 'update', 'delete', 'select']) {
    await client.query(`alter schema ${schema}_queue owner to current_user;
      reassign owned by ${role} to current_user; grant usage on schema ${schema}_queue to ${role};
      grant all on all tables in schema ${schema}_queue to ${role}`);
    await (await openQueue(place.href, { onTrouble: () => undefined })).close();
    await client.query(`revoke ${right} on all tables in schema ${schema}_queue from ${role}`);
    await expect(openQueue(place.href, { onTrouble: () => undefined })).rejects.toMatchObject({
      code: 'QUEUE_NO_RIGHTS',
    });
  }
});

test('a server that is restarted ends neither the process nor a call', async () => {
  const server = await startPostgres();
  const told: string[] = [];
  const queue = await openQueue(server.url, { onTrouble: (message) => told.push(message) });
  onTestFinished(() => queue.close());
  await queue.add('account', [createEntry('a')]);
  await server.stop();
  const taking = queue.take('account', 1);
  await expect.poll(() => told.length).toBe(1);
  await server.start();
  expect(await taking).toHaveLength(1);
  expect(told[0]).toContain('The queue cannot be reached, trying again: ');
});
