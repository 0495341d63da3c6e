import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FieldAnswer, REJECTED_AGAIN } from '../../src/model/answer.js';
import { createAsk } from '../../src/model/ask.js';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import type { Confidence } from '../../src/model/run.js';
import {
  createTestAnswer,
  createTestAsk,
  createTestBatch,
  createTestClock,
  createTestField,
  createTestKey,
  createTestRun,
  findCeos,
  findTestAnswer,
  openTestJob,
  reserveTestBatch,
  settleTestBatch,
  settleTestRun,
} from '../helpers/ledger-samples.js';
import { openStore, STORES } from './stores.js';

const KEY = createTestKey('Acme');

describe.each(STORES)('answers in $name', (store) => {
  test('returns a chunk by key, with found, duplicate and unknown keys mixed', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const companies = Array.from({ length: 250 }, (_, index) => `Company ${index}`);
    const batch = createTestBatch(job, companies);
    const answers = companies.map((company, index) =>
      createTestAnswer(company, { headcount: index }, 'run_1'),
    );
    await reserveTestBatch(ledger, batch);
    await settleTestBatch(ledger, batch, createTestRun('run_1', 1_000), answers);
    const keys = companies.map(createTestKey);
    const strange = ['unknown', '"]; drop', '', keys[0]?.slice(0, 16) ?? '', `${keys[0]}0`];
    const { answers: found } = await ledger.findAnswers(job, [...keys, ...keys, ...strange]);
    expect(found.size).toBe(250);
    for (const [index, key] of keys.entries()) {
      expect(found.get(key)).toMatchObject({ fields: answers[index]?.fields, costMicros: 4 });
    }
    for (const few of [strange, []]) expect((await ledger.findAnswers(job, few)).answers.size).toBe(0);
    const nothing = await ledger.findAnswers({ id: 'j_nobody', askId: 'a_nobody' }, keys);
    expect([nothing.answers.size, nothing.elsewhere.size]).toEqual([0, 0]);
  });

  test('lists the rows that any process has changed since a change, in steps', async () => {
    const place = store.createPlace();
    const [one, other] = [await openStore(store, place), await openStore(store, place)];
    const job = await openTestJob(one);
    expect(await one.listChangedRows(job.askId, null, 10)).toMatchObject({ keys: [], hasMore: false });
    const start = (await one.listChangedRows(job.askId, null, 10)).seen;
    await settleTestRun(one, job, ['Acme', 'Beta'], { ceo: 'Ann' });
    await other.putHumanAnswers(job.id, [{ key: createTestKey('Gamma'), values: { ceo: 'Zoe' } }]);
    await other.recordFailures(job.id, [{ key: createTestKey('Delta'), reason: 'none' }]);
    const all = await one.listChangedRows(job.askId, start, 10);
    expect(all).toMatchObject({
      keys: ['Acme', 'Beta', 'Gamma', 'Delta'].map(createTestKey),
      hasMore: false,
    });
    const first = await one.listChangedRows(job.askId, start, 2);
    expect(first).toMatchObject({ keys: ['Acme', 'Beta'].map(createTestKey), hasMore: true });
    const rest = await one.listChangedRows(job.askId, first.seen, 10);
    expect(rest.keys).toEqual(['Gamma', 'Delta'].map(createTestKey));
    expect(await one.listChangedRows(job.askId, all.seen, 10)).toMatchObject({ keys: [], seen: all.seen });
    expect((await one.listChangedRows('a_nobody', start, 10)).keys).toEqual([]);
    const { seen } = await one.listChangedRows(job.askId, null, 10);
    expect(seen).toBe(all.seen);
  });

  test('finds rows of many runs in any order, in this process and in the next', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    const companies = Array.from({ length: 60 }, (_, index) => `Company ${index}`);
    for (let at = 0; at < companies.length; at += 6) {
      await settleTestRun(ledger, job, companies.slice(at, at + 6), { ceo: `Ann ${at}` });
    }
    const expected = new Map(companies.map((company, index) => [company, `Ann ${index - (index % 6)}`]));
    const mixed = companies.toSorted((a, b) => (createTestKey(a) < createTestKey(b) ? -1 : 1));
    expect(new Map([...(await findCeos(ledger, job, mixed))].sort())).toEqual(new Map([...expected].sort()));
    await ledger.close();
    const again = await openStore(store, place);
    expect(await findCeos(again, job, companies)).toEqual(expected);
    for (const company of mixed.slice(0, 10)) {
      expect(await findCeos(again, job, [company])).toEqual(new Map([[company, expected.get(company)]]));
    }
  });

  test('an answer bought by another job costs nothing here, and its failures do not count', async () => {
    const ledger = await openStore(store);
    const buyer = await openTestJob(ledger, createTestAsk(), '/data/a.csv');
    const reader = await openTestJob(ledger, createTestAsk(), '/data/b.csv');
    const batch = createTestBatch(buyer, ['Acme', 'Globex']);
    await reserveTestBatch(ledger, batch);
    await settleTestBatch(
      ledger,
      batch,
      createTestRun('run_1'),
      [createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1')],
      [{ key: createTestKey('Globex'), reason: 'no answer' }],
    );
    const { answers } = await ledger.findAnswers(reader, [KEY, createTestKey('Globex')]);
    expect([...answers.keys()]).toEqual([KEY]);
    expect(answers.get(KEY)).toMatchObject({ costMicros: 0, answeredJobId: buyer.id, runId: 'run_1' });
    const unopened = await ledger.findAnswers({ id: 'j_nobody', askId: reader.askId }, [KEY]);
    expect(unopened.answers.get(KEY)).toMatchObject({ costMicros: 0, answeredJobId: buyer.id });
  });

  test('a failure belongs to its invocation, and is cleared by an answer', async () => {
    const ledger = await openStore(store);
    const first = await openTestJob(ledger);
    await ledger.recordFailures(first.id, [{ key: KEY, reason: 'row too large' }]);
    const second = await openTestJob(ledger);
    expect(await findTestAnswer(ledger, second, 'Acme')).toMatchObject({
      failure: 'row too large',
      failureInvocation: 1,
      costMicros: 0,
      runId: null,
    });
    const batch = await settleTestRun(ledger, second, ['Acme'], { ceo: 'Ann' });
    expect(await findTestAnswer(ledger, second, 'Acme')).toMatchObject({
      failure: null,
      failureInvocation: null,
      answeredInvocation: 2,
      runId: `run_${batch.id}`,
    });
    expect(await ledger.listJobs()).toMatchObject([{ answered: 1, failed: 0 }]);
  });

  test('the last failure counts, and the first run of a row that only failed', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    await ledger.recordFailures(job.id, [
      { key: KEY, reason: 'too large' },
      { key: KEY, reason: 'much too large' },
    ]);
    await ledger.recordFailures(job.id, []);
    const other = await openStore(store, place);
    for (const [runId, reason] of [
      ['run_1', 'no entry'],
      ['run_2', 'no entry again'],
    ] as const) {
      const batch = createTestBatch(job, ['Acme'], {
        previousRunId: runId,
        attempt: runId === 'run_1' ? 1 : 2,
      });
      await reserveTestBatch(ledger, batch);
      await settleTestBatch(ledger, batch, createTestRun(runId, 3), [], [{ key: KEY, reason }]);
    }
    expect(await findTestAnswer(ledger, job, 'Acme')).toMatchObject({
      failure: 'no entry again',
      runId: 'run_1',
      costMicros: 6,
      answeredAtMs: null,
    });
    await other.recordFailures(job.id, [{ key: KEY, reason: 'still too large' }]);
    for (const each of [ledger, other]) {
      expect(await findTestAnswer(each, job, 'Acme')).toMatchObject({ failure: 'still too large' });
      expect(await each.listJobs()).toMatchObject([{ answered: 0, failed: 1 }]);
    }
  });

  test('a failure of this invocation stays when another field of the row is answered', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    await ledger.recordFailures(job.id, [{ key: KEY, reason: 'no entry came back for it' }]);
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
    expect(await findTestAnswer(ledger, job, 'Acme')).toMatchObject({
      failure: 'no entry came back for it',
      failureInvocation: 1,
    });
    expect(await ledger.listJobs()).toMatchObject([{ answered: 1, failed: 1 }]);
  });

  test('a failed follow-up keeps the answer and reports the failure', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const first = createTestBatch(job, ['Acme']);
    const answer = createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1');
    await reserveTestBatch(ledger, first);
    await settleTestBatch(ledger, first, createTestRun('run_1', 10), [answer]);
    const second = createTestBatch(job, ['Acme'], { attempt: 2 });
    await reserveTestBatch(ledger, second);
    await settleTestBatch(
      ledger,
      second,
      createTestRun('run_2', 5),
      [],
      [{ key: KEY, reason: 'run failed' }],
    );
    expect(await findTestAnswer(ledger, job, 'Acme')).toMatchObject({
      fields: answer.fields,
      failure: 'run failed',
      failureInvocation: 1,
      costMicros: 15,
      runId: 'run_1',
    });
  });

  test('a row that was neither answered nor given up gets its share and nothing else', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme', 'Globex']);
    await reserveTestBatch(ledger, batch);
    const answers = [createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1')];
    await settleTestBatch(ledger, batch, createTestRun('run_1', 10), answers);
    expect(await findTestAnswer(ledger, job, 'Globex')).toEqual({
      fields: new Map(),
      failure: null,
      failureInvocation: null,
      costMicros: 5,
      estimatedMicros: 0,
      runId: 'run_1',
      answeredJobId: null,
      answeredInvocation: null,
      answeredAtMs: null,
    });
  });

  test('a follow-up adds its field and cost, and keeps run and age of the other fields', async () => {
    const clock = createTestClock(1_000);
    const ledger = await openStore(store, undefined, { clock });
    const job = await openTestJob(ledger);
    const first = createTestBatch(job, ['Acme']);
    await reserveTestBatch(ledger, first);
    const half = createTestAnswer('Acme', { ceo: 'Ann', headcount: null }, 'run_1');
    await settleTestBatch(ledger, first, createTestRun('run_1', 10), [half]);
    clock.nowMs = 5_000;
    const second = createTestBatch(job, ['Acme'], {
      attempt: 2,
      effort: 'high',
      fields: ['headcount'],
      previousRunId: 'run_1',
    });
    await reserveTestBatch(ledger, second);
    const rest = createTestAnswer('Acme', { headcount: 12 }, 'run_2', { effort: 'high' });
    const settled = await settleTestBatch(ledger, second, createTestRun('run_2', 7), [rest]);
    const fields = new Map([
      ['ceo', createTestField('Ann', 'run_1', { foundAtMs: 1_000, sentAtMs: 1_000 })],
      ['headcount', createTestField(12, 'run_2', { effort: 'high', foundAtMs: 5_000, sentAtMs: 5_000 })],
    ]);
    expect(settled.merged).toEqual(new Map([[KEY, fields]]));
    const found = await findTestAnswer(ledger, job, 'Acme');
    expect(found).toMatchObject({ costMicros: 17, runId: 'run_2', answeredAtMs: 1_000 });
    expect(found?.fields).toEqual(fields);
    expect(await ledger.listOlderAnswers(job.askId, KEY)).toEqual([]);
  });

  test('a refresh replaces the answer, even with null; the old one stays readable', async () => {
    const clock = createTestClock(1_000);
    const place = store.createPlace();
    const ledger = await openStore(store, place, { clock });
    const job = await openTestJob(ledger);
    const runs = [
      ['run_1', 'Ann', 1_000],
      ['run_2', null, 5_000],
      ['run_3', 'Cid', 6_000],
      ['run_4', 'Dan', 7_000],
    ] as const;
    for (const [runId, ceo, nowMs] of runs) {
      clock.nowMs = nowMs;
      const batch = createTestBatch(await openTestJob(ledger), ['Acme'], { refresh: true });
      await reserveTestBatch(ledger, batch);
      const answer = createTestAnswer('Acme', { ceo, headcount: 12 }, runId);
      await settleTestBatch(ledger, batch, createTestRun(runId), [answer]);
    }
    const older = (ceo: string | null, runId: string, answeredAtMs: number, replacedAtMs: number) => {
      const { fields } = createTestAnswer('Acme', { ceo, headcount: 12 }, runId);
      return {
        fields: new Map(
          [...fields]
            .filter(([, { value }]) => value !== null)
            .map(([name, field]) => [name, { ...field, foundAtMs: answeredAtMs, sentAtMs: answeredAtMs }]),
        ),
        answeredAtMs,
        replacedAtMs,
      };
    };
    await ledger.close();
    const again = await openStore(store, place, { clock });
    expect(await findTestAnswer(again, job, 'Acme')).toMatchObject({
      fields: createTestAnswer('Acme', { ceo: 'Dan', headcount: 12 }, 'run_4').fields,
      runId: 'run_4',
      answeredInvocation: 5,
      answeredAtMs: 7_000,
      costMicros: 100_000,
    });
    expect(await again.listOlderAnswers(job.askId, KEY)).toEqual([
      older('Cid', 'run_3', 6_000, 7_000),
      older(null, 'run_2', 5_000, 6_000),
      older('Ann', 'run_1', 1_000, 5_000),
    ]);
    expect(await again.listOlderAnswers(job.askId, createTestKey('Nobody'))).toEqual([]);
    expect(await again.listOlderAnswers('a_nobody', KEY)).toEqual([]);
  });

  test.each(['in one process', 'in the next process', 'in two processes'])(
    'a run adopted after a later one has answered fills gaps and changes nothing else, %s',
    async (where) => {
      const clock = createTestClock(1_000);
      const place = store.createPlace();
      const ledger = await openStore(store, place, { clock });
      const other = where === 'in one process' ? ledger : await openStore(store, place, { clock });
      const job = await openTestJob(ledger);
      const lost = createTestBatch(job, ['Acme']);
      await reserveTestBatch(ledger, lost);
      await ledger.markUnknown(lost.id, 'the list failed');
      clock.nowMs = 2_000;
      // In the process that reserved it, an open batch does not keep a refresh from its rows.
      const later = createTestBatch(await openTestJob(other), ['Acme'], { refresh: true });
      await reserveTestBatch(ledger, later);
      if (where === 'in the next process') {
        await ledger.close();
        await other.adoptBatches(job.askId);
      }
      const owner = where === 'in two processes' ? ledger : other;
      const answer = createTestAnswer('Acme', { ceo: 'New', headcount: null }, 'run_2');
      await settleTestBatch(owner, later, createTestRun('run_2'), [answer]);
      clock.nowMs = 3_000;
      const late = createTestAnswer('Acme', { ceo: 'Old', headcount: 12 }, 'run_1');
      await settleTestBatch(other, lost, createTestRun('run_1'), [late]);
      expect(await findTestAnswer(other, job, 'Acme')).toMatchObject({
        fields: new Map([
          ['ceo', createTestField('New', 'run_2')],
          ['headcount', createTestField(12, 'run_1')],
        ]),
        runId: 'run_2',
        answeredAtMs: 2_000,
        costMicros: 50_000,
      });
    },
  );

  test('a value given by a person replaces the agent’s, and no run replaces it', async () => {
    const clock = createTestClock(1_000);
    const place = store.createPlace();
    const ledger = await openStore(store, place, { clock });
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
    clock.nowMs = 2_000;
    await ledger.putHumanAnswers(job.id, [
      { key: KEY, values: { ceo: 'Zoe', headcount: null } },
      { key: createTestKey('Globex'), values: JSON.parse('{"ceo": {"a": [1]}, "__proto__": "x"}') },
    ]);
    await ledger.putHumanAnswers(job.id, []);
    await ledger.putHumanAnswers(job.id, [
      { key: createTestKey('Hooli'), values: { ceo: 'Gavin' } },
      { key: createTestKey('Hooli'), values: { headcount: 3 } },
    ]);
    const hooli = await findTestAnswer(ledger, job, 'Hooli');
    expect([...(hooli?.fields ?? [])].map(([name, { value }]) => [name, value])).toEqual([
      ['ceo', 'Gavin'],
      ['headcount', 3],
    ]);
    clock.nowMs = 3_000;
    await settleTestRun(ledger, job, ['Acme', 'Globex'], { ceo: 'Bob', refresh: true, attempt: 2 });
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Cid', effort: 'high', attempt: 3 });
    const check = async (each: typeof ledger): Promise<void> => {
      const found = await findTestAnswer(each, job, 'Acme');
      expect(found?.fields.get('ceo')).toMatchObject({ value: 'Zoe', who: 'human', citations: [] });
      expect(found?.fields.get('headcount')).toMatchObject({ value: null, who: 'human' });
      expect(found).toMatchObject({ costMicros: 3, failure: null });
      const globex = await findTestAnswer(each, job, 'Globex');
      expect([...(globex?.fields ?? [])].map(([name, { value }]) => [name, value])).toEqual([
        ['ceo', { a: [1] }],
        ['__proto__', 'x'],
      ]);
      expect(await each.listOlderAnswers(job.askId, KEY)).toMatchObject([
        { fields: new Map([['ceo', expect.objectContaining({ value: 'Ann' })]]), replacedAtMs: 2_000 },
      ]);
    };
    await check(ledger);
    await ledger.close();
    const again = await openStore(store, place, { clock });
    await check(again);
    // A person may change it again, and the earlier value stays readable.
    await again.putHumanAnswers(job.id, [{ key: KEY, values: { ceo: 'Yve' } }]);
    expect(await findCeos(again, job, ['Acme'])).toEqual(new Map([['Acme', 'Yve']]));
    expect(await again.listOlderAnswers(job.askId, KEY)).toHaveLength(2);
  });

  test('a person’s change of a row that another process changed since it was read is refused', async () => {
    const place = store.createPlace();
    const [one, other] = [await openStore(store, place), await openStore(store, place)];
    const job = await openTestJob(one);
    const readSeen = async () => (await one.listChangedRows(job.askId, null, 0)).seen;
    const give = (company: string, ceo: string) => [{ key: createTestKey(company), values: { ceo } }];
    const take = (company: string) => [{ key: createTestKey(company), field: 'ceo' }];
    const empty = await readSeen();
    expect(await one.putHumanAnswers(job.id, give('Acme', 'Ann'), empty)).toBe(true);
    expect(await other.putHumanAnswers(job.id, give('Acme', 'Bob'), empty)).toBe(false);
    expect(await other.rejectAnswers(job.id, take('Acme'), empty)).toBe(false);
    // Another row has not changed.
    expect(await other.putHumanAnswers(job.id, give('Globex', 'Bob'), empty)).toBe(true);
    expect(await findCeos(one, job, ['Acme', 'Globex'])).toEqual(
      new Map([
        ['Acme', 'Ann'],
        ['Globex', 'Bob'],
      ]),
    );
    const seen = await readSeen();
    await settleTestRun(other, job, ['Globex'], { ceo: 'Cid', refresh: true, attempt: 2 });
    expect(await one.putHumanAnswers(job.id, [...give('Acme', 'Dan'), ...give('Globex', 'Dan')], seen)).toBe(
      false,
    );
    expect(await one.rejectAnswers(job.id, take('Acme'), seen)).toBe(true);
    expect(await one.putHumanAnswers(job.id, [], empty)).toBe(true);
    // Without the number of a change, the last one wins.
    expect(await one.putHumanAnswers(job.id, give('Globex', 'Eve'))).toBe(true);
    expect(await findCeos(other, job, ['Acme', 'Globex'])).toEqual(
      new Map([
        ['Acme', undefined],
        ['Globex', 'Eve'],
      ]),
    );
  });

  test('of two changes of a row at once, one is refused', async () => {
    const place = store.createPlace();
    const [one, other] = [await openStore(store, place), await openStore(store, place)];
    const job = await openTestJob(one);
    await settleTestRun(one, job, ['Acme'], { ceo: 'Ann' });
    for (let round = 0; round < 20; round += 1) {
      const { seen } = await one.listChangedRows(job.askId, null, 0);
      const results = await Promise.all([
        one.putHumanAnswers(job.id, [{ key: KEY, values: { ceo: `one ${round}` } }], seen),
        round % 2 === 0
          ? other.putHumanAnswers(job.id, [{ key: KEY, values: { ceo: `other ${round}` } }], seen)
          : other.rejectAnswers(job.id, [{ key: KEY, field: 'ceo' }], seen),
      ]);
      expect([...results].sort()).toEqual([false, true]);
      const written = round % 2 === 0 ? `other ${round}` : undefined;
      expect(await findCeos(one, job, ['Acme'])).toEqual(
        new Map([['Acme', results[0] ? `one ${round}` : written]]),
      );
    }
  });

  test('a rejected cell counts as never asked, and its value stays readable', async () => {
    const clock = createTestClock(1_000);
    const ledger = await openStore(store, undefined, { clock });
    const job = await openTestJob(ledger);
    const batch = createTestBatch(job, ['Acme']);
    await reserveTestBatch(ledger, batch);
    const answer = createTestAnswer('Acme', { ceo: 'Ann', headcount: 12 }, 'run_1');
    await settleTestBatch(ledger, batch, createTestRun('run_1', 4), [answer]);
    clock.nowMs = 2_000;
    await ledger.rejectAnswers(job.id, [
      { key: KEY, field: 'ceo' },
      { key: KEY, field: 'nothing' },
      { key: createTestKey('Nobody'), field: 'ceo' },
    ]);
    await ledger.rejectAnswers(job.id, []);
    const found = await findTestAnswer(ledger, job, 'Acme');
    expect([...(found?.fields.keys() ?? [])]).toEqual(['headcount']);
    expect(found).toMatchObject({ costMicros: 4, runId: 'run_1', answeredAtMs: 1_000 });
    expect(await findTestAnswer(ledger, job, 'Nobody')).toBeUndefined();
    const rejected = { fields: new Map([['ceo', createTestField('Ann', 'run_1')]]), replacedAtMs: 2_000 };
    expect(await ledger.listOlderAnswers(job.askId, KEY)).toMatchObject([rejected]);
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Bob', attempt: 2 });
    expect(await findCeos(ledger, job, ['Acme'])).toEqual(new Map([['Acme', 'Bob']]));
    expect(await ledger.listOlderAnswers(job.askId, KEY)).toMatchObject([rejected]);
    // A person's value can be rejected too.
    await ledger.putHumanAnswers(job.id, [{ key: KEY, values: { ceo: 'Zoe' } }]);
    await ledger.rejectAnswers(job.id, [{ key: KEY, field: 'ceo' }]);
    expect(await findCeos(ledger, job, ['Acme'])).toEqual(new Map([['Acme', undefined]]));
    expect(
      (await ledger.listOlderAnswers(job.askId, KEY)).map(({ fields }) => fields.get('ceo')?.value),
    ).toEqual(['Zoe', 'Bob', 'Ann']);
  });

  test('an answer belongs to the field that was asked: its name, schema and description', async () => {
    const ledger = await openStore(store);
    const ask = (properties: JsonObject) =>
      createAsk({
        ...createTestAsk(),
        schema: { type: 'object', properties },
        fields: Object.entries(properties).map(([name, schema]) => ({ name, schema: schema as JsonObject })),
      });
    const first = ask({ ceo: { type: 'string' }, headcount: { type: 'integer' } });
    const reworded = ask({ ceo: { type: 'string', description: 'Who leads it today' } });
    const job = await openTestJob(ledger, first);
    const batch = createTestBatch(job, ['Acme'], { version: first.version });
    await reserveTestBatch(ledger, batch);
    const answer = createTestAnswer('Acme', { ceo: 'Ann', headcount: 5 }, 'run_1');
    await settleTestBatch(ledger, batch, createTestRun('run_1'), [answer]);
    const later = await openTestJob(ledger, reworded);
    expect(later).toMatchObject({ id: job.id, invocation: 2, previous: { ask: { version: first.version } } });
    expect((await findTestAnswer(ledger, later, 'Acme'))?.fields.size).toBe(0);
    expect((await findTestAnswer(ledger, { id: job.id, askId: job.askId }, 'Acme'))?.fields.size).toBe(0);
    await settleTestRun(ledger, later, ['Acme'], { ceo: 'Bob', version: reworded.version });
    expect(await findCeos(ledger, later, ['Acme'])).toEqual(new Map([['Acme', 'Bob']]));
    const back = await openTestJob(ledger, first);
    expect(await findCeos(ledger, back, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
    const asks = (await ledger.listAsks(job.askId)).map(({ version }) => version);
    expect(asks.sort()).toEqual([first.version, reworded.version].sort());
    expect(await ledger.listAsks('a_nobody')).toEqual([]);
    expect(await ledger.listJobs()).toMatchObject([{ answered: 1 }]);
    expect(await ledger.check()).toEqual([]);
  });

  test('a run of an earlier ask that ends later is stored for the fields that it was asked', async () => {
    const ledger = await openStore(store);
    const first = createTestAsk();
    const job = await openTestJob(ledger, first);
    const batch = createTestBatch(job, ['Acme'], { version: first.version });
    await reserveTestBatch(ledger, batch);
    const ceo = { type: 'string', description: 'Who leads it today' };
    const reworded = createAsk({
      ...first,
      schema: { type: 'object', properties: { ceo } },
      fields: [{ name: 'ceo', schema: ceo }],
    });
    const later = await openTestJob(ledger, reworded);
    const [open] = await ledger.listOpenBatches(job.askId);
    expect(open?.ask).toEqual(first);
    const answer = createTestAnswer('Acme', { ceo: 'Ann' }, 'run_1');
    await settleTestBatch(ledger, batch, createTestRun('run_1'), [answer]);
    expect((await findTestAnswer(ledger, later, 'Acme'))?.fields.size).toBe(0);
    expect(await findCeos(ledger, { ...later, ask: first }, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
  });

  test('a rejected value stays blank if a run gives it again, and comes back only from a person', async () => {
    const ledger = await openStore(store);
    const job = await openTestJob(ledger);
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann' });
    await ledger.rejectAnswers(job.id, [{ key: KEY, field: 'ceo' }]);
    const batch = createTestBatch(job, ['Acme'], { attempt: 2 });
    await reserveTestBatch(ledger, batch);
    const again = createTestAnswer('Acme', { ceo: ' ANN' }, 'run_2');
    const settled = await settleTestBatch(ledger, batch, createTestRun('run_2'), [again]);
    expect(settled.merged.get(KEY)?.get('ceo')).toMatchObject({ value: null, issue: REJECTED_AGAIN });
    const found = await findTestAnswer(ledger, job, 'Acme');
    expect(found?.rejected).toEqual(new Map([['ceo', ['Ann']]]));
    expect(found?.fields.get('ceo')).toMatchObject({ value: null, citations: [], runId: 'run_2' });
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Bob', attempt: 3 });
    expect(await findCeos(ledger, job, ['Acme'])).toEqual(new Map([['Acme', 'Bob']]));
    await ledger.putHumanAnswers(job.id, [{ key: KEY, values: { ceo: 'Ann' } }]);
    expect(await findCeos(ledger, job, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
    await ledger.rejectAnswers(job.id, [{ key: KEY, field: 'ceo', mayComeBack: true }]);
    expect((await findTestAnswer(ledger, job, 'Acme'))?.fields.size).toBe(0);
    await settleTestRun(ledger, job, ['Acme'], { ceo: 'Ann', attempt: 4 });
    expect(await findCeos(ledger, job, ['Acme'])).toEqual(new Map([['Acme', 'Ann']]));
  });

  test('any answer survives storing and reading', async () => {
    const place = store.createPlace();
    const ledger = await openStore(store, place);
    const job = await openTestJob(ledger);
    const text = fc.string({ unit: 'binary' });
    const field = fc.record({
      value: fc.jsonValue().map((json) => JSON.parse(JSON.stringify(json)) as JsonValue),
      confidence: fc.constantFrom<Confidence | null>('low', 'medium', 'high', null),
      citations: fc.array(
        fc.record(
          { url: fc.option(fc.webUrl()), title: fc.option(text), text },
          { requiredKeys: ['url'], noNullPrototype: true },
        ),
      ),
      issue: fc.option(text),
    });
    const names = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '7', ''));
    const row = fc.array(fc.tuple(names, field));
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 3 }), async (rows) => {
        runs += 1;
        const runId = `run_${runs}`;
        const companies = rows.map((_, index) => `Company ${runs} ${index}`);
        const batch = createTestBatch(job, companies);
        const answers = rows.map((entries, index) => ({
          key: createTestKey(companies[index] ?? ''),
          fields: new Map(
            entries.map(([name, parts]): [string, FieldAnswer] => [
              name,
              {
                ...parts,
                runId,
                effort: 'low',
                triedEffort: 'low',
                foundAtMs: 1_000_000,
                sentAtMs: 1_000_000,
              },
            ]),
          ),
        }));
        await reserveTestBatch(ledger, batch);
        await settleTestBatch(ledger, batch, createTestRun(runId), answers);
        const keys = companies.map(createTestKey);
        const found = (await ledger.findAnswers(job, keys)).answers;
        expect(keys.map((key) => new Map([...(found.get(key)?.fields ?? [])].sort()))).toEqual(
          answers.map(({ fields }) => new Map([...fields].sort())),
        );
      }),
      { numRuns: 60 },
    );
    expect(await ledger.check()).toEqual([]);
  });
});
