import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatInOrder, keepOrder } from '../../src/model/key-order.js';

test('keys that are numbers keep their place, deep inside too', () => {
  const inner = keepOrder({ name: 'x', 2023: null, 10: [], 9: {} }, ['name', '2023', '10', '9']);
  expect(formatInOrder({ list: [1, inner], left: undefined })).toBe(
    '{"list":[1,{"name":"x","2023":null,"10":[],"9":{}}]}',
  );
});

test('keys without a place come last, and places without a key are left out', () => {
  const object = keepOrder({ b: 1, 7: 2, a: 3 }, ['x', 'a', '7']);
  expect(formatInOrder(object)).toBe('{"a":3,"7":2,"b":1}');
});

test('the text is that of JSON.stringify, with line breaks too', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
      const object = keepOrder({ 1: value, empty: {}, none: [] }, ['1', 'empty', 'none']);
      expect(formatInOrder(object, indent)).toBe(JSON.stringify(object, null, indent));
    }),
  );
});
