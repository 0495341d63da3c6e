import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Ledger, openLedger } from '../../src/ledger/ledger.js';
import type { OpenedJob } from '../../src/ledger/records.js';
import type { FieldAnswer, RowAnswer } from '../../src/model/answer.js';
import { type Ask, createAsk, hashText } from '../../src/model/ask.js';
import { type Batch, createBatch } from '../../src/model/batch.js';
import type { JsonValue } from '../../src/model/json.js';
import type { AgentRun } from '../../src/model/run.js';

/** A clock that a test moves by hand. */
export interface TestClock {
  nowMs: number;
  now(): number;
}

export function createTestClock(nowMs = 1_000_000): TestClock {
  const clock: TestClock = { nowMs, now: () => clock.nowMs };
  return clock;
}

/** A path for a ledger in a fresh folder of its own, which is removed when the test ends. */
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

export function openTestJob(ledger: Ledger, ask = createTestAsk(), input = '/data/in.csv'): OpenedJob {
  return ledger.openJob({ ask, input, output: `${input}.filled`, settings: { batch: 8 } });
}

export function createTestKey(company: string): string {
  return hashText(company, 32);
}

export function createTestBatch(
  job: OpenedJob,
  companies: readonly string[],
  changes: Partial<Omit<Batch, 'id'>> = {},
): Batch {
  return createBatch(
    {
      jobId: job.id,
      askId: job.askId,
      attempt: 1,
      effort: 'low',
      fields: ['ceo', 'headcount'],
      rows: companies.map((company, index) => ({
        rowId: `r${index + 1}`,
        key: createTestKey(company),
        record: { company },
      })),
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
