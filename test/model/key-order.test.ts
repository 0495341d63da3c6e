import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOrderKeeper, formatInOrder } from '../../src/model/key-order.js';

test('keys that are numbers keep their place, deep inside too', () => {
  const inner = createOrderKeeper(['name', '2023', '10', '9'])({ name: 'x', 2023: null, 10: [], 9: {} });
  expect(formatInOrder({ list: [1, inner], left: undefined })).toBe(
    '{"list":[1,{"name":"x","2023":null,"10":[],"9":{}}]}',
  );
});

test('keys without a place come last, and places without a key are left out', () => {
  const object = createOrderKeeper(['x', 'a', '7'])({ b: 1, 7: 2, a: 3 });
  expect(formatInOrder(object)).toBe('{"a":3,"7":2,"b":1}');
});

test('the text is that of JSON.stringify, with line breaks too', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
      const object = createOrderKeeper(['1', 'empty', 'none'])({ 1: value, empty: {}, none: [] });
      expect(formatInOrder(object, indent)).toBe(JSON.stringify(object, null, indent));
    }),
  );
});
