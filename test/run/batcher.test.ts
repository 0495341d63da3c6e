import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/model/json.js';
import type { PendingBatch, Question } from '../../src/model/question.js';
import { Batcher, batchSizeFor, computeLastAttempt } from '../../src/run/batcher.js';

function question(key: string, parts: Partial<Question> = {}): Question {
  return { key, record: { name: key }, fields: ['f'], level: 0, attempt: 1, fault: null, seen: 0, ...parts };
}

type Options = ConstructorParameters<typeof Batcher>[0];

/** By default, every run costs the same, whatever its rows and fields. */
function createBatcher(options: Partial<Options>): Batcher {
  return new Batcher({
    batchSize: 8,
    maxBatchBytes: 1_000,
    fieldNames: ['a', 'b', 'c', 'f', 'g'],
    computePrice: () => 1,
    ...options,
  });
}

function drain(pool: Batcher): PendingBatch[] {
  const groups: PendingBatch[] = [];
  for (let group = pool.takeFull(); group !== null; group = pool.takeFull()) groups.push(group);
  for (let rest = pool.takeLowest(); rest.length > 0; rest = pool.takeLowest()) groups.push(...rest);
  return groups;
}

test('every question is in exactly one batch, and batches are of one kind and never too large', () => {
  const kinds = fc.record({
    level: fc.nat(2),
    attempt: fc.integer({ min: 1, max: 5 }),
    fields: fc.constantFrom(['a'], ['b'], ['a', 'b']),
  });
  fc.assert(
    fc.property(fc.array(kinds, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (all, batchSize) => {
      const pool = createBatcher({ batchSize, maxBatchBytes: 100_000 });
      all.forEach((kind, index) => {
        pool.add(question(String(index), kind));
      });
      const groups = drain(pool);
      const keys = groups.flatMap((group) => group.questions.map(({ key }) => Number(key)));
      expect(keys.sort((a, b) => a - b)).toEqual(all.map((_, index) => index));
      for (const group of groups) {
        expect(group.questions.length).toBeLessThanOrEqual(batchSizeFor(batchSize, group.attempt));
        for (const { level, attempt } of group.questions)
          expect({ level, attempt }).toEqual({ level: group.level, attempt: group.attempt });
        const asked = new Set(group.questions.flatMap(({ fields }) => fields));
        expect(group.fields).toEqual(['a', 'b'].filter((name) => asked.has(name)));
      }
    }),
  );
});

test('a batch is closed before its records exceed the size limit in bytes', () => {
  const weigh = (keys: readonly string[], maxBatchBytes: number): number[] => {
    const pool = createBatcher({ batchSize: 10, maxBatchBytes });
    for (const key of keys) pool.add(question(key));
    return drain(pool).map((group) => group.questions.length);
  };
  expect(weigh(['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc'], 42)).toEqual([2, 1]);
  expect(weigh(['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc'], 41)).toEqual([1, 1, 1]);
  expect(weigh(['ääääääääää', 'öööööööööö', 'üüüüüüüüüü'], 42)).toEqual([1, 1, 1]);
});

test('a batch is as large as the size limit allows, for any records', () => {
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.jsonValue());
  const record = fc.dictionary(fc.string(), value) as fc.Arbitrary<JsonObject>;
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 2_000 }),
      (all, most) => {
        const pool = createBatcher({ batchSize: 20, maxBatchBytes: most });
        for (const [index, each] of all.entries()) pool.add(question(String(index), { record: each }));
        const weigh = (each: JsonObject): number => Buffer.byteLength(JSON.stringify(each));
        const sizes: number[] = [];
        let bytes = Number.POSITIVE_INFINITY;
        for (const each of all) {
          const isFull = bytes + weigh(each) > most || sizes.at(-1) === 20;
          if (isFull) sizes.push(0);
          bytes = (isFull ? 0 : bytes) + weigh(each);
          sizes[sizes.length - 1] = (sizes.at(-1) ?? 0) + 1;
        }
        expect(drain(pool).map((group) => group.questions.length)).toEqual(sizes);
      },
    ),
  );
});

test('when no more input comes, the lowest level and attempt go first, because their failures may fill the others', () => {
  const pool = createBatcher({ batchSize: 8, maxBatchBytes: 1_000 });
  pool.add(question('climb', { level: 1 }));
  pool.add(question('third', { attempt: 3 }));
  pool.add(question('second a', { attempt: 2 }));
  pool.add(question('second b', { attempt: 2, fields: ['g'] }));
  const steps: string[][] = [];
  for (let groups = pool.takeLowest(); groups.length > 0; groups = pool.takeLowest()) {
    steps.push(groups.flatMap((group) => group.questions.map(({ key }) => key)));
  }
  expect(steps).toEqual([['second a', 'second b'], ['third'], ['climb']]);
});

test('retries of different fields take no more batches than retries of the same fields', () => {
  const fieldLists = fc.subarray(['a', 'b', 'c'], { minLength: 1 });
  fc.assert(
    fc.property(
      fc.array(fieldLists, { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      (lists, batchSize) => {
        const pool = createBatcher({ batchSize, maxBatchBytes: 100_000 });
        for (const [index, fields] of lists.entries())
          pool.add(question(String(index), { fields, level: 1 }));
        const groups = drain(pool);
        expect(groups).toHaveLength(Math.ceil(lists.length / batchSize));
        const fieldsByKey = new Map(
          groups.flatMap((group) => group.questions.map(({ key, fields }) => [key, fields])),
        );
        expect(lists.map((_fields, index) => fieldsByKey.get(String(index)))).toEqual(lists);
      },
    ),
  );
});

test('first questions of different fields share a batch once the input has ended', () => {
  const pool = createBatcher({});
  pool.add(question('a', { fields: ['a'] }));
  pool.add(question('b', { fields: ['b'] }));
  expect(pool.takeFull()).toBeNull();
  const [group, ...others] = pool.takeFirst();
  expect(others).toEqual([]);
  expect(group?.fields).toEqual(['a', 'b']);
  expect(group?.questions.map(({ fields }) => fields)).toEqual([['a'], ['b']]);
});

test('partial batches are merged only if one run costs no more than two, and only up to the size limits', () => {
  const takeSizes = (options: Partial<Options>): number[] => {
    const pool = createBatcher(options);
    for (const key of ['1', '2', '3']) pool.add(question(key, { fields: ['a'], level: 1 }));
    for (const key of ['4', '5', '6']) pool.add(question(key, { fields: ['b'], level: 1 }));
    return pool.takeLowest().map(({ questions }) => questions.length);
  };
  // The run costs 10, and each row 4 for field a, such as a contact.
  const computePrice = ({ questions, fields }: PendingBatch): number =>
    10 + (fields.includes('a') ? 4 * questions.length : 0);
  expect(takeSizes({})).toEqual([6]);
  expect(takeSizes({ computePrice })).toEqual([3, 3]);
  expect(takeSizes({ batchSize: 4, computePrice: () => 1 })).toEqual([4, 2]);
  expect(takeSizes({ maxBatchBytes: 60 })).toEqual([5, 1]);
});

test('a row with several retries is in a merged batch once, with all of their fields', () => {
  const pool = createBatcher({});
  pool.add(question('row', { fields: ['c'], level: 1 }));
  pool.add(question('other', { fields: ['b'], level: 1 }));
  pool.add(question('row', { fields: ['a'], level: 1 }));
  const [group, ...others] = pool.takeLowest();
  expect(others).toEqual([]);
  expect(group?.fields).toEqual(['a', 'b', 'c']);
  expect(group?.questions.map(({ key, fields }) => [key, fields])).toEqual([
    ['row', ['a', 'c']],
    ['other', ['b']],
  ]);
});

test('partial batches of first questions only, while more may come for the others', () => {
  const pool = createBatcher({ batchSize: 8, maxBatchBytes: 1_000 });
  pool.add(question('repair', { attempt: 2 }));
  pool.add(question('climb', { level: 1 }));
  pool.add(question('first'));
  expect(pool.takeFirst().map(({ questions }) => questions.map(({ key }) => key))).toEqual([['first']]);
  expect(pool.takeFirst()).toEqual([]);
  expect(drain(pool)).toHaveLength(2);
});

test('repairs halve the batch until each row is alone', () => {
  expect([1, 2, 3, 4, 5, 6].map((attempt) => batchSizeFor(8, attempt))).toEqual([8, 8, 4, 2, 1, 1]);
  for (const batchSize of [1, 2, 7, 8, 100])
    expect(batchSizeFor(batchSize, computeLastAttempt(batchSize))).toBe(1);
});
