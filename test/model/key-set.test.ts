import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashText } from '../../src/model/ask.js';
import { KeySet } from '../../src/model/key-set.js';

test('each key is new once, whatever came before', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 50 }).map((number) => hashText(String(number), 32)));
  fc.assert(
    fc.property(keys, (list) => {
      const [own, reference] = [new KeySet(), new Set<string>()];
      for (const key of list) expect(own.add(key)).toBe(!reference.has(key) && reference.add(key).has(key));
    }),
  );
});

test('keys that belong into the same slot, and those that differ in one digit, are told apart', () => {
  const set = new KeySet();
  const keys = ['00000001', '00000401', '00000801'].flatMap((start) =>
    ['0', '1', 'f'].map((end) => `${start}${'0'.repeat(23)}${end}`),
  );
  expect(keys.map((key) => set.add(key))).toEqual(keys.map(() => true));
  expect(keys.map((key) => set.add(key))).toEqual(keys.map(() => false));
});

test('many more keys than it began with are all kept', () => {
  const set = new KeySet();
  const keys = Array.from({ length: 20_000 }, (_, index) => hashText(String(index), 32));
  expect(keys.every((key) => set.add(key))).toBe(true);
  expect(keys.some((key) => set.add(key))).toBe(false);
});

test('what is no row key is refused, since it would be found as another', () => {
  const set = new KeySet();
  for (const key of ['', 'a', 'zz'.repeat(16), '0'.repeat(33)])
    expect(() => set.add(key)).toThrow(RangeError);
});
