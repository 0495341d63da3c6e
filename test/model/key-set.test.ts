import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashText } from '../../src/model/ask.js';
import { KeySet } from '../../src/model/key-set.js';

test('each key is new exactly once', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 50 }).map((number) => hashText(String(number), 32)));
  fc.assert(
    fc.property(keys, (list) => {
      const [own, reference] = [new KeySet(), new Set<string>()];
      for (const key of list) expect(own.add(key)).toBe(!reference.has(key) && reference.add(key).has(key));
    }),
  );
});

test('distinguishes keys with the same slot and keys that differ in one digit', () => {
  const set = new KeySet();
  const keys = ['00000001', '00000401', '00000801'].flatMap((start) =>
    ['0', '1', 'f'].map((end) => `${start}${'0'.repeat(23)}${end}`),
  );
  expect(keys.map((key) => set.add(key))).toEqual(keys.map(() => true));
  expect(keys.map((key) => set.add(key))).toEqual(keys.map(() => false));
});

test('keeps many more keys than its initial capacity', () => {
  const set = new KeySet();
  const keys = Array.from({ length: 20_000 }, (_, index) => hashText(String(index), 32));
  expect(keys.every((key) => set.add(key))).toBe(true);
  expect(keys.some((key) => set.add(key))).toBe(false);
});

test('rejects invalid keys, which could be mistaken for others', () => {
  const set = new KeySet();
  for (const key of ['', 'a', 'zz'.repeat(16), '0'.repeat(33)])
    expect(() => set.add(key)).toThrow(RangeError);
});
