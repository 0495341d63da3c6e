import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.js';
import type { OpenedJob } from '../../src/ledger/records.js';
import {
  countKeys,
  createLedgerPath,
  createTestAsk,
  createTestClock,
  createTestKey,
  openShortTailLedger,
  openTestJob,
  settleInVain,
  settleTestRun,
  type TestClock,
} from '../helpers/ledger-samples.js';

const ASKS = ['one', 'two', 'three'];
const COMPANIES = Array.from({ length: 12 }, (_, index) => `Company ${index}`);
/** Different, so that the connections do not merge at the same time. */
const MAX_TAILS = [4, 9];

/** State of a row: its latest value, how many were replaced, what was paid, and whether it failed since. */
interface Known {
  ceo: string | undefined;
  older: number;
  cost: number;
  failed: boolean;
}

interface Bench {
  readonly path: string;
  readonly clock: TestClock;
  readonly ledgers: Ledger[];
  /** By ask, then by company. Pruned asks are missing. */
  readonly model: Map<string, Map<string, Known>>;
  settled: number;
  /** Connections that became read-only after a failed step. */
  readonly broken: Set<number>;
}

type Step =
  | {
      readonly kind: 'settle' | 'fail' | 'find' | 'break';
      readonly by: number;
      readonly ask: string;
      readonly names: string[];
    }
  | { readonly kind: 'close' | 'prune'; readonly by: number; readonly ask: string }
  | { readonly kind: 'flush' | 'reopen'; readonly by: number };

const by = fc.nat(MAX_TAILS.length - 1);
const ask = fc.constantFrom(...ASKS);
const names = fc.uniqueArray(fc.constantFrom(...COMPANIES), { minLength: 1, maxLength: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('settle' as const), by, ask, names }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('fail' as const, 'find' as const, 'break' as const),
      by,
      ask,
      names,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('close' as const, 'prune' as const), by, ask }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('flush' as const, 'reopen' as const), by }) },
);

function openJobOf(bench: Bench, ledger: Ledger, name: string): OpenedJob {
  if (!bench.model.has(name)) bench.model.set(name, new Map());
  return openTestJob(ledger, createTestAsk(name));
}

function settle(bench: Bench, ledger: Ledger, name: string, companies: readonly string[]): void {
  bench.settled += 1;
  const ceo = `Ann ${bench.settled}`;
  const job = openJobOf(bench, ledger, name);
  settleTestRun(ledger, job, companies, { ceo, refresh: true, attempt: bench.settled });
  const known = bench.model.get(name);
  for (const company of companies) {
    const row = known?.get(company);
    const older = (row?.older ?? 0) + (row?.ceo === undefined ? 0 : 1);
    known?.set(company, { ceo, older, cost: (row?.cost ?? 0) + 1, failed: false });
  }
}

function fail(bench: Bench, ledger: Ledger, name: string, companies: readonly string[]): void {
  const job = openJobOf(bench, ledger, name);
  ledger.fail(
    job.id,
    companies.map((company) => ({ key: createTestKey(company), reason: 'too large' })),
  );
  const known = bench.model.get(name);
  for (const company of companies) {
    const row = known?.get(company);
    known?.set(company, { ceo: row?.ceo, older: row?.older ?? 0, cost: row?.cost ?? 0, failed: true });
  }
}

/** All asks but one were used recently. */
function prune(bench: Bench, ledger: Ledger, name: string): void {
  bench.clock.nowMs += 1_000;
  for (const other of ASKS) if (other !== name) openJobOf(bench, ledger, other);
  ledger.prune({ asksBeforeMs: bench.clock.nowMs });
  bench.model.delete(name);
}

/** Checks that each connection finds exactly what is in the model. */
function compare(bench: Bench, ledger: Ledger, name: string, companies: readonly string[]): void {
  // Not opened, because that would count as a use of the ask.
  const job = ledger.resolveJob({
    ask: createTestAsk(name),
    input: '/data/in.csv',
    output: '',
    settings: {},
  });
  const together = ledger.findAnswers(job, companies.map(createTestKey));
  for (const company of companies) {
    const key = createTestKey(company);
    const answer = ledger.findAnswers(job, [key]).get(key);
    expect(together.get(key)).toEqual(answer);
    const row = bench.model.get(name)?.get(company);
    expect(answer?.fields.get('ceo')?.value).toBe(row?.ceo);
    expect(answer?.costMicros).toBe(row?.cost);
    expect(answer?.failure ?? null).toBe(row?.failed === true ? 'too large' : null);
    expect(ledger.findOlderAnswers(job.askId, key)).toHaveLength(row?.older ?? 0);
  }
}

function reopen(bench: Bench, by: number): void {
  bench.ledgers[by]?.close();
  bench.ledgers[by] = openShortTailLedger(bench.path, MAX_TAILS[by] ?? 1, bench.clock);
  bench.broken.delete(by);
}

async function take(bench: Bench, next: Step): Promise<void> {
  if (next.kind === 'reopen' || (bench.broken.has(next.by) && next.kind !== 'find')) reopen(bench, next.by);
  const ledger = bench.ledgers[next.by];
  if (ledger === undefined) throw new Error('no such connection');
  if (next.kind === 'settle') settle(bench, ledger, next.ask, next.names);
  if (next.kind === 'fail') fail(bench, ledger, next.ask, next.names);
  if (next.kind === 'find') compare(bench, ledger, next.ask, next.names);
  if (next.kind === 'prune') prune(bench, ledger, next.ask);
  if (next.kind === 'break') {
    settleInVain(ledger, openJobOf(bench, ledger, next.ask), bench.path, next.names);
    bench.broken.add(next.by);
  }
  if (next.kind === 'flush') await ledger.flush();
  if (next.kind === 'close') {
    const { id } = openJobOf(bench, ledger, next.ask);
    ledger.closeJob(id, { stop: 'done', counts: null, finished: null });
  }
}

test('after any steps of two connections, each key has exactly one answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const [path, clock] = [createLedgerPath(), createTestClock()];
      const ledgers = MAX_TAILS.map((maxTail) => openShortTailLedger(path, maxTail, clock));
      const bench: Bench = { path, clock, ledgers, model: new Map(), settled: 0, broken: new Set() };
      for (const next of steps) await take(bench, next);
      for (const ledger of bench.ledgers) {
        for (const name of ASKS) compare(bench, ledger, name, COMPANIES);
        expect(ledger.check()).toEqual([]);
      }
      const { merged, tail } = countKeys(path);
      const known = [...bench.model.values()].reduce((sum, rows) => sum + rows.size, 0);
      expect(merged + tail).toBe(known);
      for (const ledger of bench.ledgers) ledger.close();
    }),
    { numRuns: 60 },
  );
});
