import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type {
  JobHandle,
  JobParts,
  Ledger,
  OpenedJob,
  RowFailure,
  Settled,
  SpendLimits,
  StoredAnswer,
} from '../../src/ledger/ledger.js';
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.js';
import type { FieldAnswer, RowAnswer } from '../../src/model/answer.js';
import { type Ask, createAsk, hashText } from '../../src/model/ask.js';
import { type Batch, type BatchParts, createBatch } from '../../src/model/batch.js';
import type { JsonValue } from '../../src/model/json.js';
import { releaseFiles } from '../../src/model/release-files.js';
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
  onTestFinished(async () => {
    await releaseFiles();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return join(folder, 'home', 'ledger.sqlite');
}

/** A SQLite ledger that is closed when the test ends. */
export function openTestLedger(
  path = createLedgerPath(),
  clock: Pick<TestClock, 'now'> = createTestClock(),
): Ledger {
  const ledger = openSqliteLedger(path, { clock });
  onTestFinished(() => ledger.close());
  return ledger;
}

export const NO_LIMITS: SpendLimits = { jobMicros: null, day: null };

/** The verdict on one batch: `reserved`, `changed`, `holder_lost` or the budget that cannot cover it. */
export async function tryReserve(
  ledger: Ledger,
  batch: Batch,
  limits: Partial<SpendLimits> = {},
  seen?: number,
): Promise<string> {
  const keys = batch.rows.map(({ key }) => key);
  const known = seen ?? (await ledger.findAnswers({ id: batch.jobId, askId: batch.askId }, keys)).seen;
  const reservation = { batch, seen: keys.map(() => known) };
  const [verdict] = await ledger.reserveBatches([reservation], { ...NO_LIMITS, ...limits });
  return verdict?.status === 'over_budget' ? verdict.budget : (verdict?.status ?? 'nothing');
}

/** Reserves a batch without caps. */
export async function reserveTestBatch(ledger: Ledger, batch: Batch): Promise<void> {
  expect(await tryReserve(ledger, batch)).toBe('reserved');
}

/** Settles one batch with a run. */
export async function settleTestBatch(
  ledger: Ledger,
  batch: Batch,
  run: AgentRun,
  answers: readonly RowAnswer[] = [],
  failures: readonly RowFailure[] = [],
): Promise<Settled> {
  const [settled] = await ledger.settleBatches([{ batch, run, answers, failures }]);
  if (settled === undefined) throw new Error('nothing was settled');
  return settled;
}

/** Settles one run that answers the companies with a value for the field `ceo`. It costs one micro-dollar a row. */
export async function settleTestRun(
  ledger: Ledger,
  job: OpenedJob,
  companies: readonly string[],
  { ceo, ...changes }: { readonly ceo: JsonValue } & Partial<BatchParts>,
): Promise<Batch> {
  const batch = createTestBatch(job, companies, changes);
  const runId = `run_${batch.id}`;
  await reserveTestBatch(ledger, batch);
  const answers = companies.map((company) =>
    createTestAnswer(company, { ceo }, runId, { effort: batch.effort }),
  );
  await settleTestBatch(ledger, batch, createTestRun(runId, companies.length), answers);
  return batch;
}

/** What the ledger knows of one company. */
export async function findTestAnswer(
  ledger: Ledger,
  job: JobHandle,
  company: string,
): Promise<StoredAnswer | undefined> {
  const key = createTestKey(company);
  return (await ledger.findAnswers(job, [key])).answers.get(key);
}

/** Reads the ledger's values of the field `ceo` by company. */
export async function findCeos(
  ledger: Ledger,
  job: JobHandle,
  companies: readonly string[],
): Promise<ReadonlyMap<string, JsonValue | undefined>> {
  const { answers } = await ledger.findAnswers(job, companies.map(createTestKey));
  const known = companies.flatMap((company) => {
    const answer = answers.get(createTestKey(company));
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

export function createTestJob(
  ask = createTestAsk(),
  input = '/data/in.csv',
  changes: Partial<JobParts> = {},
): JobParts {
  return { ask, input, output: `${input}.filled`, settings: { batch: 8 }, ...changes };
}

export function openTestJob(
  ledger: Ledger,
  ask = createTestAsk(),
  input = '/data/in.csv',
  changes: Partial<JobParts> = {},
): Promise<OpenedJob> {
  return ledger.openJob(createTestJob(ask, input, changes));
}

export function createTestKey(company: string): string {
  return hashText(company, 32);
}

export function createTestBatch(
  job: Pick<OpenedJob, 'id' | 'askId' | 'invocation'>,
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

/** A completed run. Null is the cost of a run for which the agent reported none. */
export function createTestRun(id: string, costMicros: number | null = 25_000): AgentRun {
  const total = costMicros === null ? null : costMicros / 1_000_000;
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
    costDollars: { total, agentCompute: total ?? 0, search: 0, emails: 0, phoneNumbers: 0 },
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
