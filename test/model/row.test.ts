import { expect, test } from 'vitest';
import type { Row } from '../../src/model/row.js';
import { isEmpty, readValue } from '../../src/model/row.js';

const object: Row = {
  kind: 'object',
  ordinal: 0,
  line: 1,
  object: { address: { city: 'Bonn', geo: null }, 'a.b': 1, list: ['x'] },
  text: '',
};

test('a dotted name reaches into a JSON row, and a key that has the dot itself comes first', () => {
  expect(readValue(object, 'address.city')).toBe('Bonn');
  expect(readValue(object, 'a.b')).toBe(1);
  expect(readValue(object, 'address.geo')).toBeNull();
  expect(readValue(object, 'address.geo.lat')).toBeUndefined();
  expect(readValue(object, 'list.0')).toBeUndefined();
  expect(readValue(object, 'address.constructor')).toBeUndefined();
});

test('names that JavaScript objects have anyway are columns like any other', () => {
  const cells: Row = {
    kind: 'cells',
    ordinal: 0,
    line: 1,
    columns: new Map([['__proto__', 0]]),
    cells: ['x'],
  };
  expect(readValue(cells, '__proto__')).toBe('x');
  expect(readValue(cells, 'constructor')).toBeUndefined();
  expect(readValue({ ...object, object: JSON.parse('{"__proto__":"x"}') }, '__proto__')).toBe('x');
});

test('what is missing, null or white space counts as blank; zero and false do not', () => {
  expect([undefined, null, '', ' \t\n\u00a0'].map(isEmpty)).toEqual([true, true, true, true]);
  expect([0, false, 'x', [], {}].map(isEmpty)).toEqual([false, false, false, false, false]);
});
