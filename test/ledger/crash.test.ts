import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startLedgerChild } from '../helpers/ledger-child.js';
import { createTestKey, findCeos } from '../helpers/ledger-samples.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { readEverything } from './read-everything.js';
import { openStore, STORES, type TestStore } from './stores.js';

const COST_MICROS = 100;

/** Batches that the process reported for this step. */
function readBatches(lines: readonly string[], step: string): Set<string> {
  const found = lines.filter((line) => line.startsWith(`${step} `));
  return new Set(found.map((line) => line.slice(step.length + 1)));
}

/** Compares the ledger with the reports. `known` collects the batches, including unreported ones. */
async function checkReports(
  store: TestStore,
  place: string,
  lines: readonly string[],
  known: Set<string>,
): Promise<void> {
  const ledger = await openStore(store, place);
  expect(await ledger.check()).toEqual([]);
  const job = (await ledger.listJobs())[0];
  if (job === undefined) throw new Error('the job is lost');
  const open = new Map((await ledger.listOpenBatches(job.askId)).map((batch) => [batch.batch.id, batch]));
  const [sent, settled] = [readBatches(lines, 'sent'), readBatches(lines, 'settled')];
  for (const id of [...readBatches(lines, 'intended'), ...open.keys()]) known.add(id);
  let runs = 0;
  for (const id of known) {
    if ((await ledger.getRun(`run_${id}`)) !== null) {
      runs += 1;
      continue;
    }
    expect(settled.has(id)).toBe(false);
    expect(open.get(id)?.state).toMatch(sent.has(id) ? 'sent' : /intended|sent/);
  }
  expect(job).toMatchObject({
    reservedMicros: open.size * COST_MICROS,
    spentMicros: runs * COST_MICROS,
    answered: runs * 3,
  });
  await ledger.close();
}

/** Every change of the contract that is more than one statement, as the child knows it. */
const CHANGES = [
  'settleBatches',
  'prune',
  'openJob',
  'reopenJob',
  'closeJob',
  'reserveBatches',
  'markStarted',
  'markUnknown',
  'releaseBatch',
  'recordFailures',
  'putHumanAnswers',
  'rejectAnswers',
  'moveFolder',
  'placeJobs',
  'noteWritten',
];
const COMPANIES = ['a', 'a2', 'b', 'b2', 'c', 'd'];

describe.each(STORES)('crashes of $name', (store) => {
  test(
    'kill -9 at any moment loses no step that was reported, and the next process continues',
    SLOW,
    async () => {
      const place = store.createPlace();
      const lines: string[] = [];
      const known = new Set<string>();
      const counts = fc.sample(fc.integer({ min: 1, max: 40 }), { numRuns: chooseCount(12, 4), seed: 4 });
      for (const count of counts) {
        const child = startLedgerChild([store.name, 'trip', place, '1000000', '10']);
        await child.waitForLines(count);
        await child.kill();
        expect(child.lines.join('\n')).not.toContain('error');
        lines.push(...child.lines);
        await checkReports(store, place, lines, known);
      }
    },
  );

  test.each(CHANGES.slice(0, chooseCount(CHANGES.length, store.killedChanges)))(
    '%s is done completely or not at all if the process is killed in the middle of it',
    SLOW,
    async (change) => {
      /** What the ledger says after the process was killed at this statement; `isDone` if it was not. */
      const kill = async (statements: number | '') => {
        const place = store.createPlace();
        const child = startLedgerChild([store.name, 'step', place, change, `${statements}`]);
        await child.end();
        expect(child.lines.join('\n')).not.toContain('error');
        const ledger = await openStore(store, place, { clock: Date });
        expect(await ledger.check()).toEqual([]);
        const everything = JSON.stringify(await readEverything(ledger, COMPANIES), (name, value: unknown) =>
          /AtMs$|^digest$/.test(name) ? 0 : listMap(value),
        );
        await ledger.close();
        return { everything, isDone: child.lines.includes('done') };
      };
      const after = await kill('');
      expect(after.isDone).toBe(true);
      const before = await kill(0);
      expect(before.isDone).toBe(false);
      expect(before.everything).not.toBe(after.everything);
      for (let statements = chooseCount(1, 2); ; statements += chooseCount(1, 8)) {
        const { everything, isDone } = await kill(statements);
        if (isDone) {
          expect(everything).toBe(after.everything);
          return;
        }
        expect(everything).toBe(before.everything);
      }
    },
  );

  test.skipIf(store.fullDiskBlocks === null || process.platform === 'win32')(
    'a full disk stops the job with a clear error and loses nothing that was written',
    async () => {
      const place = store.createPlace();
      const known = new Set<string>();
      const arguments_ = [store.name, 'trip', place, '1000000', '20000'];
      const child = startLedgerChild(arguments_, store.fullDiskBlocks);
      await child.end();
      expect(child.lines.at(-1)).toMatch(/^error LEDGER_(FULL|NOT_WRITABLE) usage /);
      expect(child.lines.at(-1)).toContain(place);
      expect(readBatches(child.lines, 'settled').size).toBeGreaterThan(0);
      await checkReports(store, place, child.lines, known);
      const next = startLedgerChild([store.name, 'trip', place, '3', '20000']);
      await next.end();
      expect(next.lines.at(-1)).toBe('done');
      await checkReports(store, place, [...child.lines, ...next.lines], known);
    },
  );
});

describe.each(STORES)('several processes on $name', (store) => {
  test('under one cap, they never exceed it together', async () => {
    const place = store.createPlace();
    const children = ['one', 'two', 'three'].map((who) =>
      startLedgerChild([store.name, 'spend', place, who, '1000']),
    );
    await Promise.all(children.map((child) => child.waitForLines(1)));
    expect(children.map((child) => child.lines)).toEqual([['done'], ['done'], ['done']]);
    const ledger = await openStore(store, place);
    const job = (await ledger.listJobs())[0];
    // 142 × 7 fits; one more would exceed the cap.
    expect(job).toMatchObject({ spentMicros: 0, reservedMicros: 994 });
    expect(await ledger.listOpenBatches(job?.askId ?? '')).toHaveLength(142);
  });

  test('that create the ledger at the same time, all succeed', async () => {
    const place = store.createPlace(true);
    const children = Array.from({ length: 5 }, () => startLedgerChild([store.name, 'open', place]));
    await Promise.all(children.map((child) => child.end()));
    const said = children.flatMap((child) => child.lines).sort();
    expect(said).toEqual([1, 2, 3, 4, 5].map((n) => `opened ${n}`));
    const ledger = await openStore(store, place);
    expect(await ledger.check()).toEqual([]);
  });

  test('buy every row once, although all want the same rows, and one is killed', async () => {
    const place = store.createPlace();
    const children = ['1', '2', '3'].map((who) => startLedgerChild([store.name, 'keys', place, who]));
    await children[0]?.waitForLines(9);
    await children[0]?.kill();
    await Promise.all(children.slice(1).map((child) => child.end()));
    const lines = children.flatMap((child) => child.lines);
    expect(children.slice(1).map((child) => child.lines.at(-1))).toEqual(['done', 'done']);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
    const companies = Array.from({ length: 200 }, (_, index) => `Company ${index}`);
    const settled = lines.filter((line) => line.startsWith('settled '));
    expect(new Set(settled).size).toBe(settled.length);
    const ledger = await openStore(store, place, { clock: Date });
    expect(await ledger.check()).toEqual([]);
    const jobs = await ledger.listJobs();
    // A row that two jobs have bought would count twice.
    expect(jobs.reduce((sum, { answered }) => sum + answered, 0)).toBe(200);
    const shares = await Promise.all(
      jobs.map(async (job) => {
        const { answers } = await ledger.findAnswers(job, companies.map(createTestKey));
        return [...answers.values()].reduce((total, { costMicros }) => total + costMicros, 0);
      }),
    );
    expect(shares).toEqual(jobs.map(({ spentMicros }) => spentMicros));
    const found = await findCeos(ledger, jobs[0] as never, companies);
    expect(new Set(found.values())).toEqual(new Set(['Ann']));
  });
});

/** Maps as lists, which JSON can show. */
function listMap(value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}
