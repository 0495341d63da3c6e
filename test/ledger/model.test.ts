import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ledger, OpenedJob } from '../../src/ledger/ledger.js';
import type { Batch } from '../../src/model/batch.js';
import type { JsonValue } from '../../src/model/json.js';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestJob,
  createTestKey,
  createTestRun,
  NO_LIMITS,
  settleTestBatch,
  type TestClock,
} from '../helpers/ledger-samples.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { EFFORTS, LedgerModel, type ModelOutcome } from './ledger-model.js';
import { STORES, type TestStore } from './stores.js';

const ASKS = ['one', 'two'];
const INPUTS = ['/data/a.csv', '/data/b.csv'];
const COMPANIES = ['a', 'b', 'c', 'd', 'e'];
const KEYS = COMPANIES.map(createTestKey);
const DAY_MS = 24 * 3_600_000;

/** One process on the ledger. */
interface Party {
  ledger: Ledger;
  holder: number;
  /** By ask: number of its last look-up, and the model's time then. */
  readonly looks: Map<string, { readonly seen: number; readonly time: number }>;
}

interface Bench {
  readonly store: TestStore;
  readonly place: string;
  readonly clock: TestClock;
  readonly model: LedgerModel;
  readonly parties: readonly Party[];
  readonly jobs: Map<string, OpenedJob>;
  readonly released: Batch[];
  batches: number;
  holders: number;
  /** Holders of closed ledgers. */
  readonly closed: Set<number>;
}

const by = fc.nat(1);
const job = fc.record({ ask: fc.constantFrom(...ASKS), input: fc.constantFrom(...INPUTS) });
const companies = fc.uniqueArray(fc.constantFrom(...COMPANIES), { minLength: 1, maxLength: 4 });
const values = fc.option(
  fc.record({ ceo: fc.constantFrom('Ann', 'Bob', null), headcount: fc.option(fc.nat(9)) }),
);
const only = <Kind extends string>(...kinds: Kind[]) => fc.constantFrom(...kinds);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ kind: only('reserve'), by, job, companies, looksAgain: fc.boolean(), micros: fc.nat(40) },
      ...{ effort: fc.constantFrom(...EFFORTS), isRefresh: fc.boolean(), cap: fc.option(fc.nat(150)) },
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      ...{ kind: only('settle'), by, pick: fc.nat(), isLate: fc.boolean(), micros: fc.option(fc.nat(60)) },
      rows: fc.array(fc.tuple(values, fc.boolean()), { minLength: 4, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: only('start', 'unknown', 'release'), by, pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: only('fail', 'reject'), by, job, companies }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: only('human'), by, job, companies, ceo: fc.constantFrom('Zoe', null) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: only('open', 'look', 'adopt', 'compare'), by, job }) },
  { weight: 1, arbitrary: fc.record({ kind: only('reopen', 'prune'), by, job }) },
  { weight: 1, arbitrary: fc.record({ kind: only('wait'), by, ms: fc.integer({ min: -500, max: 3_000 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

function pick(bench: Bench, index: number): Batch | undefined {
  const open = [...bench.model.open.values()];
  return open[index % Math.max(open.length, 1)]?.batch;
}

async function openJob(bench: Bench, party: Party, ask: string, input: string): Promise<OpenedJob> {
  const opened = await party.ledger.openJob(createTestJob(createTestAsk(ask), input));
  expect(opened.invocation).toBe(bench.model.openJob(opened.id, opened.askId));
  bench.jobs.set(`${ask} ${input}`, opened);
  return opened;
}

async function findJob(bench: Bench, party: Party, { ask, input }: { ask: string; input: string }) {
  return bench.jobs.get(`${ask} ${input}`) ?? (await openJob(bench, party, ask, input));
}

async function look(bench: Bench, party: Party, opened: OpenedJob): Promise<void> {
  const { seen } = await party.ledger.findAnswers(opened, KEYS);
  party.looks.set(opened.askId, { seen, time: bench.model.time });
}

async function reserve(bench: Bench, party: Party, next: Extract<Step, { kind: 'reserve' }>): Promise<void> {
  const opened = await findJob(bench, party, next.job);
  if (next.looksAgain || !party.looks.has(opened.askId)) await look(bench, party, opened);
  const { seen = 0, time = 0 } = party.looks.get(opened.askId) ?? {};
  bench.batches += 1;
  const batch = createTestBatch(opened, next.companies, {
    ...{ attempt: bench.batches, effort: next.effort, reserveMicros: next.micros },
    ...(next.isRefresh ? { refresh: true } : {}),
  });
  const limits = { ...NO_LIMITS, jobMicros: next.cap };
  const [verdict] = await party.ledger.reserveBatches([{ batch, seen: batch.rows.map(() => seen) }], limits);
  const taken = bench.model.findTaken(batch, party.holder, time);
  const { spentMicros, reservedMicros } = bench.model.spendOf(opened.id);
  if (taken.length > 0) expect(verdict).toEqual({ status: 'changed', keys: taken });
  else if (next.cap !== null && spentMicros + reservedMicros + next.micros > next.cap) {
    expect(verdict).toEqual({ status: 'over_budget', budget: 'over_budget' });
  } else {
    expect(verdict).toEqual({ status: 'reserved' });
    bench.model.reserve(batch, party.holder, bench.clock.nowMs);
  }
}

async function settle(bench: Bench, party: Party, next: Extract<Step, { kind: 'settle' }>): Promise<void> {
  const late = next.isLate ? bench.released.pop() : undefined;
  const batch = late ?? pick(bench, next.pick);
  if (batch === undefined || !bench.model.jobs.has(batch.jobId)) return;
  const runId = bench.model.open.get(batch.id)?.runId ?? `run_${batch.id}`;
  const outcomes = batch.rows.map(({ key }, index): [string, ModelOutcome] => {
    const [values = null, hasFailed = false] = next.rows[index] ?? [];
    return [key, { values, failure: hasFailed ? `no entry ${bench.batches}` : null }];
  });
  const answers = outcomes.flatMap(([key, { values }]) => {
    if (values === null) return [];
    const { fields } = createTestAnswer('', values, runId, { effort: batch.effort, citations: [] });
    return [{ key, fields }];
  });
  const failures = outcomes.flatMap(([key, { failure }]) =>
    failure === null ? [] : [{ key, reason: failure }],
  );
  const settled = await settleTestBatch(
    party.ledger,
    batch,
    createTestRun(runId, next.micros),
    answers,
    failures,
  );
  const by = { holder: party.holder, nowMs: bench.clock.nowMs };
  bench.model.settle(batch, runId, next.micros, new Map(outcomes), by);
  expect(settled).toMatchObject({ status: 'settled', micros: next.micros ?? batch.reserveMicros });
  expect(settled.spend).toEqual(bench.model.spendOf(batch.jobId));
  for (const [key, fields] of settled.merged) {
    expect(sortFields(fields)).toEqual(sortFields(bench.model.findRow(batch.jobId, key)?.answer.fields));
  }
}

async function mark(bench: Bench, { ledger }: Party, kind: 'start' | 'unknown' | 'release', index: number) {
  const batch = pick(bench, index);
  const known = batch === undefined ? undefined : bench.model.open.get(batch.id);
  if (batch === undefined || known === undefined) return;
  if (kind === 'start') {
    await ledger.markStarted(batch, `run_${batch.id}`);
    Object.assign(known, { state: 'sent', runId: `run_${batch.id}` });
  } else if (kind === 'release') {
    await ledger.releaseBatch(batch.id, 'no such run');
    bench.model.release(batch.id);
    bench.released.push(batch);
  } else if (known.runId === null) {
    await ledger.markUnknown(batch.id, 'cannot tell');
    known.state = 'unknown';
  }
}

async function change(
  bench: Bench,
  party: Party,
  next: Extract<Step, { kind: 'fail' | 'reject' }> | Extract<Step, { kind: 'human' }>,
): Promise<void> {
  const opened = await findJob(bench, party, next.job);
  const by = { holder: party.holder, nowMs: bench.clock.nowMs };
  const all = (outcome: ModelOutcome): Map<string, ModelOutcome> =>
    new Map(next.companies.map((company) => [createTestKey(company), outcome]));
  const keys = next.companies.map(createTestKey);
  if ('ceo' in next) {
    const given: Record<string, JsonValue> = { ceo: next.ceo };
    const answers = keys.map((key) => ({ key, values: given }));
    await party.ledger.putHumanAnswers(opened.id, answers);
    bench.model.change('human', opened.id, all({ values: given, failure: null }), by);
  } else if (next.kind === 'fail') {
    const failures = keys.map((key) => ({ key, reason: 'too large' }));
    await party.ledger.recordFailures(opened.id, failures);
    bench.model.change('failures', opened.id, all({ values: null, failure: 'too large' }), by);
  } else {
    const cells = keys.map((key) => ({ key, field: 'ceo' }));
    await party.ledger.rejectAnswers(opened.id, cells);
    bench.model.change('rejected', opened.id, all({ values: { ceo: true }, failure: null }), by);
  }
}

async function reopen(bench: Bench, party: Party): Promise<void> {
  await party.ledger.close();
  bench.closed.add(party.holder);
  party.ledger = await bench.store.open(bench.place, { clock: bench.clock });
  bench.holders += 1;
  party.holder = bench.holders;
  party.looks.clear();
}

async function adopt(bench: Bench, party: Party, opened: OpenedJob): Promise<void> {
  const adopted = await party.ledger.adoptBatches(opened.askId);
  const expected = [...bench.closed].flatMap((each) => bench.model.adopt(opened.askId, each, party.holder));
  expect(adopted.map(({ batch }) => batch.id).sort()).toEqual(expected.sort());
}

/** Makes an ask the only one that was not used for days, and prunes it. */
async function prune(bench: Bench, party: Party, name: string): Promise<void> {
  bench.clock.nowMs += 2 * DAY_MS;
  for (const ask of ASKS) {
    if (ask === name) continue;
    for (const input of INPUTS)
      if (bench.jobs.has(`${ask} ${input}`)) await openJob(bench, party, ask, input);
  }
  await party.ledger.prune({ asksBeforeMs: bench.clock.nowMs });
  const { id } = createTestAsk(name);
  bench.model.prune(id);
  for (const input of INPUTS) bench.jobs.delete(`${name} ${input}`);
  for (const { looks } of bench.parties) looks.clear();
}

/** Compares all that a ledger says with the model. */
async function compare(bench: Bench, { ledger, holder }: Party): Promise<void> {
  const { model } = bench;
  const jobs = await ledger.listJobs();
  expect(jobs.map(({ id }) => id).sort()).toEqual([...model.jobs.keys()].sort());
  expect((await ledger.getSpendSince(null, 0)).spentMicros).toBe(model.totalMicros);
  for (const status of jobs) {
    const spend = model.spendOf(status.id);
    expect(status).toMatchObject({ ...spend, ...model.countRows(status.id) });
    expect(await ledger.getSpend(status.id)).toEqual(spend);
    const found = await ledger.findAnswers(status, KEYS);
    expect([...found.elsewhere].sort()).toEqual([...model.listElsewhere(status.askId, holder)].sort());
    for (const key of KEYS) {
      const row = model.findRow(status.id, key);
      const answer = found.answers.get(key);
      expect(answer && { ...answer, fields: sortFields(answer.fields) }).toEqual(
        row?.answer && { ...row.answer, fields: sortFields(row.answer.fields) },
      );
      if (row !== null) expect(await ledger.listOlderAnswers(status.askId, key)).toHaveLength(row.older);
    }
    const shares = [...found.answers.values()].reduce((sum, { costMicros }) => sum + costMicros, 0);
    expect(shares).toBe(spend.spentMicros - (model.jobs.get(status.id)?.prunedMicros ?? 0));
    const open = (await ledger.listOpenBatches(status.askId)).map(({ batch, state, runId }) => [
      batch.id,
      state,
      runId,
    ]);
    const expected = [...model.open.values()].filter(({ batch }) => batch.askId === status.askId);
    expect(open.sort()).toEqual(expected.map(({ batch, state, runId }) => [batch.id, state, runId]).sort());
  }
}

function sortFields(fields: ReadonlyMap<string, unknown> = new Map()): unknown {
  return [...fields].sort(([a], [b]) => (a < b ? -1 : 1));
}

async function take(bench: Bench, next: Step): Promise<void> {
  const party = bench.parties[next.by];
  if (party === undefined) throw new Error('no such party');
  if (next.kind === 'reserve') return reserve(bench, party, next);
  if (next.kind === 'settle') return settle(bench, party, next);
  if ('pick' in next) return mark(bench, party, next.kind, next.pick);
  if (next.kind === 'wait') {
    // The clock may be set back a little.
    bench.clock.nowMs += next.ms;
    return;
  }
  if ('companies' in next) return change(bench, party, next);
  if (next.kind === 'reopen') return reopen(bench, party);
  if (next.kind === 'prune') return prune(bench, party, next.job.ask);
  if (next.kind === 'compare') return compare(bench, party);
  if (next.kind === 'open') {
    await openJob(bench, party, next.job.ask, next.job.input);
    return;
  }
  const opened = await findJob(bench, party, next.job);
  return next.kind === 'look' ? look(bench, party, opened) : adopt(bench, party, opened);
}

describe.each(STORES)('$name', (store) => {
  test('after any steps of two processes, both say what a simple model says', SLOW, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), async (steps) => {
        const [place, clock] = [store.createPlace(), createTestClock(20 * DAY_MS)];
        const parties = await Promise.all(
          [1, 2].map(async (holder): Promise<Party> => {
            return { ledger: await store.open(place, { clock }), holder, looks: new Map() };
          }),
        );
        const bench: Bench = {
          ...{ store, place, clock, parties, model: new LedgerModel(), jobs: new Map() },
          ...{ released: [], batches: 0, holders: 2, closed: new Set<number>() },
        };
        try {
          for (const next of steps) await take(bench, next);
          for (const party of parties) {
            await compare(bench, party);
            expect(await party.ledger.check()).toEqual([]);
          }
        } finally {
          for (const { ledger } of parties) await ledger.close();
        }
        const last = { ledger: await store.open(place, { clock }), holder: 0, looks: new Map() };
        await compare(bench, last);
        await last.ledger.close();
      }),
      // A failure is reported before the test times out, even if it is not the shortest.
      { numRuns: chooseCount(60, store.histories), interruptAfterTimeLimit: 40_000 },
    );
  });
});
