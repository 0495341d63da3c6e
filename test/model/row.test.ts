import { expect, test } from 'vitest';
import { getValue, isEmpty, type Row } from '../../src/model/row.js';

const object: Row = {
  kind: 'object',
  ordinal: 0,
  line: 1,
  object: { address: { city: 'Bonn', geo: null }, 'a.b': 1, list: ['x'] },
  text: '',
};

test('a dotted name reads a nested value of a JSON row, unless a key has that exact name', () => {
  expect(getValue(object, 'address.city')).toBe('Bonn');
  expect(getValue(object, 'a.b')).toBe(1);
  expect(getValue(object, 'address.geo')).toBeNull();
  expect(getValue(object, 'address.geo.lat')).toBeUndefined();
  expect(getValue(object, 'list.0')).toBeUndefined();
  expect(getValue(object, 'address.constructor')).toBeUndefined();
});

test('names of built-in object properties work as columns', () => {
  const cells: Row = {
    kind: 'cells',
    ordinal: 0,
    line: 1,
    columns: new Map([['__proto__', 0]]),
    cells: ['x'],
  };
  expect(getValue(cells, '__proto__')).toBe('x');
  expect(getValue(cells, 'constructor')).toBeUndefined();
  expect(getValue({ ...object, object: JSON.parse('{"__proto__":"x"}') }, '__proto__')).toBe('x');
});

test('missing, null and white space are blank; zero and false are not', () => {
  expect([undefined, null, '', ' \t\n\u00a0'].map(isEmpty)).toEqual([true, true, true, true]);
  expect([0, false, 'x', [], {}].map(isEmpty)).toEqual([false, false, false, false, false]);
});
