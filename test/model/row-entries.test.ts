import { expect, test } from 'vitest';
import type { JsonValue } from '../../src/model/json.js';
import { matchNames, splitRowIds } from '../../src/model/row-entries.js';

function createSchema(rowId: JsonValue) {
  const items = { properties: { row_id: rowId, fields: { type: 'object' } }, required: ['row_id'] };
  return { $schema: 'x', properties: { rows: { type: 'array', items } }, required: ['rows'] };
}

test('the ids are split off, and everything else stays in its place and order', () => {
  const split = splitRowIds(createSchema({ type: 'string', enum: ['a', 'b'] }));
  expect(split?.rowIds).toEqual(['a', 'b']);
  expect(JSON.stringify(split?.rest)).toBe(JSON.stringify(createSchema({ type: 'string' })));
});

test.each([
  ['no ids', { type: 'string' }],
  ['an empty list', { enum: [] }],
  ['an id that is not text', { enum: ['a', 1] }],
  ['an id twice', { enum: ['a', 'a'] }],
  ['something else than a list', { enum: 'a' }],
  ['a schema of true', true],
])('%s is left as it is', (_name, rowId) => {
  expect(splitRowIds(createSchema(rowId))).toBeNull();
});

test('a schema without rows is left as it is', () => {
  expect(splitRowIds({ enum: ['a'] })).toBeNull();
  expect(splitRowIds({ properties: { rows: { items: [{ properties: {} }] } } })).toBeNull();
});

test.each(['größe', 'GRÖSSE', 'Grösse', 'gro\u0308\u00dfe'])('the key %j is a spelling of größe', (key) => {
  expect([...matchNames({ [key]: 7, other: 1 }, ['größe', 'stadt']).values()]).toEqual(
    key === 'größe' ? [] : [key],
  );
});
