import { expect, test } from 'vitest';
import { READ_TAIL } from '../../src/ledger/answer-keys.js';
import { Database, type SqlValue } from '../../src/ledger/database.js';
import { Ledger } from '../../src/ledger/ledger.js';
import {
  breakWrites,
  countKeys,
  createLedgerPath,
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestKey,
  createTestRun,
  findCeos,
  openShortTailLedger,
  openTestJob,
  openTestLedger,
  settleInVain,
  settleTestRun,
} from '../helpers/ledger-samples.js';

const DONE = { stop: 'done', counts: null, finished: null } as const;

function createNames(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `Company ${from + index}`);
}

function createCeos(names: readonly string[], ceo: string): Map<string, string> {
  return new Map(names.map((name) => [name, ceo]));
}

test('the answer that makes the tail too long merges it into the table, and every key is still found', () => {
  const path = createLedgerPath();
  const ledger = openShortTailLedger(path, 10);
  const job = openTestJob(ledger);
  const names = createNames(25);
  const seen = [];
  for (let at = 0; at < names.length; at += 3) {
    settleTestRun(ledger, job, names.slice(at, at + 3), { ceo: 'Ann' });
    expect(findCeos(ledger, job, names)).toEqual(createCeos(names.slice(0, at + 3), 'Ann'));
    seen.push(countKeys(path));
  }
  expect(seen.map(({ tail }) => tail)).toEqual([3, 6, 9, 0, 3, 6, 9, 0, 1]);
  expect(seen.map(({ merged }) => merged)).toEqual([0, 0, 0, 12, 12, 12, 12, 24, 24]);
  expect(ledger.check()).toEqual([]);
  ledger.close();
});

test('a tail of 20,000 answers is read on demand and merged by the next answer', async () => {
  const path = createLedgerPath();
  const writer = openTestLedger(path);
  const job = openTestJob(writer);
  const names = createNames(20_000);
  for (let at = 0; at < names.length - 1; at += 1_000) {
    settleTestRun(writer, job, names.slice(at, Math.min(at + 1_000, names.length - 1)), { ceo: 'Ann' });
  }
  await writer.flush();
  expect(countKeys(path)).toEqual({ merged: 0, tail: 19_999 });
  const reader = openTestLedger(path);
  const ends = [names[0] ?? '', names[19_998] ?? '', names[19_999] ?? ''];
  expect(findCeos(reader, job, ends)).toEqual(createCeos(ends.slice(0, 2), 'Ann'));
  settleTestRun(reader, job, names.slice(-1), { ceo: 'Ann' });
  await reader.flush();
  expect(countKeys(path)).toEqual({ merged: 20_000, tail: 0 });
  expect(findCeos(writer, job, ends)).toEqual(createCeos(ends, 'Ann'));
  expect(writer.check()).toEqual([]);
  reader.close();
  writer.close();
});

test('a tail left by a crash is read at the first lookup, not before', () => {
  const path = createLedgerPath();
  const crashed = openTestLedger(path);
  const job = openTestJob(crashed);
  settleTestRun(crashed, job, ['Acme'], { ceo: 'Ann' });
  const heard: string[] = [];
  class HeardDatabase extends Database {
    override all<Row>(sql: string, ...values: readonly SqlValue[]): Row[] {
      heard.push(sql);
      return super.all<Row>(sql, ...values);
    }
  }
  const ledger = new Ledger(new HeardDatabase(path), createTestClock());
  ledger.listJobs();
  ledger.readSpend(job.id);
  ledger.findOpenBatches(job.askId);
  openTestJob(ledger);
  expect(heard).not.toContain(READ_TAIL);
  expect(findCeos(ledger, job, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
  expect(heard).toContain(READ_TAIL);
  ledger.close();
  crashed.close();
});

test('closing a job merges the whole tail, its own and that of others', () => {
  const path = createLedgerPath();
  const [one, two] = [openTestLedger(path), openTestLedger(path)];
  const [job, other] = [openTestJob(one), openTestJob(two, createTestAsk('Another question'))];
  settleTestRun(one, job, ['Acme'], { ceo: 'Ann' });
  settleTestRun(two, other, ['Acme', 'Globex'], { ceo: 'Bob' });
  one.fail(job.id, [{ key: createTestKey('Initech'), reason: 'too large' }]);
  one.closeJob(job.id, DONE);
  expect(countKeys(path)).toEqual({ merged: 4, tail: 0 });
  for (const ledger of [one, two]) {
    expect(findCeos(ledger, job, ['Acme', 'Globex'])).toEqual(new Map([['Acme', 'Ann']]));
    expect(findCeos(ledger, other, ['Acme', 'Globex'])).toEqual(createCeos(['Acme', 'Globex'], 'Bob'));
  }
  expect(one.check()).toEqual([]);
  one.close();
  two.close();
});

test('two connections that write the same keys share one answer each, in tail or table', () => {
  const path = createLedgerPath();
  const [one, two] = [openShortTailLedger(path, 4), openShortTailLedger(path, 7)];
  const job = openTestJob(one);
  const names = createNames(6);
  let ceo = '';
  for (let turn = 0; turn < 20; turn += 1) {
    ceo = `Ann ${turn}`;
    const part = [0, 2, 3].map((step) => names[(turn + step) % names.length] ?? '');
    settleTestRun(turn % 2 === 0 ? one : two, job, part, { ceo, refresh: true, attempt: turn + 1 });
    for (const ledger of [one, two]) expect(findCeos(ledger, job, part)).toEqual(createCeos(part, ceo));
  }
  expect(one.check()).toEqual([]);
  const { merged, tail } = countKeys(path);
  expect(merged + tail).toBe(names.length);
  const costs = [...one.findAnswers(job, names.map(createTestKey)).values()].map((row) => row.costMicros);
  expect(costs.reduce((sum, cost) => sum + cost, 0)).toBe(60);
  one.close();
  two.close();
});

test('rows that fail in two connections at once are recorded once', () => {
  const path = createLedgerPath();
  const [one, two] = [openTestLedger(path), openTestLedger(path)];
  const job = openTestJob(one);
  const key = createTestKey('Acme');
  two.findAnswers(job, [key]);
  one.fail(job.id, [
    { key, reason: 'too large' },
    { key, reason: 'much too large' },
  ]);
  two.fail(job.id, [{ key, reason: 'still too large' }]);
  expect(one.findAnswers(job, [key]).get(key)).toMatchObject({ failure: 'still too large' });
  one.closeJob(job.id, DONE);
  expect(countKeys(path)).toEqual({ merged: 1, tail: 0 });
  one.close();
  two.close();
});

test('a duplicate row in a batch is one answer with both shares', () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  settleTestRun(ledger, job, ['Acme', 'Globex', 'Acme'], { ceo: 'Ann' });
  const key = createTestKey('Acme');
  expect(ledger.findAnswers(job, [key]).get(key)).toMatchObject({ costMicros: 2 });
  ledger.closeJob(job.id, DONE);
  expect(countKeys(path)).toEqual({ merged: 2, tail: 0 });
  ledger.close();
});

test('a changed ask counts earlier answers in tail and table, but not failed rows', () => {
  const ledger = openTestLedger();
  const old = openTestJob(ledger, createTestAsk('Old question'));
  const reopen = () => openTestJob(ledger, createTestAsk('New question')).previous?.answered;
  settleTestRun(ledger, old, ['Acme', 'Globex'], { ceo: 'Ann' });
  ledger.fail(old.id, [{ key: createTestKey('Initech'), reason: 'too large' }]);
  ledger.closeJob(old.id, DONE);
  settleTestRun(ledger, old, ['Umbrella'], { ceo: 'Bob' });
  ledger.fail(old.id, [{ key: createTestKey('Hooli'), reason: 'too large' }]);
  expect(reopen()).toBe(3);
  ledger.close();
});

test.each(['in the tail', 'in the table', 'merged by another process'])(
  'a refresh and a late run find the answer %s',
  (place) => {
    const path = createLedgerPath();
    const clock = createTestClock(1_000);
    const [ledger, other] = [openTestLedger(path, clock), openTestLedger(path, clock)];
    const job = openTestJob(ledger);
    const move = (): void => {
      if (place === 'in the table') ledger.closeJob(job.id, DONE);
      if (place === 'merged by another process') other.closeJob(job.id, DONE);
    };
    const late = createTestBatch(job, ['Acme'], { attempt: 9 });
    ledger.intend(late, null);
    clock.nowMs = 2_000;
    settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
    move();
    clock.nowMs = 3_000;
    settleTestRun(ledger, job, ['Acme'], { ceo: 'Bob', refresh: true, attempt: 2 });
    move();
    const answer = createTestAnswer('Acme', { ceo: 'Old', headcount: 12 }, 'run_late');
    ledger.settle(late.id, createTestRun('run_late', 7), [answer], []);
    const key = createTestKey('Acme');
    for (const each of [ledger, other]) {
      const found = each.findAnswers(job, [key]).get(key);
      expect(found).toMatchObject({ answeredAtMs: 3_000, costMicros: 9 });
      expect([...(found?.fields ?? [])].map(([name, field]) => [name, field.value])).toEqual([
        ['ceo', 'Bob'],
        ['headcount', 12],
      ]);
      expect(each.findOlderAnswers(job.askId, key)).toMatchObject([{ replacedAtMs: 3_000 }]);
    }
    expect(ledger.check()).toEqual([]);
    ledger.close();
    other.close();
  },
);

test.each(['at once', 'after another process has written'])(
  'answers of a failed turn are not found, and their numbers belong to new answers: seen %s',
  async (when) => {
    const path = createLedgerPath();
    const [broken, ledger] = [openTestLedger(path), openTestLedger(path)];
    const job = openTestJob(broken);
    settleTestRun(broken, job, ['Acme'], { ceo: 'Ann' });
    await broken.flush();
    settleInVain(broken, job, path, ['Globex', 'Initech']);
    if (when === 'at once') {
      expect(findCeos(broken, job, ['Acme', 'Globex'])).toEqual(new Map([['Acme', 'Ann']]));
    }
    settleTestRun(ledger, job, ['Hooli', 'Globex'], { ceo: 'Bob', attempt: 2 });
    const known = new Map([
      ['Acme', 'Ann'],
      ['Globex', 'Bob'],
      ['Hooli', 'Bob'],
    ]);
    for (const each of [broken, ledger]) {
      const names = ['Acme', 'Globex', 'Initech', 'Hooli'];
      // One by one, because a wrong number that leads to a valid answer could go unnoticed among others.
      expect(names.map((name) => findCeos(each, job, [name]).get(name))).toEqual(
        names.map((name) => known.get(name)),
      );
    }
    expect(ledger.check()).toEqual([]);
    broken.close();
    ledger.close();
  },
);

test('a step that fails before writing uses no number', () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  const mend = breakWrites(path, 'insert on answer', `new.key = '${createTestKey('Globex')}'`);
  const failures = ['Acme', 'Globex'].map((name) => ({ key: createTestKey(name), reason: 'too large' }));
  expect(() => ledger.fail(job.id, failures)).toThrow(/broken/);
  settleTestRun(ledger, job, ['Initech'], { ceo: 'Ann' });
  ledger.closeJob(job.id, DONE);
  mend();
  ledger.fail(job.id, failures);
  expect(findCeos(ledger, job, ['Acme', 'Globex', 'Initech'])).toEqual(
    new Map([
      ['Acme', undefined],
      ['Globex', undefined],
      ['Initech', 'Ann'],
    ]),
  );
  expect(ledger.check()).toEqual([]);
  ledger.close();
});

test('a failed merge leaves the tail unchanged, and the next one merges it', () => {
  const path = createLedgerPath();
  const ledger = openTestLedger(path);
  const job = openTestJob(ledger);
  settleTestRun(ledger, job, ['Acme', 'Globex'], { ceo: 'Ann' });
  ledger.closeJob(job.id, DONE);
  settleTestRun(ledger, job, ['Initech'], { ceo: 'Ann', attempt: 2 });
  const mend = breakWrites(path, 'update on answer_key_mark', 'true');
  expect(() => ledger.closeJob(job.id, DONE)).toThrow(/broken/);
  mend();
  const names = ['Acme', 'Globex', 'Initech'];
  expect(findCeos(ledger, job, names)).toEqual(createCeos(names, 'Ann'));
  settleTestRun(ledger, job, ['Initech', 'Hooli'], { ceo: 'Bob', refresh: true, attempt: 3 });
  ledger.closeJob(job.id, DONE);
  expect(countKeys(path)).toEqual({ merged: 4, tail: 0 });
  expect(findCeos(ledger, job, ['Initech', 'Hooli'])).toEqual(createCeos(['Initech', 'Hooli'], 'Bob'));
  expect(ledger.check()).toEqual([]);
  ledger.close();
});
