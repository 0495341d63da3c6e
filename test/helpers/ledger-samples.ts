import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { AnswerKeys } from '../../src/ledger/answer-keys.js';
import { Database } from '../../src/ledger/database.js';
import { Ledger, openLedger } from '../../src/ledger/ledger.js';
import type { JobHandle, JobParts, OpenedJob } from '../../src/ledger/records.js';
import type { FieldAnswer, RowAnswer } from '../../src/model/answer.js';
import { type Ask, createAsk, hashText } from '../../src/model/ask.js';
import { type Batch, type BatchParts, createBatch } from '../../src/model/batch.js';
import type { JsonValue } from '../../src/model/json.js';
import type { AgentRun } from '../../src/model/run.js';

/** A clock that the test advances. */
export interface TestClock {
  nowMs: number;
  now(): number;
}

export function createTestClock(nowMs = 1_000_000): TestClock {
  const clock: TestClock = { nowMs, now: () => clock.nowMs };
  return clock;
}

/** A path for a ledger in a fresh folder, removed when the test ends. */
export function createLedgerPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rowfill-ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return join(folder, 'home', 'ledger.sqlite');
}

export function openTestLedger(
  path = createLedgerPath(),
  clock: Pick<TestClock, 'now'> = createTestClock(),
): Ledger {
  return openLedger(path, { clock });
}

/** A connection that merges its tail after only a few answers, so that a test reaches it. */
export function openShortTailLedger(path: string, maxTail: number, clock = createTestClock()): Ledger {
  openLedger(path).close();
  const database = new Database(path);
  return new Ledger(database, clock, new AnswerKeys(database, maxTail));
}

/** Counts the answers with keys in the table and those in the tail, from a separate connection. */
export function countKeys(path: string): { merged: number; tail: number } {
  const database = new Database(path);
  const counts = database.read(() =>
    database.get<{ merged: number; tail: number }>(
      `select (select count(*) from answer_key) as merged, count(*) as tail
       from answer where number > (select through from answer_key_mark)`,
    ),
  );
  database.close();
  return counts ?? { merged: -1, tail: -1 };
}

/** Settles one run that answers the companies with a value for the field `ceo`. */
export function settleTestRun(
  ledger: Ledger,
  job: OpenedJob,
  companies: readonly string[],
  { ceo, ...changes }: { readonly ceo: JsonValue } & Partial<Omit<Batch, 'id'>>,
): Batch {
  const batch = createTestBatch(job, companies, changes);
  const runId = `run_${batch.id}`;
  ledger.intend(batch, null);
  ledger.settle(
    batch.id,
    createTestRun(runId, companies.length),
    companies.map((company) => createTestAnswer(company, { ceo }, runId)),
    [],
  );
  return batch;
}

/** Makes writes of this kind fail, like a disk error. Returns a function that ends this. */
export function breakWrites(path: string, on: string, when: string): () => void {
  const database = new Database(path);
  const trigger = `create trigger broken before ${on} when ${when} begin select raise(abort, 'broken'); end`;
  database.transact(() => database.exec(trigger));
  database.close();
  return () => {
    const other = new Database(path);
    other.transact(() => other.exec('drop trigger broken'));
    other.close();
  };
}

/** Makes a settlement fail after its answers were written: it is rolled back, and the connection refuses further steps. */
export function settleInVain(ledger: Ledger, job: OpenedJob, path: string, names: readonly string[]): void {
  const batch = createTestBatch(job, names);
  ledger.intend(batch, null);
  const mend = breakWrites(path, 'insert on job_answer', 'true');
  const answers = names.map((name) => createTestAnswer(name, { ceo: 'Nobody' }, 'run_x'));
  expect(() => ledger.settle(batch.id, createTestRun('run_x'), answers, [])).toThrow(/broken/);
  mend();
  const other = openLedger(path);
  other.void(batch.id, 'broken');
  other.close();
}

/** Reads the ledger's values of the field `ceo` by company. */
export function findCeos(
  ledger: Ledger,
  job: JobHandle,
  companies: readonly string[],
): ReadonlyMap<string, JsonValue | undefined> {
  const found = ledger.findAnswers(job, companies.map(createTestKey));
  const known = companies.flatMap((company) => {
    const answer = found.get(createTestKey(company));
    return answer === undefined ? [] : [[company, answer.fields.get('ceo')?.value] as const];
  });
  return new Map(known);
}

export function createTestAsk(
  query = 'Who leads the company?',
  efforts: readonly string[] = ['low', 'high'],
): Ask {
  const schema = { type: 'object', properties: { ceo: { type: 'string' }, headcount: { type: 'integer' } } };
  return createAsk({
    query,
    system: null,
    schema,
    fields: [
      { name: 'ceo', schema: { type: 'string' } },
      { name: 'headcount', schema: { type: 'integer' } },
    ],
    send: ['company'],
    efforts,
    escalateBelow: null,
  });
}

export function openTestJob(
  ledger: Ledger,
  ask = createTestAsk(),
  input = '/data/in.csv',
  changes: Partial<JobParts> = {},
): OpenedJob {
  return ledger.openJob({ ask, input, output: `${input}.filled`, settings: { batch: 8 }, ...changes });
}

export function createTestKey(company: string): string {
  return hashText(company, 32);
}

export function createTestBatch(
  job: OpenedJob,
  companies: readonly string[],
  changes: Partial<BatchParts> = {},
): Batch {
  return createBatch(
    {
      jobId: job.id,
      askId: job.askId,
      attempt: 1,
      effort: 'low',
      fields: ['ceo', 'headcount'],
      rows: companies.map((company) => ({ key: createTestKey(company), record: { company } })),
      previousRunId: null,
      complaint: null,
      reserveMicros: 25_000,
      ...changes,
    },
    job.invocation,
  );
}

export function createTestRun(id: string, costMicros = 25_000): AgentRun {
  const total = costMicros / 1_000_000;
  return {
    id,
    object: 'agent_run',
    status: 'completed',
    stopReason: 'schema_satisfied',
    createdAt: '2026-05-07T00:00:00Z',
    completedAt: '2026-05-07T00:01:00Z',
    request: null,
    output: { text: '', structured: null, grounding: [] },
    usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
    costDollars: { total, agentCompute: total, search: 0, emails: 0, phoneNumbers: 0 },
  };
}

export function createTestField(
  value: JsonValue,
  runId: string,
  changes: Partial<FieldAnswer> = {},
): FieldAnswer {
  return {
    value,
    confidence: value === null ? null : 'high',
    citations: value === null ? [] : [{ url: 'https://example.com/about', title: 'About' }],
    issue: null,
    runId,
    effort: changes.effort ?? 'low',
    triedEffort: changes.effort ?? 'low',
    ...changes,
  };
}

/** An answer to one row: the values by field name. */
export function createTestAnswer(
  company: string,
  values: Readonly<Record<string, JsonValue>>,
  runId: string,
  changes: Partial<FieldAnswer> = {},
): RowAnswer {
  const fields = Object.entries(values).map(
    ([name, value]) => [name, createTestField(value, runId, changes)] as const,
  );
  return { key: createTestKey(company), fields: new Map(fields) };
}
